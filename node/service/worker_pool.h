#ifndef ANAMNESIS_NODE_SERVICE_WORKER_POOL_H_
#define ANAMNESIS_NODE_SERVICE_WORKER_POOL_H_

// A few threads that may block on the disk, so that gRPC's callback threads never do. Safe from any thread.

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace anamnesis {

class WorkerPool {
 public:
  // `queue_max` bounds what TrySubmit may leave waiting.
  WorkerPool(size_t threads, size_t queue_max);
  ~WorkerPool() { Stop(); }

  // Queues a request's work; false, and nothing queued, when too much waits already.
  bool TrySubmit(std::function<void()> work);
  // Queues without a bound: for work of which the caller has at most one piece waiting.
  void Submit(std::function<void()> work);
  // Runs everything that was submitted, then joins; what is submitted later is dropped. Idempotent.
  void Stop();

 private:
  void Run();

  const size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_WORKER_POOL_H_
