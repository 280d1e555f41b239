#include <algorithm>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/query/ask.h"
#include "ledger/query/events.h"
#include "ledger/query/item_scope.h"
#include "ledger/state/event_list.h"

namespace anamnesis {
namespace {

using Answer = v1::TrainingRunsAnswer;

constexpr uint32_t kRunsMax = 1000;

// The starts that are asked about, from `from` on: at most one more than `limit`.
StatusOr<std::vector<LeafIndex>> Starts(Facts& facts, const v1::TrainingRunsQuestion& question, size_t limit) {
  std::vector<LeafIndex> found;
  const LeafIndex from(question.from());
  if (!question.has_about()) {
    RETURN_IF_ERROR(VisitList(facts.rows(), Family::kTypeEvents, "training_run.started", from, false, facts.size(),
                              [&](LeafIndex index) {
                                found.push_back(index);
                                return found.size() <= limit;
                              }));
    return found;
  }
  RETURN_IF_ERROR(facts.CheckNamed(question.about()));
  if (question.about().kind() == "software_item") {
    ASSIGN_OR_RETURN(const ItemScope scope, ScopeOf(facts, question.about()));
    for (const auto& [leaf, fact] : scope.events) {
      if (fact->type() == "training_run.started" && leaf >= from.value && found.size() <= limit) {
        found.emplace_back(leaf);
      }
    }
    return found;
  }
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes,
                   facts.About(question.about(), "", kQuestionEventsMax + 1, from));
  for (const LeafIndex index : indexes) {
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
    if (fact->type() == "training_run.started" && found.size() <= limit) found.push_back(index);
  }
  return found;
}

Answer::State EndOf(std::string_view type) {
  if (type == "training_run.completed") return Answer::COMPLETED;
  if (type == "training_run.failed") return Answer::FAILED;
  if (type == "training_run.aborted") return Answer::ABORTED;
  return Answer::STATE_UNSPECIFIED;
}

Status AddRun(Facts& facts, const Fact& started, Timestamp at, Answer& answer) {
  Answer::Run& run = *answer.add_runs();
  const v1::EntityRef entity = *FindReference(started.header(), "training_run");
  *run.mutable_run() = entity;
  ASSIGN_OR_RETURN(*run.mutable_started(), facts.Reference(started.event.index));
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, facts.About(entity, "training_run", kQuestionEventsMax));
  // Where records contradict each other, the last that happened.
  const Fact* last = nullptr;
  for (const LeafIndex index : indexes) {
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
    const bool ends = EndOf(fact->type()) != Answer::STATE_UNSPECIFIED && fact->counts() && fact->earliest() <= at;
    if (ends && (last == nullptr || last->earliest() <= fact->earliest())) last = fact;
  }
  if (last != nullptr) {
    run.set_state(EndOf(last->type()));
    ASSIGN_OR_RETURN(*run.mutable_ended(), facts.Reference(last->event.index));
  }
  const auto* body = started.body<v1::TrainingRunStarted>();
  const Timestamp expected(body == nullptr ? 0 : body->expected_end_us());
  if (expected.us != 0) *run.mutable_expected_end() = ToProtoTime(expected);
  if (run.state() != Answer::STATE_UNSPECIFIED) return OkStatus();
  run.set_state(expected.us != 0 && at <= expected ? Answer::RUNNING : Answer::UNACCOUNTED);
  if (run.state() == Answer::UNACCOUNTED) answer.set_unaccounted(answer.unaccounted() + 1);
  return OkStatus();
}

}  // namespace

Status AnswerTrainingRuns(Facts& facts, const v1::TrainingRunsQuestion& question, v1::Answer& answer) {
  ASSIGN_OR_RETURN(const Timestamp at, FromProtoTime(question.at(), "training_runs.at"));
  const size_t limit = question.limit() == 0 ? kRunsMax : std::min(question.limit(), kRunsMax);
  ASSIGN_OR_RETURN(std::vector<LeafIndex> starts, Starts(facts, question, limit));
  Answer& filled = *answer.mutable_training_runs();
  if (starts.size() > limit) {
    filled.set_next(starts.back().value);
    starts.pop_back();
  }
  for (const LeafIndex index : starts) {
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
    if (fact->counts() && fact->earliest() <= at) RETURN_IF_ERROR(AddRun(facts, *fact, at, filled));
  }
  return OkStatus();
}

}  // namespace anamnesis
