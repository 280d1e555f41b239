#ifndef ANAMNESIS_NODE_SERVICE_OBJECT_SERVICE_H_
#define ANAMNESIS_NODE_SERVICE_OBJECT_SERVICE_H_

// anamnesis.v1.ObjectService, over the object store of this node. Its work runs on threads of its own, since checking a
// large object takes as long as reading it, and answers from the ledger must not wait for that.

#include <atomic>

#include "anamnesis/v1/object.grpc.pb.h"
#include "ledger/objects/object_store.h"
#include "node/service/context.h"
#include "node/service/open_streams.h"

namespace anamnesis {

class ObjectService : public v1::ObjectService::CallbackService {
 public:
  // `store` outlives this. The workers of `context` are not used for objects.
  ObjectService(const ServiceContext& context, ObjectStore& store);

  grpc::ServerReadReactor<v1::PutObjectRequest>* Put(grpc::CallbackServerContext* call,
                                                     v1::PutObjectResponse* reply) override;
  grpc::ServerWriteReactor<v1::GetObjectResponse>* Get(grpc::CallbackServerContext* call,
                                                       const v1::GetObjectRequest* request) override;
  grpc::ServerUnaryReactor* Stat(grpc::CallbackServerContext* call, const v1::StatObjectRequest* request,
                                 v1::StatObjectResponse* reply) override;
  grpc::ServerUnaryReactor* Verify(grpc::CallbackServerContext* call, const v1::VerifyObjectRequest* request,
                                   v1::VerifyObjectResponse* reply) override;

  // Open uploads and downloads end with UNAVAILABLE after the chunk that they are at, and so does what is verified; new
  // ones end at once.
  void Drain();
  // Ends the uploads and downloads of those who may not call any more.
  void DrainRefused();
  // Runs what was begun and nothing more. REQUIRES: no call is open.
  void StopWorkers() {
    workers_.Stop();
    verifiers_.Stop();
  }

 private:
  WorkerPool workers_;
  // Reading a whole object takes long, and no chunk of another waits for it.
  WorkerPool verifiers_;
  const ServiceContext context_;
  const ServiceContext verify_context_;
  std::atomic<bool> draining_ = false;
  ObjectStore& store_;
  OpenStreams uploads_;
  OpenStreams downloads_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_OBJECT_SERVICE_H_
