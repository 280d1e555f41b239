#include <set>
#include <utility>

#include "client/exports/inquiry.h"
#include "client/exports/records.h"
#include "client/exports/sections.h"
#include "ledger/event/names.h"
#include "ledger/query/wording.h"

namespace anamnesis::exports {
namespace {

// A decision as the ledger computes it again; null where it has none of this name.
StatusOr<const v1::GateReplayAnswer*> ReplayOf(Inquiry& inquiry, const std::string& id, Section& section) {
  auto place = inquiry.decisions.find(id);
  if (place == inquiry.decisions.end()) {
    v1::Question question;
    question.mutable_gate_replay()->set_decision(id);
    ASSIGN_OR_RETURN(const v1::Answer answer, AskOrGap(inquiry.view, std::move(question), "IEC 62304 8.2.1", section));
    std::optional<v1::GateReplayAnswer> replay;
    if (answer.has_gate_replay()) replay = answer.gate_replay();
    place = inquiry.decisions.emplace(id, std::move(replay)).first;
  }
  return place->second.has_value() ? &*place->second : nullptr;
}

// Without what each of its rules rests on and says.
std::string VerdictAlone(v1::GateDecided decision) {
  for (v1::GateDecided::RuleResult& rule : *decision.mutable_results()) {
    rule.clear_evidence();
    rule.clear_note();
  }
  return decision.SerializeAsString();
}

// What another release recorded may rest on other evidence by the rules of this one: that is no other decision.
bool OtherEvidenceOnly(const v1::GateReplayAnswer& replay) {
  return !replay.identical() && VerdictAlone(replay.recorded()) == VerdictAlone(replay.computed());
}

std::string_view ComputedAgainText(const v1::GateReplayAnswer& replay) {
  if (replay.identical()) return "the same";
  return OtherEvidenceOnly(replay) ? "the same verdict and rules, other evidence: by rules of another release"
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

Cell LeavesCell(const std::set<uint64_t>& leaves) {
  return {Text(leaves.size(), leaves.size() == 1 ? " leaf" : " leaves"), Mark::kNone, {leaves.begin(), leaves.end()}};
}

// So that a decision can be computed again without the ledger: what is cited here are records of the bundle.
Table GroundsTable(const Inquiry& inquiry, const std::set<std::string>& told) {
  Table table = {"What it takes to compute these decisions again",
                 {"Decision", "Computed from", "Evidence that its rules name"},
                 {},
                 "No decision is told here."};
  for (const std::string& id : told) {
    const std::optional<v1::GateReplayAnswer>& replay = inquiry.decisions.at(id);
    if (!replay.has_value()) continue;
    std::set<uint64_t> evidence;
    for (const v1::GateDecided::RuleResult& rule : replay->recorded().results())
      evidence.insert(rule.evidence().begin(), rule.evidence().end());
    table.rows.push_back({Cite(Text("gate_decision:", id), replay->leaf().index()),
                          LeavesCell({replay->slice().begin(), replay->slice().end()}), LeavesCell(evidence)});
  }
  return table;
}

}  // namespace

StatusOr<Cell> DecisionCell(Inquiry& inquiry, const std::string& id, Section& section) {
  ASSIGN_OR_RETURN(const v1::GateReplayAnswer* replay, ReplayOf(inquiry, id, section));
  if (replay == nullptr) return Cell{"not in the ledger", Mark::kBad, {}};
  std::string failed;
  for (const v1::GateDecided::RuleResult& rule : replay->recorded().results()) {
    if (rule.outcome() == v1::GateDecided::RuleResult::FAIL) failed += Text(" ", rule.rule_id());
  }
  return Cite(Text(Words(v1::GateDecided::Verdict_Name(replay->recorded().verdict())),
                   failed.empty() ? "" : Text(", failed:", failed), "; computed again: ", ComputedAgainText(*replay)),
              replay->leaf().index(), MarkOf(*replay));
}

StatusOr<Cell> NoDecisionCell(Inquiry& inquiry, const UnitHistory& history, const Cited& activation, Section& section) {
  Cell cell = {"cites none", Mark::kBad, {}};
  const v1::EntityRef* artifact = ReferenceOf(activation, "artifact");
  if (artifact == nullptr) return cell;
  for (const Cited* decided : InOrderOfTime(history.of(HistoryPart::kDecisions))) {
    const v1::EntityRef* about = ReferenceOf(*decided, "artifact");
    const v1::EntityRef* decision = ReferenceOf(*decided, "decision");
    if (decided->void_effect || about == nullptr || decision == nullptr) continue;
    if (EntityKeyText(*about) != EntityKeyText(*artifact) || HappenedBefore(activation, *decided)) continue;
    ASSIGN_OR_RETURN(const Cell last, DecisionCell(inquiry, decision->id(), section));
    cell = {Text("cites none; the last one on it before: ", last.text), Mark::kBad, last.leaves};
  }
  return cell;
}

Status AddDecisions(Inquiry& inquiry, const v1::EntityRef& unit, const UnitHistory& history,
                    std::set<std::string> cited, Section& section) {
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
      cited.insert(decision->id());
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
      "Each decision can be computed again without the ledger: copy the records of its leaf and of the leaves that it "
      "was computed from into a directory, and run anamnesis gate verify on that.");
  section.tables.push_back(GroundsTable(inquiry, cited));
  return OkStatus();
}

}  // namespace anamnesis::exports
