#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "ledger/sequencer/sequencer.h"

namespace anamnesis {
namespace {

class LocalSequencer : public Sequencer {
 public:
  ~LocalSequencer() override { Stop(); }

  Status Start(Revision applied, Receiver receiver) override {
    receiver_ = std::move(receiver);
    last_ = applied;
    thread_ = std::thread([this] { Run(); });
    return OkStatus();
  }

  Status Submit(std::shared_ptr<const Payload> payload) override {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_ || failed_) return absl::UnavailableError("the ledger is stopping or has stopped taking appends");
      queue_.push_back(std::move(payload));
    }
    wake_.notify_one();
    return OkStatus();
  }

  void Applied(Revision revision, const StateDigest&) override { receiver_.settled(revision); }
  bool order_is_final() const override { return false; }
  // What is settled is settled here.
  void Barrier(std::function<void(const Status&)> done) override { done(OkStatus()); }
  std::string refusing() const override { return ""; }

  void Stop() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      std::shared_ptr<const Payload> payload = std::move(queue_.front());
      queue_.pop_front();
      const Revision revision(last_.value + 1);
      lock.unlock();
      const Status delivered = receiver_.ordered({revision, 0, 0, payload, std::nullopt});
      lock.lock();
      if (!delivered.ok()) {
        failed_ = true;
        return;
      }
      last_ = revision;
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  std::deque<std::shared_ptr<const Payload>> queue_;
  bool stopping_ = false;
  bool failed_ = false;
  // Set before the thread starts, then used by it only.
  Receiver receiver_;
  Revision last_;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Sequencer> MakeLocalSequencer() { return std::make_unique<LocalSequencer>(); }

}  // namespace anamnesis
