// A node that is told to end while nothing can be ordered.

#include <atomic>
#include <mutex>
#include <thread>

#include "anamnesis/v1/ledger.grpc.pb.h"
#include "client/cpp/remote_client.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "ledger/engine/ledger.h"
#include "node/service/node_server.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

// Orders nothing.
class NoMajority : public Sequencer {
 public:
  Status Start(Revision applied, Receiver receiver) override {
    receiver_ = std::move(receiver);
    receiver_.settled(applied);
    return OkStatus();
  }
  Status Submit(std::shared_ptr<const Payload> payload) override {
    const std::lock_guard lock(mutex_);
    if (stopped_) return absl::UnavailableError("stopped");
    submitted_.push_back(std::move(payload));
    waits_ = true;
    return OkStatus();
  }
  void Applied(Revision, const StateDigest&) override {}
  bool order_is_final() const override { return true; }
  void Barrier(std::function<void(const Status&)>) override {}
  std::string refusing() const override { return ""; }
  void Stop() override {
    std::vector<std::shared_ptr<const Payload>> submitted;
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      submitted.swap(submitted_);
    }
    for (const auto& payload : submitted) receiver_.dropped(payload, absl::UnknownError("this node is stopping"));
  }

  bool waits() const { return waits_; }

 private:
  Receiver receiver_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<std::shared_ptr<const Payload>> submitted_;
  bool stopped_ = false;
  std::atomic<bool> waits_ = false;
};

class StopTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(CreateLedger(dir_.path(), kTestOrigin, {"ada", KeyOfSeed(1)}, {}).ok());
    LedgerOptions options;
    options.make_sequencer = [this](const std::string&, Staging&) -> StatusOr<std::unique_ptr<Sequencer>> {
      auto order = std::make_unique<NoMajority>();
      order_ = order.get();
      return std::unique_ptr<Sequencer>(std::move(order));
    };
    auto ledger = Ledger::Open(dir_.path(), options);
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    ledger_ = *std::move(ledger);
    NodeServerOptions server_options;
    server_options.address = "127.0.0.1:0";
    auto server = NodeServer::Start(*ledger_, server_options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    RemoteClientOptions client_options;
    client_options.append_within = std::chrono::seconds(12);
    auto client = ConnectRemote(Text("127.0.0.1:", server_->port()), client_options);
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  void AwaitSubmitted() const {
    while (!order_->waits()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }

  ScratchDirectory dir_;
  // Owned by the ledger.
  NoMajority* order_ = nullptr;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<NodeServer> server_;
  std::unique_ptr<LedgerClient> client_;
};

TEST_F(StopTest, EndsAStreamWhoseRunsCantBeOrdered) {
  TestWriter writer("person", "ada", 1, kTestOrigin, "person/ada/notes");
  std::atomic<int> code = -1;
  auto channel = client_->OpenAppendChannel(
      [&code](uint64_t, const StatusOr<v1::RunResult>& result) { code = static_cast<int>(result.status().code()); });
  ASSERT_TRUE(channel.ok()) << channel.status();
  ASSERT_TRUE((*channel)->Submit(1, writer.Write({ReferToDocument("a")})).ok());
  AwaitSubmitted();
  // Would otherwise never return.
  server_->Stop();
  (void)(*channel)->Finish();
  EXPECT_EQ(code, static_cast<int>(absl::StatusCode::kUnknown));
}

TEST_F(StopTest, EndsACallWhoseRunCantBeOrdered) {
  TestWriter writer("person", "ada", 1, kTestOrigin, "person/ada/notes");
  v1::AppendRequest request;
  *request.add_runs() = writer.Write({ReferToDocument("a")});
  grpc::Status called;
  v1::AppendResponse response;
  std::thread append([&] {
    grpc::ClientContext call;
    const auto channel = grpc::CreateChannel(Text("127.0.0.1:", server_->port()), grpc::InsecureChannelCredentials());
    called = v1::AppendService::NewStub(channel)->Append(&call, request, &response);
  });
  AwaitSubmitted();
  server_->Stop();
  append.join();
  // The call ends with its verdict, and is not cut off before that comes.
  ASSERT_TRUE(called.ok()) << called.error_message();
  ASSERT_EQ(response.results_size(), 1);
  EXPECT_EQ(response.results(0).refused().code(), static_cast<int>(absl::StatusCode::kUnknown));
}

}  // namespace
}  // namespace anamnesis
