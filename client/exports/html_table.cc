#include "client/exports/html_table.h"

#include <algorithm>
#include <numeric>
#include <string_view>

#include "client/exports/html_text.h"
#include "ledger/base/status.h"

namespace anamnesis::exports {
namespace {

// In characters: what a column needs at least, and what it gets at most for one word and for its text.
constexpr size_t kNarrowest = 6;
constexpr size_t kWidestWord = 22;
constexpr size_t kWidestText = 56;
// "leaf" and numbers, up to what .cites breaks at.
constexpr size_t kCitationsWidest = 24;
constexpr size_t kCitationWidth = 7;
// Between columns, and what a line of the page holds.
constexpr size_t kGap = 3;
constexpr size_t kLine = 118;
constexpr int kWhole = 1000;

size_t LongestWord(std::string_view text) {
  size_t longest = 0;
  size_t length = 0;
  for (const char c : text) {
    length = c == ' ' || c == '\n' ? 0 : length + 1;
    longest = std::max(longest, length);
  }
  return longest;
}

// One moment, as FormatTime writes it: never broken into lines.
bool IsTime(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  if (text.size() < kForm.size() + 1 || text.size() > kForm.size() + 8 || text.back() != 'Z') return false;
  for (size_t i = 0; i < kForm.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kForm[i] == '0' ? !digit : text[i] != kForm[i]) return false;
  }
  return text.find(' ') == std::string_view::npos;
}

// How wide a cell would like to be, and how wide it should be so that no word is broken.
struct Wish {
  size_t text = 0;
  size_t word = 0;
};

Wish WishOf(const Cell& cell) {
  const std::string shown = ShortenedDigests(cell.text);
  const size_t cited = cell.leaves.empty() ? 0 : std::min(kCitationsWidest, (cell.leaves.size() + 1) * kCitationWidth);
  size_t line = 0;
  for (std::string_view rest = shown; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    line = std::max(line, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const size_t word = IsTime(shown) ? shown.size() : std::min(kWidestWord, LongestWord(shown));
  return {std::min(kWidestText, std::max(line, cited)), std::max(word, cited / 2)};
}

std::string CellHtml(const Cell& cell) {
  constexpr const char* kClasses[] = {"", "good", "bad", "void"};
  std::string classes = kClasses[static_cast<int>(cell.mark)];
  if (IsTime(cell.text)) classes += classes.empty() ? "time" : " time";
  return Text(classes.empty() ? "<td>" : Text("<td class=\"", classes, "\">"), HtmlValue(cell.text),
              CitationsHtml(cell.leaves), "</td>");
}

}  // namespace

std::string CitationsHtml(const std::vector<uint64_t>& leaves) {
  if (leaves.empty()) return "";
  std::string html = " <span class=\"cite\">leaf";
  for (const uint64_t leaf : leaves)
    html += Text(" <a href=\"#leaf-", leaf, "\">", HtmlValue(std::to_string(leaf)), "</a>");
  return html + "</span>";
}

std::vector<int> ColumnWidths(const Table& table) {
  // First each column has room for its words, then what is left of a line goes to those with long texts.
  std::vector<size_t> widths;
  std::vector<size_t> more;
  for (size_t column = 0; column < table.columns.size(); ++column) {
    size_t words = std::max(kNarrowest, LongestWord(table.columns[column]));
    size_t longest = 0;
    size_t sum = 0;
    for (const std::vector<Cell>& row : table.rows) {
      const Wish wish = WishOf(row[column]);
      words = std::max(words, wish.word);
      longest = std::max(longest, wish.text);
      sum += wish.text;
    }
    const size_t usual = table.rows.empty() ? 0 : sum / table.rows.size();
    widths.push_back(words + kGap);
    more.push_back(std::max(words, (longest + usual) / 2) - words);
  }
  const size_t needed = std::accumulate(widths.begin(), widths.end(), size_t{0});
  const size_t wanted = std::accumulate(more.begin(), more.end(), size_t{0});
  const size_t spare = needed < kLine ? kLine - needed : 0;
  for (size_t i = 0; wanted > 0 && i < widths.size(); ++i) widths[i] += more[i] * spare / wanted;
  const size_t all = std::accumulate(widths.begin(), widths.end(), size_t{0});
  std::vector<int> shares;
  for (const size_t width : widths) shares.push_back(static_cast<int>(width * kWhole / all));
  if (!shares.empty()) {
    *std::max_element(shares.begin(), shares.end()) += kWhole - std::accumulate(shares.begin(), shares.end(), 0);
  }
  return shares;
}

std::string TableHtml(const Table& table) {
  std::string html = Text("<h3>", HtmlValue(table.title), "</h3>\n");
  if (table.rows.empty()) return html + Text("<p class=\"none\">", HtmlValue(table.when_empty), "</p>\n");
  html += "<div class=\"table\"><table><colgroup>";
  for (const int width : ColumnWidths(table)) {
    html += Text("<col style=\"width:", width / 10, ".", width % 10, "%\">");
  }
  html += "</colgroup><thead><tr>";
  for (const std::string& column : table.columns) html += Text("<th>", HtmlValue(column), "</th>");
  html += "</tr></thead><tbody>\n";
  for (const std::vector<Cell>& row : table.rows) {
    html += "<tr>";
    for (const Cell& cell : row) html += CellHtml(cell);
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

}  // namespace anamnesis::exports
