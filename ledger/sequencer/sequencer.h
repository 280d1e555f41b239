#ifndef ANAMNESIS_LEDGER_SEQUENCER_SEQUENCER_H_
#define ANAMNESIS_LEDGER_SEQUENCER_SEQUENCER_H_

// The seam at which batches get their place in the total order. In one process LocalSequencer orders them as they come;
// in a cluster the order is etcd's. Whoever stands behind it, the ledger submits payloads here, applies what comes
// back, in order, each once, and shows to others what is settled: one path. A sequencer knows no event.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ledger/base/ids.h"
#include "ledger/base/state_digest.h"
#include "ledger/base/status.h"

namespace anamnesis {

// What is ordered: bytes for whoever sends them over a wire or stores them, and in the submitting process the object
// itself, so that nothing is parsed twice.
class Payload {
 public:
  virtual ~Payload() = default;
  virtual std::string Serialize() const = 0;
};

struct Ordered {
  // An event that the ledger is to record by itself at this place; only without a payload.
  struct OwnEvent {
    // In the vocabulary, and decided by the ledger.
    std::string type;
    // The type's message.
    std::string content;
    // The system clock of whoever caused it, in microseconds since the Unix epoch.
    int64_t proposed_us = 0;
  };

  // Ascending, not without gaps.
  Revision revision;
  // Name the payload for ever: the session of the process that submitted it, and its number there, from 1 and ascending
  // in the order too. 0 in the local order, which is not kept.
  uint64_t session = 0;
  uint64_t number = 0;
  // Null when there is nothing to apply but own_event, if there is one; the applied revision moves.
  std::shared_ptr<const Payload> payload;
  // To be kept with the applied revision until another is; not for the receiver.
  std::optional<std::string> note;
  std::optional<OwnEvent> own_event = std::nullopt;
};

class Sequencer {
 public:
  // The ledger's side. What it is given here may be called from any thread; `ordered` and `settled` each by one at a
  // time.
  struct Receiver {
    // The next payload in the total order. Fails when the receiver can't go on: nothing more is delivered.
    std::function<Status(const Ordered&)> ordered;
    // What is applied up to here is kept whatever happens, and may be shown to anybody. Ascending.
    std::function<void(Revision)> settled;
    // A payload submitted here was not delivered and, as `why` says, will not be, or nobody knows (UNKNOWN).
    std::function<void(const std::shared_ptr<const Payload>&, const Status& why)> dropped;
    // Nothing more is settled, as `why` says, whatever was or still is delivered. Not called by who only stops.
    std::function<void(const Status& why)> ended = [](const Status&) {};
    // Takes apart and verifies, every seal, what Serialize made in another process. INVALID_ARGUMENT when it is wrong.
    std::function<StatusOr<std::shared_ptr<const Payload>>(std::string)> parse;
  };

  virtual ~Sequencer() = default;

  // Starts delivering from the revision after `applied`. Called once, before Submit.
  virtual Status Start(Revision applied, Receiver receiver) = 0;

  // Gives a payload to be ordered. Does not wait. UNAVAILABLE: stopped, or stopped delivering; the payload is not
  // ordered.
  virtual Status Submit(std::shared_ptr<const Payload> payload) = 0;

  // What was delivered up to this revision is applied and synced, and the state came to `digest` with it. Called once
  // after Start with what was applied before.
  virtual void Applied(Revision revision, const StateDigest& digest) = 0;

  // Whether a payload that was delivered must be applied, since others do. Otherwise one that can't be written may be
  // left out.
  virtual bool order_is_final() const = 0;

  // Calls `done` when everything that was settled anywhere before this call has been told to `settled` here; at once,
  // from within the call, or from any thread. UNAVAILABLE: this can't be found out now. Not called any more after Stop.
  virtual void Barrier(std::function<void(const Status&)> done) = 0;

  // Why nothing can be ordered at present; empty when it can.
  virtual std::string refusing() const = 0;

  // Delivers what was submitted, as far as that is possible now, then stops. Idempotent.
  virtual void Stop() = 0;
};

// Orders in process, in the order of Submit, on a thread of its own. What is applied is settled. Nothing is kept: a
// payload that was not delivered when the process ends was never acknowledged.
std::unique_ptr<Sequencer> MakeLocalSequencer();

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_SEQUENCER_SEQUENCER_H_
