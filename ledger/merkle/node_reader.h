#ifndef ANAMNESIS_LEDGER_MERKLE_NODE_READER_H_
#define ANAMNESIS_LEDGER_MERKLE_NODE_READER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "ledger/base/digest.h"
#include "ledger/base/status.h"

namespace anamnesis {

// Where proofs take their hashes from. A node is named by its level (0 for leaf hashes) and its index within the level;
// it is the root of the complete subtree over the leaves [index * 2^level, (index + 1) * 2^level). Nodes of incomplete
// subtrees are never asked for: their hash changes as the tree grows.
class NodeReader {
 public:
  virtual ~NodeReader() = default;
  // OUT_OF_RANGE when the subtree is not within the tree that is read; otherwise whatever the storage below fails with.
  virtual StatusOr<Digest> Node(uint32_t level, uint64_t index) const = 0;
};

// A tree in memory, for a run of events or a test. Holds its own copy of the leaf hashes and every node above them.
// Constant after construction, so safe from any thread.
class MemoryNodeReader : public NodeReader {
 public:
  explicit MemoryNodeReader(std::span<const Digest> leaf_hashes);
  // OUT_OF_RANGE when the subtree is not within the leaves given.
  StatusOr<Digest> Node(uint32_t level, uint64_t index) const override;

 private:
  std::vector<std::vector<Digest>> levels_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_MERKLE_NODE_READER_H_
