#ifndef ANAMNESIS_TESTS_NODE_ETCD_ETCD_PROCESS_H_
#define ANAMNESIS_TESTS_NODE_ETCD_ETCD_PROCESS_H_

// Real etcd members, started by a test on free ports of the loopback with data in a temporary directory, and ended with
// it. The time constants are shorter than usual, so that elections take half a second.

#include <signal.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "node/etcd/etcd_client.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {

// The programs are installed. A test without them skips: ANAMNESIS_NEEDS_ETCD().
bool EtcdInstalled();
#define ANAMNESIS_NEEDS_ETCD() \
  if (!EtcdInstalled()) GTEST_SKIP() << "no etcd and etcdctl here: deploy/packages test installs them"

class EtcdCluster {
 public:
  struct Setup {
    size_t members = 1;
    // Given to every member.
    std::vector<std::string> arguments = {};
    // Holds ca.pem, server.pem and server.key: the members then serve TLS to clients with a certificate of that CA.
    std::string tls_directory = "";
  };

  // Starts the members, without waiting for them. Members also end when the thread ends that started them, so tests
  // start and restart them from the main one.
  explicit EtcdCluster(Setup setup);
  EtcdCluster() : EtcdCluster(Setup()) {}
  // Kills them and removes their data.
  ~EtcdCluster();

  void Kill(size_t member) { Signal(member, SIGKILL); }
  // A new process with the data of the old one, at the same address.
  void Restart(size_t member);
  // Keeps what all members hold now, for PutBack.
  void TakeSnapshot() const { Control(Text("snapshot save ", directory(), "/snapshot")); }
  // As an operator does after a disaster: a new process of each member, with what the snapshot holds.
  void PutBack();
  void Pause(size_t member) { Signal(member, SIGSTOP); }
  void Resume(size_t member) { Signal(member, SIGCONT); }

  const std::vector<std::string>& endpoints() const { return endpoints_; }
  const std::string& directory() const { return directory_.path(); }
  // Options for these endpoints, with the prefix "test/" and short timeouts.
  EtcdOptions Options() const;
  // A client whose first read was answered.
  std::unique_ptr<EtcdClient> Connect() const { return Connect(Options()); }
  static std::unique_ptr<EtcdClient> Connect(const EtcdOptions& options);
  // Runs etcdctl against the first member; fails the process unless it succeeds.
  void Control(const std::string& arguments) const;

 private:
  void Start(size_t member);
  // For --initial-cluster.
  std::string All() const;
  void Signal(size_t member, int number);

  const Setup setup_;
  ScratchDirectory directory_{ScratchDirectory::Where::kDisk};
  std::vector<std::string> endpoints_;
  std::vector<std::string> peers_;
  std::vector<pid_t> processes_;
};

// The place of the endpoint whose member leads, once `client` knows one.
size_t PlaceOfLeader(const EtcdClient& client);

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_NODE_ETCD_ETCD_PROCESS_H_
