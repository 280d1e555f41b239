#ifndef ANAMNESIS_LEDGER_MERKLE_VERIFY_H_
#define ANAMNESIS_LEDGER_MERKLE_VERIFY_H_

// The verifier's half of RFC 6962 section 2.1. Every argument may come from an adversary: no value of any of them
// crashes or costs more than 128 hashes. The same functions serve the ledger's tree and the small tree of a run. Pure,
// safe from any thread.
//
// Two codes tell two causes apart: INVALID_ARGUMENT, the numbers and the length of the proof do not fit together;
// UNAUTHENTICATED, the hashes do not lead to the root.

#include <span>
#include <vector>

#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"

namespace anamnesis {

// The root that a tree of `size` leaves has if `proof` is the audit path of its leaf `index`. Says nothing until it is
// compared with a root that is trusted. INVALID_ARGUMENT unless index < size and the proof has exactly the length that
// they call for.
StatusOr<Digest> RootFromInclusionProof(const Digest& leaf_hash, LeafIndex index, TreeSize size,
                                        std::span<const Digest> proof);

// OK when `proof` shows that the leaf is number `index` in the tree of `size` leaves with `root`. INVALID_ARGUMENT as
// above; UNAUTHENTICATED when the path leads to another root.
Status VerifyInclusion(const Digest& leaf_hash, LeafIndex index, TreeSize size, std::span<const Digest> proof,
                       const Digest& root);

// The root of the leaves up to and with leaf `index`, as the same audit path has it. As believable as the root that
// RootFromInclusionProof gives. INVALID_ARGUMENT as above.
StatusOr<Digest> PrefixRootFromInclusionProof(const Digest& leaf_hash, LeafIndex index, TreeSize size,
                                              std::span<const Digest> proof);

// The prefix proof (below) from size index + 1 to `size` that the same audit path holds. INVALID_ARGUMENT as above, and
// when leaf `index` is the tree's last.
StatusOr<std::vector<Digest>> PrefixProofFromInclusionProof(const Digest& leaf_hash, LeafIndex index, TreeSize size,
                                                            std::span<const Digest> proof);

// What a prefix proof says of a tree of `to` leaves: its root, and the root of its first `from` leaves. A prefix proof
// is a consistency proof that begins with the node which both roots are rebuilt from, also where RFC 6962 leaves it out
// because the verifier has it: where it is the whole old tree. It needs no old root to be read, so it shows what a tree
// begins with to somebody whom it contradicts. When `whole` is a root that is trusted, so is `prefix`. INVALID_ARGUMENT
// unless 0 < from < to and the proof has exactly the length that they call for.
struct PrefixRoots {
  Digest prefix;
  Digest whole;
};
StatusOr<PrefixRoots> RootsFromPrefixProof(TreeSize from, TreeSize to, std::span<const Digest> proof);

// The root that a tree of `to` leaves has if `proof` shows that the tree (from, root_from) is a prefix of it. Says
// nothing until it is compared with a root that is trusted. Fails as VerifyConsistency does for numbers, length and old
// root.
StatusOr<Digest> RootFromConsistencyProof(TreeSize from, TreeSize to, std::span<const Digest> proof,
                                          const Digest& root_from);

// OK when `proof` shows that the tree (from, root_from) is a prefix of the tree (to, root_to). INVALID_ARGUMENT unless
// 0 < from <= to and the proof has exactly the length that they call for (none when they are equal); UNAUTHENTICATED
// when it leads to another root on either side. Size 0 is refused because any tree extends the empty one: a caller for
// whom that is enough decides it before calling.
Status VerifyConsistency(TreeSize from, TreeSize to, std::span<const Digest> proof, const Digest& root_from,
                         const Digest& root_to);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_MERKLE_VERIFY_H_
