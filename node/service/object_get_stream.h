#ifndef ANAMNESIS_NODE_SERVICE_OBJECT_GET_STREAM_H_
#define ANAMNESIS_NODE_SERVICE_OBJECT_GET_STREAM_H_

// One call of ObjectService.Get. A worker reads a chunk; when it is written, the next one is read. A client that takes
// its time holds only its chunk, no thread.
//
// Lifetime: as ObjectPutStream.

#include <memory>
#include <mutex>
#include <optional>

#include "anamnesis/v1/object.grpc.pb.h"
#include "ledger/objects/object_store.h"
#include "node/service/context.h"
#include "node/service/open_streams.h"

namespace anamnesis {

class ObjectGetStream : public grpc::ServerWriteReactor<v1::GetObjectResponse>, public OpenStream {
 public:
  // A new download, known in `streams`, which outlives it, as `store` does.
  static ObjectGetStream* Start(const ServiceContext& context, OpenStreams& streams, const ObjectStore& store,
                                const v1::GetObjectRequest& request, std::optional<v1::Agent> caller);

  const std::optional<v1::Agent>& caller() const override { return caller_; }

  void Drain() override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  ObjectGetStream(const ServiceContext& context, OpenStreams& streams, const ObjectStore& store,
                  const v1::GetObjectRequest& request, std::optional<v1::Agent> caller)
      : context_(context), streams_(streams), store_(store), request_(request), caller_(std::move(caller)) {}

  // On a worker: reads the next chunk into response_.
  void ReadChunk();
  Status FillResponse();
  // As ObjectPutStream::Proceed.
  void Proceed(std::unique_lock<std::mutex> lock);
  grpc::Status Outcome();

  const ServiceContext context_;
  OpenStreams& streams_;
  const ObjectStore& store_;
  const v1::GetObjectRequest request_;
  const std::optional<v1::Agent> caller_;
  std::shared_ptr<ObjectGetStream> self_;
  // Belong to the job, and then to the write, that is going on.
  std::optional<Digest> digest_;
  uint64_t size_ = 0;
  uint64_t offset_ = 0;
  v1::GetObjectResponse response_;

  std::mutex mutex_;
  // All below are guarded by mutex_.
  Status status_;
  // Threads that are about to start a write or a job: the call must not be finished under them.
  int acting_ = 0;
  bool filled_ = false;
  bool writing_ = false;
  bool working_ = false;
  bool ended_ = false;
  bool broken_ = false;
  bool draining_ = false;
  bool finished_ = false;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_OBJECT_GET_STREAM_H_
