#ifndef ANAMNESIS_CLIENT_CPP_REMOTE_APPEND_CHANNEL_H_
#define ANAMNESIS_CLIENT_CPP_REMOTE_APPEND_CHANNEL_H_

// AppendService.AppendStream as an AppendChannel: the caller's thread queues, one thread of the channel's own writes
// all that is queued as one message, another reads the verdicts and calls back. A run for which Submit returned OK gets
// exactly one result; one for which it failed gets none.

#include <condition_variable>
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
  // Without Finish before, breaks the stream: unanswered runs get UNKNOWN.
  ~RemoteAppendChannel() override;

  Status Submit(uint64_t sequence, v1::Run run) override;
  Status Finish() override;

 private:
  using Stream = grpc::ClientReaderWriter<v1::AppendStreamRequest, v1::AppendStreamResponse>;

  bool HasRoom(size_t bytes) const;
  void SendQueued();
  // Waits until `request` has something to send; false when nothing more will come.
  bool TakeQueued(v1::AppendStreamRequest& request);
  void ReadResults();
  // Takes the submissions that `response` answers; returns how many verdicts there are before the first that is not for
  // the one whose turn it is.
  int TakeAnswered(const v1::AppendStreamResponse& response);
  // Ends the stream and gives every unanswered run its result.
  void Break();

  const OnResult on_result_;
  const std::unique_ptr<v1::AppendService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<Stream> stream_;

  std::mutex mutex_;
  std::condition_variable queue_fills_;
  std::condition_variable queue_empties_;
  // Guarded by mutex_. What is queued is unanswered too.
  v1::AppendStreamRequest queued_;
  size_t queued_bytes_ = 0;
  std::deque<uint64_t> unanswered_;
  bool finishing_ = false;
  bool broken_ = false;
  // Written by the reader before it ends, read after it is joined; while broken_, guarded by mutex_.
  Status outcome_;
  std::thread sender_;
  std::thread reader_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_REMOTE_APPEND_CHANNEL_H_
