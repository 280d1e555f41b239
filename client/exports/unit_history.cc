#include "client/exports/unit_history.h"

#include <deque>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "client/exports/records.h"
#include "ledger/event/names.h"
#include "ledger/query/events.h"

namespace anamnesis::exports {
namespace {

constexpr size_t kAttestationsEachSide = 5;

struct PartTypes {
  HistoryPart part;
  std::set<std::string_view> types;
};

const std::vector<PartTypes>& AllParts() {
  static const auto* parts = new std::vector<PartTypes>{
      {HistoryPart::kActivations, {"artifact.activated", "artifact.deactivated", "artifact.rolled_back"}},
      {HistoryPart::kAttestations, {"configuration.attested"}},
      {HistoryPart::kService,
       {"device_unit.", "substrate.installed", "configuration.discrepancy_detected", "release.delivered"}},
      {HistoryPart::kProblems,
       {"problem.reported", "incident.recorded", "trend.", "feedback.", "anomaly.recorded", "monitoring.recorded"}},
      {HistoryPart::kRegulatory,
       {"authorisation.", "change_plan.", "regulatory_commitment.", "udi.", "device_model.", "field_action."}},
      {HistoryPart::kOrders,
       {"hold.", "standing_hold.", "deactivation.", "late_knowledge.", "recertification.", "artifact.revoked",
        "artifact.superseded", "certification.withdrawn", "certification.refused", "envelope.retired"}},
      {HistoryPart::kDecisions, {"gate.decided"}},
      {HistoryPart::kElsewhere, {"gate.requested"}},
  };
  return *parts;
}

// What lies on one side of a time, as much of it as is nearest. What no longer counts takes nobody's place: it is kept
// where it lies among those that do.
class Side {
 public:
  explicit Side(size_t counting_max) : max_(counting_max) {}

  // By time, and for equal times by place in the log: the nearest first.
  using Distance = std::pair<int64_t, uint64_t>;

  void Add(Distance distance, const v1::StatusAnswer::HistoryEvent& event) {
    if (edge_.has_value() && distance > *edge_) {
      ++left_out_;
      return;
    }
    events_.emplace(distance, event);
    counting_ += event.void_effect() ? 0 : 1;
    while (counting_ > max_) {
      const auto last = std::prev(events_.end());
      counting_ -= last->second.void_effect() ? 0 : 1;
      edge_ = last->first;
      events_.erase(last);
      ++left_out_;
    }
  }

  const std::map<Distance, v1::StatusAnswer::HistoryEvent>& events() const { return events_; }
  size_t left_out() const { return left_out_; }

 private:
  const size_t max_;
  std::map<Distance, v1::StatusAnswer::HistoryEvent> events_;
  size_t counting_ = 0;
  size_t left_out_ = 0;
  // The nearest that was left out.
  std::optional<Distance> edge_;
};

// Keeps those nearest to a time, on either side of it: the order in which they were recorded says nothing of when they
// happened.
class Around {
 public:
  Around(Timestamp at, size_t before, size_t after) : at_(at), before_(before), after_(after) {}

  Status Add(const v1::StatusAnswer::HistoryEvent& event) {
    ASSIGN_OR_RETURN(const Timestamp occurred, FromProtoTime(event.leaf().occurred_earliest(), "occurred_earliest"));
    const uint64_t index = event.leaf().index();
    if (occurred > at_) {
      after_.Add({occurred.us - at_.us, index}, event);
    } else {
      before_.Add({at_.us - occurred.us, UINT64_MAX - index}, event);
    }
    return OkStatus();
  }

  StatusOr<std::map<uint64_t, Cited>> Read(const LedgerView& view) const {
    std::vector<v1::LeafReference> leaves;
    for (const Side* side : {&before_, &after_}) {
      for (const auto& [distance, event] : side->events()) leaves.push_back(event.leaf());
    }
    ASSIGN_OR_RETURN(auto cited, ReadCited(view, leaves));
    // What replaces it may not be among them.
    for (const Side* side : {&before_, &after_}) {
      for (const auto& [distance, event] : side->events())
        cited.at(event.leaf().index()).void_effect = event.void_effect();
    }
    return cited;
  }
  size_t left_out() const { return before_.left_out() + after_.left_out(); }

 private:
  const Timestamp at_;
  Side before_;
  Side after_;
};

using OnHistory = std::function<Status(const v1::StatusAnswer::HistoryEvent&)>;

StatusOr<v1::Answer> HistoryFrom(const LedgerView& view, const v1::EntityRef& entity, uint64_t from) {
  v1::Question question;
  *question.mutable_status()->mutable_entity() = entity;
  question.mutable_status()->set_from(from);
  return view.Ask(std::move(question));
}

bool Names(const v1::Event& event, const v1::EntityRef& entity) {
  for (const v1::EntityRef& ref : event.header().refs()) {
    if (ref.kind() == entity.kind() && ref.id() == entity.id()) return true;
  }
  return false;
}

// An answer from leaf 0 tells the state of the entity too, and is refused where too many events name it. From any other
// leaf on only the history is told; so that is asked for, where the first leaf doesn't belong to it.
StatusOr<v1::Answer> FirstOfHistory(const LedgerView& view, const v1::EntityRef& entity) {
  StatusOr<v1::Answer> whole = HistoryFrom(view, entity, 0);
  if (!absl::IsResourceExhausted(whole.status())) return whole;
  ASSIGN_OR_RETURN(const v1::Event first, view.Event(0));
  if (Names(first, entity)) return whole;
  return HistoryFrom(view, entity, 1);
}

// Every event that names the entity, in log order, also what no longer counts.
Status VisitHistory(const LedgerView& view, const v1::EntityRef& entity, const OnHistory& visit) {
  uint64_t from = 0;
  do {
    const StatusOr<v1::Answer> answer = from == 0 ? FirstOfHistory(view, entity) : HistoryFrom(view, entity, from);
    if (absl::IsNotFound(answer.status())) return OkStatus();
    RETURN_IF_ERROR(answer.status());
    for (const v1::StatusAnswer::HistoryEvent& event : answer->status().history()) RETURN_IF_ERROR(visit(event));
    from = answer->status().next();
  } while (from != 0);
  return OkStatus();
}

}  // namespace

HistoryPart HistoryPartOf(std::string_view type) {
  for (const PartTypes& part : AllParts()) {
    if (IsOfTypes(type, part.types)) return part.part;
  }
  return HistoryPart::kOthers;
}

Status VisitNaming(const LedgerView& view, const v1::EntityRef& entity,
                   const std::function<Status(const v1::LeafReference&)>& visit) {
  return VisitHistory(view, entity, [&](const v1::StatusAnswer::HistoryEvent& event) {
    return event.void_effect() ? OkStatus() : visit(event.leaf());
  });
}

const std::map<uint64_t, Cited>& UnitHistory::of(HistoryPart part) const {
  static const auto* none = new std::map<uint64_t, Cited>();
  const auto found = parts.find(part);
  return found == parts.end() ? *none : found->second;
}

StatusOr<UnitHistory> HistoryOf(const LedgerView& view, const v1::EntityRef& entity, Timestamp at,
                                const HistoryOptions& options) {
  // Whatever came after the incident is part of what is asked, within what an export holds.
  std::map<HistoryPart, Around> kept;
  if (options.of_unit) {
    kept.emplace(HistoryPart::kActivations, Around(at, options.activations, kRecordsMax));
    kept.emplace(HistoryPart::kDecisions, Around(at, options.activations, options.activations));
    kept.emplace(HistoryPart::kAttestations, Around(at, kAttestationsEachSide, kAttestationsEachSide));
    kept.emplace(HistoryPart::kOthers, Around(at, kNearestMax, kNearestMax));
  }
  kept.emplace(HistoryPart::kProblems, Around(at, kNearestMax, kNearestMax));
  for (const HistoryPart part : {HistoryPart::kService, HistoryPart::kRegulatory, HistoryPart::kOrders}) {
    kept.emplace(part, Around(at, kRecordsMax, kRecordsMax));
  }
  RETURN_IF_ERROR(VisitHistory(view, entity, [&](const v1::StatusAnswer::HistoryEvent& event) {
    const auto part = kept.find(HistoryPartOf(event.leaf().type()));
    return part == kept.end() ? OkStatus() : part->second.Add(event);
  }));
  UnitHistory history;
  for (const auto& [part, around] : kept) {
    ASSIGN_OR_RETURN(history.parts[part], around.Read(view));
    history.left_out[part] = around.left_out();
  }
  return history;
}

StatusOr<std::map<uint64_t, Cited>> RegulatoryOf(const LedgerView& view, const std::vector<v1::EntityRef>& seeds,
                                                 Timestamp at) {
  std::map<uint64_t, Cited> regulatory;
  std::deque<v1::EntityRef> queue(seeds.begin(), seeds.end());
  std::set<std::string> seen;
  while (!queue.empty()) {
    const v1::EntityRef entity = EntityOf(queue.front().kind(), queue.front().id());
    queue.pop_front();
    if (!seen.insert(EntityKeyText(entity)).second) continue;
    ASSIGN_OR_RETURN(const UnitHistory history, HistoryOf(view, entity, at, {}));
    const std::map<uint64_t, Cited>& found = history.of(HistoryPart::kRegulatory);
    regulatory.insert(found.begin(), found.end());
    // Plans belong to an authorisation, which belongs to a device model; what happens to one of these names only it.
    for (const std::string_view kind : {"authorisation", "change_plan"}) {
      for (v1::EntityRef& ref : EntitiesOf(found, kind, kind)) queue.push_back(std::move(ref));
    }
  }
  return regulatory;
}

}  // namespace anamnesis::exports
