#ifndef ANAMNESIS_LEDGER_ENGINE_CLOCK_H_
#define ANAMNESIS_LEDGER_ENGINE_CLOCK_H_

// Time as the engine sees it: the system's clock, which can be set, and one that only goes forward, against which a
// step of the first is noticed. Safe from any thread.

#include <cstdint>

#include "ledger/base/time.h"

namespace anamnesis {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp Now() const = 0;
  virtual int64_t MonotonicUs() const = 0;
};

// The machine's clocks.
const Clock& SystemClock();

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_CLOCK_H_
