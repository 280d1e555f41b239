// What is found of an event is the same whether the rows of those before it are stored or pending: replicas end batches
// where others don't, and a rebuild folds in chunks of its own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "ledger/state/broken_rules.h"
#include "ledger/state/project.h"
#include "tests/ledger/query/item_drafts.h"
#include "tests/support/projected_history.h"
#include "tests/support/sanitized.h"

namespace anamnesis {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

EventDraft Anomaly(const std::string& id, const std::string& found_in) {
  v1::AnomalyRecorded body;
  body.set_description("flickers");
  body.set_severity("minor");
  return DraftWith(body, {"anomaly=anomaly:" + id, "found_in=" + found_in});
}

EventDraft Release(const std::string& version) {
  v1::ReleaseApproved body;
  body.set_no_residual_anomalies(true);
  return DraftWith(body, {"release=release:r@" + version, "model=model:m@1", "item=software_item:app"});
}

EventDraft Model(const std::string& version) {
  return DraftWith(v1::ModelRegistered(), {"model=model:m@" + version, "training_run=training_run:t",
                                           "dataset=dataset:d@1", "code=code_revision:c@1"});
}

// The history's findings, one line each, as they are when so many events at a time are pending.
std::vector<std::string> FindingsInChunks(const ProjectedHistory& history, uint64_t chunk) {
  const auto store = MakeMemoryStore();
  for (const Family family : {Family::kLeaves, Family::kBodies}) {
    EXPECT_TRUE(history.rows()
                    .Scan(family, "", "",
                          [&](std::string_view key, std::string_view value) {
                            return store->Write({{family, std::string(key), std::string(value)}}, false).ok();
                          })
                    .ok());
  }
  RowOverlay pending(*store);
  for (uint64_t i = 0; i < history.size().value; ++i) {
    const StatusOr<LoadedEvent> event = LoadEvent(*store, LeafIndex(i));
    EXPECT_TRUE(event.ok()) << event.status();
    EXPECT_TRUE(Project(event->view(), pending).ok());
    if ((i + 1) % chunk == 0) EXPECT_TRUE(store->Write(pending.Take(), false).ok());
  }
  EXPECT_TRUE(store->Write(pending.Take(), false).ok());
  std::vector<std::string> lines;
  for (uint64_t i = 0; i < history.size().value; ++i) {
    const auto findings = FindingsOf(*store, LeafIndex(i));
    EXPECT_TRUE(findings.ok());
    for (const v1::Finding& finding : *findings) lines.push_back(Text(i, " ", finding.rule(), " ", finding.message()));
  }
  return lines;
}

// Their keys in the table of edges lie below those of test runs, whose pending ones don't hide stored ones.
TEST(PendingRows, AnAnomalyHidesNoTestRun) {
  ProjectedHistory history;
  history.Add(Item("app"));
  history.Add(TestRunOf("1", "c", v1::SYSTEM, "app"));
  const LeafIndex second = history.Add(TestRunOf("2", "c", v1::SYSTEM, "app"));
  history.Retract(second);
  history.Add(Anomaly("a", "software_item:app"));
  history.Add(Release("1"));
  for (const uint64_t chunk : {1, 4, 100}) {
    EXPECT_THAT(FindingsInChunks(history, chunk), Not(Contains(HasSubstr("RELEASE-SYSTEM-TEST")))) << chunk;
  }
}

// "9" is behind "10" in the order of texts, and before it in the log.
TEST(PendingRows, TheLastVersionIsTheLastInTheLog) {
  ProjectedHistory history;
  for (const char* version : {"8", "9", "10"}) history.Add(Model(version));
  const LeafIndex retracted = history.Add(Model("11"));
  history.Retract(retracted);
  const LeafIndex last = history.Add(Model("12"));
  for (const uint64_t chunk : {1, 100}) {
    EXPECT_THAT(FindingsInChunks(history, chunk),
                Contains(Text(last.value,
                              " CHANGE-TEXT model \"m\" has an earlier version at leaf 2, and nothing says "
                              "what changed")));
  }
}

TEST(PendingRows, RandomHistories) {
  for (int seed = 0; seed < Repeated(20, 4); ++seed) {
    std::mt19937_64 random(static_cast<uint64_t>(seed));
    ProjectedHistory history;
    history.Add(Item("app"));
    for (int i = 0; i < 40; ++i) {
      const std::string number = std::to_string(i);
      switch (random() % 7) {
        case 0:
          history.Add(TestRunOf(number, "c", random() % 2 == 0 ? v1::SYSTEM : v1::UNIT, "app"));
          break;
        case 1:
          history.Add(Anomaly(number, random() % 2 == 0 ? "software_item:app" : "model:m@1"));
          break;
        case 2:
          history.Add(Release(number));
          break;
        case 3:
          history.Add(Model(std::to_string(random() % 12)));
          break;
        case 4:
          history.Add(Requirement("q" + std::to_string(random() % 2), number, "app"));
          break;
        default:
          history.Retract(LeafIndex(history.size().value - 1 - random() % std::min<uint64_t>(8, history.size().value)));
          break;
      }
    }
    const std::vector<std::string> stored = FindingsInChunks(history, 1);
    for (const uint64_t chunk : {2, 3, 7, 100}) ASSERT_EQ(FindingsInChunks(history, chunk), stored) << seed;
  }
}

}  // namespace
}  // namespace anamnesis
