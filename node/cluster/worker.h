#ifndef ANAMNESIS_NODE_CLUSTER_WORKER_H_
#define ANAMNESIS_NODE_CLUSTER_WORKER_H_

// A thread that does what it is given, in order.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace anamnesis {

// Safe for concurrent use.
class Worker {
 public:
  using Work = std::function<void()>;

  // Calls `tick`, if there is one, between pieces of work, about every `interval`; nothing is done before Start.
  explicit Worker(Work tick = nullptr, std::chrono::milliseconds interval = std::chrono::hours(1))
      : tick_(std::move(tick)), interval_(interval) {}
  ~Worker() { Stop(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Begins, with what was posted before: when everything that the work uses is there. Once, and not after Stop.
  void Start() {
    thread_ = std::thread([this] { Run(); });
  }

  // Not done any more after Stop.
  void Post(Work work) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      queue_.push_back(std::move(work));
    }
    wake_.notify_one();
  }

  // Forgets what is queued and waits for what is being done. Idempotent; not from its own thread.
  void Stop() {
    // What it holds may call back when it is destroyed.
    std::deque<Work> forgotten;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      forgotten.swap(queue_);
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    auto next_tick = std::chrono::steady_clock::now();
    while (true) {
      wake_.wait_until(lock, next_tick, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_) return;
      Work work;
      if (std::chrono::steady_clock::now() >= next_tick) {
        next_tick = std::chrono::steady_clock::now() + interval_;
        work = tick_;
      } else if (!queue_.empty()) {
        work = std::move(queue_.front());
        queue_.pop_front();
      }
      if (work == nullptr) continue;
      lock.unlock();
      work();
      // What it holds may be destroyed with a lock of its owner held.
      work = nullptr;
      lock.lock();
    }
  }

  const Work tick_;
  const std::chrono::milliseconds interval_;
  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::deque<Work> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_WORKER_H_
