#ifndef ANAMNESIS_CLIENT_CPP_UNARY_CALL_H_
#define ANAMNESIS_CLIENT_CPP_UNARY_CALL_H_

#include <chrono>
#include <string_view>

#include "client/cpp/deadline.h"
#include "client/cpp/remote_append_channel.h"
#include "grpcpp/grpcpp.h"
#include "ledger/base/status.h"

namespace anamnesis {

// Of a question: another node may answer. A connection that breaks may show as UNKNOWN, and a node that stops cancels
// what it hasn't answered; here nobody cancels a call.
inline bool Unanswered(const Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsUnknown(status) ||
         absl::IsCancelled(status);
}

// Of a call that was sent and changes something: it may have been done, since whatever a node, or gRPC in its place,
// says with these codes may be said after the work.
inline bool MayBeDone(const Status& status) {
  return Unanswered(status) || absl::IsInternal(status) || absl::IsAborted(status);
}

// Calls one node once. What fails names `address`.
template <typename Reply, typename Stub, typename Request>
StatusOr<Reply> CallOnce(std::string_view address, Stub& stub,
                         grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Reply*),
                         const Request& request, std::chrono::seconds within) {
  grpc::ClientContext context;
  context.set_deadline(DeadlineIn(within));
  Reply reply;
  const Status status = FromGrpcStatus((stub.*method)(&context, request, &reply));
  if (!status.ok()) return WithContext(status, address);
  return reply;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_UNARY_CALL_H_
