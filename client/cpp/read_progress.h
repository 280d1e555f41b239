#ifndef ANAMNESIS_CLIENT_CPP_READ_PROGRESS_H_
#define ANAMNESIS_CLIENT_CPP_READ_PROGRESS_H_

// Where a read of many events stands, so that another node can go on with it.

#include <utility>

#include "anamnesis/v1/ledger.pb.h"
#include "ledger/base/limits.h"

namespace anamnesis {

// What is left of a read when part of it was delivered. Used by one thread.
class ReadProgress {
 public:
  explicit ReadProgress(const v1::ReadRequest& request) : rest_(request), bounded_(request.limit() > 0) {
    if (!bounded_ && !request.follow()) {
      rest_.set_limit(limits::kReadEventsDefault);
      bounded_ = true;
    }
  }

  const v1::ReadRequest& rest() const { return rest_; }
  // False when there is nothing left to ask another node for.
  bool resumable() const { return !ended_; }
  // False for a second caught_up, which a reader that follows must not see.
  bool Take(const v1::ReadResponse& item) {
    if (item.has_caught_up()) return !std::exchange(caught_up_, true);
    if (!item.has_event()) return false;
    const uint64_t index = item.event().index();
    const bool backwards = rest_.direction() == v1::ReadRequest::BACKWARDS;
    if (bounded_ && rest_.limit() <= 1) ended_ = true;
    if (backwards && index == 0) ended_ = true;
    if (bounded_ && !ended_) rest_.set_limit(rest_.limit() - 1);
    if (!ended_) rest_.set_from(backwards ? index - 1 : index + 1);
    return true;
  }

 private:
  v1::ReadRequest rest_;
  bool bounded_;
  bool caught_up_ = false;
  bool ended_ = false;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_READ_PROGRESS_H_
