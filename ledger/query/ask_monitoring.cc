#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/any_version.h"
#include "ledger/query/ask.h"
#include "ledger/query/configuration.h"
#include "ledger/query/events.h"
#include "ledger/query/item_scope.h"
#include "ledger/query/plans_in_force.h"
#include "ledger/query/unit_changes.h"
#include "ledger/state/configuration.h"
#include "ledger/state/edges.h"

namespace anamnesis {
namespace {

using Answer = v1::MonitoringAnswer;

constexpr int64_t kSecondUs = 1'000'000;
constexpr uint64_t kIntervalMaxS = uint64_t{100} * 366 * 86'400;

// Something that runs on a surface of the unit, or may, without a break.
struct Stretch {
  v1::EntityRef entity;
  std::string surface;
  // What says so.
  LeafIndex since;
  Timestamp from;
  // Without it, it runs at the time asked about.
  std::optional<Timestamp> until;
};

struct PlannedInterval {
  uint64_t seconds = 0;
  LeafIndex plan;
};

class Monitor {
 public:
  Monitor(Facts& facts, const std::string& unit, Timestamp from, Timestamp at, Answer& answer)
      : facts_(facts), from_(from), at_(at), answer_(answer) {
    unit_.set_kind("device_unit");
    unit_.set_id(unit);
  }

  Status Fill() {
    ASSIGN_OR_RETURN(const std::vector<Stretch> stretches, Stretches());
    ASSIGN_OR_RETURN(monitored_, facts_.OfType(unit_, "unit", "monitoring.recorded", kQuestionEventsMax + 1));
    std::set<std::string> without_plan;
    for (const Stretch& one : stretches) {
      ASSIGN_OR_RETURN(const std::optional<PlannedInterval> planned, IntervalOf(one.entity));
      const bool active = !one.until.has_value();
      if (active) answer_.set_active(answer_.active() + 1);
      if (!planned.has_value()) {
        if (active && without_plan.insert(EntityKeyText(one.entity)).second) *answer_.add_without_plan() = one.entity;
        continue;
      }
      facts_.Cite(planned->plan);
      RETURN_IF_ERROR(AddGaps(one, *planned));
    }
    return AddWindows();
  }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  // What ran in the time asked about, from one change of the unit's configuration to the next.
  StatusOr<std::vector<Stretch>> Stretches() {
    ASSIGN_OR_RETURN(std::set<Timestamp> times, TimesOfChange(facts_, unit_.id(), from_, at_, "monitoring.unit"));
    if (from_ > kTimestampMin) times.insert(from_);
    times.insert(at_);
    std::map<StretchKey, Stretch> open;
    std::vector<Stretch> all;
    for (const Timestamp time : times) {
      ASSIGN_OR_RETURN(const v1::Configuration config, RunningAt(facts_.rows(), unit_.id(), time, facts_.size()));
      for (const uint64_t leaf : config.leaves()) facts_.Cite(LeafIndex(leaf));
      std::map<StretchKey, Stretch> running;
      for (const v1::ConfigurationItem& item : config.items()) AddRunning(item, config, time, running);
      for (auto& [key, stretch] : open) {
        const auto goes_on = running.find(key);
        if (goes_on == running.end()) {
          stretch.until = time;
          all.push_back(std::move(stretch));
        } else {
          goes_on->second = std::move(stretch);
        }
      }
      open = std::move(running);
      if (time == at_) NoteUnknown(config);
    }
    for (auto& [key, stretch] : open) all.push_back(std::move(stretch));
    return all;
  }

  // Surface, and what is on it.
  using StretchKey = std::pair<std::string, std::string>;

  // What may run counts as what does: that nobody is sure is no reason not to look at it. The substrate that it runs on
  // has no monitoring of its own.
  static void AddRunning(const v1::ConfigurationItem& item, const v1::Configuration& config, Timestamp time,
                         std::map<StretchKey, Stretch>& running) {
    if (item.surface() == kSubstrateSurface) return;
    const auto add = [&](const v1::EntityRef& entity, const v1::LeafReference* since) {
      // What was only measured is there since it was measured.
      const uint64_t leaf = since != nullptr ? since->index() : config.attestation().leaf().index();
      running.try_emplace({item.surface(), EntityKeyText(entity)},
                          Stretch{entity, item.surface(), LeafIndex(leaf), time, std::nullopt});
    };
    if (item.has_item()) add(item.item(), item.has_since() ? &item.since() : nullptr);
    for (const v1::Possibility& possibility : item.possibilities()) {
      if (possibility.has_item()) add(possibility.item(), possibility.has_since() ? &possibility.since() : nullptr);
    }
  }

  void NoteUnknown(const v1::Configuration& config) {
    for (const v1::ConfigurationItem& item : config.items()) {
      if (item.confidence() != v1::UNKNOWN || item.surface() == kSubstrateSurface) continue;
      std::string possible;
      for (const v1::Possibility& one : item.possibilities()) {
        if (one.has_item()) possible += Text(possible.empty() ? "" : ", ", EntityKeyText(one.item()));
      }
      notes_.push_back(Text("what runs on ", item.surface(), " is not certain: ", item.unknown_because(),
                            possible.empty() ? "" : Text("; counted as running: ", possible)));
    }
  }

  // The software items that the thing is of: its own, or of a baseline those of its members.
  StatusOr<std::set<EntityName>> ItemsOf(const v1::EntityRef& entity) {
    std::set<EntityName> items;
    ASSIGN_OR_RETURN(const Fact* defined, DefinedAs(entity));
    if (defined == nullptr) return items;
    for (const v1::EntityRef& ref : defined->header().refs()) {
      if (ref.role() == "item") items.insert(NameOf(ref));
      if (ref.role() != "member") continue;
      ASSIGN_OR_RETURN(const Fact* member, DefinedAs(ref));
      const v1::EntityRef* item = member == nullptr ? nullptr : FindReference(member->header(), "item");
      if (item != nullptr) items.insert(NameOf(*item));
    }
    return items;
  }

  StatusOr<const Fact*> DefinedAs(const v1::EntityRef& entity) {
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> definition,
                     DefinitionOf(facts_.rows(), entity.kind(), entity.id(), entity.version(), facts_.size()));
    if (!definition.has_value()) return nullptr;
    return facts_.At(*definition);
  }

  // What the monitoring plans in force of the thing's items ask for; of several the shortest.
  StatusOr<std::optional<PlannedInterval>> IntervalOf(const v1::EntityRef& entity) {
    std::optional<PlannedInterval> planned;
    ASSIGN_OR_RETURN(const std::set<EntityName> items, ItemsOf(entity));
    for (const EntityName& item : items) {
      ASSIGN_OR_RETURN(const std::optional<PlannedInterval> of_item, IntervalOfItem(item));
      if (of_item.has_value()) TakeShorter(*of_item, planned);
    }
    return planned;
  }

  static void TakeShorter(const PlannedInterval& interval, std::optional<PlannedInterval>& planned) {
    if (!planned.has_value() || interval.seconds < planned->seconds) planned = interval;
  }

  // Worked out once for each item, however many things of it run.
  StatusOr<std::optional<PlannedInterval>> IntervalOfItem(const EntityName& item) {
    const auto known = intervals_.find(item);
    if (known != intervals_.end()) return known->second;
    std::optional<PlannedInterval> planned;
    ASSIGN_OR_RETURN(const auto plans, PlansOf(item));
    for (const auto& [id, plan] : plans) {
      const v1::PlanContent* content = PlanOf(*plan);
      if (content == nullptr || content->kind() != v1::PlanContent::MONITORING) continue;
      const uint64_t seconds = std::min(content->monitoring_interval_s(), kIntervalMaxS);
      if (seconds > 0) TakeShorter({seconds, plan->event.index}, planned);
    }
    return intervals_[item] = planned;
  }

  // The item's plans in force. A revision need not say again which item its plan is of.
  StatusOr<std::map<std::string, const Fact*>> PlansOf(const EntityName& item) {
    std::set<EntityName> plans;
    for (const std::string_view type : {"plan.approved", "plan.revised"}) {
      ASSIGN_OR_RETURN(const std::vector<const Fact*> found,
                       facts_.OfType(ToEntity(item), "item", type, kQuestionEventsMax));
      for (const Fact* fact : found) plans.insert(NameOf(*FindReference(fact->header(), "plan")));
    }
    std::vector<const Fact*> events;
    for (const EntityName& plan : plans) {
      ASSIGN_OR_RETURN(const std::vector<const Fact*> defined, DefinitionsOfAnyVersion(facts_, ToEntity(plan)));
      std::copy_if(defined.begin(), defined.end(), std::back_inserter(events),
                   [&](const Fact* fact) { return !IsOfOthers(*fact, item); });
    }
    return PlansInForce(std::move(events));
  }

  // It names items, but not this one.
  static bool IsOfOthers(const Fact& fact, const EntityName& item) {
    if (FindReference(fact.header(), "item") == nullptr) return false;
    const auto& refs = fact.header().refs();
    return std::none_of(refs.begin(), refs.end(),
                        [&](const v1::EntityRef& ref) { return ref.role() == "item" && NameOf(ref) == item; });
  }

  // Erased ones come first.
  static bool EndsBefore(const Fact* one, const Fact* other) {
    const auto end = [](const Fact* fact) {
      const auto* body = fact->body<v1::MonitoringRecorded>();
      return body == nullptr ? 0 : body->window_until_us();
    };
    return end(one) < end(other);
  }

  // The thing and what runs as a part of it: monitoring names models and artifacts, never the release or baseline that
  // they came with.
  StatusOr<std::set<std::string>> RunningWith(const v1::EntityRef& entity) {
    std::set<std::string> running;
    std::vector<v1::EntityRef> open = {entity};
    while (!open.empty()) {
      const v1::EntityRef one = std::move(open.back());
      open.pop_back();
      if (!running.insert(EntityKeyText(one)).second || (one.kind() != "baseline" && one.kind() != "release")) continue;
      ASSIGN_OR_RETURN(const Fact* defined, DefinedAs(one));
      if (defined == nullptr) continue;
      for (const v1::EntityRef& ref : defined->header().refs()) {
        if (ref.role() == "member" || ref.role() == "model") open.push_back(ref);
      }
    }
    return running;
  }

  // Monitoring of the unit that names something of it, or nothing in particular.
  StatusOr<std::vector<const Fact*>> WindowsOf(const v1::EntityRef& entity) {
    ASSIGN_OR_RETURN(const std::set<std::string> running, RunningWith(entity));
    std::vector<const Fact*> found;
    for (const Fact* fact : monitored_) {
      const auto& refs = fact->header().refs();
      const bool same = FindReference(fact->header(), "model") == nullptr ||
                        std::any_of(refs.begin(), refs.end(), [&](const v1::EntityRef& ref) {
                          return ref.role() == "model" && running.contains(EntityKeyText(ref));
                        });
      if (same && fact->body<v1::MonitoringRecorded>() != nullptr) found.push_back(fact);
    }
    std::stable_sort(found.begin(), found.end(), EndsBefore);
    return found;
  }

  // Those that end in the time asked about.
  Status AddWindows() {
    std::stable_sort(monitored_.begin(), monitored_.end(), EndsBefore);
    for (const Fact* fact : monitored_) {
      const auto* body = fact->body<v1::MonitoringRecorded>();
      if (body == nullptr) continue;
      const Timestamp until(body->window_until_us());
      if (until <= from_ || until > at_) continue;
      Answer::Window& window = *answer_.add_windows();
      ASSIGN_OR_RETURN(*window.mutable_leaf(), facts_.Reference(fact->event.index));
      facts_.Cite(fact->event.index);
      if (const v1::EntityRef* model = FindReference(fact->header(), "model")) *window.mutable_entity() = *model;
      *window.mutable_from() = ToProtoTime(Timestamp(body->window_from_us()));
      *window.mutable_until() = ToProtoTime(until);
      window.set_cases(body->cases());
      if (body->has_drift()) *window.mutable_drift() = body->drift();
    }
    return OkStatus();
  }

  Status AddGaps(const Stretch& active, const PlannedInterval& planned) {
    Timestamp covered = active.from;
    const Timestamp end = active.until.value_or(at_);
    const Fact* last = nullptr;
    ASSIGN_OR_RETURN(const std::vector<const Fact*> windows, WindowsOf(active.entity));
    for (const Fact* fact : windows) {
      const Timestamp until(fact->body<v1::MonitoringRecorded>()->window_until_us());
      if (until <= covered || until > end) continue;
      RETURN_IF_ERROR(AddGap(active, planned, covered, until, last));
      covered = until;
      last = fact;
    }
    return AddGap(active, planned, covered, end, last);
  }

  // Unless [from, until) is no longer than planned.
  Status AddGap(const Stretch& active, const PlannedInterval& planned, Timestamp from, Timestamp until,
                const Fact* last) {
    if (until.us - from.us <= static_cast<int64_t>(planned.seconds) * kSecondUs) return OkStatus();
    Answer::Gap& gap = *answer_.add_gaps();
    *gap.mutable_entity() = active.entity;
    gap.set_surface(active.surface);
    *gap.mutable_from() = ToProtoTime(from);
    *gap.mutable_until() = ToProtoTime(until);
    gap.set_interval_s(planned.seconds);
    ASSIGN_OR_RETURN(*gap.mutable_plan(), facts_.Reference(planned.plan));
    ASSIGN_OR_RETURN(*gap.mutable_activated(), facts_.Reference(active.since));
    if (last != nullptr) {
      ASSIGN_OR_RETURN(*gap.mutable_last_monitoring(), facts_.Reference(last->event.index));
    }
    return OkStatus();
  }

  Facts& facts_;
  v1::EntityRef unit_;
  const Timestamp from_;
  const Timestamp at_;
  Answer& answer_;
  std::vector<const Fact*> monitored_;
  std::map<EntityName, std::optional<PlannedInterval>> intervals_;
  std::vector<std::string> notes_;
};

}  // namespace

Status AnswerMonitoring(Facts& facts, const v1::MonitoringQuestion& question, v1::Answer& answer) {
  ASSIGN_OR_RETURN(const Timestamp at, FromProtoTime(question.at(), "monitoring.at"));
  Timestamp from = kTimestampMin;
  if (question.has_from()) {
    ASSIGN_OR_RETURN(from, FromProtoTime(question.from(), "monitoring.from"));
  }
  if (from > at) return absl::InvalidArgumentError("monitoring.from: must not be later than monitoring.at");
  Monitor monitor(facts, question.unit(), from, at, *answer.mutable_monitoring());
  RETURN_IF_ERROR(monitor.Fill());
  answer.mutable_notes()->Add(monitor.notes().begin(), monitor.notes().end());
  return OkStatus();
}

}  // namespace anamnesis
