#ifndef ANAMNESIS_NODE_SERVICE_FAILURES_H_
#define ANAMNESIS_NODE_SERVICE_FAILURES_H_

// The one place where a Status becomes what a caller over gRPC sees, and where failed calls are written to the log: at
// most ten lines a second, so that bad input can't fill a disk. Safe from any thread.

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string_view>

#include "grpcpp/grpcpp.h"
#include "ledger/base/status.h"

namespace anamnesis {

class Failures {
 public:
  // `log` gets one line for a failed call; it may be called from any thread.
  using Log = std::function<void(std::string_view)>;
  explicit Failures(Log log) : log_(std::move(log)) {}

  // `status` as gRPC carries it, with a google.rpc.Status where it has a refusal's detail. Logs it unless it is OK.
  grpc::Status Answer(std::string_view method, const Status& status);
  // Logs without answering.
  void Note(std::string_view method, const Status& status);

 private:
  const Log log_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::chrono::steady_clock::time_point second_{};
  int lines_ = 0;
  uint64_t left_out_ = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_FAILURES_H_
