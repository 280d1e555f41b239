#include "client/exports/unit_history.h"

#include <deque>
#include <iterator>
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
      {HistoryPart::kElsewhere, {"gate.requested", "gate.decided"}},
  };
  return *parts;
}

// Keeps those nearest to a time, on either side of it: the order in which they were recorded says nothing of when they
// happened.
class Around {
 public:
  Around(Timestamp at, size_t before, size_t after) : at_(at), before_max_(before), after_max_(after) {}

  Status Add(const v1::LeafReference& leaf) {
    ASSIGN_OR_RETURN(const Timestamp occurred, FromProtoTime(leaf.occurred_earliest(), "occurred_earliest"));
    auto& side = occurred > at_ ? after_ : before_;
    side.emplace(std::pair(occurred, leaf.index()), leaf);
    if (occurred > at_ && after_.size() > after_max_) {
      after_.erase(std::prev(after_.end()));
      ++left_out_;
    } else if (before_.size() > before_max_) {
      before_.erase(before_.begin());
      ++left_out_;
    }
    return OkStatus();
  }

  std::vector<v1::LeafReference> Take() const {
    std::vector<v1::LeafReference> all;
    for (const auto* side : {&before_, &after_}) {
      for (const auto& [place, leaf] : *side) all.push_back(leaf);
    }
    return all;
  }
  size_t left_out() const { return left_out_; }

 private:
  // By time, and for equal times by place in the log.
  using Places = std::map<std::pair<Timestamp, uint64_t>, v1::LeafReference>;

  const Timestamp at_;
  const size_t before_max_;
  const size_t after_max_;
  Places before_;
  Places after_;
  size_t left_out_ = 0;
};

}  // namespace

HistoryPart HistoryPartOf(std::string_view type) {
  for (const PartTypes& part : AllParts()) {
    if (IsOfTypes(type, part.types)) return part.part;
  }
  return HistoryPart::kOthers;
}

Status VisitNaming(const LedgerView& view, const v1::EntityRef& entity,
                   const std::function<Status(const v1::LeafReference&)>& visit) {
  uint64_t from = 0;
  do {
    v1::Question question;
    *question.mutable_status()->mutable_entity() = entity;
    question.mutable_status()->set_from(from);
    const StatusOr<v1::Answer> answer = view.Ask(std::move(question));
    if (absl::IsNotFound(answer.status())) return OkStatus();
    RETURN_IF_ERROR(answer.status());
    for (const v1::StatusAnswer::HistoryEvent& event : answer->status().history()) {
      if (!event.void_effect()) RETURN_IF_ERROR(visit(event.leaf()));
    }
    from = answer->status().next();
  } while (from != 0);
  return OkStatus();
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
    kept.emplace(HistoryPart::kAttestations, Around(at, kAttestationsEachSide, kAttestationsEachSide));
    kept.emplace(HistoryPart::kOthers, Around(at, kRecordsMax, kRecordsMax));
  }
  for (const HistoryPart part :
       {HistoryPart::kService, HistoryPart::kProblems, HistoryPart::kRegulatory, HistoryPart::kOrders}) {
    kept.emplace(part, Around(at, kRecordsMax, kRecordsMax));
  }
  RETURN_IF_ERROR(VisitNaming(view, entity, [&](const v1::LeafReference& leaf) {
    const auto part = kept.find(HistoryPartOf(leaf.type()));
    return part == kept.end() ? OkStatus() : part->second.Add(leaf);
  }));
  UnitHistory history;
  for (const auto& [part, around] : kept) {
    ASSIGN_OR_RETURN(history.parts[part], ReadCited(view, around.Take()));
    history.left_out[part] = around.left_out();
  }
  return history;
}

StatusOr<std::map<uint64_t, Cited>> RegulatoryOf(const LedgerView& view, const std::vector<v1::EntityRef>& models,
                                                 Timestamp at) {
  std::map<uint64_t, Cited> regulatory;
  std::deque<v1::EntityRef> queue(models.begin(), models.end());
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
