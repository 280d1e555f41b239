#include "ledger/engine/admission.h"

#include <algorithm>

#include "ledger/event/refusal.h"

namespace anamnesis {

Status OutcomeUnknown(std::string_view why) {
  return absl::UnknownError(Text("outcome unknown: ", why, "; send the same run again"));
}

v1::RunResult Refused(const Status& status) {
  v1::RunResult result;
  *result.mutable_refused() = ToRpcStatus(status);
  return result;
}

Submission::~Submission() { Refuse(OutcomeUnknown("nobody knows what became of it")); }

void Submission::Answer(v1::RunResult result, uint64_t tree_size) const {
  if (!answered_.exchange(true)) tell_(std::move(result), tree_size);
}

void Submission::Refuse(const Status& status) const {
  if (!answered_.exchange(true)) tell_(Refused(status), std::nullopt);
}

Admission::Admission(std::string origin, size_t threads, Next next)
    : origin_(std::move(origin)), next_(std::move(next)) {
  const size_t count = threads != 0 ? threads : std::max<size_t>(1, std::thread::hardware_concurrency());
  for (size_t i = 0; i < count; ++i) threads_.emplace_back([this] { Work(); });
}

Admission::~Admission() { Stop(); }

void Admission::Submit(std::unique_ptr<Submission> submission) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      auto slot = std::make_shared<Slot>();
      slot->submission = std::move(submission);
      slots_.push_back(std::move(slot));
    }
  }
  if (submission != nullptr) {
    submission->Refuse(absl::UnavailableError("the ledger is stopping"));
    return;
  }
  wake_.notify_one();
}

void Admission::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Admission::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || taken_ < slots_.size(); });
    if (taken_ == slots_.size()) return;
    const std::shared_ptr<Slot> slot = slots_[taken_++];
    lock.unlock();
    StatusOr<AdmittedRun> admitted = AdmitRun(std::move(slot->submission->run), origin_);
    if (admitted.ok()) slot->submission->admitted = std::make_shared<const AdmittedRun>(*std::move(admitted));
    lock.lock();
    slot->status = admitted.status();
    slot->done = true;
    // One thread hands on at a time, so that the order holds; what becomes done meanwhile it takes along.
    if (handing_on_) continue;
    handing_on_ = true;
    while (!slots_.empty() && slots_.front()->done) {
      const std::shared_ptr<Slot> first = std::move(slots_.front());
      slots_.pop_front();
      --taken_;
      lock.unlock();
      if (first->status.ok()) {
        next_(std::move(first->submission));
      } else {
        first->submission->Refuse(first->status);
      }
      lock.lock();
    }
    handing_on_ = false;
  }
}

}  // namespace anamnesis
