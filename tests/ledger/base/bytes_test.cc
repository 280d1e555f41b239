#include "ledger/base/bytes.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace anamnesis {
namespace {

using absl::StatusCode;

TEST(BytesTest, IntegersAreBigEndian) {
  std::string out;
  AppendBigEndian32(out, 0x01020304);
  AppendBigEndian64(out, 0x05060708090a0b0c);
  EXPECT_EQ(HexEncode(out), "0102030405060708090a0b0c");
  ByteReader reader(out);
  EXPECT_EQ(*reader.BigEndian32(), 0x01020304u);
  EXPECT_EQ(*reader.BigEndian64(), 0x05060708090a0b0cu);
  EXPECT_TRUE(reader.empty());
}

TEST(BytesTest, OrderedIntegersSortAsBytes) {
  const std::vector<int64_t> ascending = {INT64_MIN, INT64_MIN + 1, -256, -255, -1, 0, 1, 255, 256, INT64_MAX};
  std::string last;
  for (const int64_t value : ascending) {
    std::string bytes;
    AppendOrdered64(bytes, value);
    ASSERT_EQ(bytes.size(), 8u);
    EXPECT_LT(last, bytes) << value;
    EXPECT_EQ(*ByteReader(bytes).Ordered64(), value);
    last = bytes;
  }
}

TEST(BytesTest, ReadsBeyondTheEndFail) {
  EXPECT_EQ(ByteReader("").Byte().status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(ByteReader("abc").BigEndian32().status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(ByteReader("abcdefg").BigEndian64().status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(ByteReader("abcdefg").Ordered64().status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(ByteReader("ab").Take(3).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(ByteReader("ab").Take(SIZE_MAX).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(*ByteReader("ab").Take(2), "ab");
  EXPECT_EQ(*ByteReader("ab").Take(0), "");
}

TEST(BytesTest, LengthPrefixes) {
  const std::string bytes(
      "\0\0\0\x02"
      "abc",
      7);
  ByteReader reader(bytes);
  EXPECT_EQ(*reader.LengthPrefixed32(), "ab");
  EXPECT_EQ(reader.rest(), "c");
  EXPECT_EQ(ByteReader(std::string_view("\0\0\0\x04"
                                        "abc",
                                        7))
                .LengthPrefixed32()
                .status()
                .code(),
            StatusCode::kOutOfRange);
  EXPECT_EQ(ByteReader("\xff\xff\xff\xff"
                       "abc")
                .LengthPrefixed32()
                .status()
                .code(),
            StatusCode::kOutOfRange);
  EXPECT_EQ(ByteReader(std::string_view("\0\0\0", 3)).LengthPrefixed32().status().code(), StatusCode::kOutOfRange);
}

TEST(BytesTest, Hexadecimal) {
  EXPECT_EQ(HexEncode(std::string("\0\x7f\xff", 3)), "007fff");
  EXPECT_EQ(*HexDecode("007FfF"), std::string("\0\x7f\xff", 3));
  EXPECT_EQ(*HexDecode(""), "");
  for (const char* bad : {"0", "000", "0g", "g0", " 00", "0x00", "00\n"}) {
    EXPECT_EQ(HexDecode(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

TEST(BytesTest, Base64IsRfc4648) {
  const std::vector<std::pair<std::string, std::string>> cases = {{"", ""},
                                                                  {"f", "Zg=="},
                                                                  {"fo", "Zm8="},
                                                                  {"foo", "Zm9v"},
                                                                  {"foob", "Zm9vYg=="},
                                                                  {"fooba", "Zm9vYmE="},
                                                                  {"foobar", "Zm9vYmFy"},
                                                                  {"\xfb\xff\xbf", "+/+/"}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(Base64Encode(bytes), text);
    EXPECT_EQ(*Base64Decode(text), bytes);
  }
}

TEST(BytesTest, Base64HasOneSpelling) {
  for (const char* bad : {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm9v\n", " Zm9v", "Zm 9v", "-_-_", "=",
                          "====", "Z===", "Zg==Zg==", "Zm9vZ"}) {
    EXPECT_EQ(Base64Decode(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
  std::mt19937_64 random(3);
  for (int i = 0; i < 5000; ++i) {
    std::string text;
    for (uint64_t n = random() % 13; n > 0; --n) text.push_back("ABCDwxyz0189+/==-_ "[random() % 19]);
    const StatusOr<std::string> bytes = Base64Decode(text);
    if (bytes.ok()) {
      ASSERT_EQ(Base64Encode(*bytes), text) << i;
    }
  }
}

}  // namespace
}  // namespace anamnesis
