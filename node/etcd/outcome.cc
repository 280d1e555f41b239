#include "node/etcd/outcome.h"

#include <algorithm>
#include <array>
#include <string>

namespace anamnesis {
namespace {

enum class Then { kGiveUp, kTryElsewhere, kRenewToken };

struct Refusal {
  // etcd's text after "etcdserver: ". Its client tells errors apart by their texts too: codes are shared by several,
  // and some arrive with the code UNKNOWN.
  std::string_view text;
  absl::StatusCode code;
  Then then;
};

// Each was looked up in etcd 3.4's source: it is returned before the transaction is proposed, or when it is applied,
// by checks that come before the first change and depend on nothing but replicated state.
constexpr std::array kRefusals = {
    Refusal{"key is not provided", absl::StatusCode::kInvalidArgument, Then::kGiveUp},
    Refusal{"too many operations in txn request", absl::StatusCode::kInvalidArgument, Then::kGiveUp},
    Refusal{"duplicate key given in txn request", absl::StatusCode::kInvalidArgument, Then::kGiveUp},
    Refusal{"request is too large", absl::StatusCode::kInvalidArgument, Then::kGiveUp},
    Refusal{"requested lease not found", absl::StatusCode::kNotFound, Then::kGiveUp},
    Refusal{"too large lease TTL", absl::StatusCode::kInvalidArgument, Then::kGiveUp},
    Refusal{"mvcc: required revision has been compacted", absl::StatusCode::kOutOfRange, Then::kGiveUp},
    Refusal{"mvcc: required revision is a future revision", absl::StatusCode::kFailedPrecondition, Then::kGiveUp},
    Refusal{"permission denied", absl::StatusCode::kPermissionDenied, Then::kGiveUp},
    Refusal{"authentication failed, invalid user ID or password", absl::StatusCode::kPermissionDenied, Then::kGiveUp},
    Refusal{"authentication is not enabled", absl::StatusCode::kFailedPrecondition, Then::kGiveUp},
    // The member is more than 5000 entries behind in applying; another one need not be, but is as busy.
    Refusal{"too many requests", absl::StatusCode::kResourceExhausted, Then::kGiveUp},
    Refusal{"invalid auth token", absl::StatusCode::kUnauthenticated, Then::kRenewToken},
    Refusal{"revision of auth store is old", absl::StatusCode::kUnauthenticated, Then::kRenewToken},
    Refusal{"user name is empty", absl::StatusCode::kUnauthenticated, Then::kRenewToken},
    Refusal{"no leader", absl::StatusCode::kUnavailable, Then::kTryElsewhere},
    Refusal{"not capable", absl::StatusCode::kUnavailable, Then::kTryElsewhere},
    Refusal{"rpc not supported for learner", absl::StatusCode::kUnavailable, Then::kTryElsewhere},
};

// gRPC's own words when it has no connection to hand a call to. Should they change, such calls become unknown.
constexpr std::array<std::string_view, 2> kNeverSent = {"failed to connect to all addresses", "DNS resolution failed"};

const Refusal* RefusalOf(std::string_view message) {
  constexpr std::string_view kPrefix = "etcdserver: ";
  if (!message.starts_with(kPrefix)) return nullptr;
  for (const Refusal& refusal : kRefusals) {
    if (message.substr(kPrefix.size()) == refusal.text) return &refusal;
  }
  return nullptr;
}

std::string Message(std::string_view message, std::string_view endpoint) {
  return Text("etcd at ", endpoint, ": ", message);
}

CallFailure Refused(const Refusal& refusal, std::string_view message, std::string_view endpoint) {
  return {Status(refusal.code, Message(message, endpoint)), refusal.then == Then::kTryElsewhere,
          refusal.then == Then::kRenewToken};
}

bool WasNeverSent(const grpc::Status& status) {
  if (status.error_code() != grpc::StatusCode::UNAVAILABLE) return false;
  const std::string message = status.error_message();
  return std::ranges::any_of(kNeverSent, [&](std::string_view text) { return message.starts_with(text); });
}

absl::StatusCode CodeOf(const grpc::Status& status) { return static_cast<absl::StatusCode>(status.error_code()); }

}  // namespace

CallFailure JudgeWrite(const grpc::Status& status, std::string_view endpoint) {
  const std::string message = status.error_message();
  if (const Refusal* refusal = RefusalOf(message)) return Refused(*refusal, message, endpoint);
  if (WasNeverSent(status)) return {absl::UnavailableError(Message(message, endpoint)), true, false};
  const std::string code = absl::StatusCodeToString(CodeOf(status));
  return {absl::UnknownError(Text("outcome unknown: ", code, ": ", Message(message, endpoint))), false, false};
}

CallFailure JudgeRead(const grpc::Status& status, std::string_view endpoint) {
  const std::string message = status.error_message();
  if (const Refusal* refusal = RefusalOf(message)) return Refused(*refusal, message, endpoint);
  const absl::StatusCode code = CodeOf(status);
  const bool elsewhere = code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kDeadlineExceeded ||
                         code == absl::StatusCode::kUnknown || code == absl::StatusCode::kInternal;
  return {Status(elsewhere ? absl::StatusCode::kUnavailable : code, Message(message, endpoint)), elsewhere, false};
}

CallFailure JudgeWatchCancel(std::string_view reason, std::string_view endpoint) {
  // The reason can be a gRPC error as text: "rpc error: code = PermissionDenied desc = etcdserver: permission denied".
  const size_t start = reason.find("etcdserver: ");
  const std::string_view message = start == reason.npos ? reason : reason.substr(start);
  if (const Refusal* refusal = RefusalOf(message)) return Refused(*refusal, message, endpoint);
  return {absl::UnavailableError(Message(Text("watch cancelled: ", reason), endpoint)), true, false};
}

}  // namespace anamnesis
