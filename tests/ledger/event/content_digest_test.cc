#include "ledger/event/content_digest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/event/refusal.h"
#include "ledger/event/vocabulary.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

v1::ModelRegistered ModelWith(v1::DigestAlgorithm algorithm, const std::string& value) {
  v1::ModelRegistered body;
  v1::FileRecord& file = *body.add_files();
  file.set_path("model.pt");
  file.mutable_digest()->set_algorithm(algorithm);
  file.mutable_digest()->set_value(value);
  return body;
}

TEST(ContentDigestTest, HasAsManyBytesAsItsAlgorithmMakes) {
  const std::pair<v1::DigestAlgorithm, size_t> sizes[] = {
      {v1::SHA256, 32}, {v1::SHA512, 64}, {v1::SHA1, 20}, {v1::GIT_SHA1, 20}, {v1::MD5, 16}};
  for (const auto& [algorithm, size] : sizes) {
    EXPECT_TRUE(CheckDigests(ModelWith(algorithm, std::string(size, 'd'))).ok()) << algorithm;
    for (const size_t wrong : {size_t{0}, size_t{3}, size - 1, size + 1, size * 2}) {
      const Status status = CheckDigests(ModelWith(algorithm, std::string(wrong, 'd')));
      ASSERT_TRUE(RefusalDetailOf(status).has_value()) << algorithm << " " << wrong;
      EXPECT_EQ(RefusalDetailOf(status)->reason(), v1::SCHEMA);
      EXPECT_EQ(RefusalDetailOf(status)->field(), "body.files[0].digest");
    }
  }
  EXPECT_THAT(WhyNoDigest(v1::ContentDigest()), HasSubstr("names no digest algorithm"));
  // What names none is not asked.
  EXPECT_TRUE(CheckDigests(v1::ModelRegistered()).ok());
}

TEST(ContentDigestTest, HexadecimalThatWasReadAsBase64IsTold) {
  const std::string hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
  const StatusOr<std::string> read = Base64Decode(hex);
  ASSERT_TRUE(read.ok());
  const Status status = CheckDigests(ModelWith(v1::SHA256, *read));
  EXPECT_THAT(std::string(MessageOf(status)), HasSubstr("looks hexadecimal"));
  const Status other = CheckDigests(ModelWith(v1::SHA256, std::string(48, '\xff')));
  EXPECT_THAT(std::string(MessageOf(other)), Not(HasSubstr("looks hexadecimal")));
}

// Older versions recorded such digests without asking, and what is recorded is read.
TEST(ContentDigestTest, WhatIsStoredIsReadAsItIs) {
  const EventType& type = *Vocabulary::Get().FindNewest("model.registered");
  EXPECT_TRUE(ParseBody(type, ModelWith(v1::SHA256, "abc").SerializeAsString()).ok());
}

}  // namespace
}  // namespace anamnesis
