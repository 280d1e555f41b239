#ifndef ANAMNESIS_LEDGER_ENGINE_ADMISSION_H_
#define ANAMNESIS_LEDGER_ENGINE_ADMISSION_H_

// Checks submitted runs on a pool of threads and hands them on in the order in which they came, so that a writer may
// send the next run of its stream before the last one is answered.

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "anamnesis/v1/ledger.pb.h"
#include "ledger/base/status.h"
#include "ledger/rules/admit.h"

namespace anamnesis {

// A run on its way, with whom to tell.
struct Submission {
  v1::Run run;
  std::function<void(Status refused)> refuse;
  // Set when admitted.
  std::shared_ptr<const AdmittedRun> admitted;
  std::function<void(v1::RunResult, uint64_t tree_size)> answer;
  size_t bytes = 0;
};

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
