// Checkpoints: over what was read back, kept before they are given away, and by the keys that the events name.

#include "ledger/engine/checkpointer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "anamnesis/v1/vocabulary_authority.pb.h"
#include "anamnesis/v1/vocabulary_delegation.pb.h"
#include "ledger/commit/apply.h"
#include "ledger/engine/checkpoint_signers.h"
#include "ledger/engine/layout.h"
#include "ledger/keys/key_file.h"
#include "ledger/merkle/tiles.h"
#include "tests/ledger/engine/stored_ledger.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

EventDraft NameKey(const PublicKey& key) {
  v1::CredentialIssued body;
  body.set_public_key(key.bytes());
  body.set_purpose(v1::CredentialIssued::CHECKPOINT);
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "holder", "node", kTestOrigin);
  return draft;
}

EventDraft RotateKey(const PublicKey& from, const PublicKey& to, int64_t until_us) {
  v1::CredentialRotated body;
  body.set_old_public_key(from.bytes());
  body.set_new_public_key(to.bytes());
  body.set_old_key_until_us(until_us);
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "holder", "node", kTestOrigin);
  return draft;
}

class CheckpointerTest : public testing::Test {
 protected:
  CheckpointerTest() {
    // After all that is recorded here.
    clock_.StepBack(-int64_t{3'600'000'000});
    first_ = NewKeyFile(CheckpointKeyPath(dir_.path()), kTestOrigin).value().key.public_key();
    Append(FoundingDrafts(ada_));
    Append({NameKey(first_)});
    Grow();
    Open();
  }

  void Open() {
    auto signers = CheckpointSigners::Open(ledger_.rows(), dir_.path(), std::string(kTestOrigin), clock_);
    ASSERT_TRUE(signers.ok()) << signers.status();
    signers_ = signers->get();
    checkpointer_ =
        std::make_unique<Checkpointer>(ledger_.rows(), *std::move(signers), std::string(kTestOrigin), dir_.path());
  }
  void Append(const std::vector<EventDraft>& drafts) {
    const auto appended = ledger_.Append(ada_.Write(drafts));
    ASSERT_TRUE(appended.ok()) << appended.status();
  }
  void Grow() { Append({ReferToDocument("d"), ReferToDocument("e")}); }
  void Revoke(const PublicKey& key) { Append({RevokeKey("node", kTestOrigin, key)}); }
  StatusOr<std::string> Sign() { return checkpointer_->Sign(ledger_.size()); }
  static uint64_t SizeOf(const std::string& note) {
    return ParseCheckpointText(note.substr(0, note.find("\n\n") + 1)).value().size.value;
  }
  PublicKey MakeNext() {
    const std::string path = NextCheckpointKeyPath(dir_.path());
    std::filesystem::remove(path);
    return NewKeyFile(path, kTestOrigin).value().key.public_key();
  }
  std::vector<std::string> SignersNow() {
    const auto signers = signers_->For(ledger_.size());
    std::vector<std::string> keys;
    for (size_t i = 0; signers.ok() && i < signers->size(); ++i) {
      keys.push_back((*signers)[i]->key.public_key().hex());
    }
    return keys;
  }

  ScratchDirectory dir_;
  SteppingClock clock_;
  TestWriter ada_{"person", "ada", 1};
  TestLedger ledger_;
  PublicKey first_ = KeyOfSeed(1).public_key();
  std::unique_ptr<Checkpointer> checkpointer_;
  CheckpointSigners* signers_ = nullptr;
};

TEST_F(CheckpointerTest, AnOldNoteIsNoAnswerOnceTheKeyMayNotSign) {
  const StatusOr<std::string> before = Sign();
  ASSERT_TRUE(before.ok()) << before.status();
  Revoke(first_);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(absl::IsFailedPrecondition(Sign().status())) << i;
  // What it signed before it still gives.
  EXPECT_EQ(checkpointer_->Sign(TreeSize(SizeOf(*before))).value(), *before);
}

TEST_F(CheckpointerTest, WhatCouldNotBeKeptIsNeitherGivenNorSignedAndIsMadeLater) {
  ASSERT_TRUE(Sign().ok());
  const TreeSize kept = ledger_.size();
  Grow();
  // Something is in the place where the note is written.
  const std::string obstacle = CheckpointPath(dir_.path()) + ".new";
  std::filesystem::create_directory(obstacle);
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(Sign().ok()) << i;
    EXPECT_FALSE(checkpointer_->SignExactly(ledger_.size(), kept).ok()) << i;
  }
  EXPECT_TRUE(checkpointer_->SignExactly(kept, kept).ok());
  std::filesystem::remove(obstacle);
  const StatusOr<std::string> made = Sign();
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(SizeOf(*made), ledger_.size().value);
  EXPECT_EQ(ReadSmallFile(CheckpointPath(dir_.path())).value(), *made);
}

TEST_F(CheckpointerTest, ATreeThatChangedOnDiskIsNotSigned) {
  Grow();
  ASSERT_TRUE(Sign().ok());
  const TreeSize size = ledger_.size();
  for (uint64_t older = 1; older <= size.value; ++older) {
    EXPECT_TRUE(checkpointer_->SignExactly(TreeSize(older), size).ok()) << older;
  }
  const std::string tile = ledger_.rows().Get(Family::kTiles, TileKey({0, 0})).value().value();
  for (uint64_t leaf = 0; leaf < size.value; ++leaf) {
    std::string changed = tile;
    changed[leaf * Digest::kSize] = static_cast<char>(changed[leaf * Digest::kSize] ^ 1);
    ASSERT_TRUE(ledger_.rows().Write({{Family::kTiles, TileKey({0, 0}), changed}}, true).ok());
    for (uint64_t older = leaf + 1; older <= size.value; ++older) {
      const Status status = checkpointer_->SignExactly(TreeSize(older), size).status();
      EXPECT_TRUE(absl::IsDataLoss(status)) << leaf << " in " << older << ": " << status;
    }
  }
}

TEST_F(CheckpointerTest, BothKeysSignUntilTheOverlapIsOverAndThenTheNewOneTakesTheFile) {
  ASSERT_TRUE(Sign().ok());
  const PublicKey next = MakeNext();
  EXPECT_THAT(SignersNow(), ElementsAre(first_.hex())) << "no event names it yet";
  const int64_t overlap_us = clock_.Now().us + 1'000'000'000;
  Append({RotateKey(first_, next, overlap_us)});
  EXPECT_THAT(SignersNow(), ElementsAre(first_.hex(), next.hex()));
  ASSERT_TRUE(Sign().ok());
  clock_.StepBack(-2'000'000'000);
  EXPECT_THAT(SignersNow(), ElementsAre(next.hex()));
  Grow();
  ASSERT_TRUE(Sign().ok());
  EXPECT_FALSE(std::filesystem::exists(NextCheckpointKeyPath(dir_.path())));
  EXPECT_EQ(ReadKeyFile(CheckpointKeyPath(dir_.path())).value().key.public_key(), next);
  Grow();
  ASSERT_TRUE(Sign().ok());
}

TEST_F(CheckpointerTest, WithBothKeysRevokedInTheOverlapAThirdOneTakesOver) {
  const PublicKey second = MakeNext();
  Append({RotateKey(first_, second, clock_.Now().us + 1'000'000'000)});
  ASSERT_TRUE(Sign().ok());
  Revoke(first_);
  Revoke(second);
  const Status none = Sign().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(none));
  EXPECT_THAT(std::string(MessageOf(none)), HasSubstr("key rotate"));
  // As `key rotate` makes it, while this process runs.
  const PublicKey third = MakeNext();
  Append({NameKey(third)});
  EXPECT_THAT(SignersNow(), ElementsAre(third.hex()));
  ASSERT_TRUE(Sign().ok());
  EXPECT_EQ(ReadKeyFile(CheckpointKeyPath(dir_.path())).value().key.public_key(), third);
  // The last note by those before is kept for whoever trusts them.
  EXPECT_TRUE(std::filesystem::exists(HandoversPath(dir_.path())));
}

TEST_F(CheckpointerTest, AKeyThatIsInBothPlacesSignsOnce) {
  std::filesystem::copy_file(CheckpointKeyPath(dir_.path()), NextCheckpointKeyPath(dir_.path()));
  std::filesystem::permissions(NextCheckpointKeyPath(dir_.path()),
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  Open();
  EXPECT_THAT(SignersNow(), ElementsAre(first_.hex()));
}

}  // namespace
}  // namespace anamnesis
