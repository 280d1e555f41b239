#include "client/cpp/cluster_client.h"

#include <memory>
#include <string>
#include <vector>

#include "anamnesis/v1/cluster.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"

namespace anamnesis {
namespace {

// Answers changes of the members as it is told.
class Operator : public v1::ClusterService::Service {
 public:
  explicit Operator(grpc::StatusCode code) : code_(code) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }

  grpc::Status ChangeMembers(grpc::ServerContext*, const v1::ChangeMembersRequest*,
                             v1::ChangeMembersResponse*) override {
    return code_ == grpc::StatusCode::OK ? grpc::Status::OK : grpc::Status(code_, "because");
  }
  std::string address() const { return Text("127.0.0.1:", port_); }

 private:
  const grpc::StatusCode code_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// What comes of a change when the nodes answer so, one after another.
absl::StatusCode Outcome(v1::ClusterMembersChanged::Change change, const std::vector<grpc::StatusCode>& answers) {
  std::vector<std::unique_ptr<Operator>> nodes;
  std::string addresses;
  for (const grpc::StatusCode answer : answers) {
    nodes.push_back(std::make_unique<Operator>(answer));
    addresses += Text(addresses.empty() ? "" : ",", nodes.back()->address());
  }
  v1::ChangeMembersRequest request;
  request.set_change(change);
  return ConnectCluster(addresses).value()->ChangeMembers(request).status().code();
}

using grpc::StatusCode;
constexpr auto kAdded = v1::ClusterMembersChanged::LEARNER_ADDED;
constexpr auto kRemoved = v1::ClusterMembersChanged::REMOVED;

TEST(ClusterClientTest, AChangeThatMayHaveBeenMadeIsUnknown) {
  EXPECT_EQ(Outcome(kAdded, {StatusCode::UNAVAILABLE}), absl::StatusCode::kUnknown);
  EXPECT_EQ(Outcome(kAdded, {StatusCode::UNAVAILABLE, StatusCode::UNAVAILABLE}), absl::StatusCode::kUnknown);
  EXPECT_EQ(Outcome(kAdded, {StatusCode::UNAVAILABLE, StatusCode::FAILED_PRECONDITION}), absl::StatusCode::kUnknown)
      << "refused, perhaps since the first has made it";
  EXPECT_EQ(Outcome(kAdded, {StatusCode::CANCELLED, StatusCode::NOT_FOUND}), absl::StatusCode::kUnknown);
}

TEST(ClusterClientTest, ATrySentBeforeIsRecognised) {
  EXPECT_EQ(Outcome(kAdded, {StatusCode::UNAVAILABLE, StatusCode::ALREADY_EXISTS}), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Outcome(kRemoved, {StatusCode::UNAVAILABLE, StatusCode::NOT_FOUND}), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Outcome(kRemoved, {StatusCode::NOT_FOUND}), absl::StatusCode::kNotFound);
}

TEST(ClusterClientTest, ARefusalOfTheFirstTryIsOne) {
  for (const StatusCode code : {StatusCode::ABORTED, StatusCode::FAILED_PRECONDITION, StatusCode::INVALID_ARGUMENT}) {
    EXPECT_EQ(Outcome(kAdded, {code, StatusCode::OK}), static_cast<absl::StatusCode>(code));
  }
  EXPECT_EQ(Outcome(kAdded, {StatusCode::UNAVAILABLE, StatusCode::OK}), absl::StatusCode::kOk);
  EXPECT_EQ(ConnectCluster("127.0.0.1:1").value()->ChangeMembers({}).status().code(), absl::StatusCode::kUnavailable)
      << "never sent";
}

}  // namespace
}  // namespace anamnesis
