#ifndef ANAMNESIS_NODE_SERVICE_APPEND_STREAM_H_
#define ANAMNESIS_NODE_SERVICE_APPEND_STREAM_H_

// One call of AppendService.AppendStream. Runs go to the ledger as they are read; verdicts are written in the order of
// the runs, and those that come while a message is being written go together into the next. While more than a bound is
// read and not answered, nothing more is read, so that gRPC's flow control holds the client back.
//
// Lifetime: gRPC's OnDone gives up the stream's hold on itself. The call is finished only when the ledger has given
// every verdict, so none arrives after that; a client that goes away does not change this.

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "anamnesis/v1/ledger.grpc.pb.h"
#include "node/service/context.h"
#include "node/service/open_streams.h"

namespace anamnesis {

class AppendStream : public grpc::ServerBidiReactor<v1::AppendStreamRequest, v1::AppendStreamResponse>,
                     public OpenStream {
 public:
  // A new stream, known in `streams`, which outlives it.
  static AppendStream* Start(const ServiceContext& context, OpenStreams& streams, std::optional<v1::Agent> caller);

  const std::optional<v1::Agent>& caller() const override { return caller_; }

  void Drain() override;
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  // A run that was read, until its answer is written.
  struct Slot {
    v1::AppendVerdict verdict;
    size_t bytes = 0;
    bool decided = false;
  };

  AppendStream(const ServiceContext& context, OpenStreams& streams, std::optional<v1::Agent> caller)
      : context_(context), streams_(streams), caller_(std::move(caller)) {}
  // Gives each run in request_ its slot; false when the request is over a limit or comes too late.
  bool TakeSlots(uint64_t& first_place);
  // Hands the runs in request_ to the ledger; the first has the slot at `place`.
  void Submit(uint64_t place);
  void Decide(uint64_t place, v1::RunResult result, uint64_t tree_size);
  // Moves the verdicts that can be written to response_.
  void GatherVerdicts();
  // Starts what can be started, and finishes the call when nothing is left. Every change of state ends with it; `this`
  // may be gone when it returns.
  void Proceed(std::unique_lock<std::mutex> lock);
  bool MayRead() const;
  bool MayWrite() const;
  bool MayFinish() const;
  grpc::Status Outcome() const;

  const ServiceContext context_;
  OpenStreams& streams_;
  const std::optional<v1::Agent> caller_;
  std::shared_ptr<AppendStream> self_;
  // Belongs to the read, or the write, that is going on.
  v1::AppendStreamRequest request_;
  v1::AppendStreamResponse response_;

  std::mutex mutex_;
  // All below are guarded by mutex_. Slots in the order of the requests; the first one has the place first_place_.
  std::deque<Slot> slots_;
  uint64_t first_place_ = 0;
  size_t slot_bytes_ = 0;
  size_t undecided_ = 0;
  // Threads that are about to start a read or a write: the call must not be finished under them.
  int acting_ = 0;
  bool reading_ = false;
  bool writing_ = false;
  bool reads_ended_ = false;
  bool broken_ = false;
  bool draining_ = false;
  bool finished_ = false;
  // Why the client's requests are no longer read.
  Status over_limit_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_APPEND_STREAM_H_
