#include "ledger/engine/repair.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "anamnesis/internal/state.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/commit/apply.h"
#include "ledger/commit/stored_tiles.h"
#include "ledger/engine/checkpoint_signers.h"
#include "ledger/engine/copying_marker.h"
#include "ledger/engine/files.h"
#include "ledger/engine/layout.h"
#include "ledger/engine/make_anew.h"
#include "ledger/engine/purger.h"
#include "ledger/engine/rebuild.h"
#include "ledger/engine/stored_state.h"
#include "ledger/engine/trusted_tree.h"
#include "ledger/event/body_check.h"
#include "ledger/event/leaf.h"
#include "ledger/keys/key_file.h"
#include "ledger/merkle/proof.h"
#include "ledger/merkle/tiles.h"
#include "ledger/state/erasures.h"
#include "ledger/state/recorded_event.h"
#include "ledger/store/store.h"

namespace anamnesis {
namespace {

constexpr std::string_view kErasingType = "subject_data.erased";
constexpr std::string_view kCopyWhole =
    "; nothing here says what the ledger is: move the directory away and start "
    "the node with --join";
constexpr std::string_view kGiven = "the given checkpoint";

Status NoPace(uint64_t) { return OkStatus(); }

StatusOr<std::unique_ptr<Store>> OpenStore(const std::string& dir, const FsckOptions& options) {
  StoreOptions store_options;
  store_options.cache_bytes = options.cache_bytes;
  StatusOr<std::unique_ptr<Store>> store = OpenStoreOf(dir, store_options);
  if (store.ok() || !absl::IsDataLoss(store.status())) return store;
  return absl::DataLossError(Text(MessageOf(store.status()), kCopyWhole));
}

// The newest checkpoint that this ledger signed; nullopt when there is none. DATA_LOSS: there is one that doesn't
// verify.
StatusOr<std::optional<Checkpoint>> OwnCheckpoint(const Store& store, const std::string& origin,
                                                  const std::string& dir) {
  const std::string file = CheckpointPath(dir);
  const StatusOr<std::string> note = ReadSmallFile(file);
  if (absl::IsNotFound(note.status())) return std::optional<Checkpoint>();
  RETURN_IF_ERROR(note.status());
  // The next one too: what names it may be what is damaged.
  std::vector<VerifierKey> held;
  for (const std::string& path : {CheckpointKeyPath(dir), NextCheckpointKeyPath(dir)}) {
    if (const StatusOr<NamedKey> key = ReadKeyFile(path); key.ok()) held.push_back(VerifierKeyOf(*key));
  }
  StatusOr<Checkpoint> checkpoint = OpenKeptCheckpoint(store, origin, held, *note);
  if (checkpoint.ok()) return std::optional<Checkpoint>(*std::move(checkpoint));
  return absl::DataLossError(Text(file, ": ", MessageOf(checkpoint.status()),
                                  "; nothing was written: put it and its key back, or move it away if what is trusted "
                                  "is given otherwise"));
}

// Whether a checkpoint can be of this ledger, by its name and size.
Status CheckFits(const Checkpoint& checkpoint, std::string_view whose, const std::string& origin, TreeSize size) {
  if (checkpoint.origin != origin) {
    return absl::InvalidArgumentError(Text(whose, " is of ", checkpoint.origin, ", not of ", origin));
  }
  if (checkpoint.size <= size) return OkStatus();
  return absl::DataLossError(Text(whose, " is over ", checkpoint.size.value, " leaves, the ledger holds ", size.value,
                                  ": it was cut off", kCopyWhole));
}

Status AnotherTree(const Checkpoint& checkpoint, std::string_view whose) {
  return absl::DataLossError(Text("the first ", checkpoint.size.value,
                                  " leaves of the tree that this ledger applied are not those that ", whose,
                                  " was signed over; nothing was written"));
}

// The event of a leaf that is right, with the body that it commits to; nullopt where that is missing or wrong.
std::optional<LoadedEvent> WithCommittedBody(const Store& store, LeafIndex index) {
  StatusOr<LoadedEvent> event = LoadEvent(store, index);
  const StatusOr<std::optional<std::string>> body = store.Get(Family::kBodies, LeafKey(index));
  if (!event.ok() || event->body == nullptr || !body.ok() || !body->has_value()) return std::nullopt;
  if (!WhyBodyIsWrong(event->header, **body).empty()) return std::nullopt;
  return std::optional<LoadedEvent>(*std::move(event));
}

class Repairer {
 public:
  Repairer(const std::string& dir, RepairSource& source, const RepairOptions& options, RepairReport& report)
      : dir_(dir), source_(source), options_(options), report_(report) {}

  // Mends leaves, bodies, tiles and the applied state.
  Status MendLog();
  Status Rebuild();

 private:
  Status ReadApplied();
  Status FindTree();
  Status CompareCheckpoint(const Checkpoint& checkpoint, std::string_view whose);
  Status MendPieces();
  // `undecided`: it has bodies that may have been erased.
  Status MendPiece(uint64_t number, bool& undecided);
  Status MendTiles();
  Status MendExtraRows();
  Status MendApplied();
  StatusOr<std::optional<bool>> IsErased(LeafIndex index) const;
  void Take(const LogPiece& piece);
  Status Write(const Rows& rows);
  void Mended(std::string what, std::string outcome);

  const std::string& dir_;
  RepairSource& source_;
  const RepairOptions& options_;
  RepairReport& report_;
  std::unique_ptr<Store> store_;
  internal::AppliedState applied_;
  std::string origin_;
  TrustedTree tree_;
  absl::flat_hash_set<uint64_t> erased_;
  bool erasures_known_ = false;
  bool erasures_unreadable_ = false;
  std::vector<std::string> purge_;
  // Up to where that was done before the first of them.
  std::optional<uint64_t> purged_;
};

void Repairer::Mended(std::string what, std::string outcome) {
  Damage damage;
  damage.what = std::move(what);
  damage.mended = true;
  damage.outcome = std::move(outcome);
  options_.log(damage.Line());
  report_.damage.push_back(std::move(damage));
}

Status Repairer::Write(const Rows& rows) {
  if (!std::any_of(rows.begin(), rows.end(), Erases)) return store_->Write(rows, true);
  // Noted with them: whoever opens the ledger after a crash purges what this did not come to.
  if (!purged_.has_value()) {
    ASSIGN_OR_RETURN(const Erasing erasing, ReadErasing(*store_));
    purged_ = erasing.purged;
  }
  Rows noted = rows;
  noted.push_back(NotePurged(0));
  for (const Row& row : rows) {
    if (Erases(row)) purge_.push_back(row.key);
  }
  return store_->Write(noted, true);
}

// --- What can be trusted ---

Status Repairer::ReadApplied() {
  ASSIGN_OR_RETURN(origin_, ReadOrigin(*store_, dir_));
  ASSIGN_OR_RETURN(const bool copying, CopyIsUnfinished(*store_));
  if (copying) {
    return absl::FailedPreconditionError(Text(dir_,
                                              " holds a copy of the ledger that isn't finished; start it "
                                              "as a node of its cluster"));
  }
  ASSIGN_OR_RETURN(const std::optional<std::string> row, store_->Get(Family::kMeta, kAppliedKey));
  if (!row.has_value() || !applied_.ParseFromString(*row) || applied_.root().size() != Digest::kSize ||
      applied_.tree_size() == 0) {
    return absl::DataLossError(Text("the applied state is missing or damaged", kCopyWhole));
  }
  return OkStatus();
}

Status Repairer::CompareCheckpoint(const Checkpoint& checkpoint, std::string_view whose) {
  RETURN_IF_ERROR(CheckFits(checkpoint, whose, origin_, tree_.size()));
  std::vector<Digest> last;
  if (checkpoint.size.value % kTileWidth != 0) {
    // Mended in memory only.
    LogPiece piece(*store_, tree_, checkpoint.size.value / kTileWidth);
    const auto unknown = [](LeafIndex) { return StatusOr<std::optional<bool>>(std::optional<bool>()); };
    RETURN_IF_ERROR(piece.Check(unknown));
    if (piece.hashes().empty()) {
      RETURN_IF_ERROR(piece.Mend(&source_, unknown, true, [](const Rows&) { return OkStatus(); }));
    }
    if (piece.hashes().empty()) return absl::DataLossError(piece.damage().front().Line());
    last = piece.hashes();
  }
  if (tree_.RootAt(checkpoint.size, last) == checkpoint.root) return OkStatus();
  return AnotherTree(checkpoint, whose);
}

Status Repairer::FindTree() {
  ASSIGN_OR_RETURN(const std::optional<Checkpoint> own, OwnCheckpoint(*store_, origin_, dir_));
  const TreeSize size(applied_.tree_size());
  ASSIGN_OR_RETURN(const Digest root, Digest::FromBytes(applied_.root(), "the applied root"));
  StatusOr<TrustedTree> tree = TrustedTree::Find(*store_, size, root, &source_, NoPace);
  for (const std::optional<Checkpoint>& checkpoint : {own, options_.checkpoint}) {
    if (tree.ok() || !absl::IsDataLoss(tree.status())) break;
    // The applied root may be what is damaged.
    if (!checkpoint.has_value() || checkpoint->size != size || checkpoint->root == root) continue;
    tree = TrustedTree::Find(*store_, size, checkpoint->root, &source_, NoPace);
  }
  RETURN_IF_ERROR(tree.status());
  tree_ = *std::move(tree);
  if (own.has_value()) RETURN_IF_ERROR(CompareCheckpoint(*own, CheckpointPath(dir_)));
  if (options_.checkpoint.has_value()) {
    RETURN_IF_ERROR(CompareCheckpoint(*options_.checkpoint, kGiven));
  }
  return OkStatus();
}

// --- The log ---

StatusOr<std::optional<bool>> Repairer::IsErased(LeafIndex index) const {
  if (!erasures_known_) return std::optional<bool>();
  return std::optional<bool>(erased_.contains(index.value));
}

void Repairer::Take(const LogPiece& piece) {
  for (const Damage& damage : piece.damage()) {
    const auto same = [&](const Damage& other) { return other.what == damage.what; };
    if (std::any_of(report_.damage.begin(), report_.damage.end(), same)) continue;
    options_.log(damage.Line());
    report_.damage.push_back(damage);
  }
}

Status Repairer::MendPiece(uint64_t number, bool& undecided) {
  const auto erased = [this](LeafIndex index) { return IsErased(index); };
  LogPiece piece(*store_, tree_, number);
  RETURN_IF_ERROR(piece.Check(erased));
  RETURN_IF_ERROR(piece.Mend(&source_, erased, false, [this](const Rows& rows) { return Write(rows); }));
  Take(piece);
  undecided = piece.undecided();
  if (erasures_known_) return OkStatus();
  for (uint32_t place = 0; place < tree_.Width(number); ++place) {
    if (piece.leaf(place) == nullptr) erasures_unreadable_ = true;
  }
  for (const LeafIndex index : piece.OfType(kErasingType)) {
    const std::optional<LoadedEvent> event = WithCommittedBody(*store_, index);
    if (!event.has_value()) {
      erasures_unreadable_ = true;
      continue;
    }
    for (const LeafIndex one : ErasedBy(event->view())) erased_.insert(one.value);
  }
  return OkStatus();
}

Status Repairer::MendPieces() {
  std::vector<uint64_t> again;
  for (uint64_t number = 0; number < tree_.pieces(); ++number) {
    bool undecided = false;
    RETURN_IF_ERROR(MendPiece(number, undecided));
    if (undecided) again.push_back(number);
    options_.fsck.progress(tree_.First(number).value + tree_.Width(number), tree_.size().value);
  }
  // What was erased is known when all erasures have been read; with one missing, nothing that may have been erased is
  // brought back.
  if (erasures_unreadable_) {
    options_.log(
        "bodies that may have been erased were left as they are: not "
        "all erasures can be read");
    return OkStatus();
  }
  erasures_known_ = true;
  for (const uint64_t number : again) {
    bool undecided = false;
    RETURN_IF_ERROR(MendPiece(number, undecided));
  }
  if (purge_.empty()) return OkStatus();
  RETURN_IF_ERROR(store_->Purge(Family::kBodies, purge_));
  return store_->Write({NotePurged(*purged_)}, true);
}

Status Repairer::MendTiles() {
  const StoredTiles tiles(*store_);
  return tree_.VisitTiles([&](TileUpdate tile) -> Status {
    const StatusOr<std::string> stored = tiles.Tile(tile.id);
    if (stored.ok() && *stored == tile.bytes) return OkStatus();
    std::string what = Text("tile ", tile.id.level, "/", tile.id.index,
                            stored.ok() ? ": is not what the tiles below it hash to" : ": is missing");
    RETURN_IF_ERROR(Write({{Family::kTiles, TileKey(tile.id), std::move(tile.bytes)}}));
    Mended(std::move(what), "computed again from the leaves");
    return OkStatus();
  });
}

Status Repairer::MendExtraRows() {
  const std::string limit = LeafKey(LeafIndex(tree_.size().value));
  for (const Family family : {Family::kLeaves, Family::kBodies, Family::kTiles}) {
    std::vector<std::string> extra;
    RETURN_IF_ERROR(store_->Scan(family, "", "", [&](std::string_view key, std::string_view) {
      ByteReader reader(key);
      bool known = key.size() == 8 && key < limit;
      if (family == Family::kTiles) {
        const StatusOr<uint32_t> level = reader.BigEndian32();
        const StatusOr<uint64_t> index = reader.BigEndian64();
        known = key.size() == 12 && level.ok() && index.ok() && TileWidthAt({*level, *index}, tree_.size()) > 0;
      }
      if (!known) extra.emplace_back(key);
      return true;
    }));
    if (extra.empty()) continue;
    RETURN_IF_ERROR(store_->Remove(family, extra));
    for (const std::string& key : extra) {
      Mended(Text(FamilyName(family), " has a row that belongs to nothing in the tree: ", HexEncode(key)), "removed");
    }
  }
  return OkStatus();
}

Status Repairer::MendApplied() {
  internal::AppliedState right = applied_;
  // By what was vouched for, which stored hashes aren't while some of the last piece stay damaged.
  right.set_root(tree_.root().bytes());
  const uint64_t number = tree_.pieces() - 1;
  LogPiece piece(*store_, tree_, number);
  RETURN_IF_ERROR(piece.Check([](LeafIndex) { return StatusOr<std::optional<bool>>(std::optional<bool>()); }));
  if (const std::string* const last = piece.leaf(tree_.Width(number) - 1); last != nullptr) {
    if (const StatusOr<LeafView> view = ParseLeaf(*last); view.ok()) right.set_last_recorded_us(view->recorded.us);
  }
  if (right.SerializeAsString() == applied_.SerializeAsString()) return OkStatus();
  RETURN_IF_ERROR(Write({{Family::kMeta, std::string(kAppliedKey), right.SerializeAsString()}}));
  Mended("the applied state's root or last recorded time is wrong", "set to what the leaves say");
  return OkStatus();
}

Status Repairer::MendLog() {
  RETURN_IF_ERROR(FinishMakingAnew(dir_));
  ASSIGN_OR_RETURN(store_, OpenStore(dir_, options_.fsck));
  RETURN_IF_ERROR(ReadApplied());
  RETURN_IF_ERROR(FindTree());
  const Status checksums = store_->VerifyChecksums();
  if (!checksums.ok()) {
    options_.log(Text("the storage can't read all of its files: ", MessageOf(checksums)));
    MakeAnewOptions anew{options_.fsck.threads, options_.fsck.cache_bytes, options_.log};
    RETURN_IF_ERROR(MakeAnew(dir_, *store_, origin_, tree_, source_, anew));
    store_.reset();
    RETURN_IF_ERROR(PutInPlace(dir_));
    report_.made_anew = true;
    Mended(Text("the storage can't read all of its files: ", MessageOf(checksums)),
           "made anew from what verifies here and what was fetched");
    ASSIGN_OR_RETURN(store_, OpenStore(dir_, options_.fsck));
  }
  RETURN_IF_ERROR(MendPieces());
  RETURN_IF_ERROR(MendTiles());
  RETURN_IF_ERROR(MendApplied());
  RETURN_IF_ERROR(MendExtraRows());
  RETURN_IF_ERROR(store_->Flush());
  store_.reset();
  return OkStatus();
}

Status Repairer::Rebuild() {
  ASSIGN_OR_RETURN(store_, OpenStore(dir_, options_.fsck));
  options_.log(Text("computing the projections of ", tree_.size().value, " events again"));
  RETURN_IF_ERROR(RebuildProjections(*store_, tree_.size(), [](uint64_t) {}));
  store_.reset();
  std::error_code ignored;
  std::filesystem::remove(DamagedProjectionsPath(dir_), ignored);
  report_.rebuilt = true;
  return OkStatus();
}

bool LogIsWhole(const RepairReport& report) {
  return std::all_of(report.damage.begin(), report.damage.end(), [](const Damage& damage) { return damage.mended; });
}

// Of a ledger in which nothing is wrong by itself, so that its tiles are those of its leaves.
Status CompareWhole(const std::string& dir, const RepairOptions& options, const FsckReport& whole) {
  const Checkpoint& checkpoint = *options.checkpoint;
  RETURN_IF_ERROR(CheckFits(checkpoint, kGiven, whole.origin, whole.size));
  ASSIGN_OR_RETURN(const std::unique_ptr<Store> store, OpenStore(dir, options.fsck));
  const StoredTiles tiles(*store);
  ASSIGN_OR_RETURN(const Digest root, RootAt(TileNodeReader(tiles), checkpoint.size));
  return root == checkpoint.root ? OkStatus() : AnotherTree(checkpoint, kGiven);
}

}  // namespace

StatusOr<RepairReport> Repair(const std::string& dir, RepairSource& source, const RepairOptions& options) {
  RepairReport report;
  RETURN_IF_ERROR(FinishMakingAnew(dir));
  ASSIGN_OR_RETURN(report.before, Fsck(dir, options.fsck));
  report.after = report.before;
  if (report.before.ok()) {
    if (options.checkpoint.has_value()) RETURN_IF_ERROR(CompareWhole(dir, options, report.before));
    RETURN_IF_ERROR(RemoveDamaged(dir));
    return report;
  }
  Repairer repairer(dir, source, options, report);
  RETURN_IF_ERROR(repairer.MendLog());
  ASSIGN_OR_RETURN(report.after, Fsck(dir, options.fsck));
  // Whatever is wrong now though the log is whole is derived from it.
  if (!report.after.ok() && LogIsWhole(report) && !report.after.first_wrong_leaf.has_value()) {
    RETURN_IF_ERROR(repairer.Rebuild());
    ASSIGN_OR_RETURN(report.after, Fsck(dir, options.fsck));
  }
  if (report.after.ok()) RETURN_IF_ERROR(RemoveDamaged(dir));
  return report;
}

}  // namespace anamnesis
