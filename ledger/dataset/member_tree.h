#ifndef ANAMNESIS_LEDGER_DATASET_MEMBER_TREE_H_
#define ANAMNESIS_LEDGER_DATASET_MEMBER_TREE_H_

// The tree over a dataset's members, made leaf by leaf in bounded memory. Whoever makes or verifies a whole dataset
// goes through here, so that no tree out of order gets a root: that each leaf stands in its place is what an absence
// proof rests on, and a proof about two leaves can't show it of the others. Pure; one thread at a time.

#include <map>
#include <optional>
#include <string>

#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/dataset/member.h"
#include "ledger/merkle/frontier.h"
#include "ledger/merkle/tiles.h"

namespace anamnesis {

class MemberTree {
 public:
  // INVALID_ARGUMENT, and nothing is added, unless the leaf's sort key is above that of the leaf before.
  Status Append(const MemberLeaf& leaf);

  TreeSize size() const { return frontier_.size(); }
  // EmptyRoot() without members.
  Digest Root() const { return frontier_.Root(); }

  // The tiles above the lowest level, full and partial, that the leaves so far make: 32 bytes for every 256 leaves.
  // Those of the lowest level are the leaves' own hashes and not kept.
  const std::map<TileId, std::string>& UpperTiles();

 private:
  void KeepTiles();

  Frontier frontier_;
  std::optional<Digest> last_sort_key_;
  std::map<TileId, std::string> upper_tiles_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_DATASET_MEMBER_TREE_H_
