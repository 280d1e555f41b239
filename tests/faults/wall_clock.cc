// Preloaded into a node by the fault tests: its wall clock is ahead of the machine's by the nanoseconds (8 bytes,
// little endian, may be negative) in the file that ANAMNESIS_WALL_CLOCK names, which may change at any time. Only this
// process sees it, and only CLOCK_REALTIME moves. Waits until a time of that clock last until the machine's clock shows
// it.

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>

namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

int64_t AheadNs() {
  static const volatile int64_t* const ahead = [] {
    static const int64_t none = 0;
    const char* path = std::getenv("ANAMNESIS_WALL_CLOCK");
    const int file = path == nullptr ? -1 : ::open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return &none;
    void* mapped = ::mmap(nullptr, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    ::close(file);
    return mapped == MAP_FAILED ? &none : static_cast<const int64_t*>(mapped);
  }();
  return *ahead;
}

timespec Moved(timespec time, int64_t by_ns) {
  const int64_t ns = time.tv_sec * kSecondNs + time.tv_nsec + by_ns;
  return {static_cast<time_t>(ns / kSecondNs), static_cast<long>(ns % kSecondNs)};
}

int MachineTime(clockid_t clock, timespec* now) {
  using Function = int (*)(clockid_t, timespec*);
  static const auto next = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "clock_gettime"));
  return next(clock, now);
}

bool IsWallClock(clockid_t clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE; }

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) {
  const int result = MachineTime(clock, now);
  if (result == 0 && IsWallClock(clock)) *now = Moved(*now, AheadNs());
  return result;
}

int gettimeofday(timeval* now, void*) {
  timespec time{};
  const int result = clock_gettime(CLOCK_REALTIME, &time);
  *now = {time.tv_sec, time.tv_nsec / 1000};
  return result;
}

time_t time(time_t* into) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (into != nullptr) *into = now.tv_sec;
  return now.tv_sec;
}

// The clock is the condition's own. Times of the others are since the machine started.
int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const timespec* until) {
  using Function = int (*)(pthread_cond_t*, pthread_mutex_t*, const timespec*);
  // The first version is of conditions of another size, and what dlsym would find.
  static const auto next = reinterpret_cast<Function>(::dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2"));
  const timespec moved = until->tv_sec > kSecondNs ? Moved(*until, -AheadNs()) : *until;
  return next(condition, mutex, &moved);
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock, const timespec* until) {
  using Function = int (*)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*);
  static const auto next = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "pthread_cond_clockwait"));
  const timespec moved = IsWallClock(clock) ? Moved(*until, -AheadNs()) : *until;
  return next(condition, mutex, clock, &moved);
}

// Abseil waits by futexes of its own. So does the guard of a static that two threads initialise at once: it would come
// back here without end.
long syscall(long number, ...) {
  using Function = long (*)(long, ...);
  static std::atomic<Function> found = nullptr;
  if (found == nullptr) found = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "syscall"));
  const Function next = found;
  va_list list;
  va_start(list, number);
  long arguments[6];
  for (long& argument : arguments) argument = va_arg(list, long);
  va_end(list);
  timespec moved{};
  const bool timed = number == SYS_futex && (arguments[1] & FUTEX_CLOCK_REALTIME) != 0 && arguments[3] != 0;
  if (timed) {
    moved = Moved(*reinterpret_cast<const timespec*>(arguments[3]), -AheadNs());
    arguments[3] = reinterpret_cast<long>(&moved);
  }
  return next(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

}  // extern "C"
