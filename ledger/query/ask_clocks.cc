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
  v1::IncidentRecorded::Harm harm() const { return harm_; }
  const std::vector<const Fact*>& events() const { return events_; }

  Trigger TriggerOf(const Clocks::Clock& clock) const {
    switch (clock.trigger()) {
      case Clocks::SERIOUS_INCIDENT:
        if (IsSerious()) return ByHarm(clock);
        return ByAwareness(clock, &v1::IncidentAwarenessEstablished::unanticipated_deterioration,
                           "an unanticipated serious deterioration in health");
      case Clocks::PUBLIC_HEALTH_THREAT:
        return harm_ == v1::IncidentRecorded::PUBLIC_HEALTH ? ByHarm(clock) : Not("no public health threat");
      case Clocks::DEATH_OR_DETERIORATION:
        if (harm_ == v1::IncidentRecorded::DEATH) return ByHarm(clock);
        return ByAwareness(clock, &v1::IncidentAwarenessEstablished::unanticipated_deterioration,
                           "an unanticipated serious deterioration in health");
      case Clocks::COULD_RECUR:
        return harm_ == v1::IncidentRecorded::NEAR_MISS || harm_ == v1::IncidentRecorded::NON_SERIOUS
                   ? ByHarm(clock)
                   : Not("neither a near miss nor non-serious harm");
      case Clocks::REMEDIAL_ACTION:
        return ByAwareness(clock, &v1::IncidentAwarenessEstablished::remedial_action, "a need for remedial action");
      case Clocks::FIELD_ACTION:
        return ByFieldAction(clock);
      default:
        return Not("the policy names a trigger that this version doesn't know");
    }
  }

 private:
  bool IsSerious() const {
    return harm_ == v1::IncidentRecorded::SERIOUS || harm_ == v1::IncidentRecorded::DEATH ||
           harm_ == v1::IncidentRecorded::PUBLIC_HEALTH;
  }

  static Trigger Not(std::string why) { return {std::move(why), nullptr, false}; }

  const Fact* FirstOf(std::string_view type) const {
    const auto found =
        std::find_if(events_.begin(), events_.end(), [&](const Fact* fact) { return fact->type() == type; });
    return found == events_.end() ? nullptr : *found;
  }

  Trigger ByHarm(const Clocks::Clock& clock) const {
    return {Text("harm ", v1::IncidentRecorded::Harm_Name(harm_)), FirstOf(clock.starts()), true};
  }

  Trigger ByAwareness(const Clocks::Clock&, bool (v1::IncidentAwarenessEstablished::*flag)() const,
                      std::string_view what) const {
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
      if (action->jurisdiction().empty() || action->jurisdiction() == clock.jurisdiction()) {
        return {"a field action was initiated", fact, true};
      }
    }
    return Not("no field action");
  }

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
    const absl::CivilDay day = clock.unit() == Clocks::WORK_DAYS
                                   ? AddWorkDays(start, std::min(clock.period(), kPeriodMax), clock.exclude_start_day(),
                                                 HolidaysOf(clock, start, answer))
                                   : AddDays(start, std::min(clock.period(), kPeriodMax), clock.exclude_start_day());
    read.set_due_day(absl::FormatCivilTime(day));
    return calendar_.StartOf(day + 1);
  }

  std::set<std::string> HolidaysOf(const Clocks::Clock& clock, absl::CivilDay start, v1::Answer& answer) {
    std::set<std::string> days;
    for (const Clocks::Holiday& holiday : policy_.holidays()) {
      if (holiday.jurisdiction() == clock.jurisdiction()) days.insert(holiday.day());
    }
    const std::string year = Text(start.year(), "-");
    const auto first = days.lower_bound(year);
    const bool known = first != days.end() && first->compare(0, year.size(), year) == 0;
    if (!known && noted_.insert(clock.jurisdiction()).second) {
      answer.add_notes(Text("the policy has no holidays of ", clock.jurisdiction(), " in ", start.year(),
                            ": work days are counted without them"));
    }
    return days;
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
      if (report == nullptr || report->jurisdiction() != clock.jurisdiction()) continue;
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
  } else {
    answer.add_notes("no incident.recorded says how serious it was");
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
  MarkDecisive(filled);
  return OkStatus();
}

}  // namespace anamnesis
