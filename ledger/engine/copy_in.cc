#include "ledger/engine/copy_in.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "anamnesis/internal/state.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/commit/apply.h"
#include "ledger/commit/stored_tiles.h"
#include "ledger/engine/copied_log.h"
#include "ledger/engine/copying_marker.h"
#include "ledger/engine/erasure_check.h"
#include "ledger/engine/fsck_workers.h"
#include "ledger/engine/layout.h"
#include "ledger/engine/no_rows.h"
#include "ledger/engine/purger.h"
#include "ledger/engine/rebuild.h"
#include "ledger/engine/space.h"
#include "ledger/engine/staging.h"
#include "ledger/engine/stored_state.h"
#include "ledger/state/erasures.h"
#include "ledger/state/recorded_event.h"
#include "ledger/store/store.h"

namespace anamnesis {
namespace {

StatusOr<bool> HasRows(const RowReader& rows, Family family) {
  bool any = false;
  RETURN_IF_ERROR(rows.Scan(family, "", "", [&](std::string_view, std::string_view) {
    any = true;
    return false;
  }));
  return any;
}

// Leaves found here that are verified and put in order at a time.
constexpr uint64_t kWindow = 1024;
// Beyond any ledger; keeps sums from overflowing.
constexpr uint64_t kTreeSizeMax = uint64_t{1} << 56;

class CopyInOfStore : public CopyIn {
 public:
  CopyInOfStore(const CopyOptions& options, std::unique_ptr<Store> store)
      : options_(options), store_(std::move(store)), workers_(options.threads) {}

  Status Load(const std::string& dir);

  const std::string& origin() const override { return state_.origin; }
  Revision revision() const override { return state_.revision; }
  TreeSize size() const override { return log_->size(); }
  const std::optional<std::string>& note() const override { return note_; }

  Status Begin(const internal::CopyManifest& manifest) override;
  Status Add(const internal::CopyChunk& chunk) override;
  Status Finish() override;
  Status Abandon() override;

 private:
  Status CheckPresent();
  // Verifies the leaves [size(), limit) of `rows` and puts them in order.
  Status TakeLeaves(const RowFinder& rows, uint64_t limit);
  Status CheckManifest(const internal::CopyManifest& manifest) const;
  Status CheckBatches(const internal::CopyManifest& manifest) const;
  Status AddPartialTiles(Rows& rows) const;
  Status EraseWhatWasErased(Rows& rows);
  Status RemoveFrom(Family family, const std::function<bool(std::string_view key)>& is_copied);

  const CopyOptions options_;
  const std::unique_ptr<Store> store_;
  LoopWorkers workers_;
  // Before the copy.
  LedgerState state_;
  std::optional<std::string> note_;
  std::unique_ptr<CopiedLog> log_;
  bool marked_ = false;
  internal::CopyManifest manifest_;
  // What was here when it came, which is older.
  TreeSize before_manifest_;
};

// --- What is here ---

Status CopyInOfStore::Load(const std::string& dir) {
  // Before all that is here is verified, for nothing.
  RETURN_IF_ERROR(CheckSpace(*store_, options_.disk_reserve_bytes));
  ASSIGN_OR_RETURN(const std::string origin, ReadOrigin(*store_, dir));
  ASSIGN_OR_RETURN(state_, LoadState(*store_, origin));
  ASSIGN_OR_RETURN(note_, Staging(*store_).Note());
  ASSIGN_OR_RETURN(marked_, CopyIsUnfinished(*store_));
  // Events are held against what the projections say of those before them.
  RETURN_IF_ERROR(RebuildIfDue(*store_, dir, state_.size(), options_.log));
  log_ = std::make_unique<CopiedLog>(state_, *store_);
  if (!marked_) return OkStatus();
  const Status present = CheckPresent();
  if (!absl::IsInvalidArgument(present)) return present;
  options_.log(Text("the copy that was begun is dropped: ", MessageOf(present)));
  return Abandon();
}

Status CopyInOfStore::CheckPresent() {
  uint64_t limit = size().value;
  RETURN_IF_ERROR(store_->ScanBackwards(Family::kLeaves, "", std::string(9, '\xff'), [&](auto key, std::string_view) {
    ByteReader reader(key);
    if (const StatusOr<uint64_t> last = reader.BigEndian64(); last.ok()) limit = std::max(limit, *last + 1);
    return false;
  }));
  if (limit > size().value) {
    options_.log(Text("verifying ", limit - size().value, " events that were copied before"));
  }
  while (size().value < limit) {
    RETURN_IF_ERROR(TakeLeaves(*store_, std::min(limit, size().value + kWindow)));
    // Their tiles are there.
    (void)log_->TakeChangedTiles();
  }
  return OkStatus();
}

Status CopyInOfStore::TakeLeaves(const RowFinder& rows, uint64_t limit) {
  if (options_.cancelled()) return absl::CancelledError("the copy was interrupted");
  const uint64_t first = size().value;
  std::vector<std::unique_ptr<CheckedLeaf>> leaves(limit - first);
  workers_.Start(leaves.size(), [&](size_t i) { leaves[i] = CheckLeaf(rows, first + i); });
  workers_.Finish();
  for (auto& leaf : leaves) RETURN_IF_ERROR(log_->Add(std::move(leaf)));
  return OkStatus();
}

// --- The manifest ---

Status CopyInOfStore::CheckBatches(const internal::CopyManifest& manifest) const {
  absl::flat_hash_map<uint64_t, uint64_t> numbers;
  for (const auto& batch : manifest.applied_batches()) numbers[batch.session()] = batch.number();
  ASSIGN_OR_RETURN(const std::vector<BatchName> own, Staging(*store_).LastApplied());
  for (const BatchName& name : own) {
    const auto found = numbers.find(name.session);
    if (found != numbers.end() && found->second >= name.number) continue;
    return absl::FailedPreconditionError(
        Text("batch ", name.number, " of session ", name.session, " is applied here and not there"));
  }
  return OkStatus();
}

Status CopyInOfStore::CheckManifest(const internal::CopyManifest& manifest) const {
  const internal::AppliedState& applied = manifest.applied();
  if (manifest.origin() != origin()) {
    return absl::FailedPreconditionError(Text("it is the ledger ", manifest.origin(), ", not ", origin()));
  }
  RETURN_IF_ERROR(Digest::FromBytes(applied.root(), "root").status());
  RETURN_IF_ERROR(Digest::FromBytes(applied.state_digest(), "state_digest").status());
  if (applied.tree_size() == 0 || applied.tree_size() > kTreeSizeMax ||
      applied.digest_revision() > applied.revision()) {
    return absl::InvalidArgumentError(Text("tree_size ", applied.tree_size(), ", digest_revision ",
                                           applied.digest_revision(), ": no ledger has such a state"));
  }
  if (applied.tree_size() < size().value || Revision(applied.revision()) <= revision()) {
    return absl::FailedPreconditionError(Text("it has ", applied.tree_size(), " events at revision ",
                                              applied.revision(), "; here are ", size().value, ", and revision ",
                                              revision().value, " is applied"));
  }
  return CheckBatches(manifest);
}

Status CopyInOfStore::Begin(const internal::CopyManifest& manifest) {
  RETURN_IF_ERROR(CheckManifest(manifest));
  manifest_ = manifest;
  before_manifest_ = size();
  if (marked_) return OkStatus();
  RETURN_IF_ERROR(store_->Write({CopyingMarker(true)}, true));
  marked_ = true;
  return OkStatus();
}

// --- Receiving ---

Status CopyInOfStore::Add(const internal::CopyChunk& chunk) {
  const uint64_t first = size().value;
  const auto count = static_cast<uint64_t>(chunk.events_size());
  if (chunk.first_index() != first || count == 0 || count > manifest_.applied().tree_size() - first) {
    return absl::InvalidArgumentError(Text(count, " events from ", chunk.first_index(), " were sent, leaves ", first,
                                           " to ", manifest_.applied().tree_size(), " are missing"));
  }
  // With the tiles, and once more when it is compacted.
  RETURN_IF_ERROR(CheckSpace(*store_, options_.disk_reserve_bytes + 4 * chunk.ByteSizeLong()));
  const NoRows nothing;
  RowOverlay rows(nothing);
  for (uint64_t i = 0; i < count; ++i) {
    const internal::CopiedEvent& event = chunk.events(static_cast<int>(i));
    const std::string key = LeafKey(LeafIndex(first + i));
    rows.Put(Family::kLeaves, key, event.leaf());
    if (event.has_body()) rows.Put(Family::kBodies, key, event.body());
  }
  RETURN_IF_ERROR(TakeLeaves(rows, first + count));
  for (TileUpdate& tile : log_->TakeChangedTiles()) {
    rows.PutUnread(Family::kTiles, TileKey(tile.id), std::move(tile.bytes));
  }
  // Synced by Finish; what a power cut takes is received again.
  return store_->Write(rows.rows(), false);
}

// --- The end ---

Status CopyInOfStore::Finish() {
  const internal::AppliedState& applied = manifest_.applied();
  if (size().value != applied.tree_size()) {
    return absl::FailedPreconditionError(Text(size().value, " of ", applied.tree_size(), " events are here"));
  }
  RETURN_IF_ERROR(log_->CheckEnd());
  if (log_->root().view() != applied.root() || log_->last_recorded().us != applied.last_recorded_us()) {
    return absl::InvalidArgumentError(
        Text("the ", size().value, " events don't have the root and the last recorded time that were announced"));
  }
  const auto progress = [&](uint64_t done) -> Status {
    if (options_.cancelled()) return absl::CancelledError("the copy was interrupted");
    options_.log(Text("made the projections of ", done, " of ", size().value, " events"));
    return CheckSpace(*store_, options_.disk_reserve_bytes);
  };
  RETURN_IF_ERROR(CheckSpace(*store_, options_.disk_reserve_bytes));
  RETURN_IF_ERROR(ExtendProjections(*store_, state_.size(), size(), progress));
  Rows rows{ProjectionsComplete(), CopyingMarker(false)};
  RETURN_IF_ERROR(EraseWhatWasErased(rows));
  rows.push_back({Family::kMeta, std::string(kAppliedKey), applied.SerializeAsString()});
  // They replace all that were here, as CheckBatches has seen. What is staged and applied now is removed by whoever
  // staged it, when nobody else needs it any more.
  for (const auto& batch : manifest_.applied_batches()) {
    std::string number;
    AppendBigEndian64(number, batch.number());
    rows.push_back({Family::kMeta, AppliedBatchKey(batch.session()), std::move(number)});
  }
  if (manifest_.has_note()) rows.push_back({Family::kMeta, std::string(kNoteKey), manifest_.note()});
  return store_->Write(rows, true);
}

// Bodies that were here before and were erased since go too; none may be missing that nobody erased. What has to be
// purged is noted before they are removed: whoever opens the ledger sees to it, and knows of it after a crash.
Status CopyInOfStore::EraseWhatWasErased(Rows& rows) {
  const std::unique_ptr<RowReader> view = store_->View();
  std::vector<std::string> erased;
  std::optional<LeafIndex> lost;
  RETURN_IF_ERROR(CompareErasures(
      *view, size(), [&](LeafIndex index) { lost = std::min(lost.value_or(index), index); },
      [&](LeafIndex index) { erased.push_back(LeafKey(index)); }));
  if (lost.has_value()) {
    const std::string what = Text("leaf ", lost->value, " was sent without its body, and no event erased it");
    if (lost->value < before_manifest_.value) return absl::InvalidArgumentError(what);
    return absl::FailedPreconditionError(Text(what, " before the first ", size().value, " had been recorded"));
  }
  uint64_t up_to = 0;
  RETURN_IF_ERROR(ScanErasures(*view, [&](LeafIndex, LeafIndex by) { up_to = std::max(up_to, by.value + 1); }));
  if (up_to == 0) return OkStatus();
  ASSIGN_OR_RETURN(const Erasing erasing, ReadErasing(*view));
  // Batches that are staged here may hold what was erased.
  ASSIGN_OR_RETURN(const bool staged, HasRows(*view, Family::kStaged));
  if (erased.empty()) {
    rows.push_back(NoteErased(up_to));
    if (!erasing.purge_is_due() && !staged) rows.push_back(NotePurged(up_to));
    return OkStatus();
  }
  RETURN_IF_ERROR(store_->Write({NoteErased(up_to), NotePurged(0)}, true));
  return store_->Remove(Family::kBodies, erased);
}

Status CopyInOfStore::RemoveFrom(Family family, const std::function<bool(std::string_view key)>& is_copied) {
  // Keys at a time, to bound memory.
  constexpr size_t kKeysMax = 4096;
  const std::string from = family == Family::kTiles ? "" : LeafKey(LeafIndex(state_.size().value));
  while (true) {
    std::vector<std::string> keys;
    RETURN_IF_ERROR(store_->Scan(family, "", from, [&](std::string_view key, std::string_view) {
      if (is_copied(key)) keys.emplace_back(key);
      return keys.size() < kKeysMax;
    }));
    if (keys.empty()) return OkStatus();
    RETURN_IF_ERROR(store_->Remove(family, keys));
  }
}

// The tiles at the edge of what was here have grown with the copy.
Status CopyInOfStore::AddPartialTiles(Rows& rows) const {
  const StoredTiles tiles(*store_);
  for (uint32_t level = 0; level < kTileLevels; ++level) {
    const TileId id{level, (state_.size().value >> (kTileHeight * level)) / kTileWidth};
    const uint32_t width = TileWidthAt(id, state_.size());
    if (width == 0) continue;
    ASSIGN_OR_RETURN(std::string bytes, tiles.Tile(id));
    bytes.resize(width * Digest::kSize);
    rows.push_back({Family::kTiles, TileKey(id), std::move(bytes)});
  }
  return OkStatus();
}

Status CopyInOfStore::Abandon() {
  const auto any = [](std::string_view) { return true; };
  RETURN_IF_ERROR(RemoveFrom(Family::kLeaves, any));
  RETURN_IF_ERROR(RemoveFrom(Family::kBodies, any));
  RETURN_IF_ERROR(RemoveFrom(Family::kTiles, [&](std::string_view key) {
    ByteReader reader(key);
    const StatusOr<uint32_t> level = reader.BigEndian32();
    const StatusOr<uint64_t> index = reader.BigEndian64();
    return level.ok() && index.ok() && TileWidthAt({*level, *index}, state_.size()) == 0;
  }));
  log_ = std::make_unique<CopiedLog>(state_, *store_);
  // Without any event it is still no ledger.
  if (state_.size().value == 0) return OkStatus();
  marked_ = false;
  Rows rows{CopyingMarker(false)};
  RETURN_IF_ERROR(AddPartialTiles(rows));
  return store_->Write(rows, true);
}

}  // namespace

StatusOr<std::unique_ptr<CopyIn>> CopyIn::Open(const std::string& dir, const CopyOptions& options) {
  StoreOptions store_options;
  store_options.cache_bytes = options.cache_bytes;
  ASSIGN_OR_RETURN(std::unique_ptr<Store> store, OpenStoreOf(dir, store_options));
  auto copy = std::make_unique<CopyInOfStore>(options, std::move(store));
  RETURN_IF_ERROR(copy->Load(dir));
  return std::unique_ptr<CopyIn>(std::move(copy));
}

StatusOr<bool> CopyIsUnfinished(const std::string& dir) {
  // To be written: a rebuild that was killed may have left a family dropped, which only a writer makes again.
  ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, OpenStoreOf(dir, {}));
  return CopyIsUnfinished(*store);
}

}  // namespace anamnesis
