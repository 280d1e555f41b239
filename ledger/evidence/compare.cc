#include "ledger/evidence/compare.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "ledger/evidence/make.h"
#include "ledger/merkle/verify.h"

namespace anamnesis {
namespace {

// A source and the checkpoint that it is held to.
struct Held {
  LogSource& log;
  std::string note;
  Checkpoint checkpoint;
};

StatusOr<Held> Hold(LogSource& log, std::span<const VerifierKey> keys) {
  ASSIGN_OR_RETURN(std::string note, log.Checkpoint());
  ASSIGN_OR_RETURN(Checkpoint checkpoint, OpenCheckpoint(note, keys));
  return Held{log, std::move(note), std::move(checkpoint)};
}

// A leaf that its log's key answers for, and the root of all leaves up to it.
struct CheckedLeaf {
  ProvenLeaf proven;
  Digest prefix_root;
};

class Comparer {
 public:
  explicit Comparer(std::span<const VerifierKey> keys) : keys_(keys) {}

  // ABORTED: the source answers for another tree than its checkpoint's, and split() proves it.
  StatusOr<CheckedLeaf> Ask(const Held& source, LeafIndex index) {
    ++asked_;
    CheckedLeaf checked;
    const Checkpoint& expected = source.checkpoint;
    ASSIGN_OR_RETURN(checked.proven, source.log.LeafAt(index, expected.size));
    ASSIGN_OR_RETURN(const Checkpoint over, OpenProvenLeaf(index, checked.proven, keys_));
    if (over.origin != expected.origin) return absl::UnauthenticatedError(Text("answers for ", over.origin));
    if (over.size != expected.size) {
      return absl::UnauthenticatedError(
          Text("was asked about the tree of ", expected.size.value, " leaves, answers for ", over.size.value));
    }
    if (over.root != expected.root) {
      ASSIGN_OR_RETURN(split_, MakeSplitView(source.note, checked.proven.tree.note, keys_));
      return absl::AbortedError("answers for another tree than that of its checkpoint");
    }
    ASSIGN_OR_RETURN(checked.prefix_root,
                     PrefixRootFromInclusionProof(checked.proven.leaf_hash, index, over.size, checked.proven.path));
    return checked;
  }

  // What `compare` finds, or that a source contradicts itself.
  template <typename Compare>
  StatusOr<LogComparison> Run(LogComparison comparison, const Compare& compare) {
    const Status compared = compare(comparison);
    if (split_.has_value()) {
      comparison.evidence = std::move(split_);
      comparison.first_different.reset();
    } else {
      RETURN_IF_ERROR(compared);
    }
    comparison.leaves_asked = asked_;
    return comparison;
  }

 private:
  const std::span<const VerifierKey> keys_;
  uint64_t asked_ = 0;
  std::optional<Evidence> split_;
};

struct Pair {
  CheckedLeaf one;
  CheckedLeaf other;
  bool differ() const { return one.prefix_root != other.prefix_root; }
};

Status CheckSameLog(const Checkpoint& one, const Checkpoint& other) {
  if (one.origin == other.origin) return OkStatus();
  return absl::InvalidArgumentError(Text("two logs: ", one.origin, " and ", other.origin));
}

// A kept note of fewer leaves than the source has.
Status CompareWithPart(const std::string& note, const Checkpoint& kept, const Held& source, Comparer& comparer,
                       std::span<const VerifierKey> keys, LogComparison& comparison) {
  // The leaf before the kept tree's edge, under the newer tree, has all that the proof needs.
  const LeafIndex last(kept.size.value - 1);
  ASSIGN_OR_RETURN(const CheckedLeaf leaf, comparer.Ask(source, last));
  if (leaf.prefix_root == kept.root) return OkStatus();
  ASSIGN_OR_RETURN(std::vector<Digest> proof, PrefixProofFromInclusionProof(leaf.proven.leaf_hash, last,
                                                                            source.checkpoint.size, leaf.proven.path));
  ASSIGN_OR_RETURN(comparison.evidence, MakeRewrittenHistory(note, leaf.proven.tree.note, std::move(proof), keys));
  return OkStatus();
}

Status CompareNote(const std::string& note, const Checkpoint& kept, const Held& source, Comparer& comparer,
                   std::span<const VerifierKey> keys, LogComparison& comparison) {
  if (comparison.common.value == 0) return OkStatus();
  if (kept.size < source.checkpoint.size) return CompareWithPart(note, kept, source, comparer, keys, comparison);
  if (kept.root == source.checkpoint.root) return OkStatus();
  ASSIGN_OR_RETURN(comparison.evidence, MakeSplitView(note, source.note, keys));
  return OkStatus();
}

LogComparison BeginWithNote(const Checkpoint& kept, const Checkpoint& now) {
  return {kept.size > now.size ? TreeSize(0) : kept.size, kept.size, now.size, {}, {}, 0};
}

}  // namespace

StatusOr<Checkpoint> OpenProvenLeaf(LeafIndex index, const ProvenLeaf& leaf, std::span<const VerifierKey> keys) {
  ASSIGN_OR_RETURN(Checkpoint checkpoint, OpenCheckpoint(leaf.tree.note, keys));
  RETURN_IF_ERROR(VerifyInclusion(leaf.leaf_hash, index, checkpoint.size, leaf.path, checkpoint.root));
  return checkpoint;
}

StatusOr<LogComparison> CompareLogs(LogSource& one, LogSource& other, std::span<const VerifierKey> keys) {
  ASSIGN_OR_RETURN(const Held first, Hold(one, keys));
  ASSIGN_OR_RETURN(const Held second, Hold(other, keys));
  RETURN_IF_ERROR(CheckSameLog(first.checkpoint, second.checkpoint));
  const TreeSize sizes[] = {first.checkpoint.size, second.checkpoint.size};
  LogComparison begun{std::min(sizes[0], sizes[1]), sizes[0], sizes[1], {}, {}, 0};
  if (begun.common.value == 0) return begun;
  Comparer comparer(keys);
  const auto ask = [&](uint64_t size) -> StatusOr<Pair> {
    Pair pair;
    ASSIGN_OR_RETURN(pair.one, comparer.Ask(first, LeafIndex(size - 1)));
    ASSIGN_OR_RETURN(pair.other, comparer.Ask(second, LeafIndex(size - 1)));
    return pair;
  };
  return comparer.Run(begun, [&](LogComparison& comparison) -> Status {
    ASSIGN_OR_RETURN(Pair different, ask(comparison.common.value));
    if (!different.differ()) return OkStatus();
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
    return OkStatus();
  });
}

StatusOr<LogComparison> CompareWithNote(const std::string& note, LogSource& source, std::span<const VerifierKey> keys) {
  ASSIGN_OR_RETURN(const Checkpoint kept, OpenCheckpoint(note, keys));
  ASSIGN_OR_RETURN(const Held held, Hold(source, keys));
  RETURN_IF_ERROR(CheckSameLog(kept, held.checkpoint));
  Comparer comparer(keys);
  return comparer.Run(BeginWithNote(kept, held.checkpoint), [&](LogComparison& comparison) {
    return CompareNote(note, kept, held, comparer, keys, comparison);
  });
}

StatusOr<LogComparison> CompareWithReceipt(LeafIndex index, const ProvenLeaf& receipt, LogSource& source,
                                           std::span<const VerifierKey> keys) {
  ASSIGN_OR_RETURN(const Checkpoint kept, OpenProvenLeaf(index, receipt, keys));
  ASSIGN_OR_RETURN(const Held held, Hold(source, keys));
  RETURN_IF_ERROR(CheckSameLog(kept, held.checkpoint));
  Comparer comparer(keys);
  return comparer.Run(BeginWithNote(kept, held.checkpoint), [&](LogComparison& comparison) -> Status {
    RETURN_IF_ERROR(CompareNote(receipt.tree.note, kept, held, comparer, keys, comparison));
    if (held.checkpoint.size.value <= index.value) return OkStatus();
    // The receipt's own leaf says more than the roots do, where it is another now.
    StatusOr<CheckedLeaf> now = comparer.Ask(held, index);
    if (now.ok() && now->proven.leaf_hash == receipt.leaf_hash) return OkStatus();
    StatusOr<Evidence> replaced =
        now.ok() ? MakeReplacedLeaf(index, receipt, std::move(now->proven), keys) : StatusOr<Evidence>(now.status());
    if (replaced.ok()) comparison.evidence = *std::move(replaced);
    // Who is convicted by the roots does not get away by answering no further.
    return comparison.evidence.has_value() ? OkStatus() : replaced.status();
  });
}

}  // namespace anamnesis
