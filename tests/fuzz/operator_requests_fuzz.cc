// What operators and auditors ask of a running node beside the ledger itself: BackupService, ClusterService,
// ScrubService and WitnessService. The first byte of the input says what the rest is.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "anamnesis/v1/backup.pb.h"
#include "anamnesis/v1/cluster.pb.h"
#include "anamnesis/v1/scrub.pb.h"
#include "anamnesis/v1/witness.pb.h"
#include "ledger/base/check.h"
#include "ledger/engine/scrubber.h"
#include "ledger/note/policy.h"
#include "ledger/note/tlog_proof.h"
#include "ledger/note/verifier_key.h"
#include "node/checkpoint/publisher.h"
#include "node/cluster/cluster_control.h"
#include "node/service/backup_service.h"
#include "node/service/cluster_service.h"
#include "node/service/scrub_service.h"
#include "node/service/witness_service.h"
#include "tests/fuzz/calls.h"
#include "tests/fuzz/small_ledger.h"

namespace anamnesis {
namespace {

using grpc::StatusCode;

// Members as a node of a cluster knows them that is told of no change.
class Unmoved : public ClusterOperations {
 public:
  void AskStatus(OnStatus done) override {
    v1::ClusterStatus status;
    status.set_origin(std::string(kTestOrigin));
    done(status);
  }
  void ChangeMembers(const v1::ChangeMembersRequest&, const v1::Agent&, OnChanged done) override {
    done(absl::AbortedError("the members were changed meanwhile"));
  }
};

// The services on the ledger that all targets have, with a policy that asks for nobody's cosignature.
class Node {
 public:
  Node() {
    PublisherOptions options;
    options.policy = Policy::Parse(Text("log ", key_.Format(), "\nquorum none\n")).value();
    options.log_keys = [this](LogKeyUse) { return StatusOr<std::vector<VerifierKey>>({key_}); };
    options.file = SharedLedger().dir() + "/witnessed";
    publisher_ = Publisher::Start(ledger_, std::move(options)).value();
    while (publisher_->GetStatus().witnessed_size() < ledger_.tree_size()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ScrubberOptions scrubbing;
    scrubbing.file = SharedLedger().dir() + "/scrubbed";
    scrubber_ = Scrubber::Start(ledger_, std::move(scrubbing));
    control_.Attach(members_);
    witness_ = std::make_unique<WitnessService>(*publisher_, context_);
    scrub_ = std::make_unique<ScrubService>(*scrubber_);
  }

  const VerifierKey& key() const { return key_; }
  BackupService& backup() { return backup_; }
  ClusterService& cluster() { return cluster_; }
  ScrubService& scrub() { return *scrub_; }
  WitnessService& witness() { return *witness_; }

 private:
  Ledger& ledger_ = SharedLedger().ledger();
  const ServiceContext context_ = SharedLedger().context();
  const VerifierKey key_ = VerifierKey::Parse(ledger_.GetStatus().verifier_key()).value();
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<Scrubber> scrubber_;
  Unmoved members_;
  ClusterControl control_;
  BackupService backup_{context_, SharedLedger().dir() + "/backups"};
  ClusterService cluster_{control_, context_};
  std::unique_ptr<ScrubService> scrub_;
  std::unique_ptr<WitnessService> witness_;
};

Node& SharedNode() {
  static Node node;
  return node;
}

// ---- Backups

void CheckBackups(const v1::BackupList& backups) {
  for (int i = 0; i < backups.generations_size(); ++i) {
    const v1::BackupGeneration& one = backups.generations(i);
    CHECK(one.problem().empty() && one.root() == SharedLedger().RootAt(one.tree_size()).bytes());
    CHECK(i == 0 || backups.generations(i - 1).generation() < one.generation());
  }
}

void Fuzz(v1::CreateBackupRequest request) {
  // Or the disk fills.
  request.set_keep(1 + request.keep() % 3);
  const auto answer = Ask(SharedNode().backup(), &BackupService::CreateBackup, request);
  CheckStatus(answer.status, {});
  const auto& generations = answer.reply.backups().generations();
  CHECK(!generations.empty() && generations.size() <= static_cast<int>(request.keep()));
  CHECK(generations.rbegin()->generation() == answer.reply.generation());
  CheckBackups(answer.reply.backups());
}

v1::BackupList Backups() {
  const auto answer = Ask(SharedNode().backup(), &BackupService::ListBackups, v1::ListBackupsRequest());
  CheckStatus(answer.status, {});
  CheckBackups(answer.reply);
  return answer.reply;
}

void Fuzz(const v1::ListBackupsRequest& request) {
  // There is no backup before the first input that makes one.
  CheckStatus(Ask(SharedNode().backup(), &BackupService::ListBackups, request).status, {StatusCode::NOT_FOUND});
}

void Fuzz(v1::DropBackupsRequest request) {
  v1::CreateBackupRequest create;
  create.set_keep(2);
  Fuzz(create);
  const v1::BackupList there = Backups();
  const int before = there.generations_size();
  // Small numbers are places in the list, since no seed can know how many were made before it.
  for (uint32_t& number : *request.mutable_generations()) {
    const int place = static_cast<int>(number % 8);
    if (number < 8 && place < before) number = there.generations(place).generation();
  }
  const auto answer = Ask(SharedNode().backup(), &BackupService::DropBackups, request);
  CheckStatus(answer.status, {StatusCode::NOT_FOUND, StatusCode::INVALID_ARGUMENT});
  const v1::BackupList after = Backups();
  CHECK(after.generations_size() > 0);
  if (!answer.status.ok()) CHECK(after.generations_size() == before);
  for (const v1::BackupGeneration& left : after.generations()) {
    const auto& dropped = request.generations();
    CHECK(!answer.status.ok() || std::find(dropped.begin(), dropped.end(), left.generation()) == dropped.end());
  }
}

// ---- The cluster and the scrubber

void Fuzz(const v1::GetClusterStatusRequest& request) {
  const auto answer = Ask(SharedNode().cluster(), &ClusterService::GetClusterStatus, request);
  CheckStatus(answer.status, {});
  CHECK(answer.reply.origin() == kTestOrigin);
}

void Fuzz(const v1::ChangeMembersRequest& request) {
  const auto answer = Ask(SharedNode().cluster(), &ClusterService::ChangeMembers, request);
  CHECK(answer.status.error_code() == StatusCode::ABORTED);
}

void Fuzz(const v1::GetScrubStatusRequest& request) {
  const auto answer = Ask(SharedNode().scrub(), &ScrubService::GetScrubStatus, request);
  CheckStatus(answer.status, {});
  CHECK(answer.reply.damaged().empty());
}

// ---- What was witnessed

// A call that could only end with its wait takes longer than an input may.
template <typename Request>
void DontWait(Request& request, bool is_there) {
  if (!is_there) request.set_wait(false);
}

void Fuzz(v1::GetWitnessedCheckpointRequest request) {
  const uint64_t events = SharedLedger().events().size();
  const bool is_there = request.tree_size_min() <= events;
  DontWait(request, is_there);
  const auto answer = Ask(SharedNode().witness(), &WitnessService::GetWitnessedCheckpoint, request);
  CheckStatus(answer.status, {StatusCode::UNAVAILABLE});
  CHECK(answer.status.ok() == is_there);
  if (!is_there) return;
  const Checkpoint checkpoint = OpenCheckpoint(answer.reply.note(), {&SharedNode().key(), 1}).value();
  CHECK(checkpoint.size.value == events && answer.reply.tree_size() == events);
}

void Fuzz(v1::GetWitnessedReceiptRequest request) {
  const auto& events = SharedLedger().events();
  const bool is_there = request.index() < events.size();
  DontWait(request, is_there);
  const auto answer = Ask(SharedNode().witness(), &WitnessService::GetWitnessedReceipt, request);
  CheckStatus(answer.status, {StatusCode::NOT_FOUND});
  CHECK(answer.status.ok() == is_there);
  if (!is_there) return;
  CHECK(answer.reply.index() == request.index() && answer.reply.leaf() == events[request.index()].leaf());
  const StatusOr<TlogProof> proof = ParseTlogProof(answer.reply.tlog_proof());
  CHECK(proof.ok() && VerifyTlogProof(*proof, answer.reply.leaf(), {&SharedNode().key(), 1}).ok());
}

void Fuzz(const v1::GetWitnessStatusRequest& request) {
  const auto answer = Ask(SharedNode().witness(), &WitnessService::GetWitnessStatus, request);
  CheckStatus(answer.status, {});
  CHECK(answer.reply.witnessed_size() == SharedLedger().events().size());
}

template <typename Request>
void Parse(const uint8_t* data, size_t size) {
  auto request = ParseRequest<Request>(data, size);
  if (request.has_value()) Fuzz(*std::move(request));
}

void Fuzz(char what, const uint8_t* data, size_t size) {
  switch (what) {
    case 'b':
      return Parse<v1::CreateBackupRequest>(data, size);
    case 'l':
      return Parse<v1::ListBackupsRequest>(data, size);
    case 'd':
      return Parse<v1::DropBackupsRequest>(data, size);
    case 'c':
      return Parse<v1::GetClusterStatusRequest>(data, size);
    case 'm':
      return Parse<v1::ChangeMembersRequest>(data, size);
    case 's':
      return Parse<v1::GetScrubStatusRequest>(data, size);
    case 'w':
      return Parse<v1::GetWitnessedCheckpointRequest>(data, size);
    case 'r':
      return Parse<v1::GetWitnessedReceiptRequest>(data, size);
    case 't':
      return Parse<v1::GetWitnessStatusRequest>(data, size);
    default:
      return;
  }
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 0) anamnesis::Fuzz(static_cast<char>(data[0]), data + 1, size - 1);
  return 0;
}
