#ifndef ANAMNESIS_LEDGER_EVIDENCE_MAKE_H_
#define ANAMNESIS_LEDGER_EVIDENCE_MAKE_H_

// Makes evidence from what a witness, a monitor or a client holds. Each function judges what it made and fails as Judge
// does, so nothing that comes out accuses somebody who could be honest. `keys` are those that the maker trusts. Pure;
// safe from any thread and for any input.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/event/leaf.h"
#include "ledger/evidence/evidence.h"
#include "ledger/note/tlog_proof.h"
#include "ledger/note/verifier_key.h"

namespace anamnesis {

// Of two signed notes.
StatusOr<Evidence> MakeSplitView(std::string one, std::string other, std::span<const VerifierKey> keys);

// Of two signed notes and a prefix proof (ledger/merkle/verify.h) between their sizes in the newer tree. RFC 6962's
// consistency proof is one, unless the older size is a power of two, where it doesn't say what root the newer tree has.
StatusOr<Evidence> MakeRewrittenHistory(std::string older, std::string newer, std::vector<Digest> prefix_proof,
                                        std::span<const VerifierKey> keys);

// Of two leaves that were proven to be at one index. A receipt is such a leaf; see ProvenLeafOf.
StatusOr<Evidence> MakeReplacedLeaf(LeafIndex index, ProvenLeaf one, ProvenLeaf other,
                                    std::span<const VerifierKey> keys);
// The leaf of a receipt. `tree.key` is set by MakeReplacedLeaf.
ProvenLeaf ProvenLeafOf(const TlogProof& receipt, std::string leaf);

// Of two sealed headers; whose key it is, is for others to judge.
StatusOr<Evidence> MakeForkedStream(SealedHeader one, SealedHeader other);
// The header at `place`, from 0, of a run. INVALID_ARGUMENT when there is none.
StatusOr<SealedHeader> SealedHeaderInRun(std::span<const std::string_view> headers, size_t place, const SealView& seal);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_EVIDENCE_MAKE_H_
