#include "client/cpp/cluster_client.h"

#include "anamnesis/v1/cluster.grpc.pb.h"
#include "client/cpp/channel.h"
#include "client/cpp/deadline.h"
#include "client/cpp/unary_call.h"

namespace anamnesis {
namespace {

constexpr std::chrono::seconds kCallDeadline(10);

class RemoteCluster : public ClusterClient {
 public:
  RemoteCluster(std::vector<std::string> addresses, ClientIdentity identity)
      : addresses_(std::move(addresses)), identity_(std::move(identity)) {
    for (const std::string& address : addresses_) {
      channels_.push_back(MakeChannel(address, identity_));
      stubs_.push_back(v1::ClusterService::NewStub(channels_.back()));
    }
  }

  const std::vector<std::string>& addresses() const override { return addresses_; }

  StatusOr<v1::ClusterStatus> GetStatus(size_t place) override {
    return Call<v1::ClusterStatus>(place, &v1::ClusterService::Stub::GetClusterStatus, v1::GetClusterStatusRequest());
  }

  StatusOr<v1::ClusterStatus> GetStatus() override {
    StatusOr<v1::ClusterStatus> status = absl::UnavailableError("no node to ask");
    for (size_t place = 0; place < stubs_.size() && !status.ok(); ++place) status = GetStatus(place);
    return status;
  }

  StatusOr<v1::ChangeMembersResponse> ChangeMembers(const v1::ChangeMembersRequest& request) override {
    StatusOr<v1::ChangeMembersResponse> answer = absl::UnavailableError("no node to ask");
    bool sent = false;
    for (size_t place = 0; place < stubs_.size(); ++place) {
      // Connected first, so that a call that then breaks is known to have been sent.
      if (!channels_[place]->WaitForConnected(DeadlineIn(kConnectDeadline))) {
        if (!sent) answer = absl::UnavailableError(Text(addresses_[place], ": no connection in two seconds"));
        continue;
      }
      answer = Call<v1::ChangeMembersResponse>(place, &v1::ClusterService::Stub::ChangeMembers, request);
      if (answer.ok() || absl::IsAlreadyExists(answer.status())) return answer;
      const bool removed = request.change() == v1::ClusterMembersChanged::REMOVED;
      if (sent && removed && absl::IsNotFound(answer.status()))
        return absl::AlreadyExistsError(Text(MessageOf(answer.status())));
      // ABORTED says that somebody else's change came first. What is refused after one that was sent may be so by that.
      if (!sent && (!MayBeDone(answer.status()) || absl::IsAborted(answer.status()))) return answer;
      sent = true;
    }
    if (!sent) return answer.status();
    return absl::UnknownError(Text("outcome unknown: ", MessageOf(answer.status()),
                                   "; the change may have been made, see `anamnesis cluster status`"));
  }

 private:
  template <typename Reply, typename Request>
  StatusOr<Reply> Call(size_t place,
                       grpc::Status (v1::ClusterService::Stub::*method)(grpc::ClientContext*, const Request&, Reply*),
                       const Request& request) {
    return CallOnce(addresses_[place], *stubs_[place], method, request, kCallDeadline);
  }

  const std::vector<std::string> addresses_;
  const ClientIdentity identity_;
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::vector<std::unique_ptr<v1::ClusterService::Stub>> stubs_;
};

}  // namespace

StatusOr<std::unique_ptr<ClusterClient>> ConnectCluster(std::string_view addresses, const TlsFiles& tls) {
  ASSIGN_OR_RETURN(std::vector<std::string> split, SplitAddresses(addresses));
  ASSIGN_OR_RETURN(ClientIdentity identity, LoadIdentity(tls));
  return std::unique_ptr<ClusterClient>(std::make_unique<RemoteCluster>(std::move(split), std::move(identity)));
}

}  // namespace anamnesis
