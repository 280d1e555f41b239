#include "client/cpp/receipt_check.h"

#include <algorithm>
#include <utility>

#include "ledger/event/body_check.h"
#include "ledger/event/leaf.h"
#include "ledger/event/seal.h"
#include "ledger/note/signed_note.h"

namespace anamnesis {
namespace {

Status CheckTlogProof(std::string_view bytes, std::string_view leaf, const Trust& trust, CheckedReceipt& receipt) {
  ASSIGN_OR_RETURN(TlogProof proof, ParseTlogProof(bytes));
  receipt.index = proof.index;
  ASSIGN_OR_RETURN(receipt.checkpoint, trust.Check(proof, leaf));
  receipt.checkpoint_note = std::move(proof.checkpoint_note);
  return OkStatus();
}

Status CheckCose(std::string_view bytes, std::string_view leaf, const Trust& trust, CheckedReceipt& receipt) {
  ASSIGN_OR_RETURN(const CoseReceipt proof, ParseCoseReceipt(bytes));
  ASSIGN_OR_RETURN(const LeafView view, ParseLeaf(leaf));
  ASSIGN_OR_RETURN(const ParsedHeader header, ParseHeader(view.header));
  ASSIGN_OR_RETURN(const EventId id, EventId::FromBytes(header.fields.event_id()));
  ASSIGN_OR_RETURN(receipt.checkpoint, trust.Check(proof, leaf, SubjectOfEvent(id)));
  receipt.index = std::get<CoseInclusion>(proof.proof).index;
  return OkStatus();
}

Status CheckSeal(const LeafView& leaf, CheckedReceipt& receipt) {
  if (!leaf.seal.has_value()) return OkStatus();
  const std::string& origin = receipt.checkpoint.origin;
  const v1::EventHeader& header = receipt.header.fields;
  ASSIGN_OR_RETURN(const ParsedSeal seal, VerifySeal(*leaf.seal));
  if (seal.statement.origin() != origin || seal.statement.stream() != header.stream()) {
    return absl::UnauthenticatedError("the seal is for another ledger or stream");
  }
  // Of a longer run the other headers are not at hand; that it ends here, where its seal stands, can be told.
  const uint64_t position = receipt.header.position().value;
  const uint64_t first = seal.statement.first_position();
  // The difference cannot wrap around, as a sum could.
  if (seal.statement.count() == 0 || first > position || position - first != seal.statement.count() - 1) {
    return absl::UnauthenticatedError(Text("the seal covers ", seal.statement.count(), " events from position ", first,
                                           "; the leaf is at position ", position));
  }
  if (seal.statement.count() != 1) return OkStatus();
  const std::string_view headers[] = {leaf.header};
  RETURN_IF_ERROR(CheckSealFitsRun(seal, origin, header.stream(), position, headers));
  receipt.sealed_by = seal.key;
  return OkStatus();
}

Status CheckBody(std::string_view body, CheckedReceipt& receipt) {
  std::string wrong = WhyBodyIsWrong(receipt.header, body);
  if (!wrong.empty()) return absl::UnauthenticatedError(std::move(wrong));
  receipt.body = std::string(body.substr(kNonceBytes));
  return OkStatus();
}

}  // namespace

std::vector<VerifierKey> Trust::LogKeys() const {
  std::vector<VerifierKey> logs;
  for (const VerifierKey& key : keys) {
    if (key.type() == KeyType::kEd25519) logs.push_back(key);
  }
  if (!policy.has_value()) return logs;
  for (const Policy::Log& log : policy->logs()) logs.push_back(log.key);
  return logs;
}

StatusOr<Checkpoint> Trust::Open(std::string_view note) const {
  if (custody != nullptr) {
    ASSIGN_OR_RETURN(const SignedNote parsed, ParseSignedNote(note));
    StatusOr<Checkpoint> checkpoint = custody->Open(parsed, policy.has_value() ? &*policy : nullptr);
    // By keys that the history doesn't speak of, or of another ledger.
    const bool unspoken = absl::IsNotFound(checkpoint.status());
    if (!unspoken) return checkpoint;
  }
  return policy.has_value() ? policy->Open(note) : OpenCheckpoint(note, keys);
}

StatusOr<Checkpoint> Trust::Check(const TlogProof& proof, std::string_view leaf) const {
  return VerifyTlogProofUnder(proof, leaf, Open(proof.checkpoint_note));
}

StatusOr<Checkpoint> Trust::Check(const CoseReceipt& proof, std::string_view leaf, std::string_view subject) const {
  ASSIGN_OR_RETURN(const std::vector<VerifierKey> logs, CoseKeys());
  ASSIGN_OR_RETURN(Checkpoint checkpoint, VerifyCoseInclusion(proof, leaf, subject, logs));
  RETURN_IF_ERROR(CheckCounts(proof, checkpoint));
  return checkpoint;
}

StatusOr<Checkpoint> Trust::Check(const CoseReceipt& proof, const Checkpoint& older) const {
  ASSIGN_OR_RETURN(const std::vector<VerifierKey> logs, CoseKeys());
  ASSIGN_OR_RETURN(Checkpoint checkpoint, VerifyCoseConsistency(proof, older, logs));
  RETURN_IF_ERROR(CheckCounts(proof, checkpoint));
  return checkpoint;
}

StatusOr<std::vector<VerifierKey>> Trust::CoseKeys() const {
  if (policy.has_value() && policy->quorum().has_value()) {
    return absl::FailedPreconditionError(
        "the policy asks for cosignatures, which a COSE receipt does not carry; take a tlog-proof");
  }
  std::vector<VerifierKey> logs = LogKeys();
  if (custody == nullptr) return logs;
  for (const VerifierKey& key : custody->LogKeys()) {
    if (std::find(logs.begin(), logs.end(), key) == logs.end()) logs.push_back(key);
  }
  return logs;
}

Status Trust::CheckCounts(const CoseReceipt& proof, const Checkpoint& checkpoint) const {
  if (custody == nullptr || checkpoint.origin != custody->origin()) return OkStatus();
  for (const VerifierKey& key : custody->LogKeys()) {
    if (key.key_id() == proof.claims.key_id) RETURN_IF_ERROR(custody->CheckCounts(key, checkpoint));
  }
  return OkStatus();
}

StatusOr<CheckedReceipt> CheckReceipt(ReceiptForm form, std::string_view bytes, std::string_view leaf,
                                      std::optional<std::string_view> body, const Trust& trust) {
  CheckedReceipt receipt;
  RETURN_IF_ERROR(form == ReceiptForm::kCose ? CheckCose(bytes, leaf, trust, receipt)
                                             : CheckTlogProof(bytes, leaf, trust, receipt));
  ASSIGN_OR_RETURN(const LeafView view, ParseLeaf(leaf));
  receipt.recorded = view.recorded;
  ASSIGN_OR_RETURN(receipt.header, ParseHeader(view.header));
  RETURN_IF_ERROR(CheckSeal(view, receipt));
  if (body.has_value()) RETURN_IF_ERROR(CheckBody(*body, receipt));
  return receipt;
}

}  // namespace anamnesis
