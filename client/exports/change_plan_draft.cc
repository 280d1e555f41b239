#include "client/exports/change_plan_draft.h"

#include "anamnesis/v1/vocabulary_adaptation.pb.h"
#include "anamnesis/v1/vocabulary_regulatory.pb.h"
#include "client/exports/records.h"
#include "client/exports/unit_history.h"
#include "ledger/event/names.h"

namespace anamnesis::exports {
namespace {

constexpr std::string_view kPlan = "21 USC 360e-4";

// A dimension in which an approved envelope lets the software change.
struct Modification {
  std::string name;
  std::string bounds;
  std::string envelope;
  uint64_t leaf = 0;
  // The parts of the protocol that a recorded plan names for it; empty when none does.
  const v1::ChangePlanTerms::Modification* planned = nullptr;
  uint64_t plan_leaf = 0;
};

std::string BoundsText(const v1::EnvelopeTerms::Dimension& dimension) {
  std::string text = dimension.kind();
  if (!dimension.low().empty() || !dimension.high().empty()) {
    text += Text(" [", dimension.low().empty() ? "-" : dimension.low(), ", ",
                 dimension.high().empty() ? "-" : dimension.high(), "]");
  }
  if (!dimension.unit().empty()) text += Text(" ", dimension.unit());
  for (const std::string& symbol : dimension.symbols()) text += Text(" ", symbol);
  if (!dimension.of().empty()) text += Text(", summed up over ", dimension.of());
  return text;
}

StatusOr<std::vector<Modification>> Modifications(const LedgerView& view, const std::map<uint64_t, Cited>& records) {
  std::vector<Modification> found;
  for (const Cited* record : OfTypes(records, {"envelope.approved"})) {
    ASSIGN_OR_RETURN(const v1::Event event, view.Event(record->leaf.index()));
    v1::EnvelopeApproved approved;
    if (!event.content().UnpackTo(&approved)) continue;
    for (const v1::EnvelopeTerms::Dimension& dimension : approved.terms().dimensions()) {
      found.push_back({dimension.name(), BoundsText(dimension),
                       record->refs.empty() ? "" : EntityKeyText(record->refs.front()), event.index(), nullptr, 0});
    }
  }
  return found;
}

// The terms of the plans of the item's device models, by leaf.
StatusOr<std::map<uint64_t, v1::ChangePlanTerms>> PlansOf(const LedgerView& view,
                                                          const std::map<uint64_t, Cited>& records) {
  std::map<uint64_t, v1::ChangePlanTerms> plans;
  ASSIGN_OR_RETURN(const auto regulatory, RegulatoryOf(view, EntitiesOf(records, "", "device_model"), view.as_of()));
  for (const Cited* record : OfTypes(regulatory, {"change_plan.authorised", "change_plan.amended"})) {
    ASSIGN_OR_RETURN(const v1::Event event, view.Event(record->leaf.index()));
    v1::ChangePlanAuthorised authorised;
    v1::ChangePlanAmended amended;
    if (event.content().UnpackTo(&authorised)) plans.emplace(event.index(), authorised.terms());
    if (event.content().UnpackTo(&amended)) plans.emplace(event.index(), amended.terms());
  }
  return plans;
}

void FindPlanned(const std::map<uint64_t, v1::ChangePlanTerms>& plans, Modification& modification) {
  for (const auto& [leaf, terms] : plans) {
    for (const v1::ChangePlanTerms::Modification& one : terms.modifications()) {
      for (const std::string& dimension : one.dimensions()) {
        if (dimension != modification.name) continue;
        modification.planned = &one;
        modification.plan_leaf = leaf;
      }
    }
  }
}

Section Description(const std::vector<Modification>& modifications) {
  Section section = {"modifications", "1 Description of modifications", "21 USC 360e-4(a)", {}, {}, {}};
  section.paragraphs.push_back(
      "A draft from what is recorded: each dimension of an approved envelope is a modification that the "
      "software may undergo, within the bounds of the envelope. Texts and reasons are for the authors of the plan.");
  Table table = {"Modifications",
                 {"Modification", "Bounds", "Envelope", "In a recorded plan"},
                 {},
                 "No approved envelope is recorded."};
  if (modifications.empty())
    section.gaps.push_back({std::string(kPlan), "no approved envelope says what may change", {}});
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
            {std::string(kPlan), Text(one.name, ": no ", what, " is described in a recorded plan"), {one.leaf}});
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

Status ChangePlanDraft(const LedgerView& view, const v1::EntityRef&, const std::map<uint64_t, Cited>& records,
                       Document& document) {
  ASSIGN_OR_RETURN(std::vector<Modification> modifications, Modifications(view, records));
  ASSIGN_OR_RETURN(const auto plans, PlansOf(view, records));
  for (Modification& one : modifications) FindPlanned(plans, one);
  const std::vector<const Cited*> protocols = OfTypes(records, {"sandbox_protocol.approved"});
  document.sections.push_back(Description(modifications));
  document.sections.push_back(SectionOf({"protocol", "2 Modification protocol", "21 USC 360e-4(b)", {}},
                                        OfTypes(records, {"sandbox_protocol.", "test_case.", "dataset.",
                                                          "data_requirement.", "split.", "transform.", "plan."})));
  document.sections.push_back(SectionOf({"impact", "3 Impact assessment", "21 USC 360e-4; ISO 14971:2019", {}},
                                        OfTypes(records, {"hazard.", "hazardous_situation.", "risk.", "risk_control.",
                                                          "risk_control_set.", "residual_risk.", "benefit_risk."})));
  document.sections.push_back(TraceOfModifications(modifications, protocols));
  return OkStatus();
}

}  // namespace anamnesis::exports
