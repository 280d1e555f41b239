#include "node/cluster/barriers.h"

#include <algorithm>
#include <utility>

namespace anamnesis {
namespace {

constexpr int64_t kWithinUs = 30'000'000;

}  // namespace

void Barriers::Begin(int64_t now_us, Done done) {
  const uint64_t number = ++last_number_;
  barriers_.push_back({number, now_us, std::move(done), Revision(), true});
  put_(number);
}

void Barriers::OnPut(uint64_t barrier, const StatusOr<Revision>& outcome) {
  const auto found =
      std::find_if(barriers_.begin(), barriers_.end(), [&](const Barrier& each) { return each.number == barrier; });
  if (found == barriers_.end()) return;
  found->asked = false;
  if (outcome.ok()) {
    found->revision = *outcome;
    // The watch may have been faster than the answer.
    OnSettled(settled_);
  } else if (!absl::IsUnknown(outcome.status())) {
    const Done done = std::move(found->done);
    barriers_.erase(found);
    done(absl::UnavailableError(Text("etcd can't be asked for the order: ", MessageOf(outcome.status()))));
  }
}

void Barriers::OnSettled(Revision revision) {
  settled_ = revision;
  std::vector<Done> through;
  std::erase_if(barriers_, [&](Barrier& barrier) {
    if (barrier.revision.value == 0 || barrier.revision > settled_) return false;
    through.push_back(std::move(barrier.done));
    return true;
  });
  for (const Done& done : through) done(OkStatus());
}

void Barriers::Tick(int64_t now_us) {
  std::vector<Done> late;
  std::erase_if(barriers_, [&](Barrier& barrier) {
    if (now_us - barrier.begun_us < kWithinUs) return false;
    late.push_back(std::move(barrier.done));
    return true;
  });
  for (const Done& done : late) done(absl::UnavailableError("this node does not get to the end of the order"));
  std::vector<uint64_t> again;
  for (Barrier& barrier : barriers_) {
    if (barrier.revision.value != 0 || std::exchange(barrier.asked, true)) continue;
    again.push_back(barrier.number);
  }
  for (const uint64_t number : again) put_(number);
}

void Barriers::Fail(const Status& why) {
  for (const Barrier& barrier : std::exchange(barriers_, {})) barrier.done(why);
}

}  // namespace anamnesis
