#include "ledger/engine/log_audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "ledger/base/bytes.h"
#include "ledger/event/leaf.h"
#include "ledger/event/seal.h"
#include "ledger/merkle/node_reader.h"
#include "ledger/merkle/proof.h"
#include "ledger/merkle/tiles.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/merkle/verify.h"
#include "ledger/state/recorded_event.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

// A founded ledger with one run of `events`, appended `runs` times.
struct World {
  World(int runs, int events) {
    EXPECT_TRUE(ledger.Append(ada.Write(FoundingDrafts(ada))).ok());
    for (int i = 0; i < runs; ++i) Append(events);
  }
  void Append(int events) {
    std::vector<EventDraft> drafts;
    for (int i = 0; i < events; ++i) drafts.push_back(ReferToDocument("d"));
    EXPECT_TRUE(ledger.Append(ada.Write(drafts)).ok());
  }
  std::string Get(Family family, const std::string& key) { return ledger.rows().Get(family, key)->value(); }
  void Put(Family family, const std::string& key, const std::string& value) {
    ASSERT_TRUE(ledger.rows().Write({{family, key, value}}, true).ok());
  }
  void FlipLeaf(uint64_t index, size_t at) {
    std::string leaf = Get(Family::kLeaves, LeafKey(LeafIndex(index)));
    leaf[at] = static_cast<char>(leaf[at] ^ 1);
    Put(Family::kLeaves, LeafKey(LeafIndex(index)), leaf);
  }
  // As a forger would who has the whole disk: leaves, tiles and all above.
  void HashAgain() {
    Frontier frontier;
    for (uint64_t i = 0; i < ledger.size().value; ++i) {
      frontier.Append(LeafHash(Get(Family::kLeaves, LeafKey(LeafIndex(i)))));
    }
    for (const TileUpdate& tile : frontier.TakeChangedTiles()) {
      std::string key;
      AppendBigEndian32(key, tile.id.level);
      AppendBigEndian64(key, tile.id.index);
      Put(Family::kTiles, key, tile.bytes);
    }
  }

  TestWriter ada{"person", "ada", 1};
  TestLedger ledger;
};

TEST(LogAuditTest, ReadsOnAndHasTheRootsOfEverySizeBelow) {
  World world(3, 2);
  const TreeSize early = world.ledger.size();
  const Digest early_root = world.ledger.state().frontier.Root();
  for (int i = 0; i < 300; ++i) world.Append(3);
  LogAudit audit{std::string(kTestOrigin)};
  EXPECT_TRUE(absl::IsOutOfRange(audit.RootAt(world.ledger.rows(), early).status()));
  ASSERT_TRUE(audit.ReadTo(world.ledger.rows(), world.ledger.size()).ok());
  EXPECT_EQ(audit.RootAt(world.ledger.rows(), world.ledger.size())->root, world.ledger.state().frontier.Root());
  EXPECT_EQ(audit.RootAt(world.ledger.rows(), early)->root, early_root);
  // Goes on where it stopped, also within a run, and also in another process.
  const Checkpoint cosigned{std::string(kTestOrigin), world.ledger.size(), world.ledger.state().frontier.Root()};
  for (int i = 0; i < 5; ++i) world.Append(7);
  LogAudit resumed{std::string(kTestOrigin)};
  ASSERT_TRUE(resumed.Resume(world.ledger.rows(), cosigned).ok());
  while (resumed.size() < world.ledger.size()) {
    ASSERT_TRUE(resumed.ReadTo(world.ledger.rows(), world.ledger.size(), 3).ok());
  }
  EXPECT_EQ(resumed.RootAt(world.ledger.rows(), world.ledger.size())->root, world.ledger.state().frontier.Root());
}

TEST(LogAuditTest, NamesEveryLeafWhoseBytesWereAltered) {
  for (uint64_t index = 0; index < 12; ++index) {
    World world(4, 3);
    ASSERT_GT(world.ledger.size().value, index);
    world.FlipLeaf(index, world.Get(Family::kLeaves, LeafKey(LeafIndex(index))).size() / 2);
    LogAudit audit{std::string(kTestOrigin)};
    const Status read = audit.ReadTo(world.ledger.rows(), world.ledger.size());
    EXPECT_TRUE(absl::IsDataLoss(read)) << index;
    EXPECT_THAT(std::string(read.message()), HasSubstr(Text("leaf ", index, ":")));
    EXPECT_EQ(audit.size(), TreeSize(0));
  }
}

TEST(LogAuditTest, ATreeOverAlteredLeavesIsFoundByTheSeals) {
  for (uint64_t index = 3; index < 12; ++index) {
    World world(4, 3);
    // Inside the header, past the framing.
    world.FlipLeaf(index, 30);
    world.HashAgain();
    LogAudit audit{std::string(kTestOrigin)};
    EXPECT_TRUE(absl::IsDataLoss(audit.ReadTo(world.ledger.rows(), world.ledger.size()))) << index;
  }
}

// The "linear-fake" attack: a chain that agrees with itself and not with the tree. Here the writer joins in and makes
// its stream anew from the third run on, chained and sealed well, in place of what the tree was built over.
TEST(LogAuditTest, LinearFakeIsFoundByWhoCosignsAndByWhoHoldsAReceipt) {
  World world(5, 3);
  const uint64_t size = world.ledger.size().value;
  const Checkpoint cosigned{std::string(kTestOrigin), world.ledger.size(), world.ledger.state().frontier.Root()};
  std::vector<std::string> leaves;
  std::vector<Digest> hashes;
  for (uint64_t i = 0; i < size; ++i) {
    leaves.push_back(world.Get(Family::kLeaves, LeafKey(LeafIndex(i))));
    hashes.push_back(LeafHash(leaves.back()));
  }
  TestWriter liar("person", "ada", 1);
  std::vector<v1::Run> runs = {liar.Write(FoundingDrafts(liar))};
  for (int i = 0; i < 5; ++i) {
    const std::string document = i < 2 ? "d" : "was never so";
    runs.push_back(liar.Write({ReferToDocument(document), ReferToDocument(document), ReferToDocument(document)}));
  }
  uint64_t index = 0;
  uint64_t first_faked = size;
  for (const v1::Run& run : runs) {
    for (int i = 0; i < run.headers_size(); ++i, ++index) {
      const LeafView view = *ParseLeaf(leaves[index]);
      const bool last = i + 1 == run.headers_size();
      std::optional<SealView> seal;
      if (last) seal = SealView{run.seal().statement(), run.seal().signature()};
      const std::string leaf = EncodeLeaf(view.recorded, run.headers(i), seal);
      if (view.header != run.headers(i)) first_faked = std::min(first_faked, index);
      world.Put(Family::kLeaves, LeafKey(LeafIndex(index)), leaf);
    }
  }
  ASSERT_EQ(index, size);
  ASSERT_LT(first_faked, size);
  // The witness reads the leaves back and compares the tree.
  LogAudit audit{std::string(kTestOrigin)};
  const Status found = audit.ReadTo(world.ledger.rows(), world.ledger.size());
  EXPECT_TRUE(absl::IsDataLoss(found));
  EXPECT_THAT(std::string(MessageOf(found)), HasSubstr(Text("leaf ", first_faked)));
  // With a tree made anew everything agrees with everything, but for what was cosigned and what was given away.
  world.HashAgain();
  LogAudit resumed{std::string(kTestOrigin)};
  EXPECT_TRUE(absl::IsDataLoss(resumed.Resume(world.ledger.rows(), cosigned)));
  const std::string faked = world.Get(Family::kLeaves, LeafKey(LeafIndex(size - 1)));
  const std::vector<Digest> path = *InclusionProof(MemoryNodeReader(hashes), LeafIndex(size - 1), TreeSize(size));
  EXPECT_TRUE(VerifyInclusion(hashes.back(), LeafIndex(size - 1), TreeSize(size), path, cosigned.root).ok());
  EXPECT_TRUE(absl::IsUnauthenticated(
      VerifyInclusion(LeafHash(faked), LeafIndex(size - 1), TreeSize(size), path, cosigned.root)));
}

TEST(LogAuditTest, ARunSealedByAKeyThatNobodyIssuedIsFound) {
  World world(1, 1);
  const uint64_t index = world.ledger.size().value - 1;
  const std::string key = LeafKey(LeafIndex(index));
  const std::string leaf = world.Get(Family::kLeaves, key);
  const LeafView view = *ParseLeaf(leaf);
  const ParsedHeader header = *ParseHeader(view.header);
  const std::string_view headers[] = {view.header};
  const v1::Seal forged =
      MakeSeal(KeyOfSeed(99), kTestOrigin, header.fields.stream(), header.position().value, headers, view.recorded);
  world.Put(Family::kLeaves, key,
            EncodeLeaf(view.recorded, view.header, SealView{forged.statement(), forged.signature()}));
  world.HashAgain();
  LogAudit audit{std::string(kTestOrigin)};
  const Status read = audit.ReadTo(world.ledger.rows(), world.ledger.size());
  EXPECT_THAT(std::string(read.message()), HasSubstr("no credential"));
}

// What ends a key for a time before its runs doesn't unseal what is recorded: a replica that comes later cosigns.
TEST(LogAuditTest, ARunWhoseKeyWasRevokedSinceForATimeBeforeItIsWhole) {
  World world(1, 1);
  TestWriter ben("person", "ben", 2);
  ASSERT_TRUE(
      world.ledger.Append(world.ada.Write({EnrolPerson("ben"), IssueKey("person", "ben", ben.key().public_key())}))
          .ok());
  const Timestamp before = world.ledger.next_proposed();
  ASSERT_TRUE(world.ledger.Append(ben.Write({ReferToDocument("d")})).ok());
  const TreeSize early = world.ledger.size();
  const Checkpoint cosigned{std::string(kTestOrigin), early, world.ledger.state().frontier.Root()};
  // The first end is recorded before the second one moves it to before the run.
  for (const Timestamp from : {world.ledger.next_proposed(), before}) {
    ASSERT_TRUE(
        world.ledger.Append(world.ada.Write({RevokeKey("person", "ben", ben.key().public_key(), from.us)})).ok());
  }
  const Digest root = world.ledger.state().frontier.Root();
  LogAudit audit{std::string(kTestOrigin)};
  EXPECT_EQ(audit.ReadTo(world.ledger.rows(), world.ledger.size()), OkStatus());
  EXPECT_EQ(audit.RootAt(world.ledger.rows(), world.ledger.size())->root, root);
  LogAudit resumed{std::string(kTestOrigin)};
  ASSERT_TRUE(resumed.Resume(world.ledger.rows(), cosigned).ok());
  EXPECT_EQ(resumed.ReadTo(world.ledger.rows(), world.ledger.size(), 1), OkStatus());
  EXPECT_EQ(resumed.ReadTo(world.ledger.rows(), world.ledger.size()), OkStatus());
}

// In a log that its node made up: what the rules would have refused is in it.
TEST(LogAuditTest, ARunSealedAfterItsKeyWasRevokedIsFound) {
  World world(1, 1);
  TestWriter ben("person", "ben", 2);
  ASSERT_TRUE(
      world.ledger.Append(world.ada.Write({EnrolPerson("ben"), IssueKey("person", "ben", ben.key().public_key())}))
          .ok());
  const TreeSize early = world.ledger.size();
  const Checkpoint cosigned{std::string(kTestOrigin), early, world.ledger.state().frontier.Root()};
  ASSERT_TRUE(world.ledger.Append(world.ada.Write({RevokeKey("person", "ben", ben.key().public_key())})).ok());
  world.Append(1);
  const uint64_t index = world.ledger.size().value - 1;
  const std::string key = LeafKey(LeafIndex(index));
  const std::string leaf = world.Get(Family::kLeaves, key);
  const LeafView view = *ParseLeaf(leaf);
  const ParsedHeader header = *ParseHeader(view.header);
  const std::string_view headers[] = {view.header};
  const v1::Seal forged =
      MakeSeal(ben.key(), kTestOrigin, header.fields.stream(), header.position().value, headers, view.recorded);
  world.Put(Family::kLeaves, key,
            EncodeLeaf(view.recorded, view.header, SealView{forged.statement(), forged.signature()}));
  world.HashAgain();
  LogAudit audit{std::string(kTestOrigin)};
  EXPECT_THAT(std::string(audit.ReadTo(world.ledger.rows(), world.ledger.size()).message()), HasSubstr("was revoked"));
  LogAudit resumed{std::string(kTestOrigin)};
  ASSERT_TRUE(resumed.Resume(world.ledger.rows(), cosigned).ok());
  EXPECT_THAT(std::string(resumed.ReadTo(world.ledger.rows(), world.ledger.size()).message()),
              HasSubstr("was revoked"));
}

// A log signs any size that somebody asks a receipt of: those inside a run have no seal of their last leaves.
TEST(LogAuditTest, SizesInsideARunAreKnownAndReadingGoesOnFromTheirRun) {
  World world(2, 3);
  TestWriter ben("person", "ben", 2);
  ASSERT_TRUE(
      world.ledger.Append(world.ada.Write({EnrolPerson("ben"), IssueKey("person", "ben", ben.key().public_key())}))
          .ok());
  ASSERT_TRUE(world.ledger.Append(ben.Write({ReferToDocument("d"), ReferToDocument("d")})).ok());
  world.Append(300);
  const uint64_t size = world.ledger.size().value;
  LogAudit audit{std::string(kTestOrigin)};
  ASSERT_TRUE(audit.ReadTo(world.ledger.rows(), world.ledger.size()).ok());
  std::vector<Digest> hashes;
  for (uint64_t n = 1; n <= size; ++n) {
    const std::string leaf = world.Get(Family::kLeaves, LeafKey(LeafIndex(n - 1)));
    hashes.push_back(LeafHash(leaf));
    const StatusOr<AuditedRoot> at = audit.RootAt(world.ledger.rows(), TreeSize(n));
    ASSERT_TRUE(at.ok()) << at.status();
    EXPECT_EQ(at->root, RootOfLeafHashes(hashes));
    EXPECT_EQ(at->ends_run, ParseLeaf(leaf)->seal.has_value()) << n;
    // What a node cosigned before it knew that is no end of its audits.
    LogAudit resumed{std::string(kTestOrigin)};
    EXPECT_EQ(resumed.Resume(world.ledger.rows(), {std::string(kTestOrigin), TreeSize(n), at->root}), OkStatus());
    EXPECT_EQ(resumed.size() == TreeSize(n), at->ends_run) << n;
    EXPECT_EQ(resumed.ReadTo(world.ledger.rows(), world.ledger.size()), OkStatus()) << n;
    EXPECT_EQ(resumed.RootAt(world.ledger.rows(), world.ledger.size())->root, world.ledger.state().frontier.Root());
  }
}

// What is said of keys is believed by the commitment to it only.
TEST(LogAuditTest, AnAlteredBodyOfAKeysEventIsFound) {
  World world(1, 1);
  // Of the founding run: the event that issues the key.
  const std::string key = LeafKey(LeafIndex(1));
  std::string body = world.Get(Family::kBodies, key);
  body.back() = static_cast<char>(body.back() ^ 1);
  world.Put(Family::kBodies, key, body);
  LogAudit audit{std::string(kTestOrigin)};
  EXPECT_THAT(std::string(audit.ReadTo(world.ledger.rows(), world.ledger.size()).message()),
              HasSubstr("leaf 1: its body"));
}

TEST(LogAuditTest, MissingLeavesDamagedTilesAndARolledBackTree) {
  World world(200, 2);
  const Checkpoint cosigned{std::string(kTestOrigin), world.ledger.size(), world.ledger.state().frontier.Root()};
  World shorter(3, 2);
  LogAudit rolled_back{std::string(kTestOrigin)};
  EXPECT_FALSE(rolled_back.Resume(shorter.ledger.rows(), cosigned).ok());
  World other(201, 2);
  LogAudit forked{std::string(kTestOrigin)};
  Checkpoint wrong = cosigned;
  wrong.root = EmptyRoot();
  EXPECT_TRUE(absl::IsDataLoss(forked.Resume(other.ledger.rows(), wrong)));

  ASSERT_TRUE(world.ledger.rows().Remove(Family::kLeaves, {LeafKey(LeafIndex(9))}).ok());
  LogAudit audit{std::string(kTestOrigin)};
  EXPECT_THAT(std::string(audit.ReadTo(world.ledger.rows(), world.ledger.size()).message()),
              HasSubstr("leaf 9: is missing"));

  // The entry of a full tile, one level up.
  std::string key;
  AppendBigEndian32(key, 1);
  AppendBigEndian64(key, 0);
  std::string tile = other.Get(Family::kTiles, key);
  tile[3] = static_cast<char>(tile[3] ^ 1);
  other.Put(Family::kTiles, key, tile);
  LogAudit above{std::string(kTestOrigin)};
  EXPECT_THAT(std::string(above.ReadTo(other.ledger.rows(), other.ledger.size()).message()), HasSubstr("tile 1/0"));
}

}  // namespace
}  // namespace anamnesis
