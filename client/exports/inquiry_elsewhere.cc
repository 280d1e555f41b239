#include "client/exports/inquiry.h"
#include "client/exports/records.h"
#include "client/exports/sections.h"
#include "ledger/event/names.h"
#include "ledger/query/events.h"
#include "ledger/query/item_history.h"
#include "ledger/query/wording.h"

namespace anamnesis::exports {
namespace {

void AddPlace(Inquiry& inquiry, const v1::WhereAnswer::Place& place, Table& table) {
  for (const v1::EntityRef& unit : inquiry.units) {
    if (place.unit() == unit.id()) return;
  }
  const bool running = place.state() == v1::WhereAnswer::RUNNING || place.state() == v1::WhereAnswer::POSSIBLY_RUNNING;
  Cell since = {"-", Mark::kNone, {}};
  if (!place.periods().empty()) {
    const v1::WhereAnswer::Period& last = *place.periods().rbegin();
    since = Cite(TimeText(last.began_earliest()), last.began().index());
    if (last.has_ended()) since.leaves.push_back(last.ended().index());
  }
  table.rows.push_back(
      {{place.unit(), Mark::kNone, {}},
       {Text(place.site(), place.jurisdiction().empty() ? "" : Text(" (", place.jurisdiction(), ")")), Mark::kNone, {}},
       {place.surface(), Mark::kNone, {}},
       {EntityKeyText(place.item()), Mark::kNone, {}},
       {Text(Words(v1::WhereAnswer::State_Name(place.state())),
             place.because().empty() ? "" : Text(": ", place.because())),
        running ? Mark::kBad : Mark::kNone,
        {}},
       std::move(since)});
}

}  // namespace

Status AddSimilar(Inquiry& inquiry) {
  Section section = {"similar", "8 Similar problems", "IEC 62304 9.6; ISO 14971:2019 10", {}, {}, {}};
  std::map<uint64_t, Cited> similar;
  for (const auto& [unit, history] : inquiry.histories)
    similar.insert(history.problems.begin(), history.problems.end());
  std::map<std::string, v1::EntityRef> things = inquiry.items;
  for (const auto& [id, item] : inquiry.software_items) things.emplace(EntityKeyText(item), item);
  for (auto& [name, item] : things) {
    item.clear_version();
    ASSIGN_OR_RETURN(const UnitHistory history, HistoryOf(inquiry.view, item, inquiry.at, 0));
    similar.insert(history.problems.begin(), history.problems.end());
  }
  for (const auto& [leaf, record] : inquiry.records) similar.erase(leaf);
  section.tables.push_back(
      RecordsTable("Problems, incidents, anomalies and trends of the same units and of any version of what ran",
                   All(similar), "No other one is recorded."));
  if (OfTypes(similar, {"trend.analysed"}).empty())
    section.gaps.push_back({"IEC 62304 9.6", "no analysis of trends is recorded of what ran", {}});
  inquiry.document.sections.push_back(std::move(section));
  return OkStatus();
}

Status AddSiblings(Inquiry& inquiry) {
  Section section = {"siblings", "9 Where else it runs", "Regulation (EU) 2017/745 Art. 87, 89", {}, {}, {}};
  Table table = {"Units that run or ran the same",
                 {"Unit", "Site", "Surface", "What", "State", "Since"},
                 {},
                 "No other unit ever ran it."};
  for (const auto& [name, item] : inquiry.now_items) {
    std::string from;
    do {
      v1::Question question;
      v1::WhereQuestion& where = *question.mutable_where();
      *where.mutable_entity() = item;
      where.set_from(from);
      where.set_limit(1000);
      ASSIGN_OR_RETURN(const v1::Answer answer, AskOrGap(inquiry.view, std::move(question), "IEC 62304 8.3", section));
      for (const v1::WhereAnswer::Place& place : answer.where().places()) AddPlace(inquiry, place, table);
      if (table.rows.size() > kRecordsMax)
        return absl::ResourceExhaustedError("more units run it than an export holds");
      from = answer.where().next();
    } while (!from.empty());
  }
  section.tables.push_back(std::move(table));
  inquiry.document.sections.push_back(std::move(section));
  return OkStatus();
}

void AddService(Inquiry& inquiry) {
  Section section = {"service", "10 Service of the unit", "21 CFR 820.35; IEC 62304 8.3", {}, {}, {}};
  std::map<uint64_t, Cited> service;
  for (const auto& [unit, history] : inquiry.histories) service.insert(history.service.begin(), history.service.end());
  section.tables.push_back(
      RecordsTable("Commissioning, service, installation, relocation", All(service), "Nothing is recorded."));
  inquiry.document.sections.push_back(std::move(section));
}

Status AddRegulatory(Inquiry& inquiry) {
  Section section = {
      "regulatory", "11 Authorisations and plans in force", "Regulation (EU) 2017/745; 21 USC 360e-4", {}, {}, {}};
  std::map<uint64_t, Cited> regulatory;
  std::map<uint64_t, Cited> service;
  for (const auto& [unit, history] : inquiry.histories) {
    regulatory.insert(history.regulatory.begin(), history.regulatory.end());
    service.insert(history.service.begin(), history.service.end());
  }
  ASSIGN_OR_RETURN(const auto of_models,
                   RegulatoryOf(inquiry.view, EntitiesOf(service, "device_model", "device_model"), inquiry.at));
  regulatory.insert(of_models.begin(), of_models.end());
  section.tables.push_back(
      RecordsTable("Authorisations, change plans, commitments, holds and field actions, in their order",
                   All(regulatory), "None is recorded."));
  if (OfTypes(regulatory, {"authorisation."}).empty()) {
    section.gaps.push_back(
        {"Regulation (EU) 2017/745 Art. 5; 21 CFR 807", "no authorisation is recorded of the unit's device model", {}});
  }
  inquiry.document.sections.push_back(std::move(section));
  return OkStatus();
}

Status AddClocks(Inquiry& inquiry, const v1::EntityRef& incident) {
  Section section = {"clocks", "12 Reports and their clocks", std::string(kVigilance), {}, {}, {}};
  v1::Question question;
  *question.mutable_clocks()->mutable_incident() = incident;
  *question.mutable_clocks()->mutable_at() = ToProtoTime(inquiry.view.as_of());
  ASSIGN_OR_RETURN(const v1::Answer answer, AskOrGap(inquiry.view, std::move(question), kVigilance, section));
  Table table = {
      "Clocks", {"Regime", "Rule", "State", "Due", "Reported"}, {}, "No reporting clocks are adopted as a policy."};
  for (const v1::ClocksAnswer::Clock& clock : answer.clocks().clocks()) {
    const bool bad = clock.state() == v1::ClocksAnswer::OVERDUE || clock.state() == v1::ClocksAnswer::REPORTED_LATE ||
                     clock.state() == v1::ClocksAnswer::NOT_STARTED;
    Cell state = {
        Text(Words(v1::ClocksAnswer::State_Name(clock.state())), clock.text().empty() ? "" : Text(": ", clock.text())),
        bad ? Mark::kBad : Mark::kNone,
        {}};
    if (clock.has_start()) state.leaves.push_back(clock.start().index());
    if (bad)
      section.gaps.push_back(
          {clock.source(),
           Text(clock.regime(), ": ", state.text, clock.due_day().empty() ? "" : Text(", due ", clock.due_day())),
           {}});
    table.rows.push_back(
        {{Text(clock.regime(), " ", clock.jurisdiction()), Mark::kNone, {}},
         {clock.source(), Mark::kNone, {}},
         std::move(state),
         {clock.due_day().empty() ? "-" : clock.due_day(), Mark::kNone, {}},
         clock.has_report() ? Cite(TimeText(clock.reported()), clock.report().index()) : Cell{"-", Mark::kNone, {}}});
  }
  if (table.rows.empty() && section.gaps.empty())
    section.gaps.push_back({std::string(kVigilance), "no reporting clocks are adopted, so no due date is known", {}});
  section.tables.push_back(std::move(table));
  section.tables.push_back(RecordsTable("Reports and field actions",
                                        OfTypes(inquiry.records, {"vigilance.", "field_action.", "parties."}),
                                        "Nothing was reported and nobody advised."));
  inquiry.document.sections.push_back(std::move(section));
  return OkStatus();
}

}  // namespace anamnesis::exports
