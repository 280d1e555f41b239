#include "client/exports/unit_history.h"

#include <deque>

#include "client/exports/records.h"
#include "ledger/query/events.h"

namespace anamnesis::exports {
namespace {

constexpr size_t kAttestationsEachSide = 5;

const std::set<std::string_view>& Activations() {
  static const auto* types =
      new std::set<std::string_view>{"artifact.activated", "artifact.deactivated", "artifact.rolled_back"};
  return *types;
}
const std::set<std::string_view>& Service() {
  static const auto* types =
      new std::set<std::string_view>{"device_unit.", "substrate.installed", "configuration.discrepancy_detected"};
  return *types;
}
const std::set<std::string_view>& Problems() {
  static const auto* types = new std::set<std::string_view>{"problem.reported", "incident.recorded", "trend.",
                                                            "feedback.", "anomaly.recorded"};
  return *types;
}
const std::set<std::string_view>& Regulatory() {
  static const auto* types = new std::set<std::string_view>{
      "authorisation.", "change_plan.", "regulatory_commitment.", "udi.", "device_model.", "field_action.", "hold."};
  return *types;
}

// Keeps the last few up to a time, and the first few after it.
class Around {
 public:
  Around(Timestamp at, size_t before, size_t after) : at_(at), before_max_(before), after_max_(after) {}

  Status Add(const v1::LeafReference& leaf) {
    ASSIGN_OR_RETURN(const Timestamp occurred, FromProtoTime(leaf.occurred_earliest(), "occurred_earliest"));
    if (occurred > at_) {
      if (after_.size() < after_max_) after_.push_back(leaf);
      return OkStatus();
    }
    before_.push_back(leaf);
    if (before_.size() > before_max_) before_.pop_front();
    return OkStatus();
  }

  std::vector<v1::LeafReference> Take() {
    std::vector<v1::LeafReference> all(before_.begin(), before_.end());
    all.insert(all.end(), after_.begin(), after_.end());
    return all;
  }

 private:
  const Timestamp at_;
  const size_t before_max_;
  const size_t after_max_;
  std::deque<v1::LeafReference> before_;
  std::vector<v1::LeafReference> after_;
};

}  // namespace

StatusOr<UnitHistory> HistoryOf(const LedgerView& view, const v1::EntityRef& entity, Timestamp at, size_t activations) {
  // Whatever came after the incident is part of what is asked, within what an export holds.
  Around activated(at, activations, kRecordsMax);
  Around attested(at, kAttestationsEachSide, kAttestationsEachSide);
  Around serviced(at, kRecordsMax, kRecordsMax);
  Around problems(at, kRecordsMax, kRecordsMax);
  Around regulatory(at, kRecordsMax, kRecordsMax);
  uint64_t from = 0;
  do {
    v1::Question question;
    *question.mutable_status()->mutable_entity() = entity;
    question.mutable_status()->set_from(from);
    const StatusOr<v1::Answer> answer = view.Ask(std::move(question));
    if (absl::IsNotFound(answer.status())) break;
    RETURN_IF_ERROR(answer.status());
    for (const v1::StatusAnswer::HistoryEvent& event : answer->status().history()) {
      if (event.void_effect()) continue;
      const v1::LeafReference& leaf = event.leaf();
      if (IsOfTypes(leaf.type(), Activations())) RETURN_IF_ERROR(activated.Add(leaf));
      if (leaf.type() == "configuration.attested") RETURN_IF_ERROR(attested.Add(leaf));
      if (IsOfTypes(leaf.type(), Service())) RETURN_IF_ERROR(serviced.Add(leaf));
      if (IsOfTypes(leaf.type(), Problems())) RETURN_IF_ERROR(problems.Add(leaf));
      if (IsOfTypes(leaf.type(), Regulatory())) RETURN_IF_ERROR(regulatory.Add(leaf));
    }
    from = answer->status().next();
  } while (from != 0);
  UnitHistory history;
  ASSIGN_OR_RETURN(history.activations, ReadCited(view, activated.Take()));
  ASSIGN_OR_RETURN(history.attestations, ReadCited(view, attested.Take()));
  ASSIGN_OR_RETURN(history.service, ReadCited(view, serviced.Take()));
  ASSIGN_OR_RETURN(history.problems, ReadCited(view, problems.Take()));
  ASSIGN_OR_RETURN(history.regulatory, ReadCited(view, regulatory.Take()));
  return history;
}

StatusOr<std::map<uint64_t, Cited>> RegulatoryOf(const LedgerView& view, const std::vector<v1::EntityRef>& models,
                                                 Timestamp at) {
  std::map<uint64_t, Cited> regulatory;
  for (const v1::EntityRef& model : models) {
    ASSIGN_OR_RETURN(const UnitHistory history, HistoryOf(view, EntityOf(model.kind(), model.id()), at, 0));
    regulatory.insert(history.regulatory.begin(), history.regulatory.end());
  }
  // Plans belong to an authorisation, and what happens to it names only it.
  for (const v1::EntityRef& authorisation : EntitiesOf(regulatory, "authorisation", "authorisation")) {
    const v1::EntityRef any = EntityOf(authorisation.kind(), authorisation.id());
    ASSIGN_OR_RETURN(const UnitHistory history, HistoryOf(view, any, at, 0));
    regulatory.insert(history.regulatory.begin(), history.regulatory.end());
  }
  return regulatory;
}

}  // namespace anamnesis::exports
