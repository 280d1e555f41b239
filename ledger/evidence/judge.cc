#include "ledger/evidence/judge.h"

#include <algorithm>
#include <utility>

#include "ledger/event/header.h"
#include "ledger/event/leaf.h"
#include "ledger/event/seal.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/merkle/verify.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/signed_note.h"

namespace anamnesis {
namespace {

Status BothCanBeTrue(std::string_view why) { return absl::FailedPreconditionError(Text("proves nothing: ", why)); }

// A tree whose log signed it.
struct TrustedTree {
  Checkpoint checkpoint;
  std::vector<VerifierKey> signers;
};

// The key is the one that the file names, so that a file never says more than it shows.
StatusOr<TrustedTree> Open(const SignedTree& tree, std::span<const VerifierKey> trusted) {
  ASSIGN_OR_RETURN(const SignedNote note, ParseSignedNote(tree.note));
  TrustedTree opened;
  ASSIGN_OR_RETURN(opened.signers, VerifyNote(note, trusted));
  ASSIGN_OR_RETURN(opened.checkpoint, ParseCheckpointText(note.text));
  const bool by_log = std::any_of(opened.signers.begin(), opened.signers.end(), [&](const VerifierKey& key) {
    return key.type() == KeyType::kEd25519 && key.name() == opened.checkpoint.origin && key.Format() == tree.key;
  });
  if (by_log) return opened;
  return absl::UnauthenticatedError(Text("the checkpoint of ", opened.checkpoint.origin,
                                         " is not signed by the key of that log which the file names"));
}

// What two signed trees have in common, once they are known to contradict each other.
StatusOr<Judgement> JudgementOf(const SignedTree& one, const TrustedTree& first, const SignedTree& other,
                                const TrustedTree& second) {
  Judgement judgement;
  judgement.origin = first.checkpoint.origin;
  judgement.signed_by.push_back(one.key);
  if (other.key != one.key) judgement.signed_by.push_back(other.key);
  for (const VerifierKey& key : first.signers) {
    if (key.type() != KeyType::kCosignature) continue;
    const bool both = std::find(second.signers.begin(), second.signers.end(), key) != second.signers.end();
    if (both) judgement.cosigned_by.push_back(key.Format());
  }
  judgement.not_proven = {"which of the two is what the ledger's nodes hold, and who was shown which",
                          "whether the key's holder did it, or somebody else who had the key"};
  return judgement;
}

std::string TreeText(const Checkpoint& checkpoint) {
  return Text("the tree of ", checkpoint.size.value, " leaves with root ", checkpoint.root.hex());
}

void AddCosigners(Judgement& judgement) {
  for (const std::string& key : judgement.cosigned_by) {
    judgement.proven.push_back(Text("cosigner ", key, " cosigned both"));
  }
}

std::string SignersText(const Judgement& judgement) {
  return judgement.signed_by.size() == 1 ? Text("key ", judgement.signed_by[0])
                                         : Text("keys ", judgement.signed_by[0], " and ", judgement.signed_by[1]);
}

StatusOr<Judgement> JudgeFact(const SplitView& view, std::span<const VerifierKey> trusted) {
  ASSIGN_OR_RETURN(const TrustedTree one, Open(view.one, trusted));
  ASSIGN_OR_RETURN(const TrustedTree other, Open(view.other, trusted));
  if (one.checkpoint.origin != other.checkpoint.origin) return BothCanBeTrue("these are trees of two logs");
  if (one.checkpoint.size != other.checkpoint.size) {
    return BothCanBeTrue("trees of two sizes; one may continue the other");
  }
  if (one.checkpoint.root == other.checkpoint.root) return BothCanBeTrue("both are the same tree");
  ASSIGN_OR_RETURN(Judgement judgement, JudgementOf(view.one, one, view.other, other));
  judgement.proven.push_back(Text(SignersText(judgement), " signed, as the log ", judgement.origin, ", ",
                                  TreeText(one.checkpoint), ", and ", TreeText(other.checkpoint)));
  AddCosigners(judgement);
  return judgement;
}

StatusOr<Judgement> JudgeFact(const RewrittenHistory& history, std::span<const VerifierKey> trusted) {
  ASSIGN_OR_RETURN(const TrustedTree older, Open(history.older, trusted));
  ASSIGN_OR_RETURN(const TrustedTree newer, Open(history.newer, trusted));
  if (older.checkpoint.origin != newer.checkpoint.origin) return BothCanBeTrue("these are trees of two logs");
  if (older.checkpoint.size >= newer.checkpoint.size) {
    return BothCanBeTrue("the first tree is not smaller than the second");
  }
  ASSIGN_OR_RETURN(const PrefixRoots roots,
                   RootsFromPrefixProof(older.checkpoint.size, newer.checkpoint.size, history.proof));
  if (roots.whole != newer.checkpoint.root) {
    return absl::UnauthenticatedError("the proof is not of the larger tree; anybody can make such a one");
  }
  if (roots.prefix == older.checkpoint.root) return BothCanBeTrue("the larger tree continues the smaller one");
  ASSIGN_OR_RETURN(Judgement judgement, JudgementOf(history.older, older, history.newer, newer));
  judgement.proven.push_back(Text(SignersText(judgement), " signed, as the log ", judgement.origin, ", ",
                                  TreeText(older.checkpoint), ", and ", TreeText(newer.checkpoint), ", whose first ",
                                  older.checkpoint.size.value, " leaves have the root ", roots.prefix.hex()));
  AddCosigners(judgement);
  judgement.not_proven.push_back("at which leaf they begin to differ");
  return judgement;
}

// What a leaf says of itself, where it is one of ours.
std::string LeafText(const ProvenLeaf& proven) {
  const StatusOr<LeafView> leaf = ParseLeaf(proven.leaf);
  const StatusOr<ParsedHeader> header = leaf.ok() ? ParseHeader(leaf->header) : StatusOr<ParsedHeader>(leaf.status());
  const std::string hash = Text("the leaf with hash ", proven.leaf_hash.hex());
  if (!header.ok()) return hash;
  return Text(hash, " (", header->fields.type(), " of ", header->fields.stream(), ", event ", header->event_id.text(),
              ")");
}

StatusOr<Judgement> JudgeFact(const ReplacedLeaf& replaced, std::span<const VerifierKey> trusted) {
  ASSIGN_OR_RETURN(const TrustedTree one, Open(replaced.one.tree, trusted));
  ASSIGN_OR_RETURN(const TrustedTree other, Open(replaced.other.tree, trusted));
  if (one.checkpoint.origin != other.checkpoint.origin) return BothCanBeTrue("these are trees of two logs");
  for (const auto& [proven, tree] : {std::pair(&replaced.one, &one), std::pair(&replaced.other, &other)}) {
    RETURN_IF_ERROR(
        VerifyInclusion(proven->leaf_hash, replaced.index, tree->checkpoint.size, proven->path, tree->checkpoint.root));
  }
  if (replaced.one.leaf_hash == replaced.other.leaf_hash) return BothCanBeTrue("the leaf is the same in both trees");
  ASSIGN_OR_RETURN(Judgement judgement, JudgementOf(replaced.one.tree, one, replaced.other.tree, other));
  judgement.proven.push_back(Text(SignersText(judgement), " signed, as the log ", judgement.origin, ", ",
                                  TreeText(one.checkpoint), ", in which leaf ", replaced.index.value, " is ",
                                  LeafText(replaced.one), ", and ", TreeText(other.checkpoint), ", in which it is ",
                                  LeafText(replaced.other)));
  AddCosigners(judgement);
  judgement.not_proven.push_back("that leaves before it are the same in both");
  return judgement;
}

struct Sealed {
  ParsedHeader header;
  ParsedSeal seal;
};

StatusOr<Sealed> Open(const SealedHeader& sealed, const ForkedStream& fork) {
  Sealed opened;
  ASSIGN_OR_RETURN(opened.header, ParseHeader(sealed.header));
  if (sealed.signature.size() != kSignatureBytes) return absl::InvalidArgumentError("the signature has not 64 bytes");
  ASSIGN_OR_RETURN(opened.seal, VerifySeal({sealed.statement, sealed.signature}));
  const v1::SealStatement& statement = opened.seal.statement;
  RETURN_IF_ERROR(VerifyInclusion(LeafHash(sealed.header), sealed.place, TreeSize(statement.count()), sealed.path,
                                  opened.seal.run_root));
  const uint64_t position = opened.header.fields.stream_position();
  if (statement.stream() != opened.header.fields.stream() || position < sealed.place.value ||
      statement.first_position() != position - sealed.place.value) {
    return absl::UnauthenticatedError("the seal is for another stream or place than the header");
  }
  if (statement.origin() != fork.origin || statement.stream() != fork.stream || opened.seal.key.hex() != fork.key) {
    return absl::UnauthenticatedError(
        "the seal is for another ledger or stream, or by another key, than the file says");
  }
  return opened;
}

StatusOr<Judgement> JudgeFact(const ForkedStream& fork, std::span<const VerifierKey> trusted) {
  ASSIGN_OR_RETURN(const Sealed one, Open(fork.one, fork));
  ASSIGN_OR_RETURN(const Sealed other, Open(fork.other, fork));
  const bool is_trusted = std::any_of(trusted.begin(), trusted.end(), [&](const VerifierKey& key) {
    return key.type() == KeyType::kEd25519 && key.public_key() == one.seal.key;
  });
  if (!is_trusted) {
    return absl::UnauthenticatedError(Text("both are sealed with key ", fork.key, ", which is not one of those given"));
  }
  if (one.header.position() != fork.position) {
    return absl::UnauthenticatedError("the header is at another position than the file says");
  }
  if (one.header.digest == other.header.digest) return BothCanBeTrue("both are the same event");
  // Two successors of one event; the first events of a stream have none before them, and share their position.
  const bool same_place = one.header.position() == other.header.position() ||
                          (fork.position.value > 1 && one.header.previous_digest == other.header.previous_digest);
  if (!same_place) return BothCanBeTrue("the events are at two places of the stream");
  Judgement judgement;
  judgement.origin = fork.origin;
  judgement.stream = fork.stream;
  judgement.signed_by = {fork.key};
  judgement.proven.push_back(Text("key ", fork.key, " sealed, for ", fork.origin, ", two events as number ",
                                  fork.position.value, " of stream ", fork.stream, ": ", one.header.event_id.text(),
                                  " (", one.header.fields.type(), ") and ", other.header.event_id.text(), " (",
                                  other.header.fields.type(), ")"));
  judgement.not_proven = {
      "whose key it is: a receipt of its credential says so", "that either was recorded; a receipt says so",
      "an intention: two programs with one key, or another event sealed after an answer was lost, leave the same"};
  return judgement;
}

}  // namespace

StatusOr<Judgement> Judge(const Evidence& evidence, std::span<const VerifierKey> trusted) {
  ASSIGN_OR_RETURN(Judgement judgement,
                   std::visit([&](const auto& fact) { return JudgeFact(fact, trusted); }, evidence));
  judgement.kind = EvidenceKind(evidence);
  return judgement;
}

StatusOr<Judgement> JudgeFile(std::string_view bytes, std::span<const VerifierKey> trusted) {
  ASSIGN_OR_RETURN(const Evidence evidence, ParseEvidence(bytes));
  return Judge(evidence, trusted);
}

}  // namespace anamnesis
