#include "client/cpp/read_rounds.h"

#include <thread>
#include <utility>

namespace anamnesis {

ReadRounds::ReadRounds(size_t nodes, std::chrono::milliseconds within)
    : nodes_(nodes), give_up_(std::chrono::steady_clock::now() + within) {}

bool ReadRounds::GoOn(const Status& status, grpc::Channel& channel) {
  // gRPC says the same of a node that it can't reach.
  if (absl::IsUnavailable(status) && channel.GetState(false) == GRPC_CHANNEL_READY) will_serve_ = true;
  ++failed_;
  if (failed_ % nodes_ != 0) return true;
  const size_t rounds = failed_ / nodes_;
  if (!std::exchange(will_serve_, false)) return rounds == 1 && nodes_ > 1;
  const auto wait = backoff_.WaitBeforeTry(static_cast<int>(rounds) + 1);
  if (std::chrono::steady_clock::now() + wait >= give_up_) return false;
  std::this_thread::sleep_for(wait);
  return true;
}

}  // namespace anamnesis
