#ifndef ANAMNESIS_NODE_ETCD_WATCH_H_
#define ANAMNESIS_NODE_ETCD_WATCH_H_

// A watch on the keys below a prefix: every change from a revision on, in order, each once, whatever happens to
// connections and members in between; a broken stream is taken up on another endpoint after the last revision that was
// delivered or queued. It is read by pulling: what is not read stops the stream, so nothing grows without bound. A
// batch is queued only when all fragments of it have arrived, so that no revision is ever delivered in part.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "ledger/base/status.h"
#include "node/etcd/etcd_types.h"

namespace anamnesis {

class EtcdConnection;

// One thread reads; the other methods are safe from any thread. Destroyed before its client.
class EtcdWatch {
 public:
  // `prefix` is whole, the client's prefix included; `hidden_bytes` of it are taken off every key.
  EtcdWatch(std::shared_ptr<EtcdConnection> connection, std::string prefix, size_t hidden_bytes, int64_t from_revision);
  ~EtcdWatch();

  // The next batch, waiting up to `timeout` for it. What is queued comes before an error.
  //   DEADLINE_EXCEEDED: there was none in time. Call again. Lasting disconnection shows in EtcdClient::Health.
  //   OUT_OF_RANGE: the next revision is compacted; compact_revision() is the oldest that can still be watched. The
  //     watch is over: read the keys as they are now, and watch from there.
  //   PERMISSION_DENIED, UNAUTHENTICATED, FAILED_PRECONDITION: the user may not read these keys, or no token is to be
  //     had for it, or the endpoints are of two clusters. The watch is over.
  //   DATA_LOSS: etcd has gone back. A stream that takes the place of one that broke begins with the last put that was
  //     delivered; when another stands there, etcd was put back from a snapshot meanwhile. The watch is over.
  //   CANCELLED: Cancel was called, or the client was closed.
  StatusOr<EtcdWatchBatch> Next(std::chrono::milliseconds timeout);

  // Whether etcd has accepted the watch and shows what happens, which says more than that nothing came.
  bool stands() const;

  // Wakes up Next. Idempotent.
  void Cancel();

  // 0 unless Next has returned OUT_OF_RANGE.
  int64_t compact_revision() const;

 private:
  class State;
  class Stream;
  const std::shared_ptr<State> state_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_ETCD_WATCH_H_
