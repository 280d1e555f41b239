#ifndef ANAMNESIS_NODE_SERVICE_REFUSED_CALLS_H_
#define ANAMNESIS_NODE_SERVICE_REFUSED_CALLS_H_

// Every call of a service that a server doesn't have. A client asks another node after UNAVAILABLE, and takes gRPC's
// own UNIMPLEMENTED for an answer. Safe from any thread.

#include <mutex>
#include <string>
#include <utility>

#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/grpcpp.h"

namespace anamnesis {

// Outlives the server that it is registered with.
class RefusedCalls : public grpc::CallbackGenericService {
 public:
  // `why` is what each caller is told.
  explicit RefusedCalls(std::string why) : why_(std::move(why)) {}

  // What each caller is told from now on.
  void Say(std::string why) {
    const std::lock_guard lock(mutex_);
    why_ = std::move(why);
  }

 private:
  // Ends as soon as it comes.
  class Refusal : public grpc::ServerGenericBidiReactor {
   public:
    explicit Refusal(const std::string& why) { Finish({grpc::StatusCode::UNAVAILABLE, why}); }
    void OnDone() override { delete this; }
  };

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    const std::lock_guard lock(mutex_);
    return new Refusal(why_);
  }

  std::mutex mutex_;
  // Guarded by mutex_.
  std::string why_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_SERVICE_REFUSED_CALLS_H_
