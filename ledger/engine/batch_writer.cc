#include "ledger/engine/batch_writer.h"

#include <chrono>
#include <utility>

#include "ledger/base/check.h"
#include "ledger/engine/space.h"

namespace anamnesis {

namespace {

constexpr std::chrono::milliseconds kLookForSpaceAfter(200);

}  // namespace

BatchWriter::BatchWriter(Store& store, uint64_t reserve_bytes, std::function<void(std::string_view)> log)
    : store_(store), reserve_bytes_(reserve_bytes), log_(std::move(log)), thread_([this] { Run(); }) {}

BatchWriter::~BatchWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void BatchWriter::Begin(std::shared_ptr<const RowOverlay> rows, bool durable, WhenFull when_full,
                        std::function<void(const Status&)> done) {
  {
    const std::lock_guard lock(mutex_);
    CHECK(rows_ == nullptr);
    rows_ = std::move(rows);
    durable_ = durable;
    when_full_ = when_full;
    done_ = std::move(done);
  }
  changed_.notify_all();
}

void BatchWriter::Wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return rows_ == nullptr; });
}

void BatchWriter::EndWaiting() {
  {
    const std::lock_guard lock(mutex_);
    waiting_ends_ = true;
  }
  changed_.notify_all();
}

Status BatchWriter::Alone(const std::function<Status()>& write) {
  const std::lock_guard lock(writing_mutex_);
  return write();
}

Status BatchWriter::WriteRows() {
  const std::lock_guard lock(writing_mutex_);
  return store_.Write(rows_->rows(), durable_);
}

Status BatchWriter::WriteWhenThereIsSpace() {
  if (when_full_ == WhenFull::kFail) return WriteRows();
  bool waited = false;
  while (true) {
    Status written = CheckSpace(store_, reserve_bytes_);
    if (written.ok() && waited) written = store_.TryResume();
    if (written.ok()) written = WriteRows();
    if (!absl::IsResourceExhausted(written)) {
      if (waited) log_("there is space again");
      return written;
    }
    if (!waited) log_(Text("what is ordered waits until there is space: ", MessageOf(written)));
    waited = true;
    std::unique_lock lock(mutex_);
    if (changed_.wait_for(lock, kLookForSpaceAfter, [this] { return waiting_ends_; })) return written;
  }
}

void BatchWriter::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || rows_ != nullptr; });
    if (rows_ == nullptr) return;
    lock.unlock();
    // Begin does not touch them while rows_ is set.
    done_(WriteWhenThereIsSpace());
    lock.lock();
    rows_ = nullptr;
    done_ = nullptr;
    changed_.notify_all();
  }
}

}  // namespace anamnesis
