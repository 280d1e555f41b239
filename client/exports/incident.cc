#include "client/exports/incident.h"

#include <algorithm>
#include <set>
#include <utility>

#include "client/exports/content.h"
#include "client/exports/inquiry.h"
#include "client/exports/records.h"
#include "client/exports/sections.h"
#include "ledger/event/names.h"
#include "ledger/query/events.h"
#include "ledger/query/item_history.h"
#include "ledger/query/wording.h"

namespace anamnesis::exports {
namespace {

// Every event that the bundle cites, for the register of who wrote and signed them. What a section found for itself
// alone is read again.
StatusOr<std::map<uint64_t, Cited>> Everything(Inquiry& inquiry) {
  std::map<uint64_t, Cited> all = inquiry.records;
  for (const auto& [unit, history] : inquiry.histories) {
    for (const auto& [part, records] : history.parts) all.insert(records.begin(), records.end());
  }
  for (const auto* found : {&inquiry.similar, &inquiry.orders, &inquiry.regulatory})
    all.insert(found->begin(), found->end());
  std::set<uint64_t> missing = CitedLeaves(inquiry.document);
  while (true) {
    std::erase_if(missing, [&](uint64_t leaf) { return all.count(leaf) > 0; });
    if (missing.empty()) return all;
    ASSIGN_OR_RETURN(const auto others, ReadLeaves(inquiry.view, missing));
    all.insert(others.begin(), others.end());
    // The register cites what replaced them too.
    for (const auto& [leaf, record] : others) {
      if (record.signed_by_person && record.void_effect)
        missing.insert(record.corrected_by.begin(), record.corrected_by.end());
    }
  }
}

// The units that one of the records names, by id, and when it happened by it.
struct Telling {
  std::set<std::string> units;
  Timestamp earliest;
  Timestamp latest;

  auto operator<=>(const Telling&) const = default;
};

StatusOr<Telling> TellingIn(const Cited& record) {
  Telling telling;
  ASSIGN_OR_RETURN(telling.earliest, FromProtoTime(record.leaf.occurred_earliest(), "occurred_earliest"));
  ASSIGN_OR_RETURN(telling.latest, FromProtoTime(record.leaf.occurred_latest(), "occurred_latest"));
  for (const v1::EntityRef& ref : record.refs) {
    if (ref.role() == "unit") telling.units.insert(ref.id());
  }
  return telling;
}

// The units at each time for which a record names them, in the order of the records; and the problems.
Status ReadRecorded(Inquiry& inquiry) {
  std::set<std::pair<std::string, Timestamp>> told;
  std::set<std::string> problems;
  for (const Cited* record : inquiry.recorded) {
    ASSIGN_OR_RETURN(const Telling telling, TellingIn(*record));
    inquiry.times.insert(telling.earliest);
    for (const v1::EntityRef& ref : record->refs) {
      if (ref.role() == "unit" && told.emplace(ref.id(), telling.earliest).second)
        inquiry.units.push_back({WithoutRole(ref), telling.earliest});
      if (ref.role() == "problem" && problems.insert(EntityKeyText(ref)).second)
        inquiry.problems.push_back(WithoutRole(ref));
    }
  }
  inquiry.at = *inquiry.times.begin();
  return OkStatus();
}

void AddRecordedFacts(const Cited& record, const std::string& which, Document& document) {
  document.facts.emplace_back(Text("What", which), record.says);
  document.facts.emplace_back(Text("Happened", which), OccurredCell(record).text);
  document.facts.emplace_back(Text("Recorded", which),
                              Text(TimeText(record.leaf.recorded()), " by ", AgentText(record.leaf.actor())));
}

Status ReadIncident(Inquiry& inquiry, const v1::EntityRef& incident) {
  std::vector<const Cited*> recorded = OfTypes(inquiry.records, {"incident.recorded"});
  // That it was retracted is told, with what was taken back.
  if (recorded.empty()) recorded = AllOfTypes(inquiry.records, {"incident.recorded"});
  if (recorded.empty()) return absl::NotFoundError(Text("INCIDENT: no event records ", EntityKeyText(incident)));
  inquiry.recorded = std::move(recorded);
  RETURN_IF_ERROR(ReadRecorded(inquiry));
  for (const v1::EntityRef& problem : inquiry.problems) {
    ASSIGN_OR_RETURN(const auto more, RecordsOf(inquiry.view, problem));
    inquiry.records.insert(more.begin(), more.end());
  }
  inquiry.document.kind = "incident-bundle";
  inquiry.document.title = Text("Incident ", incident.id());
  inquiry.document.subject = EntityKeyText(incident);
  for (const Cited* record : inquiry.recorded) {
    const std::string which = inquiry.recorded.size() == 1 ? "" : Text(", by leaf ", record->leaf.index());
    AddRecordedFacts(*record, which, inquiry.document);
  }
  return OkStatus();
}

void AddRecorded(const Cited& record, Section& section) {
  section.paragraphs.push_back(record.says);
  if (record.leaf.occurred_earliest().seconds() != record.leaf.occurred_latest().seconds()) {
    section.paragraphs.push_back(
        "It is known to have happened within an interval; what ran is told for its beginning.");
  }
  if (record.void_effect) {
    section.paragraphs.push_back(Text("What recorded it no longer counts: ", record.corrected,
                                      ". This bundle tells what it was about, as if it did."));
  } else if (!record.corrected.empty()) {
    section.paragraphs.push_back(Text("What is recorded of it was corrected: ", record.corrected,
                                      ". All of this bundle is for the time as corrected."));
  }
}

// Which of them is right, nobody can tell from here: each unit is told for each time.
Status SayDifferences(const Inquiry& inquiry, Section& section) {
  std::set<Telling> tellings;
  for (const Cited* record : inquiry.recorded) {
    ASSIGN_OR_RETURN(const Telling telling, TellingIn(*record));
    tellings.insert(telling);
  }
  if (tellings.size() == 1) return OkStatus();
  section.gaps.push_back(
      {std::string(kVigilance),
       Text(inquiry.recorded.size(),
            " records of the incident differ in unit or time: each unit is told for each time at which a record that "
            "names it says that it happened, until those that are wrong are corrected"),
       inquiry.recorded_by()});
  return OkStatus();
}

Status AddIncidentSection(Inquiry& inquiry) {
  Section section = {"incident", "1 The incident", std::string(kVigilance), {}, {}, {}};
  for (const Cited* record : inquiry.recorded) AddRecorded(*record, section);
  RETURN_IF_ERROR(SayDifferences(inquiry, section));
  section.tables.push_back(
      RecordsTable("What is recorded of it and of its problems", All(inquiry.records), "Nothing."));
  const auto expect = [&](const std::set<std::string_view>& types, std::string_view clause, std::string_view text) {
    if (OfTypes(inquiry.records, types).empty())
      section.gaps.push_back({std::string(clause), std::string(text), inquiry.recorded_by()});
  };
  expect({"incident.awareness_established"}, kVigilance,
         "nobody recorded when the manufacturer became aware of it, so no reporting clock runs");
  expect({"problem.reported"}, "IEC 62304 9.1", "no problem report names it or is named by it");
  expect({"problem.investigated"}, "IEC 62304 9.2", "no investigation is recorded");
  expect({"incident.closed"}, "ISO 14971:2019 10",
         "it is not closed: whether the risk file needs an update was not decided");
  inquiry.document.sections.push_back(std::move(section));
  return OkStatus();
}

void AddNoUnit(Inquiry& inquiry) {
  inquiry.document.sections.push_back(
      {"configuration",
       "2 Configuration",
       "IEC 62304 8.1.3, 9.1",
       {},
       {{"IEC 62304 9.1", "the incident names no device unit, so what ran can't be told", inquiry.recorded_by()}},
       {}});
}

}  // namespace

std::string Ran::name() const {
  return known() ? EntityKeyText(entity) : Text("unknown bytes ", DigestText(entity.digest()));
}

std::string Inquiry::told_name(const UnitThen& one) const {
  return times.size() == 1 ? one.unit.id() : Text(one.unit.id(), " at ", FormatTime(one.at));
}

std::vector<uint64_t> Inquiry::recorded_by() const {
  std::vector<uint64_t> leaves;
  for (const Cited* record : recorded) leaves.push_back(record->leaf.index());
  return leaves;
}

void SayUncertain(const Inquiry& inquiry, std::string_view clause, Section& section, Table& table) {
  if (inquiry.uncertain.empty()) return;
  std::string where;
  for (const std::string& one : inquiry.uncertain) where += Text(where.empty() ? "" : "; ", one);
  section.gaps.push_back(
      {std::string(clause), Text("this may not be all, since what ran is not certain: ", where), {}});
  table.when_empty = "Not known: it is not certain what ran.";
}

v1::EntityRef WithoutRole(v1::EntityRef entity) {
  entity.clear_role();
  entity.clear_digest();
  return entity;
}

std::vector<const Cited*> All(const std::map<uint64_t, Cited>& records) {
  std::vector<const Cited*> all;
  for (const auto& [leaf, record] : records) all.push_back(&record);
  return all;
}

std::vector<const Cited*> InOrderOfTime(const std::map<uint64_t, Cited>& records) {
  std::vector<const Cited*> all = All(records);
  std::stable_sort(all.begin(), all.end(), [](const Cited* a, const Cited* b) { return HappenedBefore(*a, *b); });
  return all;
}

bool HappenedBefore(const Cited& one, const Cited& other) {
  const auto time = [](const Cited& record) {
    return std::pair(record.leaf.occurred_earliest().seconds(), record.leaf.occurred_earliest().nanos());
  };
  return time(one) < time(other);
}

StatusOr<Document> IncidentBundle(const LedgerView& view, const v1::EntityRef& incident,
                                  const IncidentOptions& options) {
  Inquiry inquiry(view, options);
  ASSIGN_OR_RETURN(inquiry.records, RecordsOf(view, incident));
  RETURN_IF_ERROR(ReadIncident(inquiry, incident));
  RETURN_IF_ERROR(AddIncidentSection(inquiry));
  for (const UnitThen& one : inquiry.units) RETURN_IF_ERROR(AddUnit(inquiry, one));
  if (inquiry.units.empty()) AddNoUnit(inquiry);
  RETURN_IF_ERROR(AddLineage(inquiry));
  RETURN_IF_ERROR(AddFiles(inquiry));
  RETURN_IF_ERROR(AddRisks(inquiry));
  RETURN_IF_ERROR(AddSimilar(inquiry));
  RETURN_IF_ERROR(AddSiblings(inquiry));
  AddService(inquiry);
  RETURN_IF_ERROR(AddOrders(inquiry));
  RETURN_IF_ERROR(AddRegulatory(inquiry));
  RETURN_IF_ERROR(AddClocks(inquiry, incident));
  ASSIGN_OR_RETURN(const auto everything, Everything(inquiry));
  ASSIGN_OR_RETURN(Section signatures, SignatureSection(view, everything));
  inquiry.document.sections.push_back(std::move(signatures));
  return std::move(inquiry.document);
}

}  // namespace anamnesis::exports
