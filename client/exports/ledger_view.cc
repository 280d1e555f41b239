#include "client/exports/ledger_view.h"

#include "ledger/event/names.h"
#include "ledger/note/tlog_proof.h"
#include "ledger/query/events.h"

namespace anamnesis::exports {

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
  view.corrections_ = std::make_unique<Corrections>(client, size);
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

StatusOr<v1::Credential> LedgerView::IssueOf(std::string_view public_key) const {
  v1::GetCredentialRequest request;
  request.set_public_key(std::string(public_key));
  request.mutable_consistency()->set_tree_size_min(tree_size());
  ASSIGN_OR_RETURN(v1::Credential credential, client_->GetCredential(request));
  if (credential.issued_index() < tree_size()) return credential;
  return absl::NotFoundError(Text("no credential among the first ", tree_size(), " events names the key"));
}

StatusOr<v1::Credential> LedgerView::CredentialOf(std::string_view public_key) const {
  ASSIGN_OR_RETURN(v1::Credential credential, IssueOf(public_key));
  if (!credential.has_revoked_index() || credential.revoked_index() >= tree_size()) return credential;
  return absl::NotFoundError(Text("no credential in force at ", tree_size(), " events names the key"));
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
