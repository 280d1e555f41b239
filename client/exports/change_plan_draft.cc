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
};

std::vector<Modification> ModificationsOf(const std::vector<Permission>& permissions, Timestamp at) {
  std::vector<Modification> found;
  for (const Permission& one : permissions) {
    if (!one.envelope.has_value() || !one.InForceAt(at)) continue;
    for (const v1::EnvelopeTerms::Dimension& dimension : one.envelope->dimensions()) {
      found.push_back({dimension.name(), BoundsText(dimension), Text(EntityKeyText(one.entity), ", ", one.terms),
                       one.granted, one.envelope->jurisdiction(), nullptr, 0});
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
        {Cite(EntityKeyText(one.entity), one.granted), {one.terms, Mark::kNone, {}}, one.StateCell(at)});
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

Section TraceOfModifications(const std::vector<Modification>& modifications,
                             const std::vector<const Cited*>& protocols) {
  Section section = {"modification-trace", "4 From each modification to its protocol", "21 USC 360e-4(b)", {}, {}, {}};
  Table table = {
      "Trace",
      {"Modification", "Data management", "Re-training", "Performance evaluation", "Update procedures", "Certified by"},
      {},
      "There are no modifications."};
  Cell certified = {protocols.empty() ? "no protocol" : "", protocols.empty() ? Mark::kBad : Mark::kNone, {}};
  for (const Cited* protocol : protocols) {
    certified.text += Text(certified.leaves.empty() ? "" : ", ", EntityKeyText(protocol->refs.front()));
    certified.leaves.push_back(protocol->leaf.index());
  }
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
    row.push_back(certified);
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
  ASSIGN_OR_RETURN(const auto regulatory, RegulatoryOf(view, EntitiesOf(records, "", "device_model"), at));
  permitting.insert(regulatory.begin(), regulatory.end());
  ASSIGN_OR_RETURN(const std::vector<Permission> permissions, PermissionsIn(view, permitting));
  std::vector<Modification> modifications = ModificationsOf(permissions, at);
  for (Modification& one : modifications) FindPlanned(permissions, at, one);
  const std::vector<const Cited*> protocols = OfTypes(records, {"sandbox_protocol.approved"});
  document.sections.push_back(Description(modifications));
  document.sections.push_back(SectionOf({"protocol", "2 Modification protocol", "21 USC 360e-4(b)", {}},
                                        AllOfTypes(records, {"sandbox_protocol.", "test_case.", "dataset.",
                                                             "data_requirement.", "split.", "transform.", "plan."})));
  document.sections.push_back(
      SectionOf({"impact", "3 Impact assessment", "21 USC 360e-4; ISO 14971:2019", {}},
                AllOfTypes(records, {"hazard.", "hazardous_situation.", "risk.", "risk_control.", "risk_control_set.",
                                     "residual_risk.", "benefit_risk."})));
  document.sections.push_back(TraceOfModifications(modifications, protocols));
  document.sections.push_back(StateSection(permissions, at));
  return OkStatus();
}

}  // namespace anamnesis::exports
