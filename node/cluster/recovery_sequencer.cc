#include "node/cluster/recovery_sequencer.h"

#include <condition_variable>
#include <optional>
#include <utility>

#include "ledger/base/limits.h"
#include "ledger/crypto/sha256.h"
#include "node/cluster/catch_up_server.h"
#include "node/cluster/disk_state.h"
#include "node/cluster/etcd_members.h"
#include "node/cluster/members_record.h"
#include "node/cluster/order_in_etcd.h"
#include "node/cluster/peers.h"
#include "node/cluster/recovery_messages.h"
#include "node/cluster/wire.h"
#include "node/etcd/etcd_client.h"
#include "node/replication/recovery.h"

namespace anamnesis {
namespace {

constexpr std::string_view kFenced =
    "this node is fenced until its ledger has been taken to a new etcd (anamnesis cluster recover)";

BatchName NameOf(const BatchId& id) { return {id.session.value, id.number.value}; }

Status NotNew(uint64_t incarnation) {
  return absl::FailedPreconditionError(
      Text("etcd holds the members of incarnation ", incarnation,
           " of an order already: it is not lost, or not new; give the nodes a new etcd or another --etcd-prefix"));
}

class RecoverySequencer : public Sequencer, public RecoveryOperations {
 public:
  RecoverySequencer(ClusterOptions options, Staging& staging, std::shared_ptr<RecoveryControl> control,
                    RecoveryCallbacks callbacks)
      : options_(std::move(options)),
        staging_(staging),
        control_(std::move(control)),
        callbacks_(std::move(callbacks)),
        catch_up_(options_.origin, staging_.store()) {}
  ~RecoverySequencer() override { Stop(); }

  Status Start(Revision applied, Receiver receiver) override {
    receiver_ = std::move(receiver);
    applied_ = applied;
    ASSIGN_OR_RETURN(const Members noted, NotedMembers());
    // Only for those that copy from here.
    ASSIGN_OR_RETURN(peers_, Peers::Start(
                                 options_, [](const NodeId&, internal::PeerMessage) {}, &catch_up_));
    peers_->SetMembers(noted);
    catch_up_.SetMembers(noted);
    control_->Attach(*this);
    return OkStatus();
  }
  Status Submit(std::shared_ptr<const Payload>) override { return absl::UnavailableError(Text(kFenced)); }
  void Applied(Revision revision, const StateDigest&) override {
    const std::lock_guard lock(applied_mutex_);
    applied_ = revision;
    moved_.notify_all();
  }
  bool order_is_final() const override { return true; }
  void Barrier(std::function<void(const Status&)> done) override { done(absl::UnavailableError(Text(kFenced))); }
  std::string refusing() const override { return std::string(kFenced); }
  void Stop() override {
    {
      const std::lock_guard lock(applied_mutex_);
      stopping_ = true;
      moved_.notify_all();
    }
    control_->Detach();
    peers_.reset();
  }

  StatusOr<v1::RecoveryReport> GetReport() override;
  StatusOr<v1::RecoveryPlan> MakePlan(const v1::MakePlanRequest& request, const v1::Agent& requested_by) override;
  StatusOr<v1::RecoveryCatchUpResponse> CatchUp(const v1::RecoveryCatchUpRequest& request) override;
  StatusOr<v1::GetStagedResponse> GetStaged(const v1::GetStagedRequest& request) override;
  StatusOr<v1::PutStagedResponse> PutStaged(const v1::PutStagedRequest& request) override;
  StatusOr<v1::FollowPlanResponse> FollowPlan(const v1::FollowPlanRequest& request) override;
  StatusOr<v1::FoundEtcdResponse> FoundEtcd(const v1::FoundEtcdRequest& request) override;
  StatusOr<v1::FinishRecoveryResponse> Finish() override;

 private:
  Revision applied() const {
    const std::lock_guard lock(applied_mutex_);
    return applied_;
  }
  StatusOr<Members> NotedMembers() const;
  StatusOr<bool> HasFollowed(const RecoveryPlan& plan) const;
  Status CheckHasAll(const RecoveryPlan& plan) const;
  Status Deliver(const Ordered& ordered);
  Status DeliverBatch(const RecoveredBatch& batch);
  Status DeliverMembers(const RecoveryPlan& plan);
  Status ForgetStaged();

  const ClusterOptions options_;
  Staging& staging_;
  const std::shared_ptr<RecoveryControl> control_;
  const RecoveryCallbacks callbacks_;
  Receiver receiver_;
  CatchUpServer catch_up_;
  std::unique_ptr<Peers> peers_;
  mutable std::mutex applied_mutex_;
  std::condition_variable moved_;
  // Guarded by applied_mutex_.
  Revision applied_;
  bool stopping_ = false;
};

StatusOr<Members> RecoverySequencer::NotedMembers() const {
  ASSIGN_OR_RETURN(const std::optional<std::string> note, staging_.Note());
  if (!note.has_value()) return Members();
  return ParseMembers(*note);
}

StatusOr<v1::RecoveryReport> RecoverySequencer::GetReport() {
  ASSIGN_OR_RETURN(NodeReport report, ReadDisk(staging_, options_.node, applied()));
  LeaveOutApplied(report);
  v1::RecoveryReport proto = ToProto(report);
  proto.set_origin(options_.origin);
  return proto;
}

StatusOr<v1::RecoveryPlan> RecoverySequencer::MakePlan(const v1::MakePlanRequest& request,
                                                       const v1::Agent& requested_by) {
  if (request.rationale().empty()) {
    return absl::InvalidArgumentError("rationale: say why, for the ledger's record of the recovery");
  }
  std::vector<NodeReport> reports;
  for (const v1::RecoveryReport& proto : request.reports()) {
    if (proto.origin() != options_.origin) {
      return absl::InvalidArgumentError(Text("reports: node ", proto.node(), " is of the ledger ", proto.origin(),
                                             ", this one of ", options_.origin));
    }
    ASSIGN_OR_RETURN(NodeReport report, FromProto(proto));
    reports.push_back(std::move(report));
  }
  // Before anything is followed, since that is never taken back.
  ASSIGN_OR_RETURN(const std::unique_ptr<EtcdClient> client, EtcdClient::Connect(options_.etcd));
  ASSIGN_OR_RETURN(const std::optional<OrderInEtcd> there, OrderInEtcd::Read(*client));
  if (there.has_value()) {
    for (const NodeReport& report : reports) RETURN_IF_ERROR(there->CheckGoesOn(report));
    return v1::RecoveryPlan();
  }
  ASSIGN_OR_RETURN(RecoveryPlan plan, PlanRecovery(reports));
  plan.members.change =
      ChangeOf(v1::ClusterMembersChanged::RECOVERED, "", requested_by, request.rationale()).SerializeAsString();
  return ToProto(plan);
}

StatusOr<v1::RecoveryCatchUpResponse> RecoverySequencer::CatchUp(const v1::RecoveryCatchUpRequest& request) {
  if (Revision(request.revision()) > applied()) callbacks_.catch_up(Revision(request.revision()));
  return v1::RecoveryCatchUpResponse();
}

StatusOr<v1::GetStagedResponse> RecoverySequencer::GetStaged(const v1::GetStagedRequest& request) {
  ASSIGN_OR_RETURN(std::optional<std::string> bytes, staging_.Get({request.session(), request.number()}));
  if (!bytes.has_value()) {
    return absl::NotFoundError(Text("batch ", request.number(), " of session ", request.session(), " is not here"));
  }
  v1::GetStagedResponse response;
  response.set_batch(*std::move(bytes));
  return response;
}

StatusOr<v1::PutStagedResponse> RecoverySequencer::PutStaged(const v1::PutStagedRequest& request) {
  ASSIGN_OR_RETURN(const StagedBatch named, FromProto(request.name()));
  if (Sha256({request.batch()}) != named.digest) {
    return absl::InvalidArgumentError("batch: these bytes have another digest than name.digest");
  }
  RETURN_IF_ERROR(receiver_.parse(request.batch()).status());
  RETURN_IF_ERROR(staging_.Put({{NameOf(named.id), named.digest, request.batch()}}));
  return v1::PutStagedResponse();
}

// ---- Following a plan

StatusOr<bool> RecoverySequencer::HasFollowed(const RecoveryPlan& plan) const {
  ASSIGN_OR_RETURN(const Members noted, NotedMembers());
  return applied() >= plan.base && noted.incarnation == plan.members.incarnation && noted.revision == plan.base;
}

// Before anything is applied: a plan is followed whole, or can be tried again.
Status RecoverySequencer::CheckHasAll(const RecoveryPlan& plan) const {
  for (const RecoveredBatch& batch : plan.batches) {
    if (batch.revision <= applied()) continue;
    ASSIGN_OR_RETURN(const std::optional<std::string> bytes, staging_.Get(NameOf(batch.batch.id)));
    if (bytes.has_value() && Sha256({*bytes}) == batch.batch.digest) continue;
    return absl::FailedPreconditionError(Text("batch ", batch.batch.id.number.value, " of session ",
                                              batch.batch.id.session.value, " is not here; put it first"));
  }
  return OkStatus();
}

Status RecoverySequencer::Deliver(const Ordered& ordered) {
  RETURN_IF_ERROR(receiver_.ordered(ordered));
  std::unique_lock lock(applied_mutex_);
  moved_.wait(lock, [&] { return stopping_ || applied_ >= ordered.revision; });
  return applied_ >= ordered.revision ? OkStatus() : absl::UnavailableError("this node is stopping");
}

Status RecoverySequencer::DeliverBatch(const RecoveredBatch& batch) {
  ASSIGN_OR_RETURN(std::optional<std::string> bytes, staging_.Get(NameOf(batch.batch.id)));
  if (!bytes.has_value()) return absl::DataLossError("a batch that was staged is not there");
  ASSIGN_OR_RETURN(std::shared_ptr<const Payload> payload, receiver_.parse(*std::move(bytes)));
  const BatchName name = NameOf(batch.batch.id);
  return Deliver({batch.revision, name.session, name.number, std::move(payload), std::nullopt, std::nullopt});
}

Status RecoverySequencer::DeliverMembers(const RecoveryPlan& plan) {
  ASSIGN_OR_RETURN(std::optional<Ordered::OwnEvent> event, EventOf(plan.members));
  return Deliver({plan.base, 0, 0, nullptr, ToProto(plan.members).SerializeAsString(), std::move(event)});
}

Status RecoverySequencer::ForgetStaged() {
  ASSIGN_OR_RETURN(const std::vector<Staging::Staged> staged, staging_.List());
  std::vector<BatchName> names;
  for (const Staging::Staged& one : staged) names.push_back(one.name);
  return staging_.Remove(names);
}

StatusOr<v1::FollowPlanResponse> RecoverySequencer::FollowPlan(const v1::FollowPlanRequest& request) {
  ASSIGN_OR_RETURN(const RecoveryPlan plan, FromProto(request.plan()));
  if (!plan.members.IsMember(options_.node)) {
    return absl::FailedPreconditionError("plan.members: this node is not among them");
  }
  ASSIGN_OR_RETURN(const bool followed, HasFollowed(plan));
  if (!followed) {
    if (applied() < plan.prefix || applied() >= plan.base) {
      return absl::FailedPreconditionError(
          Text("plan.prefix_revision: this node has applied up to ", applied().value, ", not ", plan.prefix.value));
    }
    RETURN_IF_ERROR(CheckHasAll(plan));
    // A try before this one may have got so far.
    for (const RecoveredBatch& batch : plan.batches) {
      if (batch.revision > applied()) RETURN_IF_ERROR(DeliverBatch(batch));
    }
    RETURN_IF_ERROR(DeliverMembers(plan));
    receiver_.settled(plan.base);
  }
  RETURN_IF_ERROR(ForgetStaged());
  options_.log(Text("the plan of recovery is followed up to revision ", plan.base.value));
  v1::FollowPlanResponse response;
  response.set_applied_revision(applied().value);
  return response;
}

// ---- The new etcd

StatusOr<v1::FoundEtcdResponse> RecoverySequencer::FoundEtcd(const v1::FoundEtcdRequest& request) {
  ASSIGN_OR_RETURN(RecoveryPlan plan, FromProto(request.plan()));
  ASSIGN_OR_RETURN(const bool followed, HasFollowed(plan));
  if (!followed) return absl::FailedPreconditionError("plan: this node has not followed it");
  // It is recorded where the plan says, not again where etcd begins.
  plan.members.change.clear();
  plan.members.replaces = plan.base;
  ASSIGN_OR_RETURN(const std::unique_ptr<EtcdClient> client, EtcdClient::Connect(options_.etcd));
  StatusOr<EtcdTxnResult> result = client->Txn(Founding(plan.base, plan.members));
  // Whether it was done can be asked by doing it again.
  if (absl::IsUnknown(result.status())) return absl::UnavailableError(Text(MessageOf(result.status())));
  RETURN_IF_ERROR(result.status());
  if (result->succeeded) return v1::FoundEtcdResponse();
  const StatusOr<Members> there = ParseMembers(result->found.at(0).value);
  if (there.ok() && there->incarnation == plan.members.incarnation) return v1::FoundEtcdResponse();
  return NotNew(there.ok() ? there->incarnation : 0);
}

StatusOr<v1::FinishRecoveryResponse> RecoverySequencer::Finish() {
  ASSIGN_OR_RETURN(const NodeReport here, ReadDisk(staging_, options_.node, applied()));
  ASSIGN_OR_RETURN(const std::unique_ptr<EtcdClient> client, EtcdClient::Connect(options_.etcd));
  ASSIGN_OR_RETURN(const std::optional<OrderInEtcd> there, OrderInEtcd::Read(*client));
  if (!there.has_value()) {
    return absl::FailedPreconditionError("etcd holds no order: no plan of recovery was founded there");
  }
  // Those that don't follow the plan stay fenced: what they would go on in is lost.
  RETURN_IF_ERROR(there->CheckGoesOn(here));
  RETURN_IF_ERROR(callbacks_.finished());
  return v1::FinishRecoveryResponse();
}

}  // namespace

std::unique_ptr<Sequencer> MakeRecoverySequencer(ClusterOptions options, Staging& staging,
                                                 std::shared_ptr<RecoveryControl> control,
                                                 RecoveryCallbacks callbacks) {
  return std::make_unique<RecoverySequencer>(std::move(options), staging, std::move(control), std::move(callbacks));
}

}  // namespace anamnesis
