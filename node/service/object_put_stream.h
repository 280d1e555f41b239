#ifndef ANAMNESIS_NODE_SERVICE_OBJECT_PUT_STREAM_H_
#define ANAMNESIS_NODE_SERVICE_OBJECT_PUT_STREAM_H_

// One call of ObjectService.Put. A chunk is read, written by a worker, and only then the next one is read, so that a
// call holds one chunk and gRPC's flow control holds the client back.
//
// Lifetime: a worker's job holds the stream too, and the call is not finished while a job is out.

#include <optional>
#include <utility>

#include "anamnesis/v1/object.grpc.pb.h"
#include "ledger/objects/object_store.h"
#include "node/service/call_stream.h"
#include "node/service/context.h"
#include "node/service/open_streams.h"

namespace anamnesis {

class ObjectPutStream : public CallStream<grpc::ServerReadReactor<v1::PutObjectRequest>> {
 public:
  // A new upload, known in `streams`, which outlives it, as `store` does. gRPC keeps `reply` until the call is
  // finished.
  static ObjectPutStream* Start(const ServiceContext& context, OpenStreams& streams, ObjectStore& store,
                                v1::PutObjectResponse& reply, std::optional<v1::Agent> caller);

  void OnReadDone(bool ok) override;

 private:
  ObjectPutStream(const ServiceContext& context, OpenStreams& streams, ObjectStore& store, v1::PutObjectResponse& reply,
                  std::optional<v1::Agent> caller)
      : CallStream(streams, std::move(caller)), context_(context), store_(store), reply_(reply) {}

  // On a worker: takes the message that was read.
  void Take();
  Status Begin(const v1::PutObjectRequest::Start& start);
  Status Add(const std::string& chunk);
  Step NextStep() override;
  bool IsOver() const override;
  grpc::Status Outcome() override;

  const ServiceContext context_;
  ObjectStore& store_;
  v1::PutObjectResponse& reply_;
  // Belong to the read, and then to the job, that is going on.
  v1::PutObjectRequest request_;
  std::optional<Digest> digest_;
  uint64_t size_ = 0;
  uint64_t offset_ = 0;
  ObjectState state_;

  // All below are guarded by mutex_.
  Status status_;
  bool reading_ = false;
  bool read_ = false;
  bool working_ = false;
  bool ended_ = false;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_OBJECT_PUT_STREAM_H_
