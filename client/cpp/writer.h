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
#include "client/cpp/outbox.h"
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
  // Asks the ledger for its origin, who holds the key, and where the stream stands; an empty `stream` is the holder's
  // own, KIND/ID. `client` and `key` must outlive the writer. FAILED_PRECONDITION when the ledger has no credential for
  // the key; UNAVAILABLE when it can't be reached.
  //
  // With an `outbox`, a directory (outbox.h), what is to be appended is on the disk before it is sent, and until it is
  // answered. What an earlier writer of the stream left there is sent first, see sent_before(). When the ledger refuses
  // that, it is set aside and the Status names the file; the next Open goes on without it. UNAVAILABLE: it can't be
  // sent yet.
  static StatusOr<std::unique_ptr<StreamWriter>> Open(LedgerClient& client, const NamedKey& key, std::string stream,
                                                      RetryPolicy retry = {}, const std::string& outbox = "");

  // Appends the drafts in order, as few runs as limits allow, and each that carries an electronic signature as a run of
  // its own; a run is whole or not at all. Returns a place for each.
  // Nothing is sent when a draft breaks a rule that can be checked here. On a refusal by the ledger nothing of that run
  // and those after it is written. In both cases the Status carries a RefusalDetail whose event_index is the draft's
  // place in `drafts`. UNKNOWN, and no other code: the run may have been written; find out by the ids (give them
  // yourself if you need that). After any failure the next call asks again where the stream stands.
  //
  // `on_recorded` gets the places of each run as soon as it is recorded, whatever becomes of those after it: the first
  // drafts, as many as there are places, are not to be sent again.
  //
  // With an outbox, UNKNOWN says besides that all drafts without a place are kept in it, whatever the reason but a
  // refusal: the next Append or Open sends them, and nobody else is to. Any other code says that none of them is kept;
  // UNAVAILABLE that those of an earlier call wait yet.
  using OnRecorded = std::function<void(const std::vector<Appended>&)>;
  StatusOr<std::vector<Appended>> Append(const std::vector<IdentifiedDraft>& drafts,
                                         const OnRecorded& on_recorded = nullptr);
  StatusOr<Appended> AppendOne(const EventDraft& draft);

  // The events that were in the outbox and have their places now, since this writer was opened.
  const std::vector<Appended>& sent_before() const { return sent_before_; }

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
  // Sends what is in the outbox.
  Status SendKept();
  // The Status of Append when the run that begins with this draft was not recorded.
  Status Failed(size_t first_draft, const Status& why);
  StatusOr<std::vector<BuiltRun>> Build(const std::vector<IdentifiedDraft>& drafts) const;
  StatusOr<v1::RunResult> SendUntilKnown(const v1::Run& run);
  StatusOr<v1::RunResult> SendOnce(const v1::AppendRequest& request);
  void WaitBeforeTry(int next_try);

  LedgerClient& client_;
  const NamedKey& key_;
  std::string stream_;
  const RetryPolicy retry_;
  std::string origin_;
  v1::Agent actor_;
  StreamPosition head_;
  Digest head_digest_;
  // The last call failed, so that the stream may stand elsewhere than head_ says.
  bool head_uncertain_ = false;
  // Null without one.
  std::unique_ptr<Outbox> outbox_;
  std::vector<Appended> sent_before_;
};

// The wall clock, as a writer stamps it.
Timestamp WallClockNow();
// A UUIDv7 of the present and fresh randomness.
EventId NewEventId();
// 32 fresh random bytes.
std::string NewNonce();

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_WRITER_H_
