#include "ledger/event/refusal.h"

#include <gtest/gtest.h>

#include <map>

namespace anamnesis {
namespace {

using absl::StatusCode;

// errors.proto states a code for every reason; a client acts on both.
TEST(RefusalTest, EveryReasonHasItsCode) {
  const std::map<v1::RefusalReason, StatusCode> codes = {
      {v1::MALFORMED, StatusCode::kInvalidArgument},
      {v1::OVER_LIMIT, StatusCode::kInvalidArgument},
      {v1::UNKNOWN_TYPE, StatusCode::kInvalidArgument},
      {v1::SCHEMA, StatusCode::kInvalidArgument},
      {v1::COMMITMENT_MISMATCH, StatusCode::kInvalidArgument},
      {v1::SEAL_INVALID, StatusCode::kUnauthenticated},
      {v1::KEY_UNKNOWN, StatusCode::kUnauthenticated},
      {v1::KEY_NOT_VALID, StatusCode::kPermissionDenied},
      {v1::NOT_THE_WRITER, StatusCode::kPermissionDenied},
      {v1::ROLE_MISSING, StatusCode::kPermissionDenied},
      {v1::CHAIN_BROKEN, StatusCode::kFailedPrecondition},
      {v1::EVENT_ID_TAKEN, StatusCode::kAlreadyExists},
      {v1::REFERENCE_INVALID, StatusCode::kFailedPrecondition},
      {v1::ENTITY_TAKEN, StatusCode::kAlreadyExists},
      {v1::NOT_FOUNDED, StatusCode::kFailedPrecondition},
      {v1::RULE_BROKEN, StatusCode::kFailedPrecondition},
      {v1::SIGNATURE_INCOMPLETE, StatusCode::kFailedPrecondition},
      {v1::OUT_OF_SCOPE, StatusCode::kPermissionDenied},
  };
  EXPECT_EQ(static_cast<int>(codes.size()), v1::RefusalReason_descriptor()->value_count() - 1);
  for (const auto& [reason, code] : codes) {
    const Status status = Refuse(reason, "a.field", "why");
    EXPECT_EQ(status.code(), code) << v1::RefusalReason_Name(reason);
    ASSERT_TRUE(RefusalDetailOf(status).has_value());
    EXPECT_EQ(RefusalDetailOf(status)->reason(), reason);
    EXPECT_EQ(RefusalDetailOf(status)->field(), "a.field");
  }
}

TEST(RefusalTest, CrossesRpcUnchanged) {
  v1::RefusalDetail detail;
  detail.set_reason(v1::CHAIN_BROKEN);
  detail.set_head_position(7);
  detail.set_head_digest(std::string(32, '\0'));
  const Status status = AtPlace(Refuse(detail, "why"), 3, 4);
  const Status back = FromRpcStatus(ToRpcStatus(status));
  EXPECT_EQ(back, status);
  EXPECT_EQ(RefusalDetailOf(back)->run_index(), 3u);
  EXPECT_EQ(RefusalDetailOf(back)->event_index(), 4u);
  EXPECT_EQ(RefusalDetailOf(back)->head_digest(), std::string(32, '\0'));
  const Status plain = absl::NotFoundError("nothing");
  EXPECT_EQ(FromRpcStatus(ToRpcStatus(plain)), plain);
  EXPECT_FALSE(RefusalDetailOf(plain).has_value());
  EXPECT_EQ(AtPlace(plain, 1, 1), plain);
  EXPECT_TRUE(FromRpcStatus(ToRpcStatus(OkStatus())).ok());
}

TEST(RefusalTest, ContextKeepsTheDetail) {
  const Status status = WithContext(RefuseOverLimit("f", 3, 4), "while testing");
  EXPECT_TRUE(MessageOf(status).starts_with("while testing: "));
  EXPECT_EQ(RefusalDetailOf(status)->value(), 4u);
}

}  // namespace
}  // namespace anamnesis
