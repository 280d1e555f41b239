#include "node/service/object_service.h"

#include <functional>

#include "node/service/object_get_stream.h"
#include "node/service/object_put_stream.h"

namespace anamnesis {
namespace {

constexpr size_t kWorkers = 2;
constexpr size_t kWaitingMax = 256;
constexpr size_t kVerifiers = 1;
constexpr size_t kVerificationsWaitingMax = 64;

StatusOr<v1::StatObjectResponse> StatOf(const ObjectStore& store, const v1::StatObjectRequest& request) {
  ASSIGN_OR_RETURN(const Digest digest, Digest::FromBytes(request.sha256(), "sha256"));
  ASSIGN_OR_RETURN(const ObjectState state, store.Stat(digest, request.size_bytes()));
  v1::StatObjectResponse reply;
  reply.set_stored(state.stored);
  if (state.stored) {
    reply.set_size_bytes(state.bytes);
  } else {
    reply.set_bytes_there(state.bytes);
  }
  return reply;
}

StatusOr<v1::VerifyObjectResponse> VerificationOf(ObjectStore& store, const v1::VerifyObjectRequest& request,
                                                  const std::function<bool()>& cancelled) {
  ASSIGN_OR_RETURN(const Digest digest, Digest::FromBytes(request.sha256(), "sha256"));
  ASSIGN_OR_RETURN(const uint64_t size, store.Verify(digest, cancelled));
  v1::VerifyObjectResponse reply;
  reply.set_size_bytes(size);
  return reply;
}

}  // namespace

ObjectService::ObjectService(const ServiceContext& context, ObjectStore& store)
    : workers_(kWorkers, kWaitingMax),
      verifiers_(kVerifiers, kVerificationsWaitingMax),
      context_{context.ledger, workers_, context.failures, context.access},
      verify_context_{context.ledger, verifiers_, context.failures, context.access},
      store_(store) {}

grpc::ServerReadReactor<v1::PutObjectRequest>* ObjectService::Put(grpc::CallbackServerContext* call,
                                                                  v1::PutObjectResponse* reply) {
  return ObjectPutStream::Start(context_, uploads_, store_, *reply, context_.access.CallerOf(*call));
}

grpc::ServerWriteReactor<v1::GetObjectResponse>* ObjectService::Get(grpc::CallbackServerContext* call,
                                                                    const v1::GetObjectRequest* request) {
  return ObjectGetStream::Start(context_, downloads_, store_, *request, context_.access.CallerOf(*call));
}

grpc::ServerUnaryReactor* ObjectService::Stat(grpc::CallbackServerContext* call, const v1::StatObjectRequest* request,
                                              v1::StatObjectResponse* reply) {
  return AnswerOnWorker(context_, call, "Stat", request, reply, [this, request] { return StatOf(store_, *request); });
}

grpc::ServerUnaryReactor* ObjectService::Verify(grpc::CallbackServerContext* call,
                                                const v1::VerifyObjectRequest* request,
                                                v1::VerifyObjectResponse* reply) {
  return AnswerOnWorker(verify_context_, call, "Verify", request, reply, [this, call, request] {
    auto verified = VerificationOf(store_, *request, [this, call] { return draining_ || call->IsCancelled(); });
    if (absl::IsCancelled(verified.status()) && draining_) verified = absl::UnavailableError("the node stops");
    return verified;
  });
}

void ObjectService::Drain() {
  draining_ = true;
  uploads_.Drain();
  downloads_.Drain();
}

void ObjectService::DrainRefused() {
  uploads_.DrainRefused(context_.access, "/anamnesis.v1.ObjectService/Put");
  downloads_.DrainRefused(context_.access, "/anamnesis.v1.ObjectService/Get");
}

}  // namespace anamnesis
