#include "ledger/merkle/node_reader.h"

#include <utility>

#include "ledger/merkle/tree_hash.h"

namespace anamnesis {

MemoryNodeReader::MemoryNodeReader(std::span<const Digest> leaf_hashes) {
  levels_.emplace_back(leaf_hashes.begin(), leaf_hashes.end());
  while (levels_.back().size() > 1) {
    const std::vector<Digest>& below = levels_.back();
    std::vector<Digest> row(below.size() / 2);
    for (size_t i = 0; i < row.size(); ++i) row[i] = NodeHash(below[2 * i], below[2 * i + 1]);
    levels_.push_back(std::move(row));
  }
}

StatusOr<Digest> MemoryNodeReader::Node(uint32_t level, uint64_t index) const {
  if (level >= levels_.size() || index >= levels_[level].size()) {
    return absl::OutOfRangeError(
        Text("node ", index, " of level ", level, " is not in a tree of ", levels_[0].size(), " leaves"));
  }
  return levels_[level][index];
}

}  // namespace anamnesis
