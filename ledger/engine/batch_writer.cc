#include "ledger/engine/batch_writer.h"

#include "ledger/base/check.h"

namespace anamnesis {

BatchWriter::BatchWriter(Store& store) : store_(store), thread_([this] { Run(); }) {}

BatchWriter::~BatchWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void BatchWriter::Begin(std::shared_ptr<const RowOverlay> rows, bool durable, std::function<void(const Status&)> done) {
  {
    const std::lock_guard lock(mutex_);
    CHECK(rows_ == nullptr);
    rows_ = std::move(rows);
    durable_ = durable;
    done_ = std::move(done);
  }
  changed_.notify_all();
}

void BatchWriter::Wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return rows_ == nullptr; });
}

void BatchWriter::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || rows_ != nullptr; });
    if (rows_ == nullptr) return;
    lock.unlock();
    // Begin does not touch them while rows_ is set.
    done_(store_.Write(rows_->rows(), durable_));
    lock.lock();
    rows_ = nullptr;
    done_ = nullptr;
    changed_.notify_all();
  }
}

}  // namespace anamnesis
