#include "ledger/evidence/compare.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "ledger/evidence/make.h"
#include "ledger/merkle/verify.h"

namespace anamnesis {
namespace {

// A leaf that its log's key answers for, and the root of all leaves up to it.
struct CheckedLeaf {
  ProvenLeaf proven;
  Digest prefix_root;
};

class Comparer {
 public:
  Comparer(std::span<const VerifierKey> keys, std::string origin) : keys_(keys), origin_(std::move(origin)) {}

  StatusOr<CheckedLeaf> Ask(LogSource& source, LeafIndex index) {
    ++asked_;
    CheckedLeaf checked;
    ASSIGN_OR_RETURN(checked.proven, source.LeafAt(index));
    ASSIGN_OR_RETURN(const Checkpoint checkpoint, OpenCheckpoint(checked.proven.tree.note, keys_));
    if (checkpoint.origin != origin_) return absl::UnauthenticatedError(Text("answers for ", checkpoint.origin));
    RETURN_IF_ERROR(
        VerifyInclusion(checked.proven.leaf_hash, index, checkpoint.size, checked.proven.path, checkpoint.root));
    ASSIGN_OR_RETURN(checked.prefix_root, PrefixRootFromInclusionProof(checked.proven.leaf_hash, index, checkpoint.size,
                                                                       checked.proven.path));
    return checked;
  }

  uint64_t asked() const { return asked_; }

 private:
  const std::span<const VerifierKey> keys_;
  const std::string origin_;
  uint64_t asked_ = 0;
};

struct Pair {
  CheckedLeaf one;
  CheckedLeaf other;
  bool differ() const { return one.prefix_root != other.prefix_root; }
};

}  // namespace

StatusOr<LogComparison> CompareLogs(LogSource& one, LogSource& other, std::span<const VerifierKey> keys) {
  ASSIGN_OR_RETURN(const std::string one_note, one.Checkpoint());
  ASSIGN_OR_RETURN(const std::string other_note, other.Checkpoint());
  ASSIGN_OR_RETURN(const Checkpoint first, OpenCheckpoint(one_note, keys));
  ASSIGN_OR_RETURN(const Checkpoint second, OpenCheckpoint(other_note, keys));
  if (first.origin != second.origin) {
    return absl::InvalidArgumentError(Text("two logs: ", first.origin, " and ", second.origin));
  }
  LogComparison comparison{std::min(first.size, second.size), first.size, second.size, {}, {}, 0};
  if (comparison.common.value == 0) return comparison;
  Comparer comparer(keys, first.origin);
  const auto ask = [&](uint64_t size) -> StatusOr<Pair> {
    Pair pair;
    ASSIGN_OR_RETURN(pair.one, comparer.Ask(one, LeafIndex(size - 1)));
    ASSIGN_OR_RETURN(pair.other, comparer.Ask(other, LeafIndex(size - 1)));
    return pair;
  };
  ASSIGN_OR_RETURN(Pair different, ask(comparison.common.value));
  if (different.differ()) {
    uint64_t same = 0;
    uint64_t differs = comparison.common.value;
    while (differs - same > 1) {
      const uint64_t middle = same + (differs - same) / 2;
      ASSIGN_OR_RETURN(Pair pair, ask(middle));
      const bool differ = pair.differ();
      (differ ? differs : same) = middle;
      if (differ) different = std::move(pair);
    }
    comparison.first_different = LeafIndex(differs - 1);
    ASSIGN_OR_RETURN(comparison.evidence, MakeReplacedLeaf(*comparison.first_different, std::move(different.one.proven),
                                                           std::move(different.other.proven), keys));
  }
  comparison.leaves_asked = comparer.asked();
  return comparison;
}

StatusOr<LogComparison> CompareWithNote(const std::string& note, LogSource& source, std::span<const VerifierKey> keys) {
  ASSIGN_OR_RETURN(const Checkpoint kept, OpenCheckpoint(note, keys));
  ASSIGN_OR_RETURN(const std::string now, source.Checkpoint());
  ASSIGN_OR_RETURN(const Checkpoint newest, OpenCheckpoint(now, keys));
  if (kept.origin != newest.origin) {
    return absl::InvalidArgumentError(Text("two logs: ", kept.origin, " and ", newest.origin));
  }
  LogComparison comparison{std::min(kept.size, newest.size), kept.size, newest.size, {}, {}, 0};
  if (kept.size > newest.size || kept.size.value == 0) return comparison;
  if (kept.size == newest.size) {
    if (kept.root == newest.root) return comparison;
    ASSIGN_OR_RETURN(comparison.evidence, MakeSplitView(note, now, keys));
    return comparison;
  }
  Comparer comparer(keys, kept.origin);
  // The leaf before the kept tree's edge, under the newer tree, has all that the proof needs.
  const LeafIndex last(kept.size.value - 1);
  ASSIGN_OR_RETURN(const CheckedLeaf leaf, comparer.Ask(source, last));
  comparison.leaves_asked = comparer.asked();
  if (leaf.prefix_root == kept.root) return comparison;
  ASSIGN_OR_RETURN(const Checkpoint over, OpenCheckpoint(leaf.proven.tree.note, keys));
  if (over.size == kept.size) {
    ASSIGN_OR_RETURN(comparison.evidence, MakeSplitView(note, leaf.proven.tree.note, keys));
    return comparison;
  }
  ASSIGN_OR_RETURN(std::vector<Digest> proof,
                   PrefixProofFromInclusionProof(leaf.proven.leaf_hash, last, over.size, leaf.proven.path));
  ASSIGN_OR_RETURN(comparison.evidence, MakeRewrittenHistory(note, leaf.proven.tree.note, std::move(proof), keys));
  return comparison;
}

}  // namespace anamnesis
