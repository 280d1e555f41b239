// A node that cosigns as itself, over its own leaves: what it is asked to cosign, and what it does after a restart.

#include "node/checkpoint/own_audit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "ledger/commit/apply.h"
#include "ledger/commit/stored_tiles.h"
#include "ledger/engine/layout.h"
#include "ledger/event/header.h"
#include "ledger/event/leaf.h"
#include "ledger/keys/key_file.h"
#include "ledger/merkle/proof.h"
#include "ledger/merkle/tiles.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/signed_note.h"
#include "ledger/note/tlog_proof.h"
#include "ledger/store/store.h"
#include "node/checkpoint/add_checkpoint.h"
#include "node/checkpoint/witness.h"
#include "tests/ledger/engine/stored_ledger.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

class OwnAuditTest : public testing::Test {
 protected:
  OwnAuditTest() {
    maker_.GrowTo(30);
    Open();
  }

  void Open() {
    WitnessOptions options{dir_.path() + "/witness", {"own.example/w", KeyOfSeed(1000)}};
    const VerifierKey key = VerifierKey::Parse(maker_.ledger().GetStatus().verifier_key()).value();
    options.logs.push_back({std::string(kTestOrigin), {key}, [this](TreeSize size) { return audit_->RootAt(size); }});
    witness_ = Witness::Open(std::move(options)).value();
    audit_ = std::make_unique<OwnAudit>(maker_.ledger(), std::string(kTestOrigin), witness_->LastCosigned(kTestOrigin));
  }

  // The first size from `from` on that ends a run, or doesn't.
  uint64_t Find(uint64_t from, bool ends) {
    const std::unique_ptr<RowReader> rows = maker_.ledger().View();
    for (uint64_t size = from;; ++size) {
      const std::string leaf = rows->Get(Family::kLeaves, LeafKey(LeafIndex(size - 1)))->value();
      const LeafView view = *ParseLeaf(leaf);
      // Those of the ledger itself are in no run.
      if (ParseHeader(view.header)->fields.stream() == kLedgerStream) continue;
      if (view.seal.has_value() == ends) return size;
    }
  }

  AddCheckpointAnswer Add(uint64_t old_size, uint64_t size, std::string note) {
    AddCheckpointRequest asked{TreeSize(old_size), {}, std::move(note)};
    if (old_size > 0) {
      v1::GetConsistencyProofRequest between;
      between.set_from_size(old_size);
      between.set_to_size(size);
      const v1::ConsistencyProof proof = maker_.ledger().GetConsistencyProof(between).value();
      for (const std::string& hash : proof.hashes()) asked.proof.push_back(Digest::FromBytes(hash).value());
    }
    return witness_->Add(FormatAddCheckpoint(asked));
  }
  // Asks as anybody can: with the note of a receipt of that size.
  AddCheckpointAnswer Ask(uint64_t old_size, uint64_t size) {
    v1::GetReceiptRequest request;
    request.set_tree_size(size);
    const v1::Receipt receipt = maker_.ledger().GetReceipt(request).value();
    return Add(old_size, size, ParseTlogProof(receipt.tlog_proof()).value().checkpoint_note);
  }
  // As the log signs it, whatever it says.
  std::string NoteOf(uint64_t size, const Digest& root) const {
    const NamedKey key = ReadKeyFile(CheckpointKeyPath(dir_.path() + "/ledger")).value();
    SignedNote note{FormatCheckpointText({std::string(kTestOrigin), TreeSize(size), root}), {}};
    note.signatures.push_back(SignNote(note.text, key.name, key.key));
    return FormatSignedNote(note);
  }
  std::string refused() const { return witness_->State().front().refused; }

  ScratchDirectory dir_;
  LedgerMaker maker_{dir_.path() + "/ledger"};
  std::unique_ptr<Witness> witness_;
  std::unique_ptr<OwnAudit> audit_;
};

TEST_F(OwnAuditTest, ASizeInsideARunIsNotCosignedAndIsNoAlarm) {
  const uint64_t before = Find(4, true);
  ASSERT_EQ(Ask(0, before).status, 200);
  const uint64_t inside = Find(before, false);
  for (const bool audited : {false, true}) {
    if (audited) {
      ASSERT_TRUE(audit_->Advance(UINT64_MAX).ok());
    }
    const AddCheckpointAnswer answer = Ask(before, inside);
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.body, testing::HasSubstr("is inside a run"));
    EXPECT_EQ(refused(), "");
  }
  EXPECT_EQ(witness_->LastCosigned(kTestOrigin)->size, TreeSize(before));
  const uint64_t after = Find(inside, true);
  EXPECT_EQ(Ask(before, after).status, 200);
  Open();
  EXPECT_TRUE(audit_->Advance(UINT64_MAX).ok());
  EXPECT_EQ(Ask(after, Find(after + 1, true)).status, 200);
}

// What the log signed otherwise is said wherever it ends.
TEST_F(OwnAuditTest, AnotherTreeOfASizeInsideARunIsAFork) {
  const uint64_t inside = Find(4, false);
  EXPECT_EQ(Add(0, inside, NoteOf(inside, LeafHash("another history"))).status, 422);
  EXPECT_NE(witness_->State().front().fork_evidence, "");
  EXPECT_THAT(refused(), testing::HasSubstr("signed another tree"));
}

// A node that cosigned one before it knew better: what it kept still says so.
TEST_F(OwnAuditTest, WhatCosignedInsideARunGoesOnWithThatRun) {
  const uint64_t inside = Find(Find(4, true), false);
  const std::unique_ptr<RowReader> rows = maker_.ledger().View();
  const StoredTiles tiles(*rows);
  const Digest root = RootAt(TileNodeReader(tiles), TreeSize(inside)).value();
  OwnAudit audit(maker_.ledger(), std::string(kTestOrigin),
                 Checkpoint{std::string(kTestOrigin), TreeSize(inside), root});
  EXPECT_EQ(audit.Advance(UINT64_MAX), OkStatus());
  EXPECT_EQ(audit.RootAt(TreeSize(inside))->root, root);
  EXPECT_EQ(audit.size(), TreeSize(maker_.ledger().tree_size()));
}

}  // namespace
}  // namespace anamnesis
