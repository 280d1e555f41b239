#ifndef ANAMNESIS_TESTS_SUPPORT_TEST_RUN_H_
#define ANAMNESIS_TESTS_SUPPORT_TEST_RUN_H_

// Writers and small ledgers for tests: keys, ids and nonces are derived from names and numbers, so the same test always
// makes the same bytes.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/commit/apply.h"
#include "ledger/crypto/ed25519.h"
#include "ledger/event/run_builder.h"
#include "ledger/rules/admit.h"
#include "ledger/store/store.h"

namespace anamnesis {

inline constexpr std::string_view kTestOrigin = "test.example/ledger";
// 2025-03-15T11:00:00Z.
inline constexpr Timestamp kTestStart{1742036400000000};

PrivateKey KeyOfSeed(uint64_t seed);
// A UUIDv7 that is a function of the two.
EventId DerivedId(std::string_view name, uint64_t number);
// 32 bytes that are a function of the two.
std::string DerivedNonce(std::string_view name, uint64_t number);

v1::Agent MakeAgent(std::string_view kind, std::string_view id);

// Drafts of events, occurred at kTestStart unless changed. `Draft` has the body and nothing else.
template <typename Body>
EventDraft Draft(Body body) {
  EventDraft draft;
  draft.body = std::make_shared<Body>(std::move(body));
  SetOccurred(draft, kTestStart, kTestStart);
  return draft;
}
EventDraft EnrolPerson(std::string_view id);
EventDraft IssueKey(std::string_view holder_kind, std::string_view holder_id, const PublicKey& key, int64_t from_us = 0,
                    int64_t until_us = 0);
EventDraft RevokeKey(std::string_view holder_kind, std::string_view holder_id, const PublicKey& key,
                     int64_t effective_from_us = 0);
EventDraft GrantRole(std::string_view person, v1::Role role, int64_t from_us = 0, int64_t until_us = 0);
EventDraft WithdrawRole(std::string_view person, v1::Role role);
// A document.referenced, which asks for no role: the plainest event.
EventDraft ReferToDocument(std::string_view document);
EventDraft Commission(std::string_view unit);
EventDraft Activate(std::string_view unit, std::string_view surface, std::string_view artifact);
EventDraft Deactivate(std::string_view unit, std::string_view surface);
EventDraft Correct(const EventId& corrected, v1::RecordCorrected::Kind kind);
// Correct with OCCURRED_AT.
EventDraft MoveInTime(const EventId& corrected, Timestamp earliest, Timestamp latest);

// One writer with one stream, "<kind>/<id>", and one key.
class TestWriter {
 public:
  TestWriter(std::string_view kind, std::string_view id, uint64_t key_seed, std::string_view origin = kTestOrigin,
             std::string_view stream = "");

  // The sealed run of the drafts, continuing the stream. Fails the process when a draft is refused.
  v1::Run Write(const std::vector<EventDraft>& drafts);
  // The id of the event at a stream position.
  EventId IdAt(uint64_t position) const { return ids_.at(position - 1); }
  EventId LastId() const { return ids_.back(); }
  // Forgets everything written after `position`, as a writer does that learns that it was refused.
  void RewindTo(uint64_t position);

  const PrivateKey& key() const { return key_; }
  const v1::Agent& agent() const { return agent_; }
  const std::string& stream() const { return stream_; }

 private:
  std::string origin_;
  std::string stream_;
  v1::Agent agent_;
  PrivateKey key_;
  uint64_t made_ = 0;
  std::vector<EventId> ids_;
  std::vector<Digest> digests_;
};

// Seals headers and bodies again: for runs that a RunBuilder would refuse to make.
void Reseal(v1::Run& run, const PrivateKey& key, std::string_view origin = kTestOrigin);
// Replaces a header of `run` by what `change` makes of it and chains the later ones to it. The seal is left as it is.
void ChangeHeader(v1::Run& run, int place, const std::function<void(v1::EventHeader&)>& change);

// The run that founds a ledger: `administrator` enrols themself, issues their key and takes the administrator role.
std::vector<EventDraft> FoundingDrafts(const TestWriter& administrator);

// A ledger in memory: AdmitRun, Apply, Write.
class TestLedger {
 public:
  TestLedger() : TestLedger(MakeMemoryStore()) {}
  // In a store of the caller's choice, which is empty.
  explicit TestLedger(std::unique_ptr<Store> store);

  // Appends one run in a batch of its own; the refusal of AdmitRun or CheckRun when it has one. Each batch is proposed
  // one second after the one before.
  StatusOr<RunVerdict> Append(const v1::Run& run);
  StatusOr<RunVerdict> AppendAt(Timestamp proposed, const v1::Run& run);
  // Applies and stores any batch. Fails the process when state can't be read.
  CommitBatch Commit(const Batch& batch);

  Store& rows() { return *store_; }
  const LedgerState& state() const { return state_; }
  TreeSize size() const { return state_.size(); }
  Timestamp next_proposed() const { return next_; }

 private:
  std::unique_ptr<Store> store_;
  LedgerState state_;
  Timestamp next_ = kTestStart;
};

// Every row of a store, in order of family and key.
std::vector<std::tuple<Family, std::string, std::string>> AllRows(const RowReader& rows);

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_SUPPORT_TEST_RUN_H_
