#ifndef ANAMNESIS_NODE_SERVICE_READ_STREAM_H_
#define ANAMNESIS_NODE_SERVICE_READ_STREAM_H_

// One call of ReadService.Read. When the ledger has what the request asks to be included, a worker reads a bounded
// chunk; when it is written, the next one is read. A reader that takes its time holds only its chunk, no thread. One
// that follows waits, after caught_up, for the ledger to grow.
//
// Lifetime: gRPC's OnDone gives up the stream's hold on itself; a worker's job holds the stream too, and the call is
// not finished while a job is out.

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "anamnesis/v1/ledger.grpc.pb.h"
#include "node/service/call_stream.h"
#include "node/service/context.h"
#include "node/service/open_streams.h"

namespace anamnesis {

class ReadStream : public CallStream<grpc::ServerWriteReactor<v1::ReadResponse>> {
 public:
  // A new read, known in `streams`, which outlives it.
  static ReadStream* Start(const ServiceContext& context, OpenStreams& streams, const grpc::CallbackServerContext& call,
                           const v1::ReadRequest& request, std::optional<v1::Agent> caller);

  // The ledger has `tree_size` events now.
  void Grown(uint64_t tree_size);
  void OnWriteDone(bool ok) override { Written(writing_, ok); }

 private:
  struct Chunk {
    std::deque<v1::ReadResponse> items;
    size_t events = 0;
    size_t bytes = 0;
    // The place after the last event, in the direction of the read; nullopt before index 0.
    std::optional<uint64_t> next;
    // Everything below this size was looked at.
    std::optional<uint64_t> caught_up;
    Status status;
  };

  ReadStream(const ServiceContext& context, OpenStreams& streams, const v1::ReadRequest& request,
             std::optional<v1::Agent> caller);
  // The ledger has what the request asks to be included, or won't.
  void Settled(const Status& status);
  // On a worker: reads a chunk and takes it in.
  void ReadChunk();
  Chunk CollectChunk();
  bool Collect(v1::ReadResponse item, Chunk& chunk) const;
  // Where the read stands after `chunk`.
  void Advance(Chunk chunk);
  bool Backwards() const { return rest_.direction() == v1::ReadRequest::BACKWARDS; }
  bool MayWrite() const;
  bool MayReadChunk() const;
  Step NextStep() override;
  bool IsOver() const override;
  grpc::Status Outcome() override;
  void OnStopping() override;

  const ServiceContext context_;
  // What is left to read; belongs to the worker's job while one is out, else guarded by mutex_.
  v1::ReadRequest rest_;
  bool bounded_ = false;
  const bool follow_;
  // The ledger's size when the read began; belongs to the worker's job as rest_ does.
  uint64_t start_size_ = 0;
  // Belongs to the write that is going on.
  v1::ReadResponse response_;
  // Tells a job that is out to stop.
  std::atomic<bool> stop_ = false;

  // All below are guarded by mutex_.
  std::deque<v1::ReadResponse> items_;
  Status status_;
  // Sizes that were read to, and that the ledger is known to have.
  uint64_t seen_size_ = 0;
  uint64_t ledger_size_ = 0;
  // What CancelAwait takes.
  uint64_t await_ = 0;
  bool begun_ = false;
  bool working_ = false;
  bool writing_ = false;
  bool caught_up_ = false;
  bool ended_ = false;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_READ_STREAM_H_
