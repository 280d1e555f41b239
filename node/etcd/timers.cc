#include "node/etcd/timers.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace anamnesis {

void Timers::At(BootClock::time_point when, std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    waiting_.emplace(when, std::move(work));
  }
  changed_.notify_one();
}

void Timers::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
  waiting_.clear();
}

void Timers::Run() {
  // The condition variable's clock stands still while the machine sleeps; so no wait is longer than this.
  constexpr BootClock::duration kLongestWait = std::chrono::milliseconds(500);
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const BootClock::time_point now = BootClock::now();
    if (waiting_.empty()) {
      changed_.wait(lock);
    } else if (waiting_.begin()->first > now) {
      changed_.wait_for(lock, std::min(waiting_.begin()->first - now, kLongestWait));
    } else {
      std::function<void()> work = std::move(waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
      lock.unlock();
      work();
      work = nullptr;
      lock.lock();
    }
  }
}

}  // namespace anamnesis
