#ifndef ANAMNESIS_TESTS_LEDGER_RULES_SMALL_WORLD_H_
#define ANAMNESIS_TESTS_LEDGER_RULES_SMALL_WORLD_H_

// A ledger in memory with an administrator, who holds what a test grants, a person without roles and a device unit.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/ledger/rules/refusals.h"
#include "tests/support/projected_history.h"
#include "tests/support/test_run.h"

namespace anamnesis {

class SmallWorld : public testing::Test {
 protected:
  void SetUp() override {
    Accept(admin_.Write(FoundingDrafts(admin_)));
    Accept(admin_.Write({EnrolPerson("eve"), IssueKey("person", "eve", eve_.key().public_key()),
                         IssueKey("device_unit", "ICU-7", unit_.key().public_key()),
                         GrantRole("admin", v1::QUALITY_OFFICER)}));
  }

  RunVerdict Accept(const v1::Run& run) {
    const StatusOr<RunVerdict> verdict = ledger_.Append(run);
    EXPECT_TRUE(verdict.ok()) << verdict.status();
    return verdict.ok() ? *verdict : RunVerdict();
  }
  // The rules that the draft, as admin's next event, is found to break.
  std::vector<std::string> Record(const EventDraft& draft) {
    const RunVerdict verdict = Accept(admin_.Write({draft}));
    std::vector<std::string> rules;
    for (const v1::EventFinding& finding : verdict.findings) rules.push_back(finding.finding().rule());
    return rules;
  }
  // Why the draft is refused as the writer's next event; OK when it isn't.
  Status Try(TestWriter& writer, const EventDraft& draft) {
    const v1::Run run = writer.Write({draft});
    v1::EventHeader header;
    EXPECT_TRUE(header.ParseFromString(run.headers(0)));
    const Status status = ledger_.Append(run).status();
    if (!status.ok()) writer.RewindTo(header.stream_position() - 1);
    return status;
  }
  std::string RuleBroken(const EventDraft& draft) { return DetailOf(Try(admin_, draft)).rule(); }

  TestLedger ledger_;
  TestWriter admin_{"person", "admin", 1};
  TestWriter eve_{"person", "eve", 2};
  TestWriter unit_{"device_unit", "ICU-7", 3};
};

// The draft as told afterwards, of so many days before the test starts.
inline EventDraft ToldLate(EventDraft draft, int days_before) {
  const Timestamp time(kTestStart.us - int64_t{days_before} * 86'400'000'000);
  SetOccurred(draft, time, time);
  draft.header.set_retrospective(true);
  return draft;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_RULES_SMALL_WORLD_H_
