#ifndef ANAMNESIS_NODE_SERVICE_READ_SERVICE_H_
#define ANAMNESIS_NODE_SERVICE_READ_SERVICE_H_

// anamnesis.v1.ReadService. Everything that looks at the disk runs on a worker.

#include <atomic>

#include "anamnesis/v1/ledger.grpc.pb.h"
#include "node/service/context.h"
#include "node/service/open_streams.h"

namespace anamnesis {

class ReadService : public v1::ReadService::CallbackService {
 public:
  explicit ReadService(const ServiceContext& context);
  ~ReadService() override;

  grpc::ServerWriteReactor<v1::ReadResponse>* Read(grpc::CallbackServerContext* call,
                                                   const v1::ReadRequest* request) override;
  grpc::ServerUnaryReactor* GetEvent(grpc::CallbackServerContext* call, const v1::GetEventRequest* request,
                                     v1::Event* reply) override;
  grpc::ServerUnaryReactor* GetStreamHead(grpc::CallbackServerContext* call, const v1::GetStreamHeadRequest* request,
                                          v1::StreamHead* reply) override;
  grpc::ServerUnaryReactor* GetCredential(grpc::CallbackServerContext* call, const v1::GetCredentialRequest* request,
                                          v1::Credential* reply) override;
  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* call, const v1::GetStatusRequest* request,
                                      v1::LedgerStatus* reply) override;

  // Open reads end with UNAVAILABLE after what they are writing; new ones end at once.
  void Drain() { streams_.Drain(); }
  // Ends the streams of those who may not call any more.
  void DrainRefused() { streams_.DrainRefused(context_.access, "/anamnesis.v1.ReadService/Read"); }

 private:
  void WakeReaders();

  const ServiceContext context_;
  OpenStreams streams_;
  // A worker is about to wake the readers that follow.
  std::atomic<bool> waking_ = false;
  uint64_t listener_ = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_READ_SERVICE_H_
