// Backups: whole ledgers at one moment, made while others write, and after an erasure without what was erased.

#include "ledger/engine/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "anamnesis/v1/vocabulary_delegation.pb.h"
#include "ledger/engine/files.h"
#include "ledger/engine/handovers.h"
#include "ledger/engine/layout.h"
#include "ledger/keys/key_file.h"
#include "ledger/store/store.h"
#include "tests/ledger/engine/erasures.h"
#include "tests/ledger/engine/stored_ledger.h"
#include "tests/support/forwarding_store.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class BackupTest : public testing::Test {
 protected:
  std::string ledger() const { return dir_.path() + "/ledger"; }
  std::string backups() const { return dir_.path() + "/backups"; }
  std::string restored() const { return dir_.path() + "/restored"; }

  v1::CreateBackupResponse Make(LedgerMaker& maker, uint32_t keep = 0) {
    v1::CreateBackupRequest request;
    request.set_keep(keep);
    const auto made = maker.ledger().CreateBackup(backups(), request, [] { return true; });
    EXPECT_TRUE(made.ok()) << made.status();
    return made.value_or(v1::CreateBackupResponse());
  }

  static std::vector<uint32_t> Numbers(const v1::BackupList& list) {
    std::vector<uint32_t> numbers;
    for (const v1::BackupGeneration& generation : list.generations()) numbers.push_back(generation.generation());
    return numbers;
  }

  ScratchDirectory dir_;
};

TEST_F(BackupTest, WhatIsRestoredIsTheLedgerAsItWas) {
  LedgerMaker maker(ledger());
  maker.GrowTo(150);
  const v1::LedgerStatus then = maker.ledger().GetStatus();
  const v1::CreateBackupResponse made = Make(maker);
  ASSERT_EQ(made.backups().generations_size(), 1);
  EXPECT_EQ(made.backups().generations(0).tree_size(), then.tree_size());
  EXPECT_EQ(made.backups().generations(0).root(), then.root());
  maker.GrowTo(300);
  Make(maker);

  const auto checked = CheckBackup(backups(), 1, {});
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_TRUE(checked->report.ok()) << checked->report.problems.front().what;
  EXPECT_EQ(checked->report.size.value, then.tree_size());

  const auto made_again = RestoreBackup(backups(), 1, restored(), {});
  ASSERT_TRUE(made_again.ok()) << made_again.status();
  EXPECT_TRUE(made_again->report.ok());
  const auto reopened = Ledger::Open(restored(), {});
  ASSERT_TRUE(reopened.ok()) << reopened.status();
  EXPECT_EQ((*reopened)->GetStatus().root(), then.root());
  EXPECT_EQ((*reopened)->GetStatus().verifier_key(), then.verifier_key());
  // It goes on as a ledger.
  v1::AppendRequest request;
  TestWriter unit("device_unit", "unknown", 77);
  *request.add_runs() = unit.Write({Activate("unknown", "threshold", "m")});
  EXPECT_TRUE((*reopened)->Append(request).ok());
}

TEST_F(BackupTest, ADirectoryMayBeNamedRelatively) {
  LedgerMaker maker(ledger());
  const std::string relative = std::filesystem::relative(backups()).string();
  v1::CreateBackupRequest request;
  const auto made = maker.ledger().CreateBackup(relative, request, [] { return true; });
  ASSERT_TRUE(made.ok()) << made.status();
  ASSERT_EQ(made->backups().generations_size(), 1);
  EXPECT_EQ(made->backups().generations(0).problem(), "");
  const auto checked = CheckBackup(relative, 0, {});
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_TRUE(checked->report.ok());
}

TEST_F(BackupTest, WhereItIsRestoredMayEndWithASlash) {
  LedgerMaker maker(ledger());
  Make(maker);
  for (const std::string& to :
       {restored() + "/", restored() + "-2//", std::filesystem::relative(restored()).string() + "-3/"}) {
    const auto made = RestoreBackup(backups(), 0, to, {});
    ASSERT_TRUE(made.ok()) << made.status();
    EXPECT_TRUE(made->report.ok());
    EXPECT_TRUE(Fsck(to, {})->ok()) << to;
  }
  // Beside it, and gone.
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) names.push_back(entry.path().filename());
  EXPECT_THAT(names, testing::UnorderedElementsAre("ledger", "backups", "restored", "restored-2", "restored-3"));
}

TEST_F(BackupTest, OnlyWhatChangedIsCopied) {
  LedgerMaker maker(ledger());
  maker.GrowTo(400);
  // In table files.
  maker.Close();
  maker.Open();
  Make(maker);
  const auto bytes_of = [&] {
    uint64_t bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(backups())) {
      if (entry.is_regular_file()) bytes += entry.file_size();
    }
    return bytes;
  };
  const uint64_t first = bytes_of();
  Make(maker);
  EXPECT_LT(bytes_of() - first, first / 2);
}

TEST_F(BackupTest, OneMadeWhileOthersWriteIsWhole) {
  LedgerMaker maker(ledger());
  maker.GrowTo(50);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    while (!stop) maker.GrowTo(maker.ledger().tree_size() + 1);
  });
  for (int i = 0; i < 5; ++i) Make(maker);
  stop = true;
  writer.join();
  for (uint32_t generation = 1; generation <= 5; ++generation) {
    const auto checked = CheckBackup(backups(), generation, {});
    ASSERT_TRUE(checked.ok()) << checked.status();
    EXPECT_TRUE(checked->report.ok()) << generation << ": " << checked->report.problems.front().what;
  }
}

// Issue C item 6: bodies and nonces are destroyed in backups' next generation too.
TEST_F(BackupTest, TheNextGenerationHoldsNothingOfWhatWasErasedAndOlderOnesAreNamed) {
  LedgerMaker maker(ledger());
  const uint64_t subject = maker.ledger().tree_size();
  maker.Append(maker.admin().Write({EnrolByName("subject", kName), EnrolByName("other", "Somebody Else-Entirely")}));
  v1::GetEventRequest ask;
  ask.set_index(subject);
  const StatusOr<v1::Event> before = maker.ledger().GetEvent(ask);
  ASSERT_TRUE(before.ok());
  const std::string nonce = before->body().nonce();
  ASSERT_EQ(nonce.size(), 32u);
  maker.GrowTo(150);
  Make(maker);
  EXPECT_THAT(FilesHolding(backups(), kName), Not(IsEmpty()));
  maker.Append(maker.admin().Write({EraseBodies({subject})}));

  const v1::CreateBackupResponse second = Make(maker);
  ASSERT_EQ(second.backups().generations_size(), 2);
  EXPECT_EQ(second.backups().generations(0).erased_bodies(), 1u);
  EXPECT_THAT(second.backups().generations(0).erased_indexes(), ElementsAre(subject));
  EXPECT_EQ(second.backups().generations(1).erased_bodies(), 0u);
  // The same without the ledger, by what the newest generation knows.
  const auto alone = ListBackups(backups(), std::nullopt);
  ASSERT_TRUE(alone.ok()) << alone.status();
  EXPECT_EQ(alone->generations(0).erased_bodies(), 1u);

  // Who restores an older one is told what comes back.
  const auto older = RestoreBackup(backups(), 1, dir_.path() + "/older", {});
  ASSERT_TRUE(older.ok()) << older.status();
  EXPECT_EQ(older->erased_bodies, 1u);

  v1::DropBackupsRequest drop;
  drop.set_holding_erased_bodies(true);
  const auto left = maker.ledger().DropBackups(backups(), drop);
  ASSERT_TRUE(left.ok()) << left.status();
  EXPECT_THAT(Numbers(*left), ElementsAre(2));
  EXPECT_THAT(FilesHolding(backups(), kName), IsEmpty());
  EXPECT_THAT(FilesHolding(backups(), nonce), IsEmpty());
  EXPECT_THAT(FilesHolding(backups(), "Somebody Else-Entirely"), Not(IsEmpty()));
  ASSERT_TRUE(RestoreBackup(backups(), 0, restored(), {}).ok());
  EXPECT_THAT(FilesHolding(restored(), kName), IsEmpty());
  const auto report = Fsck(restored(), {});
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->ok());
  EXPECT_EQ(report->erased_bodies, 1u);
}

TEST_F(BackupTest, SoManyAreKeptAndTheLastIsNeverDropped) {
  LedgerMaker maker(ledger());
  for (int i = 0; i < 4; ++i) Make(maker);
  EXPECT_THAT(Numbers(Make(maker, 2).backups()), ElementsAre(4, 5));
  v1::DropBackupsRequest drop;
  drop.add_generations(4);
  drop.add_generations(5);
  const auto all = maker.ledger().DropBackups(backups(), drop);
  EXPECT_THAT(std::string(MessageOf(all.status())), HasSubstr("no backup would be left"));
  drop.clear_generations();
  drop.add_generations(1);
  EXPECT_TRUE(absl::IsNotFound(maker.ledger().DropBackups(backups(), drop).status()));
  drop.clear_generations();
  drop.add_generations(4);
  const auto left = maker.ledger().DropBackups(backups(), drop);
  ASSERT_TRUE(left.ok()) << left.status();
  EXPECT_THAT(Numbers(*left), ElementsAre(5));
}

TEST_F(BackupTest, OnesThatCannotBeReadAreNoReplacementAndMayHoldWhatWasErased) {
  LedgerMaker maker(ledger());
  for (int i = 0; i < 3; ++i) Make(maker);
  for (const char* generation : {"2", "3"}) {
    for (const auto& entry : std::filesystem::directory_iterator(backups() + "/generations/private/" + generation)) {
      if (entry.path().filename().string().starts_with("MANIFEST")) std::filesystem::resize_file(entry, 0);
    }
  }
  EXPECT_THAT(Numbers(Make(maker, 2).backups()), ElementsAre(1, 2, 3, 4));
  v1::DropBackupsRequest drop;
  drop.set_holding_erased_bodies(true);
  const auto left = maker.ledger().DropBackups(backups(), drop);
  ASSERT_TRUE(left.ok()) << left.status();
  EXPECT_THAT(Numbers(*left), ElementsAre(1, 4));
}

TEST_F(BackupTest, NothingIsOverwrittenOrMixed) {
  LedgerMaker maker(ledger());
  Make(maker);
  std::filesystem::create_directory(restored());
  std::ofstream(restored() + "/somebody's") << "file";
  EXPECT_TRUE(absl::IsAlreadyExists(RestoreBackup(backups(), 0, restored(), {}).status()));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(restored()), {}), 1);
  // Backups of this ledger go neither there nor to those of another.
  v1::CreateBackupRequest request;
  const auto elsewhere = maker.ledger().CreateBackup(restored(), request, [] { return true; });
  EXPECT_THAT(std::string(MessageOf(elsewhere.status())), HasSubstr("something else than backups"));
  LedgerMaker other(dir_.path() + "/other");
  const auto mixed = other.ledger().CreateBackup(backups(), request, [] { return true; });
  EXPECT_THAT(std::string(MessageOf(mixed.status())), HasSubstr("another ledger"));
  EXPECT_TRUE(absl::IsNotFound(CheckBackup(backups(), 9, {}).status()));
  EXPECT_TRUE(absl::IsNotFound(ListBackups(dir_.path() + "/none", std::nullopt).status()));
}

TEST_F(BackupTest, OneThatIsGivenUpLeavesTheOthers) {
  LedgerMaker maker(ledger());
  maker.GrowTo(3000);
  maker.Close();
  maker.Open();
  v1::CreateBackupRequest request;
  const auto given_up = maker.ledger().CreateBackup(backups(), request, [] { return false; });
  EXPECT_TRUE(absl::IsCancelled(given_up.status())) << given_up.status();
  EXPECT_THAT(Numbers(Make(maker).backups()), testing::SizeIs(1));
  const auto checked = CheckBackup(backups(), 0, {});
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_TRUE(checked->report.ok());
}

TEST_F(BackupTest, ADamagedGenerationIsFoundAndNotRestored) {
  LedgerMaker maker(ledger());
  maker.GrowTo(200);
  maker.Close();
  maker.Open();
  Make(maker);
  // One byte in the largest shared file.
  std::filesystem::path largest;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(backups())) {
    if (!entry.is_regular_file() || entry.path().extension() != ".sst") continue;
    if (largest.empty() || entry.file_size() > std::filesystem::file_size(largest)) largest = entry.path();
  }
  ASSERT_FALSE(largest.empty());
  {
    std::fstream file(largest, std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(100);
    const char byte = static_cast<char>(file.get());
    file.seekp(100);
    file.put(static_cast<char>(byte ^ 1));
  }
  EXPECT_TRUE(absl::IsDataLoss(CheckBackup(backups(), 0, {}).status()));
  EXPECT_FALSE(RestoreBackup(backups(), 0, restored(), {}).ok());
  EXPECT_FALSE(std::filesystem::exists(restored()));
  EXPECT_FALSE(std::filesystem::exists(restored() + ".restoring"));
  std::filesystem::remove(largest);
  const auto list = ListBackups(backups(), std::nullopt);
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_EQ(list->generations_size(), 1);
  EXPECT_FALSE(list->generations(0).problem().empty());
}

// A rotation that begins before a generation and is over before the next one.
TEST_F(BackupTest, EachGenerationGoesOnAcrossARotationOfTheKey) {
  LedgerMaker maker(ledger());
  maker.GrowTo(40);
  const PublicKey first = ReadKeyFile(CheckpointKeyPath(ledger())).value().key.public_key();
  const PublicKey second = NewKeyFile(NextCheckpointKeyPath(ledger()), kTestOrigin).value().key.public_key();
  v1::CredentialRotated body;
  body.set_old_public_key(first.bytes());
  body.set_new_public_key(second.bytes());
  body.set_old_key_until_us(maker.clock().Now().us + 1'000'000'000);
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "holder", "node", "founding-node");
  maker.Append(maker.admin().Write({draft}));
  maker.GrowTo(60);
  Make(maker);
  EXPECT_EQ(ReadKeyFile(NextCheckpointKeyPath(backups())).value().key.public_key(), second);
  maker.GrowTo(80);
  // The overlap is over, and the second key takes the first one's place.
  maker.clock().StepBack(-2'000'000'000);
  maker.GrowTo(120);
  EXPECT_EQ(ReadKeyFile(CheckpointKeyPath(ledger())).value().key.public_key(), second);
  Make(maker);
  EXPECT_FALSE(std::filesystem::exists(NextCheckpointKeyPath(backups())));
  EXPECT_EQ(ReadKeyFile(CheckpointKeyPath(backups())).value().key.public_key(), second);
  const std::vector<std::string> handovers = ReadHandovers(backups()).value();
  ASSERT_EQ(handovers.size(), 2u) << "one when both began to sign, one when the first ended";

  for (const uint32_t generation : {1u, 2u}) {
    SCOPED_TRACE(generation);
    const std::string to = restored() + std::to_string(generation);
    const auto checked = RestoreBackup(backups(), generation, to, {});
    ASSERT_TRUE(checked.ok()) << checked.status();
    EXPECT_TRUE(checked->report.ok()) << checked->report.problems.front().what;
    // What it doesn't continue would make its key history useless.
    EXPECT_EQ(ReadHandovers(to).value().size(), generation == 1 ? 1u : 2u);
    EXPECT_EQ(std::filesystem::status(to).permissions(), std::filesystem::perms::owner_all);
    LedgerOptions options;
    options.clock = &maker.clock();
    const auto opened = Ledger::Open(to, options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_TRUE((*opened)->GetCheckpoint().ok());
  }
}

// A store in which something happens when it is first asked for what the ledger is.
class InterruptedStore : public ForwardingStore {
 public:
  InterruptedStore(Store& store, std::function<void()> interrupt)
      : ForwardingStore(store), interrupt_(std::move(interrupt)) {}
  StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override {
    if (family == Family::kMeta && interrupt_ != nullptr) std::exchange(interrupt_, nullptr)();
    return ForwardingStore::Get(family, key);
  }

 private:
  mutable std::function<void()> interrupt_;
};

// What a checkpoint by new keys continues is in the backup with it, also when they take over meanwhile.
TEST_F(BackupTest, ACheckpointNeverComesWithoutTheHandoverBeforeIt) {
  LedgerMaker maker(ledger());
  maker.GrowTo(40);
  const TreeSize size(maker.ledger().tree_size());
  maker.Close();
  const auto store = OpenRocksStore(DatabasePath(ledger()), {});
  ASSERT_TRUE(store.ok()) << store.status();
  const std::string dir = ledger();
  bool interrupted = false;
  InterruptedStore source(**store, [&] {
    // As Checkpointer does it.
    const std::string last = ReadSmallFile(CheckpointPath(dir)).value();
    ASSERT_TRUE(WriteHandovers(dir, {last}).ok());
    ASSERT_TRUE(WriteSmallFile(CheckpointPath(dir), "the new keys' checkpoint").ok());
    interrupted = true;
  });
  const auto made = CreateBackup({dir, source, size}, backups(), 0, [] { return true; });
  ASSERT_TRUE(made.ok()) << made.status();
  ASSERT_TRUE(interrupted);
  EXPECT_EQ(ReadHandovers(backups())->size(), 1u);
}

}  // namespace
}  // namespace anamnesis
