#include "ledger/engine/fold_reader.h"

#include <algorithm>
#include <utility>

#include "ledger/state/project.h"

namespace anamnesis {
namespace {

constexpr uint64_t kBatchEvents = 1024;
// Batches that wait to be folded.
constexpr size_t kBatchesMax = 4;
// Bodies this near to each other are read in one scan, those between them too.
constexpr uint64_t kBodyGapMax = 8;

}  // namespace

FoldReader::FoldReader(const RowReader& rows, TreeSize from, TreeSize to)
    : rows_(rows), from_(from), to_(to), thread_([this] { Run(); }) {}

FoldReader::~FoldReader() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

Status FoldReader::Next(std::vector<LoadedEvent>& events) {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !batches_.empty(); });
    RETURN_IF_ERROR(batches_.front().status());
    used_.push_back(std::exchange(events, {}));
    // The end stays.
    if (batches_.front()->empty()) return OkStatus();
    events = *std::move(batches_.front());
    batches_.pop_front();
  }
  changed_.notify_all();
  return OkStatus();
}

void FoldReader::Run() {
  std::vector<LoadedEvent> used;
  for (uint64_t first = from_.value;; first += kBatchEvents) {
    StatusOr<std::vector<LoadedEvent>> batch =
        Read(std::min(first, to_.value), std::min(first + kBatchEvents, to_.value), std::exchange(used, {}));
    const bool last = !batch.ok() || batch->empty();
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || batches_.size() < kBatchesMax; });
      if (stopping_) return;
      batches_.push_back(std::move(batch));
      if (!used_.empty()) {
        used = std::move(used_.back());
        used_.pop_back();
      }
    }
    changed_.notify_all();
    if (last) return;
  }
}

StatusOr<std::vector<LoadedEvent>> FoldReader::Read(uint64_t first, uint64_t limit,
                                                    std::vector<LoadedEvent> events) const {
  events.resize(limit - first);
  if (first == limit) return events;
  uint64_t next = first;
  Status status;
  const auto parse = [&](std::string_view key, std::string_view leaf) {
    if (key != LeafKey(LeafIndex(next))) return false;
    status = ParseStoredEvent(LeafIndex(next), leaf, "", events[next - first]);
    if (status.ok()) ++next;
    return status.ok() && next < limit;
  };
  RETURN_IF_ERROR(rows_.Scan(Family::kLeaves, "", LeafKey(LeafIndex(first)), parse));
  RETURN_IF_ERROR(status);
  if (next != limit) return absl::DataLossError(Text("leaf ", next, " is missing; run fsck"));
  RETURN_IF_ERROR(ReadBodies(events));
  return events;
}

Status FoldReader::ReadBodies(std::vector<LoadedEvent>& events) const {
  std::vector<LoadedEvent*> wanted;
  for (LoadedEvent& event : events) {
    if (FoldsReadBody(*event.type)) wanted.push_back(&event);
  }
  auto next = wanted.begin();
  while (next != wanted.end()) {
    const auto begin = next;
    Status status;
    RETURN_IF_ERROR(rows_.Scan(Family::kBodies, "", LeafKey((*next)->index), [&](auto key, auto body) {
      const std::string wanted_key = LeafKey((*next)->index);
      if (key < wanted_key) return true;
      if (key > wanted_key) return false;
      status = ParseStoredBody(body, **next);
      ++next;
      return status.ok() && next != wanted.end() && (*next)->index.value - (*(next - 1))->index.value <= kBodyGapMax;
    }));
    RETURN_IF_ERROR(status);
    if (next == begin) {
      return absl::DataLossError(
          Text("the body of leaf ", (*next)->index.value, " is missing, and state depends on it; run fsck"));
    }
  }
  return OkStatus();
}

}  // namespace anamnesis
