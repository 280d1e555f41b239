// A ledger that is kept open looks by itself when a time comes by which what runs changes, and nothing is appended.

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/engine/clock.h"
#include "ledger/engine/ledger.h"
#include "tests/ledger/engine/stored_ledger.h"
#include "tests/support/projected_history.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/shipped_policy.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

constexpr Timestamp kBegin(kTestStart.us + int64_t{3600} * 1'000'000);

class StandingTimeTest : public testing::Test {
 protected:
  StandingTimeTest() {
    options_.clock = &clock_;
    EXPECT_TRUE(CreateLedger(dir(), kTestOrigin, {"ada", KeyOfSeed(1)}, options_).ok());
    Open();
    v1::ArtifactActivated activated;
    activated.set_surface("alert_threshold");
    v1::HoldPlaced hold;
    hold.set_effective_from_us(kBegin.us);
    EventDraft held = DraftWith(hold, {"hold=hold:h1", "scope=device_unit:ICU-1"});
    held.header.set_rationale("because");
    Append({Adopt(v1::PolicyAdopted::GATE, ReadPolicy("gate")), Commission("ICU-1"),
            DraftWith(activated, {"unit=device_unit:ICU-1", "artifact=artifact:shift@1"}), held});
  }

  std::string dir() const { return scratch_.path() + "/ledger"; }
  void Open() {
    ledger_.reset();
    auto opened = Ledger::Open(dir(), options_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    ledger_ = *std::move(opened);
  }
  void Append(const std::vector<EventDraft>& drafts) {
    v1::AppendRequest request;
    *request.add_runs() = writer_.Write(drafts);
    const auto response = ledger_->Append(std::move(request));
    ASSERT_TRUE(response.ok()) << response.status();
    ASSERT_FALSE(response->results(0).has_refused()) << response->results(0).ShortDebugString();
  }
  // Looks until the ledger is at least so large, or for long enough to say that it won't be.
  uint64_t SizeAfterLooking(uint64_t wanted) {
    for (int i = 0; i < 2000 && ledger_->tree_size() < wanted; ++i) {
      ledger_->LookAtTime();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return ledger_->tree_size();
  }
  std::map<std::string, int> Own() {
    v1::ReadRequest request;
    request.set_stream("ledger");
    std::map<std::string, int> count;
    EXPECT_TRUE(ledger_
                    ->Read(request,
                           [&](const v1::ReadResponse& item) {
                             if (item.has_event()) ++count[item.event().header().type()];
                             return true;
                           })
                    .ok());
    return count;
  }

  ScratchDirectory scratch_;
  SetClock clock_;
  LedgerOptions options_;
  std::unique_ptr<Ledger> ledger_;
  TestWriter writer_{"person", "ada", 1, kTestOrigin, "person/ada/notes"};
};

TEST_F(StandingTimeTest, TimeAloneIsLookedAtOnce) {
  const uint64_t size = ledger_->tree_size();
  const int before = Own()["standing_hold.placed"];
  clock_.Set(Timestamp(kBegin.us - 1));
  for (int i = 0; i < 20; ++i) ledger_->LookAtTime();
  EXPECT_EQ(ledger_->tree_size(), size);
  clock_.Set(kBegin);
  EXPECT_GT(SizeAfterLooking(size + 1), size);
  EXPECT_EQ(Own()["standing_hold.placed"], before + 1) << "for one more reason";
  const uint64_t after = ledger_->tree_size();
  for (int i = 0; i < 20; ++i) ledger_->LookAtTime();
  ledger_->StopAppends();
  EXPECT_EQ(ledger_->tree_size(), after);
}

TEST_F(StandingTimeTest, TimeThatCameWhileItWasClosedIsLookedAt) {
  const uint64_t size = ledger_->tree_size();
  ledger_.reset();
  clock_.Set(Timestamp(kBegin.us + 1'000'000));
  Open();
  EXPECT_GT(SizeAfterLooking(size + 1), size);
}

}  // namespace
}  // namespace anamnesis
