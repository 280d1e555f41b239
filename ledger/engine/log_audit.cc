#include "ledger/engine/log_audit.h"

#include <algorithm>
#include <utility>

#include "ledger/base/limits.h"
#include "ledger/commit/apply.h"
#include "ledger/engine/fsck_leaf.h"
#include "ledger/event/seal.h"
#include "ledger/merkle/proof.h"
#include "ledger/merkle/tiles.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/state/recorded_event.h"
#include "ledger/store/store.h"

namespace anamnesis {
namespace {

// What is read, hashed and verified at a time: whole tiles, and in bytes little.
constexpr uint64_t kPartLeaves = 4 * kTileWidth;

Status WrongLeaf(uint64_t index, std::string_view what) {
  return absl::DataLossError(Text("leaf ", index, ": ", what, "; run fsck"));
}

}  // namespace

Status LogAudit::Resume(const RowReader& rows, const Checkpoint& audited) {
  const StoredTiles tiles(rows);
  ASSIGN_OR_RETURN(Frontier frontier, Frontier::Load(tiles, audited.size));
  if (frontier.Root() != audited.root) {
    return absl::DataLossError(Text("the first ", audited.size.value,
                                    " leaves are not those that this node cosigned a checkpoint over; run fsck"));
  }
  frontier_ = std::move(frontier);
  run_.reset();
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
  std::optional<UnsealedRun> run = run_;
  for (uint64_t i = 0; i < leaves.size(); ++i) RETURN_IF_ERROR(CheckLeaf(rows, begin + i, leaves[i], run));
  frontier_ = std::move(frontier);
  run_ = std::move(run);
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

Status LogAudit::CheckLeaf(const RowReader& rows, uint64_t index, std::string_view bytes,
                           std::optional<UnsealedRun>& run) const {
  const StatusOr<LeafView> leaf = ParseLeaf(bytes);
  if (!leaf.ok()) return WrongLeaf(index, MessageOf(leaf.status()));
  const StatusOr<ParsedHeader> header = ParseHeader(leaf->header);
  if (!header.ok()) return WrongLeaf(index, MessageOf(header.status()));
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
  if (!leaf->seal.has_value()) return OkStatus();
  const Status sealed = CheckSeal(rows, *leaf->seal, *run);
  if (!sealed.ok()) {
    return WrongLeaf(index, Text("the seal of the run from leaf ", run->first_leaf, ": ", MessageOf(sealed)));
  }
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

Status LogAudit::CheckSeal(const RowReader& rows, const SealView& seal, const UnsealedRun& run) const {
  ASSIGN_OR_RETURN(const ParsedSeal parsed, VerifySeal(seal));
  const std::vector<std::string_view> headers(run.headers.begin(), run.headers.end());
  RETURN_IF_ERROR(CheckSealFitsRun(parsed, origin_, run.stream, run.first_position, headers));
  return CheckSealingKey(rows, parsed.key, run.first_recorded);
}

StatusOr<Digest> LogAudit::RootAt(const RowReader& rows, TreeSize size) const {
  if (size > frontier_.size()) {
    return absl::OutOfRangeError(
        Text("this node has verified its first ", frontier_.size().value, " leaves, not yet ", size.value));
  }
  // A checkpoint inside a run: the seal that vouches for its last leaves isn't part of it.
  if (run_.has_value() && size.value > run_->first_leaf) {
    return absl::DataLossError(Text("size ", size.value, " is inside the run from leaf ", run_->first_leaf));
  }
  // Every tile below was compared with the leaves when they were read.
  const StoredTiles tiles(rows);
  const TileNodeReader nodes(tiles);
  return anamnesis::RootAt(nodes, size);
}

}  // namespace anamnesis
