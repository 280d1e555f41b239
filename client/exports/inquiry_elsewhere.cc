#include <cstdlib>

#include "client/exports/inquiry.h"
#include "client/exports/permissions.h"
#include "client/exports/records.h"
#include "client/exports/sections.h"
#include "ledger/event/names.h"
#include "ledger/query/events.h"
#include "ledger/query/item_history.h"
#include "ledger/query/wording.h"

namespace anamnesis::exports {
namespace {

void AddPlace(const Inquiry& inquiry, const Ran& ran, const v1::WhereAnswer::Place& place, Table& table) {
  for (const UnitThen& told : inquiry.units) {
    if (place.unit() == told.unit.id()) return;
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
       {Text(EntityKeyText(place.item()), ran.possibly ? ", which possibly ran" : ""), Mark::kNone, {}},
       {Text(Words(v1::WhereAnswer::State_Name(place.state())),
             place.because().empty() ? "" : Text(": ", place.because())),
        running ? Mark::kBad : Mark::kNone,
        {}},
       std::move(since)});
}

void SayLeftOut(const UnitHistory& history, HistoryPart part, const std::string& name, Section& section) {
  const size_t left_out = history.left_out.at(part);
  if (left_out == 0) return;
  section.gaps.push_back({section.clauses,
                          Text("of what names ", name, " here, the ", kNearestMax,
                               " nearest before the incident and after it are told; ", left_out, " more are left out"),
                          {}});
}

std::string ZoneText(int32_t utc_offset_minutes) {
  const int32_t minutes = std::abs(utc_offset_minutes);
  if (minutes == 0) return "UTC";
  const std::string rest = minutes % 60 < 10 ? Text("0", minutes % 60) : std::to_string(minutes % 60);
  return Text("UTC", utc_offset_minutes < 0 ? "-" : "+", minutes < 600 ? "0" : "", minutes / 60, ":", rest);
}

}  // namespace

std::vector<v1::EntityRef> ModelsOf(const Inquiry& inquiry) {
  std::map<std::string, v1::EntityRef> models;
  for (const auto& [unit, history] : inquiry.histories) {
    for (const v1::EntityRef& model : EntitiesOf(history.of(HistoryPart::kService), "", "device_model"))
      models.emplace(EntityKeyText(model), model);
  }
  std::vector<v1::EntityRef> list;
  for (const auto& [name, model] : models) list.push_back(model);
  return list;
}

Status AddSimilar(Inquiry& inquiry) {
  Section section = {"similar", "8 Similar problems", "IEC 62304 9.6; ISO 14971:2019 10", {}, {}, {}};
  std::map<uint64_t, Cited>& similar = inquiry.similar;
  const auto add = [&](const std::string& name, const UnitHistory& history) {
    const std::map<uint64_t, Cited>& problems = history.of(HistoryPart::kProblems);
    similar.insert(problems.begin(), problems.end());
    SayLeftOut(history, HistoryPart::kProblems, name, section);
  };
  for (const auto& [unit, history] : inquiry.histories) add(unit, history);
  std::map<std::string, v1::EntityRef> things;
  for (const auto& [name, item] : inquiry.items) {
    if (item.known()) things.emplace(name, WithoutRole(item.entity));
  }
  for (const auto& [id, item] : inquiry.software_items) things.emplace(EntityKeyText(item), item);
  for (auto& [name, item] : things) {
    item.clear_version();
    ASSIGN_OR_RETURN(const UnitHistory history, HistoryOf(inquiry.view, item, inquiry.at, {}));
    add(name, history);
  }
  for (const auto& [leaf, record] : inquiry.records) similar.erase(leaf);
  Table table =
      RecordsTable("Problems, incidents, anomalies and trends of the same units and of any version of what ran",
                   All(similar), "No other one is recorded.");
  if (OfTypes(similar, {"trend.analysed"}).empty())
    section.gaps.push_back({"IEC 62304 9.6", "no analysis of trends is recorded of what ran", {}});
  SayUncertain(inquiry, "IEC 62304 9.6", section, table);
  section.tables.push_back(std::move(table));
  inquiry.document.sections.push_back(std::move(section));
  return OkStatus();
}

Status AddSiblings(Inquiry& inquiry) {
  Section section = {"siblings", "9 Where else it runs", "Regulation (EU) 2017/745 Art. 87, 89", {}, {}, {}};
  Table table = {"Units that run or ran the same",
                 {"Unit", "Site", "Surface", "What", "State", "Since"},
                 {},
                 "No other unit ever ran it."};
  for (const auto& [name, item] : inquiry.items) {
    if (!item.known()) {
      section.gaps.push_back({"IEC 62304 8.3", Text(name, ": where else they ran can't be asked"), {}});
      continue;
    }
    std::string from;
    do {
      v1::Question question;
      v1::WhereQuestion& where = *question.mutable_where();
      *where.mutable_entity() = WithoutRole(item.entity);
      where.set_from(from);
      where.set_limit(1000);
      ASSIGN_OR_RETURN(const v1::Answer answer, AskOrGap(inquiry.view, std::move(question), "IEC 62304 8.3", section));
      for (const v1::WhereAnswer::Place& place : answer.where().places()) AddPlace(inquiry, item, place, table);
      if (table.rows.size() > kRecordsMax)
        return absl::ResourceExhaustedError("more units run it than an export holds");
      from = answer.where().next();
    } while (!from.empty());
  }
  SayUncertain(inquiry, "IEC 62304 8.3", section, table);
  section.tables.push_back(std::move(table));
  inquiry.document.sections.push_back(std::move(section));
  return OkStatus();
}

void AddService(Inquiry& inquiry) {
  Section section = {"service", "10 Service of the unit", "21 CFR 820.35; IEC 62304 8.3", {}, {}, {}};
  std::map<uint64_t, Cited> service;
  std::map<uint64_t, Cited> others;
  for (const auto& [unit, history] : inquiry.histories) {
    service.insert(history.of(HistoryPart::kService).begin(), history.of(HistoryPart::kService).end());
    others.insert(history.of(HistoryPart::kOthers).begin(), history.of(HistoryPart::kOthers).end());
    SayLeftOut(history, HistoryPart::kOthers, unit, section);
  }
  section.tables.push_back(
      RecordsTable("Commissioning, service, installation, relocation", All(service), "Nothing is recorded."));
  section.tables.push_back(RecordsTable("What else names the unit", All(others), "Nothing else is recorded."));
  inquiry.document.sections.push_back(std::move(section));
}

Status AddRegulatory(Inquiry& inquiry) {
  Section section = {
      "regulatory", "12 Authorisations and plans in force", "Regulation (EU) 2017/745; 21 USC 360e-4", {}, {}, {}};
  std::map<uint64_t, Cited>& regulatory = inquiry.regulatory;
  for (const auto& [unit, history] : inquiry.histories) {
    regulatory.insert(history.of(HistoryPart::kRegulatory).begin(), history.of(HistoryPart::kRegulatory).end());
  }
  ASSIGN_OR_RETURN(const auto of_models, RegulatoryOf(inquiry.view, ModelsOf(inquiry), inquiry.at));
  regulatory.insert(of_models.begin(), of_models.end());
  ASSIGN_OR_RETURN(const std::vector<Permission> permissions, PermissionsIn(inquiry.view, regulatory));
  Table table = {"In force at the time of the incident, and now",
                 {"What", "Terms", "At the incident", "Now"},
                 {},
                 "None is recorded."};
  for (const Timestamp at : inquiry.times) {
    const std::string when = inquiry.times.size() == 1 ? "" : FormatTime(at);
    bool any = false;
    for (const Permission& one : permissions) {
      any |= one.InForceAt(at) && one.entity.kind() == "authorisation";
      const std::string then = one.TermsAt(at);
      const std::string now = one.TermsAt(inquiry.view.as_of());
      Cell state = one.StateCell(at);
      if (!when.empty()) state.text = Text(when, ": ", state.text);
      table.rows.push_back({Cite(EntityKeyText(one.entity), one.granted),
                            {then == now ? then : Text("At the incident: ", then, "\nNow: ", now), Mark::kNone, {}},
                            std::move(state),
                            one.StateCell(inquiry.view.as_of())});
    }
    if (any) continue;
    section.gaps.push_back({"Regulation (EU) 2017/745 Art. 5; 21 CFR 807",
                            Text("no authorisation of the unit's device model was in force at the time of the incident",
                                 when.empty() ? "" : ", ", when),
                            {}});
  }
  section.tables.push_back(std::move(table));
  section.tables.push_back(RecordsTable("Authorisations, change plans, commitments and field actions, in their order",
                                        All(regulatory), "None is recorded."));
  inquiry.document.sections.push_back(std::move(section));
  return OkStatus();
}

Status AddClocks(Inquiry& inquiry, const v1::EntityRef& incident) {
  Section section = {"clocks", "13 Reports and their clocks", std::string(kVigilance), {}, {}, {}};
  v1::Question question;
  *question.mutable_clocks()->mutable_incident() = incident;
  *question.mutable_clocks()->mutable_at() = ToProtoTime(inquiry.view.as_of());
  question.mutable_clocks()->set_utc_offset_minutes(inquiry.options.utc_offset_minutes);
  const std::string zone = ZoneText(inquiry.options.utc_offset_minutes);
  section.paragraphs.push_back(Text("Days are counted as they begin in ", zone,
                                    inquiry.options.utc_offset_minutes == 0
                                        ? ", since the export was given no other zone (--utc-offset); the law counts "
                                          "those of the place where it applies."
                                        : ". Times are in UTC."));
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
    const std::string due = clock.due_day().empty() ? "" : Text(clock.due_day(), " ", zone);
    if (!clock.confirmed()) state.text += "; nobody confirmed this rule of the policy against the law";
    if (clock.has_start()) state.leaves.push_back(clock.start().index());
    if (bad)
      section.gaps.push_back(
          {clock.source(), Text(clock.regime(), ": ", state.text, due.empty() ? "" : Text(", due ", due)), {}});
    table.rows.push_back(
        {{Text(clock.regime(), " ", clock.jurisdiction()), Mark::kNone, {}},
         {clock.source(), Mark::kNone, {}},
         std::move(state),
         {due.empty() ? "-" : due, Mark::kNone, {}},
         clock.has_report() ? Cite(TimeText(clock.reported()), clock.report().index()) : Cell{"-", Mark::kNone, {}}});
  }
  if (table.rows.empty() && section.gaps.empty())
    section.gaps.push_back({std::string(kVigilance), "no reporting clocks are adopted, so no due date is known", {}});
  section.tables.push_back(std::move(table));
  section.tables.push_back(RecordsTable("Reports and field actions",
                                        AllOfTypes(inquiry.records, {"vigilance.", "field_action.", "parties."}),
                                        "Nothing was reported and nobody advised."));
  inquiry.document.sections.push_back(std::move(section));
  return OkStatus();
}

}  // namespace anamnesis::exports
