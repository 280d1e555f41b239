#include "ledger/engine/log_audit.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "ledger/base/limits.h"
#include "ledger/commit/apply.h"
#include "ledger/commit/stored_tiles.h"
#include "ledger/engine/fsck_leaf.h"
#include "ledger/event/body_check.h"
#include "ledger/event/seal.h"
#include "ledger/merkle/proof.h"
#include "ledger/merkle/tiles.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/merkle/verify.h"
#include "ledger/state/authority.h"
#include "ledger/state/event_list.h"
#include "ledger/state/recorded_event.h"
#include "ledger/store/store.h"

namespace anamnesis {
namespace {

// What is read, hashed and verified at a time: whole tiles, and in bytes little.
constexpr uint64_t kPartLeaves = 4 * kTileWidth;

// The types of events that say which keys may seal.
constexpr std::array<std::string_view, 4> kKeyTypes = {"credential.issued", "credential.reported_lost",
                                                       "credential.revoked", "credential.rotated"};

Status WrongLeaf(uint64_t index, std::string_view what) {
  return absl::DataLossError(Text("leaf ", index, ": ", what, "; run fsck"));
}

bool SaysOfKeys(const ParsedHeader& header) {
  return std::find(kKeyTypes.begin(), kKeyTypes.end(), header.fields.type()) != kKeyTypes.end();
}

// An event of keys, with the body that its leaf commits to: such bodies are never erased.
StatusOr<std::shared_ptr<const LoadedEvent>> WithBody(const RowReader& rows, uint64_t index, std::string_view leaf,
                                                      const ParsedHeader& header) {
  ASSIGN_OR_RETURN(const std::optional<std::string> body, rows.Get(Family::kBodies, LeafKey(LeafIndex(index))));
  if (!body.has_value()) return WrongLeaf(index, "its body is missing");
  const std::string wrong = WhyBodyIsWrong(header, *body);
  if (!wrong.empty()) return WrongLeaf(index, wrong);
  ASSIGN_OR_RETURN(LoadedEvent event, ParseStoredEvent(LeafIndex(index), leaf, *body));
  return std::make_shared<const LoadedEvent>(std::move(event));
}

// Whether a run ends with this leaf: it has the seal, or is one of the ledger's own, which stand alone.
StatusOr<bool> EndsRun(const RowReader& rows, uint64_t index) {
  ASSIGN_OR_RETURN(const std::optional<std::string> bytes, rows.Get(Family::kLeaves, LeafKey(LeafIndex(index))));
  if (!bytes.has_value()) return WrongLeaf(index, "is missing");
  const StatusOr<LeafView> leaf = ParseLeaf(*bytes);
  if (!leaf.ok()) return WrongLeaf(index, MessageOf(leaf.status()));
  if (leaf->seal.has_value()) return true;
  const StatusOr<ParsedHeader> header = ParseHeader(leaf->header);
  if (!header.ok()) return WrongLeaf(index, MessageOf(header.status()));
  return header->fields.stream() == kLedgerStream;
}

// `size` where a run ends, else the first leaf of the run that it is inside.
StatusOr<TreeSize> EndOfRunsBefore(const RowReader& rows, TreeSize size) {
  for (uint64_t end = size.value; end > 0; --end) {
    ASSIGN_OR_RETURN(const bool ends, EndsRun(rows, end - 1));
    if (ends) return TreeSize(end);
    if (size.value - end >= limits::kRunEventsMax) return WrongLeaf(end - 1, "is of a run that has no end");
  }
  return TreeSize(0);
}

}  // namespace

Status LogAudit::Resume(const RowReader& rows, const Checkpoint& audited) {
  const StoredTiles tiles(rows);
  ASSIGN_OR_RETURN(Frontier frontier, Frontier::Load(tiles, audited.size));
  if (frontier.Root() != audited.root) {
    return absl::DataLossError(Text("the first ", audited.size.value,
                                    " leaves are not those that this node cosigned a checkpoint over; run fsck"));
  }
  // A seal covers all of its run: what was cosigned inside of one is read again from its first leaf.
  ASSIGN_OR_RETURN(const TreeSize begin, EndOfRunsBefore(rows, audited.size));
  if (begin != audited.size) {
    ASSIGN_OR_RETURN(frontier, Frontier::Load(tiles, begin));
  }
  RETURN_IF_ERROR(ReadKeys(rows, audited, begin));
  frontier_ = std::move(frontier);
  run_.reset();
  return OkStatus();
}

Status LogAudit::ReadKeys(const RowReader& rows, const Checkpoint& audited, TreeSize begin) {
  std::set<LeafIndex> indexes;
  for (const std::string_view type : kKeyTypes) {
    RETURN_IF_ERROR(VisitList(rows, Family::kTypeEvents, type, LeafIndex(0), false, begin, [&](LeafIndex index) {
      indexes.insert(index);
      return true;
    }));
  }
  const StoredTiles tiles(rows);
  const TileNodeReader nodes(tiles);
  (void)keys_.Take();
  for (const LeafIndex index : indexes) {
    ASSIGN_OR_RETURN(const std::optional<std::string> leaf, rows.Get(Family::kLeaves, LeafKey(index)));
    if (!leaf.has_value()) return WrongLeaf(index.value, "is missing");
    ASSIGN_OR_RETURN(const std::vector<Digest> path, InclusionProof(nodes, index, audited.size));
    if (!VerifyInclusion(LeafHash(*leaf), index, audited.size, path, audited.root).ok()) {
      return WrongLeaf(index.value, "its bytes are not those that the tree committed to");
    }
    ASSIGN_OR_RETURN(const LeafView view, ParseLeaf(*leaf));
    ASSIGN_OR_RETURN(const ParsedHeader header, ParseHeader(view.header));
    ASSIGN_OR_RETURN(const auto event, WithBody(rows, index.value, *leaf, header));
    RETURN_IF_ERROR(FoldAuthority(event->view(), keys_));
  }
  return OkStatus();
}

Status LogAudit::ReadTo(const RowReader& rows, TreeSize size, uint64_t leaves_max) {
  const uint64_t begin = frontier_.size().value;
  if (size.value <= begin) return OkStatus();
  const uint64_t end = begin + std::min(size.value - begin, leaves_max);
  while (frontier_.size().value < end) {
    RETURN_IF_ERROR(ReadPart(rows, std::min(end, frontier_.size().value + kPartLeaves)));
  }
  return OkStatus();
}

Status LogAudit::ReadPart(const RowReader& rows, uint64_t end) {
  const uint64_t begin = frontier_.size().value;
  std::vector<std::string> leaves;
  RETURN_IF_ERROR(
      rows.Scan(Family::kLeaves, "", LeafKey(LeafIndex(begin)), [&](std::string_view key, std::string_view leaf) {
        if (key != LeafKey(LeafIndex(begin + leaves.size()))) return false;
        leaves.emplace_back(leaf);
        return begin + leaves.size() < end;
      }));
  if (begin + leaves.size() != end) return WrongLeaf(begin + leaves.size(), "is missing");
  // Copies, kept when all of the part holds. The tree first: it tells which leaf of a run is wrong.
  Frontier frontier = frontier_;
  for (const std::string& leaf : leaves) frontier.Append(LeafHash(leaf));
  RETURN_IF_ERROR(CompareTiles(rows, frontier));
  const RowFinder& before = keys_;
  Place place{run_, RowOverlay(before)};
  for (uint64_t i = 0; i < leaves.size(); ++i) RETURN_IF_ERROR(CheckLeaf(rows, begin + i, leaves[i], place));
  frontier_ = std::move(frontier);
  run_ = std::move(place.run);
  for (Row& row : place.keys.Take()) keys_.Put(row.family, std::move(row.key), std::move(row.value));
  return OkStatus();
}

Status LogAudit::CompareTiles(const RowReader& rows, Frontier& frontier) const {
  const StoredTiles tiles(rows);
  for (const TileUpdate& tile : frontier.TakeChangedTiles()) {
    StatusOr<std::string> stored = tiles.Tile(tile.id);
    if (!stored.ok() && !absl::IsNotFound(stored.status())) return stored.status();
    const std::string_view bytes = stored.ok() ? std::string_view(*stored) : std::string_view();
    // The stored one may have grown since.
    if (bytes.substr(0, tile.bytes.size()) == tile.bytes) continue;
    const size_t same = static_cast<size_t>(
        std::mismatch(tile.bytes.begin(), tile.bytes.end(), bytes.begin(), bytes.end()).first - tile.bytes.begin());
    const uint64_t entry = tile.id.index * kTileWidth + same / Digest::kSize;
    if (tile.id.level == 0) return WrongLeaf(entry, "its bytes are not those that the tree committed to");
    return absl::DataLossError(
        Text("tile ", tile.id.level, "/", tile.id.index, " is not what the leaves hash to; run fsck"));
  }
  return OkStatus();
}

Status LogAudit::CheckLeaf(const RowReader& rows, uint64_t index, std::string_view bytes, Place& place) const {
  const StatusOr<LeafView> leaf = ParseLeaf(bytes);
  if (!leaf.ok()) return WrongLeaf(index, MessageOf(leaf.status()));
  const StatusOr<ParsedHeader> header = ParseHeader(leaf->header);
  if (!header.ok()) return WrongLeaf(index, MessageOf(header.status()));
  std::optional<UnsealedRun>& run = place.run;
  const bool goes_on = run.has_value();
  if (header->fields.stream() == kLedgerStream) {
    if (goes_on) return WrongLeaf(index, "is in the middle of another run");
    const Status derived = CheckOfLedger(*header, *leaf, index);
    return derived.ok() ? OkStatus() : WrongLeaf(index, MessageOf(derived));
  }
  if (!goes_on) {
    run.emplace();
    run->stream = header->fields.stream();
    run->first_leaf = index;
    run->first_position = header->position().value;
    run->first_recorded = leaf->recorded;
  } else if (header->previous_digest != run->last_digest || run->headers.size() >= limits::kRunEventsMax) {
    return WrongLeaf(index, "does not continue its run");
  }
  run->headers.emplace_back(leaf->header);
  run->last_digest = header->digest;
  if (SaysOfKeys(*header)) {
    ASSIGN_OR_RETURN(run->keys.emplace_back(), WithBody(rows, index, bytes, *header));
  }
  if (!leaf->seal.has_value()) return OkStatus();
  const Status sealed = CheckSeal(*leaf->seal, *run, place.keys);
  if (!sealed.ok()) {
    return WrongLeaf(index, Text("the seal of the run from leaf ", run->first_leaf, ": ", MessageOf(sealed)));
  }
  for (const auto& event : run->keys) RETURN_IF_ERROR(FoldAuthority(event->view(), place.keys));
  run.reset();
  return OkStatus();
}

Status LogAudit::CheckOfLedger(const ParsedHeader& header, const LeafView& leaf, uint64_t index) const {
  if (leaf.seal.has_value()) return absl::DataLossError("an event of the ledger itself has a seal");
  if (header.event_id != LedgerEventId(origin_, LeafIndex(index))) {
    return absl::DataLossError("its event id is not the one that the ledger derives");
  }
  return OkStatus();
}

Status LogAudit::CheckSeal(const SealView& seal, const UnsealedRun& run, const RowFinder& keys) const {
  ASSIGN_OR_RETURN(const ParsedSeal parsed, VerifySeal(seal));
  const std::vector<std::string_view> headers(run.headers.begin(), run.headers.end());
  const RunInLog in_log{run.stream, run.first_leaf, run.first_position, run.first_recorded, headers};
  return CheckSealOfRun(parsed, origin_, in_log, &keys);
}

StatusOr<AuditedRoot> LogAudit::RootAt(const RowReader& rows, TreeSize size) const {
  if (size > frontier_.size()) {
    return absl::OutOfRangeError(
        Text("this node has verified its first ", frontier_.size().value, " leaves, not yet ", size.value));
  }
  AuditedRoot audited;
  if (size.value > 0) {
    ASSIGN_OR_RETURN(audited.ends_run, EndsRun(rows, size.value - 1));
  }
  // Every tile below was compared with the leaves when they were read.
  const StoredTiles tiles(rows);
  const TileNodeReader nodes(tiles);
  ASSIGN_OR_RETURN(audited.root, anamnesis::RootAt(nodes, size));
  return audited;
}

}  // namespace anamnesis
