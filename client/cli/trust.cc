#include "client/cli/trust.h"

#include <utility>

#include "client/cli/context.h"
#include "ledger/event/leaf.h"
#include "ledger/event/seal.h"

namespace anamnesis::cli {
namespace {

Status CheckSeal(const LeafView& leaf, CheckedReceipt& receipt) {
  if (!leaf.seal.has_value()) return OkStatus();
  const std::string& origin = receipt.checkpoint.origin;
  const v1::EventHeader& header = receipt.header.fields;
  ASSIGN_OR_RETURN(const ParsedSeal seal, VerifySeal(*leaf.seal));
  if (seal.statement.origin() != origin || seal.statement.stream() != header.stream()) {
    return absl::UnauthenticatedError("the seal is for another ledger or stream");
  }
  if (seal.statement.count() != 1) return OkStatus();
  const std::string_view headers[] = {leaf.header};
  RETURN_IF_ERROR(CheckSealFitsRun(seal, origin, header.stream(), receipt.header.position().value, headers));
  receipt.sealed_by = seal.key;
  return OkStatus();
}

Status CheckBody(const std::string& path, CheckedReceipt& receipt) {
  const StatusOr<std::string> body = ReadFile(path);
  if (!body.ok()) return OkStatus();
  if (body->size() < kNonceBytes ||
      BodyCommitment(body->substr(0, kNonceBytes), std::string_view(*body).substr(kNonceBytes)) !=
          receipt.header.body_commitment) {
    return absl::UnauthenticatedError(Text(path, ": is not the body that the leaf commits to"));
  }
  receipt.body = body->substr(kNonceBytes);
  return OkStatus();
}

}  // namespace

void AddTrustOptions(CLI::App& verb, TrustOptions& options) {
  verb.add_option("--key", options.keys, "a verifier key that you trust: name+hex+base64; repeatable");
  verb.add_option("--policy", options.policy_file, "a C2SP tlog-policy file instead of keys");
}

StatusOr<Checkpoint> Trust::Open(const std::string& note) const {
  return policy.has_value() ? policy->Open(note) : OpenCheckpoint(note, keys);
}

StatusOr<Checkpoint> Trust::Check(const TlogProof& proof, const std::string& leaf) const {
  return policy.has_value() ? VerifyTlogProof(proof, leaf, *policy) : VerifyTlogProof(proof, leaf, keys);
}

StatusOr<Trust> ReadTrust(const TrustOptions& options) {
  Trust trust;
  for (const std::string& text : options.keys) {
    ASSIGN_OR_RETURN(VerifierKey key, VerifierKey::Parse(text));
    trust.keys.push_back(std::move(key));
  }
  if (!options.policy_file.empty()) {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(options.policy_file));
    ASSIGN_OR_RETURN(trust.policy, Policy::Parse(text));
  }
  if (trust.keys.empty() == !trust.policy.has_value()) {
    return absl::InvalidArgumentError(
        "give either --key (the ledger's verifier key, from a source you trust) or --policy");
  }
  return trust;
}

StatusOr<CheckedReceipt> CheckReceipt(const std::string& proof_path, const Trust& trust) {
  if (!proof_path.ends_with(kProofEnding)) {
    return absl::InvalidArgumentError(Text(proof_path, ": is no receipt; give NAME", kProofEnding));
  }
  const std::string name = proof_path.substr(0, proof_path.size() - kProofEnding.size());
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(proof_path));
  ASSIGN_OR_RETURN(const std::string leaf, ReadFile(name + ".leaf"));
  ASSIGN_OR_RETURN(const TlogProof proof, ParseTlogProof(bytes));
  CheckedReceipt receipt;
  receipt.index = proof.index;
  ASSIGN_OR_RETURN(receipt.checkpoint, trust.Check(proof, leaf));
  ASSIGN_OR_RETURN(const LeafView view, ParseLeaf(leaf));
  receipt.recorded = view.recorded;
  ASSIGN_OR_RETURN(receipt.header, ParseHeader(view.header));
  RETURN_IF_ERROR(CheckSeal(view, receipt));
  RETURN_IF_ERROR(CheckBody(name + ".body", receipt));
  return receipt;
}

}  // namespace anamnesis::cli
