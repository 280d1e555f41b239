#include "ledger/engine/clock.h"

#include <chrono>

namespace anamnesis {
namespace {

template <typename ChronoClock>
int64_t MicrosecondsOf() {
  return std::chrono::duration_cast<std::chrono::microseconds>(ChronoClock::now().time_since_epoch()).count();
}

class MachineClock : public Clock {
 public:
  Timestamp Now() const override { return Timestamp(MicrosecondsOf<std::chrono::system_clock>()); }
  int64_t MonotonicUs() const override { return MicrosecondsOf<std::chrono::steady_clock>(); }
};

}  // namespace

const Clock& SystemClock() {
  static const MachineClock clock;
  return clock;
}

}  // namespace anamnesis
