#include "ledger/engine/fsck.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "anamnesis/internal/state.pb.h"
#include "ledger/base/limits.h"
#include "ledger/commit/apply.h"
#include "ledger/commit/stored_tiles.h"
#include "ledger/engine/checkpoint_signers.h"
#include "ledger/engine/copying_marker.h"
#include "ledger/engine/fsck_leaf.h"
#include "ledger/engine/fsck_problems.h"
#include "ledger/engine/fsck_projections.h"
#include "ledger/engine/fsck_workers.h"
#include "ledger/engine/layout.h"
#include "ledger/engine/rebuild.h"
#include "ledger/engine/stored_state.h"
#include "ledger/keys/key_file.h"
#include "ledger/merkle/frontier.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/note/checkpoint.h"
#include "ledger/state/erasures.h"
#include "ledger/state/recorded_event.h"
#include "ledger/store/store.h"

namespace anamnesis {
namespace {

// Leaves that are read and verified while the ones before them are put in order.
constexpr uint64_t kWindow = 1024;

std::string TileName(const TileId& id) { return Text("tile ", id.level, "/", id.index); }

// --- The stored tree ---

// The stored hashes of leaves, and how far they can be believed against a leaf that doesn't fit.
class StoredTree {
 public:
  explicit StoredTree(const RowFinder& rows) : tiles_(rows) {}

  // Hashes the stored leaf hashes up and sees at which size they have a root that someone vouches for.
  void FindTrusted(TreeSize size, const std::optional<Digest>& applied_root,
                   const std::optional<Checkpoint>& checkpoint) {
    Frontier frontier;
    bool contradicted = false;
    for (uint64_t index = 0; index < size.value; ++index) {
      const std::optional<Digest> hash = Entry(index);
      if (!hash.has_value()) return;
      frontier.Append(*hash);
      if (index % kTileWidth == kTileWidth - 1) (void)frontier.TakeChangedTiles();
      if (checkpoint.has_value() && checkpoint->size == frontier.size()) {
        contradicted = frontier.Root() != checkpoint->root;
        if (!contradicted) trusted_ = frontier.size().value;
      }
    }
    if (!contradicted && applied_root == frontier.Root()) trusted_ = size.value;
  }

  std::optional<Digest> Entry(uint64_t index) {
    Load(index / kTileWidth);
    const size_t at = index % kTileWidth * Digest::kSize;
    if (bytes_.size() < at + Digest::kSize) return std::nullopt;
    return Digest::FromBytes(std::string_view(bytes_).substr(at, Digest::kSize)).value();
  }

  // Whether the entry of a leaf is what was committed: vouched for by a root, or at least by the tile above.
  bool Trusted(uint64_t index) {
    if (index < trusted_) return true;
    Load(index / kTileWidth);
    if (!vouched_.has_value()) vouched_ = VouchedFromAbove();
    return *vouched_;
  }

  StatusOr<std::string> Tile(TileId id) const { return tiles_.Tile(id); }

 private:
  void Load(uint64_t tile) {
    if (tile == tile_) return;
    tile_ = tile;
    StatusOr<std::string> bytes = tiles_.Tile({0, tile});
    bytes_ = bytes.ok() ? *std::move(bytes) : "";
    vouched_.reset();
  }

  bool VouchedFromAbove() const {
    if (bytes_.size() != kTileBytesMax) return false;
    const StatusOr<std::vector<Digest>> hashes = ParseTile({0, tile_}, bytes_, kTileWidth);
    const StatusOr<std::string> above = tiles_.Tile({1, tile_ / kTileWidth});
    const size_t at = tile_ % kTileWidth * Digest::kSize;
    if (!hashes.ok() || !above.ok() || above->size() < at + Digest::kSize) return false;
    return RootOfLeafHashes(*hashes).view() == std::string_view(*above).substr(at, Digest::kSize);
  }

  const StoredTiles tiles_;
  uint64_t trusted_ = 0;
  uint64_t tile_ = UINT64_MAX;
  std::string bytes_;
  std::optional<bool> vouched_;
};

// --- The log in order ---

class LogCheck {
 public:
  LogCheck(std::string origin, StoredTree& tree, ProjectionCheck& projections, Problems& problems, FsckReport& report)
      : origin_(std::move(origin)), tree_(tree), projections_(projections), problems_(problems), report_(report) {}

  // Whether the bodies that are missing are those that were erased, by what the events say; told where all of them
  // could be read.
  void CompareErased();
  void Watch(TreeSize size) { watched_ = size; }
  const std::optional<Digest>& watched_root() const { return watched_root_; }
  Timestamp last_recorded() const { return last_recorded_; }
  const Frontier& frontier() const { return frontier_; }

  void Add(std::unique_ptr<CheckedLeaf> leaf);
  void Finish();

 private:
  struct Head {
    uint64_t position = 0;
    Digest digest;
  };

  bool IsWrong(CheckedLeaf& leaf);
  void CheckPlace(CheckedLeaf& leaf);
  void CheckLedgerEvent(const CheckedLeaf& leaf);
  void CloseUnsealed();
  void FinishRun();
  Status CheckSeal(const CheckedLeaf& last, std::vector<const CheckedLeaf*> events) const;
  void Settle();
  void AddToTree(const CheckedLeaf& leaf);
  void CompareTile(const TileUpdate& tile);

  const std::string origin_;
  StoredTree& tree_;
  ProjectionCheck& projections_;
  Problems& problems_;
  FsckReport& report_;
  Frontier frontier_;
  TreeSize watched_;
  std::optional<Digest> watched_root_;
  std::map<TileId, std::string> partial_tiles_;
  Timestamp last_recorded_ = kTimestampMin;
  absl::flat_hash_map<std::string, Head> heads_;
  // Wrong leaves whose absence from a stream has not shown yet: a wrong leaf must not make its neighbours look wrong.
  uint64_t excused_ = 0;
  // The leaves since the last seal; `damaged_` when one of them is wrong or one before them may have been the last of
  // another run.
  std::vector<std::unique_ptr<CheckedLeaf>> run_;
  bool damaged_ = false;
  // Leaves whose body is not there, and those whose body an event erased.
  absl::btree_set<uint64_t> without_body_;
  absl::btree_set<uint64_t> erased_;
};

bool LogCheck::IsWrong(CheckedLeaf& leaf) {
  if (const std::optional<Digest> entry = tree_.Entry(leaf.index); entry.has_value()) {
    leaf.has_entry = true;
    leaf.entry = *entry;
    leaf.differs_from_tile = leaf.unreadable.empty() && leaf.hash != *entry;
  }
  if (!leaf.unreadable.empty()) {
    problems_.OfLeaf(leaf.index, leaf.unreadable);
    return true;
  }
  if (leaf.differs_from_tile && tree_.Trusted(leaf.index)) {
    problems_.OfLeaf(leaf.index, Text("its bytes are not those that the tree committed to",
                                      leaf.defect.empty() ? "" : "; ", leaf.defect));
    return true;
  }
  if (!leaf.defect.empty()) {
    problems_.OfLeaf(leaf.index, leaf.defect);
    return true;
  }
  return false;
}

void LogCheck::CheckPlace(CheckedLeaf& leaf) {
  if (leaf.view.recorded <= last_recorded_ && leaf.index > 0) {
    problems_.OfLeaf(leaf.index, Text("recorded at ", leaf.view.recorded.us, " us, not after the leaf before it"));
    leaf.wrong = true;
  }
  last_recorded_ = std::max(last_recorded_, leaf.view.recorded);
  Head& head = heads_[leaf.stream()];
  const uint64_t position = leaf.header->position().value;
  const uint64_t expected = head.position + 1;
  if (position > expected && position - expected <= excused_) {
    excused_ -= position - expected;
    damaged_ = true;
  } else if (position != expected) {
    problems_.OfLeaf(leaf.index, Text("stream \"", leaf.stream(), "\" position ", position, ", expected ", expected));
    leaf.wrong = true;
  } else if (leaf.header->previous_digest != head.digest) {
    problems_.OfLeaf(leaf.index, Text("stream \"", leaf.stream(), "\" position ", position,
                                      ": the previous header's digest is another"));
    leaf.wrong = true;
  }
  head = {position, leaf.header->digest};
}

void LogCheck::CheckLedgerEvent(const CheckedLeaf& leaf) {
  const Status derived = CheckDerived(leaf, origin_);
  if (!derived.ok()) problems_.OfLeaf(leaf.index, MessageOf(derived));
}

void LogCheck::Add(std::unique_ptr<CheckedLeaf> leaf) {
  ++report_.events;
  leaf->wrong = IsWrong(*leaf);
  if (leaf->wrong) {
    ++excused_;
    damaged_ = true;
    projections_.Stop();
    run_.push_back(std::move(leaf));
    if (run_.size() > limits::kRunEventsMax) CloseUnsealed();
    return;
  }
  if (!leaf->body_defect.empty()) {
    problems_.OfLeaf(leaf->index, leaf->body_defect);
    projections_.Stop();
  }
  (leaf->body_present ? report_.bodies : report_.erased_bodies) += 1;
  if (!leaf->body_present) without_body_.insert(leaf->index);
  for (const LeafIndex erased : ErasedBy(leaf->event())) erased_.insert(erased.value);
  const bool of_ledger = leaf->stream() == kLedgerStream;
  const auto last = std::find_if(run_.rbegin(), run_.rend(), [](const auto& other) { return !other->wrong; });
  if (last != run_.rend() && (of_ledger || (*last)->stream() != leaf->stream())) CloseUnsealed();
  CheckPlace(*leaf);
  if (leaf->wrong) {
    damaged_ = true;
    projections_.Stop();
  }
  const bool sealed = leaf->seal.has_value();
  if (of_ledger) CheckLedgerEvent(*leaf);
  run_.push_back(std::move(leaf));
  if (of_ledger) {
    Settle();
  } else if (sealed) {
    ++report_.seals;
    FinishRun();
  } else if (run_.size() >= limits::kRunEventsMax) {
    CloseUnsealed();
  }
}

void LogCheck::CloseUnsealed() {
  if (!damaged_ && !run_.empty()) {
    problems_.OfLeaf(run_.back()->index, Text("the run from leaf ", run_.front()->index, " is not sealed"));
    run_.back()->wrong = true;
    projections_.Stop();
  }
  Settle();
}

Status LogCheck::CheckSeal(const CheckedLeaf& last, std::vector<const CheckedLeaf*> events) const {
  const v1::SealStatement& statement = last.seal->statement;
  if (damaged_) {
    // Leaves of an earlier run, whose seal was in a wrong leaf, may be among them.
    std::erase_if(events, [&](const CheckedLeaf* event) {
      return event->wrong || event->header->position().value < statement.first_position();
    });
    // Without its wrong leaves the run can't be hashed; the tree vouches for the others.
    if (events.size() < statement.count() || events.empty()) {
      if (statement.origin() != origin_ || statement.stream() != last.stream()) {
        return absl::DataLossError("the seal is of another stream or ledger");
      }
      return OkStatus();
    }
  }
  std::vector<std::string_view> headers;
  headers.reserve(events.size());
  for (const CheckedLeaf* event : events) headers.push_back(event->view.header);
  const CheckedLeaf& first = *events.front();
  const RunInLog run{last.stream(), first.index, first.header->position().value, first.view.recorded, headers};
  // Without the events before, nobody knows the credentials.
  return CheckSealOfRun(*last.seal, origin_, run, projections_.stopped() ? nullptr : &projections_.rows());
}

void LogCheck::FinishRun() {
  const CheckedLeaf& last = *run_.back();
  std::vector<const CheckedLeaf*> events;
  for (const auto& leaf : run_) events.push_back(leaf.get());
  if (const Status fits = CheckSeal(last, std::move(events)); !fits.ok()) {
    projections_.Stop();
    bool blamed = false;
    for (const auto& leaf : run_) {
      if (leaf->wrong || !leaf->differs_from_tile) continue;
      problems_.OfLeaf(leaf->index, Text("neither tree nor seal has it; seal: ", MessageOf(fits)));
      leaf->wrong = true;
      blamed = true;
    }
    if (!blamed) {
      problems_.OfLeaf(last.index, Text("seal of the run: ", MessageOf(fits)));
      run_.back()->wrong = true;
    }
  }
  Settle();
}

void LogCheck::Settle() {
  for (const auto& leaf : run_) {
    AddToTree(*leaf);
    if (!projections_.stopped()) projections_.Add(*leaf);
  }
  run_.clear();
  damaged_ = false;
}

void LogCheck::AddToTree(const CheckedLeaf& leaf) {
  // A tile that is missing or too short is found when it is compared as a whole.
  if (leaf.differs_from_tile && !leaf.wrong) {
    problems_.Add(Text("tile 0/", leaf.index / kTileWidth, " entry for leaf ", leaf.index,
                       " is wrong: the leaf is sealed and its hash is another"));
  }
  frontier_.Append(leaf.wrong && leaf.has_entry ? leaf.entry : leaf.hash);
  if (frontier_.size() == watched_) watched_root_ = frontier_.Root();
  if (frontier_.size().value % kTileWidth != 0) return;
  for (TileUpdate& tile : frontier_.TakeChangedTiles()) {
    if (tile.bytes.size() == kTileBytesMax) {
      partial_tiles_.erase(tile.id);
      CompareTile(tile);
    } else {
      partial_tiles_[tile.id] = std::move(tile.bytes);
    }
  }
}

void LogCheck::CompareTile(const TileUpdate& tile) {
  const StatusOr<std::string> stored = tree_.Tile(tile.id);
  if (!stored.ok()) {
    problems_.Add(Text(TileName(tile.id), ": ", MessageOf(stored.status())));
    return;
  }
  if (stored->size() != tile.bytes.size()) {
    problems_.Add(Text(TileName(tile.id), " has ", stored->size(), " bytes, the leaves make ", tile.bytes.size()));
    return;
  }
  // The entries of level 0 were compared with their leaves.
  if (tile.id.level == 0 || *stored == tile.bytes) return;
  const auto differs = std::mismatch(stored->begin(), stored->end(), tile.bytes.begin());
  problems_.Add(Text(TileName(tile.id), " entry ",
                     static_cast<uint64_t>(differs.first - stored->begin()) / Digest::kSize,
                     " is not the root of the tile below it"));
}

void LogCheck::Finish() {
  CloseUnsealed();
  for (TileUpdate& tile : frontier_.TakeChangedTiles()) partial_tiles_[tile.id] = std::move(tile.bytes);
  for (auto& [id, bytes] : partial_tiles_) CompareTile({id, std::move(bytes)});
}

void LogCheck::CompareErased() {
  for (const uint64_t index : without_body_) {
    if (!erased_.contains(index)) problems_.OfLeaf(index, "its body is missing, and no event erased it");
  }
  for (const uint64_t index : erased_) {
    if (!without_body_.contains(index)) problems_.OfLeaf(index, "its body was erased, and is still there");
  }
}

// --- The whole ---

class Checker {
 public:
  Checker(FsckSubject subject, const FsckOptions& options)
      : subject_(std::move(subject)), store_(*subject_.store), options_(options) {}
  StatusOr<FsckReport> Run();

 private:
  Status ReadIdentity();
  void ReadCheckpoint();
  void ReadApplied();
  void ReadLog(bool check_projections);
  void CompareRoots(const LogCheck& log);
  void CheckExtraRows();
  // Calls `visit` with the key of every row and counts them; a family that can't be read is a problem.
  void VisitKeys(Family family, const std::function<void(std::string_view)>& visit);

  const FsckSubject subject_;
  Store& store_;
  const FsckOptions& options_;
  Problems problems_;
  FsckReport report_;
  std::optional<Checkpoint> checkpoint_;
  std::optional<Digest> applied_root_;
  std::optional<Timestamp> applied_recorded_;
};

Status Checker::ReadIdentity() {
  internal::LedgerIdentity identity;
  const StatusOr<std::optional<std::string>> row = store_.Get(Family::kMeta, kIdentityKey);
  if (row.ok() && !row->has_value()) return absl::NotFoundError(Text("no ledger in ", subject_.name));
  const bool parsed = row.ok() && identity.ParseFromString(**row) && IsOrigin(identity.origin()) &&
                      identity.format_version() > 0 && identity.SerializeAsString() == **row;
  if (parsed) RETURN_IF_ERROR(CheckFormat(identity.format_version(), Text("the ledger in ", subject_.name)));
  if (parsed) report_.origin = identity.origin();
  if (!parsed) problems_.Add("the ledger's identity row is damaged");
  return OkStatus();
}

void Checker::ReadCheckpoint() {
  const StatusOr<NamedKey> key = ReadKeyFile(subject_.key_path);
  if (!key.ok()) {
    problems_.Add(Text("the checkpoint can't be verified: ", MessageOf(key.status())));
    return;
  }
  if (key->name != report_.origin) {
    if (!report_.origin.empty()) {
      problems_.Add(Text("the ledger's identity says \"", report_.origin, "\", its key says \"", key->name, "\""));
    }
    report_.origin = key->name;
  }
  const StatusOr<std::string>& note = subject_.checkpoint;
  if (!note.ok()) {
    problems_.Add(Text("there is no checkpoint to compare with: ", MessageOf(note.status())));
    return;
  }
  // A generation of backups can be older, or newer, than the key that is beside it.
  StatusOr<Checkpoint> checkpoint = OpenKeptCheckpoint(store_, key->name, {VerifierKeyOf(*key)}, *note);
  if (!checkpoint.ok()) {
    problems_.Add(Text(CheckpointPath(subject_.name), ": ", MessageOf(checkpoint.status())));
    return;
  }
  checkpoint_ = *std::move(checkpoint);
}

void Checker::ReadApplied() {
  const StatusOr<std::optional<std::string>> row = store_.Get(Family::kMeta, kAppliedKey);
  internal::AppliedState applied;
  if (row.ok() && row->has_value() && applied.ParseFromString(**row) && applied.SerializeAsString() == **row) {
    report_.size = TreeSize(applied.tree_size());
    applied_recorded_ = Timestamp(applied.last_recorded_us());
    if (const StatusOr<Digest> root = Digest::FromBytes(applied.root()); root.ok()) applied_root_ = *root;
    if (!applied_root_.has_value()) problems_.Add("the applied state has no root");
  } else {
    problems_.Add("the applied state is missing or damaged");
  }
  // A size far beyond the last leaf is itself damage; only the leaves up to the last one can be looked at.
  uint64_t last_size = 0;
  const Status scanned =
      store_.ScanBackwards(Family::kLeaves, "", std::string(9, '\xff'), [&](std::string_view key, std::string_view) {
        ByteReader reader(key);
        const StatusOr<uint64_t> index = reader.BigEndian64();
        if (key.size() != 8 || !index.ok() || *index == UINT64_MAX) {
          return true;
        }
        last_size = *index + 1;
        return false;
      });
  if (!scanned.ok()) {
    problems_.Add(Text("leaves can't be listed: ", MessageOf(scanned)));
    last_size = std::max({last_size, applied_root_.has_value() ? report_.size.value : 0,
                          checkpoint_.has_value() ? checkpoint_->size.value : 0});
  }
  const uint64_t signed_size = checkpoint_.has_value() ? checkpoint_->size.value : 0;
  // So many leaves may be missing at the end before the size is held to be what is wrong.
  constexpr uint64_t kMissingMax = 4096;
  if (applied_root_.has_value() && report_.size.value < signed_size && signed_size <= last_size) {
    problems_.Add(Text("the applied state has ", report_.size.value, " leaves, the checkpoint was signed over ",
                       signed_size, " and the ledger holds ", last_size));
    applied_root_.reset();
  } else if (applied_root_.has_value() && report_.size.value > last_size + kMissingMax) {
    problems_.Add(Text("the applied state has ", report_.size.value, " leaves, the ledger holds ", last_size));
    applied_root_.reset();
  }
  if (!applied_root_.has_value()) report_.size = TreeSize(last_size);
  if (checkpoint_.has_value() && checkpoint_->size > report_.size) {
    problems_.OfLeaf(report_.size.value, Text("is missing: the checkpoint was signed over ", checkpoint_->size.value,
                                              " leaves, the ledger holds ", report_.size.value));
  }
}

void Checker::ReadLog(bool check_projections) {
  StoredTree tree(store_);
  tree.FindTrusted(report_.size, applied_root_, checkpoint_);
  ProjectionCheck projections(store_, problems_);
  if (!check_projections) projections.Stop();
  LogCheck log(report_.origin, tree, projections, problems_, report_);
  if (checkpoint_.has_value()) log.Watch(checkpoint_->size);
  LoopWorkers workers(options_.threads);
  const uint64_t size = report_.size.value;
  std::vector<std::unique_ptr<CheckedLeaf>> next;
  std::vector<Row> rows;
  // While the workers look at one window of leaves, and at the rows of the one before, this thread orders another.
  for (uint64_t first = 0; first < size || !next.empty() || !rows.empty(); first += kWindow) {
    std::vector<std::unique_ptr<CheckedLeaf>> ready = std::move(next);
    const std::vector<Row> comparing = std::move(rows);
    next.clear();
    next.resize(first < size ? std::min(kWindow, size - first) : 0);
    workers.Start(next.size() + comparing.size(), [&](size_t i) {
      if (i < next.size()) {
        next[i] = CheckLeaf(store_, first + i);
      } else {
        projections.Compare(comparing[i - next.size()]);
      }
    });
    for (auto& leaf : ready) log.Add(std::move(leaf));
    if (!ready.empty() && next.empty()) log.Finish();
    rows = projections.TakeRows(log.frontier().size().value);
    workers.Finish();
    options_.progress(std::min(first, size), size);
  }
  if (size == 0) log.Finish();
  CompareRoots(log);
  if (projections.stopped() && check_projections) {
    problems_.Add("projections were not checked further: they can't be computed from what is wrong");
  }
  projections.Finish(report_);
  if (!problems_.has_wrong_leaf()) log.CompareErased();
}

void Checker::CompareRoots(const LogCheck& log) {
  report_.root = log.frontier().Root();
  if (applied_root_.has_value() && *applied_root_ != report_.root) {
    problems_.Add("the root over the leaves is not the root in the applied state");
  }
  if (applied_recorded_.has_value() && report_.size.value > 0 && !problems_.has_wrong_leaf() &&
      *applied_recorded_ != log.last_recorded()) {
    problems_.Add("the applied state's last recorded time is not the last leaf's");
  }
  if (log.watched_root().has_value() && *log.watched_root() != checkpoint_->root) {
    problems_.Add(Text("the first ", checkpoint_->size.value, " leaves are not those that ",
                       CheckpointPath(subject_.name), " was signed over"));
  }
}

void Checker::VisitKeys(Family family, const std::function<void(std::string_view)>& visit) {
  const Status scanned = store_.Scan(family, "", "", [&](std::string_view key, std::string_view) {
    visit(key);
    return true;
  });
  if (!scanned.ok()) problems_.Add(Text(FamilyName(family), " can't be listed: ", MessageOf(scanned)));
}

void Checker::CheckExtraRows() {
  const std::string limit = LeafKey(LeafIndex(report_.size.value));
  for (Family family : {Family::kLeaves, Family::kBodies}) {
    VisitKeys(family, [&](std::string_view key) {
      if (key.size() == 8 && key < limit) return;
      problems_.Add(Text(FamilyName(family), " has a row that belongs to no leaf of the tree: ", HexEncode(key)));
    });
  }
  VisitKeys(Family::kTiles, [&](std::string_view key) {
    ByteReader reader(key);
    const StatusOr<uint32_t> level = reader.BigEndian32();
    const StatusOr<uint64_t> index = reader.BigEndian64();
    const bool known = key.size() == 12 && level.ok() && index.ok() && TileWidthAt({*level, *index}, report_.size) > 0;
    if (!known) problems_.Add(Text("tiles has a row that belongs to no tile of the tree: ", HexEncode(key)));
  });
}

StatusOr<FsckReport> Checker::Run() {
  RETURN_IF_ERROR(ReadIdentity());
  if (const StatusOr<bool> copying = CopyIsUnfinished(store_); copying.ok() && *copying) {
    return absl::FailedPreconditionError(
        Text(subject_.name, " holds a copy of the ledger that isn't finished; start it as a node of its cluster"));
  }
  ReadCheckpoint();
  ReadApplied();
  const StatusOr<bool> due = RebuildIsDue(store_);
  if (subject_.projections_damaged) problems_.Add("projection rows were found damaged; run `anamnesis rebuild`");
  if (!due.ok() || *due) problems_.Add("projection rows are incomplete: a rebuild was begun; run `anamnesis rebuild`");
  ReadLog(due.ok() && !*due);
  CheckExtraRows();
  if (problems_.empty()) {
    const Status checksums = store_.VerifyChecksums();
    if (!checksums.ok()) problems_.Add(Text("the log and its projections are whole, but ", MessageOf(checksums)));
  }
  problems_.Report(report_);
  return std::move(report_);
}

}  // namespace

StatusOr<FsckReport> Fsck(FsckSubject subject, const FsckOptions& options) {
  return Checker(std::move(subject), options).Run();
}

StatusOr<FsckReport> Fsck(const std::string& dir, const FsckOptions& options) {
  StoreOptions store_options;
  store_options.read_only = true;
  // The storage's checksums are left on: RocksDB is built with assertions, and a damaged block that it takes for whole
  // ends the process. So all rows of such a block, about 4 KiB, are named as unreadable.
  store_options.cache_bytes = options.cache_bytes;
  ASSIGN_OR_RETURN(std::unique_ptr<Store> store, OpenRocksStore(DatabasePath(dir), store_options));
  return Fsck({dir, std::move(store), CheckpointKeyPath(dir), ReadSmallFile(CheckpointPath(dir)),
               std::filesystem::exists(DamagedProjectionsPath(dir))},
              options);
}

}  // namespace anamnesis
