#ifndef ANAMNESIS_LEDGER_ENGINE_ADMISSION_H_
#define ANAMNESIS_LEDGER_ENGINE_ADMISSION_H_

// Checks submitted runs on a pool of threads and hands them on in the order in which they came, so that a writer may
// send the next run of its stream before the last one is answered.

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "anamnesis/v1/ledger.pb.h"
#include "ledger/base/status.h"
#include "ledger/rules/admit.h"

namespace anamnesis {

// A run on its way, with whom to tell: its caller is answered once, by the first who does. When nobody did until its
// end, nobody knows what became of it, and the caller is told that.
class Submission {
 public:
  // Of a refusal there is no tree size to tell.
  using Tell = std::function<void(v1::RunResult, std::optional<uint64_t> tree_size)>;

  Submission(v1::Run to_append, size_t size_bytes, Tell tell)
      : run(std::move(to_append)), bytes(size_bytes), tell_(std::move(tell)) {}
  ~Submission();
  Submission(const Submission&) = delete;
  Submission& operator=(const Submission&) = delete;

  void Answer(v1::RunResult result, uint64_t tree_size) const;
  void Refuse(const Status& status) const;

  v1::Run run;
  // Set when admitted.
  std::shared_ptr<const AdmittedRun> admitted;
  const size_t bytes;

 private:
  const Tell tell_;
  mutable std::atomic<bool> answered_ = false;
};

// Written, or to be written here or elsewhere, or not.
Status OutcomeUnknown(std::string_view why);
// The result of a run that is refused.
v1::RunResult Refused(const Status& status);

class Admission {
 public:
  // Called with each admitted submission, in the order of Submit, by one thread at a time.
  using Next = std::function<void(std::unique_ptr<Submission>)>;

  Admission(std::string origin, size_t threads, Next next);
  ~Admission();

  // Takes a submission; refuses it through its callback when it is wrong, or at once after Stop.
  void Submit(std::unique_ptr<Submission> submission);
  // Finishes what was submitted. Idempotent.
  void Stop();

 private:
  struct Slot {
    std::unique_ptr<Submission> submission;
    Status status;
    bool done = false;
  };

  void Work();

  const std::string origin_;
  const Next next_;
  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_: slots in order of submission, of which the first `taken_` are being checked or are done.
  std::deque<std::shared_ptr<Slot>> slots_;
  size_t taken_ = 0;
  bool handing_on_ = false;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_ADMISSION_H_
