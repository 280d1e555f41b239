#ifndef ANAMNESIS_NODE_CLUSTER_CLUSTER_CONTROL_H_
#define ANAMNESIS_NODE_CLUSTER_CLUSTER_CONTROL_H_

// What the operators of a cluster ask of a running node. The ledger owns the sequencer that can answer, and replaces it
// when it is opened anew; this is what stays, for whoever serves the operators. Safe for concurrent use.

#include <functional>
#include <mutex>
#include <utility>

#include "anamnesis/v1/cluster.pb.h"
#include "anamnesis/v1/event.pb.h"
#include "ledger/base/status.h"

namespace anamnesis {

// A function that is called exactly once: with UNAVAILABLE when it is forgotten, as by a thread that ends.
template <typename Answer>
class AnswerOnce {
 public:
  using Done = std::function<void(const StatusOr<Answer>&)>;
  explicit AnswerOnce(Done done) : done_(std::move(done)) {}
  ~AnswerOnce() { Give(absl::UnavailableError("this node stops taking part in its cluster; ask another")); }
  AnswerOnce(const AnswerOnce&) = delete;
  AnswerOnce& operator=(const AnswerOnce&) = delete;

  // Only the first counts. One thread at a time.
  void Give(const StatusOr<Answer>& answer) {
    if (done_ != nullptr) std::exchange(done_, nullptr)(answer);
  }

 private:
  Done done_;
};

// Whoever answers calls back once, from any thread, and may do so before the call returns.
class ClusterOperations {
 public:
  using OnStatus = std::function<void(const StatusOr<v1::ClusterStatus>&)>;
  using OnChanged = std::function<void(const StatusOr<v1::ChangeMembersResponse>&)>;

  virtual ~ClusterOperations() = default;
  // As ClusterService.GetClusterStatus and ChangeMembers.
  virtual void AskStatus(OnStatus done) = 0;
  virtual void ChangeMembers(const v1::ChangeMembersRequest& request, const v1::Agent& requested_by,
                             OnChanged done) = 0;
};

class ClusterControl : public ClusterOperations {
 public:
  // From here on `operations` answers, until Detach, which waits for calls that are being made.
  void Attach(ClusterOperations& operations) {
    const std::lock_guard lock(mutex_);
    operations_ = &operations;
  }
  void Detach() {
    const std::lock_guard lock(mutex_);
    operations_ = nullptr;
  }

  void AskStatus(OnStatus done) override {
    const std::lock_guard lock(mutex_);
    if (operations_ == nullptr) return done(NotTakingPart());
    operations_->AskStatus(std::move(done));
  }
  void ChangeMembers(const v1::ChangeMembersRequest& request, const v1::Agent& requested_by, OnChanged done) override {
    const std::lock_guard lock(mutex_);
    if (operations_ == nullptr) return done(NotTakingPart());
    operations_->ChangeMembers(request, requested_by, std::move(done));
  }

 private:
  static Status NotTakingPart() { return absl::UnavailableError("this node does not take part in its cluster yet"); }

  std::mutex mutex_;
  // Guarded by mutex_.
  ClusterOperations* operations_ = nullptr;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_CLUSTER_CONTROL_H_
