#include "ledger/engine/purger.h"

#include <optional>
#include <utility>
#include <vector>

#include "ledger/base/bytes.h"
#include "ledger/commit/apply.h"
#include "ledger/state/erasures.h"

namespace anamnesis {
namespace {

// kMeta: be64, one more than the last erasing event whose bodies are gone from disk.
constexpr std::string_view kPurgedKey = "purged";

StatusOr<uint64_t> StoredNumber(const RowFinder& rows, std::string_view key) {
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kMeta, key));
  if (!value.has_value()) return 0;
  ByteReader reader(*value);
  return reader.BigEndian64();
}

}  // namespace

StatusOr<uint64_t> PurgedUpTo(const RowFinder& rows) { return StoredNumber(rows, kPurgedKey); }

Purger::Purger(Store& store, Log log, std::chrono::milliseconds retry_every)
    : store_(store), log_(std::move(log)), retry_every_(retry_every), thread_([this] { Work(); }) {}

Purger::~Purger() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Purger::Notify() {
  const std::lock_guard lock(mutex_);
  due_ = true;
  changed_.notify_all();
}

Status Purger::Finish() {
  std::unique_lock lock(mutex_);
  if (!working_ && !last_.ok()) {
    due_ = true;
    changed_.notify_all();
  }
  changed_.wait(lock, [this] { return !due_ && !working_; });
  return last_;
}

void Purger::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    const auto wake = [this] { return due_ || stopping_; };
    if (last_.ok()) {
      changed_.wait(lock, wake);
    } else {
      changed_.wait_for(lock, retry_every_, wake);
    }
    if (stopping_) return;
    due_ = false;
    working_ = true;
    lock.unlock();
    const Status purged = PurgeDue();
    if (!purged.ok()) {
      log_(Text("erased bodies are still on disk: ", MessageOf(purged), "; this is tried again"));
    }
    lock.lock();
    working_ = false;
    last_ = purged;
    changed_.notify_all();
  }
}

Status Purger::PurgeDue() {
  ASSIGN_OR_RETURN(const uint64_t erased, StoredNumber(store_, kErasedKey));
  ASSIGN_OR_RETURN(const uint64_t purged, PurgedUpTo(store_));
  if (erased <= purged) return OkStatus();
  std::vector<std::string> keys;
  RETURN_IF_ERROR(ScanErasures(store_, [&](LeafIndex index, LeafIndex by) {
    if (by.value >= purged && by.value < erased) keys.push_back(LeafKey(index));
  }));
  RETURN_IF_ERROR(store_.Purge(Family::kBodies, keys));
  // Batches that were stored before they were ordered held the bodies too.
  RETURN_IF_ERROR(store_.Purge(Family::kStaged, {}));
  std::string done;
  AppendBigEndian64(done, erased);
  RETURN_IF_ERROR(store_.Write({{Family::kMeta, std::string(kPurgedKey), std::move(done)}}, true));
  log_(Text(keys.size(), " erased bodies are gone from disk"));
  return OkStatus();
}

}  // namespace anamnesis
