#ifndef ANAMNESIS_LEDGER_MERKLE_PROOF_H_
#define ANAMNESIS_LEDGER_MERKLE_PROOF_H_

// Roots and proofs of RFC 6962 section 2.1 (RFC 9162 is the same), computed from a NodeReader. `reader` must hold at
// least the leaves of the tree asked about; it may hold more. At most 2 log2(size) nodes are read. Besides the errors
// listed, each function passes on what the reader fails with. Pure; as safe from other threads as the reader is.

#include <vector>

#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/merkle/node_reader.h"

namespace anamnesis {

// The root of the tree over the first `size` leaves; EmptyRoot() for size 0.
StatusOr<Digest> RootAt(const NodeReader& reader, TreeSize size);

// The audit path of leaf `index` in the tree of the first `size` leaves, from the leaf's sibling upwards.
// OUT_OF_RANGE unless index < size.
StatusOr<std::vector<Digest>> InclusionProof(const NodeReader& reader, LeafIndex index, TreeSize size);

// The proof that the tree of size `from` is a prefix of the tree of size `to`; empty when they are equal.
// OUT_OF_RANGE unless 0 < from <= to: there is nothing to prove about the empty tree, and a protocol that wants an
// empty proof there (tlog-witness) says so itself.
StatusOr<std::vector<Digest>> ConsistencyProof(const NodeReader& reader, TreeSize from, TreeSize to);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_MERKLE_PROOF_H_
