#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_join.h"
#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/adopted_policy.h"
#include "ledger/query/ask.h"
#include "ledger/query/calendar.h"
#include "ledger/query/events.h"
#include "ledger/query/place_in_time.h"

namespace anamnesis {
namespace {

using Clocks = v1::ReportingClocks;
using Answer = v1::ClocksAnswer;

constexpr int32_t kOffsetMinutesMax = 18 * 60;
// A policy can't make a question count longer than this, in days or hours.
constexpr uint32_t kPeriodMax = 10'000;
constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;

// Which law holds where, by the retention policy in force; without one a jurisdiction is only itself.
class Places {
 public:
  static StatusOr<Places> Load(Facts& facts) {
    Places places;
    ASSIGN_OR_RETURN(places.policy_, PolicyInForceAt(facts.rows(), v1::PolicyAdopted::RETENTION, facts.size()));
    return places;
  }

  bool known() const { return policy_.has_value(); }
  void Cite(Facts& facts) const {
    if (known()) facts.Cite(policy_->index);
  }
  // Whether the law of `jurisdiction` holds in `place`.
  bool Hold(std::string_view jurisdiction, std::string_view place) const {
    return jurisdiction == place || (known() && IsMemberOf(policy_->body->document().retention(), jurisdiction, place));
  }

 private:
  std::optional<AdoptedPolicy> policy_;
};

// What triggers a clock, and what starts it.
struct Trigger {
  std::string why;
  // Null when it is triggered but nothing says when it started.
  const Fact* start = nullptr;
  bool triggered = false;
  // The field action that has to be reported, where it is one.
  const v1::EntityRef* field_action = nullptr;
};

Timestamp StartTime(const Fact& fact) {
  if (const auto* aware = fact.body<v1::IncidentAwarenessEstablished>()) return Timestamp(aware->aware_at_us());
  if (const auto* action = fact.body<v1::FieldActionInitiated>()) return Timestamp(action->initiated_at_us());
  return fact.earliest();
}

// All that is recorded of an incident.
class Case {
 public:
  static StatusOr<Case> Load(Facts& facts, const v1::EntityRef& incident) {
    Case loaded;
    ASSIGN_OR_RETURN(loaded.places_, Places::Load(facts));
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, facts.About(incident, "incident", kQuestionEventsMax));
    for (const LeafIndex index : indexes) {
      ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
      if (!fact->counts()) continue;
      facts.Cite(index);
      if (fact->type() == "incident.recorded") loaded.incidents_.push_back(fact);
      loaded.events_.push_back(fact);
    }
    if (loaded.events_.empty()) {
      return absl::NotFoundError(Text("nothing is recorded of ", EntityKeyText(incident)));
    }
    std::sort(loaded.incidents_.begin(), loaded.incidents_.end(), StandsEarlier);
    std::stable_sort(loaded.events_.begin(), loaded.events_.end(),
                     [](const Fact* a, const Fact* b) { return StartTime(*a) < StartTime(*b); });
    return loaded;
  }

  // What says how serious it was, the earliest first. Anybody may record another, and none of them outdoes the others:
  // whoever knows better corrects what is wrong.
  const std::vector<const Fact*>& incidents() const { return incidents_; }
  bool harm_known() const {
    return !incidents_.empty() && std::none_of(incidents_.begin(), incidents_.end(), [](const Fact* incident) {
      return HarmOf(*incident) == v1::IncidentRecorded::HARM_UNSPECIFIED;
    });
  }
  // Unspecified where its body was erased.
  static v1::IncidentRecorded::Harm HarmOf(const Fact& incident) {
    const auto* recorded = incident.body<v1::IncidentRecorded>();
    return recorded == nullptr ? v1::IncidentRecorded::HARM_UNSPECIFIED : recorded->harm();
  }
  const std::vector<const Fact*>& events() const { return events_; }

  const Places& places() const { return places_; }

  // Several only of field actions, each of which has to be reported.
  std::vector<Trigger> TriggersOf(const Clocks::Clock& clock) const {
    using Harm = v1::IncidentRecorded;
    static const std::vector<Harm::Harm> serious = {Harm::SERIOUS, Harm::DEATH, Harm::PUBLIC_HEALTH};
    switch (clock.trigger()) {
      case Clocks::SERIOUS_INCIDENT:
        return {MayBe(serious) ? ByHarm(clock, serious) : ByDeterioration(clock)};
      case Clocks::PUBLIC_HEALTH_THREAT:
        return {MayBe({Harm::PUBLIC_HEALTH}) ? ByHarm(clock, {Harm::PUBLIC_HEALTH}) : Not("no public health threat")};
      case Clocks::DEATH_OR_DETERIORATION:
        return {MayBe({Harm::DEATH}) ? ByHarm(clock, {Harm::DEATH}) : ByDeterioration(clock)};
      case Clocks::COULD_RECUR:
        return {ByRecurrence(clock)};
      case Clocks::REMEDIAL_ACTION:
        return {ByRemedialAction()};
      case Clocks::FIELD_ACTION:
        return ByFieldActions(clock);
      case Clocks::WIDESPREAD_INFRINGEMENT:
        return {Not("no record says so: a person has to judge whether it was this")};
      default:
        return {Not("the policy names a trigger that this version doesn't know")};
    }
  }

  // The field actions that the clock's law asks to be reported, the first initiated first.
  std::vector<const Fact*> FieldActionsUnder(const Clocks::Clock& clock) const {
    std::vector<const Fact*> actions;
    std::set<std::string> ids;
    for (const Fact* fact : events_) {
      const auto* action = fact->body<v1::FieldActionInitiated>();
      if (action == nullptr) continue;
      if (!action->jurisdiction().empty() && !places_.Hold(clock.jurisdiction(), action->jurisdiction())) continue;
      if (ids.insert(FindReference(fact->header(), "field_action")->id()).second) actions.push_back(fact);
    }
    return actions;
  }

 private:
  using Harms = std::vector<v1::IncidentRecorded::Harm>;

  // What nothing says the harm of may be anything, and a report is due in time as long as it may be.
  bool MayBe(const Harms& harms) const { return !harm_known() || !Recorded(harms).empty(); }

  // The names of those of the harms that some record says.
  std::set<std::string> Recorded(const Harms& harms) const {
    std::set<std::string> names;
    for (const Fact* incident : incidents_) {
      const auto harm = HarmOf(*incident);
      if (std::find(harms.begin(), harms.end(), harm) == harms.end()) continue;
      names.insert(v1::IncidentRecorded::Harm_Name(harm));
    }
    return names;
  }

  static Trigger Not(std::string why) { return {std::move(why)}; }

  const Fact* FirstOf(std::string_view type) const {
    const auto found =
        std::find_if(events_.begin(), events_.end(), [&](const Fact* fact) { return fact->type() == type; });
    return found == events_.end() ? nullptr : *found;
  }

  Trigger ByHarm(const Clocks::Clock& clock, const Harms& harms, std::string_view meaning = "") const {
    std::string why = harm_known() ? Text("harm ", absl::StrJoin(Recorded(harms), " or "), meaning)
                                   : "no record says which harm, so it may be this";
    return {std::move(why), FirstOf(clock.starts()), true};
  }

  // That nobody was harmed says nothing of the next time: a malfunction alone is reportable where it might.
  Trigger ByRecurrence(const Clocks::Clock& clock) const {
    using Harm = v1::IncidentRecorded;
    const Harms harms = {Harm::NO_HARM, Harm::NEAR_MISS, Harm::NON_SERIOUS};
    if (MayBe(harms)) return ByHarm(clock, harms, ", which might be serious another time");
    return Not("the harm is serious this time");
  }

  // Counted from when the incident became known: that it was found to be worse later gives no more time.
  Trigger ByDeterioration(const Clocks::Clock& clock) const {
    const Fact* worse = FirstAware(&v1::IncidentAwarenessEstablished::unanticipated_deterioration);
    if (worse == nullptr) return Not("nothing recorded of an unanticipated serious deterioration in health");
    const Fact* start = FirstOf(clock.starts());
    return {Text("awareness of an unanticipated serious deterioration in health",
                 start == nullptr || start == worse ? "" : ", counted from when the incident became known"),
            start, true};
  }

  Trigger ByRemedialAction() const {
    const Fact* needed = FirstAware(&v1::IncidentAwarenessEstablished::remedial_action);
    if (needed == nullptr) return Not("nothing recorded of a need for remedial action");
    return {"awareness of a need for remedial action", needed, true};
  }

  const Fact* FirstAware(bool (v1::IncidentAwarenessEstablished::*flag)() const) const {
    for (const Fact* fact : events_) {
      const auto* aware = fact->body<v1::IncidentAwarenessEstablished>();
      if (aware != nullptr && (aware->*flag)()) return fact;
    }
    return nullptr;
  }

  std::vector<Trigger> ByFieldActions(const Clocks::Clock& clock) const {
    std::vector<Trigger> triggers;
    for (const Fact* fact : FieldActionsUnder(clock)) {
      const v1::EntityRef* action = FindReference(fact->header(), "field_action");
      triggers.push_back({Text(EntityKeyText(*action), " was initiated"), fact, true, action});
    }
    if (triggers.empty()) triggers.push_back(Not(Text("no field action in ", clock.jurisdiction())));
    return triggers;
  }

  Places places_;
  std::vector<const Fact*> incidents_;
  std::vector<const Fact*> events_;
};

bool Serves(v1::VigilanceReported::Kind kind, Clocks::Trigger trigger) {
  using Report = v1::VigilanceReported;
  if (trigger == Clocks::REMEDIAL_ACTION) return kind == Report::FIVE_DAY;
  if (trigger == Clocks::FIELD_ACTION) return kind == Report::FIELD_SAFETY_CORRECTIVE_ACTION;
  return kind == Report::INITIAL || kind == Report::THIRTY_DAY || kind == Report::FIVE_DAY || kind == Report::FINAL;
}

class ClockReader {
 public:
  ClockReader(Facts& facts, const Clocks& policy, const Case& incident, Timestamp at, int32_t offset_minutes)
      : facts_(facts), policy_(policy), case_(incident), at_(at), calendar_(offset_minutes) {}

  StatusOr<Answer::Clock> Read(const Clocks::Clock& clock, const Trigger& trigger, v1::Answer& answer) {
    Answer::Clock read;
    read.set_regime(clock.regime());
    read.set_jurisdiction(clock.jurisdiction());
    read.set_trigger(clock.trigger());
    read.set_period(clock.period());
    read.set_unit(clock.unit());
    read.set_source(clock.source());
    read.set_confirmed(clock.confirmed());
    read.set_text(trigger.why);
    if (trigger.triggered && !InForce(clock, trigger.start == nullptr ? at_ : StartTime(*trigger.start), answer)) {
      read.set_text(Text(trigger.why, ", but before ", clock.applies_from(), ", from when on the law applies"));
      read.set_state(Answer::NOT_TRIGGERED);
      return read;
    }
    if (trigger.triggered && !clock.note().empty()) Note(Text(clock.regime(), ": ", clock.note()), answer);
    if (!trigger.triggered || trigger.start == nullptr) {
      read.set_state(trigger.triggered ? Answer::NOT_STARTED : Answer::NOT_TRIGGERED);
      if (trigger.triggered)
        read.set_text(Text(trigger.why, ", but no ", clock.starts(), " says when it became known"));
      return read;
    }
    ASSIGN_OR_RETURN(*read.mutable_start(), facts_.Reference(trigger.start->event.index));
    const Timestamp started = StartTime(*trigger.start);
    *read.mutable_started() = ToProtoTime(started);
    const Timestamp due = DueOf(clock, started, read, answer);
    *read.mutable_due() = ToProtoTime(due);
    return WithReport(clock, trigger, due, std::move(read), answer);
  }

 private:
  // Once.
  void Note(const std::string& text, v1::Answer& answer) {
    if (noted_.insert(text).second) answer.add_notes(text);
  }

  // Whether the clock's law applies to what became known then. A date that can't be read spares nobody a report.
  bool InForce(const Clocks::Clock& clock, Timestamp known, v1::Answer& answer) {
    if (clock.applies_from().empty()) return true;
    absl::CivilDay from;
    if (!absl::ParseCivilTime(clock.applies_from(), &from)) {
      Note(Text(clock.regime(), ": \"", clock.applies_from(), "\" is no date, so its clocks are taken to run"), answer);
      return true;
    }
    if (calendar_.DayOf(known) >= from) return true;
    Note(Text(clock.regime(), " applies from ", clock.applies_from(), " on: what became known before starts no clock"),
         answer);
    return false;
  }

  // From when on a report is late.
  Timestamp DueOf(const Clocks::Clock& clock, Timestamp started, Answer::Clock& read, v1::Answer& answer) {
    const absl::CivilDay start = calendar_.DayOf(started);
    if (clock.period() == 0 || clock.unit() == Clocks::HOURS) {
      const Timestamp due(started.us + int64_t{std::min(clock.period(), kPeriodMax)} * kHourUs);
      read.set_due_day(absl::FormatCivilTime(calendar_.DayOf(due)));
      return due;
    }
    const uint32_t period = std::min(clock.period(), kPeriodMax);
    absl::CivilDay day = AddDays(start, period, clock.exclude_start_day());
    if (clock.unit() == Clocks::WORK_DAYS) {
      const std::set<std::string> holidays = HolidaysOf(clock);
      day = AddWorkDays(start, period, clock.exclude_start_day(), holidays);
      NoteYearsWithout(holidays, clock.jurisdiction(), start, day, answer);
    }
    read.set_due_day(absl::FormatCivilTime(day));
    NoteZone(answer);
    return calendar_.StartOf(day + 1);
  }

  // Nothing says in which zone the law counts its days, and UTC's may begin some hours off them.
  void NoteZone(v1::Answer& answer) {
    if (!calendar_.is_utc() || !noted_.insert("zone").second) return;
    answer.add_notes(
        "days are those of UTC, since no offset was given: where the law counts the days of another zone, a report may "
        "be due a day earlier or later");
  }

  std::set<std::string> HolidaysOf(const Clocks::Clock& clock) const {
    std::set<std::string> days;
    for (const Clocks::Holiday& holiday : policy_.holidays()) {
      if (holiday.jurisdiction() == clock.jurisdiction()) days.insert(holiday.day());
    }
    return days;
  }

  // Of the years that were counted through, the first for which the policy has no holidays.
  void NoteYearsWithout(const std::set<std::string>& holidays, const std::string& jurisdiction, absl::CivilDay start,
                        absl::CivilDay end, v1::Answer& answer) {
    for (auto year = start.year(); year <= end.year(); ++year) {
      const std::string prefix = Text(year, "-");
      const auto first = holidays.lower_bound(prefix);
      if (first != holidays.end() && first->starts_with(prefix)) continue;
      if (!noted_.insert(Text("holidays ", jurisdiction)).second) return;
      answer.add_notes(
          Text("the policy has no holidays of ", jurisdiction, " in ", year, ": work days are counted without them"));
      return;
    }
  }

  // Whether the report was made under the clock's law. One that doesn't say which is taken for the only one there is in
  // its jurisdiction; where there are several, a person must say which, and every clock goes on.
  bool IsUnder(const v1::VigilanceReported& report, const Fact& fact, const Clocks::Clock& clock, Timestamp started,
               v1::Answer& answer) {
    std::set<std::string> regimes;
    for (const Clocks::Clock& one : policy_.clocks()) {
      if (one.jurisdiction() == clock.jurisdiction() && Serves(report.kind(), one.trigger()) &&
          InForce(one, started, answer)) {
        regimes.insert(one.regime());
      }
    }
    const std::string& said = report.regime();
    if (said == clock.regime() || (said.empty() && regimes.size() == 1)) return true;
    if (regimes.contains(said) || !noted_.insert(Text("report ", fact.event.index.value)).second) return false;
    answer.add_notes(Text("the report at leaf ", fact.event.index.value,
                          said.empty() ? " does not say under which regime it was made"
                                       : Text(" was made under \"", said, "\", of which the policy has no such clock"),
                          ", so it stops no clock of ", absl::StrJoin(regimes, ", "), ": correct it if it should"));
    return false;
  }

  // Of which field action of the clock a report is. One that doesn't say so is taken for the one that had been
  // initiated by then, or else for the next; where several had, a person must say which, and every clock goes on.
  bool IsOf(const Fact& report, const Clocks::Clock& clock, const v1::EntityRef& field_action, v1::Answer& answer) {
    bool says = false;
    for (const v1::EntityRef& ref : report.header().refs()) {
      if (ref.role() != "field_action") continue;
      if (ref.id() == field_action.id()) return true;
      says = true;
    }
    if (says) return false;
    const std::vector<const Fact*> actions = case_.FieldActionsUnder(clock);
    const Timestamp submitted(report.body<v1::VigilanceReported>()->submitted_at_us());
    const auto later = std::find_if(actions.begin(), actions.end(),
                                    [&](const Fact* action) { return StartTime(*action) > submitted; });
    const auto initiated = later - actions.begin();
    const Fact* only = initiated > 1 ? nullptr : actions.front();
    if (actions.size() > 1) NoteUnnamedAction(report, only, answer);
    return only != nullptr && FindReference(only->header(), "field_action")->id() == field_action.id();
  }

  void NoteUnnamedAction(const Fact& report, const Fact* taken_for, v1::Answer& answer) {
    const std::string of =
        taken_for == nullptr
            ? "stops the clock of none"
            : Text("is taken for one of ", EntityKeyText(*FindReference(taken_for->header(), "field_action")), " only");
    Note(
        Text("the report at leaf ", report.event.index.value, " does not say of which of several field actions it is, ",
             "so it ", of, ": correct it to name its field_action"),
        answer);
  }

  StatusOr<Answer::Clock> WithReport(const Clocks::Clock& clock, const Trigger& trigger, Timestamp due,
                                     Answer::Clock read, v1::Answer& answer) {
    // Events are in order of their times: the first that serves is the first sent.
    std::optional<Timestamp> first;
    for (const Fact* fact : case_.events()) {
      const auto* report = fact->body<v1::VigilanceReported>();
      if (report == nullptr || !case_.places().Hold(clock.jurisdiction(), report->jurisdiction())) continue;
      const Timestamp submitted(report->submitted_at_us());
      if (!Serves(report->kind(), clock.trigger()) || submitted > at_) continue;
      if (!IsUnder(*report, *fact, clock, StartTime(*trigger.start), answer)) continue;
      if (trigger.field_action != nullptr && !IsOf(*fact, clock, *trigger.field_action, answer)) continue;
      if (first.has_value() && *first <= submitted) continue;
      first = submitted;
      ASSIGN_OR_RETURN(*read.mutable_report(), facts_.Reference(fact->event.index));
    }
    if (first.has_value()) {
      *read.mutable_reported() = ToProtoTime(*first);
      // With a period of 0, not later than the start means the start itself is in time.
      const bool late = clock.period() == 0 ? *first > due : *first >= due;
      read.set_state(late ? Answer::REPORTED_LATE : Answer::REPORTED);
      return read;
    }
    read.set_state((clock.period() == 0 ? at_ > due : at_ >= due) ? Answer::OVERDUE : Answer::OPEN);
    return read;
  }

  Facts& facts_;
  const Clocks& policy_;
  const Case& case_;
  const Timestamp at_;
  const Calendar calendar_;
  std::set<std::string> noted_;
};

std::string_view JurisdictionOf(const Fact& fact) {
  if (const auto* report = fact.body<v1::VigilanceReported>()) return report->jurisdiction();
  if (const auto* action = fact.body<v1::FieldActionInitiated>()) return action->jurisdiction();
  return "";
}

// What was reported or done where no clock of the policy holds starts and stops none, and may have had to.
void NoteUnknownPlaces(Facts& facts, const Clocks& policy, const Case& incident, v1::Answer& answer) {
  const auto any_clock = [&](const auto& is_it) {
    return std::any_of(policy.clocks().begin(), policy.clocks().end(),
                       [&](const Clocks::Clock& clock) { return is_it(clock.jurisdiction()); });
  };
  for (const Fact* fact : incident.events()) {
    const std::string_view place = JurisdictionOf(*fact);
    if (place.empty() || any_clock([&](const std::string& jurisdiction) { return jurisdiction == place; })) continue;
    incident.places().Cite(facts);
    if (any_clock([&](const std::string& jurisdiction) { return incident.places().Hold(jurisdiction, place); })) {
      continue;
    }
    answer.add_notes(Text("the ", fact->type(), " of leaf ", fact->event.index.value, " is for \"", place,
                          "\", of which the policy has no clock",
                          incident.places().known() ? ""
                                                    : ", and no retention policy is adopted that says to which "
                                                      "region it belongs",
                          ": it starts no clock and stops none"));
  }
}

// The records of the incident that disagree about its harm, or no longer say it.
void NoteHarms(const Case& incident, v1::Answer& answer) {
  const std::vector<const Fact*>& records = incident.incidents();
  if (!incident.harm_known()) {
    answer.add_notes(Text(records.empty() ? "no incident.recorded says" : "not every incident.recorded still says",
                          " how serious it was, so every clock that some harm starts is taken to run"));
  }
  std::set<v1::IncidentRecorded::Harm> harms;
  std::vector<std::string> said;
  for (const Fact* record : records) {
    harms.insert(Case::HarmOf(*record));
    said.push_back(
        Text(v1::IncidentRecorded::Harm_Name(Case::HarmOf(*record)), " (leaf ", record->event.index.value, ")"));
  }
  if (harms.size() < 2) return;
  answer.add_notes(Text("its records differ on the harm, ", absl::StrJoin(said, ", "),
                        ": a clock that any of them starts is taken to run, until those that are wrong are corrected"));
}

// The first due of each regime decides.
void MarkDecisive(Answer& answer) {
  std::map<std::string, Answer::Clock*> first;
  for (Answer::Clock& clock : *answer.mutable_clocks()) {
    if (!clock.has_due() || clock.trigger() == Clocks::FIELD_ACTION) continue;
    Answer::Clock*& best = first[clock.regime()];
    const auto at = [](const Answer::Clock& one) { return std::pair(one.due().seconds(), one.due().nanos()); };
    if (best == nullptr || at(clock) < at(*best)) best = &clock;
  }
  for (const auto& [regime, clock] : first) clock->set_decisive(true);
}

}  // namespace

Status AnswerClocks(Facts& facts, const v1::ClocksQuestion& question, v1::Answer& answer) {
  ASSIGN_OR_RETURN(const Timestamp at, FromProtoTime(question.at(), "clocks.at"));
  if (std::abs(question.utc_offset_minutes()) > kOffsetMinutesMax) {
    return absl::InvalidArgumentError(Text("clocks.utc_offset_minutes: ", question.utc_offset_minutes(),
                                           " is more than ", kOffsetMinutesMax, " from UTC"));
  }
  Answer& filled = *answer.mutable_clocks();
  ASSIGN_OR_RETURN(const Case incident, Case::Load(facts, question.incident()));
  if (!incident.incidents().empty()) {
    ASSIGN_OR_RETURN(*filled.mutable_incident(), facts.Reference(incident.incidents().back()->event.index));
  }
  NoteHarms(incident, answer);
  v1::LeafReference adoption;
  ASSIGN_OR_RETURN(const std::optional<AdoptedPolicy> policy,
                   FindPolicy(facts, v1::PolicyAdopted::REPORTING_CLOCK, answer, &adoption));
  if (!policy.has_value()) return OkStatus();
  *filled.mutable_policy() = std::move(adoption);
  const Clocks& clocks = policy->body->document().reporting_clocks();
  ClockReader reader(facts, clocks, incident, at, question.utc_offset_minutes());
  for (const Clocks::Clock& clock : clocks.clocks()) {
    for (const Trigger& trigger : incident.TriggersOf(clock)) {
      ASSIGN_OR_RETURN(*filled.add_clocks(), reader.Read(clock, trigger, answer));
      const Answer::Clock& read = filled.clocks(filled.clocks_size() - 1);
      if (read.state() == Answer::OVERDUE) filled.set_overdue(filled.overdue() + 1);
    }
  }
  NoteUnknownPlaces(facts, clocks, incident, answer);
  MarkDecisive(filled);
  return OkStatus();
}

}  // namespace anamnesis
