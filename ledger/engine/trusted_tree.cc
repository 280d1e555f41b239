#include "ledger/engine/trusted_tree.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "ledger/commit/stored_tiles.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/state/recorded_event.h"
#include "ledger/store/store.h"

namespace anamnesis {
namespace {

// Several views of what the pieces are.
class Finder {
 public:
  Finder(const RowReader& rows, TreeSize size, RepairSource* source, const Pace& pace)
      : rows_(rows), size_(size), source_(source), pace_(pace) {}

  // By the tiles above; nullopt where there is none or it can't be read.
  Status ReadLevelOne(std::vector<std::optional<Digest>>& hashes);
  // By two of: the tile above, the tile, the leaves. Without two, by the source, else by one of them.
  Status Compare(std::vector<std::optional<Digest>>& hashes);
  // By the source alone.
  Status ReadSource(std::vector<std::optional<Digest>>& hashes);

 private:
  uint32_t Width(uint64_t number) const { return TileWidthAt({0, number}, size_); }
  StatusOr<std::optional<Digest>> OfLeaves(uint64_t number);
  StatusOr<Digest> OfSource(uint64_t number);
  std::optional<Digest> OfTile(uint64_t number) const {
    const std::vector<Digest> hashes = StoredHashes(rows_, {0, number}, Width(number));
    return hashes.empty() ? std::nullopt : std::optional<Digest>(RootOfLeafHashes(hashes));
  }

  const RowReader& rows_;
  const TreeSize size_;
  RepairSource* const source_;
  const Pace& pace_;
};

Status Finder::ReadLevelOne(std::vector<std::optional<Digest>>& hashes) {
  for (uint64_t number = 0; number < hashes.size();) {
    if (Width(number) < kTileWidth) {
      hashes[number] = OfTile(number);
      return OkStatus();
    }
    const TileId id{1, number / kTileWidth};
    const uint32_t width = TileWidthAt(id, size_);
    const std::vector<Digest> stored = StoredHashes(rows_, id, width);
    for (uint32_t i = 0; i < width; ++i, ++number) {
      if (!stored.empty()) hashes[number] = stored[i];
    }
    RETURN_IF_ERROR(pace_(stored.size() * Digest::kSize));
  }
  return OkStatus();
}

StatusOr<std::optional<Digest>> Finder::OfLeaves(uint64_t number) {
  std::vector<Digest> hashes;
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < Width(number); ++i) {
    const auto leaf = rows_.Get(Family::kLeaves, LeafKey(LeafIndex(number * kTileWidth + i)));
    if (!leaf.ok() || !leaf->has_value()) return std::optional<Digest>();
    bytes += (*leaf)->size();
    hashes.push_back(LeafHash(**leaf));
  }
  RETURN_IF_ERROR(pace_(bytes));
  return std::optional<Digest>(RootOfLeafHashes(hashes));
}

StatusOr<Digest> Finder::OfSource(uint64_t number) {
  const uint64_t first = number * kTileWidth;
  std::vector<Digest> hashes;
  RETURN_IF_ERROR(ReadAll(*source_, LeafIndex(first), TreeSize(first + Width(number)),
                          [&](uint64_t, const internal::CopiedEvent& event) {
                            hashes.push_back(LeafHash(event.leaf()));
                            return OkStatus();
                          }));
  return RootOfLeafHashes(hashes);
}

Status Finder::Compare(std::vector<std::optional<Digest>>& hashes) {
  for (uint64_t number = 0; number < hashes.size(); ++number) {
    const std::optional<Digest> tile = OfTile(number);
    ASSIGN_OR_RETURN(const std::optional<Digest> leaves, OfLeaves(number));
    std::optional<Digest>& above = hashes[number];
    const bool whole = Width(number) == kTileWidth;
    if (tile.has_value() && tile == leaves) {
      above = tile;
    } else if (whole && above.has_value() && (above == tile || above == leaves)) {
      continue;
    } else if (source_ != nullptr) {
      ASSIGN_OR_RETURN(above, OfSource(number));
    } else if (leaves.has_value()) {
      above = leaves;
    }
  }
  return OkStatus();
}

Status Finder::ReadSource(std::vector<std::optional<Digest>>& hashes) {
  for (uint64_t number = 0; number < hashes.size(); ++number) {
    ASSIGN_OR_RETURN(hashes[number], OfSource(number));
  }
  return OkStatus();
}

// The pieces, when they hash to `root`.
std::optional<std::vector<Digest>> Vouched(const std::vector<std::optional<Digest>>& candidates, const Digest& root) {
  std::vector<Digest> hashes;
  hashes.reserve(candidates.size());
  for (const std::optional<Digest>& candidate : candidates) {
    if (!candidate.has_value()) return std::nullopt;
    hashes.push_back(*candidate);
  }
  if (RootOfLeafHashes(hashes) != root) return std::nullopt;
  return hashes;
}

}  // namespace

std::vector<Digest> StoredHashes(const RowFinder& rows, TileId id, uint32_t width) {
  const StatusOr<std::string> bytes = StoredTiles(rows).Tile(id);
  if (!bytes.ok()) return {};
  StatusOr<std::vector<Digest>> hashes = ParseTile(id, *bytes, width);
  if (!hashes.ok()) return {};
  // Stored tiles grow.
  hashes->resize(width);
  return *std::move(hashes);
}

StatusOr<TrustedTree> TrustedTree::Find(const RowReader& rows, TreeSize size, const Digest& root, RepairSource* source,
                                        const Pace& pace) {
  TrustedTree tree;
  tree.size_ = size;
  Finder finder(rows, size, source, pace);
  std::vector<std::optional<Digest>> candidates((size.value + kTileWidth - 1) / kTileWidth);
  RETURN_IF_ERROR(finder.ReadLevelOne(candidates));
  std::optional<std::vector<Digest>> hashes = Vouched(candidates, root);
  if (!hashes.has_value()) {
    RETURN_IF_ERROR(finder.Compare(candidates));
    hashes = Vouched(candidates, root);
  }
  if (!hashes.has_value() && source != nullptr) {
    RETURN_IF_ERROR(finder.ReadSource(candidates));
    hashes = Vouched(candidates, root);
  }
  if (!hashes.has_value()) {
    return absl::DataLossError(Text("neither the leaves here nor those of ",
                                    source == nullptr ? "a peer, of which there is none," : source->name(),
                                    " make the tree of ", size.value, " leaves with the root ", root.hex()));
  }
  tree.hashes_ = *std::move(hashes);
  return tree;
}

Digest TrustedTree::RootAt(TreeSize size, const std::vector<Digest>& last) const {
  std::vector<Digest> hashes(hashes_.begin(), hashes_.begin() + static_cast<ptrdiff_t>(size.value / kTileWidth));
  const size_t rest = size.value % kTileWidth;
  if (rest > 0) hashes.push_back(RootOfLeafHashes(std::span(last).first(rest)));
  return RootOfLeafHashes(hashes);
}

Status TrustedTree::VisitTiles(const std::function<Status(TileUpdate)>& visit) const {
  // Only whole subtrees are in tiles above.
  std::vector<Digest> hashes(hashes_.begin(), hashes_.begin() + static_cast<ptrdiff_t>(size_.value / kTileWidth));
  for (uint32_t level = 1; level < kTileLevels && !hashes.empty(); ++level) {
    std::vector<Digest> above;
    for (size_t first = 0; first < hashes.size(); first += kTileWidth) {
      const auto part = std::span(hashes).subspan(first, std::min<size_t>(kTileWidth, hashes.size() - first));
      TileUpdate tile{{level, first / kTileWidth}, ""};
      for (const Digest& hash : part) tile.bytes += hash.view();
      if (part.size() == kTileWidth) above.push_back(RootOfLeafHashes(part));
      RETURN_IF_ERROR(visit(std::move(tile)));
    }
    hashes = std::move(above);
  }
  return OkStatus();
}

}  // namespace anamnesis
