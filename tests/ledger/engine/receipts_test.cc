// ReceiptService's answers by the ledger itself: under one checkpoint, in both forms, and tied to older ones.

#include "ledger/engine/receipts.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "ledger/cose/cose_receipt.h"
#include "ledger/engine/checkpoint_signers.h"
#include "ledger/engine/clock.h"
#include "ledger/keys/key_file.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/merkle/verify.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/signed_note.h"
#include "ledger/note/tlog_proof.h"
#include "tests/ledger/engine/stored_ledger.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

using absl::StatusCode;

class ReceiptsTest : public testing::Test {
 protected:
  ReceiptsTest() { maker_.GrowTo(20); }

  Ledger& ledger() { return maker_.ledger(); }
  std::vector<VerifierKey> Keys() { return {VerifierKey::Parse(ledger().GetStatus().verifier_key()).value()}; }
  v1::Event EventAt(uint64_t index) {
    v1::GetEventRequest request;
    request.set_index(index);
    return ledger().GetEvent(request).value();
  }
  std::string SubjectAt(uint64_t index) {
    return SubjectOfEvent(EventId::FromBytes(EventAt(index).header().event_id()).value());
  }

  ScratchDirectory directory_;
  LedgerMaker maker_{directory_.path() + "/ledger"};
};

TEST_F(ReceiptsTest, EveryLeafInBothFormsUnderOneCheckpoint) {
  v1::GetReceiptsRequest request;
  for (uint64_t index = 0; index < ledger().tree_size(); ++index) request.add_indexes(index);
  request.add_event_ids(EventAt(7).header().event_id());
  request.set_include_cose(true);
  const StatusOr<v1::GetReceiptsResponse> answer = ledger().GetReceipts(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->receipts_size(), request.indexes_size() + 1);
  EXPECT_EQ(answer->receipts(answer->receipts_size() - 1).SerializeAsString(), answer->receipts(7).SerializeAsString());
  const Checkpoint checkpoint = OpenCheckpoint(answer->checkpoint(), Keys()).value();
  EXPECT_EQ(checkpoint.size.value, answer->tree_size());
  for (const v1::ReceiptForms& forms : answer->receipts()) {
    const uint64_t index = forms.receipt().index();
    EXPECT_EQ(forms.receipt().leaf(), EventAt(index).leaf());
    EXPECT_FALSE(forms.receipt().has_body());
    const TlogProof proof = ParseTlogProof(forms.receipt().tlog_proof()).value();
    EXPECT_EQ(VerifyTlogProof(proof, forms.receipt().leaf(), Keys()).value(), checkpoint);
    const CoseReceipt cose = ParseCoseReceipt(forms.cose()).value();
    EXPECT_EQ(std::get<CoseInclusion>(cose.proof).index.value, index);
    EXPECT_EQ(VerifyCoseInclusion(cose, forms.receipt().leaf(), SubjectAt(index), Keys()).value(), checkpoint);
  }
}

TEST_F(ReceiptsTest, AnEventThatNothingNamesIsNotTheFirst) {
  EXPECT_EQ(ledger().GetEvent(v1::GetEventRequest()).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(EventAt(0).index(), 0u);
}

TEST_F(ReceiptsTest, OlderCheckpointsAreContinued) {
  std::vector<Checkpoint> older;
  v1::GetReceiptsRequest request;
  request.set_include_cose(true);
  for (int i = 0; i < 4; ++i) {
    older.push_back(OpenCheckpoint(ledger().GetCheckpoint()->note(), Keys()).value());
    request.add_older_sizes(older.back().size.value);
    if (i < 3) maker_.GrowTo(ledger().tree_size() + 3);
  }
  const StatusOr<v1::GetReceiptsResponse> answer = ledger().GetReceipts(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  const Checkpoint newest = OpenCheckpoint(answer->checkpoint(), Keys()).value();
  ASSERT_EQ(answer->older_size(), 4);
  for (int i = 0; i < 4; ++i) {
    const Checkpoint& from = older[static_cast<size_t>(i)];
    std::vector<Digest> hashes;
    for (const std::string& hash : answer->older(i).hashes()) hashes.push_back(Digest::FromBytes(hash).value());
    EXPECT_TRUE(VerifyConsistency(from.size, newest.size, hashes, from.root, newest.root).ok());
    // The last one is the newest itself.
    ASSERT_EQ(answer->older(i).cose().empty(), from == newest);
    if (from == newest) continue;
    EXPECT_EQ(VerifyCoseConsistency(ParseCoseReceipt(answer->older(i).cose()).value(), from, Keys()).value(), newest);
  }
}

TEST_F(ReceiptsTest, WithBodiesWhereTheyAreAskedFor) {
  v1::GetReceiptsRequest request;
  request.add_indexes(3);
  request.set_include_bodies(true);
  const v1::GetReceiptsResponse answer = ledger().GetReceipts(request).value();
  EXPECT_EQ(answer.receipts(0).receipt().body().content(), EventAt(3).body().content());
  EXPECT_TRUE(answer.receipts(0).cose().empty());
}

TEST_F(ReceiptsTest, WhatThereIsNotAndWhatIsTooMuchIsRefused) {
  const auto code = [&](auto fill) {
    v1::GetReceiptsRequest request;
    fill(request);
    return ledger().GetReceipts(request).status().code();
  };
  const uint64_t size = ledger().tree_size();
  EXPECT_EQ(code([](auto&) {}), StatusCode::kOk);
  EXPECT_EQ(code([&](auto& request) { request.add_indexes(size); }), StatusCode::kNotFound);
  EXPECT_EQ(code([](auto& request) { request.add_event_ids(std::string(16, 'x')); }), StatusCode::kNotFound);
  EXPECT_EQ(code([](auto& request) { request.add_event_ids("short"); }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](auto& request) { request.add_older_sizes(0); }), StatusCode::kOutOfRange);
  EXPECT_EQ(code([&](auto& request) { request.add_older_sizes(size + 1); }), StatusCode::kOutOfRange);
  EXPECT_EQ(code([](auto& request) {
              for (int i = 0; i < 256; ++i) request.add_indexes(0);
            }),
            StatusCode::kOk);
  EXPECT_EQ(code([](auto& request) {
              for (int i = 0; i < 257; ++i) request.add_indexes(0);
            }),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](auto& request) {
              for (int i = 0; i < 257; ++i) request.add_older_sizes(1);
            }),
            StatusCode::kInvalidArgument);
}

// A checkpoint that was published stays the one that receipts are under, whatever came since.
TEST_F(ReceiptsTest, UnderACheckpointThatWasSignedBefore) {
  const std::string note = ledger().GetCheckpoint()->note();
  const Checkpoint before = OpenCheckpoint(note, Keys()).value();
  maker_.GrowTo(ledger().tree_size() + 3);
  v1::GetReceiptsRequest request;
  request.add_indexes(before.size.value - 1);
  request.set_include_cose(true);
  const StatusOr<v1::GetReceiptsResponse> answer = ledger().GetReceiptsUnder(note, request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->checkpoint(), note);
  const CoseReceipt cose = ParseCoseReceipt(answer->receipts(0).cose()).value();
  EXPECT_EQ(VerifyCoseInclusion(cose, EventAt(before.size.value - 1).leaf(), SubjectAt(before.size.value - 1), Keys())
                .value(),
            before);
  request.add_indexes(before.size.value);
  EXPECT_EQ(ledger().GetReceiptsUnder(note, request).status().code(), StatusCode::kNotFound);
  // Nobody else's, and none over more than there is.
  EXPECT_FALSE(ledger().GetReceiptsUnder("x" + note, {}).ok());
  const NamedKey other{std::string(kTestOrigin), KeyOfSeed(77)};
  SignedNote forged{FormatCheckpointText(before), {}};
  forged.signatures.push_back(SignNote(forged.text, other.name, other.key));
  EXPECT_EQ(ledger().GetReceiptsUnder(FormatSignedNote(forged), {}).status().code(), StatusCode::kUnauthenticated);
  const NamedKey own = ReadKeyFile(directory_.path() + "/ledger/checkpoint.key").value();
  SignedNote later{FormatCheckpointText({before.origin, TreeSize(10000), before.root}), {}};
  later.signatures.push_back(SignNote(later.text, own.name, own.key));
  EXPECT_EQ(ledger().GetReceiptsUnder(FormatSignedNote(later), {}).status().code(), StatusCode::kUnavailable);
}

// Nothing is signed but the tree of a checkpoint that was signed before, over leaves that were read back; also when the
// key that signed it is held no more, and then by the one that is.
TEST_F(ReceiptsTest, OnlyTheTreeOfAnOwnCheckpointIsSigned) {
  const std::string note = ledger().GetCheckpoint()->note();
  const Checkpoint before = ParseCheckpointText(ParseSignedNote(note)->text).value();
  maker_.Close();
  const std::string key_path = directory_.path() + "/ledger/checkpoint.key";
  const NamedKey old_key = ReadKeyFile(key_path).value();
  std::filesystem::remove(key_path);
  const NamedKey new_key = NewKeyFile(key_path, old_key.name).value();
  const auto store = OpenRocksStore(DatabasePath(directory_.path() + "/ledger"), StoreOptions{});
  ASSERT_TRUE(store.ok()) << store.status();
  const std::string dir = directory_.path() + "/ledger";
  const std::string origin = ParseCheckpointText(ParseSignedNote(note)->text)->origin;
  auto signers = CheckpointSigners::Open(**store, dir, origin, SystemClock());
  ASSERT_TRUE(signers.ok()) << signers.status();
  Checkpointer checkpointer(**store, *std::move(signers), origin, dir);
  CoseReceipt receipt;
  EXPECT_TRUE(absl::IsUnavailable(checkpointer.SignCose(note, {&receipt, 1}))) << "nothing was read back";
  ASSERT_TRUE(checkpointer.Load(before.size).ok());
  EXPECT_TRUE(checkpointer.SignCose(note, {&receipt, 1}).ok());
  EXPECT_TRUE(
      VerifyEd25519(new_key.key.public_key(), CoseSignedBytes(receipt.claims, before.root), receipt.signature.view())
          .ok());
  // Whoever has the old key can't have another tree signed with the new one.
  SignedNote forged{FormatCheckpointText({origin, before.size, LeafHash("x")}), {}};
  forged.signatures.push_back(SignNote(forged.text, origin, old_key.key));
  for (const std::string& other :
       {std::string(), note.substr(0, note.size() - 1), "x" + note,
        note.substr(0, note.find("\n\n") + 2) + "— w AAAAAAA=\n", FormatSignedNote(forged)}) {
    CoseReceipt unsigned_receipt;
    EXPECT_FALSE(checkpointer.SignCose(other, {&unsigned_receipt, 1}).ok()) << other;
    EXPECT_EQ(unsigned_receipt.signature, Signature());
  }
}

}  // namespace
}  // namespace anamnesis
