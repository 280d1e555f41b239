#include "client/interchange/ledger_view.h"

#include "ledger/event/vocabulary.h"
#include "ledger/query/events.h"

namespace anamnesis::interchange {
namespace {

const EventType* TypeOf(const v1::Event& event) {
  return Vocabulary::Get().Find(event.header().type(), event.header().schema_version());
}

}  // namespace

Status LedgerView::Open() {
  ASSIGN_OR_RETURN(const v1::LedgerStatus status, client_.GetStatus());
  origin_ = status.origin();
  if (size_ == 0) size_ = status.tree_size();
  corrections_.emplace(client_, size_);
  if (size_ <= status.tree_size()) return OkStatus();
  return absl::OutOfRangeError(Text("--known-size: is ", size_, "; the ledger has ", status.tree_size(), " events"));
}

StatusOr<v1::Answer> LedgerView::Ask(v1::Question question) {
  question.set_known_size(size_);
  return client_.Ask(question);
}

StatusOr<const v1::Event*> LedgerView::Keep(StatusOr<v1::Event> event) {
  RETURN_IF_ERROR(event.status());
  const uint64_t index = event->index();
  if (index >= size_) {
    return absl::NotFoundError(Text("event ", index, " is not among the first ", size_, " events of the ledger"));
  }
  return &events_.insert_or_assign(index, *std::move(event)).first->second;
}

StatusOr<const v1::Event*> LedgerView::At(uint64_t index) {
  if (const auto known = events_.find(index); known != events_.end()) return &known->second;
  v1::GetEventRequest request;
  request.set_index(index);
  return Keep(client_.GetEvent(request));
}

StatusOr<const v1::Event*> LedgerView::ById(std::string_view event_id) {
  v1::GetEventRequest request;
  request.set_event_id(std::string(event_id));
  return Keep(client_.GetEvent(request));
}

StatusOr<Standing> Standing::Of(const v1::LeafReference& leaf, bool counts) {
  Standing standing;
  standing.counts = counts;
  ASSIGN_OR_RETURN(standing.earliest, FromProtoTime(leaf.occurred_earliest(), "occurred_earliest"));
  ASSIGN_OR_RETURN(standing.latest, FromProtoTime(leaf.occurred_latest(), "occurred_latest"));
  return standing;
}

StatusOr<Standing> LedgerView::StandingOf(const v1::Event& event) {
  ASSIGN_OR_RETURN(const std::optional<v1::StatusAnswer::HistoryEvent> entry, corrections_->HistoryEntry(event));
  if (entry.has_value()) return Standing::Of(entry->leaf(), !entry->void_effect());
  ASSIGN_OR_RETURN(const bool counts, corrections_->Counts(event));
  const v1::EventHeader& header = event.header();
  return Standing{counts, Timestamp(header.occurred_earliest_us()), Timestamp(header.occurred_latest_us())};
}

StatusOr<std::vector<const v1::Event*>> LedgerView::EventsAbout(const v1::EntityRef& entity, std::string_view type) {
  std::vector<const v1::Event*> events;
  v1::Question question;
  v1::StatusQuestion& status = *question.mutable_status();
  *status.mutable_entity() = entity;
  do {
    ASSIGN_OR_RETURN(const v1::Answer answer, Ask(question));
    for (const v1::StatusAnswer::HistoryEvent& entry : answer.status().history()) {
      if (entry.leaf().type() != type || entry.void_effect() || !entry.about()) continue;
      ASSIGN_OR_RETURN(const v1::Event* event, At(entry.leaf().index()));
      events.push_back(event);
    }
    status.set_from(answer.status().next());
  } while (status.from() != 0);
  return events;
}

StatusOr<std::unique_ptr<google::protobuf::Message>> BodyOf(const v1::Event& event) {
  if (event.body_state() != v1::BODY_PRESENT) return std::unique_ptr<google::protobuf::Message>();
  const EventType* type = TypeOf(event);
  if (type == nullptr) {
    return absl::FailedPreconditionError(Text("leaf ", event.index(), ": this program doesn't know the event type \"",
                                              event.header().type(), "\"; use a newer one"));
  }
  StatusOr<std::unique_ptr<google::protobuf::Message>> body = ParseBody(*type, event.body().content());
  if (!body.ok()) return absl::DataLossError(Text("leaf ", event.index(), ": ", MessageOf(body.status())));
  return body;
}

std::string OccurredAsRecorded(const v1::Event& event, const Standing& standing) {
  const Timestamp earliest(event.header().occurred_earliest_us());
  const Timestamp latest(event.header().occurred_latest_us());
  if (standing.earliest == earliest && standing.latest == latest) return "";
  return Text(FormatTime(earliest), " .. ", FormatTime(latest));
}

bool Defines(const v1::Event& event, std::string_view role) {
  const EventType* type = TypeOf(event);
  if (type == nullptr) return false;
  for (const v1::ReferenceRule& rule : type->options->refs()) {
    if (rule.role() == role) return rule.defines();
  }
  return false;
}

}  // namespace anamnesis::interchange
