#include "ledger/engine/purger.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "ledger/base/bytes.h"
#include "ledger/commit/apply.h"
#include "ledger/state/erasures.h"

namespace anamnesis {
namespace {

// kMeta: be64, one more than the last erasing event whose bodies are gone from disk.
constexpr std::string_view kPurgedKey = "purged";
// How soon it is looked whether staged batches are gone: twice as late each time, since a member can be away for days.
constexpr std::chrono::milliseconds kLookFirst(200);
constexpr std::chrono::milliseconds kLookLast(10'000);

StatusOr<uint64_t> StoredNumber(const RowFinder& rows, std::string_view key) {
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kMeta, key));
  if (!value.has_value()) return 0;
  ByteReader reader(*value);
  return reader.BigEndian64();
}

Row NumberRow(std::string_view key, uint64_t number) {
  std::string value;
  AppendBigEndian64(value, number);
  return {Family::kMeta, std::string(key), std::move(value)};
}

}  // namespace

StatusOr<Erasing> ReadErasing(const RowFinder& rows) {
  Erasing erasing;
  ASSIGN_OR_RETURN(erasing.erased, StoredNumber(rows, kErasedKey));
  ASSIGN_OR_RETURN(erasing.purged, StoredNumber(rows, kPurgedKey));
  return erasing;
}

Row NoteErased(uint64_t up_to) { return NumberRow(kErasedKey, up_to); }
Row NotePurged(uint64_t up_to) { return NumberRow(kPurgedKey, up_to); }

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

Status Purger::EraseAgain(const std::function<Status()>& write) {
  Status written;
  {
    const std::lock_guard lock(note_mutex_);
    // Also when it fails: what was written then is not known.
    all_again_ = true;
    written = write();
  }
  Notify();
  return written;
}

Status Purger::Finish(std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  std::unique_lock lock(mutex_);
  if (!working_ && !last_.ok()) {
    due_ = true;
    changed_.notify_all();
  }
  while (true) {
    changed_.wait(lock, [this] { return !due_ && !working_; });
    if (!absl::IsUnavailable(last_)) return last_;
    const auto done = [this] { return !due_ && !working_ && !absl::IsUnavailable(last_); };
    if (!changed_.wait_until(lock, until, done)) return last_;
  }
}

void Purger::Work() {
  Status last_logged;
  std::chrono::milliseconds look_after = kLookFirst;
  std::unique_lock lock(mutex_);
  while (true) {
    const auto wake = [this] { return due_ || stopping_; };
    if (last_.ok()) {
      changed_.wait(lock, wake);
    } else {
      changed_.wait_for(lock, absl::IsUnavailable(last_) ? std::min(look_after, retry_every_) : retry_every_, wake);
    }
    // What is due is done before the end: whoever erased and closes the ledger has no other process to do it.
    if (stopping_ && !due_) return;
    look_after = due_ ? kLookFirst : std::min(2 * look_after, kLookLast);
    due_ = false;
    working_ = true;
    lock.unlock();
    const Status purged = PurgeDue();
    if (!purged.ok() && purged != last_logged) {
      log_(Text("erased bodies are still on disk: ", MessageOf(purged), "; this is tried again"));
    }
    last_logged = purged;
    lock.lock();
    working_ = false;
    last_ = purged;
    changed_.notify_all();
  }
}

StatusOr<Erasing> Purger::Begin() {
  const std::lock_guard lock(note_mutex_);
  if (std::exchange(all_again_, false)) {
    bodies_purged_ = 0;
    staged_.clear();
  }
  return ReadErasing(store_);
}

Status Purger::PurgeDue() {
  ASSIGN_OR_RETURN(const Erasing erasing, Begin());
  if (!erasing.purge_is_due()) return OkStatus();
  if (bodies_purged_ < erasing.erased) {
    RETURN_IF_ERROR(PurgeBodies(std::max(erasing.purged, bodies_purged_), erasing.erased));
  }
  RETURN_IF_ERROR(PurgeStaged());
  RETURN_IF_ERROR(Note(erasing.erased));
  log_(Text(std::exchange(bodies_, 0), " erased bodies are gone from disk"));
  return OkStatus();
}

Status Purger::Note(uint64_t purged) {
  const std::lock_guard lock(note_mutex_);
  if (all_again_) return absl::UnavailableError("bodies that were erased had turned up again");
  return store_.Write({NotePurged(purged)}, true);
}

Status Purger::PurgeBodies(uint64_t from, uint64_t erased) {
  std::vector<std::string> keys;
  RETURN_IF_ERROR(ScanErasures(store_, [&](LeafIndex index, LeafIndex by) {
    if (by.value >= from && by.value < erased) keys.push_back(LeafKey(index));
  }));
  RETURN_IF_ERROR(store_.Purge(Family::kBodies, keys));
  staged_.clear();
  RETURN_IF_ERROR(store_.Scan(Family::kStaged, "", "", [&](std::string_view key, std::string_view) {
    staged_.emplace_back(key);
    return true;
  }));
  std::reverse(staged_.begin(), staged_.end());
  bodies_ += keys.size();
  bodies_purged_ = erased;
  return OkStatus();
}

// Batches that were stored before they were ordered held the bodies too. Those that are staged from now on don't. The
// first that is still there says enough: there can be many, and a member can be away for long.
Status Purger::PurgeStaged() {
  for (; !staged_.empty(); staged_.pop_back()) {
    ASSIGN_OR_RETURN(const std::optional<std::string> batch, store_.Get(Family::kStaged, staged_.back()));
    if (!batch.has_value()) continue;
    return absl::UnavailableError("batches that are kept for members that have yet to apply them may hold them");
  }
  return store_.Purge(Family::kStaged, {});
}

}  // namespace anamnesis
