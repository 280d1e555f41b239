#ifndef ANAMNESIS_NODE_APP_OPTIONS_H_
#define ANAMNESIS_NODE_APP_OPTIONS_H_

// The command line of anamnesisd.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ledger/tls/tls_identity.h"

namespace anamnesis {

inline constexpr int kExitOk = 0;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitUnavailable = 3;

struct NodeOptions {
  std::string dir;
  // Of the object store; empty for where ObjectsPath says.
  std::string objects;
  // Where backups are made; empty for none.
  std::string backups;
  // HOST:PORT; without TLS on this machine's loopback.
  std::string listen = "127.0.0.1:7420";
  // Where the address listened on is written; empty for nowhere.
  std::string port_file;

  // For both listeners; none named for no TLS.
  TlsFiles tls;

  // MiB that the store may take.
  uint64_t memory_mib = 512;

  // Bytes of the log that are read back and verified in a second, at most; 0 for none.
  uint64_t scrub_rate = 2u << 20;

  struct Checkpoints {
    // While the ledger grows.
    double interval_seconds = 1;
    // Files in tlog-policy's syntax, empty for none: whom to ask for cosignatures and whose are enough; and whose logs
    // this node cosigns besides its own.
    std::string witness_policy;
    std::string witness_for;
    // HOST:PORT; without TLS on this machine's loopback. Empty for not serving HTTP.
    std::string http_listen;
    std::string http_port_file;
    // Everybody who can connect may read.
    bool http_public = false;
  } checkpoints;

  // For a node of a cluster; without etcd the node orders by itself.
  struct Cluster {
    std::vector<std::string> etcd_endpoints;
    // Of the ledger's keys in etcd.
    std::string etcd_prefix;
    TlsFiles etcd_tls;
    // User and password in etcd, in a file: the first line "user:password".
    std::string etcd_user_file;
    std::string peer_listen;
    // ID=HOST:PORT each.
    std::vector<std::string> founding_voters;
    int session_ttl_seconds = 10;
    // The origin of a ledger to be copied from the other nodes into a new directory; empty for none.
    std::string join;
    // Fenced for `anamnesis cluster recover`.
    bool recover = false;
    // See ReplicaOptions.
    uint64_t far_behind_revisions = 100'000;
    uint64_t compact_revisions = 10'000;
    uint64_t session_batches_max = 10'000;
  } cluster;
};

// Parses the command line. nullopt when the program is to end with `exit_status`: what had to be said is printed then.
std::optional<NodeOptions> ParseOptions(int argc, const char* const* argv, int& exit_status);

// True for HOST:PORT where PORT is 0 to 65535 and HOST is, unless it may be `anywhere`, localhost, 127.0.0.0/8 or
// [::1].
bool IsListenAddress(const std::string& address, bool anywhere);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_APP_OPTIONS_H_
