#ifndef ANAMNESIS_NODE_APP_HOUSEKEEPING_H_
#define ANAMNESIS_NODE_APP_HOUSEKEEPING_H_

// What a node does about once a second, on a thread of its own: it tells health watchers how the node is, ends
// the streams of callers that are not known any more, has the ledger look at what changes with time alone, and says
// when certificates are about to expire.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "ledger/engine/ledger.h"
#include "ledger/tls/tls_identity.h"
#include "node/auth/expiry_alarm.h"
#include "node/service/node_server.h"

namespace anamnesis {

// The certificates of all that aren't null.
std::vector<ExpiringCertificate> ExpiringOf(const std::vector<std::shared_ptr<TlsIdentity>>& identities);

class Housekeeping {
 public:
  // `identities` are those whose certificates are watched; `server` and `ledger` outlive this.
  Housekeeping(NodeServer& server, Ledger& ledger, std::vector<std::shared_ptr<TlsIdentity>> identities);
  // Stops after what it is doing.
  ~Housekeeping();

 private:
  void Run();
  void RaiseExpiryAlarms();

  NodeServer& server_;
  Ledger& ledger_;
  const std::vector<std::shared_ptr<TlsIdentity>> identities_;
  // Used by the thread only.
  ExpiryAlarm expiry_alarm_;
  std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_.
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_APP_HOUSEKEEPING_H_
