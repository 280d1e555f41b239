// Appends through a node: single runs, batches, streams, refusals, retries, limits, shutdown.

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "anamnesis/v1/ledger.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "ledger/base/limits.h"
#include "ledger/event/refusal.h"
#include "tests/remote/served_ledger.h"

namespace anamnesis {
namespace {

class RemoteAppendTest : public ServedLedgerTest {};

// Collects what a channel reports.
class Results {
 public:
  AppendChannel::OnResult Callback() {
    return [this](uint64_t sequence, const StatusOr<v1::RunResult>& result) {
      const std::lock_guard lock(mutex_);
      sequences_.push_back(sequence);
      results_.push_back(result);
      changed_.notify_all();
    };
  }
  void WaitFor(size_t count) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), [&] { return results_.size() >= count; }));
  }
  std::vector<uint64_t> sequences() {
    const std::lock_guard lock(mutex_);
    return sequences_;
  }
  std::vector<StatusOr<v1::RunResult>> results() {
    const std::lock_guard lock(mutex_);
    return results_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<uint64_t> sequences_;
  std::vector<StatusOr<v1::RunResult>> results_;
};

TEST_F(RemoteAppendTest, OneRunGetsItsPlace) {
  TestWriter writer = Writer("notes/one");
  EXPECT_EQ(AppendOne(writer), founded_);
  EXPECT_EQ(ledger_->tree_size(), founded_ + 1);
}

TEST_F(RemoteAppendTest, EachRunOfABatchHasItsOwnVerdict) {
  TestWriter good = Writer("notes/good");
  TestWriter broken = Writer("notes/broken");
  broken.Write({ReferToDocument("never sent")});
  v1::AppendRequest request;
  *request.add_runs() = good.Write({ReferToDocument("a"), ReferToDocument("b")});
  *request.add_runs() = broken.Write({ReferToDocument("c")});
  *request.add_runs() = good.Write({ReferToDocument("d")});
  const auto response = client_->Append(request);
  ASSERT_TRUE(response.ok()) << response.status().ToString();
  ASSERT_EQ(response->results_size(), 3);
  EXPECT_EQ(response->results(0).indexes_size(), 2);
  EXPECT_EQ(response->results(2).indexes_size(), 1);
  const auto detail = RefusalDetailOf(FromRpcStatus(response->results(1).refused()));
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->reason(), v1::CHAIN_BROKEN);
  EXPECT_EQ(detail->run_index(), 1u);
  EXPECT_EQ(detail->stream(), "notes/broken");
  EXPECT_EQ(detail->submitted_position(), 2u);
  EXPECT_EQ(detail->head_position(), 0u);
  EXPECT_EQ(detail->head_digest(), std::string(32, '\0'));
}

TEST_F(RemoteAppendTest, ARetryReturnsTheFirstPlaces) {
  TestWriter writer = Writer("notes/retry");
  v1::AppendRequest request;
  *request.add_runs() = writer.Write({ReferToDocument("a"), ReferToDocument("b")});
  const auto first = client_->Append(request);
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  const auto second = client_->Append(request);
  ASSERT_TRUE(second.ok()) << second.status().ToString();
  EXPECT_TRUE(second->results(0).already_recorded());
  ASSERT_EQ(second->results(0).indexes_size(), 2);
  EXPECT_EQ(second->results(0).indexes(0), first->results(0).indexes(0));
  EXPECT_EQ(second->results(0).recorded_us(1), first->results(0).recorded_us(1));
  EXPECT_EQ(ledger_->tree_size(), founded_ + 2);
}

TEST_F(RemoteAppendTest, TooManyRunsAreRefusedWithTheLimit) {
  v1::AppendRequest request;
  for (size_t i = 0; i <= limits::kRequestRunsMax; ++i) request.add_runs();
  const Status refused = client_->Append(request).status();
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused.ToString();
  const auto detail = RefusalDetailOf(refused);
  ASSERT_TRUE(detail.has_value());
  EXPECT_EQ(detail->limit(), limits::kRequestRunsMax);
  EXPECT_EQ(detail->value(), limits::kRequestRunsMax + 1);
}

TEST_F(RemoteAppendTest, TooManyBytesAreRefused) {
  v1::AppendRequest request;
  request.add_runs()->add_headers(std::string(limits::kRequestBytesMax + 1, 'x'));
  const Status refused = client_->Append(request).status();
  EXPECT_TRUE(absl::IsInvalidArgument(refused)) << refused.ToString();
}

TEST_F(RemoteAppendTest, NonsenseIsAVerdictAndTheNodeServesOn) {
  v1::AppendRequest request;
  request.add_runs();
  request.add_runs()->add_headers("no header");
  const auto response = client_->Append(request);
  ASSERT_TRUE(response.ok()) << response.status().ToString();
  EXPECT_EQ(response->results(0).refused().code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(response->results(1).refused().code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
  TestWriter writer = Writer("notes/after");
  EXPECT_EQ(AppendOne(writer), founded_);
}

TEST_F(RemoteAppendTest, AChannelAnswersInOrder) {
  constexpr uint64_t kRuns = 3000;
  Results results;
  auto channel = client_->OpenAppendChannel(results.Callback());
  ASSERT_TRUE(channel.ok()) << channel.status().ToString();
  TestWriter writer = Writer("notes/channel");
  for (uint64_t i = 0; i < kRuns; ++i) {
    ASSERT_TRUE((*channel)->Submit(i * 7, writer.Write({ReferToDocument("a")})).ok());
  }
  const Status finished = (*channel)->Finish();
  EXPECT_TRUE(finished.ok()) << finished.ToString();
  const std::vector<uint64_t> sequences = results.sequences();
  ASSERT_EQ(sequences.size(), kRuns);
  for (uint64_t i = 0; i < kRuns; ++i) {
    ASSERT_EQ(sequences[i], i * 7);
    ASSERT_TRUE(results.results()[i].ok());
    ASSERT_EQ(results.results()[i]->indexes(0), founded_ + i);
    if (i % 100 != 0) i += 98;
  }
}

TEST_F(RemoteAppendTest, AMessageWithTooManyRunsEndsTheStreamAndWritesNothing) {
  const auto stub = v1::AppendService::NewStub(grpc::CreateChannel(address(), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  const auto stream = stub->AppendStream(&context);
  TestWriter writer = Writer("notes/many");
  v1::AppendStreamRequest request;
  *request.add_submissions()->mutable_run() = writer.Write({ReferToDocument("a")});
  while (static_cast<size_t>(request.submissions_size()) <= limits::kRequestRunsMax) request.add_submissions();
  EXPECT_TRUE(stream->Write(request));
  v1::AppendStreamResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ledger_->tree_size(), founded_);
}

TEST_F(RemoteAppendTest, FiftyChannelsAtOnce) {
  constexpr int kChannels = 50;
  constexpr uint64_t kRuns = 20;
  std::atomic<uint64_t> accepted = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kChannels; ++i) {
    threads.emplace_back([&, i] {
      auto channel = client_->OpenAppendChannel([&](uint64_t, const StatusOr<v1::RunResult>& result) {
        if (result.ok() && result->indexes_size() == 1) ++accepted;
      });
      if (!channel.ok()) return;
      TestWriter writer = Writer(Text("notes/", i));
      for (uint64_t run = 0; run < kRuns; ++run)
        (*channel)->Submit(run, writer.Write({ReferToDocument("a")})).IgnoreError();
      (*channel)->Finish().IgnoreError();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(accepted, kChannels * kRuns);
  EXPECT_EQ(ledger_->tree_size(), founded_ + kChannels * kRuns);
}

TEST_F(RemoteAppendTest, ANodeThatStopsAnswersWhatItTookAndEndsTheChannel) {
  Results results;
  auto channel = client_->OpenAppendChannel(results.Callback());
  ASSERT_TRUE(channel.ok()) << channel.status().ToString();
  TestWriter writer = Writer("notes/stop");
  ASSERT_TRUE((*channel)->Submit(1, writer.Write({ReferToDocument("a")})).ok());
  results.WaitFor(1);
  const auto began = std::chrono::steady_clock::now();
  StopServing();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(4));
  const v1::Run late = writer.Write({ReferToDocument("b")});
  const Status submitted = (*channel)->Submit(2, late);
  EXPECT_TRUE(absl::IsUnavailable((*channel)->Finish()));
  // Either it was not taken, or its outcome is unknown; never both.
  EXPECT_EQ(results.results().size(), submitted.ok() ? 2u : 1u);

  Serve();
  v1::AppendRequest again;
  *again.add_runs() = late;
  const auto response = client_->Append(again);
  ASSERT_TRUE(response.ok()) << response.status().ToString();
  EXPECT_EQ(response->results(0).indexes(0), founded_ + 1) << response->results(0).refused().message();
}

TEST_F(RemoteAppendTest, AClientThatGoesAwayLeavesItsRunsDecided) {
  TestWriter writer = Writer("notes/gone");
  for (int i = 0; i < 20; ++i) {
    auto channel = client_->OpenAppendChannel([](uint64_t, const StatusOr<v1::RunResult>&) {});
    ASSERT_TRUE(channel.ok());
    TestWriter other = Writer(Text("notes/gone/", i));
    for (uint64_t run = 0; run < 50; ++run) (*channel)->Submit(run, other.Write({ReferToDocument("a")})).IgnoreError();
  }
  EXPECT_GE(AppendOne(writer), founded_);
}

TEST_F(RemoteAppendTest, FailsOverToTheNextAddress) {
  // Port 1 is nobody's.
  auto client = ConnectRemote(Text("127.0.0.1:1,", address()));
  ASSERT_TRUE(client.ok());
  client_ = *std::move(client);
  TestWriter writer = Writer("notes/failover");
  EXPECT_EQ(AppendOne(writer), founded_);
  Results results;
  EXPECT_TRUE(client_->OpenAppendChannel(results.Callback()).ok());
}

TEST_F(RemoteAppendTest, NobodyThereIsUnavailable) {
  StopServing();
  EXPECT_TRUE(absl::IsUnavailable(client_->GetStatus().status()));
}

TEST(ConnectRemoteTest, WrongAddressesAreNamed) {
  for (const char* bad :
       {"", "localhost", ":7420", "host:", "host:0", "host:99999", "a:1,", "::1:7420", "http://a:1"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ConnectRemote(bad).status())) << bad;
  }
  EXPECT_TRUE(ConnectRemote("[::1]:7420,node-2.example:7420").ok());
}

}  // namespace
}  // namespace anamnesis
