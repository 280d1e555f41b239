#ifndef ANAMNESIS_NODE_SERVICE_APPEND_SERVICE_H_
#define ANAMNESIS_NODE_SERVICE_APPEND_SERVICE_H_

// anamnesis.v1.AppendService. Nothing here blocks: runs go to the ledger, and its verdicts move the calls on.

#include <memory>

#include "anamnesis/v1/ledger.grpc.pb.h"
#include "node/service/context.h"
#include "node/service/open_streams.h"

namespace anamnesis {

class AppendService : public v1::AppendService::CallbackService {
 public:
  explicit AppendService(const ServiceContext& context) : context_(context) {}

  grpc::ServerUnaryReactor* Append(grpc::CallbackServerContext* call, const v1::AppendRequest* request,
                                   v1::AppendResponse* reply) override;
  grpc::ServerBidiReactor<v1::AppendStreamRequest, v1::AppendStreamResponse>* AppendStream(
      grpc::CallbackServerContext* call) override;

  // Streams read no more runs, answer those they have, and end with UNAVAILABLE; new ones end at once.
  void Drain() { streams_.Drain(); }
  // Ends the streams of those who may not call any more.
  void DrainRefused() { streams_.DrainRefused(context_.access, "/anamnesis.v1.AppendService/AppendStream"); }

 private:
  const ServiceContext context_;
  OpenStreams streams_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_APPEND_SERVICE_H_
