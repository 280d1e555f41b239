// Receipts over a stated size: many share one checkpoint, and it is the same whenever it is asked for.

#include <gtest/gtest.h>

#include "ledger/note/tlog_proof.h"
#include "tests/ledger/engine/stored_ledger.h"
#include "tests/support/scratch_directory.h"

namespace anamnesis {
namespace {

class ReceiptTest : public testing::Test {
 protected:
  StatusOr<v1::Receipt> Ask(LedgerMaker& maker, uint64_t index, uint64_t size) {
    v1::GetReceiptRequest request;
    request.set_index(index);
    request.set_tree_size(size);
    return maker.ledger().GetReceipt(request);
  }

  ScratchDirectory dir_;
};

TEST_F(ReceiptTest, EverySizeHasOneCheckpointHoweverMuchCameSince) {
  LedgerMaker maker(dir_.path());
  maker.GrowTo(40);
  const auto before = Ask(maker, 3, 40);
  ASSERT_TRUE(before.ok()) << before.status();
  maker.GrowTo(300);
  const auto key = VerifierKey::Parse(maker.ledger().GetStatus().verifier_key());
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(Ask(maker, 3, 40)->tlog_proof(), before->tlog_proof());
  for (const uint64_t size : {4, 5, 40, 255, 256, 257, 300}) {
    const auto receipt = Ask(maker, 3, size);
    ASSERT_TRUE(receipt.ok()) << receipt.status();
    EXPECT_EQ(receipt->tree_size(), size);
    const auto checkpoint = VerifyTlogProof(*ParseTlogProof(receipt->tlog_proof()), receipt->leaf(), {&*key, 1});
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    EXPECT_EQ(checkpoint->size.value, size);
    EXPECT_EQ(ParseTlogProof(Ask(maker, 0, size)->tlog_proof())->checkpoint_note,
              ParseTlogProof(receipt->tlog_proof())->checkpoint_note);
  }
}

TEST_F(ReceiptTest, ASizeThatDoesNotReachTheLeafOrIsNotThereIsRefused) {
  LedgerMaker maker(dir_.path());
  maker.GrowTo(40);
  EXPECT_TRUE(absl::IsOutOfRange(Ask(maker, 3, 3).status()));
  const uint64_t size = maker.ledger().tree_size();
  EXPECT_TRUE(absl::IsOutOfRange(Ask(maker, 3, size + 1).status()));
  EXPECT_TRUE(absl::IsOutOfRange(Ask(maker, 3, UINT64_MAX).status()));
  EXPECT_TRUE(absl::IsNotFound(Ask(maker, size, size + 1).status()));
}

}  // namespace
}  // namespace anamnesis
