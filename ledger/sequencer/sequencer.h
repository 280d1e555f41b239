#ifndef ANAMNESIS_LEDGER_SEQUENCER_SEQUENCER_H_
#define ANAMNESIS_LEDGER_SEQUENCER_SEQUENCER_H_

// The seam at which batches get their place in the total order. In one process LocalSequencer orders them as they come;
// in a cluster the order is etcd's. Whoever stands behind it, the ledger submits payloads here and applies what comes
// back, in order, each once: one path. A sequencer knows no event.

#include <functional>
#include <memory>
#include <string>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"

namespace anamnesis {

// What is ordered: bytes for whoever sends them over a wire or stores them, and in the submitting process the object
// itself, so that nothing is parsed twice.
class Payload {
 public:
  virtual ~Payload() = default;
  virtual std::string Serialize() const = 0;
  virtual size_t size_bytes() const = 0;
};

class Sequencer {
 public:
  // Called with each payload in the total order, revisions ascending, from one thread at a time. An error means that
  // the receiver can't go on: the sequencer delivers nothing more.
  using Consumer = std::function<Status(Revision, const std::shared_ptr<const Payload>&)>;

  virtual ~Sequencer() = default;

  // Starts delivering from the revision after `applied`. Called once, before Submit.
  virtual Status Start(Revision applied, Consumer consumer) = 0;

  // Gives a payload to be ordered. Does not wait. UNAVAILABLE: stopped, or stopped delivering; the payload is not
  // ordered.
  virtual Status Submit(std::shared_ptr<const Payload> payload) = 0;

  // Delivers what was submitted, then stops. Idempotent.
  virtual void Stop() = 0;
};

// Orders in process, in the order of Submit, on a thread of its own. Nothing is kept: a payload that was not delivered
// when the process ends was never acknowledged.
std::unique_ptr<Sequencer> MakeLocalSequencer();

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_SEQUENCER_SEQUENCER_H_
