#ifndef ANAMNESIS_LEDGER_ENGINE_FSCK_WORKERS_H_
#define ANAMNESIS_LEDGER_ENGINE_FSCK_WORKERS_H_

// Threads that share out a loop while the caller does something else.

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace anamnesis {

// Used by one thread, which counts as one of `threads`.
class LoopWorkers {
 public:
  explicit LoopWorkers(size_t threads) {
    const size_t count = threads != 0 ? threads : std::max<size_t>(1, std::thread::hardware_concurrency());
    for (size_t i = 1; i < count; ++i) threads_.emplace_back([this] { Work(); });
  }
  LoopWorkers(const LoopWorkers&) = delete;
  LoopWorkers& operator=(const LoopWorkers&) = delete;
  ~LoopWorkers() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  // Begins body(0) ... body(count - 1), in any order and on any thread. The last loop must be finished.
  void Start(size_t count, std::function<void(size_t)> body) {
    {
      const std::lock_guard lock(mutex_);
      body_ = std::move(body);
      next_ = 0;
      count_ = count;
    }
    wake_.notify_all();
  }

  // Helps until the loop is done.
  void Finish() {
    std::unique_lock lock(mutex_);
    while (TakePart(lock)) {
    }
    done_.wait(lock, [this] { return busy_ == 0; });
  }

 private:
  static constexpr size_t kPart = 8;

  // Does one part of the loop, if one is left.
  bool TakePart(std::unique_lock<std::mutex>& lock) {
    if (next_ >= count_) return false;
    const size_t first = next_;
    const size_t limit = std::min(count_, first + kPart);
    next_ = limit;
    ++busy_;
    lock.unlock();
    for (size_t i = first; i < limit; ++i) body_(i);
    lock.lock();
    if (--busy_ == 0 && next_ >= count_) done_.notify_all();
    return true;
  }

  void Work() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return stopping_ || next_ < count_; });
      if (stopping_) return;
      TakePart(lock);
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  // Guarded by mutex_, except that a running loop's body is only called.
  std::function<void(size_t)> body_;
  size_t next_ = 0;
  size_t count_ = 0;
  size_t busy_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_FSCK_WORKERS_H_
