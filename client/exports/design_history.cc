#include "client/exports/design_history.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_replace.h"
#include "client/exports/explain_sections.h"
#include "client/exports/records.h"
#include "client/exports/sections.h"
#include "ledger/event/names.h"
#include "ledger/query/events.h"
#include "ledger/query/wording.h"

namespace anamnesis::exports {
namespace {

const std::array<Part, 7>& Parts() {
  static const auto* parts = new std::array<Part, 7>{{
      {"specifications",
       "1 Specifications and reviews",
       "IEC 62304 5.1 to 5.4; ISO 13485:2016 7.3.2, 7.3.3, 7.3.5",
       {"plan.",
        "requirement.",
        "architecture.",
        "design.",
        "decision.",
        "review.",
        "software_item.",
        "safety_class.",
        "soup.",
        "baseline.",
        "document.",
        "legacy_rationale.",
        "adaptation_surface.",
        "envelope.",
        "substrate.",
        "sandbox_protocol.",
        "standard.",
        "policy.",
        "device_model.",
        "regulatory_commitment.",
        "authorisation.",
        "change_plan.",
        "udi."},
       {"4.", "5.1", "5.2", "5.3", "5.4", "8.1"}},
      {"data",
       "2 Data management",
       "IEC 62304 5.1.10, 8.1.1; Regulation (EU) 2024/1689 Art. 10",
       {"data.", "data_requirement.", "dataset.", "annotation_protocol.", "annotation.", "split.", "transform."},
       {}},
      {"training",
       "3 Training runs",
       "IEC 62304 5.5.1, 5.8.5",
       {"training_run.", "code.", "model.", "build.", "artifact.produced"},
       {"5.5.1", "5.8.5"}},
      {"verification",
       "4 Verification",
       "IEC 62304 5.5 to 5.7; ISO 13485:2016 7.3.6",
       {"test_case.", "test_run.", "test_procedure.", "evaluation.", "sandbox_run.", "certification.", "trace.",
        "anomaly."},
       {"5.5", "5.6", "5.7"}},
      {"validation",
       "5 Validation",
       "ISO 13485:2016 7.3.7; Regulation (EU) 2017/745 Annex I 17.2",
       {"validation."},
       {}},
      {"risk",
       "6 Risk management",
       "ISO 14971:2019; IEC 62304 7",
       {"hazard.", "hazardous_situation.", "software_cause.", "risk.", "risk_control.", "risk_control_set.",
        "residual_risk.", "benefit_risk.", "risk_file."},
       {"7."}},
      {"changes",
       "7 Change control, release and the field",
       "IEC 62304 5.8, 6, 8.2, 8.3, 9; ISO 13485:2016 7.3.9",
       {"change.", "problem.", "release.", "record.", "trend.", "monitoring.", "incident.", "vigilance.",
        "field_action.", "feedback.", "parties.", "artifact.", "gate.", "recertification.", "hold.", "standing_hold.",
        "deactivation.", "late_knowledge."},
       {"5.8", "6.", "8.2", "8.3", "9."}},
  }};
  return *parts;
}

// The place of a type or a clause in Parts(); the most exact one wins, so that 5.5.1 is not 5.5's.
size_t PartOfType(std::string_view type) {
  for (size_t i = 0; i < Parts().size(); ++i) {
    if (Parts()[i].types.count(type) > 0) return i;
  }
  for (size_t i = 0; i < Parts().size(); ++i) {
    if (IsOfTypes(type, Parts()[i].types)) return i;
  }
  return Parts().size();
}

size_t PartOfClause(std::string_view clause) {
  if (const size_t space = clause.rfind(' '); space != std::string_view::npos) clause.remove_prefix(space + 1);
  size_t found = Parts().size();
  size_t length = 0;
  for (size_t i = 0; i < Parts().size(); ++i) {
    for (const std::string_view start : Parts()[i].clause_starts) {
      if (!clause.starts_with(start) || start.size() <= length) continue;
      // "5.1" is the start of "5.1.2" and not of "5.10".
      if (clause.size() == start.size() || start.ends_with('.') || clause[start.size()] == '.') {
        found = i;
        length = start.size();
      }
    }
  }
  return found;
}

bool IsItem(const v1::EntityRef& subject) { return subject.kind() == "software_item"; }

// The seven sections, and an eighth for what belongs to none of them.
std::vector<Section> SevenSections(const std::map<uint64_t, Cited>& records) {
  std::vector<Section> sections;
  std::array<std::vector<const Cited*>, 8> sorted;
  for (const auto& [leaf, record] : records) sorted[PartOfType(record.leaf.type())].push_back(&record);
  for (size_t i = 0; i < Parts().size(); ++i) sections.push_back(SectionOf(Parts()[i], sorted[i]));
  if (!sorted[7].empty()) {
    sections.push_back({"others", "Other records", "-", {}, {}, {RecordsTable("Records", sorted[7], "No record.")}});
  }
  return sections;
}

// --- What the class asks for ---

std::string ClassText(const v1::CompletenessAnswer& answer) {
  constexpr std::array kNames = {"C, since none is assigned", "A", "B", "C"};
  return Text(kNames.at(std::min(static_cast<size_t>(answer.safety_class()), kNames.size() - 1)),
              answer.class_assigned_to().empty() ? "" : Text(", assigned to ", answer.class_assigned_to()));
}

Table EvidenceTable(const v1::CompletenessAnswer& answer) {
  Table table = {"What the adopted process profile asks of this class",
                 {"Clause", "What it asks for", "State", "Evidence"},
                 {},
                 "No process profile is adopted, so nothing could be held against a clause."};
  for (const v1::ClauseEvidence& one : answer.evidence()) {
    if (one.state() == v1::NOT_REQUIRED) continue;
    const bool missing = one.state() == v1::MISSING_BY_CLAUSE || one.state() == v1::MISSING_BY_POLICY;
    const Mark mark = missing ? Mark::kBad : one.state() == v1::PRESENT ? Mark::kGood : Mark::kNone;
    Cell evidence = {one.more() ? "and more:" : one.evidence().empty() ? "-" : "", Mark::kNone, {}};
    for (const v1::LeafReference& leaf : one.evidence()) evidence.leaves.push_back(leaf.index());
    table.rows.push_back({{one.clause(), Mark::kNone, {}},
                          {one.title(), Mark::kNone, {}},
                          {Words(v1::EvidenceState_Name(one.state())), mark, {}},
                          std::move(evidence)});
  }
  return table;
}

// What a policy looks for, "type?field=value&field", in words.
std::string WithoutPatterns(const std::string& text) {
  return absl::StrReplaceAll(
      text, {{"?content.", " with "}, {"?", " with "}, {"&content.", " and "}, {"&", " and "}, {"=", " "}});
}

void AddEvidenceGaps(const v1::CompletenessAnswer& answer, std::vector<Section>& sections, Section& otherwise) {
  for (const v1::ClauseEvidence& one : answer.evidence()) {
    if (one.state() != v1::MISSING_BY_CLAUSE && one.state() != v1::MISSING_BY_POLICY) continue;
    const size_t part = PartOfClause(one.clause());
    Section& section = part < Parts().size() ? sections[part] : otherwise;
    section.gaps.push_back({Text(one.clause(), one.state() == v1::MISSING_BY_POLICY ? ", by policy" : ""),
                            Text(one.title(), one.text().empty() ? "" : Text(": ", WithoutPatterns(one.text()))),
                            {}});
  }
}

Section PlanSection(const v1::CompletenessAnswer& answer) {
  Section section = {"plan", "8 Plan and what was done", "IEC 62304 5.1.1; 21 CFR 820 (ISO 13485:2016 7.3.2)", {}, {},
                     {}};
  Table table = {"Planned activities",
                 {"Activity", "Deliverable", "Delivered", "Clause"},
                 {},
                 "No plan with activities is recorded."};
  if (answer.activities().empty())
    section.gaps.push_back({"IEC 62304 5.1.1", "no approved plan names an activity with deliverables", {}});
  for (const v1::CompletenessAnswer::Activity& activity : answer.activities()) {
    for (const v1::CompletenessAnswer::Activity::Deliverable& deliverable : activity.deliverables()) {
      Cell delivered = {deliverable.delivered().empty() ? "none" : "",
                        deliverable.delivered().empty() ? Mark::kBad : Mark::kNone,
                        {}};
      for (const v1::LeafReference& leaf : deliverable.delivered()) delivered.leaves.push_back(leaf.index());
      if (deliverable.delivered().empty()) {
        section.gaps.push_back(
            {activity.clause().empty() ? "the plan" : activity.clause(),
             Text(activity.text(), ": ", deliverable.event_type(), " was planned and is not recorded"),
             {activity.plan_leaf()}});
      }
      table.rows.push_back({Cite(Text(activity.id(), " ", activity.text()), activity.plan_leaf()),
                            {deliverable.event_type(), Mark::kNone, {}},
                            std::move(delivered),
                            {activity.clause(), Mark::kNone, {}}});
    }
    for (const v1::CompletenessAnswer::Activity::Gap& gap : activity.gaps()) {
      section.gaps.push_back({activity.clause().empty() ? "the plan" : activity.clause(),
                              Text(EntityKeyText(gap.entity()), " lacks ", gap.event_type()),
                              {activity.plan_leaf()}});
    }
  }
  section.tables.push_back(std::move(table));
  return section;
}

Status AddCompleteness(const LedgerView& view, const v1::EntityRef& subject, Document& document) {
  Section index = {"completeness", "9 What the class asks for", "IEC 62304 4.3, by class", {}, {}, {}};
  if (!IsItem(subject)) {
    index.gaps.push_back({"IEC 62304 4.3, 5.1.1",
                          Text(EntityKeyText(subject),
                               " is no software item: a safety class, and with it what "
                               "the clauses ask for, a plan and a trace, exist only of software items; record "
                               "software_item.identified and export that"),
                          {}});
    document.sections.push_back(std::move(index));
    return OkStatus();
  }
  v1::Question question;
  *question.mutable_completeness()->mutable_item() = subject;
  ASSIGN_OR_RETURN(const v1::Answer answer, AskOrGap(view, std::move(question), "IEC 62304 4.3", index));
  const v1::CompletenessAnswer& completeness = answer.completeness();
  document.facts.emplace_back("Safety class", ClassText(completeness));
  document.facts.emplace_back("Process profile",
                              completeness.has_profile()
                                  ? Text(completeness.standard(), ", adopted by leaf ", completeness.profile().index())
                                  : "none adopted");
  if (!completeness.has_profile()) {
    index.gaps.push_back(
        {"IEC 62304 4.1", "no process profile is adopted, so nothing could be held against a clause", {}});
  }
  AddEvidenceGaps(completeness, document.sections, index);
  for (const v1::CompletenessAnswer::PlannedSubgroup& subgroup : completeness.subgroups()) {
    for (const std::string& missing : subgroup.missing()) {
      document.sections[3].gaps.push_back({"the adopted process profile",
                                           Text(EntityKeyText(subgroup.requirement()), ": ", subgroup.metric(),
                                                " for subgroup ", subgroup.subgroup(), " lacks its ", Words(missing)),
                                           {}});
    }
  }
  index.tables.push_back(EvidenceTable(completeness));
  document.sections.push_back(PlanSection(completeness));
  document.sections.push_back(std::move(index));
  ASSIGN_OR_RETURN(Section trace, TraceSection(view, subject));
  document.sections.push_back(std::move(trace));
  return OkStatus();
}

Status AddSequencing(const LedgerView& view, const v1::EntityRef& subject, Document& document) {
  if (!IsItem(subject)) return OkStatus();
  Section section = {"order", "Order of events", "IEC 62304 5.1.11, 5.2, 5.5.5, 5.6, 5.8.1", {}, {}, {}};
  v1::Question question;
  *question.mutable_sequencing()->mutable_item() = subject;
  ASSIGN_OR_RETURN(const v1::Answer answer, AskOrGap(view, std::move(question), "IEC 62304 5.1.11", section));
  Table table = {
      "Out of the permitted order", {"Event", "Should come after", "Rule", "Clause", "Judged by"}, {}, "None."};
  for (const v1::SequencingAnswer::Step& step : answer.sequencing().steps()) {
    if (step.state() == v1::SequencingAnswer::IN_ORDER) continue;
    section.gaps.push_back({step.clause().empty() ? step.rule() : step.clause(),
                            Text(step.later().type(), " of leaf ", step.later().index(), ": ", step.remedy()),
                            {}});
    table.rows.push_back({Cite(step.later().type(), step.later().index()),
                          step.has_earlier() ? Cite(step.earlier().type(), step.earlier().index())
                                             : Cell{"nothing of that kind is recorded", Mark::kBad, {}},
                          {step.rule(), Mark::kNone, {}},
                          {step.clause(), Mark::kNone, {}},
                          {Words(v1::SequencingAnswer::Basis_Name(step.basis())), Mark::kNone, {}}});
  }
  section.tables.push_back(std::move(table));
  document.sections.push_back(std::move(section));
  return OkStatus();
}

// --- Additions to single sections ---

void AddRun(const v1::TrainingRunsAnswer::Run& run, Table& table, Gap& gap, std::set<std::string>& unaccounted) {
  const bool lost = run.state() == v1::TrainingRunsAnswer::UNACCOUNTED;
  const Mark mark = lost ? Mark::kBad : run.state() == v1::TrainingRunsAnswer::COMPLETED ? Mark::kGood : Mark::kNone;
  table.rows.push_back(
      {{EntityKeyText(run.run()), Mark::kNone, {}},
       {Words(v1::TrainingRunsAnswer::State_Name(run.state())), mark, {}},
       Cite(OccurredText(run.started()), run.started().index()),
       run.has_ended() ? Cite(OccurredText(run.ended()), run.ended().index()) : Cell{"-", Mark::kNone, {}}});
  if (!lost) return;
  unaccounted.insert(EntityKeyText(run.run()));
  gap.leaves.push_back(run.started().index());
}

// Of an item its runs are one question; of anything else, those among its records.
Status AddTrainingRuns(const LedgerView& view, const v1::EntityRef& subject, const std::map<uint64_t, Cited>& records,
                       Section& section) {
  Table table = {"All training runs and what became of them",
                 {"Run", "State", "Started", "Ended"},
                 {},
                 "No training run is recorded."};
  Gap gap = {"IEC 62304 5.8.5", "", {}};
  std::set<std::string> unaccounted;
  std::vector<v1::EntityRef> subjects = {subject};
  if (!IsItem(subject)) subjects = EntitiesOf(records, "dataset", "dataset");
  std::set<std::string> seen;
  for (const v1::EntityRef& about : subjects) {
    uint64_t from = 0;
    do {
      v1::Question question;
      v1::TrainingRunsQuestion& runs = *question.mutable_training_runs();
      *runs.mutable_about() = EntityOf(about.kind(), about.id());
      runs.mutable_about()->set_version(about.version());
      *runs.mutable_at() = ToProtoTime(view.as_of());
      runs.set_from(from);
      ASSIGN_OR_RETURN(const v1::Answer answer, AskOrGap(view, std::move(question), "IEC 62304 5.8.5", section));
      for (const v1::TrainingRunsAnswer::Run& run : answer.training_runs().runs()) {
        const bool ours = IsItem(subject) || records.count(run.started().index()) > 0;
        if (ours && seen.insert(EntityKeyText(run.run())).second) AddRun(run, table, gap, unaccounted);
      }
      from = answer.training_runs().next();
    } while (from != 0);
  }
  section.tables.insert(section.tables.begin(), std::move(table));
  if (!unaccounted.empty()) {
    gap.text = Text("started, and no end of it is recorded: ", SomeOf(unaccounted));
    section.gaps.push_back(std::move(gap));
  }
  return OkStatus();
}

Status AddOpenItems(const LedgerView& view, const v1::EntityRef& subject, Section& section) {
  v1::Question question;
  *question.mutable_status()->mutable_entity() = subject;
  question.mutable_status()->set_limit(1);
  ASSIGN_OR_RETURN(const v1::Answer answer, AskOrGap(view, std::move(question), "IEC 62304 8.3", section));
  Table table = {"What is open", {"What", "State", "Text"}, {}, "No open change, problem or anomaly names it."};
  for (const auto* list :
       {&answer.status().open_changes(), &answer.status().open_problems(), &answer.status().open_anomalies()}) {
    for (const v1::StatusAnswer::OpenItem& open : *list) {
      table.rows.push_back({Cite(EntityKeyText(open.entity()), open.leaf().index()),
                            {Words(open.state()), Mark::kNone, {}},
                            {open.text(), Mark::kNone, {}}});
    }
  }
  section.tables.insert(section.tables.begin(), std::move(table));
  return OkStatus();
}

Section AdaptationSection(const std::map<uint64_t, Cited>& records) {
  Section section = {"adaptation", "Adaptation log", "IEC 62304 8.2, 8.3", {}, {}, {}};
  section.tables.push_back(
      RecordsTable("Artifacts, certifications, decisions and activations, in their order",
                   AllOfTypes(records, {"artifact.", "sandbox_run.", "certification.", "gate.", "hold.",
                                        "recertification.", "standing_hold.", "deactivation.", "late_knowledge."}),
                   "No adaptation is recorded."));
  return section;
}

}  // namespace

std::string_view DesignHistoryPartOf(std::string_view type) {
  const size_t part = PartOfType(type);
  return part < Parts().size() ? Parts()[part].id : "";
}

StatusOr<Document> DesignHistory(const LedgerView& view, const v1::EntityRef& subject) {
  ASSIGN_OR_RETURN(const auto records, RecordsOf(view, subject));
  if (records.empty()) return absl::NotFoundError(Text("ITEM: nothing is recorded of ", EntityKeyText(subject)));
  Document document;
  document.kind = "design-history";
  document.title = Text("Design history of ", EntityKeyText(subject));
  document.subject = EntityKeyText(subject);
  document.facts.emplace_back("Also called",
                              "design and development file (ISO 13485:2016 7.3.10), formerly design history file "
                              "(21 CFR 820.30(j) until 2 February 2026)");
  document.facts.emplace_back("Records",
                              Text(records.size(), " that belong to it, and those that the answers rest on"));
  const auto corrected = std::count_if(records.begin(), records.end(),
                                       [](const auto& record) { return !record.second.corrected.empty(); });
  const auto ended =
      std::count_if(records.begin(), records.end(), [](const auto& record) { return record.second.void_effect; });
  document.facts.emplace_back("Corrections", Text(corrected, " of them were corrected, of which ", ended,
                                                  " no longer count; they are shown struck through, with who corrected "
                                                  "them and why"));
  document.sections = SevenSections(records);
  RETURN_IF_ERROR(AddExplanations(view, records, document.sections[1], document.sections[2], document.sections[3]));
  RETURN_IF_ERROR(AddTrainingRuns(view, subject, records, document.sections[2]));
  RETURN_IF_ERROR(AddOpenItems(view, subject, document.sections[6]));
  RETURN_IF_ERROR(AddCompleteness(view, subject, document));
  RETURN_IF_ERROR(AddSequencing(view, subject, document));
  document.sections.push_back(AdaptationSection(records));
  ASSIGN_OR_RETURN(Section contemporaneity, ContemporaneitySection(view, records));
  document.sections.push_back(std::move(contemporaneity));
  document.sections.push_back(ClauseSection(records));
  ASSIGN_OR_RETURN(Section signatures, SignatureSection(view, records));
  document.sections.push_back(std::move(signatures));
  return document;
}

}  // namespace anamnesis::exports
