#ifndef ANAMNESIS_NODE_APP_CHECKPOINT_WIRING_H_
#define ANAMNESIS_NODE_APP_CHECKPOINT_WIRING_H_

// What of a node publishes checkpoints, cosigns and serves HTTP, as the command line says. A node that is neither told
// of witnesses nor to serve HTTP signs checkpoints and does no more.

#include <memory>
#include <string>

#include "ledger/base/status.h"
#include "ledger/engine/ledger.h"
#include "ledger/tls/tls_identity.h"
#include "node/app/options.h"
#include "node/checkpoint/own_audit.h"
#include "node/checkpoint/publisher.h"
#include "node/checkpoint/witness.h"
#include "node/service/access.h"
#include "node/web/log_site.h"
#include "node/web/scitt_site.h"
#include "node/web/web_server.h"

namespace anamnesis {

// Taken down from the last to the first.
struct CheckpointParts {
  // Null when nothing is cosigned.
  std::unique_ptr<OwnAudit> audit;
  std::unique_ptr<Witness> witness;
  std::unique_ptr<Publisher> publisher;
  // Null when HTTP is not served.
  std::unique_ptr<Access> access;
  std::unique_ptr<LogSite> site;
  std::unique_ptr<ScittSite> scitt;
  std::unique_ptr<WebServer> web;
};

// `ledger` outlives it. The key for cosignatures, DIR/cosigner.key, is made when it is needed and not there.
// INVALID_ARGUMENT naming the option that is wrong; otherwise fails as Witness::Open, Publisher::Start and
// WebServer::Start do, and as reading files does.
StatusOr<std::unique_ptr<CheckpointParts>> StartCheckpoints(Ledger& ledger, const NodeOptions& options,
                                                            const std::shared_ptr<TlsIdentity>& tls,
                                                            const Access::IsMember& is_member);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_APP_CHECKPOINT_WIRING_H_
