// Orders records in etcd and does nothing else, for the bench: the node's own transaction (node/replication/actions.h)
// with so many in flight, for so long.
//
//   etcd_load ENDPOINTS PREFIX CERTIFICATE KEY CA IN-FLIGHT SECONDS
//
// Prints one line of JSON. Exit status 1: a transaction failed.

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <iostream>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "ledger/base/ids.h"
#include "node/etcd/etcd_client.h"

namespace anamnesis {
namespace {

using SteadyClock = std::chrono::steady_clock;

// About what an order record has.
constexpr size_t kValueBytes = 110;

class EtcdLoad {
 public:
  EtcdLoad(EtcdClient& client, size_t in_flight, double seconds)
      : client_(client), in_flight_(in_flight), seconds_(seconds) {}

  Status Run() {
    EtcdTxn prepare;
    prepare.ThenPut("sessions/bench", "").ThenPut("members", "");
    ASSIGN_OR_RETURN(const EtcdTxnResult prepared, client_.Txn(prepare));
    ASSIGN_OR_RETURN(const EtcdKeyValue session, client_.Get("sessions/bench"));
    session_ = session.create_revision;
    members_ = prepared.revision;
    const auto begin = SteadyClock::now();
    const auto end = begin + std::chrono::duration<double>(seconds_);
    std::unique_lock lock(mutex_);
    while (SteadyClock::now() < end && failed_.ok()) {
      room_.wait(lock, [this] { return under_way_ < in_flight_; });
      ++under_way_;
      lock.unlock();
      Begin();
      lock.lock();
    }
    room_.wait(lock, [this] { return under_way_ == 0; });
    RETURN_IF_ERROR(failed_);
    Print(std::chrono::duration<double>(SteadyClock::now() - begin).count());
    return OkStatus();
  }

 private:
  void Begin() {
    const std::string order = Text("orders/", session_, "/", members_, "/", ++number_);
    EtcdTxn txn;
    txn.IfCreateRevision("sessions/bench", session_)
        .IfModRevision("members", members_)
        .IfAbsent(order)
        .ThenPut(order, std::string(kValueBytes, 'x'))
        .ElseGet(order)
        .ElseGet("sessions/bench")
        .ElseGet("members");
    client_.TxnAsync(txn, [this, began = SteadyClock::now()](const StatusOr<EtcdTxnResult>& result) {
      const std::chrono::duration<double, std::milli> took = SteadyClock::now() - began;
      const std::lock_guard lock(mutex_);
      --under_way_;
      latencies_ms_.push_back(took.count());
      if (!result.ok()) failed_ = result.status();
      if (result.ok() && !result->succeeded) failed_ = absl::InternalError("a record was not ordered");
      room_.notify_one();
    });
  }

  void Print(double seconds) {
    std::sort(latencies_ms_.begin(), latencies_ms_.end());
    const size_t count = latencies_ms_.size();
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds_of = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    std::cout << "{\"transactions\": " << count << ", \"seconds\": " << seconds
              << ", \"per_second\": " << static_cast<double>(count) / seconds
              << ", \"p50_ms\": " << latencies_ms_[count / 2] << ", \"p99_ms\": " << latencies_ms_[count * 99 / 100]
              << ", \"cpu_seconds\": " << seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime) << "}\n";
  }

  EtcdClient& client_;
  const size_t in_flight_;
  const double seconds_;
  int64_t session_ = 0;
  int64_t members_ = 0;
  uint64_t number_ = 0;
  std::mutex mutex_;
  std::condition_variable room_;
  // Guarded by mutex_.
  size_t under_way_ = 0;
  std::vector<double> latencies_ms_;
  Status failed_;
};

Status Main(char** argv) {
  EtcdOptions options;
  options.endpoints = absl::StrSplit(argv[1], ',');
  options.prefix = argv[2];
  ASSIGN_OR_RETURN(options.tls, TlsIdentity::Load({argv[3], argv[4], argv[5]}, [](std::string_view) {}));
  ASSIGN_OR_RETURN(const std::unique_ptr<EtcdClient> client, EtcdClient::Connect(options));
  return EtcdLoad(*client, std::stoul(argv[6]), std::stod(argv[7])).Run();
}

}  // namespace
}  // namespace anamnesis

int main(int argc, char** argv) {
  if (argc != 8) {
    std::cerr << "etcd_load ENDPOINTS PREFIX CERTIFICATE KEY CA IN-FLIGHT SECONDS\n";
    return 2;
  }
  const anamnesis::Status status = anamnesis::Main(argv);
  if (status.ok()) return 0;
  std::cerr << "etcd_load: " << status.ToString() << "\n";
  return 1;
}
