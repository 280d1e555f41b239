#ifndef ANAMNESIS_TESTS_LEDGER_RULES_REFUSALS_H_
#define ANAMNESIS_TESTS_LEDGER_RULES_REFUSALS_H_

// What a refusal must look like.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "ledger/event/refusal.h"

namespace anamnesis {

// A Status that carries `reason` for `field` with the code that errors.proto states.
inline void ExpectRefused(const Status& status, v1::RefusalReason reason, const std::string& field,
                          absl::StatusCode code) {
  EXPECT_EQ(status.code(), code) << status;
  const std::optional<v1::RefusalDetail> detail = RefusalDetailOf(status);
  ASSERT_TRUE(detail.has_value()) << status;
  EXPECT_EQ(v1::RefusalReason_Name(detail->reason()), v1::RefusalReason_Name(reason)) << status;
  EXPECT_EQ(detail->field(), field) << status;
  EXPECT_FALSE(MessageOf(status).empty());
}

// The detail, of a default when there is none (which the comparison that follows then shows).
inline v1::RefusalDetail DetailOf(const Status& status) {
  return RefusalDetailOf(status).value_or(v1::RefusalDetail());
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_RULES_REFUSALS_H_
