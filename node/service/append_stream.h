#ifndef ANAMNESIS_NODE_SERVICE_APPEND_STREAM_H_
#define ANAMNESIS_NODE_SERVICE_APPEND_STREAM_H_

// One call of AppendService.AppendStream. Runs go to the ledger as they are read; verdicts are written in the order of
// the runs, and those that come while a message is being written go together into the next. While more than a bound is
// read and not answered, nothing more is read, so that gRPC's flow control holds the client back.
//
// Lifetime: the call is finished only when the ledger has given every verdict, so none arrives after that; a client
// that goes away does not change this.

#include <deque>
#include <optional>
#include <utility>

#include "anamnesis/v1/ledger.grpc.pb.h"
#include "node/service/call_stream.h"
#include "node/service/context.h"
#include "node/service/open_streams.h"

namespace anamnesis {

class AppendStream : public CallStream<grpc::ServerBidiReactor<v1::AppendStreamRequest, v1::AppendStreamResponse>> {
 public:
  // A new stream, known in `streams`, which outlives it.
  static AppendStream* Start(const ServiceContext& context, OpenStreams& streams, std::optional<v1::Agent> caller);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override { Written(writing_, ok); }

 private:
  // A run that was read, until its answer is written.
  struct Slot {
    v1::AppendVerdict verdict;
    size_t bytes = 0;
    bool decided = false;
  };

  AppendStream(const ServiceContext& context, OpenStreams& streams, std::optional<v1::Agent> caller)
      : CallStream(streams, std::move(caller)), context_(context) {}
  // Gives each run in request_ its slot; false when the request is over a limit or comes too late.
  bool TakeSlots(uint64_t& first_place);
  // Hands the runs in request_ to the ledger; the first has the slot at `place`.
  void Submit(uint64_t place);
  void Decide(uint64_t place, v1::RunResult result, uint64_t tree_size);
  // Moves the verdicts that can be written to response_.
  void GatherVerdicts();
  bool MayRead() const;
  bool MayWrite() const;
  Step NextStep() override;
  bool IsOver() const override;
  grpc::Status Outcome() override;

  const ServiceContext context_;
  // Belongs to the read, or the write, that is going on.
  v1::AppendStreamRequest request_;
  v1::AppendStreamResponse response_;

  // All below are guarded by mutex_. Slots in the order of the requests; the first one has the place first_place_.
  std::deque<Slot> slots_;
  uint64_t first_place_ = 0;
  size_t slot_bytes_ = 0;
  size_t undecided_ = 0;
  bool reading_ = false;
  bool writing_ = false;
  bool reads_ended_ = false;
  // Why the client's requests are no longer read.
  Status over_limit_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_APPEND_STREAM_H_
