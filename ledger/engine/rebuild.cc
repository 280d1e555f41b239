#include "ledger/engine/rebuild.h"

#include <array>
#include <atomic>
#include <future>

#include "ledger/state/project.h"
#include "ledger/state/recorded_event.h"

namespace anamnesis {
namespace {

constexpr std::string_view kRebuildingKey = "rebuilding";
// Bounds memory: rows of this many events are sorted and loaded at once.
constexpr uint64_t kChunkEvents = 200000;

Status Mark(Store& store, bool rebuilding) {
  return store.Write({{Family::kMeta, std::string(kRebuildingKey), rebuilding ? "1" : "0"}}, true);
}

// Families don't depend on each other, so two threads sort and write them.
Status LoadRows(Store& store, Rows rows) {
  std::array<Rows, kFamilies> by_family;
  for (Row& row : rows) by_family[static_cast<size_t>(row.family)].push_back(std::move(row));
  std::atomic<size_t> next = 0;
  const auto load = [&]() -> Status {
    for (size_t i = next++; i < kProjectionFamilies.size(); i = next++) {
      const Family family = kProjectionFamilies[i];
      RETURN_IF_ERROR(store.BulkLoad(family, std::move(by_family[static_cast<size_t>(family)])));
    }
    return OkStatus();
  };
  std::future<Status> other = std::async(std::launch::async, load);
  const Status own = load();
  const Status others = other.get();
  return own.ok() ? others : own;
}

// The event, with its body only where a fold reads it: most bodies are evidence, not state.
StatusOr<LoadedEvent> LoadForFold(const RowReader& rows, LeafIndex index, std::string_view leaf) {
  ASSIGN_OR_RETURN(LoadedEvent event, ParseStoredEvent(index, leaf, ""));
  if (!FoldsReadBody(*event.type)) return event;
  ASSIGN_OR_RETURN(const std::optional<std::string> body, rows.Get(Family::kBodies, LeafKey(index)));
  if (!body.has_value()) {
    return absl::DataLossError(
        Text("the body of leaf ", index.value, " is missing, and state depends on it; run fsck"));
  }
  return ParseStoredEvent(index, leaf, *body);
}

// Folds [first, limit) and returns the rows.
StatusOr<Rows> FoldChunk(Store& store, uint64_t first, uint64_t limit) {
  const std::unique_ptr<RowReader> view = store.View();
  RowOverlay rows(*view);
  uint64_t next = first;
  Status status;
  const auto fold = [&](std::string_view key, std::string_view leaf) {
    if (next == limit || key != LeafKey(LeafIndex(next))) return false;
    const StatusOr<LoadedEvent> event = LoadForFold(*view, LeafIndex(next), leaf);
    status = event.ok() ? Project(event->view(), rows) : event.status();
    ++next;
    return status.ok();
  };
  RETURN_IF_ERROR(view->Scan(Family::kLeaves, "", LeafKey(LeafIndex(first)), fold));
  RETURN_IF_ERROR(status);
  if (next != limit) return absl::DataLossError(Text("leaf ", next, " is missing; run fsck"));
  return rows.Take();
}

}  // namespace

StatusOr<bool> RebuildIsDue(const RowFinder& rows) {
  ASSIGN_OR_RETURN(const std::optional<std::string> mark, rows.Get(Family::kMeta, kRebuildingKey));
  return mark == "1";
}

Status RebuildProjections(Store& store, TreeSize size, const std::function<void(uint64_t)>& progress) {
  RETURN_IF_ERROR(Mark(store, true));
  RETURN_IF_ERROR(store.ClearProjections());
  for (uint64_t first = 0; first < size.value; first += kChunkEvents) {
    const uint64_t limit = std::min(size.value, first + kChunkEvents);
    ASSIGN_OR_RETURN(Rows rows, FoldChunk(store, first, limit));
    RETURN_IF_ERROR(LoadRows(store, std::move(rows)));
    progress(limit);
  }
  RETURN_IF_ERROR(store.Flush());
  return Mark(store, false);
}

}  // namespace anamnesis
