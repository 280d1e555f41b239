// A ledger is copied to another directory: whole, in parts, by a liar, and interrupted at any moment.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "anamnesis/internal/state.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"
#include "ledger/engine/copy_in.h"
#include "ledger/engine/copy_out.h"
#include "ledger/engine/fsck.h"
#include "ledger/engine/purger.h"
#include "ledger/engine/staging.h"
#include "ledger/state/recorded_event.h"
#include "tests/ledger/engine/erasures.h"
#include "tests/ledger/engine/stored_ledger.h"
#include "tests/support/killed_process.h"
#include "tests/support/sanitized.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

constexpr size_t kChunkBytes = 20000;

std::string Be64(uint64_t value) {
  std::string bytes;
  AppendBigEndian64(bytes, value);
  return bytes;
}

std::unique_ptr<Store> OpenStore(const std::string& dir, bool read_only) {
  StoreOptions options;
  options.read_only = read_only;
  auto store = OpenRocksStore(DatabasePath(dir), options);
  CHECK(store.ok());
  return *std::move(store);
}

// Every row but those that say how it came about.
std::map<StoredLedger::Key, std::string> RowsOf(const std::string& dir) {
  std::map<StoredLedger::Key, std::string> rows;
  for (auto& [family, key, value] : AllRows(*OpenStore(dir, true))) {
    if (family != Family::kMeta || (key != "copying" && key != "rebuilding")) rows[{family, key}] = value;
  }
  return rows;
}

// Copies what is still missing; OK when the copy is finished.
Status Receive(CopyIn& copy, const CopyOut& source, size_t chunk_bytes = kChunkBytes) {
  ASSIGN_OR_RETURN(const internal::CopyManifest manifest, source.Manifest());
  RETURN_IF_ERROR(copy.Begin(manifest));
  const TreeSize size(manifest.applied().tree_size());
  while (copy.size() < size) {
    ASSIGN_OR_RETURN(const internal::CopyChunk chunk, source.Chunk(LeafIndex(copy.size().value), size, chunk_bytes));
    RETURN_IF_ERROR(copy.Add(chunk));
  }
  return copy.Finish();
}

Status ReceiveAll(const std::string& from, const std::string& to, size_t chunk_bytes = kChunkBytes) {
  const std::unique_ptr<Store> store = OpenStore(from, true);
  ASSIGN_OR_RETURN(const std::unique_ptr<CopyIn> copy, CopyIn::Open(to, {}));
  return Receive(*copy, CopyOut(*store), chunk_bytes);
}

void CopyDirectory(const std::string& from, const std::string& to) {
  std::filesystem::copy(from, to,
                        std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
}

class CopyTest : public testing::Test {
 protected:
  // `source_` holds 700 events and more, `behind_` its first 300 and more.
  CopyTest() {
    static const Made made;
    CopyDirectory(made.source.path(), source_.path());
    CopyDirectory(made.behind.path(), behind_.path());
  }

  struct Made {
    ScratchDirectory source;
    ScratchDirectory behind;
    Made() {
      LedgerMaker maker(source.path());
      maker.GrowTo(300);
      maker.Close();
      Keep(source.path(), 7, 5, "members before");
      CopyDirectory(source.path(), behind.path());
      maker.Open();
      maker.GrowTo(700);
      maker.Close();
      Keep(source.path(), 7, 6, "members now");
      Keep(source.path(), 9, 2, "members now");
      const std::unique_ptr<Store> store = OpenStore(behind.path(), false);
      // Applied, then not applied.
      EXPECT_TRUE(Staging(*store).Put({{{7, 6}, Sha256("a"), "a"}, {{9, 3}, Sha256("b"), "b"}}).ok());
    }
  };

  // What a sequencer would have had noted.
  static void Keep(const std::string& dir, uint64_t session, uint64_t number, const std::string& note) {
    EXPECT_TRUE(OpenStore(dir, false)
                    ->Write({{Family::kMeta, AppliedBatchKey(session), Be64(number)},
                             {Family::kMeta, std::string(kNoteKey), note}},
                            true)
                    .ok());
  }

  void ExpectCopied(const std::string& dir) {
    auto expected = RowsOf(source_.path());
    auto rows = RowsOf(dir);
    for (const auto* all : {&expected, &rows}) {
      for (const auto& [key, value] : *all) {
        if (key.first == Family::kStaged) continue;
        EXPECT_EQ(rows[key], expected[key]) << FamilyName(key.first) << " " << HexEncode(key.second);
      }
    }
    {
      const auto ledger = Ledger::Open(dir, {});
      ASSERT_TRUE(ledger.ok()) << ledger.status();
      EXPECT_TRUE((*ledger)->GetCheckpoint().ok());
    }
    const auto report = Fsck(dir, {});
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->ok()) << report->problems.front().what;
  }

  const ScratchDirectory source_;
  const ScratchDirectory behind_;
  const ScratchDirectory empty_;
};

TEST_F(CopyTest, AnEmptyDirectoryReceivesEverything) {
  const std::string dir = empty_.path() + "/new";
  ASSERT_TRUE(JoinLedger(dir, kTestOrigin).ok());
  EXPECT_EQ(*CopyIsUnfinished(dir), true);
  EXPECT_EQ(Ledger::Open(dir, {}).status().code(), StatusCode::kFailedPrecondition);
  ASSERT_TRUE(ReceiveAll(source_.path(), dir).ok());
  EXPECT_EQ(*CopyIsUnfinished(dir), false);
  ExpectCopied(dir);
  EXPECT_NE(*ReadSmallFile(CheckpointKeyPath(dir)), *ReadSmallFile(CheckpointKeyPath(source_.path())));
  // Harmless where there is the ledger.
  EXPECT_TRUE(JoinLedger(dir, kTestOrigin).ok());
  EXPECT_EQ(*CopyIsUnfinished(dir), false);
  EXPECT_EQ(JoinLedger(dir, "another.example/ledger").code(), StatusCode::kAlreadyExists);
}

// A chunk with room for many events has many, of whatever sizes; one event is in it however large.
TEST_F(CopyTest, ChunksAreFull) {
  const std::unique_ptr<Store> store = OpenStore(source_.path(), true);
  const CopyOut source(*store);
  const TreeSize size(source.Manifest()->applied().tree_size());
  size_t largest = 0;
  for (const size_t bytes_max : {kChunkBytes, size_t{5000}, size_t{1}}) {
    size_t all = 0;
    uint64_t chunks = 0;
    for (uint64_t next = 0; next < size.value; ++chunks) {
      const auto chunk = source.Chunk(LeafIndex(next), size, bytes_max);
      ASSERT_TRUE(chunk.ok()) << chunk.status();
      size_t bytes = 0;
      for (const internal::CopiedEvent& event : chunk->events()) {
        const size_t event_bytes = event.leaf().size() + event.body().size();
        largest = std::max(largest, event_bytes);
        bytes += event_bytes;
      }
      EXPECT_TRUE(bytes <= bytes_max || chunk->events_size() == 1) << bytes;
      all += bytes;
      next += static_cast<uint64_t>(chunk->events_size());
    }
    const uint64_t full = bytes_max > largest ? bytes_max - largest : 1;
    EXPECT_LE(chunks, std::min(all / full + 1, size.value)) << bytes_max;
  }
}

TEST(CopyOutTest, AnEventComesWithItsBodyOrNotAtAll) {
  const std::unique_ptr<Store> store = MakeMemoryStore();
  Rows rows;
  // Leaves of 10 bytes and bodies of all sizes around the limit; some were erased.
  const std::vector<size_t> sizes = {1, 300, 5, 0, 99, 79, 80, 0, 1, 1, 1, 200, 70, 10, 0, 0, 0, 0, 40, 30, 500};
  for (uint64_t i = 0; i < sizes.size(); ++i) {
    rows.push_back({Family::kLeaves, LeafKey(LeafIndex(i)), std::string(10, 'l')});
    if (sizes[i] > 0) rows.push_back({Family::kBodies, LeafKey(LeafIndex(i)), std::string(sizes[i], 'b')});
  }
  ASSERT_TRUE(store->Write(rows, false).ok());
  const CopyOut source(*store);
  for (const size_t bytes_max : {1, 15, 50, 90, 100, 300, 10000}) {
    for (uint64_t next = 0; next < sizes.size();) {
      const auto chunk = source.Chunk(LeafIndex(next), TreeSize(sizes.size()), bytes_max);
      ASSERT_TRUE(chunk.ok()) << chunk.status();
      ASSERT_GT(chunk->events_size(), 0);
      for (const internal::CopiedEvent& event : chunk->events()) {
        EXPECT_EQ(event.body().size(), sizes[next]) << "leaf " << next << ", chunks of " << bytes_max;
        ++next;
      }
    }
  }
}

TEST_F(CopyTest, ALedgerThatIsBehindReceivesTheRest) {
  ASSERT_TRUE(ReceiveAll(source_.path(), behind_.path()).ok());
  ExpectCopied(behind_.path());
  const std::unique_ptr<Store> store = OpenStore(behind_.path(), true);
  const Staging staging(*store);
  EXPECT_EQ(staging.List()->size(), 2u);
  EXPECT_EQ(*staging.IsApplied({7, 6}), true);
  EXPECT_EQ(*staging.IsApplied({9, 3}), false);
  EXPECT_EQ(**staging.Get({9, 3}), "b");
  EXPECT_EQ(**staging.Note(), "members now");
}

// Whoever copied an erasure knows of it, and has it purged where it had the body.
TEST_F(CopyTest, ErasuresAreKnownAndPurged) {
  const ScratchDirectory source;
  const ScratchDirectory behind;
  const ScratchDirectory empty;
  {
    LedgerMaker maker(source.path());
    const uint64_t subject = maker.ledger().tree_size();
    maker.Append(maker.admin().Write({EnrolByName("subject", kName)}));
    maker.Close();
    CopyDirectory(source.path(), behind.path());
    maker.Open();
    maker.Append(maker.admin().Write({EraseBodies({subject})}));
    maker.Close();
  }
  ASSERT_TRUE(ReceiveAll(source.path(), behind.path()).ok());
  const std::string made = empty.path() + "/new";
  ASSERT_TRUE(JoinLedger(made, kTestOrigin).ok());
  ASSERT_TRUE(ReceiveAll(source.path(), made).ok());
  EXPECT_TRUE(ReadErasing(*OpenStore(behind.path(), true))->purge_is_due());
  EXPECT_FALSE(ReadErasing(*OpenStore(made, true))->purge_is_due());
  EXPECT_GT(ReadErasing(*OpenStore(made, true))->purged, 0u);
  const auto ledger = Ledger::Open(behind.path(), {});
  ASSERT_TRUE(ledger.ok()) << ledger.status();
  EXPECT_TRUE((*ledger)->FinishErasures().ok());
  EXPECT_THAT(FilesHolding(behind.path(), kName), testing::IsEmpty());
}

// What the giver erased after it had given its manifest: the newer manifest says why the body did not come.
TEST_F(CopyTest, WhatIsErasedMeanwhileIsExplainedByTheNextManifest) {
  const ScratchDirectory source;
  const ScratchDirectory before;
  const ScratchDirectory empty;
  {
    LedgerMaker maker(source.path());
    const uint64_t subject = maker.ledger().tree_size();
    maker.Append(maker.admin().Write({EnrolByName("subject", kName)}));
    maker.Close();
    CopyDirectory(source.path(), before.path());
    maker.Open();
    maker.Append(maker.admin().Write({EraseBodies({subject})}));
    maker.Close();
  }
  const std::string made = empty.path() + "/new";
  ASSERT_TRUE(JoinLedger(made, kTestOrigin).ok());
  const std::unique_ptr<Store> store = OpenStore(source.path(), true);
  const CopyOut out(*store);
  const internal::CopyManifest manifest = *CopyOut(*OpenStore(before.path(), true)).Manifest();
  const TreeSize size(manifest.applied().tree_size());
  // What is given without an erasure that explains it is dropped in the end.
  for (const StatusCode code : {StatusCode::kFailedPrecondition, StatusCode::kInvalidArgument}) {
    const std::string dir = code == StatusCode::kInvalidArgument ? made + "-again" : made;
    if (code == StatusCode::kInvalidArgument) CopyDirectory(made, dir);
    const auto copy = CopyIn::Open(dir, {});
    ASSERT_TRUE(copy.ok()) << copy.status();
    ASSERT_TRUE((*copy)->Begin(manifest).ok());
    while ((*copy)->size() < size) {
      ASSERT_TRUE((*copy)->Add(*out.Chunk(LeafIndex((*copy)->size().value), size, kChunkBytes)).ok());
    }
    const Status finished = (*copy)->Finish();
    EXPECT_EQ(finished.code(), code) << finished;
    EXPECT_THAT(std::string(MessageOf(finished)), HasSubstr("without its body"));
  }
  const auto copy = CopyIn::Open(made, {});
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_EQ((*copy)->size(), size) << "what came is kept";
  EXPECT_TRUE(Receive(**copy, out).ok());
}

TEST_F(CopyTest, NothingIsCopiedToAFullDisk) {
  CopyOptions options;
  options.disk_reserve_bytes = uint64_t{1} << 60;
  EXPECT_EQ(CopyIn::Open(behind_.path(), options).status().code(), StatusCode::kResourceExhausted);
  ASSERT_TRUE(ReceiveAll(source_.path(), behind_.path()).ok());
}

TEST_F(CopyTest, OnlyTheRevisionIsAhead) {
  ASSERT_TRUE(ReceiveAll(source_.path(), behind_.path()).ok());
  internal::AppliedState applied;
  ASSERT_TRUE(applied.ParseFromString(**OpenStore(source_.path(), true)->Get(Family::kMeta, kAppliedKey)));
  applied.set_revision(applied.revision() + 5);
  ASSERT_TRUE(OpenStore(source_.path(), false)
                  ->Write({{Family::kMeta, std::string(kAppliedKey), applied.SerializeAsString()}}, true)
                  .ok());
  ASSERT_TRUE(ReceiveAll(source_.path(), behind_.path()).ok());
  ExpectCopied(behind_.path());
}

TEST_F(CopyTest, GoesOnWhereItWasInterrupted) {
  const std::unique_ptr<Store> source = OpenStore(source_.path(), true);
  const CopyOut out(*source);
  const internal::CopyManifest manifest = *out.Manifest();
  const TreeSize size(manifest.applied().tree_size());
  uint64_t reached = 0;
  for (int part = 0; part < 3; ++part) {
    const auto copy = CopyIn::Open(behind_.path(), {});
    ASSERT_TRUE(copy.ok()) << copy.status();
    EXPECT_GE((*copy)->size().value, std::max<uint64_t>(reached, 300));
    ASSERT_TRUE((*copy)->Begin(manifest).ok());
    ASSERT_TRUE((*copy)->Add(*out.Chunk(LeafIndex((*copy)->size().value), size, kChunkBytes)).ok());
    reached = (*copy)->size().value;
    ASSERT_LT(reached, size.value);
    EXPECT_EQ((*copy)->Finish().code(), StatusCode::kFailedPrecondition);
  }
  EXPECT_EQ(Ledger::Open(behind_.path(), {}).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Fsck(behind_.path(), {}).status().code(), StatusCode::kFailedPrecondition);
  ASSERT_TRUE(ReceiveAll(source_.path(), behind_.path()).ok());
  ExpectCopied(behind_.path());
}

TEST_F(CopyTest, DamageToWhatWasCopiedIsFoundAndCopiedAgain) {
  const std::unique_ptr<Store> source = OpenStore(source_.path(), true);
  const CopyOut out(*source);
  {
    auto copy = CopyIn::Open(behind_.path(), {});
    ASSERT_TRUE((*copy)->Begin(*out.Manifest()).ok());
    const uint64_t size = (*copy)->size().value;
    ASSERT_TRUE((*copy)->Add(*out.Chunk(LeafIndex(size), TreeSize(size + 40), kChunkBytes)).ok());
    const auto key = LeafKey(LeafIndex(size + 3));
    copy->reset();
    ASSERT_TRUE(OpenStore(behind_.path(), false)->Remove(Family::kLeaves, {key}).ok());
  }
  ASSERT_TRUE(ReceiveAll(source_.path(), behind_.path()).ok());
  ExpectCopied(behind_.path());
}

TEST_F(CopyTest, CanBeCancelled) {
  bool cancelled = false;
  CopyOptions options;
  options.cancelled = [&] { return cancelled; };
  const std::unique_ptr<Store> source = OpenStore(source_.path(), true);
  const CopyOut out(*source);
  {
    const auto copy = CopyIn::Open(behind_.path(), options);
    ASSERT_TRUE((*copy)->Begin(*out.Manifest()).ok());
    cancelled = true;
    EXPECT_EQ(Receive(**copy, out).code(), StatusCode::kCancelled);
  }
  cancelled = false;
  ASSERT_TRUE(ReceiveAll(source_.path(), behind_.path()).ok());
  ExpectCopied(behind_.path());
}

// --- A giver that lies ---

TEST_F(CopyTest, AManifestThatDoesNotFitBeginsNothing) {
  const std::unique_ptr<Store> source = OpenStore(source_.path(), true);
  const internal::CopyManifest manifest = *CopyOut(*source).Manifest();
  const auto before = RowsOf(behind_.path());
  const auto refused = [&](StatusCode code, const std::function<void(internal::CopyManifest&)>& change) {
    internal::CopyManifest changed = manifest;
    change(changed);
    auto copy = CopyIn::Open(behind_.path(), {});
    ASSERT_TRUE(copy.ok()) << copy.status();
    const Status begun = (*copy)->Begin(changed);
    EXPECT_EQ(begun.code(), code) << begun;
    copy->reset();
    EXPECT_EQ(*CopyIsUnfinished(behind_.path()), false);
  };
  using Manifest = internal::CopyManifest;
  refused(StatusCode::kFailedPrecondition, [](Manifest& m) { m.set_origin("another.example/ledger"); });
  refused(StatusCode::kFailedPrecondition, [](Manifest& m) {
    m.mutable_applied()->set_revision(1);
    m.mutable_applied()->set_digest_revision(1);
  });
  refused(StatusCode::kFailedPrecondition, [](Manifest& m) { m.mutable_applied()->set_tree_size(299); });
  refused(StatusCode::kFailedPrecondition, [](Manifest& m) { m.clear_applied_batches(); });
  refused(StatusCode::kFailedPrecondition, [](Manifest& m) { m.mutable_applied_batches(0)->set_number(4); });
  refused(StatusCode::kInvalidArgument, [](Manifest& m) { m.mutable_applied()->set_tree_size(0); });
  refused(StatusCode::kInvalidArgument, [](Manifest& m) { m.mutable_applied()->set_tree_size(UINT64_MAX); });
  refused(StatusCode::kInvalidArgument, [](Manifest& m) { m.mutable_applied()->clear_root(); });
  refused(StatusCode::kInvalidArgument, [](Manifest& m) { m.mutable_applied()->set_state_digest("short"); });
  refused(StatusCode::kInvalidArgument, [](Manifest& m) { m.mutable_applied()->set_digest_revision(UINT64_MAX); });
  EXPECT_EQ(RowsOf(behind_.path()), before);
}

TEST_F(CopyTest, NothingIsServedFromALedgerWithoutEvents) {
  const std::unique_ptr<Store> store = MakeMemoryStore();
  EXPECT_EQ(CopyOut(*store).Manifest().status().code(), StatusCode::kFailedPrecondition);
}

class LyingGiverTest : public CopyTest {
 protected:
  // Copies, with what is sent changed, expects INVALID_ARGUMENT with `what`, and that nothing of it stays.
  void ExpectRefused(const std::string& what, const std::function<void(internal::CopyManifest&)>& change_manifest,
                     const std::function<void(internal::CopyChunk&)>& change_chunk) {
    const auto before = RowsOf(behind_.path());
    const std::unique_ptr<Store> source = OpenStore(source_.path(), true);
    const CopyOut out(*source);
    auto copy = CopyIn::Open(behind_.path(), {});
    ASSERT_TRUE(copy.ok()) << copy.status();
    internal::CopyManifest manifest = *out.Manifest();
    const TreeSize size(manifest.applied().tree_size());
    change_manifest(manifest);
    Status status = (*copy)->Begin(manifest);
    while (status.ok() && (*copy)->size().value < manifest.applied().tree_size()) {
      internal::CopyChunk chunk = *out.Chunk(LeafIndex((*copy)->size().value), size, kChunkBytes);
      change_chunk(chunk);
      status = (*copy)->Add(chunk);
    }
    if (status.ok()) status = (*copy)->Finish();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << what << ": " << status;
    EXPECT_THAT(std::string(MessageOf(status)), HasSubstr(what));
    ASSERT_TRUE((*copy)->Abandon().ok());
    copy->reset();
    EXPECT_EQ(*CopyIsUnfinished(behind_.path()), false);
    EXPECT_EQ(RowsOf(behind_.path()), before) << what;
  }
  void ExpectChunkRefused(const std::string& what, const std::function<void(internal::CopyChunk&)>& change) {
    ExpectRefused(
        what, [](internal::CopyManifest&) {}, change);
  }
  void ExpectManifestRefused(const std::string& what, const std::function<void(internal::CopyManifest&)>& change) {
    ExpectRefused(what, change, [](internal::CopyChunk&) {});
  }
};

TEST_F(LyingGiverTest, Manifests) {
  using Manifest = internal::CopyManifest;
  ExpectManifestRefused("the root", [](Manifest& m) { m.mutable_applied()->mutable_root()->at(3) ^= 1; });
  ExpectManifestRefused("the last recorded time", [](Manifest& m) {
    m.mutable_applied()->set_last_recorded_us(m.applied().last_recorded_us() + 1);
  });
}

TEST_F(LyingGiverTest, Chunks) {
  using Chunk = internal::CopyChunk;
  ExpectChunkRefused("are missing", [](Chunk& c) { c.set_first_index(c.first_index() + 1); });
  ExpectChunkRefused("are missing", [](Chunk& c) { c.set_first_index(0); });
  ExpectChunkRefused("are missing", [](Chunk& c) { c.clear_events(); });
  ExpectChunkRefused("are missing", [](Chunk& c) {
    while (c.events_size() < 2000) *c.add_events() = c.events(0);
  });
  ExpectChunkRefused("leaf", [](Chunk& c) { c.mutable_events(2)->clear_leaf(); });
  ExpectChunkRefused("body", [](Chunk& c) { c.mutable_events(2)->clear_body(); });
  ExpectChunkRefused("body", [](Chunk& c) { c.mutable_events(2)->mutable_body()->append("x"); });
  ExpectChunkRefused("body", [](Chunk& c) { c.mutable_events(2)->mutable_body()->at(1) ^= 1; });
  ExpectChunkRefused("body", [](Chunk& c) { c.mutable_events(2)->mutable_body()->back() ^= 1; });
  ExpectChunkRefused("leaf", [](Chunk& c) { c.mutable_events()->SwapElements(1, 2); });
  ExpectChunkRefused("leaf", [](Chunk& c) { *c.mutable_events(1) = c.events(0); });
  ExpectChunkRefused("leaf", [](Chunk& c) { c.mutable_events()->DeleteSubrange(1, 1); });
  // A whole run less.
  ExpectChunkRefused("leaf", [](Chunk& c) {
    const auto end_of_run = [&](int from) {
      while (from < c.events_size() && !ParseLeaf(c.events(from).leaf())->seal.has_value()) ++from;
      return from;
    };
    const int last = end_of_run(0);
    const int next = end_of_run(last + 1);
    if (next < c.events_size()) c.mutable_events()->DeleteSubrange(last + 1, next - last);
  });
}

TEST_F(LyingGiverTest, EveryByteOfALeafIsCovered) {
  const std::unique_ptr<Store> source = OpenStore(source_.path(), true);
  const CopyOut out(*source);
  internal::CopyManifest manifest = *out.Manifest();
  std::mt19937_64 random(5);
  for (int round = 0; round < Repeated(25); ++round) {
    auto copy = CopyIn::Open(behind_.path(), {});
    ASSERT_TRUE(copy.ok()) << copy.status();
    ASSERT_TRUE((*copy)->Begin(manifest).ok());
    const TreeSize size(manifest.applied().tree_size());
    const uint64_t flipped = (*copy)->size().value + random() % (size.value - (*copy)->size().value);
    Status status;
    while (status.ok() && (*copy)->size() < size) {
      internal::CopyChunk chunk = *out.Chunk(LeafIndex((*copy)->size().value), size, kChunkBytes);
      if (flipped >= chunk.first_index() && flipped - chunk.first_index() < uint64_t(chunk.events_size())) {
        std::string& leaf = *chunk.mutable_events(static_cast<int>(flipped - chunk.first_index()))->mutable_leaf();
        leaf[random() % leaf.size()] ^= static_cast<char>(1 << random() % 8);
      }
      status = (*copy)->Add(chunk);
    }
    if (status.ok()) status = (*copy)->Finish();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status;
    ASSERT_TRUE((*copy)->Abandon().ok());
  }
  ASSERT_TRUE(ReceiveAll(source_.path(), behind_.path()).ok());
  ExpectCopied(behind_.path());
}

// --- Killed ---

// What the next test runs in processes of its own; there ANAMNESIS_COPY says FROM:TO.
const OwnTest kReceive = {"CopyProcess.DISABLED_Receive", "ANAMNESIS_COPY"};

TEST(CopyProcess, DISABLED_Receive) {
  const char* const directories = std::getenv("ANAMNESIS_COPY");
  ASSERT_NE(directories, nullptr);
  const std::string text = directories;
  const size_t colon = text.find(':');
  // In hundreds of chunks, so that a process is mostly between two of them when it is killed.
  const Status received = ReceiveAll(text.substr(0, colon), text.substr(colon + 1), 1);
  EXPECT_TRUE(received.ok()) << received;
}

TEST_F(CopyTest, KilledAtAnyMomentItGoesOn) {
  const auto before = RowsOf(behind_.path());
  const ScratchDirectory undisturbed;
  CopyDirectory(behind_.path(), undisturbed.path());
  const auto whole = RunWhole(kReceive, Text(source_.path(), ":", undisturbed.path()));
  std::mt19937_64 random(11);
  int unfinished = 0;
  const int kills = KillUntilItEnds(kReceive, Text(source_.path(), ":", behind_.path()), whole, random, [&] {
    if (*CopyIsUnfinished(behind_.path())) {
      ++unfinished;
      EXPECT_EQ(Ledger::Open(behind_.path(), {}).status().code(), StatusCode::kFailedPrecondition);
      return false;
    }
    if (RowsOf(behind_.path()) == before) return false;
    EXPECT_GE((*Ledger::Open(behind_.path(), {}))->GetStatus().tree_size(), 700);
    return true;
  });
  EXPECT_GT(kills, 5);
  EXPECT_GT(unfinished, 0);
  ExpectCopied(behind_.path());
}

}  // namespace
}  // namespace anamnesis
