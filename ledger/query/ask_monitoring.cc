#include <algorithm>
#include <map>
#include <optional>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/query/ask.h"
#include "ledger/query/events.h"
#include "ledger/query/item_scope.h"
#include "ledger/state/edges.h"

namespace anamnesis {
namespace {

using Answer = v1::MonitoringAnswer;

constexpr int64_t kSecondUs = 1'000'000;
constexpr uint64_t kIntervalMaxS = uint64_t{100} * 366 * 86'400;

// Something that ran on a surface of the unit, and how long.
struct Active {
  v1::EntityRef entity;
  std::string surface;
  const Fact* activated = nullptr;
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
    ASSIGN_OR_RETURN(const std::vector<Active> active, ActiveOnUnit());
    for (const Active& one : active) {
      ASSIGN_OR_RETURN(const std::optional<PlannedInterval> planned, IntervalOf(one.entity));
      answer_.set_active(answer_.active() + 1);
      facts_.Cite(one.activated->event.index);
      if (!planned.has_value()) {
        *answer_.add_without_plan() = one.entity;
        continue;
      }
      facts_.Cite(planned->plan);
      RETURN_IF_ERROR(AddGaps(one, *planned));
    }
    return AddWindows();
  }

 private:
  StatusOr<std::vector<Active>> ActiveOnUnit() {
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, facts_.About(unit_, "unit", kQuestionEventsMax));
    if (indexes.empty()) return absl::NotFoundError(Text("monitoring.unit: nothing is recorded of ", unit_.id()));
    std::vector<const Fact*> events;
    for (const LeafIndex index : indexes) {
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(index));
      if (fact->counts() && fact->latest() <= at_) events.push_back(fact);
      if (fact->counts() && fact->type() == "monitoring.recorded") monitored_.push_back(fact);
    }
    std::stable_sort(events.begin(), events.end(),
                     [](const Fact* a, const Fact* b) { return a->latest() < b->latest(); });
    std::map<std::string, Active> running;
    std::vector<Active> all;
    for (const Fact* fact : events) Follow(*fact, running, all);
    for (auto& [surface, one] : running) all.push_back(one);
    return all;
  }

  // One event of the unit: what it ends on a surface, and what it begins.
  static void Follow(const Fact& fact, std::map<std::string, Active>& running, std::vector<Active>& all) {
    const auto end = [&](const std::string& surface) {
      const auto found = running.find(surface);
      if (found == running.end()) return;
      found->second.until = fact.latest();
      all.push_back(found->second);
      running.erase(found);
    };
    const auto begin = [&](const std::string& surface, std::string_view role) {
      end(surface);
      const v1::EntityRef* entity = FindReference(fact.header(), role);
      if (entity != nullptr) running[surface] = {*entity, surface, &fact, std::nullopt};
    };
    if (const auto* activated = fact.body<v1::ArtifactActivated>()) begin(activated->surface(), "artifact");
    if (const auto* rolled_back = fact.body<v1::ArtifactRolledBack>()) begin(rolled_back->surface(), "restored");
    if (const auto* stopped = fact.body<v1::ArtifactDeactivated>()) end(stopped->surface());
    const auto* serviced = fact.body<v1::DeviceUnitServiced>();
    const bool wiped = serviced != nullptr && serviced->storage() == v1::DeviceUnitServiced::NOT_PRESERVED;
    if (fact.type() == "device_unit.decommissioned" || wiped) {
      while (!running.empty()) end(std::string(running.begin()->first));
    }
  }

  // What the newest monitoring plan of the thing's item asks for.
  StatusOr<std::optional<PlannedInterval>> IntervalOf(const v1::EntityRef& entity) {
    std::optional<PlannedInterval> planned;
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> definition,
                     DefinitionOf(facts_.rows(), entity.kind(), entity.id(), entity.version(), facts_.size()));
    if (!definition.has_value()) return planned;
    ASSIGN_OR_RETURN(const Fact* fact, facts_.At(*definition));
    const v1::EntityRef* item = FindReference(fact->header(), "item");
    if (item == nullptr) return planned;
    for (const std::string_view type : {"plan.approved", "plan.revised"}) {
      ASSIGN_OR_RETURN(const std::vector<const Fact*> plans,
                       facts_.OfType(ToEntity(NameOf(*item)), "item", type, kQuestionEventsMax));
      for (const Fact* plan : plans) {
        const auto* approved = plan->body<v1::PlanApproved>();
        const auto* revised = plan->body<v1::PlanRevised>();
        const v1::PlanContent& content = approved != nullptr ? approved->content() : revised->content();
        if (content.kind() != v1::PlanContent::MONITORING || content.monitoring_interval_s() == 0) continue;
        if (planned.has_value() && plan->event.index < planned->plan) continue;
        planned = PlannedInterval{std::min(content.monitoring_interval_s(), kIntervalMaxS), plan->event.index};
      }
    }
    return planned;
  }

  // Erased ones come first.
  static bool EndsBefore(const Fact* one, const Fact* other) {
    const auto end = [](const Fact* fact) {
      const auto* body = fact->body<v1::MonitoringRecorded>();
      return body == nullptr ? 0 : body->window_until_us();
    };
    return end(one) < end(other);
  }

  // Monitoring of the unit that names the thing, or nothing in particular.
  std::vector<const Fact*> WindowsOf(const v1::EntityRef& entity) const {
    std::vector<const Fact*> found;
    for (const Fact* fact : monitored_) {
      const v1::EntityRef* model = FindReference(fact->header(), "model");
      const bool same = model == nullptr || (NameOf(*model) == NameOf(entity) && model->version() == entity.version());
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

  Status AddGaps(const Active& active, const PlannedInterval& planned) {
    Timestamp covered = std::max(active.activated->latest(), from_);
    const Timestamp end = std::min(active.until.value_or(at_), at_);
    const Fact* last = nullptr;
    for (const Fact* fact : WindowsOf(active.entity)) {
      const Timestamp until(fact->body<v1::MonitoringRecorded>()->window_until_us());
      if (until <= covered || until > end) continue;
      RETURN_IF_ERROR(AddGap(active, planned, covered, until, last));
      covered = until;
      last = fact;
    }
    return AddGap(active, planned, covered, end, last);
  }

  // Unless [from, until) is no longer than planned.
  Status AddGap(const Active& active, const PlannedInterval& planned, Timestamp from, Timestamp until,
                const Fact* last) {
    if (until.us - from.us <= static_cast<int64_t>(planned.seconds) * kSecondUs) return OkStatus();
    Answer::Gap& gap = *answer_.add_gaps();
    *gap.mutable_entity() = active.entity;
    gap.set_surface(active.surface);
    *gap.mutable_from() = ToProtoTime(from);
    *gap.mutable_until() = ToProtoTime(until);
    gap.set_interval_s(planned.seconds);
    ASSIGN_OR_RETURN(*gap.mutable_plan(), facts_.Reference(planned.plan));
    ASSIGN_OR_RETURN(*gap.mutable_activated(), facts_.Reference(active.activated->event.index));
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
};

}  // namespace

Status AnswerMonitoring(Facts& facts, const v1::MonitoringQuestion& question, v1::Answer& answer) {
  ASSIGN_OR_RETURN(const Timestamp at, FromProtoTime(question.at(), "monitoring.at"));
  Timestamp from = kTimestampMin;
  if (question.has_from()) {
    ASSIGN_OR_RETURN(from, FromProtoTime(question.from(), "monitoring.from"));
  }
  return Monitor(facts, question.unit(), from, at, *answer.mutable_monitoring()).Fill();
}

}  // namespace anamnesis
