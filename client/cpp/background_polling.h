#ifndef ANAMNESIS_CLIENT_CPP_BACKGROUND_POLLING_H_
#define ANAMNESIS_CLIENT_CPP_BACKGROUND_POLLING_H_

// Moves gRPC's connections on while no call waits. A thread that waits for an answer does that too, but a call on a
// channel that has lost its connection fails at once; then a TLS handshake, which takes several turns, is looked at
// every five seconds only, and given up after two: a client that makes one call after the other would never connect
// again. One thread, of its own; what it does for gRPC's polling set is done for all channels of the process.

#include <thread>

#include "grpcpp/grpcpp.h"

namespace anamnesis {

class BackgroundPolling {
 public:
  BackgroundPolling() : thread_([this] { Run(); }) {}
  ~BackgroundPolling() {
    queue_.Shutdown();
    thread_.join();
  }
  BackgroundPolling(const BackgroundPolling&) = delete;
  BackgroundPolling& operator=(const BackgroundPolling&) = delete;

 private:
  // Nothing is ever put into the queue.
  void Run() {
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) continue;
  }

  grpc::CompletionQueue queue_;
  std::thread thread_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_BACKGROUND_POLLING_H_
