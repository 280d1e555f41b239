#include "client/cpp/append_progress.h"

#include <algorithm>
#include <utility>

#include "ledger/event/refusal.h"
#include "ledger/event/run_result.h"

namespace anamnesis {

bool SaysNothingOfBefore(const Status& refused) {
  if (absl::IsResourceExhausted(refused)) return true;
  const auto detail = RefusalDetailOf(refused);
  return detail.has_value() && detail->reason() == v1::NOT_THE_WRITER && detail->field() == "seal.key_id";
}

AppendProgress::AppendProgress(const v1::AppendRequest& request)
    : request_(request), results_(static_cast<size_t>(request.runs_size())) {}

Status AppendProgress::Answered(v1::AppendResponse response) {
  if (response.results_size() != rest().runs_size()) {
    return absl::InternalError(
        Text("the ledger answered ", rest().runs_size(), " runs with ", response.results_size(), " results"));
  }
  tree_size_ = std::max(tree_size_, response.tree_size());
  for (int i = 0; i < response.results_size(); ++i) {
    v1::RunResult& answer = *response.mutable_results(i);
    Result& known = results_[first_ + static_cast<size_t>(i)];
    // What has a place keeps it, whatever a later sending comes to.
    if (known.has_verdict && !known.result.has_refused()) continue;
    const Status refused = FromRpcStatus(answer.refused());
    if (IsUndecided(refused) || (known.may_be_recorded && SaysNothingOfBefore(refused))) {
      known.may_be_recorded |= MayBeRecorded(refused);
      last_ = refused;
      known.has_verdict = false;
      continue;
    }
    known.has_verdict = true;
    known.result = std::move(answer);
    // The node counted from the first run of the rest.
    PutRunIndex(known.result, first_ + static_cast<size_t>(i));
  }
  const size_t before = first_;
  while (first_ < results_.size() && results_[first_].has_verdict) ++first_;
  if (first_ == before || decided()) return OkStatus();
  rest_.Clear();
  for (size_t i = first_; i < results_.size(); ++i) *rest_.add_runs() = request_.runs(static_cast<int>(i));
  return OkStatus();
}

void AppendProgress::Lost(const Status& why) {
  last_ = why;
  for (size_t i = first_; i < results_.size(); ++i) {
    Result& known = results_[i];
    // What refused it before may have changed, such as the run that it follows.
    if (known.result.has_refused()) known.has_verdict = false;
    known.may_be_recorded = true;
  }
}

bool AppendProgress::has_verdicts() const {
  return std::any_of(results_.begin(), results_.end(), [](const Result& each) { return each.has_verdict; });
}

bool AppendProgress::may_be_recorded() const {
  return std::any_of(results_.begin() + static_cast<std::ptrdiff_t>(first_), results_.end(),
                     [](const Result& each) { return !each.has_verdict && each.may_be_recorded; });
}

Status AppendProgress::OutcomeOf(const Result& result) const {
  if (!result.may_be_recorded) return absl::UnavailableError(Text(kNotRecorded, MessageOf(last_)));
  const std::string_view why = MessageOf(last_);
  if (why.starts_with("outcome unknown")) return absl::UnknownError(Text(why));
  return absl::UnknownError(Text("outcome unknown: ", why, "; send the same run again"));
}

StatusOr<v1::AppendResponse> AppendProgress::Outcome() {
  if (!has_verdicts() && !results_.empty()) {
    const auto unknown =
        std::find_if(results_.begin(), results_.end(), [](const Result& each) { return each.may_be_recorded; });
    return OutcomeOf(unknown == results_.end() ? results_.front() : *unknown);
  }
  v1::AppendResponse response;
  response.set_tree_size(tree_size_);
  for (Result& each : results_) {
    v1::RunResult& result = *response.add_results();
    if (each.has_verdict) {
      result = std::move(each.result);
    } else {
      *result.mutable_refused() = ToRpcStatus(OutcomeOf(each));
    }
  }
  return response;
}

}  // namespace anamnesis
