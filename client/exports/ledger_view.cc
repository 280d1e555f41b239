#include "client/exports/ledger_view.h"

#include "anamnesis/v1/vocabulary_record.pb.h"
#include "ledger/event/names.h"
#include "ledger/note/tlog_proof.h"
#include "ledger/query/events.h"

namespace anamnesis::exports {
namespace {

std::string_view KindText(v1::RecordCorrected::Kind kind) {
  switch (kind) {
    case v1::RecordCorrected::RETRACTED:
      return "retracted";
    case v1::RecordCorrected::OCCURRED_AT:
      return "moved in time";
    case v1::RecordCorrected::ANNOTATED:
      return "annotated";
    default:
      return "corrected";
  }
}

}  // namespace

StatusOr<LedgerView> LedgerView::Open(LedgerClient& client, uint64_t tree_size) {
  LedgerView view;
  view.client_ = &client;
  ASSIGN_OR_RETURN(const v1::LedgerStatus status, client.GetStatus());
  const uint64_t size = tree_size == 0 ? status.tree_size() : tree_size;
  if (size == 0 || size > status.tree_size()) {
    return absl::OutOfRangeError(
        Text("--known-size: ", size, " is not in [1, ", status.tree_size(), "], what the ledger has"));
  }
  view.verifier_key_ = status.verifier_key();
  view.checkpoint_.size = TreeSize(size);
  ASSIGN_OR_RETURN(const v1::Receipt last, view.Receipt(size - 1));
  ASSIGN_OR_RETURN(const TlogProof proof, ParseTlogProof(last.tlog_proof()));
  ASSIGN_OR_RETURN(const VerifierKey key, VerifierKey::Parse(view.verifier_key_));
  ASSIGN_OR_RETURN(view.checkpoint_, VerifyTlogProof(proof, last.leaf(), {&key, 1}));
  if (view.checkpoint_.size.value != size) {
    return absl::InternalError(
        Text("the ledger gave a checkpoint over ", view.checkpoint_.size.value, " events, not ", size));
  }
  view.note_ = proof.checkpoint_note;
  ASSIGN_OR_RETURN(const v1::Event event, view.Event(size - 1));
  ASSIGN_OR_RETURN(view.as_of_, FromProtoTime(event.recorded(), "recorded"));
  return view;
}

StatusOr<v1::Answer> LedgerView::Ask(v1::Question question) const {
  question.set_known_size(tree_size());
  question.mutable_consistency()->set_tree_size_min(tree_size());
  return client_->Ask(question);
}

StatusOr<v1::Event> LedgerView::Event(uint64_t leaf) const {
  if (leaf >= tree_size()) return absl::NotFoundError(Text("leaf ", leaf, " is not among the first ", tree_size()));
  v1::GetEventRequest request;
  request.set_index(leaf);
  request.mutable_consistency()->set_tree_size_min(tree_size());
  return client_->GetEvent(request);
}

StatusOr<v1::Receipt> LedgerView::Receipt(uint64_t leaf) const {
  v1::GetReceiptRequest request;
  request.set_index(leaf);
  request.set_tree_size(tree_size());
  request.mutable_consistency()->set_tree_size_min(tree_size());
  return client_->GetReceipt(request);
}

StatusOr<v1::Credential> LedgerView::CredentialOf(std::string_view public_key) const {
  v1::GetCredentialRequest request;
  request.set_public_key(std::string(public_key));
  request.mutable_consistency()->set_tree_size_min(tree_size());
  ASSIGN_OR_RETURN(v1::Credential credential, client_->GetCredential(request));
  const bool revoked = credential.has_revoked_index() && credential.revoked_index() < tree_size();
  if (credential.issued_index() >= tree_size() || revoked) {
    return absl::NotFoundError(Text("no credential in force at ", tree_size(), " events names the key"));
  }
  return credential;
}

StatusOr<bool> LedgerView::Counts(const v1::Event& event) const {
  if (event.header().refs().empty()) return true;
  v1::Question question;
  v1::StatusQuestion& status = *question.mutable_status();
  *status.mutable_entity() = event.header().refs(0);
  status.mutable_entity()->clear_role();
  status.mutable_entity()->clear_digest();
  status.set_from(event.index());
  status.set_limit(1);
  ASSIGN_OR_RETURN(const v1::Answer answer, Ask(std::move(question)));
  for (const v1::StatusAnswer::HistoryEvent& entry : answer.status().history()) {
    if (entry.leaf().index() == event.index()) return !entry.void_effect();
  }
  return absl::DataLossError(Text("leaf ", event.index(), " is not in the history of what it refers to"));
}

StatusOr<const std::vector<Correction>*> LedgerView::CorrectionsOf(const std::string& event_id) const {
  static const auto* none = new std::vector<Correction>();
  if (!corrections_.has_value()) {
    std::map<std::string, std::vector<Correction>> read;
    v1::ReadRequest request;
    request.set_type("record.corrected");
    request.set_include_bodies(true);
    request.set_limit(kRecordsMax);
    request.mutable_consistency()->set_tree_size_min(tree_size());
    RETURN_IF_ERROR(client_->Read(request, [&](const v1::ReadResponse& response) {
      if (!response.has_event()) return true;
      const v1::Event& event = response.event();
      if (event.index() >= tree_size()) return false;
      v1::RecordCorrected body;
      const bool known = event.content().UnpackTo(&body);
      read[event.header().corrects()].push_back(
          {event.index(), Text(known ? KindText(body.kind()) : "corrected", " by ", AgentText(event.header().actor()),
                               ": ", event.header().rationale())});
      return true;
    }));
    corrections_ = std::move(read);
  }
  const auto found = corrections_->find(event_id);
  return found == corrections_->end() ? none : &found->second;
}

Status LedgerView::VisitRecords(const v1::EntityRef& subject,
                                const std::function<void(const v1::LeafReference&)>& visit) const {
  uint64_t from = 0;
  do {
    v1::Question question;
    *question.mutable_records()->mutable_subject() = subject;
    question.mutable_records()->set_from(from);
    ASSIGN_OR_RETURN(const v1::Answer answer, Ask(std::move(question)));
    if (answer.records().total() > kRecordsMax) {
      return absl::ResourceExhaustedError(Text(answer.records().total(), " records belong to ", subject.kind(), ":",
                                               subject.id(), ", and an export holds at most ", kRecordsMax,
                                               "; ask for a part of it"));
    }
    for (const v1::LeafReference& record : answer.records().records()) visit(record);
    from = answer.records().next();
  } while (from != 0);
  return OkStatus();
}

}  // namespace anamnesis::exports
