#include "client/exports/document.h"

#include <functional>
#include <utility>
#include <vector>

#include "client/exports/compare.h"
#include "client/exports/content.h"
#include "client/exports/html.h"
#include "client/exports/json.h"
#include "client/exports/records.h"
#include "gtest/gtest.h"
#include "tests/client/exports/example.h"

namespace anamnesis::exports {
namespace {

TEST(Document, A112BothFormsHaveTheSameContent) {
  Document document = Example();
  const Digest content = ContentDigestOf(document);
  const StatusOr<Document> read = ReadJson(WriteJson(document));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(ContentDigestOf(*read), content);
  const StatusOr<Digest> html = ContentDigestOfHtml(WriteHtml(document));
  ASSERT_TRUE(html.ok()) << html.status();
  EXPECT_EQ(*html, content);
}

TEST(Document, A112EveryTextCountsAsContent) {
  const Digest content = ContentDigestOf(Example());
  Document document = Example();
  size_t texts = 0;
  VisitTexts(document, [&](std::string&) { ++texts; });
  ASSERT_GT(texts, 30U);
  for (size_t changed = 0; changed < texts; ++changed) {
    document = Example();
    size_t i = 0;
    VisitTexts(document, [&](std::string& text) {
      if (i++ == changed) text += "!";
    });
    const Digest other = ContentDigestOf(document);
    EXPECT_NE(other, content) << changed;
    EXPECT_EQ(*ContentDigestOfHtml(WriteHtml(document)), other) << changed;
  }
  document = Example();
  document.sections[1].tables[0].rows[0][0].leaves[0] = 4;
  EXPECT_NE(ContentDigestOf(document), content);
}

TEST(Document, TextsCantBeMovedFromOnePlaceToTheNext) {
  Document document = Example();
  document.title = "a\nb";
  document.subject = "c";
  const Digest one = ContentDigestOf(document);
  document.title = "a";
  document.subject = "b\nc";
  EXPECT_NE(ContentDigestOf(document), one);
}

TEST(Document, JsonHasOneForm) {
  const std::string json = WriteJson(Example());
  EXPECT_EQ(WriteJson(*ReadJson(json)), json);
  EXPECT_TRUE(json.starts_with("{\"facts\":[{\"name\":\"Safety class\",\"value\":\"C\"}"));
  for (const std::string& other :
       {json + " ", " " + json, json.substr(0, json.size() - 1), std::string("{}"), std::string("[]"), std::string(),
        std::string("{\"format\":1}"), "{\"added\":1," + json.substr(1)}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ReadJson(other).status())) << other.substr(0, 40);
  }
}

TEST(Document, ATableHasACellForEachColumnInEachRow) {
  for (const size_t cells : {0U, 1U, 3U}) {
    Document document = Example();
    document.sections[1].tables[0].rows[1].resize(cells);
    EXPECT_TRUE(absl::IsInvalidArgument(ReadJson(WriteJson(document)).status())) << cells;
  }
}

TEST(Document, AnyByteOfTheJsonThatIsAnotherIsRefusedOrAnotherDocument) {
  const std::string json = WriteJson(Example());
  const Document document = Example();
  for (size_t i = 0; i < json.size(); ++i) {
    std::string other = json;
    other[i] = static_cast<char>(other[i] ^ 0x01);
    const StatusOr<Document> read = ReadJson(other);
    EXPECT_TRUE(!read.ok() || WriteJson(*read) != json) << i;
  }
}

TEST(Document, HtmlHoldsNoMarkupFromTexts) {
  const std::string html = WriteHtml(Example());
  EXPECT_EQ(html.find("<script"), std::string::npos);
  EXPECT_EQ(html.find("<b>\""), std::string::npos);
  EXPECT_NE(html.find("default-src 'none'"), std::string::npos);
  EXPECT_EQ(html.find("http:"), std::string::npos);
  EXPECT_EQ(html.find("https:"), std::string::npos);
}

TEST(Document, A101WhatIsMissingStandsBeforeTheSections) {
  const std::string html = WriteHtml(Example());
  const size_t missing = html.find("Missing: 2 gaps");
  ASSERT_NE(missing, std::string::npos);
  EXPECT_LT(missing, html.find("<section"));
  // A section without records says so.
  EXPECT_NE(html.find("<bdi>No record.</bdi>"), std::string::npos);
}

TEST(Document, A101ManyGapsAreCountedAtTheTopAndToldInTheirSection) {
  Document document = Example();
  for (int i = 0; i < 20; ++i) document.sections[0].gaps.push_back({"IEC 62304 5.1", Text("gap ", i), {}});
  const std::string html = WriteHtml(document);
  const std::string top = html.substr(0, html.find("<section"));
  EXPECT_NE(top.find("Missing: 22 gaps in 2 sections"), std::string::npos);
  EXPECT_NE(top.find("gap 2<"), std::string::npos);
  EXPECT_EQ(top.find("gap 3<"), std::string::npos);
  EXPECT_NE(top.find("and 17 more in this section"), std::string::npos);
  for (int i = 0; i < 20; ++i) EXPECT_NE(html.find(Text("<bdi>gap ", i, "</bdi>")), std::string::npos);
  EXPECT_EQ(*ContentDigestOfHtml(html), ContentDigestOf(document));
}

TEST(Document, DigestsAreWholeWhereTheyAreCheckedAgainst) {
  const std::string digest = "43a4386b48bb6531efb859eb38dc5a490df3277e43a4386b48bb6531efb859eb";
  Document document = Example();
  document.root = digest;
  document.records[0].fields = {{"digest", "sha256:" + digest}};
  const std::string html = WriteHtml(document);
  EXPECT_NE(html.find("<bdi>" + digest + "</bdi>"), std::string::npos);
  EXPECT_NE(html.find("<bdi>sha256:" + digest + "</bdi>"), std::string::npos);
}

TEST(Document, ControlCharactersAreMadeVisible) {
  Document document = Example();
  document.title = std::string("a\0b\x1b[31m\x7f\xC2\x85 tab\tline\n", 21);
  CleanTexts(document);
  EXPECT_EQ(document.title,
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD[31m\xEF\xBF\xBD\xEF\xBF\xBD tab\tline\n");
  EXPECT_EQ(*ContentDigestOfHtml(WriteHtml(document)), ContentDigestOf(document));
}

TEST(Document, WhatTurnsTheDirectionOfATextIsMadeVisible) {
  Document document = Example();
  document.title = "a\u202Eb\u202Ac\u2066d\u2069e\u200Ff\u2030";
  document.records[0].actor = "person:\u202Eada";
  document.records[0].fields[0].second = "\u202Enot";
  CleanTexts(document);
  EXPECT_EQ(document.title, "a\uFFFDb\uFFFDc\uFFFDd\uFFFDe\u200Ff\u2030");
  EXPECT_EQ(document.records[0].fields[0].second, "\uFFFDnot");
  EXPECT_EQ(document.records[0].actor, "person:\u202Eada") << "verifiers hold it against the leaf";
}

TEST(Document, WhatAnOlderVersionLetStandIsNoContradiction) {
  Record found = Example().records[0];
  found.fields = {{"text", "\u202Enot"}};
  EXPECT_EQ(TellingOf(found, 0, found), Telling::kSame);
  Record other = found;
  other.fields[0].second = "\u202Eno";
  EXPECT_EQ(TellingOf(found, 0, other), Telling::kContradicts);
}

TEST(Compare, RecordsAndGapsThatCameAndWent) {
  const Document before = Example();
  Document after = Example();
  EXPECT_TRUE(Compare(before, after).same());
  after.records[0].body = BodyPresence::kErased;
  after.records[1].leaf = 9;
  after.sections[0].gaps.clear();
  const Comparison comparison = Compare(before, after);
  ASSERT_EQ(comparison.changed.size(), 1U);
  EXPECT_EQ(comparison.changed[0].leaf, 3U);
  ASSERT_EQ(comparison.added.size(), 1U);
  EXPECT_EQ(comparison.added[0].leaf, 9U);
  ASSERT_EQ(comparison.removed.size(), 1U);
  EXPECT_EQ(comparison.removed[0].leaf, 7U);
  EXPECT_EQ(comparison.gaps_closed, std::vector<std::string>{"2 Data: IEC 62304 8.1.1: nothing is recorded"});
  EXPECT_TRUE(comparison.gaps_opened.empty());
}

TEST(Compare, WhateverTheExportsSayCounts) {
  const Document before = Example();
  const std::vector<std::function<void(Document&)>> changes = {
      [](Document& other) { other.kind = "incident-bundle"; },
      [](Document& other) { other.facts[0].second = "B"; },
      [](Document& other) { other.sections[1].clauses += "!"; },
      [](Document& other) { other.sections[1].paragraphs[0] += "!"; },
      [](Document& other) { other.sections[1].gaps[0].leaves = {3}; },
      [](Document& other) { other.sections[0].tables[0].when_empty = "Nothing."; },
      [](Document& other) { other.sections[1].tables[0].columns[0] = "Risk"; },
      [](Document& other) { other.sections[1].tables[0].rows[0][1].mark = Mark::kGood; },
      [](Document& other) { other.sections[1].tables[0].rows[0][0].leaves = {3}; },
      [](Document& other) { other.sections[1].tables[0].rows.push_back(other.sections[1].tables[0].rows[0]); },
      [](Document& other) { std::swap(other.sections[1].tables[0].rows[0], other.sections[1].tables[0].rows[1]); },
      [](Document& other) { other.records[0].fields[0].second += "!"; },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    Document after = before;
    changes[i](after);
    EXPECT_FALSE(Compare(before, after).same()) << i;
    EXPECT_FALSE(Compare(after, before).same()) << i;
  }
  Document after = before;
  after.facts.emplace_back("As of", "a later time");
  EXPECT_TRUE(Compare(before, after).same());
}

}  // namespace
}  // namespace anamnesis::exports
