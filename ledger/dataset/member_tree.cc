#include "ledger/dataset/member_tree.h"

#include <utility>

namespace anamnesis {
namespace {

// How many leaves' tiles may wait in the frontier.
constexpr uint64_t kLeavesBetweenTakes = 64 * kTileWidth;

}  // namespace

Status MemberTree::Append(const MemberLeaf& leaf) {
  if (last_sort_key_.has_value() && leaf.sort_key <= *last_sort_key_) {
    return absl::InvalidArgumentError(Text("member ", frontier_.size().value, ": its sort key ", leaf.sort_key.hex(),
                                           " is not above the one before, ", last_sort_key_->hex()));
  }
  last_sort_key_ = leaf.sort_key;
  frontier_.Append(MemberLeafHash(leaf));
  if (frontier_.size().value % kLeavesBetweenTakes == 0) KeepTiles();
  return OkStatus();
}

const std::map<TileId, std::string>& MemberTree::UpperTiles() {
  KeepTiles();
  return upper_tiles_;
}

void MemberTree::KeepTiles() {
  for (TileUpdate& update : frontier_.TakeChangedTiles()) {
    if (update.id.level > 0) upper_tiles_[update.id] = std::move(update.bytes);
  }
}

}  // namespace anamnesis
