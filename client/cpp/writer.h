#ifndef ANAMNESIS_CLIENT_CPP_WRITER_H_
#define ANAMNESIS_CLIENT_CPP_WRITER_H_

// Writes one stream: takes drafts, makes ids, nonces, chain and seals, sends runs and, when an outcome is unknown,
// sends the same bytes again. Not safe for concurrent use; one writer a stream and process.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "anamnesis/v1/ledger.pb.h"
#include "client/cpp/backoff.h"
#include "client/cpp/ledger_client.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/event/run_builder.h"
#include "ledger/keys/key_file.h"

namespace anamnesis {

// One appended event.
struct Appended {
  EventId id;
  LeafIndex index;
  Timestamp recorded;
  // What is amiss with it, though it is recorded. Empty for an event that was recorded before.
  std::vector<v1::Finding> findings;
};

// A draft with the id to give it. The default id (all zero) means a fresh UUIDv7.
struct IdentifiedDraft {
  EventDraft draft;
  EventId id;
};

// How often a run is sent while its outcome is unknown or the ledger asks to wait, and how long to wait between. A
// client's Append may try again by itself besides (remote_client.h), so there is an end by time too.
struct RetryPolicy {
  int tries = 5;
  // No further try begins later than this after the first.
  std::chrono::milliseconds within{60'000};
  Backoff backoff;
  // Waits; empty means this thread sleeps.
  std::function<void(std::chrono::milliseconds)> wait;
};

class StreamWriter {
 public:
  // Asks the ledger for its origin, who holds the key, and where the stream stands. `client` and `key` must outlive the
  // writer. FAILED_PRECONDITION when the ledger has no credential for the key; UNAVAILABLE when it can't be reached.
  static StatusOr<std::unique_ptr<StreamWriter>> Open(LedgerClient& client, const NamedKey& key, std::string stream,
                                                      RetryPolicy retry = {});

  // Appends the drafts in order, as few runs as limits allow; a run is whole or not at all. Returns a place for each.
  // Nothing is sent when a draft breaks a rule that can be checked here; the Status then carries the RefusalDetail
  // whose event_index is the draft's place in `drafts`. On a refusal by the ledger nothing of that run and those after
  // it is written; the Status carries the ledger's RefusalDetail. UNKNOWN, and no other code: the run may have been
  // written; find out by the ids (give them yourself if you need that). After any failure the next call asks again
  // where the stream stands.
  StatusOr<std::vector<Appended>> Append(const std::vector<IdentifiedDraft>& drafts);
  StatusOr<Appended> AppendOne(const EventDraft& draft);

  const v1::Agent& actor() const { return actor_; }
  const std::string& origin() const { return origin_; }
  const std::string& stream() const { return stream_; }
  // Where the stream stood when the ledger last said so, or this writer last appended.
  StreamPosition head() const { return head_; }

 private:
  // A sealed run, and the ids and the head that the stream has after it.
  struct BuiltRun {
    v1::Run run;
    std::vector<EventId> ids;
    StreamPosition head;
    Digest head_digest;
  };

  StreamWriter(LedgerClient& client, const NamedKey& key, std::string stream, RetryPolicy retry);
  Status Refresh();
  StatusOr<std::vector<BuiltRun>> Build(const std::vector<IdentifiedDraft>& drafts) const;
  StatusOr<v1::RunResult> SendUntilKnown(const v1::Run& run);
  StatusOr<v1::RunResult> SendOnce(const v1::AppendRequest& request);
  void WaitBeforeTry(int next_try);

  LedgerClient& client_;
  const NamedKey& key_;
  const std::string stream_;
  const RetryPolicy retry_;
  std::string origin_;
  v1::Agent actor_;
  StreamPosition head_;
  Digest head_digest_;
  // The last call failed, so that the stream may stand elsewhere than head_ says.
  bool head_uncertain_ = false;
};

// The wall clock, as a writer stamps it.
Timestamp WallClockNow();
// A UUIDv7 of the present and fresh randomness.
EventId NewEventId();
// 32 fresh random bytes.
std::string NewNonce();

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_WRITER_H_
