// A writer that seals two successors, and writers that only look as if they did.

#include "ledger/engine/fork_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "ledger/engine/files.h"
#include "ledger/engine/layout.h"
#include "ledger/engine/ledger.h"
#include "ledger/evidence/judge.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ForkKeeperTest : public testing::Test {
 protected:
  ForkKeeperTest() {
    LedgerOptions options;
    options.log = [this](std::string_view line) { said_ += Text(line, "\n"); };
    EXPECT_TRUE(CreateLedger(dir_.path(), kTestOrigin, {"founder", KeyOfSeed(1)}, options).ok());
    options_ = options;
    Reopen();
    Send(admin_.Write({IssueKey("device_unit", "ICU-1", unit_.key().public_key())}));
    Send(unit_.Write({Commission("ICU-1")}));
  }

  void Reopen() {
    ledger_.reset();
    ledger_ = Ledger::Open(dir_.path(), options_).value();
  }

  // Whether it was recorded.
  bool Send(v1::Run run) {
    v1::AppendRequest request;
    *request.add_runs() = std::move(run);
    return !ledger_->Append(std::move(request)).value().results(0).has_refused();
  }

  // What is kept when all that was refused was looked into.
  std::vector<std::string> Files() {
    Reopen();
    std::vector<std::string> files;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(EvidencePath(dir_.path()), none)) {
      files.push_back(entry.path().string());
    }
    return files;
  }

  static VerifierKey KeyOfWriter(const TestWriter& writer) {
    return VerifierKey::Make("writer", KeyType::kEd25519, writer.key().public_key()).value();
  }

  ScratchDirectory dir_;
  std::string said_;
  LedgerOptions options_;
  std::unique_ptr<Ledger> ledger_;
  TestWriter admin_{"person", "founder", 1, kTestOrigin, "person/founder/desk"};
  TestWriter unit_{"device_unit", "ICU-1", 10};
};

TEST_F(ForkKeeperTest, TwoSuccessorsLeaveEvidenceOfTheWriter) {
  // In a run of several events: the second one differs from what was recorded.
  ASSERT_TRUE(Send(unit_.Write({Activate("ICU-1", "a", "m"), Activate("ICU-1", "b", "m"), Deactivate("ICU-1", "a")})));
  unit_.RewindTo(2);
  const uint64_t size = ledger_->tree_size();
  EXPECT_FALSE(Send(unit_.Write({Activate("ICU-1", "c", "m")})));
  EXPECT_EQ(ledger_->tree_size(), size);
  const std::vector<std::string> files = Files();
  ASSERT_EQ(files.size(), 1u);
  EXPECT_THAT(said_, HasSubstr(Text("FORKED STREAM device_unit/ICU-1")));
  const std::string bytes = ReadSmallFile(files[0]).value();
  const std::vector<VerifierKey> trusted = {KeyOfWriter(unit_)};
  const StatusOr<Judgement> judgement = JudgeFile(bytes, trusted);
  ASSERT_TRUE(judgement.ok()) << judgement.status();
  EXPECT_EQ(judgement->stream, "device_unit/ICU-1");
  EXPECT_THAT(judgement->signed_by, ElementsAre(unit_.key().public_key().hex()));
  EXPECT_THAT(judgement->proven.front(), HasSubstr("number 3"));
  // Nobody else is accused.
  EXPECT_FALSE(JudgeFile(bytes, std::vector{KeyOfWriter(admin_)}).ok());
  // Further forks of the stream don't fill the disk.
  unit_.RewindTo(2);
  EXPECT_FALSE(Send(unit_.Write({Activate("ICU-1", "d", "m")})));
  EXPECT_EQ(Files().size(), 1u);
  EXPECT_EQ(ReadSmallFile(files[0]).value(), bytes);
}

// What earlier processes kept counts, so that no restart makes room.
TEST_F(ForkKeeperTest, NoMoreStreamsThanTheDirectoryMayHold) {
  std::filesystem::create_directories(EvidencePath(dir_.path()));
  for (size_t i = 0; i < kForkedStreamsMax; ++i) {
    ASSERT_TRUE(WriteSmallFile(Text(EvidencePath(dir_.path()), "/", i, ".evidence"), "kept before").ok());
  }
  unit_.RewindTo(0);
  EXPECT_FALSE(Send(unit_.Write({Commission("ICU-2")})));
  EXPECT_EQ(Files().size(), kForkedStreamsMax);
}

TEST_F(ForkKeeperTest, AForkBehindManyEventsOfTheStreamIsFound) {
  std::vector<EventDraft> drafts;
  for (int i = 0; i < 700; ++i) drafts.push_back(Activate("ICU-1", "a", "m"));
  ASSERT_TRUE(Send(unit_.Write(drafts)));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Send(unit_.Write({Deactivate("ICU-1", "a"), Activate("ICU-1", "a", "m")})));
  unit_.RewindTo(1);
  EXPECT_FALSE(Send(unit_.Write(drafts)));
  ASSERT_EQ(Files().size(), 1u) << said_;
  const StatusOr<Judgement> judgement = JudgeFile(ReadSmallFile(Files()[0]).value(), std::vector{KeyOfWriter(unit_)});
  ASSERT_TRUE(judgement.ok()) << judgement.status();
}

TEST_F(ForkKeeperTest, ARetryIsNoFork) {
  const v1::Run run = unit_.Write({Activate("ICU-1", "a", "m"), Activate("ICU-1", "b", "m")});
  ASSERT_TRUE(Send(run));
  ASSERT_TRUE(Send(run));
  // The same events sealed again, with one more: refused, for it overlaps, and yet each event has one content.
  v1::Run longer = run;
  const v1::Run more = unit_.Write({Deactivate("ICU-1", "a")});
  *longer.add_headers() = more.headers(0);
  *longer.add_bodies() = more.bodies(0);
  Reseal(longer, unit_.key());
  EXPECT_FALSE(Send(longer));
  EXPECT_TRUE(Files().empty()) << said_;
}

TEST_F(ForkKeeperTest, AnotherContentUnderTheSameIdIsAForkToo) {
  TestWriter again("device_unit", "ICU-1", 10);
  EXPECT_FALSE(Send(again.Write({Commission("ICU-2")})));
  ASSERT_EQ(Files().size(), 1u) << said_;
  EXPECT_TRUE(JudgeFile(ReadSmallFile(Files()[0]).value(), std::vector{KeyOfWriter(unit_)}).ok());
}

TEST_F(ForkKeeperTest, AGapIsNoFork) {
  (void)unit_.Write({Activate("ICU-1", "a", "m")});
  EXPECT_FALSE(Send(unit_.Write({Activate("ICU-1", "b", "m")})));
  EXPECT_TRUE(Files().empty()) << said_;
}

TEST_F(ForkKeeperTest, AStrangersSealOnSomebodysStreamAccusesNobody) {
  TestWriter stranger("device_unit", "ICU-1", 99);
  // With ids of its own.
  (void)stranger.Write({Commission("ICU-1"), Activate("ICU-1", "a", "m")});
  stranger.RewindTo(0);
  EXPECT_FALSE(Send(stranger.Write({Activate("ICU-1", "b", "m")})));
  EXPECT_TRUE(Files().empty()) << said_;
}

}  // namespace
}  // namespace anamnesis
