#ifndef ANAMNESIS_CLIENT_CPP_REMOTE_CLIENT_H_
#define ANAMNESIS_CLIENT_CPP_REMOTE_CLIENT_H_

// A ledger served by one or more nodes over gRPC. The client owns its channels; they connect when they are first used.

#include <chrono>
#include <memory>
#include <string_view>

#include "client/cpp/ledger_client.h"
#include "ledger/base/status.h"
#include "ledger/tls/tls_identity.h"

namespace anamnesis {

struct RemoteClientOptions {
  // Our certificate, its key, and the CAs that sign nodes' certificates: all three, or none for connections without
  // TLS, which nodes take on their own machine only. Our certificate names an agent of the ledger, and with it the
  // ledger: a server that is not a node of that ledger is refused. The files may be replaced while the client lives;
  // new connections use the new ones.
  TlsFiles tls;
  // Every read includes what this client was told before, whichever node told it: its own acknowledged appends, and
  // what earlier reads were answered at. Without this a read that another node answers may see less.
  bool monotone_reads = true;
  // What every read must include besides, and besides what its request says.
  v1::Consistency consistency;
  // How long a read, other than of many events, waits for a node before it asks the next.
  std::chrono::milliseconds read_within{10'000};
  // How long an Append is tried again, at one node after another, while its outcome is not known.
  std::chrono::milliseconds append_within{60'000};
};

// `addresses` is HOST:PORT[,HOST:PORT...] ("[::1]:7420" for IPv6). A call that finds a node unreachable, that a node
// says it can't serve, or that gets no answer in time, goes on to the next address; that is safe for every call, since
// event ids make appends idempotent. A read asks each node once, or twice when there are several, and while one answers
// that it can't show that much yet (a node that is joining its cluster), for `read_within`; then it is UNAVAILABLE. A
// broken Read goes on elsewhere after the last event it delivered. An AppendChannel stays with the node it was opened
// on: when that breaks, every unanswered run gets UNKNOWN and the caller opens another channel, which looks for a node
// that answers.
//
// INVALID_ARGUMENT when an address has not this form, or as LoadIdentity fails (channel.h); nothing is connected yet
// when this returns.
StatusOr<std::unique_ptr<LedgerClient>> ConnectRemote(std::string_view addresses, RemoteClientOptions options = {});

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_REMOTE_CLIENT_H_
