#ifndef ANAMNESIS_NODE_SERVICE_OBJECT_PUT_STREAM_H_
#define ANAMNESIS_NODE_SERVICE_OBJECT_PUT_STREAM_H_

// One call of ObjectService.Put. A chunk is read, written by a worker, and only then the next one is read, so that a
// call holds one chunk and gRPC's flow control holds the client back.
//
// Lifetime: gRPC's OnDone gives up the stream's hold on itself; a worker's job holds the stream too, and the call is
// not finished while a job is out.

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "anamnesis/v1/object.grpc.pb.h"
#include "ledger/objects/object_store.h"
#include "node/service/context.h"
#include "node/service/open_streams.h"

namespace anamnesis {

class ObjectPutStream : public grpc::ServerReadReactor<v1::PutObjectRequest>, public OpenStream {
 public:
  // A new upload, known in `streams`, which outlives it, as `store` does. gRPC keeps `reply` until the call is
  // finished.
  static ObjectPutStream* Start(const ServiceContext& context, OpenStreams& streams, ObjectStore& store,
                                v1::PutObjectResponse& reply, std::optional<v1::Agent> caller);

  const std::optional<v1::Agent>& caller() const override { return caller_; }

  void Drain() override;
  void OnReadDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  ObjectPutStream(const ServiceContext& context, OpenStreams& streams, ObjectStore& store, v1::PutObjectResponse& reply,
                  std::optional<v1::Agent> caller)
      : context_(context), streams_(streams), store_(store), reply_(reply), caller_(std::move(caller)) {}

  // On a worker: takes the message that was read.
  void Take();
  Status Begin(const v1::PutObjectRequest::Start& start);
  Status Add(const std::string& chunk);
  // Starts what can be started, and finishes the call when nothing is left. Every change of state ends with it; `this`
  // may be gone when it returns, unless the caller holds it.
  void Proceed(std::unique_lock<std::mutex> lock);
  grpc::Status Outcome();

  const ServiceContext context_;
  OpenStreams& streams_;
  ObjectStore& store_;
  v1::PutObjectResponse& reply_;
  const std::optional<v1::Agent> caller_;
  std::shared_ptr<ObjectPutStream> self_;
  // Belong to the read, and then to the job, that is going on.
  v1::PutObjectRequest request_;
  std::optional<Digest> digest_;
  uint64_t size_ = 0;
  uint64_t offset_ = 0;
  ObjectState state_;

  std::mutex mutex_;
  // All below are guarded by mutex_.
  Status status_;
  // Threads that are about to start a read or a job: the call must not be finished under them.
  int acting_ = 0;
  bool reading_ = false;
  bool read_ = false;
  bool working_ = false;
  bool ended_ = false;
  bool broken_ = false;
  bool draining_ = false;
  bool finished_ = false;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_OBJECT_PUT_STREAM_H_
