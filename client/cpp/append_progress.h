#ifndef ANAMNESIS_CLIENT_CPP_APPEND_PROGRESS_H_
#define ANAMNESIS_CLIENT_CPP_APPEND_PROGRESS_H_

// What is known of the runs of an append while it is sent again and again, to one node or another. Keeps apart what may
// have been recorded from what certainly was not, since only the second may ever be called a failure.

#include <cstddef>
#include <string_view>
#include <vector>

#include "anamnesis/v1/ledger.pb.h"
#include "ledger/base/status.h"

namespace anamnesis {

// What the ledger says of a run that it gives no verdict on, with these codes and no others (ledger.h): it may be
// recorded, or be so later. What the end of a call says is another matter: MayBeDone (unary_call.h).
inline bool MayBeRecorded(const Status& status) { return absl::IsUnknown(status) || absl::IsDeadlineExceeded(status); }
// That, or it was certainly not recorded.
inline bool IsUndecided(const Status& status) { return MayBeRecorded(status) || absl::IsUnavailable(status); }
// Too much to do here now, or that this caller may hand the run in no more: which says nothing about what was sent
// before.
bool SaysNothingOfBefore(const Status& refused);

// How a message begins that says of a sending that nothing came of it.
inline constexpr std::string_view kNotRecorded = "not recorded: ";

// Used by one thread.
class AppendProgress {
 public:
  // `request` must outlive it.
  explicit AppendProgress(const v1::AppendRequest& request);

  // The runs to send: the first without a verdict and all that follow it, since those may build on it.
  const v1::AppendRequest& rest() const { return first_ == 0 ? request_ : rest_; }

  // What came of sending rest(), where a refusal names the place of its run. INTERNAL: the answer has not a result for
  // each run.
  Status Answered(v1::AppendResponse response);
  // No answer came; the runs may be recorded.
  void Lost(const Status& why);
  // It was not sent.
  void NotSent(const Status& why) { last_ = why; }

  // Every run has its verdict.
  bool decided() const { return first_ == results_.size(); }
  // Some run has its verdict.
  bool has_verdicts() const;
  // A run without a verdict may be recorded.
  bool may_be_recorded() const;
  // What to tell the caller, who waits no longer: the verdicts that there are, and for the rest UNKNOWN or, when they
  // were not written, UNAVAILABLE. That is the whole outcome when there is no verdict at all.
  StatusOr<v1::AppendResponse> Outcome();

 private:
  // A run, and all that is known of it.
  struct Result {
    v1::RunResult result;
    bool has_verdict = false;
    bool may_be_recorded = false;
  };

  Status OutcomeOf(const Result& result) const;

  const v1::AppendRequest& request_;
  v1::AppendRequest rest_;
  std::vector<Result> results_;
  size_t first_ = 0;
  uint64_t tree_size_ = 0;
  Status last_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_APPEND_PROGRESS_H_
