#include "client/cpp/backup_client.h"

#include <utility>
#include <vector>

#include "anamnesis/v1/backup.grpc.pb.h"
#include "client/cpp/channel.h"
#include "client/cpp/deadline.h"
#include "client/cpp/unary_call.h"

namespace anamnesis {
namespace {

// Copying a large ledger takes hours on a slow disk.
constexpr std::chrono::hours kCreateDeadline(48);
constexpr std::chrono::minutes kDeadline(10);

class RemoteBackups : public BackupClient {
 public:
  RemoteBackups(std::string address, ClientIdentity identity)
      : address_(std::move(address)),
        identity_(std::move(identity)),
        channel_(MakeChannel(address_, identity_)),
        stub_(v1::BackupService::NewStub(channel_)) {}

  StatusOr<v1::CreateBackupResponse> Create(const v1::CreateBackupRequest& request) override {
    return Call<v1::CreateBackupResponse>(&v1::BackupService::Stub::CreateBackup, request, kCreateDeadline);
  }
  StatusOr<v1::BackupList> List() override {
    return Call<v1::BackupList>(&v1::BackupService::Stub::ListBackups, v1::ListBackupsRequest(), kDeadline);
  }
  StatusOr<v1::BackupList> Drop(const v1::DropBackupsRequest& request) override {
    return Call<v1::BackupList>(&v1::BackupService::Stub::DropBackups, request, kDeadline);
  }

 private:
  template <typename Reply, typename Request>
  StatusOr<Reply> Call(grpc::Status (v1::BackupService::Stub::*method)(grpc::ClientContext*, const Request&, Reply*),
                       const Request& request, std::chrono::seconds within) {
    // So that a node that isn't there is known soon, whatever the call may take.
    if (!channel_->WaitForConnected(DeadlineIn(kConnectDeadline))) {
      return absl::UnavailableError(Text(address_, ": no connection in two seconds"));
    }
    return CallOnce(address_, *stub_, method, request, within);
  }

  const std::string address_;
  const ClientIdentity identity_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::BackupService::Stub> stub_;
};

}  // namespace

StatusOr<std::unique_ptr<BackupClient>> ConnectBackups(std::string_view address, const TlsFiles& tls) {
  ASSIGN_OR_RETURN(const std::vector<std::string> addresses, SplitAddresses(address));
  if (addresses.size() != 1) {
    return absl::InvalidArgumentError("--ledger: each node has backups of its own; name one HOST:PORT");
  }
  ASSIGN_OR_RETURN(ClientIdentity identity, LoadIdentity(tls));
  return std::unique_ptr<BackupClient>(std::make_unique<RemoteBackups>(addresses.front(), std::move(identity)));
}

}  // namespace anamnesis
