// Damage is found and mended in an open ledger that goes on taking appends.

#include "ledger/engine/scrubber.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "ledger/engine/fsck.h"
#include "ledger/state/recorded_event.h"
#include "tests/ledger/engine/erasures.h"
#include "tests/ledger/engine/repair_sources.h"
#include "tests/ledger/engine/stored_ledger.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

StoredLedger::Key LeafRow(uint64_t index) { return {Family::kLeaves, LeafKey(LeafIndex(index))}; }
StoredLedger::Key BodyRow(uint64_t index) { return {Family::kBodies, LeafKey(LeafIndex(index))}; }
StoredLedger::Key TileRow(TileId id) { return {Family::kTiles, TileKey(id)}; }

class ScrubberTest : public testing::Test {
 protected:
  // 600 events and more, as a peer has them and as a damaged disk does.
  ScrubberTest() : maker_(dir_.path()) {
    maker_.Append(maker_.admin().Write({EnrolByName("subject", kName)}));
    subject_ = maker_.ledger().tree_size() - 1;
    maker_.GrowTo(600);
    maker_.Close();
    CopyToPeer();
  }

  void CopyToPeer() {
    std::filesystem::remove_all(peer_.path());
    std::filesystem::copy(dir_.path(), peer_.path(), std::filesystem::copy_options::recursive);
  }

  // What no checksum tells.
  void Damage(const std::vector<StoredLedger::Key>& keys) {
    StoreOptions options;
    auto store = OpenRocksStore(DatabasePath(dir_.path()), options);
    ASSERT_TRUE(store.ok());
    for (const auto& [family, key] : keys) {
      std::string bytes = (*store)->Get(family, key).value().value();
      bytes[bytes.size() / 3] ^= 1;
      ASSERT_TRUE((*store)->Write({{family, key, bytes}}, true).ok());
    }
  }

  ScrubberOptions Fast(bool with_peer) {
    ScrubberOptions options;
    options.bytes_per_second = 64u << 20;
    options.file = dir_.path() + "/scrub";
    options.round_min = std::chrono::milliseconds(5);
    options.log = [this](std::string_view line) {
      const std::lock_guard lock(mutex_);
      log_ += Text(line, "\n");
    };
    if (with_peer) {
      options.find_source = [this]() -> StatusOr<std::unique_ptr<RepairSource>> {
        return std::make_unique<DirectorySource>(peer_.path());
      };
    }
    return options;
  }

  // Until it has gone round twice from now on: once from the beginning.
  static void AwaitRounds(const Scrubber& scrubber, uint64_t rounds = 2) {
    const uint64_t until = scrubber.tally().rounds + rounds;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (scrubber.tally().rounds < until) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }

  std::string log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }

  FsckReport Check() {
    const auto report = Fsck(dir_.path(), {});
    EXPECT_TRUE(report.ok()) << report.status();
    return report.value_or(FsckReport());
  }

  ScratchDirectory dir_;
  ScratchDirectory peer_;
  LedgerMaker maker_;
  uint64_t subject_ = 0;
  std::mutex mutex_;
  std::string log_;
};

TEST_F(ScrubberTest, MendsFromAPeerWhileAppendsGoOn) {
  Damage({LeafRow(10), LeafRow(300), BodyRow(11), BodyRow(500), TileRow({0, 0})});
  maker_.Open();
  {
    const auto scrubber = Scrubber::Start(maker_.ledger(), Fast(true));
    maker_.GrowTo(1400);
    AwaitRounds(*scrubber);
    const ScrubTally tally = scrubber->tally();
    EXPECT_EQ(tally.found, 5u) << log();
    EXPECT_EQ(tally.mended, 5u) << log();
    EXPECT_TRUE(tally.last_round.has_value());
    EXPECT_GT(tally.bytes_read, 100'000u);
    EXPECT_EQ(scrubber->Alarm(), "");
  }
  EXPECT_THAT(log(), HasSubstr("leaf 10: its bytes are not those that the tree committed to: mended"));
  maker_.Close();
  const FsckReport report = Check();
  EXPECT_TRUE(report.ok()) << report.problems.front().what;
  EXPECT_GE(report.events, 1400u);
}

TEST_F(ScrubberTest, AloneItSaysWhatIsDamagedUntilItIsMended) {
  Damage({LeafRow(10), BodyRow(11), TileRow({0, 0})});
  maker_.Open();
  {
    const auto scrubber = Scrubber::Start(maker_.ledger(), Fast(false));
    AwaitRounds(*scrubber);
    const ScrubTally tally = scrubber->tally();
    // Nothing of the piece can be told apart from the rest while leaf and tile contradict each other.
    EXPECT_GE(tally.found, 1u);
    EXPECT_FALSE(tally.damaged.empty());
    EXPECT_THAT(scrubber->Alarm(), HasSubstr("damaged on this node's disk"));
    EXPECT_THAT(scrubber->Alarm(), HasSubstr("there is no peer to fetch it from"));
    // Said once, not with every round.
    const std::string before = log();
    AwaitRounds(*scrubber, 3);
    EXPECT_EQ(log(), before);
    EXPECT_EQ(scrubber->tally().found, tally.found);
  }
  const uint64_t rounds = [&] {
    const auto scrubber = Scrubber::Start(maker_.ledger(), Fast(true));
    AwaitRounds(*scrubber);
    EXPECT_EQ(scrubber->Alarm(), "");
    return scrubber->tally().rounds;
  }();
  // Kept across its end.
  EXPECT_GE(rounds, 7u);
  maker_.Close();
  EXPECT_TRUE(Check().ok());
}

// Also of a process that was killed: what is written at once is what the next one knows.
TEST_F(ScrubberTest, WhatStaysDamagedIsKnownAfterARestart) {
  const auto leaf_of = [](uint64_t piece) { return LeafRow(piece * kTileWidth + 3); };
  Damage({leaf_of(0), leaf_of(2)});
  maker_.Open();
  uint64_t found = 0;
  {
    const auto scrubber = Scrubber::Start(maker_.ledger(), Fast(false));
    AwaitRounds(*scrubber);
    found = scrubber->tally().found;
    EXPECT_EQ(found, 2u);
  }
  const std::string kept = ReadSmallFile(dir_.path() + "/scrub").value();
  EXPECT_THAT(kept, testing::EndsWith("\n0\n2\n"));
  {
    // Before it has read anything: it goes on at the second piece, and slowly.
    ASSERT_TRUE(WriteSmallFile(dir_.path() + "/scrub", "anamnesis-scrub-1\n256\n2\n7\n2\n0\n0\n2\n77\nx").ok());
    ScrubberOptions slow = Fast(false);
    slow.bytes_per_second = 1;
    const auto scrubber = Scrubber::Start(maker_.ledger(), slow);
    EXPECT_THAT(scrubber->Alarm(), HasSubstr("damaged on this node's disk: leaves from 0 on"));
    EXPECT_THAT(scrubber->Alarm(), HasSubstr("and 1 more"));
  }
  {
    const auto scrubber = Scrubber::Start(maker_.ledger(), Fast(false));
    AwaitRounds(*scrubber);
    EXPECT_THAT(scrubber->Alarm(), HasSubstr("leaf 3: its bytes"));
    EXPECT_EQ(scrubber->tally().found, found);
  }
  // They are looked at before anything else.
  ASSERT_TRUE(WriteSmallFile(dir_.path() + "/scrub", "anamnesis-scrub-1\n256\n2\n7\n2\n0\n0\n2\n").ok());
  const auto scrubber = Scrubber::Start(maker_.ledger(), Fast(true));
  const uint64_t rounds = scrubber->tally().rounds;
  while (!scrubber->Alarm().empty()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_LE(scrubber->tally().rounds, rounds + 1);
  EXPECT_EQ(scrubber->tally().mended, 2u);
  AwaitRounds(*scrubber);
  EXPECT_EQ(ReadSmallFile(dir_.path() + "/scrub").value().find("\n0\n2\n"), std::string::npos);
}

TEST_F(ScrubberTest, ABodyThatWasErasedIsNotBroughtBack) {
  maker_.Open();
  maker_.Append(maker_.admin().Write({EraseBodies({subject_})}));
  ASSERT_TRUE(maker_.ledger().FinishErasures().ok());
  {
    // The peer has it still.
    const auto scrubber = Scrubber::Start(maker_.ledger(), Fast(true));
    AwaitRounds(*scrubber);
    EXPECT_EQ(scrubber->tally().found, 0u) << log();
  }
  // Somebody who fetched it before the erasure comes too late.
  const std::string body = StoredLedger::Read(peer_.path()).rows.at(BodyRow(subject_));
  ASSERT_TRUE(maker_.ledger().Mend({{Family::kBodies, LeafKey(LeafIndex(subject_)), body}}).ok());
  maker_.Close();
  EXPECT_THAT(FilesHolding(dir_.path(), kName), IsEmpty());
  EXPECT_TRUE(Check().ok());
}

TEST_F(ScrubberTest, ErasuresAndAppendsMeanwhile) {
  std::vector<uint64_t> subjects;
  maker_.Open();
  for (int i = 0; i < 20; ++i) {
    maker_.Append(maker_.admin().Write({EnrolByName(Text("s", i), kName)}));
    subjects.push_back(maker_.ledger().tree_size() - 1);
  }
  maker_.Close();
  CopyToPeer();
  std::vector<StoredLedger::Key> keys;
  for (const uint64_t subject : subjects) keys.push_back(BodyRow(subject));
  Damage(keys);
  maker_.Open();
  {
    const auto scrubber = Scrubber::Start(maker_.ledger(), Fast(true));
    for (const uint64_t subject : subjects) maker_.Append(maker_.admin().Write({EraseBodies({subject})}));
    AwaitRounds(*scrubber);
    EXPECT_EQ(scrubber->Alarm(), "");
  }
  ASSERT_TRUE(maker_.ledger().FinishErasures().ok());
  maker_.Close();
  const FsckReport report = Check();
  EXPECT_TRUE(report.ok()) << report.problems.front().what;
  EXPECT_EQ(report.erased_bodies, subjects.size());
}

TEST_F(ScrubberTest, GoesNoFasterThanItsRate) {
  maker_.Open();
  ScrubberOptions slow = Fast(false);
  slow.bytes_per_second = 100'000;
  const auto begun = std::chrono::steady_clock::now();
  const auto scrubber = Scrubber::Start(maker_.ledger(), slow);
  std::this_thread::sleep_for(std::chrono::seconds(2));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  // Two pieces, of 100 KB and more each, may have been read ahead of the rest that follows them.
  EXPECT_LT(static_cast<double>(scrubber->tally().bytes_read), seconds * 100'000 + 400'000);
  EXPECT_GT(scrubber->tally().bytes_read, 0u);
}

TEST_F(ScrubberTest, APlaceThatIsNoneBeginsAnew) {
  ASSERT_TRUE(WriteSmallFile(dir_.path() + "/scrub", "anamnesis-scrub-1\n99999999\n5\n0\nx").ok());
  maker_.Open();
  {
    const auto scrubber = Scrubber::Start(maker_.ledger(), Fast(false));
    AwaitRounds(*scrubber);
    EXPECT_LT(scrubber->tally().rounds, 60u);
  }
  ASSERT_TRUE(WriteSmallFile(dir_.path() + "/scrub", "anamnesis-scrub-1\n99999999\n5\n7\n1\n1\n").ok());
  const auto scrubber = Scrubber::Start(maker_.ledger(), Fast(false));
  EXPECT_GE(scrubber->tally().rounds, 5u);
  AwaitRounds(*scrubber);
}

}  // namespace
}  // namespace anamnesis
