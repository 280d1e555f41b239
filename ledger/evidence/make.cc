#include "ledger/evidence/make.h"

#include <utility>

#include "ledger/event/header.h"
#include "ledger/event/seal.h"
#include "ledger/evidence/judge.h"
#include "ledger/merkle/node_reader.h"
#include "ledger/merkle/proof.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/signed_note.h"

namespace anamnesis {
namespace {

// The note with the key that signed it as its log.
StatusOr<SignedTree> SignedTreeOf(std::string bytes, std::span<const VerifierKey> keys) {
  ASSIGN_OR_RETURN(const SignedNote note, ParseSignedNote(bytes));
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, ParseCheckpointText(note.text));
  ASSIGN_OR_RETURN(const std::vector<VerifierKey> signers, VerifyNote(note, keys));
  for (const VerifierKey& key : signers) {
    if (key.type() == KeyType::kEd25519 && key.name() == checkpoint.origin) {
      return SignedTree{key.Format(), std::move(bytes)};
    }
  }
  return absl::UnauthenticatedError(Text("the checkpoint of ", checkpoint.origin, " is not signed by its log"));
}

StatusOr<Evidence> Judged(Evidence evidence, std::span<const VerifierKey> keys) {
  RETURN_IF_ERROR(Judge(evidence, keys).status());
  return evidence;
}

}  // namespace

StatusOr<Evidence> MakeSplitView(std::string one, std::string other, std::span<const VerifierKey> keys) {
  SplitView view;
  ASSIGN_OR_RETURN(view.one, SignedTreeOf(std::move(one), keys));
  ASSIGN_OR_RETURN(view.other, SignedTreeOf(std::move(other), keys));
  return Judged(std::move(view), keys);
}

StatusOr<Evidence> MakeRewrittenHistory(std::string older, std::string newer, std::vector<Digest> prefix_proof,
                                        std::span<const VerifierKey> keys) {
  RewrittenHistory history;
  ASSIGN_OR_RETURN(history.older, SignedTreeOf(std::move(older), keys));
  ASSIGN_OR_RETURN(history.newer, SignedTreeOf(std::move(newer), keys));
  history.proof = std::move(prefix_proof);
  return Judged(std::move(history), keys);
}

StatusOr<Evidence> MakeReplacedLeaf(LeafIndex index, ProvenLeaf one, ProvenLeaf other,
                                    std::span<const VerifierKey> keys) {
  for (ProvenLeaf* const proven : {&one, &other}) {
    ASSIGN_OR_RETURN(proven->tree, SignedTreeOf(std::move(proven->tree.note), keys));
  }
  return Judged(ReplacedLeaf{index, std::move(one), std::move(other)}, keys);
}

ProvenLeaf ProvenLeafOf(const TlogProof& receipt, std::string leaf) {
  const Digest hash = LeafHash(leaf);
  return {{"", receipt.checkpoint_note}, std::move(leaf), hash, receipt.hashes};
}

StatusOr<Evidence> MakeForkedStream(SealedHeader one, SealedHeader other) {
  ASSIGN_OR_RETURN(const ParsedSeal seal, VerifySeal({one.statement, one.signature}));
  ASSIGN_OR_RETURN(const ParsedHeader header, ParseHeader(one.header));
  ASSIGN_OR_RETURN(const VerifierKey key, VerifierKey::Make("writer", KeyType::kEd25519, seal.key));
  return Judged(ForkedStream{seal.statement.origin(), seal.statement.stream(), header.position(), seal.key.hex(),
                             std::move(one), std::move(other)},
                {&key, 1});
}

StatusOr<SealedHeader> SealedHeaderInRun(std::span<const std::string_view> headers, size_t place,
                                         const SealView& seal) {
  if (place >= headers.size()) {
    return absl::InvalidArgumentError(Text("place ", place, " of a run of ", headers.size(), " events"));
  }
  std::vector<Digest> hashes;
  for (const std::string_view header : headers) hashes.push_back(LeafHash(header));
  SealedHeader sealed{
      std::string(headers[place]), LeafIndex(place), {}, std::string(seal.statement), std::string(seal.signature)};
  ASSIGN_OR_RETURN(sealed.path, InclusionProof(MemoryNodeReader(hashes), sealed.place, TreeSize(hashes.size())));
  return sealed;
}

}  // namespace anamnesis
