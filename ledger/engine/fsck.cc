#include "ledger/engine/fsck.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>

#include "absl/container/flat_hash_map.h"
#include "anamnesis/internal/state.pb.h"
#include "ledger/base/limits.h"
#include "ledger/commit/apply.h"
#include "ledger/engine/fsck_workers.h"
#include "ledger/engine/layout.h"
#include "ledger/engine/rebuild.h"
#include "ledger/event/leaf.h"
#include "ledger/event/seal.h"
#include "ledger/keys/key_file.h"
#include "ledger/merkle/frontier.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/note/checkpoint.h"
#include "ledger/state/authority.h"
#include "ledger/state/project.h"
#include "ledger/state/recorded_event.h"
#include "ledger/store/store.h"

namespace anamnesis {
namespace {

constexpr size_t kProblemsMax = 100;
constexpr size_t kProblemsOfAFamilyMax = 8;
constexpr size_t kNonceBytes = 32;
// Leaves that are read and verified while the ones before them are put in order.
constexpr uint64_t kWindow = 1024;

std::string TileName(const TileId& id) { return Text("tile ", id.level, "/", id.index); }

class Problems {
 public:
  void OfLeaf(uint64_t index, std::string_view what) {
    first_wrong_ = std::min(first_wrong_, index);
    Add({LeafIndex(index), Text("leaf ", index, ": ", what)});
  }
  void Add(std::string what) { Add(FsckProblem{std::nullopt, std::move(what)}); }

  // Safe from any thread.
  void OfProjection(Family family, std::string_view what) {
    const std::lock_guard lock(mutex_);
    if (++of_family_[static_cast<size_t>(family)] > kProblemsOfAFamilyMax) {
      cut_off_ = true;
      return;
    }
    AddLocked({std::nullopt, Text("projection ", FamilyName(family), " ", what, "; run `anamnesis rebuild`")});
  }

  bool empty() const { return list_.empty(); }
  bool has_wrong_leaf() const { return first_wrong_ != UINT64_MAX; }
  void Report(FsckReport& report) {
    std::stable_sort(list_.begin(), list_.end(), [](const FsckProblem& a, const FsckProblem& b) {
      if (a.leaf.has_value() != b.leaf.has_value()) return a.leaf.has_value();
      return a.leaf < b.leaf;
    });
    if (first_wrong_ != UINT64_MAX) report.first_wrong_leaf = LeafIndex(first_wrong_);
    report.problems = std::move(list_);
    report.problems_cut_off = cut_off_;
  }

 private:
  void Add(FsckProblem problem) {
    const std::lock_guard lock(mutex_);
    AddLocked(std::move(problem));
  }
  void AddLocked(FsckProblem problem) {
    if (list_.size() < kProblemsMax) {
      list_.push_back(std::move(problem));
    } else {
      cut_off_ = true;
    }
  }

  std::mutex mutex_;
  std::vector<FsckProblem> list_;
  bool cut_off_ = false;
  uint64_t first_wrong_ = UINT64_MAX;
  std::array<size_t, kFamilies> of_family_{};
};

// --- One leaf by itself ---

struct CheckedLeaf {
  uint64_t index = 0;
  // Why nothing is known of the leaf: it is missing or can't be read.
  std::string unreadable;
  // What is wrong with the leaf, looked at alone.
  std::string defect;
  std::string body_defect;
  std::string leaf;
  LeafView view;
  Digest hash;
  std::optional<ParsedHeader> header;
  const EventType* type = nullptr;
  std::optional<ParsedSeal> seal;
  bool body_present = false;
  std::string nonce;
  std::unique_ptr<google::protobuf::Message> body;

  // Set where the leaf takes its place in the log.
  bool wrong = false;
  bool differs_from_tile = false;
  bool has_entry = false;
  Digest entry;

  const std::string& stream() const { return header->fields.stream(); }
  RecordedEvent event() const { return {LeafIndex(index), view.recorded, &*header, type, body.get()}; }
};

void CheckBody(const RowFinder& rows, CheckedLeaf& leaf) {
  const StatusOr<std::optional<std::string>> row = rows.Get(Family::kBodies, LeafKey(LeafIndex(leaf.index)));
  if (!row.ok()) {
    leaf.body_defect = Text("its body can't be read: ", MessageOf(row.status()));
    return;
  }
  leaf.body_present = row->has_value();
  if (!leaf.body_present) {
    if (leaf.type->options->retention() != v1::PERSONAL_DATA) {
      leaf.body_defect = Text("its body is missing, and a ", leaf.type->name(), " can't be erased");
    }
    return;
  }
  if ((*row)->size() < kNonceBytes) {
    leaf.body_defect = "its body is truncated";
    return;
  }
  const std::string_view content = std::string_view(**row).substr(kNonceBytes);
  leaf.nonce = (*row)->substr(0, kNonceBytes);
  if (content.size() != leaf.header->fields.body_size()) {
    leaf.body_defect =
        Text("its body has ", content.size(), " bytes, the header says ", leaf.header->fields.body_size());
    return;
  }
  if (BodyCommitment(leaf.nonce, content) != leaf.header->body_commitment) {
    leaf.body_defect = "its body is not the one that the header commits to";
    return;
  }
  StatusOr<std::unique_ptr<google::protobuf::Message>> body = ParseBody(*leaf.type, content);
  if (!body.ok()) {
    leaf.body_defect = Text("its body: ", MessageOf(body.status()));
    return;
  }
  leaf.body = *std::move(body);
}

std::string DefectOf(CheckedLeaf& leaf) {
  const StatusOr<LeafView> view = ParseLeaf(leaf.leaf);
  if (!view.ok()) return std::string(MessageOf(view.status()));
  leaf.view = *view;
  StatusOr<ParsedHeader> header = ParseHeader(view->header);
  if (!header.ok()) return Text("its header: ", MessageOf(header.status()));
  leaf.header = *std::move(header);
  const v1::EventHeader& fields = leaf.header->fields;
  leaf.type = Vocabulary::Get().Find(fields.type(), fields.schema_version());
  if (leaf.type == nullptr) {
    return Text("this program doesn't know its type \"", fields.type(), "\" version ", fields.schema_version());
  }
  // The folds rely on the references that a type asks for.
  if (const Status fits = ValidateHeader(*leaf.type, fields); !fits.ok()) {
    return Text("its header: ", MessageOf(fits));
  }
  if (!view->seal.has_value()) return "";
  StatusOr<ParsedSeal> seal = VerifySeal(*view->seal);
  if (!seal.ok()) return Text("its seal: ", MessageOf(seal.status()));
  leaf.seal = *std::move(seal);
  return "";
}

std::unique_ptr<CheckedLeaf> CheckLeaf(const RowFinder& rows, uint64_t index) {
  auto leaf = std::make_unique<CheckedLeaf>();
  leaf->index = index;
  StatusOr<std::optional<std::string>> row = rows.Get(Family::kLeaves, LeafKey(LeafIndex(index)));
  if (!row.ok()) {
    leaf->unreadable = Text("can't be read: ", MessageOf(row.status()));
    return leaf;
  }
  if (!row->has_value()) {
    leaf->unreadable = "is missing";
    return leaf;
  }
  leaf->leaf = **std::move(row);
  leaf->hash = LeafHash(leaf->leaf);
  leaf->defect = DefectOf(*leaf);
  if (leaf->header.has_value() && leaf->type != nullptr) CheckBody(rows, *leaf);
  return leaf;
}

// --- Projections ---

// What the projections were before an event: rows that are overwritten in place from memory, the others, which have the
// event's index in their keys, from the store.
class EarlierRows : public RowFinder {
 public:
  explicit EarlierRows(const RowFinder& stored) : stored_(stored) {}

  // Rows of events from here on are not seen.
  void set_first_unseen(uint64_t index) { first_unseen_ = index; }
  // Takes a computed row up; false when it is one that has to be compared with the store now.
  bool Keep(Row& row) {
    if (row.family == Family::kStreams || row.family == Family::kAuthority || row.family == Family::kCorrections) {
      MapOf(row.family).insert_or_assign(std::move(row.key), std::move(row.value));
      return true;
    }
    if (row.family == Family::kEventIds) ids_.insert_or_assign(ToId(row.key), row.value);
    // A surface's first event; the other rows of timelines have a version and are looked for with LastAtOrBefore.
    if (row.family == Family::kTimelines && row.key.starts_with('s')) surfaces_.insert_or_assign(row.key, row.value);
    return false;
  }
  const absl::flat_hash_map<std::string, std::string>& MapOf(Family family) const {
    return overwritten_[static_cast<size_t>(family)];
  }

  StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override {
    if (family == Family::kLeaves || family == Family::kBodies) return stored_.Get(family, key);
    if (family == Family::kEventIds) {
      if (key.size() != EventId::kSize) return std::optional<std::string>();
      const auto found = ids_.find(ToId(key));
      return found == ids_.end() ? std::optional<std::string>() : std::optional<std::string>(found->second);
    }
    const auto& map = family == Family::kTimelines ? surfaces_ : MapOf(family);
    const auto found = map.find(std::string(key));
    return found == map.end() ? std::optional<std::string>() : std::optional<std::string>(found->second);
  }

  StatusOr<std::optional<Row>> LastAtOrBefore(Family family, std::string_view prefix,
                                              std::string_view key) const override {
    // Rows that don't belong together can lead in a circle; no walk that starts at a root is near this long.
    constexpr size_t kStepsMax = 2000;
    constexpr size_t kRootPrefixBytes = 18;
    steps_ = prefix.size() <= kRootPrefixBytes ? 0 : steps_ + 1;
    if (steps_ > kStepsMax) return absl::DataLossError("a timeline leads in a circle");
    if (first_unseen_ == 0 || key.size() < prefix.size() + 8) return std::optional<Row>();
    const std::string last = LeafKey(LeafIndex(first_unseen_ - 1));
    std::string bound(key);
    if (std::string_view(bound).substr(bound.size() - 8) > last) bound.replace(bound.size() - 8, 8, last);
    return stored_.LastAtOrBefore(family, prefix, bound);
  }

 private:
  using Id = std::array<char, EventId::kSize>;
  static Id ToId(std::string_view bytes) {
    Id id{};
    std::copy_n(bytes.begin(), std::min(bytes.size(), id.size()), id.begin());
    return id;
  }
  absl::flat_hash_map<std::string, std::string>& MapOf(Family family) {
    return overwritten_[static_cast<size_t>(family)];
  }

  const RowFinder& stored_;
  uint64_t first_unseen_ = 0;
  mutable size_t steps_ = 0;
  std::array<absl::flat_hash_map<std::string, std::string>, kFamilies> overwritten_;
  absl::flat_hash_map<Id, std::string> ids_;
  absl::flat_hash_map<std::string, std::string> surfaces_;
};

constexpr std::array kRowsOfOneEvent = {Family::kEventIds, Family::kStreamEvents, Family::kTypeEvents, Family::kEdges,
                                        Family::kTimelines};
constexpr std::array kRowsOverwritten = {Family::kStreams, Family::kAuthority, Family::kCorrections};

class ProjectionCheck {
 public:
  ProjectionCheck(const Store& stored, Problems& problems)
      : stored_(stored), view_(stored.View()), problems_(problems), earlier_(*view_), rows_(earlier_) {}

  // From here on nothing is computed: it would be derived from what is wrong.
  void Stop() { stopped_ = true; }
  bool stopped() const { return stopped_; }
  const RowFinder& rows() const { return rows_; }

  void Add(const CheckedLeaf& leaf) {
    if (stopped_) return;
    const Status status = Project(leaf.event(), rows_);
    if (status.ok()) return;
    problems_.OfProjection(Family::kTimelines,
                           Text("can't be computed from leaf ", leaf.index, " on: ", MessageOf(status)));
    Stop();
  }

  // The rows of the events added since the last call that are to be compared with the store.
  std::vector<Row> TakeRows(uint64_t next_index) {
    std::vector<Row> rows = rows_.Take();
    if (stopped_) return {};
    std::erase_if(rows, [this](Row& row) { return earlier_.Keep(row); });
    std::sort(rows.begin(), rows.end(),
              [](const Row& a, const Row& b) { return std::tie(a.family, a.key) < std::tie(b.family, b.key); });
    rows.erase(std::unique(rows.begin(), rows.end(),
                           [](const Row& a, const Row& b) { return a.family == b.family && a.key == b.key; }),
               rows.end());
    for (const Row& row : rows) ++computed_[static_cast<size_t>(row.family)];
    earlier_.set_first_unseen(next_index);
    return rows;
  }

  // Safe from any thread.
  void Compare(const Row& row) const {
    const StatusOr<std::optional<std::string>> stored = stored_.Get(row.family, row.key);
    if (stored.ok() && *stored == row.value) return;
    problems_.OfProjection(row.family, Text("row ", HexEncode(row.key), " ",
                                            !stored.ok()           ? MessageOf(stored.status())
                                            : !stored->has_value() ? std::string_view("is missing")
                                                                   : std::string_view("is not what the log says")));
  }

  // What can only be said at the end: rows that are overwritten, and rows that nothing wrote.
  void Finish(FsckReport& report) {
    if (stopped_) return;
    for (Family family : kRowsOverwritten) CompareAll(family, report);
    for (Family family : kRowsOfOneEvent) {
      uint64_t count = 0;
      const Status scanned = stored_.Scan(family, "", "", [&](std::string_view, std::string_view) {
        ++count;
        return true;
      });
      const uint64_t computed = computed_[static_cast<size_t>(family)];
      report.index_rows += count;
      if (!scanned.ok()) {
        problems_.OfProjection(family, Text("can't be read: ", MessageOf(scanned)));
      } else if (count != computed) {
        problems_.OfProjection(family, Text("has ", count, " rows, the log makes ", computed));
      }
    }
  }

 private:
  void CompareAll(Family family, FsckReport& report) {
    const absl::flat_hash_map<std::string, std::string>& computed = std::as_const(earlier_).MapOf(family);
    uint64_t good = 0;
    const Status scanned = stored_.Scan(family, "", "", [&](std::string_view key, std::string_view value) {
      ++report.index_rows;
      const auto found = computed.find(std::string(key));
      if (found == computed.end()) {
        problems_.OfProjection(family, Text("row ", HexEncode(key), " is not in the log"));
      } else if (found->second != value) {
        problems_.OfProjection(family, Text("row ", HexEncode(key), " is not what the log says"));
        ++good;
      } else {
        ++good;
      }
      return true;
    });
    if (!scanned.ok()) {
      problems_.OfProjection(family, Text("can't be read: ", MessageOf(scanned)));
    } else if (good != computed.size()) {
      problems_.OfProjection(family, Text("has ", computed.size() - good, " rows too few"));
    }
  }

  const Store& stored_;
  // For reads one after the other.
  const std::unique_ptr<RowReader> view_;
  Problems& problems_;
  EarlierRows earlier_;
  RowOverlay rows_;
  std::array<uint64_t, kFamilies> computed_{};
  bool stopped_ = false;
};

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
  Status CheckKey(const CheckedLeaf& last, const CheckedLeaf& first) const;
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
  if (leaf.view.seal.has_value()) problems_.OfLeaf(leaf.index, "an event of the ledger itself has a seal");
  const EventId id = LedgerEventId(origin_, LeafIndex(leaf.index));
  if (leaf.header->event_id != id) problems_.OfLeaf(leaf.index, "its event id is not the one that the ledger derives");
  if (leaf.body_present && leaf.nonce != LedgerEventNonce(id)) {
    problems_.OfLeaf(leaf.index, "its nonce is not the one that the ledger derives");
  }
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
  RETURN_IF_ERROR(
      CheckSealFitsRun(*last.seal, origin_, last.stream(), events.front()->header->position().value, headers));
  return CheckKey(last, *events.front());
}

Status LogCheck::CheckKey(const CheckedLeaf& last, const CheckedLeaf& first) const {
  // The founding run issues the credential of its own key; without the events before, nobody knows the credentials.
  if (projections_.stopped() || first.index == 0) return OkStatus();
  ASSIGN_OR_RETURN(const std::optional<internal::CredentialState> credential,
                   FindCredential(projections_.rows(), last.seal->key.view()));
  if (!credential.has_value()) {
    return absl::DataLossError(Text("no credential was issued for the sealing key ", last.seal->key.hex()));
  }
  const std::string why = WhyCannotSeal(*credential, first.view.recorded);
  if (!why.empty()) return absl::DataLossError(Text("the sealing key ", last.seal->key.hex(), " ", why));
  return OkStatus();
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

// --- The whole ---

class Checker {
 public:
  Checker(std::string dir, const FsckOptions& options) : dir_(std::move(dir)), options_(options) {}
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

  const std::string dir_;
  const FsckOptions& options_;
  std::unique_ptr<Store> store_;
  Problems problems_;
  FsckReport report_;
  std::optional<Checkpoint> checkpoint_;
  std::optional<Digest> applied_root_;
  std::optional<Timestamp> applied_recorded_;
};

Status Checker::ReadIdentity() {
  internal::LedgerIdentity identity;
  const StatusOr<std::optional<std::string>> row = store_->Get(Family::kMeta, kIdentityKey);
  if (row.ok() && !row->has_value()) return absl::NotFoundError(Text("no ledger in ", dir_));
  const bool parsed = row.ok() && identity.ParseFromString(**row) && IsOrigin(identity.origin()) &&
                      identity.format_version() > 0 && identity.SerializeAsString() == **row;
  if (parsed && identity.format_version() > kFormatVersion) {
    return absl::FailedPreconditionError(Text("the ledger in ", dir_, " has format ", identity.format_version(),
                                              "; this program reads up to ", kFormatVersion, ": upgrade it"));
  }
  if (parsed) report_.origin = identity.origin();
  if (!parsed) problems_.Add("the ledger's identity row is damaged");
  return OkStatus();
}

void Checker::ReadCheckpoint() {
  const StatusOr<NamedKey> key = ReadKeyFile(CheckpointKeyPath(dir_));
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
  const StatusOr<std::string> note = ReadSmallFile(CheckpointPath(dir_));
  if (!note.ok()) {
    problems_.Add(Text("there is no checkpoint to compare with: ", MessageOf(note.status())));
    return;
  }
  const VerifierKey verifier = VerifierKeyOf(*key);
  StatusOr<Checkpoint> checkpoint = OpenCheckpoint(*note, {&verifier, 1});
  if (!checkpoint.ok()) {
    problems_.Add(Text(CheckpointPath(dir_), ": ", MessageOf(checkpoint.status())));
    return;
  }
  checkpoint_ = *std::move(checkpoint);
}

void Checker::ReadApplied() {
  const StatusOr<std::optional<std::string>> row = store_->Get(Family::kMeta, kAppliedKey);
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
      store_->ScanBackwards(Family::kLeaves, "", std::string(9, '\xff'), [&](std::string_view key, std::string_view) {
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
  StoredTree tree(*store_);
  tree.FindTrusted(report_.size, applied_root_, checkpoint_);
  ProjectionCheck projections(*store_, problems_);
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
        next[i] = CheckLeaf(*store_, first + i);
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
    problems_.Add(Text("the first ", checkpoint_->size.value, " leaves are not those that ", CheckpointPath(dir_),
                       " was signed over"));
  }
}

void Checker::VisitKeys(Family family, const std::function<void(std::string_view)>& visit) {
  const Status scanned = store_->Scan(family, "", "", [&](std::string_view key, std::string_view) {
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
  StoreOptions store_options;
  store_options.read_only = true;
  // The storage's checksums are left on: RocksDB is built with assertions, and a damaged block that it takes for whole
  // ends the process. So all rows of such a block, about 4 KiB, are named as unreadable.
  store_options.cache_bytes = options_.cache_bytes;
  ASSIGN_OR_RETURN(store_, OpenRocksStore(DatabasePath(dir_), store_options));
  RETURN_IF_ERROR(ReadIdentity());
  ReadCheckpoint();
  ReadApplied();
  const StatusOr<bool> due = RebuildIsDue(*store_);
  const bool damaged = std::filesystem::exists(DamagedProjectionsPath(dir_));
  if (damaged) problems_.Add("projection rows were found damaged; run `anamnesis rebuild`");
  if (!due.ok() || *due) problems_.Add("projection rows are incomplete: a rebuild was begun; run `anamnesis rebuild`");
  ReadLog(due.ok() && !*due);
  CheckExtraRows();
  if (problems_.empty()) {
    const Status checksums = store_->VerifyChecksums();
    if (!checksums.ok()) problems_.Add(Text("the log and its projections are whole, but ", MessageOf(checksums)));
  }
  problems_.Report(report_);
  return std::move(report_);
}

}  // namespace

StatusOr<FsckReport> Fsck(const std::string& dir, const FsckOptions& options) { return Checker(dir, options).Run(); }

}  // namespace anamnesis
