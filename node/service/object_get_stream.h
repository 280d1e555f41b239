#ifndef ANAMNESIS_NODE_SERVICE_OBJECT_GET_STREAM_H_
#define ANAMNESIS_NODE_SERVICE_OBJECT_GET_STREAM_H_

// One call of ObjectService.Get. A worker reads a chunk; when it is written, the next one is read. A client that takes
// its time holds only its chunk, no thread.
//
// Lifetime: as ObjectPutStream.

#include <optional>

#include "anamnesis/v1/object.grpc.pb.h"
#include "ledger/objects/object_store.h"
#include "node/service/call_stream.h"
#include "node/service/context.h"
#include "node/service/open_streams.h"

namespace anamnesis {

class ObjectGetStream : public CallStream<grpc::ServerWriteReactor<v1::GetObjectResponse>> {
 public:
  // A new download, known in `streams`, which outlives it, as `store` does.
  static ObjectGetStream* Start(const ServiceContext& context, OpenStreams& streams, const ObjectStore& store,
                                const v1::GetObjectRequest& request, std::optional<v1::Agent> caller);

  void OnWriteDone(bool ok) override { Written(writing_, ok); }

 private:
  ObjectGetStream(const ServiceContext& context, OpenStreams& streams, const ObjectStore& store,
                  const v1::GetObjectRequest& request, std::optional<v1::Agent> caller)
      : CallStream(streams, std::move(caller)), context_(context), store_(store), request_(request) {}

  // On a worker: reads the next chunk into response_.
  void ReadChunk();
  Status FillResponse();
  Step NextStep() override;
  bool IsOver() const override;
  grpc::Status Outcome() override;

  const ServiceContext context_;
  const ObjectStore& store_;
  const v1::GetObjectRequest request_;
  // Belong to the job, and then to the write, that is going on.
  std::optional<Digest> digest_;
  uint64_t size_ = 0;
  uint64_t offset_ = 0;
  v1::GetObjectResponse response_;

  // All below are guarded by mutex_.
  Status status_;
  bool filled_ = false;
  bool writing_ = false;
  bool working_ = false;
  bool ended_ = false;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_OBJECT_GET_STREAM_H_
