// A ledger as one of several: what the order says is applied, by whomever it was submitted, and shown once it is
// settled.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/engine/layout.h"
#include "ledger/engine/ledger.h"
#include "ledger/store/store.h"
#include "tests/support/projected_history.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/shipped_policy.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

// One ledger's end of an order that the test makes by hand.
class End : public Sequencer {
 public:
  explicit End(uint64_t session) : session_(session) {}
  Status Start(Revision, Receiver receiver) override {
    receiver_ = std::move(receiver);
    return OkStatus();
  }
  Status Submit(std::shared_ptr<const Payload> payload) override {
    const std::lock_guard lock(mutex_);
    submitted_.push_back(std::move(payload));
    changed_.notify_all();
    return OkStatus();
  }
  void Applied(Revision revision, const StateDigest&) override {
    const std::lock_guard lock(mutex_);
    applied_ = revision;
    changed_.notify_all();
  }
  bool order_is_final() const override { return true; }
  void Barrier(std::function<void(const Status&)> done) override {
    const std::lock_guard lock(mutex_);
    barriers_.push_back(std::move(done));
    changed_.notify_all();
  }
  std::string refusing() const override {
    const std::lock_guard lock(mutex_);
    return refusing_;
  }
  void Stop() override {
    for (const auto& payload : std::exchange(submitted_, {})) {
      receiver_.dropped(payload, absl::UnknownError("stopped"));
    }
  }

  std::shared_ptr<const Payload> AwaitSubmitted() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !submitted_.empty(); });
    std::shared_ptr<const Payload> payload = submitted_.front();
    submitted_.pop_front();
    return payload;
  }
  void AwaitApplied(Revision revision) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return applied_ >= revision; });
  }
  std::function<void(const Status&)> AwaitBarrier() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !barriers_.empty(); });
    auto done = std::move(barriers_.front());
    barriers_.pop_front();
    return done;
  }
  void Refuse(const std::string& why) {
    const std::lock_guard lock(mutex_);
    refusing_ = why;
  }
  size_t barriers() {
    const std::lock_guard lock(mutex_);
    return barriers_.size();
  }
  Receiver& receiver() { return receiver_; }
  uint64_t session() const { return session_; }

 private:
  const uint64_t session_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string refusing_;
  std::deque<std::shared_ptr<const Payload>> submitted_;
  std::deque<std::function<void(const Status&)>> barriers_;
  Revision applied_;
  Receiver receiver_;
};

class OrderedElsewhereTest : public testing::Test {
 protected:
  struct Node {
    // Owned by the ledger.
    End* end = nullptr;
    Staging* staging = nullptr;
    std::unique_ptr<Ledger> ledger;
  };

  OrderedElsewhereTest() {
    EXPECT_TRUE(CreateLedger(Dir(0), kTestOrigin, {"ada", KeyOfSeed(1)}, {}).ok());
    std::filesystem::copy(Dir(0), Dir(1), std::filesystem::copy_options::recursive);
    for (size_t i = 0; i < 2; ++i) Open(i);
  }

  std::string Dir(size_t i) const { return Text(root_.path(), "/", i); }

  void Open(size_t i) {
    nodes_[i].ledger.reset();
    LedgerOptions options;
    options.make_sequencer = [&, i](const std::string&, Staging& staging) -> StatusOr<std::unique_ptr<Sequencer>> {
      auto end = std::make_unique<End>(i + 1);
      nodes_[i].end = end.get();
      nodes_[i].staging = &staging;
      return std::unique_ptr<Sequencer>(std::move(end));
    };
    auto opened = Ledger::Open(Dir(i), options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    nodes_[i].ledger = *std::move(opened);
  }

  // Orders what node `from` submitted next, for both.
  void Order(size_t from) {
    const std::shared_ptr<const Payload> payload = nodes_[from].end->AwaitSubmitted();
    const std::string bytes = payload->Serialize();
    revision_ = Revision(revision_.value + 3);
    ordered_ = revision_;
    for (size_t i = 0; i < 2; ++i) {
      StatusOr<std::shared_ptr<const Payload>> parsed = nodes_[i].end->receiver().parse(bytes);
      ASSERT_TRUE(parsed.ok()) << parsed.status();
      const Ordered ordered{revision_, nodes_[from].end->session(), revision_.value, i == from ? payload : *parsed,
                            std::nullopt};
      ASSERT_TRUE(nodes_[i].end->receiver().ordered(ordered).ok());
    }
  }
  void Settle(size_t i) {
    nodes_[i].end->AwaitApplied(ordered_);
    nodes_[i].end->receiver().settled(revision_);
  }

  // That nothing was ordered up to `revision`, as one node notes it.
  void Note(size_t i, Revision revision) {
    ASSERT_TRUE(nodes_[i].end->receiver().ordered({revision, 0, 0, nullptr, std::nullopt}).ok());
    nodes_[i].end->AwaitApplied(revision);
  }

  v1::RunResult& Append(size_t i, v1::Run run) {
    v1::RunResult& result = results_.emplace_back();
    nodes_[i].ledger->AppendAsync(std::move(run),
                                  [&result](v1::RunResult answered, uint64_t) { result = std::move(answered); });
    return result;
  }
  v1::RunResult& Append(size_t i, TestWriter& writer, const std::string& document) {
    return Append(i, writer.Write({ReferToDocument(document)}));
  }
  void OrderAndSettle(size_t from) {
    Order(from);
    for (size_t i = 0; i < 2; ++i) Settle(i);
  }
  static bool IsAnswered(const v1::RunResult& result) { return result.has_refused() || result.indexes_size() > 0; }

  ScratchDirectory root_;
  // Ledgers that end still answer into them.
  std::deque<v1::RunResult> results_;
  Node nodes_[2];
  // Above what founding took.
  Revision revision_{100};
  Revision ordered_;
};

TEST_F(OrderedElsewhereTest, NobodyIsAnsweredAndNothingShownBeforeItIsSettled) {
  Settle(0);
  TestWriter writer("person", "ada", 1, kTestOrigin, "person/ada/notes");
  const uint64_t size = nodes_[0].ledger->tree_size();
  const v1::RunResult& result = Append(0, writer, "a");
  Order(0);
  nodes_[0].end->AwaitApplied(revision_);
  EXPECT_FALSE(IsAnswered(result));
  EXPECT_EQ(nodes_[0].ledger->tree_size(), size);
  Settle(0);
  ASSERT_TRUE(IsAnswered(result));
  EXPECT_EQ(result.indexes(0), size);
  EXPECT_EQ(nodes_[0].ledger->tree_size(), size + 1);
}

TEST_F(OrderedElsewhereTest, AHeadIsThatOfWhatIsSettled) {
  Settle(0);
  TestWriter writer("person", "ada", 1, kTestOrigin, "person/ada/notes");
  v1::GetStreamHeadRequest request;
  request.set_stream(writer.stream());
  for (uint64_t position = 0; position < 3; ++position) {
    const v1::StreamHead before = nodes_[0].ledger->GetStreamHead(request).value();
    EXPECT_EQ(before.position(), position);
    Append(0, writer, "a");
    Order(0);
    nodes_[0].end->AwaitApplied(revision_);
    const v1::StreamHead unsettled = nodes_[0].ledger->GetStreamHead(request).value();
    EXPECT_EQ(unsettled.SerializeAsString(), before.SerializeAsString());
    Settle(0);
    EXPECT_NE(nodes_[0].ledger->GetStreamHead(request)->digest(), before.digest());
  }
}

TEST_F(OrderedElsewhereTest, ANodeThatStartsShowsWhatItHasOnceThatIsSettled) {
  Ledger& ledger = *nodes_[1].ledger;
  EXPECT_EQ(ledger.tree_size(), 0u);
  // Until then "there is nothing" would be wrong.
  v1::GetEventRequest first;
  first.set_index(0);
  EXPECT_EQ(ledger.GetEvent(first).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ledger.GetConfiguration({}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ledger.GetStreamHead({}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ledger.GetCheckpoint().status().code(), absl::StatusCode::kUnavailable);
  const auto nothing = [](const v1::ReadResponse&) { return false; };
  EXPECT_EQ(ledger.Read({}, nothing).code(), absl::StatusCode::kUnavailable);
  nodes_[1].end->receiver().settled(revision_);
  EXPECT_GT(ledger.tree_size(), 0u);
  EXPECT_TRUE(ledger.GetEvent(first).ok());
  EXPECT_TRUE(ledger.Read({}, nothing).ok());
}

TEST_F(OrderedElsewhereTest, BothApplyTheSameWhoeverSubmitted) {
  TestWriter writers[2] = {TestWriter("person", "ada", 1, kTestOrigin, "person/ada/notes"),
                           TestWriter("person", "ada", 1, kTestOrigin, "person/ada/letters")};
  for (size_t i = 0; i < 20; ++i) {
    const size_t from = i * i % 3 % 2;
    const v1::RunResult& result = Append(from, writers[from], Text("document ", i));
    Order(from);
    // The other may lag, and settling may come before or after its write.
    if (i % 2 == 0) nodes_[1 - from].end->receiver().settled(revision_);
    Settle(from);
    Settle(1 - from);
    EXPECT_EQ(result.indexes_size(), 1) << i;
  }
  EXPECT_EQ(nodes_[0].ledger->GetStatus().tree_size(), nodes_[1].ledger->GetStatus().tree_size());
  EXPECT_EQ(nodes_[0].ledger->GetStatus().root(), nodes_[1].ledger->GetStatus().root());
  const auto applied = nodes_[1].staging->LastApplied();
  ASSERT_TRUE(applied.ok()) << applied.status();
  ASSERT_EQ(applied->size(), 2u);
  EXPECT_EQ((*applied)[0].session, 1u);
  EXPECT_EQ((*applied)[1].session, 2u);
  const std::string root = nodes_[0].ledger->GetStatus().root();
  // And it is all there after a start.
  Open(0);
  nodes_[0].end->receiver().settled(revision_);
  EXPECT_EQ(nodes_[0].ledger->GetStatus().root(), root);
}

TEST_F(OrderedElsewhereTest, NotesAreKeptAndMoveTheAppliedRevision) {
  EXPECT_FALSE(nodes_[0].staging->Note()->has_value());
  for (const std::string note : {"one", "two"}) {
    revision_ = Revision(revision_.value + 1);
    ASSERT_TRUE(nodes_[0].end->receiver().ordered({revision_, 0, 0, nullptr, note}).ok());
  }
  revision_ = Revision(revision_.value + 1);
  ASSERT_TRUE(nodes_[0].end->receiver().ordered({revision_, 0, 0, nullptr, std::nullopt}).ok());
  nodes_[0].end->AwaitApplied(revision_);
  Open(0);
  EXPECT_EQ(nodes_[0].staging->Note()->value(), "two");
  nodes_[0].end->AwaitApplied(revision_);
  EXPECT_TRUE(nodes_[0].staging->LastApplied()->empty());
}

TEST_F(OrderedElsewhereTest, OfTwoRunsForOnePlaceTheOrderDecides) {
  Settle(0);
  Settle(1);
  TestWriter writer("person", "ada", 1, kTestOrigin, "person/ada/notes");
  TestWriter same("person", "ada", 1, kTestOrigin, "person/ada/notes");
  const v1::RunResult& first = Append(0, writer, "one");
  const v1::RunResult& second = Append(1, same, "other");
  Order(1);
  Order(0);
  Settle(0);
  Settle(1);
  EXPECT_EQ(second.indexes_size(), 1);
  EXPECT_TRUE(first.has_refused() || first.already_recorded()) << first.ShortDebugString();
}

TEST_F(OrderedElsewhereTest, ACallerIsAnsweredOnceEvenWhenWhatWasDroppedIsOrdered) {
  Settle(0);
  TestWriter writer("person", "ada", 1, kTestOrigin, "person/ada/notes");
  int answers = 0;
  nodes_[0].ledger->AppendAsync(writer.Write({ReferToDocument("a")}), [&](v1::RunResult, uint64_t) { ++answers; });
  const std::shared_ptr<const Payload> payload = nodes_[0].end->AwaitSubmitted();
  nodes_[0].end->receiver().dropped(payload, absl::UnknownError("the session ended"));
  EXPECT_EQ(answers, 1);
  revision_ = ordered_ = Revision(revision_.value + 3);
  ASSERT_TRUE(nodes_[0].end->receiver().ordered({revision_, 1, 1, payload, std::nullopt}).ok());
  Settle(0);
  EXPECT_EQ(answers, 1);
  nodes_[0].ledger->StopAppends();
}

TEST_F(OrderedElsewhereTest, WhatIsDroppedHasAnUnknownOutcomeAndTheNextIsSubmitted) {
  Settle(0);
  TestWriter writer("person", "ada", 1, kTestOrigin, "person/ada/notes");
  const v1::RunResult& dropped = Append(0, writer, "a");
  nodes_[0].end->receiver().dropped(nodes_[0].end->AwaitSubmitted(), absl::UnknownError("the session ended"));
  ASSERT_TRUE(dropped.has_refused());
  EXPECT_EQ(dropped.refused().code(), static_cast<int>(absl::StatusCode::kUnknown));
  EXPECT_THAT(dropped.refused().message(), HasSubstr("outcome unknown: the session ended"));
  TestWriter other("person", "ada", 1, kTestOrigin, "person/ada/letters");
  const v1::RunResult& next = Append(0, other, "b");
  Order(0);
  Settle(0);
  EXPECT_EQ(next.indexes_size(), 1);
}

TEST_F(OrderedElsewhereTest, StoppingAnswersWhatWasNeverSettled) {
  Settle(0);
  TestWriter writer("person", "ada", 1, kTestOrigin, "person/ada/notes");
  const v1::RunResult& result = Append(0, writer, "a");
  Order(0);
  nodes_[0].end->AwaitApplied(revision_);
  nodes_[0].ledger->StopAppends();
  ASSERT_TRUE(result.has_refused());
  EXPECT_EQ(result.refused().code(), static_cast<int>(absl::StatusCode::kUnknown));
  EXPECT_THAT(result.refused().message(), HasSubstr("outcome unknown"));
}

TEST_F(OrderedElsewhereTest, WhatNothingSettlesAnyMoreHasAnUnknownOutcome) {
  Settle(0);
  TestWriter writer("person", "ada", 1, kTestOrigin, "person/ada/notes");
  const v1::RunResult& written = Append(0, writer, "a");
  Order(0);
  nodes_[0].end->AwaitApplied(revision_);
  EXPECT_FALSE(IsAnswered(written));
  nodes_[0].end->receiver().ended(absl::UnavailableError("this node has stopped"));
  ASSERT_TRUE(written.has_refused());
  EXPECT_EQ(written.refused().code(), static_cast<int>(absl::StatusCode::kUnknown));
  EXPECT_THAT(written.refused().message(), HasSubstr("this node has stopped"));
  // Nor what was on its way then.
  const v1::RunResult& later = Append(0, writer, "b");
  Order(0);
  nodes_[0].end->AwaitApplied(revision_);
  ASSERT_TRUE(later.has_refused());
  EXPECT_EQ(later.refused().code(), static_cast<int>(absl::StatusCode::kUnknown));
}

// A batch whose end nobody knows must not have those behind it wait for it.
TEST_F(OrderedElsewhereTest, NothingIsTakenNorKeptWaitingWhileNothingIsOrdered) {
  Settle(0);
  TestWriter writers[3] = {TestWriter("person", "ada", 1, kTestOrigin, "person/ada/notes"),
                           TestWriter("person", "ada", 1, kTestOrigin, "person/ada/letters"),
                           TestWriter("person", "ada", 1, kTestOrigin, "person/ada/lists")};
  const v1::RunResult& sent = Append(0, writers[0], "a");
  const std::shared_ptr<const Payload> payload = nodes_[0].end->AwaitSubmitted();
  const v1::RunResult& waits = Append(0, writers[1], "b");
  nodes_[0].end->Refuse("etcd refuses this node to order batches");
  const v1::Run run = writers[2].Write({ReferToDocument("c")});
  const v1::RunResult& comes = Append(0, run);
  ASSERT_TRUE(comes.has_refused()) << "at once";
  // It may not be admitted yet.
  for (int i = 0; i < 2000 && !waits.has_refused(); ++i) {
    nodes_[0].ledger->LookAtTime();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  for (const v1::RunResult* refused : {&waits, &comes}) {
    EXPECT_EQ(refused->refused().code(), static_cast<int>(absl::StatusCode::kUnavailable));
    EXPECT_THAT(refused->refused().message(), HasSubstr("etcd refuses this node to order batches"));
  }
  EXPECT_FALSE(IsAnswered(sent)) << "it may still be ordered";
  nodes_[0].end->Refuse("");
  nodes_[0].end->receiver().dropped(payload, absl::UnknownError("the session ended"));
  const v1::RunResult& again = Append(0, run);
  Order(0);
  Settle(0);
  EXPECT_EQ(again.indexes_size(), 1);
}

// Each node notes where it likes that nothing was ordered: if that recorded anything, their logs would differ.
TEST_F(OrderedElsewhereTest, WhatTheStandingCheckHasLeftWaitsForABatch) {
  Settle(0);
  Settle(1);
  TestWriter writer("person", "ada", 1, kTestOrigin, "person/ada/notes");
  std::vector<EventDraft> fleet = {Adopt(v1::PolicyAdopted::GATE, ReadPolicy("gate"))};
  for (int i = 0; i < 140; ++i) {
    const std::string unit = Text("ICU-", i);
    v1::ArtifactActivated activated;
    activated.set_surface("alert_threshold");
    fleet.push_back(Commission(unit));
    fleet.push_back(DraftWith(activated, {"unit=device_unit:" + unit, "artifact=artifact:shift@1"}));
  }
  const v1::RunResult& commissioned = Append(0, writer.Write(fleet));
  OrderAndSettle(0);
  ASSERT_FALSE(commissioned.has_refused()) << commissioned.refused().message();
  EventDraft hold = DraftWith(v1::HoldPlaced(), {"hold=hold:h1", "scope=artifact:shift@1"});
  hold.header.set_rationale("because");
  const v1::RunResult& held = Append(0, writer.Write({hold}));
  // The fleet may have left something to be looked at as well, and that comes first.
  while (!IsAnswered(held)) OrderAndSettle(0);
  ASSERT_FALSE(held.has_refused()) << held.refused().message();
  const uint64_t size = nodes_[0].ledger->tree_size();
  Note(0, Revision(revision_.value + 2));
  Note(1, Revision(revision_.value + 1));
  Note(1, Revision(revision_.value + 2));
  revision_ = ordered_ = Revision(revision_.value + 2);
  for (size_t i = 0; i < 2; ++i) {
    Settle(i);
    EXPECT_EQ(nodes_[i].ledger->tree_size(), size);
  }
  // Node 0, which ordered last, goes on by itself.
  OrderAndSettle(0);
  EXPECT_GT(nodes_[0].ledger->tree_size(), size);
  EXPECT_EQ(nodes_[0].ledger->GetStatus().root(), nodes_[1].ledger->GetStatus().root());
}

// Others apply it: a caller who is told that it was refused would be told wrong.
TEST_F(OrderedElsewhereTest, WhatIsOrderedAndCantBeAppliedHereHasAnUnknownOutcome) {
  nodes_[0].ledger.reset();
  {
    const auto store = OpenRocksStore(DatabasePath(Dir(0)), {});
    ASSERT_TRUE(store.ok()) << store.status();
    ASSERT_TRUE((*store)->Write({{Family::kStreams, "person/ada/notes", "damaged"}}, true).ok());
  }
  Open(0);
  TestWriter writer("person", "ada", 1, kTestOrigin, "person/ada/notes");
  const v1::RunResult& result = Append(0, writer, "a");
  const std::shared_ptr<const Payload> payload = nodes_[0].end->AwaitSubmitted();
  EXPECT_FALSE(nodes_[0].end->receiver().ordered({revision_, 1, 1, payload, std::nullopt}).ok());
  ASSERT_TRUE(result.has_refused());
  EXPECT_EQ(result.refused().code(), static_cast<int>(absl::StatusCode::kUnknown)) << result.ShortDebugString();
}

class AwaitConsistencyTest : public OrderedElsewhereTest {
 protected:
  struct Outcome {
    std::mutex mutex;
    std::condition_variable changed;
    std::optional<Status> status;

    Status Await() {
      std::unique_lock lock(mutex);
      changed.wait(lock, [this] { return status.has_value(); });
      return *status;
    }
    bool known() {
      const std::lock_guard lock(mutex);
      return status.has_value();
    }
  };
  AwaitConsistencyTest() {
    Settle(0);
    size_ = nodes_[0].ledger->tree_size();
  }

  static v1::Consistency SizeMin(uint64_t size) {
    v1::Consistency consistency;
    consistency.set_tree_size_min(size);
    return consistency;
  }
  static v1::Consistency Linearizable() {
    v1::Consistency consistency;
    consistency.set_linearizable(true);
    return consistency;
  }
  Outcome& Await(const v1::Consistency& consistency, std::chrono::milliseconds within = std::chrono::seconds(60)) {
    Outcome& outcome = outcomes_.emplace_back();
    tokens_.push_back(nodes_[0].ledger->AwaitConsistency(consistency, std::chrono::steady_clock::now() + within,
                                                         [&outcome](const Status& status) {
                                                           const std::lock_guard lock(outcome.mutex);
                                                           EXPECT_FALSE(outcome.status.has_value());
                                                           outcome.status = status;
                                                           outcome.changed.notify_all();
                                                         }));
    return outcome;
  }

  std::deque<Outcome> outcomes_;
  std::vector<uint64_t> tokens_;
  uint64_t size_ = 0;
};

TEST_F(AwaitConsistencyTest, ASizeThatIsThereIsNotWaitedFor) {
  Outcome& outcome = Await(SizeMin(size_));
  ASSERT_TRUE(outcome.known());
  EXPECT_TRUE(outcome.Await().ok());
  EXPECT_EQ(tokens_.back(), 0u);
}

TEST_F(AwaitConsistencyTest, ALargerSizeIsWaitedForUntilItIsSettled) {
  Outcome& one_more = Await(SizeMin(size_ + 1));
  Outcome& two_more = Await(SizeMin(size_ + 2));
  TestWriter writer("person", "ada", 1, kTestOrigin, "person/ada/notes");
  (void)Append(0, writer, "a");
  Order(0);
  nodes_[0].end->AwaitApplied(revision_);
  // Applied and not settled: not to be shown.
  EXPECT_FALSE(one_more.known());
  Settle(0);
  EXPECT_TRUE(one_more.Await().ok());
  EXPECT_EQ(nodes_[0].ledger->tree_size(), size_ + 1);
  EXPECT_FALSE(two_more.known());
  nodes_[0].ledger->CancelAwait(tokens_[1]);
  EXPECT_TRUE(absl::IsCancelled(two_more.Await()));
}

TEST_F(AwaitConsistencyTest, ASizeThatDoesntComeIsUnavailableAndSaysBothSizes) {
  const Status status = Await(SizeMin(size_ + 7), std::chrono::milliseconds(20)).Await();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(MessageOf(status)), HasSubstr(Text("there are ", size_, " events")));
  EXPECT_THAT(std::string(MessageOf(status)), HasSubstr(Text(size_ + 7)));
}

TEST_F(AwaitConsistencyTest, AReadThatCameDuringABarrierNeedsTheNext) {
  Outcome& first = Await(Linearizable());
  const auto first_barrier = nodes_[0].end->AwaitBarrier();
  Outcome& second = Await(Linearizable());
  Outcome& third = Await(Linearizable());
  EXPECT_EQ(nodes_[0].end->barriers(), 0u);
  first_barrier(OkStatus());
  EXPECT_TRUE(first.Await().ok());
  // One barrier for both.
  const auto second_barrier = nodes_[0].end->AwaitBarrier();
  EXPECT_FALSE(second.known());
  EXPECT_FALSE(third.known());
  second_barrier(OkStatus());
  EXPECT_TRUE(second.Await().ok());
  EXPECT_TRUE(third.Await().ok());
  EXPECT_EQ(nodes_[0].end->barriers(), 0u);
}

TEST_F(AwaitConsistencyTest, ABarrierThatFailsFailsThoseWhoWaitForItOnly) {
  Outcome& first = Await(Linearizable());
  const auto barrier = nodes_[0].end->AwaitBarrier();
  Outcome& sized = Await(SizeMin(size_ + 1));
  Outcome& second = Await(Linearizable());
  barrier(absl::UnavailableError("no majority"));
  EXPECT_TRUE(absl::IsUnavailable(first.Await()));
  nodes_[0].end->AwaitBarrier()(OkStatus());
  EXPECT_TRUE(second.Await().ok());
  EXPECT_FALSE(sized.known());
  nodes_[0].ledger->EndWaiting();
  EXPECT_TRUE(absl::IsUnavailable(sized.Await()));
}

TEST_F(AwaitConsistencyTest, ABarrierThatDoesntEndIsUnavailable) {
  const Status status = Await(Linearizable(), std::chrono::milliseconds(20)).Await();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  // And the ledger ends all the same.
  Outcome& late = Await(Linearizable());
  nodes_[0].ledger.reset();
  EXPECT_TRUE(absl::IsUnavailable(late.Await()));
}

TEST_F(AwaitConsistencyTest, HowManyWaitIsBounded) {
  for (int i = 0; i < 1024; ++i) (void)Await(SizeMin(size_ + 1));
  // Another node may have time for it.
  EXPECT_TRUE(absl::IsUnavailable(Await(SizeMin(size_ + 1)).Await()));
  nodes_[0].ledger->CancelAwait(tokens_.front());
  EXPECT_TRUE(absl::IsCancelled(outcomes_.front().Await()));
  EXPECT_FALSE(Await(SizeMin(size_ + 1)).known());
  nodes_[0].ledger->EndWaiting();
  for (Outcome& outcome : outcomes_) EXPECT_FALSE(outcome.Await().ok());
}

TEST_F(OrderedElsewhereTest, ForgedBatchesDontParse) {
  TestWriter writer("person", "ada", 1, kTestOrigin, "person/ada/notes");
  (void)Append(0, writer, "a");
  const std::shared_ptr<const Payload> payload = nodes_[0].end->AwaitSubmitted();
  const std::string bytes = payload->Serialize();
  size_t refused = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string forged = bytes;
    forged[i] = static_cast<char>(forged[i] ^ 0x10);
    refused += nodes_[1].end->receiver().parse(forged).ok() ? 0 : 1;
  }
  // Only the proposer's clock is not signed by the writer: the fields before the run, some ten bytes.
  EXPECT_GT(refused, bytes.size() - 24);
  EXPECT_FALSE(nodes_[1].end->receiver().parse(bytes.substr(0, bytes.size() / 2)).ok());
  nodes_[0].end->receiver().dropped(payload, absl::UnavailableError("the test is over"));
}

}  // namespace
}  // namespace anamnesis
