// What a read includes, through nodes; and appends whose answers get lost.

#include <atomic>
#include <filesystem>
#include <functional>
#include <future>
#include <thread>
#include <vector>

#include "anamnesis/v1/ledger.grpc.pb.h"
#include "client/cpp/remote_client.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "node/cluster/recovery_sequencer.h"
#include "tests/remote/served_ledger.h"

namespace anamnesis {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

// A node that takes appends as a test wants, and nothing else.
class AppendNode : public v1::AppendService::Service {
 public:
  using Answer = std::function<grpc::Status(const v1::AppendRequest& request, v1::AppendResponse& response)>;
  explicit AppendNode(Answer answer) : answer_(std::move(answer)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  grpc::Status Append(grpc::ServerContext*, const v1::AppendRequest* request, v1::AppendResponse* response) override {
    ++appends_;
    return answer_(*request, *response);
  }
  std::string address() const { return Text("127.0.0.1:", port_); }
  int appends() const { return appends_; }

 private:
  const Answer answer_;
  int port_ = 0;
  std::atomic<int> appends_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// A node that is joining its cluster for so many calls, and then answers from the ledger.
class JoiningNode final : public v1::ReadService::Service {
 public:
  JoiningNode(Ledger& ledger, int calls) : ledger_(ledger), joins_for_(calls) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  grpc::Status GetStatus(grpc::ServerContext*, const v1::GetStatusRequest*, v1::LedgerStatus* status) override {
    status->set_tree_size(ledger_.tree_size());
    return Joined();
  }
  grpc::Status Read(grpc::ServerContext*, const v1::ReadRequest*,
                    grpc::ServerWriter<v1::ReadResponse>* writer) override {
    grpc::Status joined = Joined();
    v1::ReadResponse item;
    item.mutable_caught_up()->set_tree_size(ledger_.tree_size());
    if (joined.ok()) writer->Write(item);
    return joined;
  }
  std::string address() const { return Text("127.0.0.1:", port_); }

 private:
  grpc::Status Joined() {
    if (joins_for_-- <= 0) return grpc::Status::OK;
    return {grpc::StatusCode::UNAVAILABLE, "this node is joining its cluster"};
  }

  Ledger& ledger_;
  std::atomic<int> joins_for_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// One that answers from the same ledger and loses what it would say.
class LosingNode final : public AppendNode {
 public:
  explicit LosingNode(Ledger& ledger)
      : AppendNode([&ledger](const v1::AppendRequest& request, v1::AppendResponse&) {
          EXPECT_TRUE(ledger.Append(request).ok());
          return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the answer was lost");
        }) {}
};

class ConsistencyTest : public ServedLedgerTest {
 protected:
  static v1::Consistency SizeMin(uint64_t size) {
    v1::Consistency consistency;
    consistency.set_tree_size_min(size);
    return consistency;
  }
  std::unique_ptr<v1::ReadService::Stub> Stub() const {
    return v1::ReadService::NewStub(grpc::CreateChannel(address(), grpc::InsecureChannelCredentials()));
  }
  std::unique_ptr<LedgerClient> ClientOf(const std::string& addresses, RemoteClientOptions options = {}) {
    options.read_within = seconds(2);
    auto client = ConnectRemote(addresses, options);
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }
  v1::AppendRequest OneRun(TestWriter& writer) {
    v1::AppendRequest request;
    *request.add_runs() = writer.Write({ReferToDocument("a")});
    return request;
  }
};

TEST_F(ConsistencyTest, EveryAnswerSaysItsSize) {
  TestWriter writer = Writer("notes/sizes");
  const auto appended = client_->Append(OneRun(writer));
  ASSERT_TRUE(appended.ok()) << appended.status();
  const uint64_t size = founded_ + 1;
  EXPECT_EQ(appended->tree_size(), size);
  v1::GetEventRequest event;
  event.set_index(0);
  EXPECT_EQ(client_->GetEvent(event)->tree_size(), size);
  v1::GetStreamHeadRequest head;
  head.set_stream("notes/sizes");
  EXPECT_EQ(client_->GetStreamHead(head)->tree_size(), size);
  v1::GetCredentialRequest credential;
  credential.set_public_key(KeyOfSeed(kKeySeed).public_key().bytes());
  EXPECT_EQ(client_->GetCredential(credential)->tree_size(), size);
  EXPECT_EQ(client_->GetStatus()->tree_size(), size);
  v1::GetConfigurationRequest configuration;
  configuration.set_unit("ICU-7");
  configuration.mutable_at()->set_seconds(1700000000);
  const auto answer = client_->GetConfiguration(configuration);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->tree_size(), size);
  EXPECT_EQ(client_->GetCheckpoint()->tree_size(), size);
  v1::GetReceiptRequest receipt;
  receipt.set_index(0);
  EXPECT_EQ(client_->GetReceipt(receipt)->tree_size(), size);
  v1::GetConsistencyProofRequest proof;
  proof.set_from_size(1);
  proof.set_to_size(2);
  EXPECT_EQ(client_->GetConsistencyProof(proof)->tree_size(), size);
  EXPECT_TRUE(client_
                  ->Read({},
                         [&](const v1::ReadResponse& item) {
                           EXPECT_EQ(item.has_event() ? item.event().tree_size() : item.caught_up().tree_size(), size);
                           return true;
                         })
                  .ok());
}

TEST_F(ConsistencyTest, ReadsThatWaitHoldNoWorkerAndAreAnsweredWhenItIsThere) {
  // There are two workers.
  constexpr int kReads = 50;
  const auto stub = Stub();
  std::vector<std::future<std::string>> answers;
  for (int i = 0; i < kReads; ++i) {
    answers.push_back(std::async(std::launch::async, [&, i]() -> std::string {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + seconds(25));
      if (i % 2 == 0) {
        v1::GetEventRequest request;
        request.set_index(founded_);
        *request.mutable_consistency() = SizeMin(founded_ + 1);
        v1::Event event;
        const grpc::Status status = stub->GetEvent(&context, request, &event);
        return status.ok() && event.index() == founded_ ? "" : "GetEvent: " + status.error_message();
      }
      v1::ReadRequest request;
      request.set_direction(v1::ReadRequest::BACKWARDS);
      request.set_limit(1);
      *request.mutable_consistency() = SizeMin(founded_ + 1);
      const auto reader = stub->Read(&context, request);
      v1::ReadResponse item;
      if (!reader->Read(&item)) return "Read: " + reader->Finish().error_message();
      return item.event().index() == founded_ ? "" : "Read: another event";
    }));
  }
  // Others are answered meanwhile.
  for (int i = 0; i < 10; ++i) EXPECT_EQ(client_->GetStatus()->tree_size(), founded_);
  for (auto& answer : answers) EXPECT_EQ(answer.wait_for(seconds(0)), std::future_status::timeout);
  TestWriter writer = Writer("notes/waited");
  EXPECT_EQ(AppendOne(writer), founded_);
  for (auto& answer : answers) EXPECT_EQ(answer.get(), "");
}

TEST_F(ConsistencyTest, ASizeThatDoesntComeIsUnavailableBeforeTheDeadline) {
  const auto stub = Stub();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + seconds(3));
  v1::GetStatusRequest request;
  *request.mutable_consistency() = SizeMin(founded_ + 5);
  v1::LedgerStatus answer;
  const grpc::Status status = stub->GetStatus(&context, request, &answer);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_message(), HasSubstr(Text("there are ", founded_, " events here, ", founded_ + 5)));
}

TEST_F(ConsistencyTest, ThoseThatWaitDontHoldUpTheEnd) {
  const auto stub = Stub();
  const auto waiting = std::async(std::launch::async, [&] {
    grpc::ClientContext context;
    v1::GetStatusRequest request;
    *request.mutable_consistency() = SizeMin(founded_ + 5);
    v1::LedgerStatus answer;
    return stub->GetStatus(&context, request, &answer).error_code();
  });
  grpc::ClientContext context;
  v1::ReadRequest request;
  *request.mutable_consistency() = SizeMin(founded_ + 5);
  const auto reader = stub->Read(&context, request);
  std::this_thread::sleep_for(milliseconds(200));
  const auto began = std::chrono::steady_clock::now();
  StopServing();
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(4));
  v1::ReadResponse item;
  EXPECT_FALSE(reader->Read(&item));
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ConsistencyTest, ACallThatIsCancelledWaitsNoLonger) {
  const auto stub = Stub();
  // More than may wait.
  for (int i = 0; i < 1500; ++i) {
    grpc::ClientContext context;
    v1::ReadRequest request;
    *request.mutable_consistency() = SizeMin(founded_ + 5);
    const auto reader = stub->Read(&context, request);
    context.TryCancel();
    (void)reader->Finish();
  }
  auto waiting = std::async(std::launch::async, [&] {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + seconds(25));
    v1::GetStatusRequest request;
    *request.mutable_consistency() = SizeMin(founded_ + 1);
    v1::LedgerStatus answer;
    return stub->GetStatus(&context, request, &answer).error_message();
  });
  TestWriter writer = Writer("notes/cancelled");
  AppendOne(writer);
  EXPECT_EQ(waiting.get(), "");
}

TEST_F(ConsistencyTest, ALinearizableReadOfTheOnlyNodeIsAnswered) {
  RemoteClientOptions options;
  options.consistency.set_linearizable(true);
  const auto client = ClientOf(address(), options);
  TestWriter writer = Writer("notes/linearizable");
  for (int i = 0; i < 20; ++i) {
    AppendOne(writer);
    EXPECT_EQ(client->GetStatus()->tree_size(), ledger_->tree_size());
  }
}

// A node that will never have what the other has.
class LaggingNodeTest : public ConsistencyTest {
 protected:
  void SetUp() override {
    ConsistencyTest::SetUp();
    StopServing();
    std::filesystem::copy(dir_.path() + "/ledger", dir_.path() + "/lagging", std::filesystem::copy_options::recursive);
    auto ledger = Ledger::Open(dir_.path() + "/lagging", Options());
    ASSERT_TRUE(ledger.ok()) << ledger.status();
    lagging_ledger_ = *std::move(ledger);
    NodeServerOptions options;
    options.address = "127.0.0.1:0";
    auto server = NodeServer::Start(*lagging_ledger_, options);
    ASSERT_TRUE(server.ok()) << server.status();
    lagging_ = *std::move(server);
    Serve();
    both_ = Text(address(), ",127.0.0.1:", lagging_->port());
  }

  std::unique_ptr<Ledger> lagging_ledger_;
  std::unique_ptr<NodeServer> lagging_;
  std::string both_;
};

TEST_F(LaggingNodeTest, ReadYourWritesHoldsAcrossFailover) {
  client_ = ClientOf(both_);
  TestWriter writer = Writer("notes/mine");
  const uint64_t index = AppendOne(writer);
  StopServing();
  v1::GetEventRequest request;
  request.set_index(index);
  // Not "there is no such event".
  EXPECT_TRUE(absl::IsUnavailable(client_->GetEvent(request).status()));
  size_t seen = 0;
  v1::ReadRequest read;
  read.set_from(index);
  Serve();
  EXPECT_TRUE(client_->GetEvent(request).ok());
  EXPECT_TRUE(client_
                  ->Read(read,
                         [&](const v1::ReadResponse& item) {
                           seen += item.has_event();
                           return true;
                         })
                  .ok());
  EXPECT_EQ(seen, 1u);
}

TEST_F(LaggingNodeTest, WhatWasReadOnceIsNotUnread) {
  TestWriter writer = Writer("notes/others");
  AppendOne(writer);
  const auto reader = ClientOf(both_);
  EXPECT_EQ(reader->GetStatus()->tree_size(), founded_ + 1);
  RemoteClientOptions options;
  options.monotone_reads = false;
  const auto careless = ClientOf(both_, options);
  EXPECT_EQ(careless->GetStatus()->tree_size(), founded_ + 1);
  StopServing();
  EXPECT_TRUE(absl::IsUnavailable(reader->GetStatus().status()));
  EXPECT_EQ(careless->GetStatus()->tree_size(), founded_);
}

TEST_F(LaggingNodeTest, AChannelsAcknowledgementsCountToo) {
  client_ = ClientOf(both_);
  std::atomic<int> results = 0;
  auto channel = client_->OpenAppendChannel([&](uint64_t, const StatusOr<v1::RunResult>& result) {
    if (result.ok() && !result->has_refused()) ++results;
  });
  ASSERT_TRUE(channel.ok()) << channel.status();
  TestWriter writer = Writer("notes/channel");
  ASSERT_TRUE((*channel)->Submit(1, writer.Write({ReferToDocument("a")})).ok());
  ASSERT_TRUE((*channel)->Finish().ok());
  ASSERT_EQ(results, 1);
  StopServing();
  EXPECT_TRUE(absl::IsUnavailable(client_->GetStatus().status()));
}

TEST_F(ConsistencyTest, AnAppendWaitsForANodeToComeBack) {
  StopServing();
  TestWriter writer = Writer("notes/back");
  const v1::AppendRequest request = OneRun(writer);
  const auto client = ClientOf(address());
  auto appended = std::async(std::launch::async, [&] { return client->Append(request); });
  EXPECT_EQ(appended.wait_for(milliseconds(500)), std::future_status::timeout);
  Serve();
  const auto response = appended.get();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->results(0).indexes(0), founded_);
}

TEST_F(ConsistencyTest, AnAppendThatWasNeverSentIsAFailure) {
  StopServing();
  RemoteClientOptions options;
  options.append_within = milliseconds(300);
  TestWriter writer = Writer("notes/never");
  const Status status = ClientOf(address(), options)->Append(OneRun(writer)).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(MessageOf(status)), HasSubstr("not recorded"));
}

TEST_F(ConsistencyTest, ALostAnswerIsFoundOutAtAnotherNode) {
  LosingNode losing(*ledger_);
  TestWriter writer = Writer("notes/lost");
  const auto response = ClientOf(Text(losing.address(), ",", address()))->Append(OneRun(writer));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(losing.appends(), 1);
  EXPECT_EQ(response->results(0).indexes(0), founded_);
  EXPECT_TRUE(response->results(0).already_recorded());
  EXPECT_EQ(ledger_->tree_size(), founded_ + 1);
}

TEST_F(ConsistencyTest, WhatOneNodeRecordedIsToldWhateverTheNextOneSays) {
  TestWriter writer = Writer("notes/first");
  TestWriter other = Writer("notes/second");
  v1::AppendRequest request = OneRun(writer);
  *request.add_runs() = other.Write({ReferToDocument("b")});
  AppendNode half([&](const v1::AppendRequest& asked, v1::AppendResponse& response) {
    v1::AppendRequest first;
    *first.add_runs() = asked.runs(0);
    response = ledger_->Append(first).value();
    response.add_results()->mutable_refused()->set_code(static_cast<int>(absl::StatusCode::kUnavailable));
    return grpc::Status::OK;
  });
  AppendNode forbids([](const v1::AppendRequest& asked, v1::AppendResponse&) {
    EXPECT_EQ(asked.runs_size(), 1);
    return grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "not you");
  });
  const auto response = ClientOf(Text(half.address(), ",", forbids.address()))->Append(request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->results(0).indexes(0), founded_);
  EXPECT_EQ(response->results(1).refused().code(), static_cast<int>(absl::StatusCode::kUnavailable));
  EXPECT_THAT(response->results(1).refused().message(), HasSubstr("not recorded: not you"));
  // Nothing was recorded before: then it is what came of the call.
  EXPECT_TRUE(absl::IsPermissionDenied(ClientOf(forbids.address())->Append(OneRun(other)).status()));
}

TEST_F(ConsistencyTest, AReadWaitsForNodesThatJoinTheirCluster) {
  for (const int nodes : {1, 3}) {
    // Longer than the rounds in which any node is asked.
    JoiningNode joining(*ledger_, 3 * nodes);
    std::string addresses = joining.address();
    for (int i = 1; i < nodes; ++i) addresses += "," + joining.address();
    const auto status = ClientOf(addresses)->GetStatus();
    ASSERT_TRUE(status.ok()) << nodes << ": " << status.status();
    EXPECT_EQ(status->tree_size(), founded_);
    JoiningNode late(*ledger_, 3);
    size_t caught_up = 0;
    const Status read = ClientOf(Text("127.0.0.1:1,", late.address()))->Read({}, [&](const v1::ReadResponse& item) {
      caught_up += item.has_caught_up();
      return true;
    });
    EXPECT_TRUE(read.ok()) << read;
    EXPECT_EQ(caught_up, 1u);
  }
  // One that never joins is given up.
  JoiningNode outside(*ledger_, 1'000'000);
  const Status status = ClientOf(outside.address())->GetStatus().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(MessageOf(status)), HasSubstr("this node is joining its cluster"));
}

TEST_F(ConsistencyTest, AFencedNodeIsPassedOver) {
  RecoveryControl control;
  NodeServerOptions options;
  options.address = "127.0.0.1:0";
  options.recovery = &control;
  const auto fenced = NodeServer::Start(*ledger_, options);
  ASSERT_TRUE(fenced.ok()) << fenced.status();
  const std::string alone = Text("127.0.0.1:", (*fenced)->port());
  const std::string both = Text(alone, ",", address());
  TestWriter writer = Writer("notes/fenced");
  EXPECT_TRUE(ClientOf(both)->Append(OneRun(writer)).ok());
  v1::Question question;
  question.mutable_status()->mutable_entity()->set_kind("document");
  question.mutable_status()->mutable_entity()->set_id("a");
  const auto answer = ClientOf(both)->Ask(question);
  EXPECT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(ClientOf(both)->Read({}, [](const v1::ReadResponse&) { return true; }).ok());
  const Status status = ClientOf(alone)->GetStatus().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(MessageOf(status)), HasSubstr("this node is fenced"));
}

TEST_F(ConsistencyTest, AnUnknownOutcomeIsNeverAFailure) {
  LosingNode losing(*ledger_);
  RemoteClientOptions options;
  options.append_within = milliseconds(500);
  TestWriter writer = Writer("notes/unknown");
  const v1::AppendRequest request = OneRun(writer);
  const Status status = ClientOf(losing.address(), options)->Append(request).status();
  EXPECT_TRUE(absl::IsUnknown(status)) << status;
  EXPECT_THAT(std::string(MessageOf(status)), HasSubstr("send the same run again"));
  EXPECT_GT(losing.appends(), 1);
  // Recorded, and once.
  EXPECT_EQ(ledger_->tree_size(), founded_ + 1);
  const auto again = client_->Append(request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->results(0).indexes(0), founded_);
}

}  // namespace
}  // namespace anamnesis
