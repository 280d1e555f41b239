// What a client makes of nodes that don't answer as a node does.

#include "client/cpp/remote_client.h"

#include <memory>
#include <string>

#include "anamnesis/v1/ledger.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"

namespace anamnesis {
namespace {

// Answers every append with so many results.
class Miscounting : public v1::AppendService::Service {
 public:
  explicit Miscounting(int results) : results_(results) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }

  grpc::Status Append(grpc::ServerContext*, const v1::AppendRequest*, v1::AppendResponse* response) override {
    for (int i = 0; i < results_; ++i) response->add_results()->add_indexes(7);
    return grpc::Status::OK;
  }
  std::string address() const { return Text("127.0.0.1:", port_); }

 private:
  const int results_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST(RemoteClientTest, WhatIsAnsweredWithTooFewOrTooManyResultsMayBeRecorded) {
  for (const int results : {0, 1, 3}) {
    const Miscounting node(results);
    const auto client = ConnectRemote(node.address(), {});
    ASSERT_TRUE(client.ok()) << client.status();
    v1::AppendRequest request;
    request.add_runs();
    request.add_runs();
    const Status outcome = (*client)->Append(request).status();
    EXPECT_TRUE(absl::IsUnknown(outcome)) << outcome;
  }
}

}  // namespace
}  // namespace anamnesis
