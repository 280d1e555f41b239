#include "client/exports/change_plan_draft.h"

#include "client/exports/permissions.h"
#include "client/exports/records.h"
#include "client/exports/unit_history.h"
#include "ledger/event/names.h"

namespace anamnesis::exports {
namespace {

constexpr std::string_view kPlan = "21 USC 360e-4";

std::string PeriodText(uint64_t seconds) {
  constexpr uint64_t kHour = 3600;
  constexpr uint64_t kDay = 24 * kHour;
  if (seconds % kDay == 0) return Text(seconds / kDay, " d");
  if (seconds % kHour == 0) return Text(seconds / kHour, " h");
  return Text(seconds, " s");
}

// A dimension in which an envelope in force lets the software change.
struct Modification {
  std::string name;
  std::string bounds;
  std::string envelope;
  uint64_t leaf = 0;
  // Where it is in force; empty for all of them.
  std::string jurisdiction;
  // The parts of the protocol that a plan in force names for it; null when none does.
  const v1::ChangePlanTerms::Modification* planned = nullptr;
  uint64_t plan_leaf = 0;
  // By which the envelope lets it be certified.
  std::vector<v1::EntityRef> protocols = {};
};

std::vector<Modification> ModificationsOf(const std::vector<Permission>& permissions, Timestamp at) {
  std::vector<Modification> found;
  for (const Permission& one : permissions) {
    if (!one.envelope.has_value() || !one.InForceAt(at)) continue;
    for (const v1::EnvelopeTerms::Dimension& dimension : one.envelope->dimensions()) {
      found.push_back({dimension.name(), BoundsText(dimension), Text(EntityKeyText(one.entity), ", ", one.TermsAt(at)),
                       one.granted, one.envelope->jurisdiction(), nullptr, 0, one.protocols});
    }
  }
  return found;
}

// By a plan in force for where the envelope is.
void FindPlanned(const std::vector<Permission>& permissions, Timestamp at, Modification& modification) {
  for (const Permission& permission : permissions) {
    if (!permission.plan.has_value() || !permission.InForceAt(at)) continue;
    const bool elsewhere = !modification.jurisdiction.empty() && !permission.plan->jurisdiction().empty() &&
                           modification.jurisdiction != permission.plan->jurisdiction();
    if (elsewhere) continue;
    for (const v1::ChangePlanTerms::Modification& one : permission.plan->modifications()) {
      for (const std::string& dimension : one.dimensions()) {
        if (dimension != modification.name) continue;
        modification.planned = &one;
        modification.plan_leaf = permission.granted;
      }
    }
  }
}

// Plans and envelopes, those in force and those that are not.
Section StateSection(const std::vector<Permission>& permissions, Timestamp at) {
  Section section = {"in-force", "5 Plans and envelopes that this draft rests on", std::string(kPlan), {}, {}, {}};
  section.paragraphs.push_back(Text("As of ", FormatTime(at), ". The draft is made from those in force alone."));
  Table table = {"Versions", {"What", "Terms", "State"}, {}, "None is recorded."};
  for (const Permission& one : permissions) {
    table.rows.push_back(
        {Cite(EntityKeyText(one.entity), one.granted), {one.TermsAt(at), Mark::kNone, {}}, one.StateCell(at)});
  }
  section.tables.push_back(std::move(table));
  return section;
}

Section Description(const std::vector<Modification>& modifications) {
  Section section = {"modifications", "1 Description of modifications", "21 USC 360e-4(a)", {}, {}, {}};
  section.paragraphs.push_back(
      "A draft from what is recorded: each dimension of an envelope in force is a modification that the "
      "software may undergo, within the bounds of the envelope. Texts and reasons are for the authors of the plan.");
  Table table = {
      "Modifications", {"Modification", "Bounds", "Envelope", "In a plan in force"}, {}, "No envelope is in force."};
  if (modifications.empty())
    section.gaps.push_back({std::string(kPlan), "no envelope in force says what may change", {}});
  for (const Modification& one : modifications) {
    table.rows.push_back({{one.name, Mark::kNone, {}},
                          {one.bounds, Mark::kNone, {}},
                          Cite(one.envelope, one.leaf),
                          one.planned == nullptr
                              ? Cell{"none describes it", Mark::kBad, {}}
                              : Cite(Text(one.planned->id(), ": ", one.planned->text()), one.plan_leaf)});
  }
  section.tables.push_back(std::move(table));
  return section;
}

// A protocol that an envelope names, as the gate takes it: in the version that is named, or else in the newest.
StatusOr<Cell> ProtocolCell(const LedgerView& view, const v1::EntityRef& named) {
  v1::Question question;
  *question.mutable_status()->mutable_entity() = EntityOf(named.kind(), named.id());
  question.mutable_status()->set_limit(1);
  const StatusOr<v1::Answer> answer = view.Ask(std::move(question));
  if (!answer.ok() && !absl::IsNotFound(answer.status())) return answer.status();
  const v1::StatusAnswer known = answer.ok() ? answer->status() : v1::StatusAnswer();
  const v1::StatusAnswer::Version* used = nullptr;
  for (const v1::StatusAnswer::Version& one : known.versions()) {
    if (!one.has_defined()) continue;
    const bool fits = named.version().empty() ? used == nullptr || one.defined().index() > used->defined().index()
                                              : one.version() == named.version();
    if (fits) used = &one;
  }
  if (used == nullptr) return Cell{Text(EntityKeyText(named), ", which is not approved"), Mark::kBad, {}};
  v1::EntityRef protocol = EntityOf(named.kind(), named.id());
  protocol.set_version(used->version());
  return Cite(EntityKeyText(protocol), used->defined().index());
}

// By what the modification may be certified, which is a matter of its envelope.
StatusOr<Cell> CertifiedCell(const LedgerView& view, const Modification& modification, Section& section) {
  Cell all;
  for (const v1::EntityRef& named : modification.protocols) {
    ASSIGN_OR_RETURN(const Cell one, ProtocolCell(view, named));
    all.text += Text(all.text.empty() ? "" : ", ", one.text);
    all.leaves.insert(all.leaves.end(), one.leaves.begin(), one.leaves.end());
  }
  if (all.text.empty()) all.text = "its envelope names no protocol";
  if (!all.leaves.empty()) return all;
  all.mark = Mark::kBad;
  section.gaps.push_back({std::string(kPlan),
                          Text(modification.name, ": its envelope names no protocol that is approved"),
                          {modification.leaf}});
  return all;
}

StatusOr<Section> TraceOfModifications(const LedgerView& view, const std::vector<Modification>& modifications) {
  Section section = {"modification-trace", "4 From each modification to its protocol", "21 USC 360e-4(b)", {}, {}, {}};
  Table table = {
      "Trace",
      {"Modification", "Data management", "Re-training", "Performance evaluation", "Update procedures", "Certified by"},
      {},
      "There are no modifications."};
  for (const Modification& one : modifications) {
    std::vector<Cell> row = {{one.name, Mark::kNone, {one.leaf}}};
    const auto add = [&](const google::protobuf::RepeatedPtrField<std::string>* parts, std::string_view what) {
      std::string text;
      if (parts != nullptr) {
        for (const std::string& part : *parts) text += Text(text.empty() ? "" : "; ", part);
      }
      if (text.empty())
        section.gaps.push_back(
            {std::string(kPlan), Text(one.name, ": no ", what, " is described in a plan in force"), {one.leaf}});
      row.push_back(text.empty() ? Cell{"not described", Mark::kBad, {}} : Cite(text, one.plan_leaf));
    };
    add(one.planned == nullptr ? nullptr : &one.planned->data_management(), "data management");
    add(one.planned == nullptr ? nullptr : &one.planned->retraining(), "re-training");
    add(one.planned == nullptr ? nullptr : &one.planned->performance_evaluation(), "performance evaluation");
    add(one.planned == nullptr ? nullptr : &one.planned->update_procedures(), "update procedure");
    ASSIGN_OR_RETURN(Cell certified, CertifiedCell(view, one, section));
    row.push_back(std::move(certified));
    table.rows.push_back(std::move(row));
  }
  section.tables.push_back(std::move(table));
  return section;
}

}  // namespace

std::string BoundsText(const v1::EnvelopeTerms::Dimension& dimension) {
  std::string text = dimension.kind();
  if (!dimension.low().empty() || !dimension.high().empty()) {
    text += Text(" [", dimension.low().empty() ? "-" : dimension.low(), ", ",
                 dimension.high().empty() ? "-" : dimension.high(), "]");
  }
  if (!dimension.unit().empty()) text += Text(" ", dimension.unit());
  for (const std::string& symbol : dimension.symbols()) text += Text(" ", symbol);
  if (!dimension.norm().empty()) text += Text(", by the norm ", dimension.norm());
  if (!dimension.subgroup().empty()) text += Text(", for subgroup ", dimension.subgroup());
  if (!dimension.confidence().empty()) text += Text(", with confidence ", dimension.confidence());
  if (dimension.per_period_s() != 0) text += Text(", per ", PeriodText(dimension.per_period_s()));
  if (dimension.minimum() != 0) text += Text(", at least ", dimension.minimum());
  if (dimension.age_max_s() != 0) text += Text(", not older than ", PeriodText(dimension.age_max_s()));
  if (!dimension.of().empty()) text += Text(", summed up over ", dimension.of());
  return text;
}

Status ChangePlanDraft(const LedgerView& view, const v1::EntityRef&, const std::map<uint64_t, Cited>& records,
                       Document& document) {
  const Timestamp at = view.as_of();
  std::map<uint64_t, Cited> permitting = records;
  // A plan may be among the records by its protocol alone, without what became of it and of its authorisation.
  std::vector<v1::EntityRef> seeds;
  for (const std::string_view kind : {"device_model", "authorisation", "change_plan"}) {
    for (v1::EntityRef& seed : EntitiesOf(records, "", kind)) seeds.push_back(std::move(seed));
  }
  ASSIGN_OR_RETURN(const auto regulatory, RegulatoryOf(view, seeds, at));
  permitting.insert(regulatory.begin(), regulatory.end());
  ASSIGN_OR_RETURN(const std::vector<Permission> permissions, PermissionsIn(view, permitting));
  std::vector<Modification> modifications = ModificationsOf(permissions, at);
  for (Modification& one : modifications) FindPlanned(permissions, at, one);
  document.sections.push_back(Description(modifications));
  document.sections.push_back(SectionOf({"protocol", "2 Modification protocol", "21 USC 360e-4(b)", {}},
                                        AllOfTypes(records, {"sandbox_protocol.", "test_case.", "dataset.",
                                                             "data_requirement.", "split.", "transform.", "plan."})));
  document.sections.push_back(
      SectionOf({"impact", "3 Impact assessment", "21 USC 360e-4; ISO 14971:2019", {}},
                AllOfTypes(records, {"hazard.", "hazardous_situation.", "risk.", "risk_control.", "risk_control_set.",
                                     "residual_risk.", "benefit_risk."})));
  ASSIGN_OR_RETURN(Section trace, TraceOfModifications(view, modifications));
  document.sections.push_back(std::move(trace));
  document.sections.push_back(StateSection(permissions, at));
  return OkStatus();
}

}  // namespace anamnesis::exports
