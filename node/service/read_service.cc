#include "node/service/read_service.h"

#include "node/service/read_stream.h"

namespace anamnesis {

ReadService::ReadService(const ServiceContext& context) : context_(context) {
  // The applying thread only leaves one piece of work; a growth that comes while that waits is seen by it too.
  listener_ = context_.ledger.AddListener([this](uint64_t /*tree_size*/) {
    if (!waking_.exchange(true)) context_.workers.Submit([this] { WakeReaders(); });
  });
}

ReadService::~ReadService() { context_.ledger.RemoveListener(listener_); }

void ReadService::WakeReaders() {
  waking_ = false;
  const uint64_t size = context_.ledger.tree_size();
  for (const std::shared_ptr<OpenStream>& stream : streams_.All()) static_cast<ReadStream&>(*stream).Grown(size);
}

grpc::ServerWriteReactor<v1::ReadResponse>* ReadService::Read(grpc::CallbackServerContext* call,
                                                              const v1::ReadRequest* request) {
  return ReadStream::Start(context_, streams_, *call, *request, context_.access.CallerOf(*call));
}

grpc::ServerUnaryReactor* ReadService::GetEvent(grpc::CallbackServerContext* call, const v1::GetEventRequest* request,
                                                v1::Event* reply) {
  return AnswerOnWorker(context_, call, "GetEvent", request, reply,
                        [this, request] { return context_.ledger.GetEvent(*request); });
}

grpc::ServerUnaryReactor* ReadService::GetStreamHead(grpc::CallbackServerContext* call,
                                                     const v1::GetStreamHeadRequest* request, v1::StreamHead* reply) {
  return AnswerOnWorker(context_, call, "GetStreamHead", request, reply,
                        [this, request] { return context_.ledger.GetStreamHead(*request); });
}

grpc::ServerUnaryReactor* ReadService::GetCredential(grpc::CallbackServerContext* call,
                                                     const v1::GetCredentialRequest* request, v1::Credential* reply) {
  return AnswerOnWorker(context_, call, "GetCredential", request, reply,
                        [this, request] { return context_.ledger.GetCredential(*request); });
}

grpc::ServerUnaryReactor* ReadService::GetStatus(grpc::CallbackServerContext* call, const v1::GetStatusRequest* request,
                                                 v1::LedgerStatus* reply) {
  return AnswerOnWorker(context_, call, "GetStatus", request, reply,
                        [this] { return StatusOr<v1::LedgerStatus>(context_.ledger.GetStatus()); });
}

}  // namespace anamnesis
