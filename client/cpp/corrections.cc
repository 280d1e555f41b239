#include "client/cpp/corrections.h"

#include <utility>

namespace anamnesis {
namespace {

using ByCorrected = std::map<std::string, std::vector<Correction>>;

// The correction that decides what the event with this id counts for, as the ledger finds it (ledger/state/
// corrections.h): the last one that changes state and was not retracted itself; nullptr: none.
const Correction* DeciderOf(const ByCorrected& all, const std::string& event_id, bool of_correction) {
  const auto found = all.find(event_id);
  if (found == all.end()) return nullptr;
  for (auto one = found->second.rbegin(); one != found->second.rend(); ++one) {
    if (one->kind == v1::RecordCorrected::ANNOTATED) continue;
    if (of_correction && one->kind == v1::RecordCorrected::OCCURRED_AT) continue;
    const Correction* over = DeciderOf(all, one->event_id, true);
    if (over != nullptr && over->kind == v1::RecordCorrected::RETRACTED) continue;
    return &*one;
  }
  return nullptr;
}

Correction CorrectionOf(const v1::Event& event) {
  Correction correction;
  correction.leaf = event.index();
  correction.event_id = event.header().event_id();
  v1::RecordCorrected body;
  if (event.content().UnpackTo(&body)) correction.kind = body.kind();
  correction.actor = event.header().actor();
  correction.rationale = event.header().rationale();
  return correction;
}

}  // namespace

Status VisitOfType(LedgerClient& client, std::string_view type, uint64_t size,
                   const std::function<Status(const v1::Event&)>& visit) {
  v1::ReadRequest request;
  request.set_type(std::string(type));
  request.set_include_bodies(true);
  request.mutable_consistency()->set_tree_size_min(size);
  uint64_t from = 0;
  bool more = true;
  while (more) {
    // Each call ends after so many events; only the last one says that there are no others.
    more = false;
    Status visited;
    request.set_from(from);
    RETURN_IF_ERROR(client.Read(request, [&](const v1::ReadResponse& response) {
      more = response.has_event() && response.event().index() < size;
      if (!more) return false;
      from = response.event().index() + 1;
      visited = visit(response.event());
      return visited.ok();
    }));
    RETURN_IF_ERROR(visited);
  }
  return OkStatus();
}

StatusOr<const Corrections::ByCorrected*> Corrections::ReadAll() {
  if (by_corrected_.has_value()) return &*by_corrected_;
  ByCorrected read;
  RETURN_IF_ERROR(VisitOfType(client_, "record.corrected", size_, [&](const v1::Event& event) {
    read[event.header().corrects()].push_back(CorrectionOf(event));
    return OkStatus();
  }));
  for (auto& [event_id, corrections] : read) {
    for (Correction& one : corrections) one.counts = DeciderOf(read, one.event_id, true) == nullptr;
  }
  by_corrected_ = std::move(read);
  return &*by_corrected_;
}

StatusOr<const std::vector<Correction>*> Corrections::Of(const std::string& event_id) {
  static const auto* none = new std::vector<Correction>();
  ASSIGN_OR_RETURN(const ByCorrected* all, ReadAll());
  const auto found = all->find(event_id);
  return found == all->end() ? none : &found->second;
}

StatusOr<std::optional<v1::StatusAnswer::HistoryEvent>> Corrections::HistoryEntry(const v1::Event& event) {
  if (event.header().refs().empty()) return std::optional<v1::StatusAnswer::HistoryEvent>();
  v1::Question question;
  question.set_known_size(size_);
  question.mutable_consistency()->set_tree_size_min(size_);
  v1::StatusQuestion& status = *question.mutable_status();
  *status.mutable_entity() = event.header().refs(0);
  status.mutable_entity()->clear_role();
  status.mutable_entity()->clear_digest();
  status.set_from(event.index());
  status.set_limit(1);
  ASSIGN_OR_RETURN(const v1::Answer answer, client_.Ask(question));
  for (const v1::StatusAnswer::HistoryEvent& entry : answer.status().history()) {
    if (entry.leaf().index() == event.index()) return std::optional(entry);
  }
  return absl::DataLossError(Text("leaf ", event.index(), " is not in the history of what it refers to"));
}

StatusOr<bool> Corrections::Counts(const v1::Event& event) {
  ASSIGN_OR_RETURN(const std::optional<v1::StatusAnswer::HistoryEvent> entry, HistoryEntry(event));
  if (entry.has_value()) return !entry->void_effect();
  ASSIGN_OR_RETURN(const ByCorrected* all, ReadAll());
  const Correction* decider = DeciderOf(*all, event.header().event_id(), event.header().type() == "record.corrected");
  return decider == nullptr || decider->kind == v1::RecordCorrected::OCCURRED_AT;
}

}  // namespace anamnesis
