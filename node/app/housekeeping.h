#ifndef ANAMNESIS_NODE_APP_HOUSEKEEPING_H_
#define ANAMNESIS_NODE_APP_HOUSEKEEPING_H_

// What a node does about once a second, on a thread of its own: it makes a checkpoint when the ledger has grown, so
// that re-hashing keeps up off the commit path, and tells health watchers whether the ledger takes appends.

#include <condition_variable>
#include <mutex>
#include <thread>

#include "ledger/engine/ledger.h"
#include "node/service/node_server.h"

namespace anamnesis {

class Housekeeping {
 public:
  // Both outlive this.
  Housekeeping(Ledger& ledger, NodeServer& server);
  // Stops after what it is doing.
  ~Housekeeping();

 private:
  void Run();
  void PublishCheckpoint();

  Ledger& ledger_;
  NodeServer& server_;
  // Used by the thread only.
  uint64_t published_size_ = 0;
  bool failing_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_APP_HOUSEKEEPING_H_
