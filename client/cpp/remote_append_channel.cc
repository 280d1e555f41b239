#include "client/cpp/remote_append_channel.h"

#include <utility>

#include "client/cpp/append_progress.h"
#include "ledger/base/limits.h"
#include "ledger/event/refusal.h"

namespace anamnesis {
namespace {

// What may wait while a message is being written, and so what a message holds: both within its limits.
constexpr int kQueuedRunsMax = static_cast<int>(limits::kRequestRunsMax);
constexpr size_t kQueuedBytesMax = 4u << 20;

StatusOr<v1::RunResult> ResultOf(v1::AppendVerdict& verdict) {
  if (const Status refused = FromRpcStatus(verdict.result().refused()); IsUndecided(refused)) return refused;
  return std::move(*verdict.mutable_result());
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
  sender_ = std::thread([this] { SendQueued(); });
  reader_ = std::thread([this] { ReadResults(); });
}

RemoteAppendChannel::~RemoteAppendChannel() {
  if (!reader_.joinable()) return;
  context_.TryCancel();
  reader_.join();
  sender_.join();
}

Status RemoteAppendChannel::Submit(uint64_t sequence, v1::Run run) {
  const size_t bytes = run.ByteSizeLong();
  bool first = false;
  {
    std::unique_lock lock(mutex_);
    if (finishing_) return absl::FailedPreconditionError("the append channel was finished");
    if (bytes > limits::kRequestBytesMax) return RefuseOverLimit("run", limits::kRequestBytesMax, bytes);
    queue_empties_.wait(lock, [&] { return broken_ || HasRoom(bytes); });
    if (broken_) return outcome_.ok() ? absl::UnavailableError("the node ended the append stream") : outcome_;
    unanswered_.push_back(sequence);
    first = queued_.submissions_size() == 0;
    v1::AppendSubmission& submission = *queued_.add_submissions();
    submission.set_sequence(sequence);
    *submission.mutable_run() = std::move(run);
    queued_bytes_ += bytes;
  }
  // While there is something in the queue the sender doesn't wait.
  if (first) queue_fills_.notify_one();
  return OkStatus();
}

Status RemoteAppendChannel::Finish() {
  {
    const std::lock_guard lock(mutex_);
    finishing_ = true;
  }
  queue_fills_.notify_one();
  if (sender_.joinable()) sender_.join();
  if (reader_.joinable()) reader_.join();
  return outcome_;
}

bool RemoteAppendChannel::HasRoom(size_t bytes) const {
  // A run that is larger than what may wait goes alone.
  if (queued_.submissions_size() == 0) return true;
  return queued_.submissions_size() < kQueuedRunsMax && queued_bytes_ + bytes <= kQueuedBytesMax;
}

void RemoteAppendChannel::SendQueued() {
  v1::AppendStreamRequest request;
  while (TakeQueued(request)) {
    // When this fails the reader finds the stream broken too, and gives the runs their results.
    if (!stream_->Write(request)) return;
    request.Clear();
  }
  stream_->WritesDone();
}

bool RemoteAppendChannel::TakeQueued(v1::AppendStreamRequest& request) {
  {
    std::unique_lock lock(mutex_);
    queue_fills_.wait(lock, [this] { return broken_ || finishing_ || queued_.submissions_size() > 0; });
    if (broken_ || queued_.submissions_size() == 0) return false;
    request = std::exchange(queued_, {});
    queued_bytes_ = 0;
  }
  queue_empties_.notify_one();
  return true;
}

void RemoteAppendChannel::ReadResults() {
  v1::AppendStreamResponse response;
  while (stream_->Read(&response)) {
    const int answered = TakeAnswered(response);
    for (int i = 0; i < answered; ++i) {
      v1::AppendVerdict& verdict = *response.mutable_verdicts(i);
      on_result_(verdict.sequence(), ResultOf(verdict));
    }
    if (answered < response.verdicts_size()) {
      context_.TryCancel();
      break;
    }
    response.Clear();
  }
  Break();
}

int RemoteAppendChannel::TakeAnswered(const v1::AppendStreamResponse& response) {
  const std::lock_guard lock(mutex_);
  int answered = 0;
  for (const v1::AppendVerdict& verdict : response.verdicts()) {
    if (unanswered_.empty() || unanswered_.front() != verdict.sequence()) break;
    unanswered_.pop_front();
    ++answered;
  }
  return answered;
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
    const std::string broke = Text("the append stream broke: ", MessageOf(ended));
    unknown = absl::UnknownError(Text("outcome unknown: ", broke, "; send the same run again"));
    broken_ = true;
    outcome_ = ended.ok() && lost.empty() ? OkStatus() : absl::UnavailableError(broke);
  }
  queue_fills_.notify_all();
  queue_empties_.notify_all();
  for (const uint64_t sequence : lost) on_result_(sequence, unknown);
}

}  // namespace anamnesis
