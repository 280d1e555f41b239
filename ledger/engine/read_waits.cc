#include "ledger/engine/read_waits.h"

#include <algorithm>

namespace anamnesis {
namespace {

constexpr size_t kWaitsMax = 1024;
constexpr std::chrono::seconds kWaitMax(30);

Status Stopping() { return absl::UnavailableError("the ledger is stopping; retry elsewhere"); }

}  // namespace

ReadWaits::ReadWaits(std::function<uint64_t()> size, Barrier barrier)
    : size_(std::move(size)), barrier_(std::move(barrier)), thread_([this] { Run(); }) {}

uint64_t ReadWaits::Add(const v1::Consistency& consistency, Clock::time_point deadline, Ready ready) {
  if (!consistency.linearizable() && size_() >= consistency.tree_size_min()) {
    ready(OkStatus());
    return 0;
  }
  Status refused;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      refused = Stopping();
    } else if (waits_.size() >= kWaitsMax) {
      refused = absl::UnavailableError(Text(kWaitsMax, " reads wait here already; ask another node, or again"));
    } else {
      Wait& wait = waits_[++last_token_];
      wait.size_min = consistency.tree_size_min();
      // One that is under way may have begun before something that this read must include.
      if (consistency.linearizable()) wait.barrier = barrier_wanted_ = barrier_begun_ + 1;
      wait.deadline = std::min(deadline, Clock::now() + kWaitMax);
      wait.ready = std::move(ready);
      look_ = true;
      wake_.notify_one();
      return last_token_;
    }
  }
  ready(refused);
  return 0;
}

void ReadWaits::Cancel(uint64_t token) {
  const std::lock_guard lock(mutex_);
  const auto found = waits_.find(token);
  if (found == waits_.end()) return;
  found->second.failed = absl::CancelledError("the call was cancelled");
  look_ = true;
  wake_.notify_one();
}

void ReadWaits::Grown() {
  const std::lock_guard lock(mutex_);
  if (waits_.empty()) return;
  look_ = true;
  wake_.notify_one();
}

void ReadWaits::EndAll() {
  const std::lock_guard lock(mutex_);
  for (auto& [token, wait] : waits_) wait.failed = Stopping();
  look_ = true;
  wake_.notify_one();
}

void ReadWaits::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

std::optional<Status> ReadWaits::Outcome(const Wait& wait, uint64_t size, Clock::time_point now) const {
  if (!wait.failed.ok()) return wait.failed;
  const bool through = wait.barrier <= barrier_ended_;
  if (through && size >= wait.size_min) return OkStatus();
  if (stopping_) return Stopping();
  if (now < wait.deadline) return std::nullopt;
  if (size < wait.size_min) {
    return absl::UnavailableError(
        Text("there are ", size, " events here, ", wait.size_min, " are asked for; retry here or elsewhere"));
  }
  return absl::UnavailableError(
      "it can't be said in time whether this includes what others acknowledged; retry here or elsewhere");
}

ReadWaits::Told ReadWaits::TakeEnded() {
  Told told;
  const uint64_t size = size_();
  const Clock::time_point now = Clock::now();
  for (auto at = waits_.begin(); at != waits_.end();) {
    if (std::optional<Status> outcome = Outcome(at->second, size, now)) {
      told.emplace_back(std::move(at->second.ready), *std::move(outcome));
      at = waits_.erase(at);
    } else {
      ++at;
    }
  }
  return told;
}

void ReadWaits::OnBarrier(const Status& status) {
  const std::lock_guard lock(mutex_);
  barrier_ended_ = barrier_begun_;
  for (auto& [token, wait] : waits_) {
    if (wait.barrier == barrier_ended_ && wait.failed.ok()) wait.failed = status;
  }
  look_ = true;
  wake_.notify_one();
}

void ReadWaits::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    look_ = false;
    Told told = TakeEnded();
    const bool begin = !stopping_ && barrier_wanted_ > barrier_begun_ && barrier_begun_ == barrier_ended_;
    if (begin) ++barrier_begun_;
    if (begin || !told.empty()) {
      lock.unlock();
      for (const auto& [ready, outcome] : told) ready(outcome);
      told.clear();
      if (begin) barrier_([this](const Status& status) { OnBarrier(status); });
      lock.lock();
      continue;
    }
    if (stopping_) return;
    Clock::time_point next = Clock::time_point::max();
    for (const auto& [token, wait] : waits_) next = std::min(next, wait.deadline);
    const auto woken = [this] { return look_ || stopping_; };
    if (next == Clock::time_point::max()) {
      wake_.wait(lock, woken);
    } else {
      wake_.wait_until(lock, next, woken);
    }
  }
}

}  // namespace anamnesis
