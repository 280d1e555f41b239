#ifndef ANAMNESIS_LEDGER_ENGINE_STEP_DETECTOR_H_
#define ANAMNESIS_LEDGER_ENGINE_STEP_DETECTOR_H_

// Notices when the system clock moves otherwise than time does.

#include <cstdint>
#include <cstdlib>

#include "ledger/base/limits.h"
#include "ledger/base/time.h"

namespace anamnesis {

// Used by one thread at a time.
class StepDetector {
 public:
  // The step since the last call, in microseconds; 0 when there was none worth noticing. `last_recorded` stands in for
  // the last call after a start.
  int64_t Observe(Timestamp now, int64_t monotonic_us, Timestamp last_recorded) {
    int64_t step = 0;
    if (!started_) {
      // Only a clock behind the log is certain to be wrong: any time may have passed since.
      if (now.us < last_recorded.us - limits::kClockStepNoticedUs) step = now.us - last_recorded.us;
    } else {
      const int64_t elapsed = monotonic_us - monotonic_us_;
      const int64_t drift = (now.us - now_.us) - elapsed;
      // A disciplined clock is slewed by up to 0.05 %; twice that is no step.
      if (std::abs(drift) > limits::kClockStepNoticedUs + elapsed / 1000) step = drift;
    }
    started_ = true;
    now_ = now;
    monotonic_us_ = monotonic_us;
    return step;
  }

 private:
  bool started_ = false;
  Timestamp now_;
  int64_t monotonic_us_ = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_STEP_DETECTOR_H_
