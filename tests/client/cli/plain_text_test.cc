// Nothing that a ledger's writers chose acts on a terminal.

#include "client/cli/plain_text.h"

#include <iostream>
#include <sstream>

#include "gtest/gtest.h"

namespace anamnesis::cli {
namespace {

std::string Printed(std::string_view text) {
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  {
    const PlainOutput plain;
    std::cout << "id " << text << '\n';
  }
  std::cout.rdbuf(before);
  return out.str();
}

TEST(PlainText, WhatActsOnATerminalIsReplaced) {
  EXPECT_EQ(Printed("a\u00FC\tb"), "id a\u00FC\tb\n");
  EXPECT_EQ(Printed("r \x1b[2J\x1b[1;1Hverified"), "id r \uFFFD[2J\uFFFD[1;1Hverified\n");
  EXPECT_EQ(Printed("\u009B2J\r\x7F"), "id \uFFFD2J\uFFFD\uFFFD\n");
  EXPECT_EQ(Printed("\u202Egnp"), "id \uFFFDgnp\n");
  EXPECT_EQ(Printed("\x1b[32mverified\x1b[0m"), "id \uFFFD[32mverified\uFFFD[0m\n") << "no terminal, no colours";
}

TEST(PlainText, OneLineIsOneLine) { EXPECT_EQ(OneLine("a\nverified b\t\x1b"), "a verified b \uFFFD"); }

}  // namespace
}  // namespace anamnesis::cli
