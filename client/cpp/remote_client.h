#ifndef ANAMNESIS_CLIENT_CPP_REMOTE_CLIENT_H_
#define ANAMNESIS_CLIENT_CPP_REMOTE_CLIENT_H_

// A ledger served by one or more nodes over gRPC. The client owns its channels; they connect when they are first used.

#include <memory>
#include <string_view>

#include "client/cpp/ledger_client.h"
#include "ledger/base/status.h"
#include "ledger/tls/tls_identity.h"

namespace anamnesis {

// `addresses` is HOST:PORT[,HOST:PORT...] ("[::1]:7420" for IPv6). A call that finds a node unreachable, or gets no
// answer from it in ten seconds, goes on to the next address; that is safe for every call, since event ids make appends
// idempotent. A broken Read goes on elsewhere after the last event it delivered. UNAVAILABLE comes back only when no
// node answered. An AppendChannel stays with the node it was opened on: when that breaks, every unanswered run gets
// UNAVAILABLE and the caller opens another channel, which looks for a node that answers.
//
// `tls` names our certificate, its key, and the CAs that sign nodes' certificates: all three, or none for connections
// without TLS, which nodes take on their own machine only. Our certificate names an agent of the ledger, and with it
// the ledger: a server that is not a node of that ledger is refused. The files may be replaced while the client lives;
// new connections use the new ones.
//
// INVALID_ARGUMENT when an address has not this form, or as TlsIdentity::Load fails; nothing is connected yet when this
// returns.
StatusOr<std::unique_ptr<LedgerClient>> ConnectRemote(std::string_view addresses, const TlsFiles& tls = {});

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_REMOTE_CLIENT_H_
