#include "ledger/engine/make_anew.h"

#include <filesystem>
#include <map>
#include <memory>
#include <utility>

#include "ledger/commit/apply.h"
#include "ledger/engine/copy_in.h"
#include "ledger/engine/copy_out.h"
#include "ledger/engine/copying_marker.h"
#include "ledger/engine/layout.h"
#include "ledger/engine/log_piece.h"
#include "ledger/event/body_check.h"
#include "ledger/event/leaf.h"
#include "ledger/objects/file_io.h"
#include "ledger/state/erasures.h"
#include "ledger/state/recorded_event.h"

namespace anamnesis {
namespace {

constexpr size_t kChunkBytes = 1u << 20;

// Where it is made; not a database before it is finished and renamed.
std::string WorkPath(const std::string& dir) { return dir + "/repair"; }
std::string FinishedPath(const std::string& dir) { return dir + "/db.repaired"; }
std::string DamagedPath(const std::string& dir) { return dir + "/db.damaged"; }

Status Rename(const std::string& dir, const std::string& from, const std::string& to) {
  std::error_code error;
  std::filesystem::rename(from, to, error);
  if (error) return absl::InternalError(Text("renaming ", from, " to ", to, ": ", error.message()));
  return SyncDirectory(dir);
}

Status RemoveAll(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  return error ? absl::InternalError(Text("removing ", path, ": ", error.message())) : OkStatus();
}

// The events of one piece from `first` on: stored ones that verify, others from the source.
class PieceEvents {
 public:
  PieceEvents(const Store& store, const TrustedTree& tree, uint64_t number)
      : store_(store), piece_(store, tree, number), first_(tree.First(number).value) {}

  Status Load(RepairSource& source) {
    // A body that was erased is fetched nowhere, and one that may have been is taken as it is here.
    const auto unknown = [](LeafIndex) { return StatusOr<std::optional<bool>>(std::optional<bool>()); };
    RETURN_IF_ERROR(piece_.Check(unknown));
    RETURN_IF_ERROR(piece_.Mend(&source, unknown, true, [this](const Rows& rows) {
      for (const Row& row : rows) mended_[{row.family, row.key}] = row.value;
      return OkStatus();
    }));
    for (const Damage& damage : piece_.damage()) {
      if (!damage.mended) return absl::DataLossError(damage.Line());
    }
    return OkStatus();
  }

  // One that may have been erased: CopyIn, which knows all erasures at the end, decides.
  StatusOr<internal::CopiedEvent> Event(uint64_t index, RepairSource& source) const {
    internal::CopiedEvent event;
    event.set_leaf(*piece_.leaf(static_cast<uint32_t>(index - first_)));
    const std::string key = LeafKey(LeafIndex(index));
    if (const auto found = mended_.find({Family::kBodies, key}); found != mended_.end()) {
      event.set_body(found->second);
      return event;
    }
    ASSIGN_OR_RETURN(const LeafView leaf, ParseLeaf(event.leaf()));
    ASSIGN_OR_RETURN(const ParsedHeader header, ParseHeader(leaf.header));
    const StatusOr<std::optional<std::string>> body = store_.Get(Family::kBodies, key);
    if (body.ok() && body->has_value() && WhyBodyIsWrong(header, **body).empty()) {
      event.set_body(**body);
      return event;
    }
    const StatusOr<std::optional<LeafIndex>> erased = FindErasure(store_, LeafIndex(index));
    if (body.ok() && !body->has_value() && erased.ok() && erased->has_value()) return event;
    // It is wrong, can't be read, or lost.
    const Status got =
        ReadAll(source, LeafIndex(index), TreeSize(index + 1), [&](uint64_t, const internal::CopiedEvent& other) {
          if (other.has_body() && WhyBodyIsWrong(header, other.body()).empty()) event.set_body(other.body());
          return OkStatus();
        });
    if (absl::IsCancelled(got)) return got;
    return event;
  }

 private:
  const Store& store_;
  LogPiece piece_;
  const uint64_t first_;
  std::map<std::pair<Family, std::string>, std::string> mended_;
};

Status AddPiece(const Store& store, const TrustedTree& tree, RepairSource& source, CopyIn& copy) {
  const uint64_t number = copy.size().value / kTileWidth;
  PieceEvents events(store, tree, number);
  RETURN_IF_ERROR(events.Load(source));
  const uint64_t end = tree.First(number).value + tree.Width(number);
  while (copy.size().value < end) {
    internal::CopyChunk chunk;
    chunk.set_first_index(copy.size().value);
    size_t bytes = 0;
    for (uint64_t index = copy.size().value; index < end && bytes < kChunkBytes; ++index) {
      ASSIGN_OR_RETURN(*chunk.add_events(), events.Event(index, source));
      bytes += chunk.events(chunk.events_size() - 1).ByteSizeLong();
    }
    RETURN_IF_ERROR(copy.Add(chunk));
  }
  return OkStatus();
}

// One that was finished is of no use when the ledger went on after it.
Status RemoveStale(const std::string& work, const internal::CopyManifest& manifest) {
  const StatusOr<std::unique_ptr<Store>> store = OpenRocksStore(DatabasePath(work), {});
  if (!store.ok()) return RemoveAll(work);
  const StatusOr<internal::CopyManifest> there = CopyOut(**store).Manifest();
  const bool stale = there.ok() && there->applied().SerializeAsString() != manifest.applied().SerializeAsString();
  return stale ? RemoveAll(work) : OkStatus();
}

// What is not of the log and was not copied with it.
Status CopyOtherRows(const Store& store, Store& anew) {
  for (const Family family : {Family::kMeta, Family::kStaged}) {
    Rows rows;
    Status failed;
    RETURN_IF_ERROR(store.Scan(family, "", "", [&](std::string_view key, std::string_view value) {
      const StatusOr<std::optional<std::string>> there = anew.Get(family, key);
      failed = there.status();
      if (failed.ok() && !there->has_value()) rows.push_back({family, std::string(key), std::string(value)});
      return failed.ok();
    }));
    RETURN_IF_ERROR(failed);
    if (!rows.empty()) RETURN_IF_ERROR(anew.Write(rows, true));
  }
  return OkStatus();
}

}  // namespace

Status MakeAnew(const std::string& dir, const Store& store, const std::string& origin, const TrustedTree& tree,
                RepairSource& source, const MakeAnewOptions& options) {
  const std::string work = WorkPath(dir);
  RETURN_IF_ERROR(RemoveAll(FinishedPath(dir)));
  ASSIGN_OR_RETURN(const internal::CopyManifest manifest, CopyOut(store).Manifest());
  RETURN_IF_ERROR(RemoveStale(work, manifest));
  RETURN_IF_ERROR(MakeDirectory(work));
  RETURN_IF_ERROR(JoinLedger(work, origin));
  {
    CopyOptions copy_options;
    copy_options.threads = options.threads;
    copy_options.cache_bytes = options.cache_bytes;
    copy_options.log = options.log;
    ASSIGN_OR_RETURN(const std::unique_ptr<CopyIn> copy, CopyIn::Open(work, copy_options));
    if (copy->revision().value == 0) {
      RETURN_IF_ERROR(copy->Begin(manifest));
      while (copy->size() < tree.size()) RETURN_IF_ERROR(AddPiece(store, tree, source, *copy));
      RETURN_IF_ERROR(copy->Finish());
    }
  }
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<Store> anew, OpenRocksStore(DatabasePath(work), {}));
    RETURN_IF_ERROR(CopyOtherRows(store, *anew));
    RETURN_IF_ERROR(anew->Flush());
  }
  RETURN_IF_ERROR(Rename(dir, DatabasePath(work), FinishedPath(dir)));
  return RemoveAll(work);
}

Status PutInPlace(const std::string& dir) {
  RETURN_IF_ERROR(RemoveDamaged(dir));
  RETURN_IF_ERROR(Rename(dir, DatabasePath(dir), DamagedPath(dir)));
  return Rename(dir, FinishedPath(dir), DatabasePath(dir));
}

Status FinishMakingAnew(const std::string& dir) {
  std::error_code ignored;
  const bool there = std::filesystem::exists(DatabasePath(dir), ignored);
  if (there || !std::filesystem::exists(FinishedPath(dir), ignored)) return OkStatus();
  return Rename(dir, FinishedPath(dir), DatabasePath(dir));
}

Status RemoveDamaged(const std::string& dir) { return RemoveAll(DamagedPath(dir)); }

}  // namespace anamnesis
