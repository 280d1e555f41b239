#ifndef ANAMNESIS_LEDGER_GATE_RENEWED_FACTS_H_
#define ANAMNESIS_LEDGER_GATE_RENEWED_FACTS_H_

// Facts for work on many things one after another. What one of them rests on must not use up what the next may read, so
// they are read anew as soon as much of them is kept; until then things share what they have in common. Private to the
// room.

#include <optional>

#include "ledger/query/facts.h"

namespace anamnesis::gate {

class RenewedFacts {
 public:
  // `rows` must outlive it. `events_max` is what may be read for one thing, less a small part.
  RenewedFacts(const RowReader& rows, TreeSize size, size_t events_max)
      : rows_(rows), size_(size), events_max_(events_max) {}

  // For the next thing. Nothing is valid any more of what was read for those before.
  Facts& Next() {
    if (!facts_.has_value() || facts_->events_read() >= events_max_ / kKeptPart) {
      facts_.emplace(rows_, size_, events_max_);
    }
    return *facts_;
  }

 private:
  static constexpr size_t kKeptPart = 16;

  const RowReader& rows_;
  const TreeSize size_;
  const size_t events_max_;
  std::optional<Facts> facts_;
};

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_RENEWED_FACTS_H_
