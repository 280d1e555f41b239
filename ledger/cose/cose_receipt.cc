#include "ledger/cose/cose_receipt.h"

#include <utility>

#include "ledger/base/bytes.h"
#include "ledger/base/limits.h"
#include "ledger/cose/cbor.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/merkle/verify.h"
#include "ledger/note/text.h"

namespace anamnesis {
namespace {

using enum CborKind;

constexpr uint64_t kSign1Tag = 18;
constexpr uint64_t kSign1Items = 4;
constexpr uint64_t kAlgorithmLabel = 1;
constexpr uint64_t kKeyIdLabel = 4;
constexpr uint64_t kClaimsLabel = 15;
constexpr uint64_t kStructureLabel = 395;
constexpr uint64_t kProofsLabel = 396;
constexpr uint64_t kRfc9162Sha256 = 1;
constexpr uint64_t kIssuerClaim = 1;
constexpr uint64_t kSubjectClaim = 2;
constexpr std::string_view kSizeClaim = "tree_size";
// Negative labels and values, as CBOR counts them: n is -1 - n.
constexpr uint64_t kEdDsa = 7;
constexpr uint64_t kInclusionLabel = 0;
constexpr uint64_t kConsistencyLabel = 1;
constexpr uint64_t kProofItems = 3;

// The two numbers and the hashes of a proof, whichever it is.
struct Proof {
  uint64_t label = 0;
  uint64_t first = 0;
  uint64_t second = 0;
  std::vector<Digest> path;
};

Proof ProofOf(const CoseReceipt& receipt) {
  if (const auto* const inclusion = std::get_if<CoseInclusion>(&receipt.proof)) {
    return {kInclusionLabel, receipt.claims.size.value, inclusion->index.value, inclusion->path};
  }
  const auto& consistency = std::get<CoseConsistency>(receipt.proof);
  return {kConsistencyLabel, consistency.older.value, receipt.claims.size.value, consistency.path};
}

std::string KeyIdBytes(uint32_t key_id) {
  std::string bytes;
  AppendBigEndian32(bytes, key_id);
  return bytes;
}

std::string FormatProtected(const CoseClaims& claims) {
  return CborHead(kMap, 4) + CborHead(kUnsigned, kAlgorithmLabel) + CborHead(kNegative, kEdDsa) +
         CborHead(kUnsigned, kKeyIdLabel) + CborBytes(KeyIdBytes(claims.key_id)) + CborHead(kUnsigned, kClaimsLabel) +
         CborHead(kMap, 3) + CborHead(kUnsigned, kIssuerClaim) + CborText(claims.origin) +
         CborHead(kUnsigned, kSubjectClaim) + CborText(claims.subject) + CborText(kSizeClaim) +
         CborHead(kUnsigned, claims.size.value) + CborHead(kUnsigned, kStructureLabel) +
         CborHead(kUnsigned, kRfc9162Sha256);
}

std::string FormatProof(const Proof& proof) {
  std::string bytes = CborHead(kArray, kProofItems) + CborHead(kUnsigned, proof.first) +
                      CborHead(kUnsigned, proof.second) + CborHead(kArray, proof.path.size());
  for (const Digest& hash : proof.path) bytes += CborBytes(hash.view());
  return bytes;
}

// One line of text: names of ledgers and subjects have no other characters.
StatusOr<std::string> ParseName(CborReader& reader, size_t bytes_max, std::string_view field) {
  ASSIGN_OR_RETURN(const std::string_view name, reader.TextString(field));
  if (name.empty() || name.size() > bytes_max) {
    return absl::InvalidArgumentError(Text(field, ": ", name.size(), " bytes; 1 to ", bytes_max, " are allowed"));
  }
  if (!IsNoteText(name) || name.find('\n') != std::string_view::npos) {
    return absl::InvalidArgumentError(Text(field, ": not UTF-8, or with control characters"));
  }
  return std::string(name);
}

StatusOr<CoseClaims> ParseProtected(std::string_view bytes) {
  CborReader reader(bytes);
  CoseClaims claims;
  RETURN_IF_ERROR(reader.Expect(kMap, 4, "receipt: protected header"));
  RETURN_IF_ERROR(reader.Expect(kUnsigned, kAlgorithmLabel, "receipt: first protected label"));
  RETURN_IF_ERROR(reader.Expect(kNegative, kEdDsa, "receipt: alg (EdDSA is -8)"));
  RETURN_IF_ERROR(reader.Expect(kUnsigned, kKeyIdLabel, "receipt: second protected label"));
  ASSIGN_OR_RETURN(const std::string_view key_id, reader.Bytes("receipt: kid"));
  if (key_id.size() != sizeof(claims.key_id)) {
    return absl::InvalidArgumentError(Text("receipt: kid: ", key_id.size(), " bytes; a C2SP key id has 4"));
  }
  ASSIGN_OR_RETURN(claims.key_id, ByteReader(key_id).BigEndian32());
  RETURN_IF_ERROR(reader.Expect(kUnsigned, kClaimsLabel, "receipt: third protected label"));
  RETURN_IF_ERROR(reader.Expect(kMap, 3, "receipt: CWT claims"));
  RETURN_IF_ERROR(reader.Expect(kUnsigned, kIssuerClaim, "receipt: first claim"));
  ASSIGN_OR_RETURN(claims.origin, ParseName(reader, limits::kOriginBytesMax, "receipt: iss"));
  RETURN_IF_ERROR(reader.Expect(kUnsigned, kSubjectClaim, "receipt: second claim"));
  ASSIGN_OR_RETURN(claims.subject, ParseName(reader, kCoseSubjectBytesMax, "receipt: sub"));
  ASSIGN_OR_RETURN(const std::string_view third, reader.TextString("receipt: third claim"));
  if (third != kSizeClaim) return absl::InvalidArgumentError("receipt: third claim: is not \"tree_size\"");
  ASSIGN_OR_RETURN(claims.size.value, reader.Number(kUnsigned, "receipt: tree_size"));
  RETURN_IF_ERROR(reader.Expect(kUnsigned, kStructureLabel, "receipt: fourth protected label"));
  RETURN_IF_ERROR(reader.Expect(kUnsigned, kRfc9162Sha256, "receipt: vds (RFC9162_SHA256 is 1)"));
  RETURN_IF_ERROR(reader.End("receipt: protected header"));
  return claims;
}

StatusOr<Proof> ParseProof(uint64_t label, std::string_view bytes) {
  CborReader reader(bytes);
  Proof proof;
  proof.label = label;
  RETURN_IF_ERROR(reader.Expect(kArray, kProofItems, "receipt: proof"));
  ASSIGN_OR_RETURN(proof.first, reader.Number(kUnsigned, "receipt: proof: first number"));
  ASSIGN_OR_RETURN(proof.second, reader.Number(kUnsigned, "receipt: proof: second number"));
  ASSIGN_OR_RETURN(const uint64_t hashes, reader.Number(kArray, "receipt: path"));
  if (hashes > limits::kProofHashesMax) {
    return absl::InvalidArgumentError(
        Text("receipt: path: ", hashes, " hashes; at most ", limits::kProofHashesMax, " are allowed"));
  }
  for (uint64_t i = 0; i < hashes; ++i) {
    ASSIGN_OR_RETURN(const std::string_view hash, reader.Bytes("receipt: path: hash"));
    ASSIGN_OR_RETURN(proof.path.emplace_back(), Digest::FromBytes(hash, "receipt: path: hash"));
  }
  RETURN_IF_ERROR(reader.End("receipt: proof"));
  return proof;
}

StatusOr<Proof> ParseUnprotected(CborReader& reader) {
  RETURN_IF_ERROR(reader.Expect(kMap, 1, "receipt: unprotected header"));
  RETURN_IF_ERROR(reader.Expect(kUnsigned, kProofsLabel, "receipt: unprotected label"));
  RETURN_IF_ERROR(reader.Expect(kMap, 1, "receipt: vdp"));
  ASSIGN_OR_RETURN(const uint64_t label, reader.Number(kNegative, "receipt: vdp: label"));
  if (label != kInclusionLabel && label != kConsistencyLabel) {
    return absl::InvalidArgumentError("receipt: vdp: label: neither of inclusion (-1) nor of consistency (-2)");
  }
  RETURN_IF_ERROR(reader.Expect(kArray, 1, "receipt: proofs"));
  ASSIGN_OR_RETURN(const std::string_view proof, reader.Bytes("receipt: proof"));
  return ParseProof(label, proof);
}

// The tree with `root`, if one of the keys has signed it with the receipt's claims.
StatusOr<Checkpoint> VerifySigned(const CoseReceipt& receipt, const Digest& root, std::span<const VerifierKey> keys) {
  const CoseClaims& claims = receipt.claims;
  for (const VerifierKey& key : keys) {
    if (key.type() != KeyType::kEd25519 || key.key_id() != claims.key_id || key.name() != claims.origin) continue;
    RETURN_IF_ERROR(WithContext(
        VerifyEd25519(key.public_key(), CoseSignedBytes(claims, root), receipt.signature.view()), "receipt"));
    return Checkpoint{claims.origin, claims.size, root};
  }
  return absl::UnauthenticatedError(Text("the receipt is of \"", claims.origin, "\", signed with its key ",
                                         HexEncode(KeyIdBytes(claims.key_id)),
                                         ", which is none of those that are trusted"));
}

}  // namespace

std::string SubjectOfEvent(const EventId& id) { return Text("urn:uuid:", id.text()); }

std::string CoseSignedBytes(const CoseClaims& claims, const Digest& root) {
  return CborHead(kArray, 4) + CborText("Signature1") + CborBytes(FormatProtected(claims)) + CborBytes("") +
         CborBytes(root.view());
}

std::string FormatCoseReceipt(const CoseReceipt& receipt) {
  const Proof proof = ProofOf(receipt);
  return CborHead(kTag, kSign1Tag) + CborHead(kArray, kSign1Items) + CborBytes(FormatProtected(receipt.claims)) +
         CborHead(kMap, 1) + CborHead(kUnsigned, kProofsLabel) + CborHead(kMap, 1) + CborHead(kNegative, proof.label) +
         CborHead(kArray, 1) + CborBytes(FormatProof(proof)) + CborHead(kNull, 0) + CborBytes(receipt.signature.view());
}

StatusOr<CoseReceipt> ParseCoseReceipt(std::string_view bytes) {
  if (bytes.size() > kCoseReceiptBytesMax) {
    return absl::InvalidArgumentError(Text("receipt: ", bytes.size(), " bytes; at most ", kCoseReceiptBytesMax));
  }
  CborReader reader(bytes);
  RETURN_IF_ERROR(reader.Expect(kTag, kSign1Tag, "receipt: COSE_Sign1's tag"));
  RETURN_IF_ERROR(reader.Expect(kArray, kSign1Items, "receipt: COSE_Sign1"));
  ASSIGN_OR_RETURN(const std::string_view header, reader.Bytes("receipt: protected header"));
  CoseReceipt receipt;
  ASSIGN_OR_RETURN(receipt.claims, ParseProtected(header));
  ASSIGN_OR_RETURN(Proof proof, ParseUnprotected(reader));
  RETURN_IF_ERROR(reader.Expect(kNull, 0, "receipt: payload (which is detached)"));
  ASSIGN_OR_RETURN(const std::string_view signature, reader.Bytes("receipt: signature"));
  ASSIGN_OR_RETURN(receipt.signature, Signature::FromBytes(signature, "receipt: signature"));
  RETURN_IF_ERROR(reader.End("receipt"));
  const bool of_inclusion = proof.label == kInclusionLabel;
  if ((of_inclusion ? proof.first : proof.second) != receipt.claims.size.value) {
    return absl::InvalidArgumentError(
        Text("receipt: the proof is for another size than the ", receipt.claims.size.value, " that is signed"));
  }
  if (of_inclusion) {
    receipt.proof = CoseInclusion{LeafIndex(proof.second), std::move(proof.path)};
  } else {
    receipt.proof = CoseConsistency{TreeSize(proof.first), std::move(proof.path)};
  }
  return receipt;
}

StatusOr<Checkpoint> VerifyCoseInclusion(const CoseReceipt& receipt, std::string_view leaf, std::string_view subject,
                                         std::span<const VerifierKey> keys) {
  const auto* const proof = std::get_if<CoseInclusion>(&receipt.proof);
  if (proof == nullptr) return absl::InvalidArgumentError("receipt: is of consistency, not of a leaf");
  ASSIGN_OR_RETURN(const Digest root,
                   RootFromInclusionProof(LeafHash(leaf), proof->index, receipt.claims.size, proof->path));
  ASSIGN_OR_RETURN(Checkpoint checkpoint, VerifySigned(receipt, root, keys));
  if (receipt.claims.subject != subject) {
    return absl::UnauthenticatedError(
        Text("the receipt is for \"", receipt.claims.subject, "\", the leaf is \"", subject, "\""));
  }
  return checkpoint;
}

StatusOr<Checkpoint> VerifyCoseConsistency(const CoseReceipt& receipt, const Checkpoint& older,
                                           std::span<const VerifierKey> keys) {
  const auto* const proof = std::get_if<CoseConsistency>(&receipt.proof);
  if (proof == nullptr) return absl::InvalidArgumentError("receipt: is of a leaf, not of consistency");
  if (proof->older != older.size) {
    return absl::InvalidArgumentError(
        Text("receipt: begins at size ", proof->older.value, ", the older tree has ", older.size.value));
  }
  ASSIGN_OR_RETURN(const Digest root,
                   RootFromConsistencyProof(older.size, receipt.claims.size, proof->path, older.root));
  ASSIGN_OR_RETURN(Checkpoint checkpoint, VerifySigned(receipt, root, keys));
  if (checkpoint.origin != older.origin || receipt.claims.subject != older.origin) {
    return absl::UnauthenticatedError(
        Text("the receipt is of \"", checkpoint.origin, "\", the older tree of \"", older.origin, "\""));
  }
  return checkpoint;
}

}  // namespace anamnesis
