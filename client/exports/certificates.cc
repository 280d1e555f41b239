#include "client/exports/certificates.h"

#include <algorithm>

#include "anamnesis/v1/vocabulary_adaptation.pb.h"
#include "client/exports/records.h"
#include "client/exports/unit_history.h"
#include "ledger/event/names.h"
#include "ledger/event/vocabulary.h"
#include "ledger/query/events.h"

namespace anamnesis::exports {
namespace {

// Of just this version, as the gate has it.
bool Names(const v1::EventHeader& header, const v1::EntityRef& certification) {
  return std::any_of(header.refs().begin(), header.refs().end(), [&](const v1::EntityRef& ref) {
    return ref.kind() == certification.kind() && ref.id() == certification.id() &&
           VersionOf(ref) == VersionOf(certification);
  });
}

Status FindWithdrawal(const LedgerView& view, const v1::EntityRef& certification, Certificate& certificate) {
  return VisitNaming(view, EntityOf(certification.kind(), certification.id()),
                     [&](const v1::LeafReference& leaf) -> Status {
                       if (leaf.type() != "certification.withdrawn") return OkStatus();
                       ASSIGN_OR_RETURN(const v1::Event event, view.Event(leaf.index()));
                       if (!Names(event.header(), certification)) return OkStatus();
                       v1::CertificationWithdrawn body;
                       ASSIGN_OR_RETURN(Timestamp from, FromProtoTime(leaf.occurred_earliest(), "occurred_earliest"));
                       const bool given = event.content().UnpackTo(&body) && body.effective_from_us() != 0;
                       if (given) from = Timestamp(body.effective_from_us());
                       if (certificate.withdrawn.has_value() && certificate.withdrawn_from <= from) return OkStatus();
                       certificate.withdrawn = leaf;
                       certificate.withdrawn_from = from;
                       return OkStatus();
                     });
}

Status FindSandboxRuns(const LedgerView& view, Certificate& certificate) {
  for (const v1::EntityRef& ref : certificate.refs) {
    if (ref.role() != "sandbox_run") continue;
    RETURN_IF_ERROR(VisitNaming(view, EntityOf(ref.kind(), ref.id()), [&](const v1::LeafReference& leaf) {
      if (leaf.type().starts_with("sandbox_run.")) certificate.sandbox_runs.push_back(leaf);
      return OkStatus();
    }));
  }
  return OkStatus();
}

}  // namespace

bool Certificate::InForceAt(Timestamp time) const {
  return from <= time && (!until.has_value() || time < *until) && (!withdrawn.has_value() || time < withdrawn_from);
}

std::string Certificate::StateAt(Timestamp time) const {
  if (from > time) return Text("not in force yet, only from ", FormatTime(from));
  if (withdrawn.has_value() && withdrawn_from <= time) return Text("withdrawn from ", FormatTime(withdrawn_from));
  if (until.has_value() && *until <= time) return Text("expired on ", FormatTime(*until));
  return until.has_value() ? Text("in force, valid until ", FormatTime(*until)) : "in force, without an end";
}

StatusOr<std::vector<Certificate>> CertificatesOf(const LedgerView& view, const v1::EntityRef& artifact) {
  std::vector<v1::LeafReference> issued;
  RETURN_IF_ERROR(VisitNaming(view, artifact, [&](const v1::LeafReference& leaf) {
    if (leaf.type() == "certification.issued") issued.push_back(leaf);
    return OkStatus();
  }));
  std::vector<Certificate> found;
  for (const v1::LeafReference& leaf : issued) {
    ASSIGN_OR_RETURN(const v1::Event event, view.Event(leaf.index()));
    Certificate one;
    one.issued = leaf;
    one.refs.assign(event.header().refs().begin(), event.header().refs().end());
    ASSIGN_OR_RETURN(const Timestamp occurred, FromProtoTime(leaf.occurred_earliest(), "occurred_earliest"));
    ASSIGN_OR_RETURN(const Timestamp recorded, FromProtoTime(leaf.recorded(), "recorded"));
    // As the gate has it: what was recorded happened, whatever the writer's clock says.
    one.from = std::min(occurred, recorded);
    v1::CertificationIssued body;
    if (event.content().UnpackTo(&body)) {
      one.from = std::max(one.from, Timestamp(body.valid_from_us()));
      if (body.valid_until_us() != 0) one.until = Timestamp(body.valid_until_us());
    }
    const v1::EntityRef* certification = FindReference(event.header(), "certification");
    one.name = certification == nullptr ? "a certification" : EntityKeyText(*certification);
    if (certification != nullptr) RETURN_IF_ERROR(FindWithdrawal(view, *certification, one));
    RETURN_IF_ERROR(FindSandboxRuns(view, one));
    found.push_back(std::move(one));
  }
  return found;
}

}  // namespace anamnesis::exports
