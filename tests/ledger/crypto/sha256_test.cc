#include "ledger/crypto/sha256.h"

#include <gtest/gtest.h>

#include <string>

namespace anamnesis {
namespace {

// FIPS 180-4 examples, as published by NIST.
TEST(Sha256Test, PublishedExamples) {
  EXPECT_EQ(Sha256("").hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256("abc").hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").hex(),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Sha256(std::string(1000000, 'a')).hex(),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, PartsAndPiecesGiveTheDigestOfTheWhole) {
  std::string data;
  for (int i = 0; i < 300; ++i) data.push_back(static_cast<char>(i * 7));
  const Digest whole = Sha256(data);
  for (size_t cut = 0; cut <= data.size(); ++cut) {
    const std::string_view head = std::string_view(data).substr(0, cut);
    const std::string_view tail = std::string_view(data).substr(cut);
    EXPECT_EQ(Sha256({head, tail}), whole) << cut;
    Sha256Hasher hasher;
    hasher.Update(head);
    hasher.Update(tail);
    EXPECT_EQ(hasher.Finish(), whole) << cut;
  }
  EXPECT_EQ(Sha256({}), Sha256(""));
}

TEST(Sha256Test, FinishStartsAfreshAndACopyGoesOnByItself) {
  Sha256Hasher hasher;
  hasher.Update("a");
  Sha256Hasher fork = hasher;
  hasher.Update("b");
  fork.Update("c");
  EXPECT_EQ(hasher.Finish(), Sha256("ab"));
  EXPECT_EQ(fork.Finish(), Sha256("ac"));
  EXPECT_EQ(hasher.Finish(), Sha256(""));
}

}  // namespace
}  // namespace anamnesis
