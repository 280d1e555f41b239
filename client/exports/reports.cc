#include "client/exports/reports.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "anamnesis/v1/vocabulary_software.pb.h"
#include "client/exports/change_plan_draft.h"
#include "client/exports/design_history.h"
#include "client/exports/records.h"
#include "client/exports/sections.h"
#include "client/exports/unit_history.h"
#include "ledger/event/names.h"

namespace anamnesis::exports {
namespace {

using Records = std::map<uint64_t, Cited>;

void AddParts(const Records& records, const std::vector<Part>& parts, Document& document) {
  for (const Part& part : parts) document.sections.push_back(SectionOf(part, AllOfTypes(records, part.types)));
}

// Sections of the design history by id, in this order; those that it has not are left out.
void TakeSections(Document& from, const std::vector<std::string_view>& ids, Document& to) {
  for (const std::string_view id : ids) {
    const auto found =
        std::find_if(from.sections.begin(), from.sections.end(), [&](const Section& one) { return one.id == id; });
    if (found != from.sections.end()) to.sections.push_back(std::move(*found));
  }
}

// Of which kind a plan is; unspecified where its body is erased or can't be read.
StatusOr<v1::PlanContent::Kind> PlanKindOf(const LedgerView& view, uint64_t leaf) {
  ASSIGN_OR_RETURN(const v1::Event event, view.Event(leaf));
  v1::PlanApproved approved;
  v1::PlanRevised revised;
  if (event.content().UnpackTo(&approved)) return approved.content().kind();
  if (event.content().UnpackTo(&revised)) return revised.content().kind();
  return v1::PlanContent::KIND_UNSPECIFIED;
}

bool IsReviewOfRisks(const Cited& review, const std::set<std::string>& risk_plans) {
  return std::any_of(review.refs.begin(), review.refs.end(), [&](const v1::EntityRef& ref) {
    if (ref.role() != "subject") return false;
    return ref.kind() == "risk_control" || (ref.kind() == "plan" && risk_plans.count(ref.id()) > 0);
  });
}

// Without the plans and reviews of other things. A plan of which nobody can tell the kind is none, but is named.
StatusOr<Records> RecordsOfRisks(const LedgerView& view, const Records& records, std::vector<Gap>& unknown) {
  Records kept = records;
  std::set<std::string> risk_plans;
  for (const Cited* plan : AllOfTypes(records, {"plan."})) {
    const uint64_t leaf = plan->leaf.index();
    ASSIGN_OR_RETURN(const v1::PlanContent::Kind kind, PlanKindOf(view, leaf));
    if (kind != v1::PlanContent::RISK) kept.erase(leaf);
    for (const v1::EntityRef& ref : plan->refs) {
      if (kind == v1::PlanContent::RISK && ref.role() == "plan") risk_plans.insert(ref.id());
    }
    if (kind == v1::PlanContent::KIND_UNSPECIFIED && !plan->void_effect) {
      unknown.push_back(
          {"ISO 14971:2019 4.4",
           Text(plan->leaf.type(), " of leaf ", leaf, ": ", plan->says, ", so whether it is of risks can't be told"),
           {leaf}});
    }
  }
  for (const Cited* review : AllOfTypes(records, {"review."})) {
    if (!IsReviewOfRisks(*review, risk_plans)) kept.erase(review->leaf.index());
  }
  return kept;
}

// ISO 14971:2019, clause by clause.
Status RiskFile(const LedgerView& view, const v1::EntityRef& subject, const Records& all, Document& document) {
  std::vector<Gap> unknown;
  ASSIGN_OR_RETURN(const Records records, RecordsOfRisks(view, all, unknown));
  AddParts(
      records,
      {{"plan", "1 Risk management plan", "ISO 14971:2019 4.4", {"plan."}},
       {"analysis",
        "2 Risk analysis",
        "ISO 14971:2019 5; IEC 62304 7.1",
        {"hazard.", "hazardous_situation.", "software_cause.", "risk.estimated"}},
       {"evaluation", "3 Risk evaluation", "ISO 14971:2019 6", {"risk.evaluated"}},
       {"controls",
        "4 Risk control",
        "ISO 14971:2019 7.1; IEC 62304 7.2",
        {"risk_control.defined", "risk_control.revised", "risk_control_set."}},
       {"verification", "5 Verification of controls", "ISO 14971:2019 7.2; IEC 62304 7.3", {"risk_control.verified"}},
       {"residual", "6 Residual risk", "ISO 14971:2019 7.3, 8", {"residual_risk."}},
       {"benefit", "7 Benefit-risk analysis", "ISO 14971:2019 7.4", {"benefit_risk."}},
       {"review", "8 Risk management review", "ISO 14971:2019 9", {"review."}},
       {"production",
        "9 Production and post-production",
        "ISO 14971:2019 10",
        {"risk_file.", "problem.", "incident.", "trend.", "feedback.", "monitoring."}}},
      document);
  Section& plan = document.sections.front();
  plan.gaps.insert(plan.gaps.end(), unknown.begin(), unknown.end());
  if (subject.kind() != "software_item") return OkStatus();
  ASSIGN_OR_RETURN(Section trace, TraceSection(view, subject));
  document.sections.push_back(std::move(trace));
  return OkStatus();
}

Status ClauseIndex(const LedgerView& view, const v1::EntityRef& subject, Document& document) {
  ASSIGN_OR_RETURN(Document history, DesignHistory(view, subject));
  document.facts = history.facts;
  TakeSections(history, {"completeness", "clauses"}, document);
  // What the other sections lack belongs to a clause as well.
  Section& first = document.sections.front();
  for (Section& section : history.sections) {
    for (Gap& gap : section.gaps) first.gaps.push_back(std::move(gap));
  }
  return OkStatus();
}

// What an inspector asks first.
Status ReviewerQuestions(const LedgerView& view, const v1::EntityRef& subject, const Records& records,
                         Document& document) {
  ASSIGN_OR_RETURN(Document history, DesignHistory(view, subject));
  document.facts = history.facts;
  Section file = {
      "history", "1 Where is your design history file?", "ISO 13485:2016 7.3.10; formerly 21 CFR 820.30(j)", {}, {},
      {}};
  file.paragraphs.push_back(
      Text("In the ledger ", view.origin(),
           ", recorded as the work was done. Each section below can be exported whole: anamnesis dhf."));
  Table table = {"Sections", {"Section", "Records", "Gaps"}, {}, "There are none."};
  for (const Section& section : history.sections) {
    size_t rows = 0;
    for (const Table& one : section.tables) rows += one.title == "Records" ? one.rows.size() : 0;
    table.rows.push_back({{section.title, Mark::kNone, {}},
                          {rows == 0 ? "-" : std::to_string(rows), Mark::kNone, {}},
                          {section.gaps.empty() ? "none" : std::to_string(section.gaps.size()),
                           section.gaps.empty() ? Mark::kGood : Mark::kBad,
                           {}}});
  }
  file.tables.push_back(std::move(table));
  file.tables.push_back(RecordsTable("Documents that are kept elsewhere, by digest", AllOfTypes(records, {"document."}),
                                     "None is referenced."));
  document.sections.push_back(std::move(file));
  TakeSections(history, {"contemporaneity"}, document);
  AddParts(records,
           {{"verification-records",
             "2 Where are your verification and validation records?",
             "IEC 62304 5.5 to 5.7, 9.8; ISO 13485:2016 7.3.6, 7.3.7",
             {"test_case.", "test_run.", "test_procedure.", "evaluation.", "validation.", "risk_control.verified",
              "certification.", "anomaly."}}},
           document);
  TakeSections(history, {"trace"}, document);
  AddParts(
      records,
      {{"configuration",
        "3 How do you manage configuration?",
        "IEC 62304 8; ISO 13485:2016 7.3.9, 7.5.9",
        {"software_item.", "soup.", "baseline.", "build.", "model.", "release.", "substrate.", "change.", "code."}}},
      document);
  TakeSections(history, {"adaptation"}, document);
  return OkStatus();
}

// A coherent technical narrative: from the plan to what was certified, and what the words mean.
Status NotifiedBodyPackage(const LedgerView& view, const v1::EntityRef& subject, const Records& records,
                           Document& document) {
  AddParts(
      records,
      {{"plan", "1 Plan", "IEC 62304 5.1; Regulation (EU) 2017/745 Annex II", {"plan."}},
       {"description",
        "2 The software and its classes",
        "IEC 62304 4.3",
        {"software_item.", "safety_class.", "device_model.", "adaptation_surface.", "soup."}},
       {"architecture", "3 Architecture and design", "IEC 62304 5.3, 5.4", {"architecture.", "design.", "decision."}},
       {"envelope", "4 Adaptation envelope", "IEC 62304 5.2.2, 7.2.1", {"envelope."}},
       {"protocol",
        "5 Certification protocol",
        "Regulation (EU) 2017/745 Annex IX 4; 21 USC 360e-4",
        {"sandbox_protocol.", "test_case."}},
       {"certifications", "6 Certifications", "IEC 62304 5.8.1", {"sandbox_run.", "certification."}}},
      document);
  if (subject.kind() == "software_item") {
    ASSIGN_OR_RETURN(Section trace, TraceSection(view, subject));
    document.sections.push_back(std::move(trace));
  }
  Section glossary = {"glossary", "Glossary", "-", {}, {}, {}};
  Table words = {"Words used here", {"Word", "Meaning"}, {}, ""};
  const std::vector<std::pair<std::string, std::string>> meanings = {
      {"adaptation artifact",
       "a change to how the software behaves, made after release: data, parameters or a model; a configuration item"},
      {"activation", "the act by which an artifact starts to run on a unit; it cites a decision of the gate"},
      {"candidate configuration",
       "artifact, baseline and substrate together: what is tested and certified, by one digest"},
      {"certification", "a signed statement that a candidate passed its protocol within an envelope"},
      {"envelope", "the bounds within which an artifact may differ from its anchor; what it does not name is outside"},
      {"gate", "the function that decides whether an artifact may run on a unit, from what was recorded"},
      {"leaf", "an event's permanent place in the ledger, proven by a receipt"},
      {"protocol", "the suite, criteria and isolation under which a candidate is exercised"},
      {"substrate", "what an artifact runs on: SOUP by version and digest, runtime, hardware"}};
  for (const auto& [word, meaning] : meanings)
    words.rows.push_back({{word, Mark::kNone, {}}, {meaning, Mark::kNone, {}}});
  glossary.tables.push_back(std::move(words));
  document.sections.push_back(std::move(glossary));
  return OkStatus();
}

// What is recorded of the software items that a device model's records name, which need not name the model themselves.
Status AddItemsOfModel(const LedgerView& view, const v1::EntityRef& model, const Records& records, Records& all,
                       std::vector<Gap>& missing) {
  const std::vector<v1::EntityRef> items = EntitiesOf(records, "", "software_item");
  for (const v1::EntityRef& item : items) {
    ASSIGN_OR_RETURN(const Records more, RecordsOf(view, EntityOf(item.kind(), item.id())));
    all.insert(more.begin(), more.end());
  }
  if (items.empty()) {
    missing.push_back({"ISO 13485:2016 4.2.3 b)",
                       Text("no record of ", EntityKeyText(model),
                            " names a software item, so what is recorded of its software is not in this file"),
                       {}});
  }
  return OkStatus();
}

// Of a device type, clause by clause. What isn't said of the models that an item's records name is missing in theirs.
Status DeviceFile(const LedgerView& view, const v1::EntityRef& subject, const Records& records, Document& document) {
  Records all = records;
  std::vector<v1::EntityRef> models = EntitiesOf(records, "", "device_model");
  std::vector<Gap> without_items;
  if (subject.kind() == "device_model") {
    models = {subject};
    RETURN_IF_ERROR(AddItemsOfModel(view, subject, records, all, without_items));
  }
  for (v1::EntityRef& model : models) {
    model = EntityOf(model.kind(), model.id());
    ASSIGN_OR_RETURN(const Records more, RecordsOf(view, model));
    all.insert(more.begin(), more.end());
  }
  ASSIGN_OR_RETURN(const Records regulatory, RegulatoryOf(view, models, view.as_of()));
  all.insert(regulatory.begin(), regulatory.end());
  AddParts(all,
           {{"description",
             "1 Description and intended purpose",
             "ISO 13485:2016 4.2.3 a)",
             {"device_model.", "udi.", "safety_class."}},
            {"labelling", "2 Labelling and instructions for use", "ISO 13485:2016 4.2.3 a)", {"document."}},
            {"specification",
             "3 Specifications of the product",
             "ISO 13485:2016 4.2.3 b)",
             {"software_item.", "requirement.", "architecture.", "design.", "envelope.", "soup.", "substrate.defined"}},
            {"production",
             "4 Production, handling and distribution",
             "ISO 13485:2016 4.2.3 c)",
             {"code.", "build.", "model.", "baseline.", "release."}},
            {"measuring",
             "5 Measuring and monitoring",
             "ISO 13485:2016 4.2.3 d)",
             {"test_case.", "test_procedure.", "sandbox_protocol.", "monitoring."}},
            {"installation",
             "6 Installation",
             "ISO 13485:2016 4.2.3 e)",
             {"device_unit.commissioned", "device_unit.relocated", "substrate.installed"}},
            {"service",
             "7 Servicing",
             "ISO 13485:2016 4.2.3 f)",
             {"device_unit.serviced", "device_unit.decommissioned", "field_action."}},
            {"authorisations",
             "8 Authorisations and commitments",
             "ISO 13485:2016 4.2.3; Regulation (EU) 2017/745 Annex II",
             {"authorisation.", "change_plan.", "regulatory_commitment."}}},
           document);
  Section& description = document.sections[0];
  if (models.empty()) {
    description.gaps.push_back(
        {description.clauses,
         Text("no record of ", EntityKeyText(subject),
              " names a device model, and this file is of a device type: ask for device_model:ID"),
         {}});
  }
  Section& specification = document.sections[2];
  specification.gaps.insert(specification.gaps.end(), without_items.begin(), without_items.end());
  Section& labelling = document.sections[1];
  labelling.paragraphs.emplace_back(
      "The ledger keeps documents elsewhere by title, digest and place. Nothing in it says which of them are labels or "
      "instructions for use: whoever answers for the file picks them from these.");
  return OkStatus();
}

struct Kind {
  std::string_view name;
  std::string_view title;
  std::function<Status(const LedgerView&, const v1::EntityRef&, const Records&, Document&)> build;
};

const std::vector<Kind>& Kinds() {
  static const auto* kinds = new std::vector<Kind>{
      {"clause-index", "Clause index of ",
       [](const LedgerView& view, const v1::EntityRef& subject, const Records&, Document& document) {
         return ClauseIndex(view, subject, document);
       }},
      {"device-file", "Medical device file of ", DeviceFile},
      {"nb-package", "Package for a Notified Body: ", NotifiedBodyPackage},
      {"pccp-draft", "Draft of a predetermined change control plan: ", ChangePlanDraft},
      {"reviewer-questions", "Three questions of a reviewer, of ", ReviewerQuestions},
      {"risk-file", "Risk management file of ", RiskFile},
  };
  return *kinds;
}

}  // namespace

std::vector<std::string> ReportKinds() {
  std::vector<std::string> names;
  for (const Kind& kind : Kinds()) names.emplace_back(kind.name);
  return names;
}

StatusOr<Document> Report(const LedgerView& view, std::string_view name, const v1::EntityRef& subject) {
  const auto kind = std::find_if(Kinds().begin(), Kinds().end(), [&](const Kind& one) { return one.name == name; });
  if (kind == Kinds().end()) return absl::InvalidArgumentError(Text("KIND: there is no report \"", name, "\""));
  ASSIGN_OR_RETURN(const Records records, RecordsOf(view, subject));
  if (records.empty()) return absl::NotFoundError(Text("ITEM: nothing is recorded of ", EntityKeyText(subject)));
  Document document;
  document.kind = std::string(name);
  document.title = Text(kind->title, EntityKeyText(subject));
  document.subject = EntityKeyText(subject);
  RETURN_IF_ERROR(kind->build(view, subject, records, document));
  return document;
}

}  // namespace anamnesis::exports
