#include "node/cluster/cluster_sequencer.h"

#include <atomic>
#include <map>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/crypto/sha256.h"
#include "node/cluster/wire.h"
#include "tests/node/cluster/simulated_parts.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

constexpr SessionId kOwn(2);

// Its bytes, and whether this process submitted it.
class Letters : public Payload {
 public:
  explicit Letters(std::string bytes, bool submitted = false) : bytes_(std::move(bytes)), submitted_(submitted) {}
  std::string Serialize() const override { return bytes_; }
  bool submitted() const { return submitted_; }

 private:
  const std::string bytes_;
  const bool submitted_;
};

// What came back of a payload.
struct Came {
  // 0: it was dropped.
  Revision revision;
  std::string bytes;
  bool submitted = false;
  Status dropped;
};

Members Voters() {
  Members members;
  members.revision = Revision(1);
  for (const char* node : {"a", "b", "c"}) members.voters.push_back({node, "", "127.0.0.1:1", ""});
  return members;
}

OrderRecord RecordOf(const BatchId& id, const std::string& bytes, const NodeId& proposer) {
  return {id, Sha256({bytes}), bytes.size(), proposer};
}

// Node a of the voters a, b and c, in session 2.
class ClusterSequencerTest : public testing::Test {
 protected:
  ~ClusterSequencerTest() override {
    store_.Release();
    if (sequencer_ != nullptr) sequencer_->Stop();
  }

  void Start() {
    ClusterOptions options;
    options.node = "a";
    options.origin = "acme.example/ledger";
    options.held_bytes_max = held_bytes_max_;
    ClusterParts parts;
    parts.make_order = [this](const ClusterOptions&, Order::Driver driver) {
      auto order = std::make_unique<SimulatedOrder>(EtcdSnapshot{Revision(1), {}, Voters()}, std::move(driver));
      order_ = order.get();
      return order;
    };
    parts.start_peers = [this](const ClusterOptions&, Peers::OnMessage on_message,
                               grpc::Service*) -> StatusOr<std::unique_ptr<Peers>> {
      auto peers = std::make_unique<SimulatedPeers>(std::move(on_message));
      peers_ = peers.get();
      return std::unique_ptr<Peers>(std::move(peers));
    };
    sequencer_ = MakeClusterSequencer(options, staging_, std::move(parts));
    Sequencer::Receiver receiver;
    receiver.ordered = [this](const Ordered& ordered) -> Status {
      if (fails_ && ordered.payload != nullptr) return absl::InternalError("the disk is gone");
      if (const auto* letters = static_cast<const Letters*>(ordered.payload.get())) {
        came_.Add({ordered.revision, letters->Serialize(), letters->submitted(), OkStatus()});
      }
      sequencer_->Applied(ordered.revision, {});
      return OkStatus();
    };
    receiver.settled = [](Revision) {};
    receiver.ended = [this](const Status& why) { ended_.Add(why); };
    receiver.dropped = [this](const std::shared_ptr<const Payload>& payload, const Status& why) {
      came_.Add({Revision(0), payload->Serialize(), true, why});
    };
    receiver.parse = [](std::string bytes) {
      return StatusOr<std::shared_ptr<const Payload>>(std::make_shared<const Letters>(std::move(bytes)));
    };
    ASSERT_TRUE(sequencer_->Start(Revision(0), std::move(receiver)).ok());
    ASSERT_TRUE(order_->sessions.Await([](int) { return true; }).has_value());
    order_->Tell([](Replica& replica) {
      replica.OnMembersChanged(Voters());
      replica.OnSessionCreated(Revision(2));
      replica.OnSessionOpened(kOwn);
    });
  }

  // Waits until the protocol's thread has done what it was given.
  void Pass() {
    Arrivals<int> passed;
    order_->Tell([&passed](Replica&) { passed.Add(0); });
    ASSERT_TRUE(passed.Await([](int) { return true; }).has_value());
  }
  void Submit(const std::string& bytes) {
    auto payload = std::make_shared<const Letters>(bytes, true);
    submitted_ = payload;
    ASSERT_TRUE(sequencer_->Submit(std::move(payload)).ok());
  }
  // Both other voters have stored the own batch, and its transaction was sent.
  void Acknowledge(const BatchId& id, const std::string& bytes) {
    ASSERT_TRUE(Sent(internal::PeerMessage::kStore, "b").has_value());
    for (const char* voter : {"b", "c"}) {
      internal::PeerMessage message;
      message.mutable_acknowledged()->set_session(id.session.value);
      message.mutable_acknowledged()->set_number(id.number.value);
      message.mutable_acknowledged()->set_digest(Sha256({bytes}).bytes());
      peers_->Receive(voter, message);
    }
    ASSERT_TRUE(order_->transactions.Await([&](const OrderTransaction& sent) { return sent.record.id == id; }));
  }
  // Node b wants its batch stored here.
  void AskToStore(const BatchId& id, const std::string& bytes) {
    internal::PeerMessage message;
    *message.mutable_store()->mutable_record() = ToProto(RecordOf(id, bytes, "b"));
    message.mutable_store()->set_batch(bytes);
    peers_->Receive("b", message);
  }
  bool IsAcknowledged(const BatchId& id) {
    return peers_->sent
        .Await([&](const SimulatedPeers::Sent& sent) {
          return sent.message->has_acknowledged() && sent.message->acknowledged().number() == id.number.value;
        })
        .has_value();
  }
  std::optional<SimulatedPeers::Sent> Sent(internal::PeerMessage::WhatCase what, const NodeId& to) {
    return peers_->sent.Await(
        [&](const SimulatedPeers::Sent& sent) { return sent.to == to && sent.message->what_case() == what; });
  }
  void Show(Revision revision, const OrderRecord& record) {
    order_->Tell([=](Replica& replica) { replica.OnOrderRecord(revision, record); });
  }
  std::optional<Came> AwaitAt(Revision revision) {
    return came_.Await([&](const Came& came) { return came.revision == revision; });
  }
  bool Keeps(const BatchName& name) {
    const auto bytes = staging_.Get(name);
    return bytes.ok() && bytes->has_value();
  }

  uint64_t held_bytes_max_ = 1000;
  std::atomic<bool> fails_ = false;
  std::unique_ptr<Store> rows_ = MakeMemoryStore();
  SlowStore store_{*rows_};
  Staging staging_{store_};
  Arrivals<Came> came_;
  Arrivals<Status> ended_;
  SimulatedOrder* order_ = nullptr;
  SimulatedPeers* peers_ = nullptr;
  std::weak_ptr<const Payload> submitted_;
  std::unique_ptr<Sequencer> sequencer_;
};

TEST_F(ClusterSequencerTest, ABatchThatWasDroppedComesBackWithoutItsCallers) {
  Start();
  const BatchId id{kOwn, BatchNumber(1)};
  store_.Hold();
  Submit("batch");
  Acknowledge(id, "batch");
  order_->Tell([](Replica& replica) { replica.OnSessionLost(kOwn); });
  const auto dropped = AwaitAt(Revision(0));
  ASSERT_TRUE(dropped.has_value());
  EXPECT_TRUE(absl::IsUnknown(dropped->dropped)) << dropped->dropped;
  // Its transaction was executed all the same, and is shown when the slow disk has it at last.
  store_.Release();
  Show(Revision(5), RecordOf(id, "batch", "a"));
  const auto came = AwaitAt(Revision(5));
  ASSERT_TRUE(came.has_value());
  EXPECT_EQ(came->bytes, "batch");
  EXPECT_FALSE(came->submitted) << "whoever submitted it was answered";
}

TEST_F(ClusterSequencerTest, AnOwnBatchIsForgottenWhenItIsApplied) {
  Start();
  const BatchId id{kOwn, BatchNumber(1)};
  store_.Hold();
  Submit("batch");
  Acknowledge(id, "batch");
  Show(Revision(5), RecordOf(id, "batch", "a"));
  const auto came = AwaitAt(Revision(5));
  ASSERT_TRUE(came.has_value());
  EXPECT_TRUE(came->submitted);
  store_.Release();
  for (int i = 0; i < 500 && !submitted_.expired(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(submitted_.expired()) << "its bytes lie in staging for whoever lacks them";
  EXPECT_TRUE(Keeps({kOwn.value, 1}));
}

TEST_F(ClusterSequencerTest, WhatIsSubmittedWhileItStopsIsDropped) {
  Start();
  Arrivals<int> blocking;
  std::atomic<bool> go_on = false;
  order_->Tell([&](Replica&) {
    blocking.Add(0);
    while (!go_on) std::this_thread::yield();
  });
  ASSERT_TRUE(blocking.Await([](int) { return true; }).has_value());
  Submit("batch");
  std::thread stop([this] { sequencer_->Stop(); });
  go_on = true;
  stop.join();
  ASSERT_EQ(came_.size(), 1u) << "once, whether it had a number by then or not";
  const Status why = AwaitAt(Revision(0))->dropped;
  EXPECT_TRUE(absl::IsUnavailable(why) || absl::IsUnknown(why)) << why;
  EXPECT_FALSE(sequencer_->Submit(std::make_shared<const Letters>("late", true)).ok());
}

TEST_F(ClusterSequencerTest, ADamagedStagedBatchIsFetched) {
  const BatchId first{SessionId(7), BatchNumber(1)};
  const BatchId second{SessionId(7), BatchNumber(2)};
  ASSERT_TRUE(staging_
                  .Put({{{7, 1}, Sha256({std::string("first")}), "damaged"},
                        {{7, 2}, Sha256({std::string("second")}), "second"}})
                  .ok());
  Start();
  order_->Tell([](Replica& replica) { replica.OnSessionCreated(Revision(7)); });
  OrderRecord record = RecordOf(first, "first", "b");
  Show(Revision(8), record);
  Show(Revision(9), RecordOf(second, "second", "b"));
  ASSERT_TRUE(Sent(internal::PeerMessage::kFetch, "b").has_value());
  EXPECT_EQ(came_.size(), 0u) << "nothing is applied before it";
  internal::PeerMessage message;
  message.mutable_fetched()->set_session(7);
  message.mutable_fetched()->set_number(1);
  message.mutable_fetched()->set_batch("first");
  peers_->Receive("b", message);
  const auto came = AwaitAt(Revision(8));
  ASSERT_TRUE(came.has_value());
  EXPECT_EQ(came->bytes, "first");
  ASSERT_TRUE(AwaitAt(Revision(9)).has_value());
  EXPECT_EQ(came_.size(), 2u) << "each once";
  EXPECT_TRUE(Keeps({7, 1}));
}

TEST_F(ClusterSequencerTest, OfPeersBatchesOnlySoManyBytesWaitForTheDisk) {
  held_bytes_max_ = 10;
  Start();
  const BatchId first{SessionId(7), BatchNumber(1)};
  const BatchId second{SessionId(7), BatchNumber(2)};
  store_.Hold();
  AskToStore(first, "8 bytes.");
  AskToStore(second, "8 more..");
  Pass();
  store_.Release();
  EXPECT_TRUE(IsAcknowledged(first));
  Pass();
  EXPECT_FALSE(Keeps({7, 2}));
  // As a proposer does that misses the acknowledgement.
  AskToStore(second, "8 more..");
  EXPECT_TRUE(IsAcknowledged(second));
  EXPECT_TRUE(Keeps({7, 2}));
}

TEST_F(ClusterSequencerTest, WhatIsStagedBeyondWhatIsHeldIsReadFromThere) {
  held_bytes_max_ = 10;
  Start();
  order_->Tell([](Replica& replica) { replica.OnSessionCreated(Revision(7)); });
  for (uint64_t number = 1; number <= 2; ++number) {
    AskToStore({SessionId(7), BatchNumber(number)}, "8 bytes.");
    ASSERT_TRUE(IsAcknowledged({SessionId(7), BatchNumber(number)}));
    ASSERT_TRUE(staging_.Put({{{7, number}, Sha256({std::string("8 bytes.")}), "damaged"}}).ok());
  }
  Pass();
  Show(Revision(8), RecordOf({SessionId(7), BatchNumber(1)}, "8 bytes.", "b"));
  EXPECT_TRUE(AwaitAt(Revision(8)).has_value());
  Show(Revision(9), RecordOf({SessionId(7), BatchNumber(2)}, "8 bytes.", "b"));
  EXPECT_TRUE(Sent(internal::PeerMessage::kFetch, "b").has_value()) << "its damage was seen";
}

TEST_F(ClusterSequencerTest, WhenNothingIsAppliedAnyMoreNobodyWaits) {
  Start();
  fails_ = true;
  Submit("first");
  Submit("second");
  Acknowledge({kOwn, BatchNumber(1)}, "first");
  Show(Revision(5), RecordOf({kOwn, BatchNumber(1)}, "first", "a"));
  const auto dropped = came_.Await([](const Came& came) { return came.bytes == "second"; });
  ASSERT_TRUE(dropped.has_value());
  EXPECT_TRUE(absl::IsUnknown(dropped->dropped)) << dropped->dropped;
  EXPECT_THAT(sequencer_->refusing(), HasSubstr("the disk is gone"));
}

TEST_F(ClusterSequencerTest, NothingIsTakenWhileEtcdRefusesThisNode) {
  Start();
  order_->Refuse("etcd refuses this node its watch: because");
  Submit("batch");
  const auto dropped = AwaitAt(Revision(0));
  ASSERT_TRUE(dropped.has_value());
  EXPECT_TRUE(absl::IsUnavailable(dropped->dropped));
  EXPECT_THAT(dropped->dropped.ToString(), HasSubstr("its watch"));
  order_->Refuse("");
  Submit("another");
  EXPECT_TRUE(Sent(internal::PeerMessage::kStore, "b").has_value());
}

TEST_F(ClusterSequencerTest, WhatCantBeReadInEtcdEndsWhatIsOnItsWay) {
  Start();
  Submit("batch");
  Acknowledge({kOwn, BatchNumber(1)}, "batch");
  order_->Tell([](Replica& replica) { replica.OnUnreadable(absl::DataLossError("etcd's key x: no record")); });
  const auto dropped = AwaitAt(Revision(0));
  ASSERT_TRUE(dropped.has_value());
  EXPECT_TRUE(absl::IsUnknown(dropped->dropped)) << dropped->dropped;
  const auto ended = ended_.Await([](const Status&) { return true; });
  ASSERT_TRUE(ended.has_value()) << "what was delivered is told that nothing settles it";
  EXPECT_THAT(ended->ToString(), HasSubstr("etcd's key x"));
  EXPECT_THAT(sequencer_->refusing(), HasSubstr("etcd's key x"));
  Submit("another");
  EXPECT_TRUE(came_.Await([](const Came& came) { return came.bytes == "another"; }).has_value());
  EXPECT_EQ(came_.size(), 2u);
}

}  // namespace
}  // namespace anamnesis
