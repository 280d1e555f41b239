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
    return jurisdiction == place || (known() && IsMemberOf(policy_->body.document().retention(), jurisdiction, place));
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
      if (const auto* recorded = fact->body<v1::IncidentRecorded>()) {
        loaded.incident_ = fact;
        loaded.harm_ = recorded->harm();
      }
      loaded.events_.push_back(fact);
    }
    if (loaded.events_.empty()) {
      return absl::NotFoundError(Text("nothing is recorded of ", EntityKeyText(incident)));
    }
    std::stable_sort(loaded.events_.begin(), loaded.events_.end(),
                     [](const Fact* a, const Fact* b) { return StartTime(*a) < StartTime(*b); });
    return loaded;
  }

  const Fact* incident() const { return incident_; }
  bool harm_known() const { return harm_ != v1::IncidentRecorded::HARM_UNSPECIFIED; }
  const std::vector<const Fact*>& events() const { return events_; }

  const Places& places() const { return places_; }

  Trigger TriggerOf(const Clocks::Clock& clock) const {
    using Harm = v1::IncidentRecorded;
    switch (clock.trigger()) {
      case Clocks::SERIOUS_INCIDENT:
        return MayBe({Harm::SERIOUS, Harm::DEATH, Harm::PUBLIC_HEALTH}) ? ByHarm(clock) : ByDeterioration();
      case Clocks::PUBLIC_HEALTH_THREAT:
        return MayBe({Harm::PUBLIC_HEALTH}) ? ByHarm(clock) : Not("no public health threat");
      case Clocks::DEATH_OR_DETERIORATION:
        return MayBe({Harm::DEATH}) ? ByHarm(clock) : ByDeterioration();
      case Clocks::COULD_RECUR:
        return MayBe({Harm::NEAR_MISS, Harm::NON_SERIOUS}) ? ByHarm(clock, ", which might be serious another time")
                                                           : Not("neither a near miss nor non-serious harm");
      case Clocks::REMEDIAL_ACTION:
        return ByAwareness(&v1::IncidentAwarenessEstablished::remedial_action, "a need for remedial action");
      case Clocks::FIELD_ACTION:
        return ByFieldAction(clock);
      default:
        return Not("the policy names a trigger that this version doesn't know");
    }
  }

 private:
  // What nothing says the harm of may be anything, and a report is due in time as long as it may be.
  bool MayBe(std::initializer_list<v1::IncidentRecorded::Harm> harms) const {
    return !harm_known() || std::find(harms.begin(), harms.end(), harm_) != harms.end();
  }

  static Trigger Not(std::string why) { return {std::move(why), nullptr, false}; }

  const Fact* FirstOf(std::string_view type) const {
    const auto found =
        std::find_if(events_.begin(), events_.end(), [&](const Fact* fact) { return fact->type() == type; });
    return found == events_.end() ? nullptr : *found;
  }

  Trigger ByHarm(const Clocks::Clock& clock, std::string_view meaning = "") const {
    std::string why = harm_known() ? Text("harm ", v1::IncidentRecorded::Harm_Name(harm_), meaning)
                                   : "no record says which harm, so it may be this";
    return {std::move(why), FirstOf(clock.starts()), true};
  }

  Trigger ByDeterioration() const {
    return ByAwareness(&v1::IncidentAwarenessEstablished::unanticipated_deterioration,
                       "an unanticipated serious deterioration in health");
  }

  Trigger ByAwareness(bool (v1::IncidentAwarenessEstablished::*flag)() const, std::string_view what) const {
    for (const Fact* fact : events_) {
      const auto* aware = fact->body<v1::IncidentAwarenessEstablished>();
      if (aware != nullptr && (aware->*flag)()) return {Text("awareness of ", what), fact, true};
    }
    return Not(Text("nothing recorded of ", what));
  }

  Trigger ByFieldAction(const Clocks::Clock& clock) const {
    for (const Fact* fact : events_) {
      const auto* action = fact->body<v1::FieldActionInitiated>();
      if (action == nullptr) continue;
      if (action->jurisdiction().empty() || places_.Hold(clock.jurisdiction(), action->jurisdiction())) {
        return {"a field action was initiated", fact, true};
      }
    }
    return Not(Text("no field action in ", clock.jurisdiction()));
  }

  Places places_;
  const Fact* incident_ = nullptr;
  v1::IncidentRecorded::Harm harm_ = v1::IncidentRecorded::HARM_UNSPECIFIED;
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

  StatusOr<Answer::Clock> Read(const Clocks::Clock& clock, v1::Answer& answer) {
    Answer::Clock read;
    read.set_regime(clock.regime());
    read.set_jurisdiction(clock.jurisdiction());
    read.set_trigger(clock.trigger());
    read.set_period(clock.period());
    read.set_unit(clock.unit());
    read.set_source(clock.source());
    read.set_confirmed(clock.confirmed());
    const Trigger trigger = case_.TriggerOf(clock);
    read.set_text(trigger.why);
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
    return WithReport(clock, due, std::move(read), answer);
  }

 private:
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
  bool IsUnder(const v1::VigilanceReported& report, const Fact& fact, const Clocks::Clock& clock, v1::Answer& answer) {
    std::set<std::string> regimes;
    for (const Clocks::Clock& one : policy_.clocks()) {
      if (one.jurisdiction() == clock.jurisdiction() && Serves(report.kind(), one.trigger())) {
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

  StatusOr<Answer::Clock> WithReport(const Clocks::Clock& clock, Timestamp due, Answer::Clock read,
                                     v1::Answer& answer) {
    // Events are in order of their times: the first that serves is the first sent.
    std::optional<Timestamp> first;
    for (const Fact* fact : case_.events()) {
      const auto* report = fact->body<v1::VigilanceReported>();
      if (report == nullptr || !case_.places().Hold(clock.jurisdiction(), report->jurisdiction())) continue;
      const Timestamp submitted(report->submitted_at_us());
      if (!Serves(report->kind(), clock.trigger()) || submitted > at_) continue;
      if (!IsUnder(*report, *fact, clock, answer)) continue;
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
  if (incident.incident() != nullptr) {
    ASSIGN_OR_RETURN(*filled.mutable_incident(), facts.Reference(incident.incident()->event.index));
  }
  if (!incident.harm_known()) {
    answer.add_notes(
        "no incident.recorded says how serious it was, so every clock that some harm starts is taken to run");
  }
  v1::LeafReference adoption;
  ASSIGN_OR_RETURN(const std::optional<AdoptedPolicy> policy,
                   FindPolicy(facts, v1::PolicyAdopted::REPORTING_CLOCK, answer, &adoption));
  if (!policy.has_value()) return OkStatus();
  *filled.mutable_policy() = std::move(adoption);
  const Clocks& clocks = policy->body.document().reporting_clocks();
  ClockReader reader(facts, clocks, incident, at, question.utc_offset_minutes());
  for (const Clocks::Clock& clock : clocks.clocks()) {
    ASSIGN_OR_RETURN(*filled.add_clocks(), reader.Read(clock, answer));
    const Answer::Clock& read = filled.clocks(filled.clocks_size() - 1);
    if (read.state() == Answer::OVERDUE) filled.set_overdue(filled.overdue() + 1);
  }
  NoteUnknownPlaces(facts, clocks, incident, answer);
  MarkDecisive(filled);
  return OkStatus();
}

}  // namespace anamnesis
