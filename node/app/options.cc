#include "node/app/options.h"

#include <arpa/inet.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>

namespace anamnesis {
namespace {

bool IsPort(const std::string& text) {
  const bool digits = !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string::npos;
  return digits && std::atoi(text.c_str()) <= 65535;
}

}  // namespace

bool IsLoopbackAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || !IsPort(address.substr(colon + 1))) return false;
  const std::string host = address.substr(0, colon);
  if (host == "localhost" || host == "[::1]") return true;
  in_addr parsed{};
  return ::inet_pton(AF_INET, host.c_str(), &parsed) == 1 && (ntohl(parsed.s_addr) >> 24) == 127;
}

std::optional<NodeOptions> ParseOptions(int argc, const char* const* argv, int& exit_status) {
  NodeOptions options;
  CLI::App app("Serves a ledger to this machine.\nExample: anamnesisd --dir /var/lib/anamnesis --listen 127.0.0.1:7420",
               "anamnesisd");
  app.add_option("--dir", options.dir, "directory of the ledger (made by `anamnesis init`)")->required();
  app.add_option("--listen", options.listen, "HOST:PORT on the loopback; port 0 takes a free one")
      ->capture_default_str();
  app.add_option("--port-file", options.port_file, "file to write the address to, once the node serves");
  app.add_option("--etcd", options.cluster.etcd_endpoints, "HOST:PORT[,HOST:PORT...] of etcd: take part in a cluster")
      ->delimiter(',');
  app.add_option("--etcd-prefix", options.cluster.etcd_prefix, "of this ledger's keys in etcd, e.g. anamnesis/acme/")
      ->needs("--etcd");
  app.add_option("--peer-listen", options.cluster.peer_listen, "HOST:PORT on the loopback for the other nodes")
      ->needs("--etcd");
  app.add_option("--found-with", options.cluster.founding_voters,
                 "ID=HOST:PORT[,...]: the voters of a new cluster, by DIR/node-id and --peer-listen")
      ->delimiter(',')
      ->needs("--etcd");
  app.add_option("--session-ttl", options.cluster.session_ttl_seconds,
                 "seconds after which a node that isn't heard of has no session any more")
      ->check(CLI::Range(2, 600))
      ->capture_default_str();
  app.add_option("--join", options.cluster.join,
                 "ORIGIN of the ledger: a new --dir is filled from the other nodes, of which this is to be a member")
      ->needs("--etcd");
  // An empty group isn't shown: these are for clusters that are watched closely, and for tests.
  app.add_option("--far-behind-revisions", options.cluster.far_behind_revisions)
      ->needs("--etcd")
      ->check(CLI::PositiveNumber)
      ->group("");
  app.add_option("--compact-revisions", options.cluster.compact_revisions)
      ->needs("--etcd")
      ->check(CLI::PositiveNumber)
      ->group("");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_status = app.exit(error, std::cout, std::cerr) == 0 ? kExitOk : kExitUsage;
    return std::nullopt;
  }
  if (!IsLoopbackAddress(options.listen)) {
    std::cerr
        << "--listen: \"" << options.listen
        << "\" is not a loopback HOST:PORT such as 127.0.0.1:7420; this node has no TLS and serves its own machine "
           "only\n";
    exit_status = kExitUsage;
    return std::nullopt;
  }
  const NodeOptions::Cluster& cluster = options.cluster;
  const bool whole = !cluster.etcd_prefix.empty() && IsLoopbackAddress(cluster.peer_listen);
  if (!cluster.etcd_endpoints.empty() && !whole) {
    std::cerr
        << "--etcd: also needs --etcd-prefix, and --peer-listen with a loopback HOST:PORT (there is no TLS between "
           "nodes yet)\n";
    exit_status = kExitUsage;
    return std::nullopt;
  }
  return options;
}

}  // namespace anamnesis
