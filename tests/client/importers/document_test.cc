#include "client/importers/document.h"

#include <gtest/gtest.h>

namespace anamnesis {
namespace {

TEST(ParseJsonTest, KeepsNumbersAsWritten) {
  const auto document = ParseJson(R"({"a": 0.90, "b": 1.0, "c": 0, "d": 18446744073709551615, "e": 1E-3, "f": -7})");
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(document->Find("a")->text, "0.90");
  EXPECT_EQ(document->Find("b")->text, "1.0");
  EXPECT_EQ(document->Find("c")->text, "0");
  EXPECT_EQ(document->Find("d")->text, "18446744073709551615");
  EXPECT_EQ(document->Find("e")->text, "1E-3");
  EXPECT_EQ(document->Find("f")->text, "-7");
  EXPECT_EQ(document->Find("g"), nullptr);
}

TEST(ParseJsonTest, KeepsOrderAndNesting) {
  const auto document = ParseJson(R"({"z": [1, {"y": null}, []], "a": true, "z": "last"})");
  ASSERT_TRUE(document.ok());
  ASSERT_EQ(document->members.size(), 3u);
  EXPECT_EQ(document->members[0].value.items[1].Find("y")->kind, Document::Kind::kNull);
  EXPECT_EQ(document->Find("z")->text, "last");
  EXPECT_EQ(document->Find("a")->text, "true");
}

TEST(ParseJsonTest, RefusesWhatIsNotJson) {
  for (const char* text : {"", "{", "{} {}", "{\"a\": NaN}", "[1e999]", "\"\xff\"", "nul", "{'a': 1}"}) {
    EXPECT_EQ(ParseJson(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(ParseJsonTest, BoundsDepthAndSize) {
  EXPECT_TRUE(ParseJson(std::string(kDocumentDepthMax, '[') + std::string(kDocumentDepthMax, ']')).ok());
  EXPECT_FALSE(ParseJson(std::string(kDocumentDepthMax + 1, '[') + std::string(kDocumentDepthMax + 1, ']')).ok());
  EXPECT_FALSE(ParseJson(std::string(1000000, '[')).ok());
  EXPECT_FALSE(ParseJson(std::string(kDocumentBytesMax + 1, ' ')).ok());
  std::string many = "[0";
  for (size_t i = 0; i < kDocumentValuesMax; ++i) many += ",0";
  EXPECT_FALSE(ParseJson(many + "]").ok());
}

TEST(ParseYamlTest, ReadsAListOfLargeFiles) {
  const auto document = ParseYaml(
      "large_files:\n"
      "- path: \"models/model.pt\"\n"
      "  url: https://example.com/a?b=c\n"
      "  hash_val: 0123\n"
      "  hash_type: md5\n"
      "- path: models/model.ts\n"
      "  hash_val:\n"
      "  nested: {a: [1, 2], b: ''}\n");
  ASSERT_TRUE(document.ok()) << document.status();
  const Document* files = document->Find("large_files");
  ASSERT_NE(files, nullptr);
  ASSERT_EQ(files->items.size(), 2u);
  EXPECT_EQ(files->items[0].Find("path")->text, "models/model.pt");
  // Digits of a digest are no number.
  EXPECT_EQ(files->items[0].Find("hash_val")->text, "0123");
  EXPECT_EQ(files->items[1].Find("hash_val")->kind, Document::Kind::kNull);
  EXPECT_EQ(files->items[1].Find("nested")->Find("a")->items[1].text, "2");
  EXPECT_EQ(files->items[1].Find("nested")->Find("b")->kind, Document::Kind::kString);
}

TEST(ParseYamlTest, RefusesWhatIsNotReadHere) {
  for (const char* text : {"a: &x [1]\nb: *x\n", "a: [1\n", "{[1]: 2}", "a: \"\xff\"\n", "\tb: 1", "a: 1\n b: 2\n"}) {
    EXPECT_EQ(ParseYaml(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_FALSE(ParseYaml(std::string(kDocumentDepthMax + 1, '[') + std::string(kDocumentDepthMax + 1, ']')).ok());
  EXPECT_FALSE(ParseYaml(std::string(100000, '[')).ok());
  for (const std::string_view nothing : {std::string_view(""), std::string_view(), std::string_view("# none\n")}) {
    const auto empty = ParseYaml(nothing);
    ASSERT_TRUE(empty.ok());
    EXPECT_EQ(empty->kind, Document::Kind::kNull);
  }
}

TEST(FormatJsonTest, WritesWhatWasRead) {
  const std::string json =
      R"({"n":[18446744073709551615,-9007199254740993,0.90,1e-3],"s":"a\"\n\u0001ä","e":{},"b":true,)"
      R"("l":[],"z":null})";
  EXPECT_EQ(FormatJson(*ParseJson(json)), json);
  DocumentBounds bounds;
  bounds.values_max = 2;
  EXPECT_TRUE(ParseJson("[1]", bounds).ok());
  EXPECT_FALSE(ParseJson("[1, 2]", bounds).ok());
}

TEST(IsUtf8Test, AcceptsExactlyWellFormedText) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"));
  for (const char* text :
       {"\xff", "\xC0\x80", "\xE2\x82", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xF0\x80\x80\x80", "\x80"}) {
    EXPECT_FALSE(IsUtf8(text));
  }
  EXPECT_FALSE(IsUtf8(std::string_view("\0", 1)));
}

}  // namespace
}  // namespace anamnesis
