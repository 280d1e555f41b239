#include "ledger/crypto/pae.h"

#include <gtest/gtest.h>

#include <string>

namespace anamnesis {
namespace {

// The example of the DSSE specification.
TEST(DssePaeTest, PublishedExample) {
  EXPECT_EQ(DssePae("http://example.com/HelloWorld", "hello world"),
            "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
}

TEST(DssePaeTest, EmptyAndBinary) {
  EXPECT_EQ(DssePae("", ""), "DSSEv1 0  0 ");
  EXPECT_EQ(DssePae("t", std::string("\0\n", 2)), std::string("DSSEv1 1 t 2 \0\n", 15));
}

TEST(DssePaeTest, TheBorderBetweenTypeAndPayloadIsSigned) {
  EXPECT_NE(DssePae("a", " 1 b"), DssePae("a 4 ", "b"));
  EXPECT_NE(DssePae("ab", "c"), DssePae("a", "bc"));
}

}  // namespace
}  // namespace anamnesis
