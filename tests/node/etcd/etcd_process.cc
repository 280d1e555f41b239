#include "tests/node/etcd/etcd_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "ledger/base/check.h"

namespace anamnesis {
namespace {

using namespace std::chrono_literals;

bool OnPath(const char* program) { return std::system(Text("command -v ", program, " >/dev/null 2>&1").c_str()) == 0; }

std::string FreeAddress() {
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  CHECK(bind(descriptor, reinterpret_cast<sockaddr*>(&address), length) == 0);
  CHECK(getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &length) == 0);
  close(descriptor);
  return Text("127.0.0.1:", ntohs(address.sin_port));
}

}  // namespace

bool EtcdInstalled() {
  static const bool installed = OnPath("etcd") && OnPath("etcdctl");
  return installed;
}

EtcdCluster::EtcdCluster(Setup setup) : setup_(std::move(setup)), processes_(setup_.members, 0) {
  for (size_t i = 0; i < setup_.members; ++i) {
    endpoints_.push_back(FreeAddress());
    peers_.push_back(FreeAddress());
  }
  for (size_t i = 0; i < setup_.members; ++i) Start(i);
}

EtcdCluster::~EtcdCluster() {
  for (size_t i = 0; i < processes_.size(); ++i) Kill(i);
}

std::string EtcdCluster::All() const {
  std::string all;
  for (size_t i = 0; i < peers_.size(); ++i) all += Text(i == 0 ? "" : ",", "m", i, "=http://", peers_[i]);
  return all;
}

void EtcdCluster::Start(size_t member) {
  const std::string scheme = setup_.tls_directory.empty() ? "http://" : "https://";
  const std::string all = All();
  const std::string client = Text(scheme, endpoints_[member]);
  const std::string peer = Text("http://", peers_[member]);
  std::vector<std::string> arguments = {
      "etcd", "--name", Text("m", member), "--data-dir", Text(directory(), "/m", member), "--listen-client-urls",
      client, "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
      "--initial-cluster", all, "--initial-cluster-token", directory(), "--logger", "zap", "--log-level", "error",
      // Half the usual; a busy machine holds no shorter ones.
      "--heartbeat-interval", "50", "--election-timeout", "500"};
  if (!setup_.tls_directory.empty()) {
    const std::string& tls = setup_.tls_directory;
    for (const std::string& argument :
         {Text("--cert-file=", tls, "/server.pem"), Text("--key-file=", tls, "/server.key"),
          Text("--trusted-ca-file=", tls, "/ca.pem"), std::string("--client-cert-auth")}) {
      arguments.push_back(argument);
    }
  }
  arguments.insert(arguments.end(), setup_.arguments.begin(), setup_.arguments.end());
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const std::string log = Text(directory(), "/m", member, ".log");
  const pid_t process = fork();
  CHECK(process >= 0);
  if (process == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execvp("etcd", pointers.data());
    _exit(127);
  }
  processes_[member] = process;
}

void EtcdCluster::Signal(size_t member, int number) {
  pid_t& process = processes_[member];
  if (process == 0) return;
  kill(process, number);
  if (number != SIGKILL) return;
  waitpid(process, nullptr, 0);
  process = 0;
}

void EtcdCluster::Restart(size_t member) {
  Kill(member);
  Start(member);
}

void EtcdCluster::PutBack() {
  for (size_t i = 0; i < processes_.size(); ++i) Kill(i);
  for (size_t i = 0; i < processes_.size(); ++i) {
    const std::string data = Text(directory(), "/m", i);
    std::filesystem::remove_all(data);
    Control(Text("snapshot restore ", directory(), "/snapshot --name m", i, " --data-dir ", data, " --initial-cluster ",
                 All(), " --initial-advertise-peer-urls http://", peers_[i], " --initial-cluster-token ", directory()));
    Start(i);
  }
}

EtcdOptions EtcdCluster::Options() const {
  EtcdOptions options;
  options.endpoints = endpoints_;
  options.prefix = "test/";
  options.probe_interval = 200ms;
  options.probe_timeout = 800ms;
  options.attempt_timeout = 1000ms;
  return options;
}

std::unique_ptr<EtcdClient> EtcdCluster::Connect(const EtcdOptions& options) {
  std::unique_ptr<EtcdClient> client = EtcdClient::Connect(options).value();
  Status status;
  for (int i = 0; i < 4; ++i) {
    status = client->Range({.prefix = "", .limit = 1}).status();
    if (status.ok()) return client;
  }
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  CHECK(status.ok());
  return nullptr;
}

void EtcdCluster::Control(const std::string& arguments) const {
  const std::string command =
      Text("ETCDCTL_API=3 etcdctl --endpoints=http://", endpoints_[0], " ", arguments, " >/dev/null 2>", directory(),
           "/etcdctl.log || { cat ", directory(), "/etcdctl.log >&2; false; }");
  CHECK(std::system(command.c_str()) == 0);
}

size_t PlaceOfLeader(const EtcdClient& client) {
  while (true) {
    const std::vector<EtcdEndpointHealth> health = client.Health();
    for (size_t i = 0; i < health.size(); ++i) {
      if (health[i].status.ok() && health[i].is_leader) return i;
    }
    std::this_thread::sleep_for(20ms);
  }
}

}  // namespace anamnesis
