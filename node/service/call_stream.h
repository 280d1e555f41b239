#ifndef ANAMNESIS_NODE_SERVICE_CALL_STREAM_H_
#define ANAMNESIS_NODE_SERVICE_CALL_STREAM_H_

// What all streaming calls have in common: what can be begun is begun, reads and writes of gRPC's and jobs on a worker;
// and the call is finished once, when nothing is left. What differs is for `Reactor`'s derived class to say.
//
// Lifetime: gRPC's OnDone gives up the stream's hold on itself. Whoever else holds it, a worker's job for instance, may
// outlive the call.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "grpcpp/grpcpp.h"
#include "node/service/open_streams.h"

namespace anamnesis {

template <typename Reactor>
class CallStream : public Reactor, public OpenStream {
 public:
  const std::optional<v1::Agent>& caller() const final { return caller_; }

  void Drain() final {
    std::unique_lock lock(mutex_);
    draining_ = true;
    OnStopping();
    Proceed(std::move(lock));
  }
  void OnCancel() final {
    std::unique_lock lock(mutex_);
    broken_ = true;
    OnStopping();
    Proceed(std::move(lock));
  }
  void OnDone() final {
    streams_.Remove(this);
    const std::shared_ptr<CallStream> last = std::move(self_);
  }

 protected:
  // Something to begin. Runs without the lock, since gRPC may call back at once.
  using Step = std::function<void()>;

  // `streams` outlives it.
  CallStream(OpenStreams& streams, std::optional<v1::Agent> caller) : streams_(streams), caller_(std::move(caller)) {}

  // Once, before anything else is called: holds itself from here on, and is known in the streams.
  void Adopt(std::shared_ptr<CallStream> stream) {
    self_ = std::move(stream);
    streams_.Add(self_);
  }
  // Before OnDone.
  std::shared_ptr<CallStream> self() const { return self_; }

  // Begins what can be begun, and finishes the call when nothing is left. Every change of state ends with it; `this`
  // may be gone when it returns, unless the caller holds it.
  void Proceed(std::unique_lock<std::mutex> lock) {
    ++acting_;
    while (!finished_) {
      const Step step = NextStep();
      if (step == nullptr) break;
      lock.unlock();
      step();
      lock.lock();
    }
    --acting_;
    if (finished_ || acting_ > 0 || !IsOver()) return;
    finished_ = true;
    const grpc::Status outcome = Outcome();
    lock.unlock();
    this->Finish(outcome);
  }
  // Of a write.
  void Written(bool& writing, bool ok) {
    std::unique_lock lock(mutex_);
    writing = false;
    if (!ok) broken_ = true;
    Proceed(std::move(lock));
  }

  // All below are called with the lock held. What can be begun now, which is then under way; null for nothing.
  virtual Step NextStep() = 0;
  // Nothing is under way, and nothing will be.
  virtual bool IsOver() const = 0;
  virtual grpc::Status Outcome() = 0;
  // The call is to end: draining_ or broken_ was set.
  virtual void OnStopping() {}

  std::mutex mutex_;
  // Guarded by mutex_: the client has gone; the node stops; the call was finished.
  bool broken_ = false;
  bool draining_ = false;
  bool finished_ = false;

 private:
  OpenStreams& streams_;
  const std::optional<v1::Agent> caller_;
  std::shared_ptr<CallStream> self_;
  // Guarded by mutex_. Threads that are about to begin something: the call must not be finished under them.
  int acting_ = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_CALL_STREAM_H_
