#ifndef ANAMNESIS_CLIENT_CPP_DEADLINE_H_
#define ANAMNESIS_CLIENT_CPP_DEADLINE_H_

#include <chrono>

#include "grpcpp/grpcpp.h"

namespace anamnesis {

// So long from now, for calls and waits of gRPC: by the clock that nobody sets, so that a step of the wall clock
// neither ends what waits nor keeps it waiting.
inline gpr_timespec DeadlineIn(std::chrono::milliseconds within) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(within.count(), GPR_TIMESPAN));
}

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_DEADLINE_H_
