#include "ledger/query/wording.h"

#include <gtest/gtest.h>

namespace anamnesis {
namespace {

TEST(Wording, AUnitIsNoPartOfTheNumber) {
  EXPECT_EQ(QuantityText("0.92", ""), "0.92");
  EXPECT_EQ(QuantityText("0.92", "1"), "0.92");
  EXPECT_EQ(QuantityText("3", "1/h"), "3 1/h");
  EXPECT_EQ(QuantityText("3", "10*3/uL"), "3 10*3/uL");
  EXPECT_EQ(QuantityText("92", "%"), "92%");
  EXPECT_EQ(QuantityText("5", "mmol/L"), "5 mmol/L");
}

}  // namespace
}  // namespace anamnesis
