#include "ledger/engine/rebuild.h"

#include <array>
#include <atomic>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <vector>

#include "ledger/engine/fold_reader.h"
#include "ledger/engine/layout.h"
#include "ledger/engine/space.h"
#include "ledger/state/project.h"
#include "ledger/state/projection_damage.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/remembered_rows.h"
#include "ledger/store/drop_projections.h"

namespace anamnesis {
namespace {

constexpr std::string_view kRebuildingKey = "rebuilding";

Row Mark(bool rebuilding) { return {Family::kMeta, std::string(kRebuildingKey), rebuilding ? "1" : "0"}; }

// What can't be rebuilt isn't dropped. Whether a leaf between the ends is missing the fold finds.
Status CheckLogReaches(const RowFinder& rows, TreeSize size) {
  if (size.value == 0) return OkStatus();
  for (const LeafIndex end : {LeafIndex(0), LeafIndex(size.value - 1)}) {
    ASSIGN_OR_RETURN(const std::optional<std::string> leaf, rows.Get(Family::kLeaves, LeafKey(end)));
    if (!leaf.has_value()) return absl::DataLossError(Text("leaf ", end.value, " is missing; run fsck"));
  }
  return OkStatus();
}

// Families don't depend on each other, so two threads sort and write them.
Status LoadRows(Store& store, const Rows& rows) {
  uint64_t bytes = 0;
  for (const Row& row : rows) bytes += row.key.size() + row.value.size();
  RETURN_IF_ERROR(CheckSpace(store, bytes));
  std::array<std::vector<const Row*>, kFamilies> by_family;
  for (const Row& row : rows) by_family[static_cast<size_t>(row.family)].push_back(&row);
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

// Folds events, and loads the rows of one chunk while it folds the next, which reads them from where they are pending.
class Rebuilder {
 public:
  explicit Rebuilder(Store& store) : store_(store), view_(store.View()), remembered_(*view_) { Begin(); }
  ~Rebuilder() { (void)Wait(); }
  Rebuilder(const Rebuilder&) = delete;
  Rebuilder& operator=(const Rebuilder&) = delete;

  Status Add(const RecordedEvent& event) { return Project(event, *folded_); }

  // The events added so far are a chunk.
  Status EndChunk() {
    RETURN_IF_ERROR(Wait());
    view_ = store_.View();
    remembered_.emplace(*view_);
    folded_->Rebase(*remembered_);
    loaded_ = std::move(folded_);
    loading_ = std::async(std::launch::async, [this] { return LoadRows(store_, loaded_->rows()); });
    Begin();
    return OkStatus();
  }

  // Returns when all chunks are loaded.
  Status Wait() { return loading_.valid() ? loading_.get() : OkStatus(); }

 private:
  void Begin() {
    const RowFinder& before = loaded_ != nullptr ? static_cast<const RowFinder&>(*loaded_) : *remembered_;
    folded_ = std::make_unique<RowOverlay>(before, RowOverlay::Found::kWhenAsked);
    if (loaded_ != nullptr) folded_->ReserveAsIn(*loaded_);
  }

  Store& store_;
  std::unique_ptr<RowReader> view_;
  // Of `view_`, in which what is not pending in `loaded_` stays as it is. Nobody but the folds reads it.
  std::optional<RememberedRows> remembered_;
  // Rows that `loading_` loads; their base is a view from before.
  std::unique_ptr<RowOverlay> loaded_;
  std::unique_ptr<RowOverlay> folded_;
  std::future<Status> loading_;
};

}  // namespace

StatusOr<std::unique_ptr<Store>> OpenStoreOf(const std::string& dir, const StoreOptions& options,
                                             const std::function<void(std::string_view)>& log) {
  StatusOr<std::unique_ptr<Store>> store = OpenRocksStore(DatabasePath(dir), options);
  if (!IsProjectionDamage(store.status())) return store;
  log(Text(MessageOf(store.status()), "; their files are dropped"));
  // First, so that they are rebuilt whatever becomes of this process.
  RETURN_IF_ERROR(WriteSmallFile(DamagedProjectionsPath(dir), ""));
  RETURN_IF_ERROR(DropProjections(DatabasePath(dir)));
  return OpenRocksStore(DatabasePath(dir), options);
}

StatusOr<bool> RebuildIsDue(const RowFinder& rows) {
  ASSIGN_OR_RETURN(const std::optional<std::string> mark, rows.Get(Family::kMeta, kRebuildingKey));
  return mark == "1";
}

Row ProjectionsComplete() { return Mark(false); }

Status ExtendProjections(Store& store, TreeSize from, TreeSize to, const std::function<Status(uint64_t)>& progress,
                         uint64_t chunk_events) {
  RETURN_IF_ERROR(store.Write({Mark(true)}, true));
  FoldReader reader(store, from, to);
  Rebuilder rebuilder(store);
  std::vector<LoadedEvent> events;
  for (uint64_t done = from.value; done < to.value;) {
    RETURN_IF_ERROR(reader.Next(events));
    for (const LoadedEvent& event : events) {
      RETURN_IF_ERROR(rebuilder.Add(event.view()));
      if (++done % chunk_events != 0 && done != to.value) continue;
      RETURN_IF_ERROR(rebuilder.EndChunk());
      RETURN_IF_ERROR(progress(done));
    }
  }
  RETURN_IF_ERROR(rebuilder.Wait());
  return store.Flush();
}

Status RebuildProjections(Store& store, TreeSize size, const std::function<void(uint64_t)>& progress,
                          uint64_t chunk_events) {
  RETURN_IF_ERROR(CheckLogReaches(store, size));
  RETURN_IF_ERROR(store.Write({Mark(true)}, true));
  RETURN_IF_ERROR(store.ClearProjections());
  const auto done = [&](uint64_t events) {
    progress(events);
    return OkStatus();
  };
  RETURN_IF_ERROR(ExtendProjections(store, TreeSize(0), size, done, chunk_events));
  return store.Write({ProjectionsComplete()}, true);
}

Status RebuildIfDue(Store& store, const std::string& dir, TreeSize size,
                    const std::function<void(std::string_view)>& log) {
  ASSIGN_OR_RETURN(const bool begun, RebuildIsDue(store));
  const std::string marker = DamagedProjectionsPath(dir);
  const bool damaged = std::filesystem::exists(marker);
  if (!begun && !damaged) return OkStatus();
  log(Text("projections are ", damaged ? "damaged" : "incomplete", "; rebuilding them from ", size.value, " events"));
  RETURN_IF_ERROR(RebuildProjections(store, size, [&](uint64_t done) {
    log(Text("rebuilt the projections of ", done, " of ", size.value, " events"));
  }));
  std::error_code ignored;
  std::filesystem::remove(marker, ignored);
  return OkStatus();
}

}  // namespace anamnesis
