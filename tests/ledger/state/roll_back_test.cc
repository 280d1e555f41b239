// A roll-back puts the restored item on the surface: what was rolled back does not run any more (domain A80, A90).

#include <gtest/gtest.h>

#include "anamnesis/v1/vocabulary_adaptation.pb.h"
#include "ledger/query/configuration.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

TEST(RollBackTest, A80_TheRestoredItemRuns) {
  TestLedger ledger;
  TestWriter admin("person", "admin", 1);
  TestWriter unit("device_unit", "ICU-7", 2);
  ASSERT_TRUE(ledger.Append(admin.Write(FoundingDrafts(admin))).ok());
  ASSERT_TRUE(ledger.Append(admin.Write({IssueKey("device_unit", "ICU-7", unit.key().public_key())})).ok());
  ASSERT_TRUE(ledger.Append(unit.Write({Commission("ICU-7"), Activate("ICU-7", "threshold", "a1")})).ok());
  EventDraft second = Activate("ICU-7", "threshold", "a2");
  SetOccurred(second, Timestamp(kTestStart.us + 1'000'000), Timestamp(kTestStart.us + 1'000'000));
  ASSERT_TRUE(ledger.Append(unit.Write({second})).ok());
  v1::ArtifactRolledBack body;
  body.set_surface("threshold");
  EventDraft back = Draft(body);
  AddReference(back, "unit", "device_unit", "ICU-7");
  AddReference(back, "artifact", "artifact", "a2");
  AddReference(back, "restored", "artifact", "a1");
  back.header.set_rationale("drift");
  SetOccurred(back, Timestamp(kTestStart.us + 2'000'000), Timestamp(kTestStart.us + 2'000'000));
  const StatusOr<RunVerdict> verdict = ledger.Append(unit.Write({back}));
  ASSERT_TRUE(verdict.ok()) << verdict.status();

  const auto running = [&](int64_t seconds) {
    const StatusOr<v1::Configuration> answer =
        ConfigurationAt(ledger.rows(), "ICU-7", Timestamp(kTestStart.us + seconds * 1'000'000 + 1), ledger.size());
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() && answer->items_size() == 1 ? answer->items(0).item().id() : std::string("?");
  };
  EXPECT_EQ(running(0), "a1");
  EXPECT_EQ(running(1), "a2");
  EXPECT_EQ(running(2), "a1");
}

}  // namespace
}  // namespace anamnesis
