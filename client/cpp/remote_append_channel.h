#ifndef ANAMNESIS_CLIENT_CPP_REMOTE_APPEND_CHANNEL_H_
#define ANAMNESIS_CLIENT_CPP_REMOTE_APPEND_CHANNEL_H_

// AppendService.AppendStream as an AppendChannel: the caller's thread writes, a thread of the channel's own reads the
// verdicts and calls back. A run for which Submit returned OK gets exactly one result; one for which it failed gets
// none.

#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "anamnesis/v1/ledger.grpc.pb.h"
#include "client/cpp/ledger_client.h"
#include "grpcpp/grpcpp.h"
#include "ledger/base/status.h"

namespace anamnesis {

// What a gRPC status says, with the refusal detail that it carries.
Status FromGrpcStatus(const grpc::Status& status);

class RemoteAppendChannel : public AppendChannel {
 public:
  RemoteAppendChannel(std::shared_ptr<grpc::Channel> channel, OnResult on_result);
  // Without Finish before, breaks the stream: unanswered runs get UNAVAILABLE.
  ~RemoteAppendChannel() override;

  Status Submit(uint64_t sequence, v1::Run run) override;
  Status Finish() override;

 private:
  using Stream = grpc::ClientReaderWriter<v1::AppendStreamRequest, v1::AppendStreamResponse>;

  void ReadResults();
  // Takes the submission that `response` answers; false when it is not the one whose turn it is.
  bool TakeAnswered(const v1::AppendStreamResponse& response);
  // Ends the stream and gives every unanswered run its result.
  void Break();

  const OnResult on_result_;
  const std::unique_ptr<v1::AppendService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<Stream> stream_;

  std::mutex mutex_;
  // Guarded by mutex_.
  std::deque<uint64_t> unanswered_;
  bool broken_ = false;
  // Written by the reader before it ends, read after it is joined; while broken_, guarded by mutex_.
  Status outcome_;
  // Used by the writing thread only.
  bool writes_done_ = false;
  std::thread reader_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_REMOTE_APPEND_CHANNEL_H_
