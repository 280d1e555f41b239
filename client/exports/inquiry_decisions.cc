#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/exports/inquiry.h"
#include "client/exports/records.h"
#include "client/exports/sections.h"
#include "ledger/event/names.h"
#include "ledger/query/wording.h"

namespace anamnesis::exports {
namespace {

// Without what each of its rules rests on and says.
std::string VerdictAlone(v1::GateDecided decision) {
  for (v1::GateDecided::RuleResult& rule : *decision.mutable_results()) {
    rule.clear_evidence();
    rule.clear_note();
  }
  return decision.SerializeAsString();
}

// Where verdict and rules are the same it is no other decision. Why the evidence differs, nobody can tell from here:
// another release may cite other evidence, or word a note otherwise.
bool OtherEvidenceOnly(const v1::GateReplayAnswer& replay) {
  return !replay.identical() && VerdictAlone(replay.recorded()) == VerdictAlone(replay.computed());
}

std::string_view ComputedAgainText(const v1::GateReplayAnswer& replay) {
  if (replay.identical()) return "the same";
  return OtherEvidenceOnly(replay)
             ? "the same verdict and rules, other evidence or notes (another release may cite others)"
             : "it is ANOTHER decision";
}

Mark MarkOf(const v1::GateReplayAnswer& replay) {
  if (replay.recorded().verdict() != v1::GateDecided::ALLOW) return Mark::kBad;
  if (replay.identical()) return Mark::kGood;
  return OtherEvidenceOnly(replay) ? Mark::kNone : Mark::kBad;
}

const v1::EntityRef* ReferenceOf(const Cited& record, std::string_view role) {
  for (const v1::EntityRef& ref : record.refs) {
    if (ref.role() == role) return &ref;
  }
  return nullptr;
}

Cell CellOf(const v1::GateReplayAnswer& replay) {
  std::string failed;
  for (const v1::GateDecided::RuleResult& rule : replay.recorded().results()) {
    if (rule.outcome() == v1::GateDecided::RuleResult::FAIL) failed += Text(" ", rule.rule_id());
  }
  return Cite(Text(Words(v1::GateDecided::Verdict_Name(replay.recorded().verdict())),
                   failed.empty() ? "" : Text(", failed:", failed), "; computed again: ", ComputedAgainText(replay)),
              replay.leaf().index(), MarkOf(replay));
}

Replayed Needed(const v1::GateReplayAnswer& replay, bool with_grounds) {
  Replayed needed = {CellOf(replay), replay.leaf().index(), {}, {}};
  if (!with_grounds) return needed;
  needed.slice.assign(replay.slice().begin(), replay.slice().end());
  std::set<uint64_t> evidence;
  for (const v1::GateDecided::RuleResult& rule : replay.recorded().results())
    evidence.insert(rule.evidence().begin(), rule.evidence().end());
  needed.evidence.assign(evidence.begin(), evidence.end());
  return needed;
}

Cell LeavesCell(const std::vector<uint64_t>& leaves) {
  return {Text(leaves.size(), leaves.size() == 1 ? " leaf" : " leaves"), Mark::kNone, leaves};
}

// The bodies that are erased, of many leaves, several times.
class ErasedBodies {
 public:
  explicit ErasedBodies(const LedgerView& view) : view_(view) {}

  // Those of the decision and of what it was computed from: without one it can't be computed again.
  StatusOr<std::set<std::string>> Of(const Replayed& replayed) {
    std::set<std::string> erased;
    std::vector<uint64_t> leaves = replayed.slice;
    leaves.push_back(replayed.leaf);
    for (const uint64_t leaf : leaves) {
      ASSIGN_OR_RETURN(const bool gone, IsErased(leaf));
      if (gone) erased.insert(Text("leaf ", leaf));
    }
    return erased;
  }

 private:
  StatusOr<bool> IsErased(uint64_t leaf) {
    const auto known = erased_.find(leaf);
    if (known != erased_.end()) return known->second;
    ASSIGN_OR_RETURN(const v1::Event event, view_.Event(leaf));
    return erased_[leaf] = event.body_state() == v1::BODY_ERASED;
  }

  const LedgerView& view_;
  std::map<uint64_t, bool> erased_;
};

// So that a decision can be computed again without the ledger: what is cited here are records of the bundle.
StatusOr<Table> GroundsTable(const Inquiry& inquiry) {
  Table table = {"What it takes to compute these decisions again",
                 {"Decision", "Computed from", "Evidence that its rules name"},
                 {},
                 "No decision is told here."};
  ErasedBodies bodies(inquiry.view);
  for (const std::string& id : inquiry.with_grounds) {
    const auto found = inquiry.decisions.find(id);
    if (found == inquiry.decisions.end() || !found->second.has_value()) continue;
    const Replayed& replayed = *found->second;
    Cell from = LeavesCell(replayed.slice);
    ASSIGN_OR_RETURN(const std::set<std::string> erased, bodies.Of(replayed));
    if (!erased.empty()) {
      from.text += Text("; not any more: the body of ", SomeOf(erased), " is erased");
      from.mark = Mark::kBad;
    }
    table.rows.push_back(
        {Cite(Text("gate_decision:", id), replayed.leaf), std::move(from), LeavesCell(replayed.evidence)});
  }
  return table;
}

}  // namespace

StatusOr<Cell> DecisionCell(Inquiry& inquiry, const std::string& id, Section& section) {
  auto place = inquiry.decisions.find(id);
  if (place == inquiry.decisions.end()) {
    v1::Question question;
    question.mutable_gate_replay()->set_decision(id);
    ASSIGN_OR_RETURN(const v1::Answer answer, AskOrGap(inquiry.view, std::move(question), "IEC 62304 8.2.1", section));
    std::optional<Replayed> replayed;
    if (answer.has_gate_replay()) replayed = Needed(answer.gate_replay(), inquiry.with_grounds.count(id) > 0);
    place = inquiry.decisions.emplace(id, std::move(replayed)).first;
  }
  return place->second.has_value() ? place->second->told : Cell{"not in the ledger", Mark::kBad, {}};
}

StatusOr<Cell> NoDecisionCell(Inquiry& inquiry, const UnitHistory& history, const Cited& activation, Section& section) {
  const Cell none = {"cites none", Mark::kBad, {}};
  const v1::EntityRef* artifact = ReferenceOf(activation, "artifact");
  if (artifact == nullptr) return none;
  const std::vector<const Cited*> told = InOrderOfTime(history.of(HistoryPart::kDecisions));
  const v1::EntityRef* last = nullptr;
  for (const Cited* decided : told) {
    const v1::EntityRef* about = ReferenceOf(*decided, "artifact");
    const v1::EntityRef* decision = ReferenceOf(*decided, "decision");
    if (decided->void_effect || about == nullptr || decision == nullptr) continue;
    if (EntityKeyText(*about) != EntityKeyText(*artifact) || HappenedBefore(activation, *decided)) continue;
    last = decision;
  }
  if (last == nullptr) return none;
  // What is left out may lie between the last that is told and this, or at the same time.
  const bool certain = history.left_out.at(HistoryPart::kDecisions) == 0 || HappenedBefore(activation, *told.back());
  ASSIGN_OR_RETURN(const Cell cell, DecisionCell(inquiry, last->id(), section));
  return Cell{Text("cites none; the last one on it ", certain ? "before: " : "told here: ", cell.text), Mark::kBad,
              cell.leaves};
}

size_t ChooseGrounds(Inquiry& inquiry, const UnitHistory& history) {
  inquiry.decisions.clear();
  inquiry.with_grounds.clear();
  // In the order in which they were first cited.
  std::vector<std::string> cited;
  std::set<std::string> all;
  for (const Cited* record : InOrderOfTime(history.of(HistoryPart::kActivations))) {
    const v1::EntityRef* decision = ReferenceOf(*record, "decision");
    if (decision != nullptr && !record->void_effect && all.insert(decision->id()).second) {
      cited.push_back(decision->id());
    }
  }
  const size_t each_end = std::min(inquiry.options.activations, cited.size());
  const auto few = static_cast<std::ptrdiff_t>(each_end);
  inquiry.with_grounds.insert(cited.begin(), cited.begin() + few);
  inquiry.with_grounds.insert(cited.end() - few, cited.end());
  for (const auto& [leaf, record] : history.of(HistoryPart::kDecisions)) {
    const v1::EntityRef* decision = ReferenceOf(record, "decision");
    if (decision != nullptr && !record.void_effect) inquiry.with_grounds.insert(decision->id());
  }
  return static_cast<size_t>(std::count_if(cited.begin(), cited.end(),
                                           [&](const std::string& id) { return inquiry.with_grounds.count(id) == 0; }));
}

Status AddDecisions(Inquiry& inquiry, const v1::EntityRef& unit, const UnitHistory& history, size_t grounds_left_out,
                    Section& section) {
  Table table = {Text("Decisions on ", unit.id()),
                 {"Decision", "About", "Happened", "Verdict"},
                 {},
                 "The gate decided nothing about it."};
  for (const Cited* record : InOrderOfTime(history.of(HistoryPart::kDecisions))) {
    const Mark mark = record->void_effect ? Mark::kVoid : Mark::kNone;
    Cell verdict = {"-", Mark::kNone, {}};
    const v1::EntityRef* decision = ReferenceOf(*record, "decision");
    if (decision != nullptr && !record->void_effect) {
      ASSIGN_OR_RETURN(verdict, DecisionCell(inquiry, decision->id(), section));
    }
    table.rows.push_back({Cite(record->leaf.type(), record->leaf.index(), mark),
                          {record->about, mark, {}},
                          OccurredCell(*record),
                          std::move(verdict)});
  }
  const size_t left_out = history.left_out.at(HistoryPart::kDecisions);
  section.paragraphs.push_back(Text("Of the gate's decisions about the unit, refusals among them, the last ",
                                    inquiry.options.activations,
                                    " at or before the incident and as many after it are told; ", left_out,
                                    left_out == 1 ? " more is" : " more are", " left out."));
  section.tables.push_back(std::move(table));
  section.paragraphs.push_back(
      "Each decision below whose records are whole can be computed again without the ledger: copy the records of its "
      "leaf and of the leaves that it was computed from into a directory, and run anamnesis gate verify on that.");
  if (grounds_left_out > 0) {
    section.paragraphs.push_back(Text("Of the decisions that activations cite, the first ", inquiry.options.activations,
                                      " and the last ", inquiry.options.activations,
                                      " are told below, with those about the unit; ", grounds_left_out,
                                      grounds_left_out == 1 ? " more is" : " more are",
                                      " left out, and what they were computed from is no record of this bundle."));
  }
  ASSIGN_OR_RETURN(Table grounds, GroundsTable(inquiry));
  section.tables.push_back(std::move(grounds));
  return OkStatus();
}

}  // namespace anamnesis::exports
