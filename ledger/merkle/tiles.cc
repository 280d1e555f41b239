#include "ledger/merkle/tiles.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "ledger/base/check.h"
#include "ledger/base/limits.h"
#include "ledger/merkle/tree_hash.h"

namespace anamnesis {
namespace {

// The specification's bound on <L>; a tree has far fewer levels.
constexpr uint64_t kPathLevelMax = 63;

// Groups of three digits, all but the last with an "x" before it.
std::string IndexPath(uint64_t index) {
  std::string path;
  for (bool last = true; last || index > 0; last = false) {
    const std::string digits = std::to_string(1000 + index % 1000).substr(1);
    path.insert(0, last ? digits : Text('x', digits, '/'));
    index /= 1000;
  }
  return path;
}

std::string WidthSuffix(uint32_t width) {
  CHECK(width >= 1 && width <= kTileWidth);
  return width == kTileWidth ? "" : Text(".p/", width);
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// A decimal number without leading zeroes in [0, max], taken from the front of `rest` as far as the digits go.
bool TakeNumber(std::string_view& rest, uint64_t max, uint64_t& value) {
  size_t digits = 0;
  value = 0;
  for (; digits < rest.size() && IsDigit(rest[digits]); ++digits) {
    value = value * 10 + static_cast<uint64_t>(rest[digits] - '0');
    if (value > max) return false;
  }
  if (digits == 0 || (digits > 1 && rest[0] == '0')) return false;
  rest.remove_prefix(digits);
  return true;
}

bool TakePrefix(std::string_view& rest, std::string_view prefix) {
  if (!rest.starts_with(prefix)) return false;
  rest.remove_prefix(prefix.size());
  return true;
}

// What IndexPath writes, from the front of `rest`.
bool TakeIndex(std::string_view& rest, uint64_t& index) {
  index = 0;
  for (bool first = true;; first = false) {
    const bool more = TakePrefix(rest, "x");
    if (rest.size() < 3 || !std::all_of(rest.begin(), rest.begin() + 3, IsDigit)) return false;
    uint64_t group = 0;
    for (char c : rest.substr(0, 3)) group = group * 10 + static_cast<uint64_t>(c - '0');
    rest.remove_prefix(3);
    // "x000/001" would be another spelling of "001".
    if (first && more && group == 0) return false;
    if (index > (UINT64_MAX - group) / 1000) return false;
    index = index * 1000 + group;
    if (!more) return true;
    if (!TakePrefix(rest, "/")) return false;
  }
}

bool TakePath(std::string_view& rest, TilePathParts& parts) {
  if (!TakePrefix(rest, "tile/")) return false;
  if (TakePrefix(rest, "entries/")) {
    parts.entries = true;
  } else {
    uint64_t level = 0;
    if (!TakeNumber(rest, kPathLevelMax, level) || !TakePrefix(rest, "/")) return false;
    parts.id.level = static_cast<uint32_t>(level);
  }
  if (!TakeIndex(rest, parts.id.index)) return false;
  if (TakePrefix(rest, ".p/")) {
    uint64_t width = 0;
    if (!TakeNumber(rest, kTileWidth - 1, width) || width == 0) return false;
    parts.width = static_cast<uint32_t>(width);
  }
  return rest.empty();
}

}  // namespace

uint32_t TileWidthAt(TileId id, TreeSize size) {
  if (id.level >= kTileLevels) return 0;
  const uint64_t hashes = size.value >> (kTileHeight * id.level);
  if (id.index > hashes / kTileWidth) return 0;
  return static_cast<uint32_t>(std::min<uint64_t>(hashes - id.index * kTileWidth, kTileWidth));
}

std::string TilePath(uint32_t level, uint64_t index, uint32_t width) {
  return Text("tile/", level, '/', IndexPath(index), WidthSuffix(width));
}

std::string EntriesPath(uint64_t index, uint32_t width) {
  return Text("tile/entries/", IndexPath(index), WidthSuffix(width));
}

StatusOr<TilePathParts> ParseTilePath(std::string_view path) {
  TilePathParts parts;
  std::string_view rest = path;
  if (!TakePath(rest, parts)) {
    return absl::InvalidArgumentError("not a tile path (tile/<L>/<N>[.p/<W>] or tile/entries/<N>[.p/<W>])");
  }
  return parts;
}

void AppendBundleEntry(std::string& bundle, std::string_view leaf) {
  static_assert(limits::kLeafBytesMax <= UINT16_MAX);
  CHECK(leaf.size() <= limits::kLeafBytesMax);
  bundle.push_back(static_cast<char>(leaf.size() >> 8));
  bundle.push_back(static_cast<char>(leaf.size() & 0xFF));
  bundle.append(leaf);
}

StatusOr<std::vector<std::string_view>> ParseEntryBundle(std::string_view bundle) {
  std::vector<std::string_view> leaves;
  while (!bundle.empty()) {
    if (leaves.size() == kTileWidth) return absl::InvalidArgumentError(Text("entry bundle: more than ", kTileWidth));
    const size_t length =
        bundle.size() < 2 ? 0
                          : static_cast<size_t>(static_cast<uint8_t>(bundle[0]) << 8 | static_cast<uint8_t>(bundle[1]));
    if (bundle.size() < 2 + length) {
      return absl::InvalidArgumentError(Text("entry bundle: cut off in entry ", leaves.size()));
    }
    leaves.push_back(bundle.substr(2, length));
    bundle.remove_prefix(2 + length);
  }
  return leaves;
}

StatusOr<std::vector<Digest>> ParseTile(TileId id, std::string_view bytes, size_t width_needed) {
  if (bytes.size() % Digest::kSize != 0 || bytes.size() > kTileBytesMax ||
      bytes.size() < width_needed * Digest::kSize) {
    return absl::DataLossError(Text("stored tile ", id.index, " of level ", id.level, " has ", bytes.size(),
                                    " bytes; needed are ", width_needed, " to ", kTileWidth, " hashes of ",
                                    Digest::kSize));
  }
  std::vector<Digest> hashes(bytes.size() / Digest::kSize);
  for (size_t i = 0; i < hashes.size(); ++i) {
    std::memcpy(hashes[i].data(), bytes.data() + i * Digest::kSize, Digest::kSize);
  }
  return hashes;
}

StatusOr<Digest> TileNodeReader::Node(uint32_t level, uint64_t index) const {
  if (level >= 64 || index >= (UINT64_MAX >> level)) {
    return absl::OutOfRangeError(Text("no tree has a node ", index, " of level ", level));
  }
  const uint32_t height = level % kTileHeight;
  const uint64_t first = index << height;
  const uint64_t offset = first % kTileWidth;
  const size_t width_needed = offset + (size_t{1} << height);
  ASSIGN_OR_RETURN(Expanded * tile, Load({level / kTileHeight, first / kTileWidth}, width_needed));
  while (tile->rows.size() <= height) {
    const std::vector<Digest>& below = tile->rows.back();
    std::vector<Digest> row(below.size() / 2);
    for (size_t i = 0; i < row.size(); ++i) row[i] = NodeHash(below[2 * i], below[2 * i + 1]);
    tile->rows.push_back(std::move(row));
  }
  return tile->rows[height][offset >> height];
}

StatusOr<TileNodeReader::Expanded*> TileNodeReader::Load(TileId id, size_t width_needed) const {
  auto& [first, second] = cache_[id.level];
  if (second.has_value() && second->index == id.index) std::swap(first, second);
  // A partial tile may have grown since it was read.
  const bool known = first.has_value() && first->index == id.index;
  if (known && first->rows[0].size() >= width_needed) return &*first;
  StatusOr<std::string> bytes = tiles_.Tile(id);
  if (absl::IsNotFound(bytes.status())) {
    return absl::DataLossError(Text("stored tile ", id.index, " of level ", id.level, " is missing"));
  }
  RETURN_IF_ERROR(bytes.status());
  ASSIGN_OR_RETURN(std::vector<Digest> hashes, ParseTile(id, *bytes, width_needed));
  if (!known) std::swap(first, second);
  first.emplace(Expanded{id.index, {}});
  first->rows.push_back(std::move(hashes));
  return &*first;
}

}  // namespace anamnesis
