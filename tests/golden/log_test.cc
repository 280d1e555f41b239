// The whole ledger in leaf.json, and ledger_decided.json: what Apply must compute, byte for byte.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "ledger/commit/apply.h"
#include "ledger/event/leaf.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/rules/admit.h"
#include "ledger/state/recorded_event.h"
#include "ledger/store/store.h"
#include "tests/golden/golden_vectors.h"

namespace anamnesis {
namespace {

using nlohmann::json;

// The small log, applied batch by batch.
struct SmallLog {
  SmallLog() : log(ReadGolden("leaf.json")["log"]), store(MakeMemoryStore()) { state.origin = log["origin"]; }

  std::string Leaf(uint64_t index) const {
    return store->Get(Family::kLeaves, LeafKey(LeafIndex(index)))->value_or("no such leaf");
  }

  CommitBatch Commit(const Batch& batch) {
    StatusOr<CommitBatch> commit =
        Apply(state, *store, Revision(state.revision.value + 1), batch, {}, std::nullopt, store.get());
    EXPECT_TRUE(commit.ok()) << commit.status();
    EXPECT_TRUE(store->Write(commit->rows->rows(), true).ok());
    state = commit->next;
    return *std::move(commit);
  }

  CommitBatch Commit(const json& item) {
    Batch batch;
    batch.proposed = Timestamp(item["proposed_us"].get<int64_t>());
    for (const json& run : item["runs"]) {
      StatusOr<AdmittedRun> admitted = AdmitRun(RunFromGolden(run), state.origin);
      EXPECT_TRUE(admitted.ok()) << admitted.status();
      batch.runs.push_back(std::make_shared<const AdmittedRun>(*std::move(admitted)));
    }
    return Commit(batch);
  }

  json log;
  std::unique_ptr<Store> store;
  LedgerState state;
};

TEST(GoldenLogTest, EveryLeafTimeAndRoot) {
  SmallLog small;
  ASSERT_EQ(small.state.frontier.Root().hex(), small.log["roots"][0]["root"].get<std::string>());
  for (const json& item : small.log["batches"]) {
    const uint64_t first = item["first_index"];
    ASSERT_EQ(small.state.size().value, first);
    const CommitBatch commit = small.Commit(item);
    std::vector<int64_t> recorded;
    uint64_t index = first;
    for (const RunVerdict& verdict : commit.verdicts) {
      ASSERT_TRUE(verdict.status.ok()) << verdict.status;
      EXPECT_FALSE(verdict.already_recorded);
      for (size_t i = 0; i < verdict.indexes.size(); ++i) {
        EXPECT_EQ(verdict.indexes[i].value, index++);
        recorded.push_back(verdict.recorded[i].us);
      }
    }
    EXPECT_EQ(recorded, item["recorded_at_us"].get<std::vector<int64_t>>()) << "batch at " << first;
    EXPECT_EQ(small.state.frontier.Root().hex(),
              small.log["roots"][small.state.size().value]["root"].get<std::string>());
  }
  const json& leaves = small.log["leaves"];
  ASSERT_EQ(small.state.size().value, leaves.size());
  Frontier frontier;
  for (const json& item : leaves) {
    const uint64_t index = item["index"];
    const std::string leaf = small.Leaf(index);
    ASSERT_EQ(HexEncode(leaf), item["leaf"].get<std::string>()) << index;
    EXPECT_EQ(LeafHash(leaf).hex(), item["leaf_hash"].get<std::string>()) << index;
    const StatusOr<LeafView> view = ParseLeaf(leaf);
    ASSERT_TRUE(view.ok()) << view.status();
    EXPECT_EQ(view->recorded.us, item["recorded_at_us"].get<int64_t>());
    EXPECT_EQ(view->seal.has_value(), item["sealed"].get<bool>());
    frontier.Append(LeafHash(leaf));
    EXPECT_EQ(frontier.Root().hex(), small.log["roots"][index + 1]["root"].get<std::string>()) << index + 1;
  }
}

TEST(GoldenLogTest, RetriedRunsAreWhereTheyWereFirst) {
  SmallLog small;
  for (const json& item : small.log["batches"]) small.Commit(item);
  const Digest root = small.state.frontier.Root();
  for (const json& item : small.log["batches"]) {
    const CommitBatch commit = small.Commit(item);
    uint64_t index = item["first_index"];
    for (const RunVerdict& verdict : commit.verdicts) {
      ASSERT_TRUE(verdict.status.ok()) << verdict.status;
      EXPECT_TRUE(verdict.already_recorded);
      for (LeafIndex at : verdict.indexes) EXPECT_EQ(at.value, index++);
    }
  }
  EXPECT_EQ(small.state.frontier.Root(), root);
}

TEST(GoldenLogTest, LedgerDecidedIdsNoncesAndHeaders) {
  const json decided = ReadGolden("ledger_decided.json");
  for (const json& item : decided["cases"]) {
    SCOPED_TRACE(item["name"].get<std::string>());
    const EventId id = LedgerEventId(decided["origin"].get<std::string>(), LeafIndex(item["leaf_index"]));
    EXPECT_EQ(HexEncode(id.view()), item["event_id"].get<std::string>());
    EXPECT_EQ(HexEncode(LedgerEventNonce(id)), item["nonce"].get<std::string>());
    EXPECT_EQ(HexEncode(FromJson<v1::EventHeader>(item["header"]).SerializeAsString()),
              item["header_bytes"].get<std::string>());
    const StatusOr<ParsedHeader> header = ParseHeader(Bytes(item["header_bytes"]));
    ASSERT_TRUE(header.ok()) << header.status();
    EXPECT_EQ(header->digest.hex(), item["header_digest"].get<std::string>());
    EXPECT_EQ(header->body_commitment.hex(), item["body_commitment"].get<std::string>());
    const std::string leaf =
        EncodeLeaf(Timestamp(item["recorded_at_us"].get<int64_t>()), Bytes(item["header_bytes"]), std::nullopt);
    EXPECT_EQ(HexEncode(leaf), item["leaf"].get<std::string>());
    EXPECT_EQ(LeafHash(leaf).hex(), item["leaf_hash"].get<std::string>());
  }
}

// The first case directly follows the small log. The others stand at indexes that no test of a second reaches, or
// (without a step) are what a later version may decide; their bytes are checked above.
TEST(GoldenLogTest, ABatchWithAClockStepIsPrecededByTheLedgersOwnEvent) {
  const json item = ReadGolden("ledger_decided.json")["cases"][0];
  SmallLog small;
  for (const json& batch : small.log["batches"]) small.Commit(batch);
  ASSERT_EQ(small.state.size().value, item["leaf_index"].get<uint64_t>());
  Batch batch;
  batch.proposed = Timestamp(std::stoll(item["body"]["proposedUs"].get<std::string>()));
  batch.clock_step_us = std::stoll(item["body"]["stepUs"].get<std::string>());
  small.Commit(batch);
  ASSERT_EQ(small.state.size().value, item["leaf_index"].get<uint64_t>() + 1);
  const uint64_t index = item["leaf_index"];
  EXPECT_EQ(HexEncode(small.Leaf(index)), item["leaf"].get<std::string>());
  EXPECT_EQ(HexEncode(small.store->Get(Family::kBodies, LeafKey(LeafIndex(index)))->value_or("")),
            item["nonce"].get<std::string>() + item["body_bytes"].get<std::string>());
}

}  // namespace
}  // namespace anamnesis
