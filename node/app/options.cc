#include "node/app/options.h"

#include <arpa/inet.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "ledger/base/status.h"
#include "ledger/base/version.h"

namespace anamnesis {
namespace {

bool IsPort(const std::string& text) {
  const bool digits = !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string::npos;
  return digits && std::atoi(text.c_str()) <= 65535;
}

// As CLI::Range, which takes "nan" for a number within it, and "-1" for a large one where none is negative.
CLI::Validator IsNumberIn(double least, double most, const std::string& range) {
  return CLI::Validator(
      [least, most, range](const std::string& text) {
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        const bool is_within = !text.empty() && *end == '\0' && value >= least && value <= most;
        return is_within ? std::string() : Text("\"", text, "\" is no number ", range);
      },
      "");
}

}  // namespace

bool IsListenAddress(const std::string& address, bool anywhere) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || !IsPort(address.substr(colon + 1))) return false;
  const std::string host = address.substr(0, colon);
  if (anywhere) return true;
  if (host == "localhost" || host == "[::1]") return true;
  in_addr parsed{};
  return ::inet_pton(AF_INET, host.c_str(), &parsed) == 1 && (ntohl(parsed.s_addr) >> 24) == 127;
}

namespace {

void AddOptions(CLI::App& app, NodeOptions& options) {
  NodeOptions::Cluster& cluster = options.cluster;
  app.add_option("--dir", options.dir, "directory of the ledger (made by `anamnesis init`)")->required();
  app.add_option("--objects", options.objects, "directory of the object store; default: objects in --dir");
  app.add_option("--backups", options.backups,
                 "directory for backups of the ledger, made by `anamnesis backup create`");
  app.add_option("--listen", options.listen, "HOST:PORT, without TLS on the loopback; port 0 takes a free one")
      ->capture_default_str();
  app.add_option("--port-file", options.port_file, "file to write the address to, once the node serves");
  app.add_option("--tls-certificate", options.tls.certificate,
                 "PEM file: this node's certificate, for all who connect");
  app.add_option("--tls-key", options.tls.key, "PEM file: its key");
  app.add_option("--tls-ca", options.tls.ca, "PEM file: the CAs that sign certificates of clients and nodes");
  app.add_option("--memory", options.memory_mib,
                 "MiB that the ledger's store may take: half for what was read, half for what isn't in files yet; all "
                 "else takes some 100 MiB more")
      ->check(IsNumberIn(32, 1 << 20, "from 32 to 1048576"))
      ->capture_default_str();
  app.add_option("--scrub-rate", options.scrub_rate,
                 "bytes a second of the log that are read back from disk and verified, at most; 0 for never")
      ->check(IsNumberIn(0, 1e12, "from 0 to 10^12"))
      ->capture_default_str();
  NodeOptions::Checkpoints& checkpoints = options.checkpoints;
  app.add_option("--http-listen", checkpoints.http_listen,
                 "HOST:PORT for HTTP, with TLS HTTPS: the log as tlog-tiles, receipts as SCITT has them, and "
                 "add-checkpoint for witnessing");
  app.add_option("--http-port-file", checkpoints.http_port_file, "file to write that address to")
      ->needs("--http-listen");
  app.add_flag("--http-public", checkpoints.http_public,
               "whoever can connect may read checkpoints, tiles, leaves and receipts, without a certificate")
      ->needs("--http-listen");
  app.add_option("--witness-policy", checkpoints.witness_policy,
                 "tlog-policy file: whom to ask for cosignatures, and whose are enough to call a checkpoint witnessed");
  app.add_option("--witness-for", checkpoints.witness_for,
                 "tlog-policy file whose log lines name the logs that this node cosigns besides its own")
      ->needs("--http-listen");
  app.add_option("--checkpoint-interval", checkpoints.interval_seconds,
                 "seconds between checkpoints while the ledger grows")
      ->check(IsNumberIn(0.02, 86400, "from 0.02 to 86400"))
      ->capture_default_str();
  app.add_option("--etcd", cluster.etcd_endpoints, "HOST:PORT[,HOST:PORT...] of etcd: take part in a cluster")
      ->delimiter(',');
  app.add_option("--etcd-prefix", cluster.etcd_prefix, "of this ledger's keys in etcd, e.g. anamnesis/acme/")
      ->needs("--etcd");
  app.add_option("--etcd-certificate", cluster.etcd_tls.certificate, "PEM file: who this node is to etcd")
      ->needs("--etcd");
  app.add_option("--etcd-key", cluster.etcd_tls.key, "PEM file: its key")->needs("--etcd");
  app.add_option("--etcd-ca", cluster.etcd_tls.ca, "PEM file: the CAs that sign etcd's certificates")->needs("--etcd");
  app.add_option("--etcd-user-file", cluster.etcd_user_file, "file with USER:PASSWORD in etcd, on one line")
      ->needs("--etcd");
  app.add_option("--peer-listen", cluster.peer_listen, "HOST:PORT for the other nodes, without TLS on the loopback")
      ->needs("--etcd");
  app.add_option("--found-with", cluster.founding_voters,
                 "ID=HOST:PORT[,...]: the voters of a new cluster, by DIR/node-id and --peer-listen")
      ->delimiter(',')
      ->needs("--etcd");
  app.add_option("--session-ttl", cluster.session_ttl_seconds,
                 "seconds after which a node that isn't heard of has no session any more")
      ->check(CLI::Range(2, 600))
      ->capture_default_str();
  app.add_option("--join", options.cluster.join,
                 "ORIGIN of the ledger: a new --dir is filled from the other nodes, of which this is to be a member")
      ->needs("--etcd");
  app.add_flag("--recover", options.cluster.recover,
               "etcd is lost for good: do nothing but what `anamnesis cluster recover` asks, until that is done")
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
  app.add_option("--session-batches-max", options.cluster.session_batches_max)
      ->needs("--etcd")
      ->check(CLI::PositiveNumber)
      ->group("");
}

// What is wrong, for a person; empty when nothing is.
std::string CheckOptions(const NodeOptions& options) {
  const NodeOptions::Cluster& cluster = options.cluster;
  const TlsFiles& tls = options.tls;
  const bool has_tls = !tls.certificate.empty();
  if (has_tls == tls.key.empty() || has_tls == tls.ca.empty()) {
    return "--tls-certificate, --tls-key and --tls-ca: all three or none";
  }
  if (cluster.etcd_tls.certificate.empty() != cluster.etcd_tls.key.empty()) {
    return "--etcd-certificate and --etcd-key: both or none";
  }
  const std::string_view remedy =
      " such as 127.0.0.1:7420; other addresses need --tls-certificate, --tls-key, --tls-ca";
  if (!IsListenAddress(options.listen, has_tls)) {
    return Text("--listen: \"", options.listen, "\" is not a ", has_tls ? "" : "loopback ", "HOST:PORT", remedy);
  }
  if (!options.checkpoints.http_listen.empty() && !IsListenAddress(options.checkpoints.http_listen, has_tls)) {
    return Text("--http-listen: \"", options.checkpoints.http_listen, "\" is not a ", has_tls ? "" : "loopback ",
                "HOST:PORT", remedy);
  }
  for (const std::string& voter : cluster.founding_voters) {
    const size_t equals = voter.find('=');
    if (equals == std::string::npos || equals == 0 || !IsListenAddress(voter.substr(equals + 1), true)) {
      return Text("--found-with: \"", voter,
                  "\" is not ID=HOST:PORT, a node's id as in its DIR/node-id and its --peer-listen");
    }
  }
  if (cluster.etcd_endpoints.empty()) return "";
  if (cluster.etcd_prefix.empty()) return "--etcd: also needs --etcd-prefix";
  if (!IsListenAddress(cluster.peer_listen, has_tls)) {
    return Text("--peer-listen: \"", cluster.peer_listen, "\" is not a ", has_tls ? "" : "loopback ", "HOST:PORT",
                remedy);
  }
  return "";
}

}  // namespace

std::optional<NodeOptions> ParseOptions(int argc, const char* const* argv, int& exit_status) {
  NodeOptions options;
  CLI::App app("Serves a ledger.\nExample: anamnesisd --dir /var/lib/anamnesis --listen 127.0.0.1:7420", "anamnesisd");
  app.set_version_flag("--version", Text("anamnesisd ", ProgramVersion()), "the program's version");
  AddOptions(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_status = app.exit(error, std::cout, std::cerr) == 0 ? kExitOk : kExitUsage;
    return std::nullopt;
  }
  const std::string wrong = CheckOptions(options);
  if (wrong.empty()) return options;
  std::cerr << wrong << "\n";
  exit_status = kExitUsage;
  return std::nullopt;
}

}  // namespace anamnesis
