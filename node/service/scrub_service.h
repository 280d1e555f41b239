#ifndef ANAMNESIS_NODE_SERVICE_SCRUB_SERVICE_H_
#define ANAMNESIS_NODE_SERVICE_SCRUB_SERVICE_H_

// anamnesis.v1.ScrubService: what the node's scrubber found.

#include "anamnesis/v1/scrub.grpc.pb.h"
#include "ledger/engine/scrubber.h"

namespace anamnesis {

class ScrubService : public v1::ScrubService::CallbackService {
 public:
  // `scrubber` outlives it.
  explicit ScrubService(const Scrubber& scrubber) : scrubber_(scrubber) {}

  grpc::ServerUnaryReactor* GetScrubStatus(grpc::CallbackServerContext* call, const v1::GetScrubStatusRequest* request,
                                           v1::ScrubStatus* reply) override;

 private:
  const Scrubber& scrubber_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_SCRUB_SERVICE_H_
