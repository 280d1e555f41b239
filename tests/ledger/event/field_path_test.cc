#include "ledger/event/field_path.h"

#include <gtest/gtest.h>

namespace anamnesis {
namespace {

TEST(FieldPathTest, WordsWhereItIs) {
  const FieldPath body = {"body"};
  const FieldPath metric = {"metrics", &body, 2};
  const FieldPath value = {"value", &metric};
  EXPECT_EQ(body.text(), "body");
  EXPECT_EQ(metric.text(), "body.metrics[2]");
  EXPECT_EQ(value.text(), "body.metrics[2].value");
}

}  // namespace
}  // namespace anamnesis
