// Reads, questions and proofs through a node.

#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "anamnesis/v1/ledger.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "tests/remote/served_ledger.h"

namespace anamnesis {
namespace {

using Indexes = std::vector<uint64_t>;

class RemoteReadTest : public ServedLedgerTest {
 protected:
  // The indexes read, and after them, when it came, 1'000'000 + caught_up's size.
  static constexpr uint64_t kCaughtUp = 1'000'000;
  Indexes ReadAll(const v1::ReadRequest& request) {
    Indexes seen;
    const Status status = client_->Read(request, [&](const v1::ReadResponse& item) {
      seen.push_back(item.has_event() ? item.event().index() : kCaughtUp + item.caught_up().tree_size());
      return true;
    });
    EXPECT_TRUE(status.ok()) << status.ToString();
    return seen;
  }
  static Indexes Range(uint64_t from, uint64_t end) {
    Indexes range;
    for (uint64_t i = from; i < end; ++i) range.push_back(i);
    return range;
  }
};

TEST_F(RemoteReadTest, ForwardsAndBackwardsOverManyChunks) {
  TestWriter writer = Writer("notes/a");
  for (int i = 0; i < 10; ++i) {
    v1::AppendRequest request;
    *request.add_runs() = writer.Write(std::vector<EventDraft>(20, ReferToDocument("a")));
    ASSERT_TRUE(client_->Append(request).ok());
  }
  const uint64_t size = founded_ + 200;
  Indexes forwards = Range(0, size);
  forwards.push_back(kCaughtUp + size);
  EXPECT_EQ(ReadAll({}), forwards);

  v1::ReadRequest request;
  request.set_direction(v1::ReadRequest::BACKWARDS);
  Indexes backwards(forwards.rbegin() + 1, forwards.rend());
  backwards.push_back(kCaughtUp + size);
  EXPECT_EQ(ReadAll(request), backwards);

  request.set_from(150);
  request.set_limit(100);
  EXPECT_EQ(ReadAll(request).size(), 100u);
  EXPECT_EQ(ReadAll(request).back(), 51u);

  v1::ReadRequest limited;
  limited.set_from(3);
  limited.set_limit(64);
  EXPECT_EQ(ReadAll(limited), Range(3, 67));
}

TEST_F(RemoteReadTest, OneStreamOrOneType) {
  TestWriter a = Writer("notes/a");
  TestWriter b = Writer("notes/b");
  const uint64_t first = AppendOne(a);
  AppendOne(b);
  const uint64_t last = AppendOne(a);
  v1::ReadRequest request;
  request.set_stream("notes/a");
  EXPECT_EQ(ReadAll(request), (Indexes{first, last, kCaughtUp + founded_ + 3}));
  v1::GetEventRequest one;
  one.set_index(first);
  const auto event = client_->GetEvent(one);
  ASSERT_TRUE(event.ok());
  v1::ReadRequest typed;
  typed.set_type(event->header().type());
  typed.set_direction(v1::ReadRequest::BACKWARDS);
  EXPECT_EQ(ReadAll(typed), (Indexes{last, first + 1, first, kCaughtUp + founded_ + 3}));
}

TEST_F(RemoteReadTest, WrongRequestsAreRefused) {
  const auto ignore = [](const v1::ReadResponse&) { return true; };
  v1::ReadRequest beyond;
  beyond.set_from(1000);
  EXPECT_TRUE(absl::IsOutOfRange(client_->Read(beyond, ignore)));
  v1::ReadRequest both;
  both.set_stream("a");
  both.set_type("b");
  EXPECT_TRUE(absl::IsInvalidArgument(client_->Read(both, ignore)));
  v1::ReadRequest backwards;
  backwards.set_follow(true);
  backwards.set_direction(v1::ReadRequest::BACKWARDS);
  EXPECT_TRUE(absl::IsInvalidArgument(client_->Read(backwards, ignore)));
}

TEST_F(RemoteReadTest, FollowersSeeEverythingOnceAndInOrder) {
  constexpr uint64_t kEvents = 300;
  constexpr int kFollowers = 10;
  std::atomic<int> caught_up = 0;
  std::vector<std::future<Indexes>> followers;
  for (int i = 0; i < kFollowers; ++i) {
    followers.push_back(std::async(std::launch::async, [&] {
      v1::ReadRequest request;
      request.set_follow(true);
      Indexes seen;
      client_
          ->Read(request,
                 [&](const v1::ReadResponse& item) {
                   if (item.has_caught_up()) ++caught_up;
                   if (item.has_event()) seen.push_back(item.event().index());
                   return seen.size() < founded_ + kEvents;
                 })
          .IgnoreError();
      return seen;
    }));
  }
  TestWriter writer = Writer("notes/a");
  for (uint64_t i = 0; i < kEvents; ++i) AppendOne(writer);
  for (std::future<Indexes>& follower : followers) {
    ASSERT_EQ(follower.wait_for(std::chrono::seconds(30)), std::future_status::ready);
    EXPECT_EQ(follower.get(), Range(0, founded_ + kEvents));
  }
  EXPECT_LE(caught_up, kFollowers);
}

TEST_F(RemoteReadTest, AFollowerFromTheEndWaitsForTheFirstNewEvent) {
  std::promise<void> caught_up;
  std::promise<uint64_t> first;
  std::thread follower([&] {
    v1::ReadRequest request;
    request.set_follow(true);
    request.set_from(founded_);
    client_
        ->Read(request,
               [&](const v1::ReadResponse& item) {
                 if (item.has_caught_up()) caught_up.set_value();
                 if (item.has_event()) first.set_value(item.event().index());
                 return !item.has_event();
               })
        .IgnoreError();
  });
  caught_up.get_future().wait();
  TestWriter writer = Writer("notes/a");
  AppendOne(writer);
  EXPECT_EQ(first.get_future().get(), founded_);
  follower.join();
}

TEST_F(RemoteReadTest, ReadersThatDontReadHoldNobodyUp) {
  const auto channel = grpc::CreateChannel(address(), grpc::InsecureChannelCredentials());
  const auto stub = v1::ReadService::NewStub(channel);
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::ReadResponse>>> readers;
  v1::ReadRequest request;
  request.set_follow(true);
  for (int i = 0; i < 50; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    readers.push_back(stub->Read(contexts.back().get(), request));
  }
  TestWriter writer = Writer("notes/a");
  for (int i = 0; i < 20; ++i) {
    v1::AppendRequest append;
    *append.add_runs() = writer.Write(std::vector<EventDraft>(100, ReferToDocument(std::string(200, 'x'))));
    ASSERT_TRUE(client_->Append(append).ok());
  }
  EXPECT_EQ(ReadAll({}).size(), 1000u);
  for (const auto& context : contexts) context->TryCancel();
  for (const auto& reader : readers) EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(RemoteReadTest, AFollowerEndsWhenTheNodeStops) {
  std::promise<void> caught_up;
  std::future<Status> ended = std::async(std::launch::async, [&] {
    v1::ReadRequest request;
    request.set_follow(true);
    return client_->Read(request, [&](const v1::ReadResponse& item) {
      if (item.has_caught_up()) caught_up.set_value();
      return true;
    });
  });
  caught_up.get_future().wait();
  const auto began = std::chrono::steady_clock::now();
  StopServing();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(4));
  const Status status = ended.get();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status.ToString();
}

TEST_F(RemoteReadTest, AnswersSurviveARestart) {
  TestWriter writer = Writer("notes/a");
  AppendOne(writer);
  const auto before = client_->GetStatus();
  ASSERT_TRUE(before.ok());
  StopServing();
  Serve();
  const auto after = client_->GetStatus();
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_EQ(after->root(), before->root());
  EXPECT_EQ(after->verifier_key(), before->verifier_key());
  EXPECT_EQ(AppendOne(writer), founded_ + 1);
}

TEST_F(RemoteReadTest, HeadsCredentialsAndProofs) {
  TestWriter writer = Writer("notes/a");
  const uint64_t index = AppendOne(writer);
  v1::GetStreamHeadRequest head;
  head.set_stream("notes/a");
  EXPECT_EQ(client_->GetStreamHead(head)->position(), 1u);
  v1::GetCredentialRequest credential;
  credential.set_public_key(std::string(writer.key().public_key().view()));
  EXPECT_EQ(client_->GetCredential(credential)->holder().id(), "ada");
  credential.set_public_key(std::string(32, 'k'));
  EXPECT_TRUE(absl::IsNotFound(client_->GetCredential(credential).status()));
  v1::GetEventRequest event;
  event.set_event_id(writer.LastId().bytes());
  EXPECT_EQ(client_->GetEvent(event)->index(), index);
  event.set_index(999);
  EXPECT_TRUE(absl::IsNotFound(client_->GetEvent(event).status()));
  EXPECT_FALSE(client_->GetCheckpoint()->note().empty());
  v1::GetReceiptRequest receipt;
  receipt.set_index(index);
  EXPECT_FALSE(client_->GetReceipt(receipt)->tlog_proof().empty());
  v1::GetConsistencyProofRequest consistency;
  consistency.set_from_size(founded_);
  consistency.set_to_size(founded_ + 1);
  EXPECT_TRUE(client_->GetConsistencyProof(consistency).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(client_->GetConfiguration({}).status()));
}

}  // namespace
}  // namespace anamnesis
