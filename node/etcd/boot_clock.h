#ifndef ANAMNESIS_NODE_ETCD_BOOT_CLOCK_H_
#define ANAMNESIS_NODE_ETCD_BOOT_CLOCK_H_

// A monotonic clock that goes on while the machine sleeps, which std::chrono::steady_clock does not: a lease must be
// seen to have ended when the machine wakes up.

#include <time.h>

#include <chrono>

namespace anamnesis {

struct BootClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;

  static time_point now() noexcept {
    timespec time;
    clock_gettime(CLOCK_BOOTTIME, &time);
    return time_point(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
  }
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_ETCD_BOOT_CLOCK_H_
