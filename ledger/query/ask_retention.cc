#include <algorithm>
#include <map>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/adopted_policy.h"
#include "ledger/query/ask.h"
#include "ledger/query/calendar.h"
#include "ledger/query/configuration.h"
#include "ledger/query/events.h"
#include "ledger/query/item_scope.h"

namespace anamnesis {
namespace {

using Answer = v1::RetentionAnswer;

// No policy keeps anything longer, and days stay far from overflow.
constexpr uint32_t kYearsMax = 1000;

// Where units of a model were placed, and the last time in each place.
class Placements {
 public:
  static StatusOr<Placements> Load(Facts& facts, const v1::EntityRef& model, Timestamp at, Answer& answer) {
    Placements placements;
    ASSIGN_OR_RETURN(const std::vector<const Fact*> registered,
                     facts.OfType(model, "device_model", "device_model.registered", kQuestionEventsMax));
    for (const Fact* fact : registered) {
      facts.Cite(fact->event.index);
      const auto* body = fact->body<v1::DeviceModelRegistered>();
      if (body != nullptr && body->implantable()) answer.set_implantable(true);
    }
    ASSIGN_OR_RETURN(const std::vector<const Fact*> commissioned,
                     facts.OfType(model, "device_model", "device_unit.commissioned", kQuestionEventsMax));
    if (registered.empty() && commissioned.empty()) {
      return absl::NotFoundError(Text("nothing is recorded of ", EntityKeyText(model)));
    }
    std::set<std::string> units;
    for (const Fact* fact : commissioned) units.insert(FindReference(fact->header(), "unit")->id());
    for (const std::string& unit : units) RETURN_IF_ERROR(placements.AddUnit(facts, unit, at, answer));
    placements.units_ = std::move(units);
    return placements;
  }

  const std::map<std::string, const Fact*>& last() const { return last_; }

  // The last event of the type that names a unit of the model, or nullptr.
  StatusOr<const Fact*> LastOfType(Facts& facts, const std::string& type) const {
    const Fact* last = nullptr;
    for (const std::string& unit : units_) {
      ASSIGN_OR_RETURN(const std::vector<const Fact*> found,
                       facts.OfType(ToEntity({"device_unit", unit}), "", type, kQuestionEventsMax));
      for (const Fact* fact : found) {
        if (last == nullptr || last->latest() < fact->latest()) last = fact;
      }
    }
    return last;
  }

 private:
  Status AddUnit(Facts& facts, const std::string& unit, Timestamp at, Answer& answer) {
    for (const std::string_view type : {"device_unit.commissioned", "device_unit.relocated"}) {
      ASSIGN_OR_RETURN(const std::vector<const Fact*> placed,
                       facts.OfType(ToEntity({"device_unit", unit}), "unit", type, kQuestionEventsMax));
      for (const Fact* fact : placed) {
        const auto* commissioned = fact->body<v1::DeviceUnitCommissioned>();
        const auto* relocated = fact->body<v1::DeviceUnitRelocated>();
        if (commissioned != nullptr) Place(commissioned->jurisdiction(), *fact);
        if (relocated != nullptr) Place(relocated->jurisdiction(), *fact);
      }
    }
    ASSIGN_OR_RETURN(const v1::Configuration config, RunningAt(facts.rows(), unit, at, facts.size()));
    // What may still be in service keeps its records.
    const bool serves = config.unit_state() == v1::UNIT_IN_SERVICE || config.unit_state() == v1::UNIT_UNCERTAIN;
    if (!serves) return OkStatus();
    answer.set_units_in_service(answer.units_in_service() + 1);
    return OkStatus();
  }

  void Place(const std::string& jurisdiction, const Fact& fact) {
    const Fact*& last = last_[jurisdiction];
    if (last == nullptr || last->latest() < fact.latest()) last = &fact;
  }

  std::map<std::string, const Fact*> last_;
  std::set<std::string> units_;
};

// Whether a unit was ever placed where the period holds.
bool Holds(const v1::RetentionPolicy& policy, const v1::RetentionPolicy::Period& period,
           const std::map<std::string, const Fact*>& placements) {
  if (period.jurisdiction().empty() || placements.count(period.jurisdiction()) > 0) return true;
  return std::any_of(placements.begin(), placements.end(),
                     [&](const auto& placed) { return IsMemberOf(policy, period.jurisdiction(), placed.first); });
}

// Where only the periods hold that hold everywhere, the law of the place may ask for longer.
void NotePlacesWithout(const v1::RetentionPolicy& policy, const Placements& placements, v1::Answer& answer) {
  for (const auto& [place, last] : placements.last()) {
    const std::map<std::string, const Fact*> only = {{place, last}};
    const bool any = std::any_of(policy.periods().begin(), policy.periods().end(), [&](const auto& period) {
      return !period.jurisdiction().empty() && Holds(policy, period, only);
    });
    if (any) continue;
    answer.add_notes(Text("the policy has no period of ", place.empty() ? "a place that no record names" : place,
                          ": its law may ask for longer than is counted here"));
  }
}

// `placed` is the last placement.
Status AddPeriods(Facts& facts, const v1::RetentionPolicy& policy, const Placements& placements, const Fact& placed,
                  v1::Answer& whole) {
  Answer& answer = *whole.mutable_retention();
  const Calendar utc(0);
  Timestamp longest = kTimestampMin;
  int decisive = -1;
  for (const v1::RetentionPolicy::Period& period : policy.periods()) {
    if (!Holds(policy, period, placements.last())) continue;
    Answer::Period& added = *answer.add_periods();
    const bool implant = answer.implantable() && period.years_implantable() > 0;
    const uint32_t years = std::min(implant ? period.years_implantable() : period.years(), kYearsMax);
    added.set_jurisdiction(period.jurisdiction());
    added.set_years(years);
    const uint32_t months = std::min(period.months(), kYearsMax * 12);
    added.set_months(months);
    added.set_source(period.source());
    const Fact* from = nullptr;
    if (!period.starts().empty()) {
      ASSIGN_OR_RETURN(from, placements.LastOfType(facts, period.starts()));
      if (from == nullptr) {
        whole.add_notes(Text("no ", period.starts(), " about a unit is recorded: the period of ", period.source(),
                             " is counted from the last placement"));
      }
    }
    if (from == nullptr || from->latest() < placed.latest()) from = &placed;
    ASSIGN_OR_RETURN(*added.mutable_start(), facts.Reference(from->event.index));
    const absl::CivilDay start = utc.DayOf(from->latest());
    const absl::CivilDay last(start.year() + years, start.month() + static_cast<int>(months), start.day());
    const Timestamp until = utc.StartOf(last + 1);
    *added.mutable_keep_until() = ToProtoTime(until);
    if (decisive >= 0 && until <= longest) continue;
    longest = until;
    decisive = answer.periods_size() - 1;
  }
  if (decisive < 0) return OkStatus();
  answer.mutable_periods(decisive)->set_decisive(true);
  *answer.mutable_keep_until() = ToProtoTime(longest);
  return OkStatus();
}

}  // namespace

Status AnswerRetention(Facts& facts, const v1::RetentionQuestion& question, v1::Answer& answer) {
  ASSIGN_OR_RETURN(const Timestamp at, FromProtoTime(question.at(), "retention.at"));
  if (question.device_model().kind() != "device_model") {
    return absl::InvalidArgumentError(
        Text("retention.device_model: \"", EntityKeyText(question.device_model()), "\" is no device model"));
  }
  Answer& filled = *answer.mutable_retention();
  ASSIGN_OR_RETURN(const Placements placements, Placements::Load(facts, question.device_model(), at, filled));
  const Fact* last = nullptr;
  for (const auto& [jurisdiction, fact] : placements.last()) {
    Answer::Placement& placement = *filled.add_placements();
    placement.set_jurisdiction(jurisdiction);
    ASSIGN_OR_RETURN(*placement.mutable_last(), facts.Reference(fact->event.index));
    if (last == nullptr || last->latest() < fact->latest()) last = fact;
  }
  v1::LeafReference adoption;
  ASSIGN_OR_RETURN(const std::optional<AdoptedPolicy> policy,
                   FindPolicy(facts, v1::PolicyAdopted::RETENTION, answer, &adoption));
  if (policy.has_value()) *filled.mutable_policy() = std::move(adoption);
  if (last == nullptr) {
    answer.add_notes("no unit was ever placed, so no period has begun");
    return OkStatus();
  }
  if (!policy.has_value()) return OkStatus();
  NotePlacesWithout(policy->body->document().retention(), placements, answer);
  RETURN_IF_ERROR(AddPeriods(facts, policy->body->document().retention(), placements, *last, answer));
  if (filled.units_in_service() > 0)
    answer.add_notes("units are in service: nothing is due before the last is taken out");
  answer.add_notes("the device's lifetime as its manufacturer defines it holds too where it is longer");
  const bool over = filled.has_keep_until() && at.us >= filled.keep_until().seconds() * 1'000'000;
  filled.set_due(over && filled.units_in_service() == 0);
  return OkStatus();
}

}  // namespace anamnesis
