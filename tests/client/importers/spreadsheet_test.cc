// Spreadsheets as others export them, and what becomes of their rows.

#include "client/importers/spreadsheet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace anamnesis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string WhyNot(std::string_view csv) { return std::string(MessageOf(ParseCsv(csv).status())); }

TEST(CsvTableTest, ReadsQuotesSeparatorsAndLineEndsWithinCells) {
  const auto table = ParseCsv("\xef\xbb\xbfName;Notes ;Count\r\nd;\"a \"\"b\"\";\r\nc\"; 7\r\n\r\n;;\r\ne;;\r\nlast");
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_THAT(table->columns, ElementsAre("Name", "Notes", "Count"));
  ASSERT_EQ(table->rows.size(), 3u);
  EXPECT_THAT(table->rows[0].cells, ElementsAre("d", "a \"b\";\r\nc", "7"));
  EXPECT_EQ(table->rows[0].line, 2u);
  EXPECT_THAT(table->rows[1].cells, ElementsAre("e", "", ""));
  EXPECT_EQ(table->rows[1].line, 6u);
  EXPECT_THAT(table->rows[2].cells, ElementsAre("last", "", ""));
}

TEST(CsvTableTest, WhatIsNoTableIsRefusedWithItsLine) {
  EXPECT_THAT(WhyNot(""), HasSubstr("line 1: must be a header"));
  EXPECT_THAT(WhyNot("a,a\n"), HasSubstr("two columns are named \"a\""));
  EXPECT_THAT(WhyNot("a,,b\n"), HasSubstr("line 1: a column has no name"));
  EXPECT_THAT(WhyNot("a,b\n1,2\n1,2,3\n"), HasSubstr("line 3: has 3 cells, the header names 2"));
  EXPECT_THAT(WhyNot("a,b\n\"1,2\n"), HasSubstr("line 2: a quote is not closed"));
  EXPECT_THAT(WhyNot("a,b\n\"1\"2,3\n"), HasSubstr("line 2: a cell goes on after its closing quote"));
  EXPECT_THAT(WhyNot("a\n\xff\n"), HasSubstr("UTF-8"));
}

constexpr std::string_view kMapping = R"json({
  "type": "dataset.curated",
  "occurred_at": "{Date}",
  "refs": ["dataset=dataset:{Dataset}@{Version}#sha256:{Hash}", "curator=person:{Curator}"],
  "body": {"source": "{Source}", "inclusion": ["{Criteria}", "{More}"], "recordsOut": "{Records}",
           "sampling": "CONSECUTIVE"},
  "rationale": "{Why}"
})json";
constexpr std::string_view kHeader = "Date,Dataset,Version,Hash,Curator,Source,Criteria,More,Records,Why\n";

Sheet Read(std::string_view rows) {
  const auto sheet = ReadSheet("datasets.csv", Text(kHeader, rows), kMapping);
  EXPECT_TRUE(sheet.ok()) << sheet.status();
  return sheet.value_or(Sheet());
}

TEST(SpreadsheetTest, ARowIsAnEventAndEmptyCellsAreLeftOut) {
  const Sheet sheet =
      Read("2024-03-05,d,1,,ada,\"PACS \"\"A\"\"\",adults,,347,first cut\n2024-03-06T10:00:00Z,e,,,,,,,,\n");
  ASSERT_EQ(sheet.events.size(), 2u);
  const SheetEvent& full = sheet.events[0];
  EXPECT_EQ(full.type, "dataset.curated");
  EXPECT_EQ(full.occurred_at, "2024-03-04T10:00:00Z/2024-03-06T11:59:59.999999Z");
  EXPECT_THAT(full.refs, ElementsAre("dataset=dataset:d@1", "curator=person:ada"));
  EXPECT_EQ(full.body_json,
            R"({"source":"PACS \"A\"","inclusion":["adults"],"recordsOut":"347","sampling":"CONSECUTIVE"})");
  EXPECT_EQ(full.rationale, "imported from datasets.csv: first cut");
  const SheetEvent& bare = sheet.events[1];
  EXPECT_THAT(bare.refs, ElementsAre("dataset=dataset:e"));
  EXPECT_EQ(bare.body_json, R"({"sampling":"CONSECUTIVE"})");
  EXPECT_EQ(bare.rationale, "imported from datasets.csv");
}

TEST(SpreadsheetTest, TheSameRowHasTheSameIdWhereverItStands) {
  const Sheet one = Read("2024-03-05,d,1,,ada,PACS,adults,,347,\n");
  const Sheet other = Read(
      "2024-03-04,c,1,,ada,PACS,adults,,1,\n2024-03-05,d,1,,ada,PACS,adults,,347,\n"
      "2024-03-05,d,1,,ada,PACS,adults,,348,\n");
  ASSERT_EQ(other.events.size(), 3u);
  EXPECT_EQ(one.events[0].id, other.events[1].id);
  EXPECT_FALSE(one.events[0].id == other.events[2].id);
}

TEST(SpreadsheetTest, RowsThatDifferInTheirReasonAreTwoEvents) {
  const Sheet sheet = Read("2024-03-05,d,1,,ada,PACS,adults,,347,first\n2024-03-05,d,1,,ada,PACS,adults,,347,second\n");
  const Sheet second = Read("2024-03-05,d,1,,ada,PACS,adults,,347,second\n");
  ASSERT_EQ(sheet.events.size(), 2u);
  EXPECT_FALSE(sheet.events[0].id == sheet.events[1].id);
  EXPECT_EQ(sheet.events[1].id, second.events[0].id);
  EXPECT_EQ(second.events[0].note, "second");
}

TEST(SpreadsheetTest, RowsOfPlacesWithOtherTimesAreTwoEvents) {
  const auto event = [](std::string_view offset) {
    return ReadSheet("s", "a\n2024-03-05\n",
                     Text(R"({"type": "x", "occurred_at": "{a}", "utc_offset": ")", offset, "\"}"))
        .value()
        .events[0];
  };
  EXPECT_FALSE(event("+02:00").id == event("-05:00").id);
  EXPECT_EQ(event("+02:00").former_id, event("-05:00").former_id);
}

// Whatever is made of rows now, those that were imported then must be found.
TEST(SpreadsheetTest, TheIdsOfEarlierVersionsAreKnown) {
  const Sheet sheet = Read("2024-03-05,d,1,,ada,PACS,adults,,347,\n2024-03-05,d,1,,ada,PACS,adults,,347,why\n");
  EXPECT_EQ(sheet.events[0].former_id.text(), "018e0be8-f400-7bb3-aa47-23229bb788d1");
  EXPECT_EQ(sheet.events[1].former_id.text(), "018e0be8-f400-7971-8742-d32fcb250ff6");
}

TEST(SpreadsheetTest, ADayIsTheOneOfThePlace) {
  const auto occurred = [](std::string_view offset) {
    const auto sheet = ReadSheet("s", "a\n2024-03-05\n",
                                 Text(R"({"type": "x", "occurred_at": "{a}", "utc_offset": ")", offset, "\"}"));
    return sheet.ok() ? sheet->events[0].occurred_at : std::string(MessageOf(sheet.status()));
  };
  EXPECT_EQ(occurred("+02:00"), "2024-03-04T22:00:00Z/2024-03-05T21:59:59.999999Z");
  EXPECT_EQ(occurred("Z"), "2024-03-05T00:00:00Z/2024-03-05T23:59:59.999999Z");
  EXPECT_THAT(occurred("Berlin"), HasSubstr("utc_offset"));
}

TEST(SpreadsheetTest, EqualRowsAreAsManyEvents) {
  const Sheet sheet = Read("2024-03-05,d,1,,ada,PACS,adults,,347,\n2024-03-05,d,1,,ada,PACS,adults,,347,\n");
  const Sheet alone = Read("2024-03-05,d,1,,ada,PACS,adults,,347,\n");
  ASSERT_EQ(sheet.events.size(), 2u);
  EXPECT_EQ(sheet.events[0].id, alone.events[0].id);
  EXPECT_FALSE(sheet.events[0].id == sheet.events[1].id);
}

TEST(SpreadsheetTest, ARowWithoutATimeIsNamedAndTheOthersAreRead) {
  const Sheet sheet = Read(",d,1,,ada,PACS,adults,,347,\nyesterday,d,2,,,,,,,\n2024-03-05,d,3,,,,,,,\n");
  EXPECT_EQ(sheet.events.size(), 1u);
  ASSERT_EQ(sheet.unreadable.size(), 2u);
  EXPECT_EQ(sheet.unreadable[0].place, "line 2");
  EXPECT_THAT(sheet.unreadable[0].reason, HasSubstr("occurred_at"));
  EXPECT_EQ(sheet.unreadable[1].place, "line 3");
}

TEST(SpreadsheetTest, AMappingOfColumnsThatAreNotThereIsRefused) {
  const auto why = [](std::string_view mapping) {
    return std::string(MessageOf(ReadSheet("s", "a,b\n", mapping).status()));
  };
  EXPECT_THAT(why(R"({"type": "x", "occurred_at": "{Date}"})"), HasSubstr("there is no column \"Date\""));
  EXPECT_THAT(why(R"({"type": "x", "occurred_at": "{a}", "body": {"m": {"n": ["{c}"]}}})"), HasSubstr("column \"c\""));
  EXPECT_THAT(why(R"({"type": "x", "occurred_at": "{a"})"), HasSubstr("without a }"));
  EXPECT_THAT(why(R"({"type": "x"})"), HasSubstr("occurred_at"));
  EXPECT_THAT(why(R"({"type": "x", "occurred_at": "{a}", "reference": []})"), HasSubstr("\"reference\" is none of"));
  EXPECT_FALSE(why("[").empty());
}

}  // namespace
}  // namespace anamnesis
