#ifndef ANAMNESIS_NODE_CLUSTER_ETCD_REFUSALS_H_
#define ANAMNESIS_NODE_CLUSTER_ETCD_REFUSALS_H_

// What etcd refuses this node, by permission or for another reason that asking again does not end: an operator has to
// act. Nothing is given up for it, since what is asked again is answered once somebody has.

#include <array>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "ledger/base/status.h"

namespace anamnesis {

// Safe for concurrent use.
class EtcdRefusals {
 public:
  enum class Of { kWatch, kSession, kOrder };

  // `log` gets a line when something is refused, once for each reason, and when it no longer is.
  explicit EtcdRefusals(std::function<void(std::string_view)> log) : log_(std::move(log)) {}

  // What etcd answered last. OK ends the refusal of `what`; that etcd can't be reached, is busy or that nobody knows
  // what became of a call is no refusal and ends none.
  void Note(Of what, const Status& answer) {
    if (!answer.ok() && !IsRefusal(answer)) return;
    const std::string why =
        answer.ok() ? "" : Text("etcd refuses this node ", kNames[static_cast<size_t>(what)], ": ", MessageOf(answer));
    std::string before;
    {
      const std::lock_guard lock(mutex_);
      before = std::exchange(refused_[static_cast<size_t>(what)], why);
    }
    if (before == why) return;
    log_(why.empty() ? Text("etcd no longer refuses this node ", kNames[static_cast<size_t>(what)]) : why);
  }

  // Why; empty while nothing is refused.
  std::string text() const {
    const std::lock_guard lock(mutex_);
    for (const std::string& refused : refused_) {
      if (!refused.empty()) return refused;
    }
    return "";
  }

 private:
  static constexpr std::array<std::string_view, 3> kNames = {"its watch", "a session", "to order batches"};

  static bool IsRefusal(const Status& answer) {
    return !absl::IsUnavailable(answer) && !absl::IsUnknown(answer) && !absl::IsResourceExhausted(answer) &&
           !absl::IsCancelled(answer) && !absl::IsNotFound(answer);
  }

  const std::function<void(std::string_view)> log_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::array<std::string, 3> refused_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CLUSTER_ETCD_REFUSALS_H_
