#include "client/cpp/remote_append_channel.h"

#include <utility>

#include "ledger/base/limits.h"
#include "ledger/event/refusal.h"

namespace anamnesis {
namespace {

// A verdict that says UNAVAILABLE is no verdict: the outcome is unknown.
StatusOr<v1::RunResult> ResultOf(v1::AppendStreamResponse response) {
  const google::rpc::Status& refused = response.result().refused();
  if (refused.code() == static_cast<int>(absl::StatusCode::kUnavailable)) return FromRpcStatus(refused);
  return std::move(*response.mutable_result());
}

}  // namespace

Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return OkStatus();
  google::rpc::Status details;
  const bool detailed = !status.error_details().empty() && details.ParseFromString(status.error_details()) &&
                        details.code() == static_cast<int>(status.error_code());
  if (detailed) return FromRpcStatus(details);
  return Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

RemoteAppendChannel::RemoteAppendChannel(std::shared_ptr<grpc::Channel> channel, OnResult on_result)
    : on_result_(std::move(on_result)), stub_(v1::AppendService::NewStub(channel)) {
  stream_ = stub_->AppendStream(&context_);
  reader_ = std::thread([this] { ReadResults(); });
}

RemoteAppendChannel::~RemoteAppendChannel() {
  if (!reader_.joinable()) return;
  context_.TryCancel();
  reader_.join();
}

Status RemoteAppendChannel::Submit(uint64_t sequence, v1::Run run) {
  if (writes_done_) return absl::FailedPreconditionError("the append channel was finished");
  if (run.ByteSizeLong() > limits::kRequestBytesMax) {
    return RefuseOverLimit("run", limits::kRequestBytesMax, run.ByteSizeLong());
  }
  {
    const std::lock_guard lock(mutex_);
    if (broken_) return outcome_.ok() ? absl::UnavailableError("the node ended the append stream") : outcome_;
    unanswered_.push_back(sequence);
  }
  v1::AppendStreamRequest request;
  request.set_sequence(sequence);
  *request.mutable_run() = std::move(run);
  // When this fails the reader finds the stream broken too, and gives the run its result.
  stream_->Write(request);
  return OkStatus();
}

Status RemoteAppendChannel::Finish() {
  if (!writes_done_) {
    writes_done_ = true;
    stream_->WritesDone();
  }
  if (reader_.joinable()) reader_.join();
  return outcome_;
}

void RemoteAppendChannel::ReadResults() {
  v1::AppendStreamResponse response;
  while (stream_->Read(&response)) {
    if (!TakeAnswered(response)) {
      context_.TryCancel();
      break;
    }
    const uint64_t sequence = response.sequence();
    on_result_(sequence, ResultOf(std::move(response)));
    response.Clear();
  }
  Break();
}

bool RemoteAppendChannel::TakeAnswered(const v1::AppendStreamResponse& response) {
  const std::lock_guard lock(mutex_);
  if (unanswered_.empty() || unanswered_.front() != response.sequence()) return false;
  unanswered_.pop_front();
  return true;
}

void RemoteAppendChannel::Break() {
  v1::AppendStreamResponse ignored;
  while (stream_->Read(&ignored)) continue;
  const Status ended = FromGrpcStatus(stream_->Finish());
  std::deque<uint64_t> lost;
  Status unknown;
  {
    const std::lock_guard lock(mutex_);
    lost.swap(unanswered_);
    // Until both sides are done, even an orderly end means that the outcome of what is unanswered isn't known.
    unknown = absl::UnavailableError(Text("the append stream broke: ", MessageOf(ended)));
    broken_ = true;
    outcome_ = ended.ok() && lost.empty() ? OkStatus() : unknown;
  }
  for (const uint64_t sequence : lost) on_result_(sequence, unknown);
}

}  // namespace anamnesis
