#include "client/exports/html_table.h"

#include <gtest/gtest.h>

#include <numeric>

namespace anamnesis::exports {
namespace {

Table TableOf(std::vector<std::string> columns, std::vector<std::vector<std::string>> rows) {
  Table table = {"A table", std::move(columns), {}, "Nothing."};
  for (const std::vector<std::string>& row : rows) {
    table.rows.emplace_back();
    for (const std::string& text : row) table.rows.back().push_back({text, Mark::kNone, {}});
  }
  return table;
}

TEST(HtmlTable, WidthsFillTheTableAndFollowItsTexts) {
  const Table table =
      TableOf({"Clause", "What it asks for", "State"},
              {{"5.1.1", "a development plan that says who does what, when and with which tools", "none"},
               {"5.1.2", "the plan is kept up to date", "present"}});
  const std::vector<int> widths = ColumnWidths(table);
  ASSERT_EQ(widths.size(), 3U);
  EXPECT_EQ(std::accumulate(widths.begin(), widths.end(), 0), 1000);
  EXPECT_GT(widths[1], 2 * widths[0]);
  EXPECT_GE(widths[0], 70);
}

TEST(HtmlTable, NoTextTakesTheWholeTable) {
  const Table table = TableOf({"A", "B"}, {{std::string(4000, 'x'), "2026-11-22T03:06:27.320399Z"}});
  const std::vector<int> widths = ColumnWidths(table);
  // Room for the time, which is not broken.
  EXPECT_GE(widths[1], 250);
}

TEST(HtmlTable, ManyCitationsAreBrokenIntoLines) {
  Table table = TableOf({"Unit", "Rests on"}, {{"ICU-7", ""}});
  for (uint64_t leaf = 1000; leaf < 1200; ++leaf) table.rows[0][1].leaves.push_back(leaf);
  EXPECT_GE(ColumnWidths(table)[0], 70);
  EXPECT_NE(TableHtml(table).find("<a href=\"#leaf-1199\">"), std::string::npos);
}

TEST(HtmlTable, EveryColumnSaysItsWidth) {
  const std::string html = TableHtml(TableOf({"Occurred", "By"}, {{"2026-11-22T03:06:27Z", "person:ada"}}));
  EXPECT_NE(html.find("<colgroup><col style=\"width:"), std::string::npos) << html;
  EXPECT_NE(html.find("<td class=\"time\"><bdi>2026-11-22T03:06:27Z</bdi>"), std::string::npos) << html;
  for (const char* other : {"2026-11-22", "2026-11-22T03:06:27Z .. 2026-11-23T00:00:00Z", "2026-11-22T03:06:2xZ",
                            "2026-11-22T03:06:27+01:00"}) {
    EXPECT_EQ(TableHtml(TableOf({"Occurred"}, {{other}})).find("class=\"time\""), std::string::npos) << other;
  }
}

TEST(HtmlTable, AnEmptyOneSaysWhy) {
  EXPECT_EQ(TableHtml(TableOf({"A"}, {})), "<h3><bdi>A table</bdi></h3>\n<p class=\"none\"><bdi>Nothing.</bdi></p>\n");
}

}  // namespace
}  // namespace anamnesis::exports
