#ifndef ANAMNESIS_NODE_ETCD_TIMERS_H_
#define ANAMNESIS_NODE_ETCD_TIMERS_H_

// One thread that runs things later. What it runs must not block, since everything else waits for it. Safe from any
// thread, and from what it runs.

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "node/etcd/boot_clock.h"

namespace anamnesis {

class Timers {
 public:
  Timers() : thread_([this] { Run(); }) {}
  ~Timers() { Stop(); }

  // Runs `work` at `when`, or as soon after as the thread is free. Dropped, without being run, after Stop.
  void At(BootClock::time_point when, std::function<void()> work);
  void After(BootClock::duration delay, std::function<void()> work) { At(BootClock::now() + delay, std::move(work)); }
  // Drops what waits, and returns when nothing runs any more. Idempotent; not from what the thread runs.
  void Stop();

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::multimap<BootClock::time_point, std::function<void()>> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_ETCD_TIMERS_H_
