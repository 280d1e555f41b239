#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "client/cli/context.h"
#include "client/cpp/recovery_client.h"

namespace anamnesis::cli {
namespace {

constexpr std::chrono::milliseconds kLookAgain(300);

// One node that takes part.
struct Fenced {
  std::unique_ptr<RecoveryClient> client;
  v1::RecoveryReport report;
};

class Recovery {
 public:
  Recovery(ClientIdentity identity, std::string rationale, int wait_seconds)
      : identity_(std::move(identity)),
        rationale_(std::move(rationale)),
        until_(std::chrono::steady_clock::now() + std::chrono::seconds(wait_seconds)) {}

  Status Run(const std::string& addresses);

 private:
  Status Report(Fenced& node);
  Status Collect(const std::string& addresses);
  Status MakePlan();
  Status CatchUp(Fenced& node);
  Status Bring(Fenced& node, const v1::RecoveryPlan::Batch& batch);
  Status Follow();
  Fenced* Find(const std::string& node);
  // Nothing is to be followed.
  bool GoesOn() const { return plan_.base_revision() == 0; }

  const ClientIdentity identity_;
  const std::string rationale_;
  const std::chrono::steady_clock::time_point until_;
  std::vector<Fenced> nodes_;
  v1::RecoveryPlan plan_;
};

// A node that opens its ledger again does not answer meanwhile.
Status Recovery::Report(Fenced& node) {
  while (true) {
    StatusOr<v1::RecoveryReport> report = node.client->GetReport();
    if (report.ok()) {
      node.report = *std::move(report);
      return OkStatus();
    }
    if (report.status().code() == absl::StatusCode::kUnimplemented) {
      return absl::FailedPreconditionError(Text(node.client->address(), ": this node is not fenced; stop it and start ",
                                                "it with `anamnesisd --recover`"));
    }
    if (!absl::IsUnavailable(report.status()) || std::chrono::steady_clock::now() >= until_) return report.status();
    std::this_thread::sleep_for(kLookAgain);
  }
}

Status Recovery::Collect(const std::string& addresses) {
  ASSIGN_OR_RETURN(const std::vector<std::string> split, SplitAddresses(addresses));
  for (const std::string& address : split) {
    Fenced& node = nodes_.emplace_back();
    node.client = std::make_unique<RecoveryClient>(address, identity_);
    RETURN_IF_ERROR(Report(node));
    std::cerr << address << ": node " << node.report.node() << ", applied " << node.report.applied_revision() << ", "
              << node.report.staged_size() << " batches staged\n";
  }
  return OkStatus();
}

Status Recovery::MakePlan() {
  v1::MakePlanRequest request;
  for (const Fenced& node : nodes_) *request.add_reports() = node.report;
  request.set_rationale(rationale_);
  ASSIGN_OR_RETURN(plan_, nodes_.front().client->MakePlan(request));
  if (GoesOn()) {
    std::cerr << "etcd holds the order that these nodes are of; they go on in it\n";
    return OkStatus();
  }
  std::cerr << "the plan: what is applied up to " << plan_.prefix_revision() << ", then " << plan_.batches_size()
            << " batches; " << plan_.members().voters_size() << " voters and " << plan_.members().learners_size()
            << " learners go on\n";
  return OkStatus();
}

Fenced* Recovery::Find(const std::string& node) {
  const auto found =
      std::find_if(nodes_.begin(), nodes_.end(), [&](const Fenced& each) { return each.report.node() == node; });
  return found == nodes_.end() ? nullptr : &*found;
}

Status Recovery::CatchUp(Fenced& node) {
  v1::RecoveryCatchUpRequest request;
  request.set_revision(plan_.prefix_revision());
  std::cerr << "node " << node.report.node() << " copies what it lacks\n";
  RETURN_IF_ERROR(node.client->CatchUp(request));
  while (node.report.applied_revision() < plan_.prefix_revision()) {
    if (std::chrono::steady_clock::now() >= until_) {
      return absl::DeadlineExceededError(
          Text("node ", node.report.node(), " has not copied what it lacks; run this ", "again"));
    }
    std::this_thread::sleep_for(kLookAgain);
    RETURN_IF_ERROR(Report(node));
  }
  return OkStatus();
}

// A batch from a node that has it.
Status Recovery::Bring(Fenced& node, const v1::RecoveryPlan::Batch& batch) {
  const auto& holders = batch.holders();
  if (std::find(holders.begin(), holders.end(), node.report.node()) != holders.end()) return OkStatus();
  v1::GetStagedRequest get;
  get.set_session(batch.batch().session());
  get.set_number(batch.batch().number());
  Status failed = absl::DataLossError("nobody has a batch of the plan");
  for (const std::string& holder : holders) {
    Fenced* const from = Find(holder);
    if (from == nullptr) continue;
    StatusOr<v1::GetStagedResponse> got = from->client->GetStaged(get);
    failed = got.status();
    if (!got.ok()) continue;
    v1::PutStagedRequest put;
    *put.mutable_name() = batch.batch();
    put.set_batch(std::move(*got->mutable_batch()));
    return node.client->PutStaged(put);
  }
  return failed;
}

Status Recovery::Follow() {
  for (Fenced& node : nodes_) {
    if (node.report.applied_revision() < plan_.prefix_revision()) RETURN_IF_ERROR(CatchUp(node));
    for (const v1::RecoveryPlan::Batch& batch : plan_.batches()) RETURN_IF_ERROR(Bring(node, batch));
  }
  v1::FollowPlanRequest request;
  *request.mutable_plan() = plan_;
  for (const Fenced& node : nodes_) {
    RETURN_IF_ERROR(node.client->FollowPlan(request).status());
    std::cerr << "node " << node.report.node() << " follows the plan\n";
  }
  return OkStatus();
}

Status Recovery::Run(const std::string& addresses) {
  RETURN_IF_ERROR(Collect(addresses));
  RETURN_IF_ERROR(MakePlan());
  if (!GoesOn()) {
    RETURN_IF_ERROR(Follow());
    v1::FoundEtcdRequest found;
    *found.mutable_plan() = plan_;
    RETURN_IF_ERROR(nodes_.front().client->FoundEtcd(found));
  }
  for (const Fenced& node : nodes_) RETURN_IF_ERROR(node.client->Finish());
  const v1::RecoveryMembers& members = GoesOn() ? nodes_.front().report.members() : plan_.members();
  std::cout << "recovered: " << nodes_.size() << " nodes go on with the "
            << (GoesOn() ? "etcd that holds their order" : "new etcd") << ", in incarnation " << members.incarnation()
            << "\n";
  return OkStatus();
}

}  // namespace

void AddRecover(CLI::App& cluster) {
  struct Options {
    Common common;
    std::string rationale;
    int wait_seconds = 600;
  };
  const auto options = std::make_shared<Options>();
  CLI::App& verb =
      *cluster.add_subcommand("recover", "takes the ledger to a new etcd when the old one is lost for good");
  verb.footer(
      "First stop all nodes, make a new etcd, and start with `anamnesisd --recover ...` every node that still has its\n"
      "disk; they must be a majority of the voters. Nodes that are not named have to be rebuilt with new disks.\n"
      "Can be repeated, also when it broke off after some nodes had been finished: name those that are still fenced.\n"
      "Example: anamnesis cluster recover --ledger a:7420,b:7420 --rationale 'all disks of etcd failed'");
  AddLedgerOption(verb, options->common);
  verb.add_option("--rationale", options->rationale, "why, for the ledger's record of the recovery")->required();
  verb.add_option("--wait", options->wait_seconds, "seconds to wait for nodes that copy")->capture_default_str();
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(ClientIdentity identity, LoadIdentity(options->common.tls));
    Recovery recovery(std::move(identity), options->rationale, options->wait_seconds);
    RETURN_IF_ERROR(recovery.Run(options->common.ledger));
    return kDone;
  });
}

}  // namespace anamnesis::cli
