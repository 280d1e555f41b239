// What becomes of runs, and of what the ledger does by itself, when a batch can't be written for lack of space.

#include "ledger/engine/appender.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "anamnesis/v1/vocabulary.pb.h"
#include "tests/ledger/engine/stored_ledger.h"
#include "tests/support/forwarding_store.h"
#include "tests/support/projected_history.h"
#include "tests/support/shipped_policy.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

// A store that can't write for a while.
class FullStore : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  std::atomic<int> failures = 0;

  Status Write(const Rows& rows, bool durable) override {
    if (failures > 0) {
      --failures;
      return absl::ResourceExhaustedError("no space for the store's log");
    }
    return ForwardingStore::Write(rows, durable);
  }
};

constexpr Timestamp kBegin(kTestStart.us + int64_t{3600} * 1'000'000);

// A unit that runs something, and a hold on it that begins at kBegin.
class AppenderTest : public testing::Test {
 protected:
  AppenderTest() {
    EXPECT_TRUE(ledger_.Append(ada_.Write(FoundingDrafts(ada_))).ok());
    v1::ArtifactActivated activated;
    activated.set_surface("alert_threshold");
    v1::HoldPlaced hold;
    hold.set_effective_from_us(kBegin.us);
    EventDraft held = DraftWith(hold, {"hold=hold:h1", "scope=device_unit:ICU-1"});
    held.header.set_rationale("because");
    const auto appended = ledger_.Append(
        ada_.Write({Adopt(v1::PolicyAdopted::GATE, ReadPolicy("gate")), Commission("ICU-1"),
                    DraftWith(activated, {"unit=device_unit:ICU-1", "artifact=artifact:shift@1"}), held}));
    EXPECT_TRUE(appended.ok()) << appended.status();
    options_.clock = &clock_;
    appender_ = std::make_unique<Appender>(
        store_, ledger_.state(), options_, MakeLocalSequencer(),
        Appender::Events{[] {}, [](TreeSize) {}, [] {}, [](const Status&) {}, [](const auto&, const Status&) {}});
    EXPECT_TRUE(appender_->Start().ok());
  }

  v1::RunResult Append(v1::Run run) {
    // Its thread may still be about to leave the promise when the result is here.
    const auto answered = std::make_shared<std::promise<v1::RunResult>>();
    appender_->Append(std::move(run),
                      [answered](v1::RunResult result, uint64_t) { answered->set_value(std::move(result)); });
    return answered->get_future().get();
  }
  uint64_t size() const { return appender_->published().size.value; }

  TestWriter ada_{"person", "ada", 1};
  TestLedger ledger_;
  FullStore store_{ledger_.rows()};
  SetClock clock_;
  LedgerOptions options_;
  std::unique_ptr<Appender> appender_;
};

// The record in the store's log may be whole, and count after a crash.
TEST_F(AppenderTest, ARunThatWasNotWrittenHasAnUnknownOutcomeAndAppendsGoOn) {
  const v1::Run run = ada_.Write({ReferToDocument("a")});
  store_.failures = 1;
  const v1::RunResult unknown = Append(run);
  ASSERT_TRUE(unknown.has_refused());
  EXPECT_EQ(unknown.refused().code(), static_cast<int>(absl::StatusCode::kUnknown)) << unknown.ShortDebugString();
  // What was applied on top of it is taken back with it; that was not begun to be written.
  EXPECT_EQ(Append(run).refused().code(), static_cast<int>(absl::StatusCode::kResourceExhausted));
  const v1::RunResult recorded = Append(run);
  EXPECT_EQ(recorded.indexes_size(), 1) << recorded.ShortDebugString();
}

TEST_F(AppenderTest, WhatTimeBroughtAndCouldNotBeWrittenIsLookedAtAgain) {
  const uint64_t before = size();
  clock_.Set(kBegin);
  store_.failures = 1;
  for (int i = 0; i < 2000 && size() == before; ++i) {
    appender_->LookAtTime();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(store_.failures, 0);
  EXPECT_GT(size(), before);
}

}  // namespace
}  // namespace anamnesis
