#ifndef ANAMNESIS_LEDGER_COSE_COSE_RECEIPT_H_
#define ANAMNESIS_LEDGER_COSE_COSE_RECEIPT_H_

// COSE receipts (RFC 9942) of the ledger's tree, a Merkle tree as RFC 9162 has it: a COSE_Sign1 over the tree's root,
// which is detached, with the proof beside it. Whoever has the leaf, the receipt and the ledger's key needs nothing
// else.
//
//   18([ protected:   << {1: -8 (EdDSA), 4: kid, 395: 1 (RFC9162_SHA256),
//                         15 (CWT claims): {1: iss, 2: sub, "tree_size": uint}} >>,
//        unprotected: {396: {-1: [<< [tree size, leaf index, [hash, ...]] >>]}}          of inclusion, or
//                     {396: {-2: [<< [tree size 1, tree size 2, [hash, ...]] >>]}},      of consistency
//        null, signature ])                       keys of maps in the order of their encodings: 1, 4, 15, 395
//
// A proof is not signed, and one that holds in a tree of n leaves can hold in one of m as well; so "tree_size", a
// private claim, signs the size, which must be the proof's. `kid` is the key's C2SP key id, four bytes; `iss` the
// ledger's origin, which is the key's name; `sub` what the receipt is about: the event, or of consistency the ledger.
//
// There is one spelling of a receipt, and nothing is left out or added: other labels, critical or not, other orders and
// longer encodings are refused. Pure; safe from any thread and for any input.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/crypto/ed25519.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/verifier_key.h"

namespace anamnesis {

// Above what the largest receipt takes: 64 hashes, an origin and a subject.
inline constexpr size_t kCoseReceiptBytesMax = 4096;
inline constexpr size_t kCoseSubjectBytesMax = 255;

// What is signed beside the root.
struct CoseClaims {
  uint32_t key_id = 0;
  // 1 to limits::kOriginBytesMax bytes.
  std::string origin;
  // 1 to kCoseSubjectBytesMax bytes.
  std::string subject;
  TreeSize size;

  friend bool operator==(const CoseClaims&, const CoseClaims&) = default;
};

// That a leaf is in the tree. RFC 9942 has no receipt for a tree of one leaf, whose path is empty; this has.
struct CoseInclusion {
  LeafIndex index;
  // From the leaf's sibling upwards, at most limits::kProofHashesMax.
  std::vector<Digest> path;
  friend bool operator==(const CoseInclusion&, const CoseInclusion&) = default;
};

// That a smaller tree is the beginning of this one.
struct CoseConsistency {
  TreeSize older;
  std::vector<Digest> path;
  friend bool operator==(const CoseConsistency&, const CoseConsistency&) = default;
};

struct CoseReceipt {
  CoseClaims claims;
  std::variant<CoseInclusion, CoseConsistency> proof;
  Signature signature;
  friend bool operator==(const CoseReceipt&, const CoseReceipt&) = default;
};

// The subject of an event: "urn:uuid:" and its id.
std::string SubjectOfEvent(const EventId& id);

// The bytes that are signed: COSE's Sig_structure over the protected header and the root.
std::string CoseSignedBytes(const CoseClaims& claims, const Digest& root);

std::string FormatCoseReceipt(const CoseReceipt& receipt);
// INVALID_ARGUMENT, naming the part, unless `bytes` is what FormatCoseReceipt writes of a receipt within the limits
// above. Verifies nothing.
StatusOr<CoseReceipt> ParseCoseReceipt(std::string_view bytes);

// The tree in which `leaf`, the whole leaf as it is in the log, is number index, as one of `keys` has signed it for
// `subject`. INVALID_ARGUMENT: the receipt is one of consistency, or index, size and path do not fit together.
// UNAUTHENTICATED: no key in `keys` is the one named, or it has not signed the root that leaf and path lead to, or has
// for another subject.
StatusOr<Checkpoint> VerifyCoseInclusion(const CoseReceipt& receipt, std::string_view leaf, std::string_view subject,
                                         std::span<const VerifierKey> keys);

// The tree of which `older`, a tree that the caller trusts, is the beginning, as one of `keys` has signed it.
// INVALID_ARGUMENT: the receipt is one of inclusion, or not from the older tree's size, or its path has the wrong
// length. UNAUTHENTICATED: as above, or the path does not lead to the older root, or it is another ledger's.
StatusOr<Checkpoint> VerifyCoseConsistency(const CoseReceipt& receipt, const Checkpoint& older,
                                           std::span<const VerifierKey> keys);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_COSE_COSE_RECEIPT_H_
