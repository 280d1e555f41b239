#include "node/service/failures.h"

#include <string>

#include "absl/strings/string_view.h"
#include "ledger/base/bytes.h"
#include "ledger/event/refusal.h"

namespace anamnesis {
namespace {

constexpr int kLinesPerSecondMax = 10;
// HTTP/2 peers bound the headers that carry a status.
constexpr size_t kMessageBytesMax = 2000;
constexpr size_t kDetailsBytesMax = 5000;

}  // namespace

grpc::Status Failures::Answer(std::string_view method, const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  Note(method, status);
  const std::string message = Utf8Prefix(MessageOf(status), kMessageBytesMax);
  google::rpc::Status rpc = ToRpcStatus(status);
  rpc.set_message(message);
  std::string details = rpc.details_size() > 0 ? rpc.SerializeAsString() : std::string();
  if (details.size() > kDetailsBytesMax) details.clear();
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message, details);
}

void Failures::Note(std::string_view method, const Status& status) {
  std::string line = Text(method, ": ", absl::StatusCodeToString(status.code()), ": ", MessageOf(status));
  {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (now - second_ >= std::chrono::seconds(1)) {
      second_ = now;
      lines_ = 0;
      if (left_out_ > 0) line += Text(" (and ", left_out_, " failures before it that are not shown)");
      left_out_ = 0;
    }
    if (++lines_ > kLinesPerSecondMax) {
      ++left_out_;
      return;
    }
  }
  log_(line);
}

}  // namespace anamnesis
