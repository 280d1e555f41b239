#ifndef ANAMNESIS_TESTS_FUZZ_APPENDS_H_
#define ANAMNESIS_TESTS_FUZZ_APPENDS_H_

// What the two ways of appending share: runs that the founder seals for the input, and what must hold of verdicts.

#include <google/protobuf/stubs/logging.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"
#include "ledger/event/header.h"
#include "ledger/event/leaf.h"
#include "ledger/event/refusal.h"
#include "ledger/merkle/verify.h"
#include "tests/fuzz/calls.h"
#include "tests/fuzz/small_ledger.h"

namespace anamnesis {

// The ledger that inputs append to. It is made afresh after some hundred events, so that a find depends on few inputs
// before it and a long run does not fill the disk.
inline SmallLedger& GrowingLedger() {
  constexpr uint64_t kEventsMax = 400;
  // Not empty at first: what is made before it, such as RocksDB's own statics, is destroyed after it.
  static auto ledger = std::make_unique<SmallLedger>();
  if (ledger->ledger().tree_size() > kEventsMax) {
    ledger.reset();
    ledger = std::make_unique<SmallLedger>();
  }
  return *ledger;
}

// No input can have a signature, so a run without a seal is sealed by the founder, after what its headers leave out was
// filled in as a writer's library does it. What they say, right or wrong, stays.
inline void SealForFounder(const Ledger& ledger, v1::Run& run) {
  if (run.has_seal() || run.headers_size() == 0) return;
  std::vector<v1::EventHeader> headers(static_cast<size_t>(run.headers_size()));
  for (size_t i = 0; i < headers.size(); ++i) {
    if (!headers[i].ParseFromString(run.headers(static_cast<int>(i)))) return;
  }
  uint64_t position = 0;
  std::string digest;
  for (size_t i = 0; i < headers.size(); ++i) {
    v1::EventHeader& header = headers[i];
    const int place = static_cast<int>(i);
    if (header.stream().empty()) header.set_stream("sealed-here");
    if (i == 0) {
      v1::GetStreamHeadRequest request;
      request.set_stream(header.stream());
      const StatusOr<v1::StreamHead> head = ledger.GetStreamHead(request);
      CHECK(head.ok());
      position = head->position();
      digest = head->digest();
    }
    ++position;
    if (header.event_id().empty()) header.set_event_id(DerivedId(run.headers(place), i).bytes());
    if (header.stream_position() == 0) header.set_stream_position(position);
    if (header.previous_header_digest().empty()) header.set_previous_header_digest(digest);
    if (header.schema_version() == 0) header.set_schema_version(1);
    if (header.occurred_earliest_us() == 0) header.set_occurred_earliest_us(kTestStart.us);
    if (header.occurred_latest_us() == 0) header.set_occurred_latest_us(kTestStart.us);
    if (!header.has_actor()) *header.mutable_actor() = MakeAgent("person", "ada");
    if (place < run.bodies_size() && header.body_commitment().empty()) {
      v1::Body& body = *run.mutable_bodies(place);
      if (body.nonce().empty()) body.set_nonce(DerivedNonce("fuzz", i));
      header.set_body_size(body.content().size());
      header.set_body_commitment(BodyCommitment(body.nonce(), body.content()).bytes());
    }
    run.set_headers(place, header.SerializeAsString());
    digest = Sha256(run.headers(place)).bytes();
  }
  Reseal(run, SmallLedger::founder_key());
}

// The code that errors.proto gives to a reason, or UNKNOWN for one that it doesn't name.
inline absl::StatusCode CodeOf(v1::RefusalReason reason) {
  static const std::map<v1::RefusalReason, absl::StatusCode> codes = {
      {v1::MALFORMED, absl::StatusCode::kInvalidArgument},
      {v1::OVER_LIMIT, absl::StatusCode::kInvalidArgument},
      {v1::UNKNOWN_TYPE, absl::StatusCode::kInvalidArgument},
      {v1::SCHEMA, absl::StatusCode::kInvalidArgument},
      {v1::COMMITMENT_MISMATCH, absl::StatusCode::kInvalidArgument},
      {v1::SEAL_INVALID, absl::StatusCode::kUnauthenticated},
      {v1::KEY_UNKNOWN, absl::StatusCode::kUnauthenticated},
      {v1::KEY_NOT_VALID, absl::StatusCode::kPermissionDenied},
      {v1::NOT_THE_WRITER, absl::StatusCode::kPermissionDenied},
      {v1::ROLE_MISSING, absl::StatusCode::kPermissionDenied},
      {v1::CHAIN_BROKEN, absl::StatusCode::kFailedPrecondition},
      {v1::EVENT_ID_TAKEN, absl::StatusCode::kAlreadyExists},
      {v1::REFERENCE_INVALID, absl::StatusCode::kFailedPrecondition},
      {v1::ENTITY_TAKEN, absl::StatusCode::kAlreadyExists},
      {v1::NOT_FOUNDED, absl::StatusCode::kFailedPrecondition},
      {v1::RULE_BROKEN, absl::StatusCode::kFailedPrecondition},
      {v1::SIGNATURE_INCOMPLETE, absl::StatusCode::kFailedPrecondition},
      {v1::OUT_OF_SCOPE, absl::StatusCode::kPermissionDenied},
  };
  const auto found = codes.find(reason);
  return found == codes.end() ? absl::StatusCode::kUnknown : found->second;
}

// Watches a ledger from before some appends until after them.
class AppendWatch {
 public:
  explicit AppendWatch(const Ledger& ledger) : ledger_(ledger), before_(ledger.GetStatus()) {}

  // `result` is the verdict on `run`, which was number `place` in its request.
  void Check(const v1::Run& run, const v1::RunResult& result, uint32_t place) {
    if (result.has_refused()) {
      CheckRefusal(run, result, place);
    } else {
      CheckAccepted(run, result);
    }
  }

  // All verdicts were checked: the ledger grew by the accepted events and its own records of refused attempts and
  // nothing else, and nothing before them changed.
  void CheckGrowth() const {
    const v1::LedgerStatus after = ledger_.GetStatus();
    CHECK(after.refusing_appends().empty());
    CHECK(added_.empty() || (*added_.begin() >= before_.tree_size() && *added_.rbegin() < after.tree_size()));
    for (uint64_t index = before_.tree_size(); index < after.tree_size(); ++index) {
      if (!added_.contains(index)) CheckAttemptRecorded(index);
    }
    if (after.tree_size() == before_.tree_size()) {
      CHECK(after.root() == before_.root());
      return;
    }
    v1::GetConsistencyProofRequest request;
    request.set_from_size(before_.tree_size());
    request.set_to_size(after.tree_size());
    const StatusOr<v1::ConsistencyProof> proof = ledger_.GetConsistencyProof(request);
    CHECK(proof.ok());
    std::vector<Digest> hashes;
    for (const std::string& hash : proof->hashes()) hashes.push_back(Digest::FromBytes(hash).value());
    CHECK(VerifyConsistency(TreeSize(before_.tree_size()), TreeSize(after.tree_size()), hashes,
                            Digest::FromBytes(before_.root()).value(), Digest::FromBytes(after.root()).value())
              .ok());
  }

 private:
  static void CheckRefusal(const v1::Run& run, const v1::RunResult& result, uint32_t place) {
    CHECK(result.indexes().empty() && result.recorded_us().empty() && !result.already_recorded());
    const Status refused = FromRpcStatus(result.refused());
    const std::optional<v1::RefusalDetail> detail = RefusalDetailOf(refused);
    if (!detail.has_value()) std::fprintf(stderr, "%s\n", refused.ToString().c_str());
    CHECK(detail.has_value() && !result.refused().message().empty());
    CHECK(refused.code() == CodeOf(detail->reason()));
    CHECK(detail->run_index() == place);
    CHECK(detail->event_index() == 0 || detail->event_index() < static_cast<uint32_t>(run.headers_size()));
  }

  void CheckAttemptRecorded(uint64_t index) const {
    v1::GetEventRequest request;
    request.set_index(index);
    const StatusOr<v1::Event> event = ledger_.GetEvent(request);
    CHECK(event.ok());
    const StatusOr<LeafView> leaf = ParseLeaf(event->leaf());
    v1::EventHeader header;
    CHECK(leaf.ok() && header.ParseFromString(std::string(leaf->header)));
    CHECK(header.stream() == "ledger");
    CHECK(header.type() == "access.denied" || header.type() == "signature.attempt_failed");
  }

  void CheckAccepted(const v1::Run& run, const v1::RunResult& result) {
    CHECK(run.headers_size() > 0 && result.indexes_size() == run.headers_size());
    CHECK(result.recorded_us_size() == run.headers_size());
    for (int i = 0; i < result.indexes_size(); ++i) {
      CHECK(i == 0 || result.indexes(i) > result.indexes(i - 1));
      CHECK(i == 0 || result.recorded_us(i) > result.recorded_us(i - 1));
      CHECK(i == 0 || result.already_recorded() || result.indexes(i) == result.indexes(i - 1) + 1);
      if (!result.already_recorded()) CHECK(added_.insert(result.indexes(i)).second);
      CheckStored(run, i, result);
    }
  }

  // The event is in the ledger, byte for byte as it was sent.
  void CheckStored(const v1::Run& run, int i, const v1::RunResult& result) const {
    v1::GetEventRequest request;
    request.set_index(result.indexes(i));
    const StatusOr<v1::Event> event = ledger_.GetEvent(request);
    CHECK(event.ok());
    const StatusOr<LeafView> leaf = ParseLeaf(event->leaf());
    CHECK(leaf.ok());
    CHECK(leaf->header == run.headers(i));
    CHECK(leaf->recorded.us == result.recorded_us(i));
    CHECK(event->body().SerializeAsString() == run.bodies(i).SerializeAsString());
  }

  const Ledger& ledger_;
  const v1::LedgerStatus before_;
  // Indexes that verdicts gave to new events.
  std::set<uint64_t> added_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_FUZZ_APPENDS_H_
