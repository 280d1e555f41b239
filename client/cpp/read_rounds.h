#ifndef ANAMNESIS_CLIENT_CPP_READ_ROUNDS_H_
#define ANAMNESIS_CLIENT_CPP_READ_ROUNDS_H_

#include <chrono>
#include <cstddef>

#include "client/cpp/backoff.h"
#include "grpcpp/grpcpp.h"
#include "ledger/base/status.h"

namespace anamnesis {

// How often a read is asked, of one node after another: of each once, or twice when there are several. A node that
// answers that it can't show anything yet, since it is joining its cluster or has less than is demanded, will soon:
// then further rounds follow, with waits between them, until the read has taken `within`. Not thread-safe.
class ReadRounds {
 public:
  // `nodes` is at least 1.
  ReadRounds(size_t nodes, std::chrono::milliseconds within);

  bool in_first() const { return failed_ < nodes_; }

  // After a node failed with `status`. False when no further node is to be asked; waits when a round is to begin.
  bool GoOn(const Status& status, grpc::Channel& channel);

 private:
  size_t nodes_;
  std::chrono::steady_clock::time_point give_up_;
  Backoff backoff_;
  size_t failed_ = 0;
  // In the round that is under way.
  bool will_serve_ = false;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_READ_ROUNDS_H_
