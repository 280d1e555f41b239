#include "client/exports/compare.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

#include "ledger/base/status.h"

namespace anamnesis::exports {
namespace {

// In the order in which they stand; the same line may stand there more than once.
using Lines = std::vector<std::string>;

std::string CitationText(const std::vector<uint64_t>& leaves) {
  std::string text;
  for (const uint64_t leaf : leaves) text += Text(text.empty() ? " [leaf " : ", ", leaf);
  return text.empty() ? "" : text + "]";
}

std::string CellText(const Cell& cell) {
  constexpr const char* kMarks[] = {"", " (good)", " (bad)", " (void)"};
  return Text(cell.text, kMarks[static_cast<int>(cell.mark)], CitationText(cell.leaves));
}

template <typename Items, typename TextOf>
std::string Row(const Items& items, TextOf text_of) {
  std::string text;
  bool first = true;
  for (const auto& item : items) {
    if (!std::exchange(first, false)) text += " | ";
    text += text_of(item);
  }
  return text;
}

Lines GapsOf(const Document& document) {
  Lines gaps;
  for (const Section& section : document.sections) {
    for (const Gap& gap : section.gaps) {
      gaps.push_back(Text(section.title, ": ", gap.clause, ": ", gap.text, CitationText(gap.leaves)));
    }
  }
  return gaps;
}

// What is said of the export itself, which is another one each time it is made.
bool IsOfTheExport(const std::string& fact) { return fact == "As of" || fact == "Signed by"; }

void AddTable(const std::string& section, const Table& table, Lines& lines) {
  const std::string where = Text(section, ": ", table.title, ": ");
  const auto as_it_is = [](const std::string& text) { return text; };
  lines.push_back(Text(where, "columns: ", Row(table.columns, as_it_is)));
  // Told only in the place of rows.
  if (table.rows.empty()) lines.push_back(where + table.when_empty);
  for (const std::vector<Cell>& row : table.rows) lines.push_back(where + Row(row, CellText));
}

Lines RowsOf(const Document& document) {
  Lines lines;
  const auto title = [&](std::string_view name, const std::string& value) {
    lines.push_back(Text("Title page: ", name, ": ", value));
  };
  title("kind", document.kind);
  title("title", document.title);
  title("subject", document.subject);
  for (const auto& [name, value] : document.facts) {
    if (!IsOfTheExport(name)) title(name, value);
  }
  for (const Section& section : document.sections) {
    lines.push_back(Text(section.title, ": section ", section.id, ": ", section.clauses));
    for (const std::string& paragraph : section.paragraphs) lines.push_back(Text(section.title, ": ", paragraph));
    for (const Table& table : section.tables) AddTable(section.title, table, lines);
  }
  return lines;
}

// Whether both hold the same, each line as often; and what only one of them holds.
bool SameLines(Lines before, Lines after, Lines& only_before, Lines& only_after) {
  std::sort(before.begin(), before.end());
  std::sort(after.begin(), after.end());
  std::set_difference(before.begin(), before.end(), after.begin(), after.end(), std::back_inserter(only_before));
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(), std::back_inserter(only_after));
  return only_before.empty() && only_after.empty();
}

std::map<uint64_t, const Record*> RecordsOf(const Document& document) {
  std::map<uint64_t, const Record*> records;
  for (const Record& record : document.records) records.emplace(record.leaf, &record);
  return records;
}

bool SaysTheSame(const Record& a, const Record& b) {
  const auto all = [](const Record& record) {
    return std::tie(record.event_id, record.type, record.stream, record.actor, record.occurred, record.recorded,
                    record.leaf_sha256, record.body_commitment, record.body, record.fields);
  };
  return all(a) == all(b);
}

}  // namespace

Comparison Compare(const Document& before, const Document& after) {
  Comparison comparison;
  const std::map<uint64_t, const Record*> old_records = RecordsOf(before);
  const std::map<uint64_t, const Record*> new_records = RecordsOf(after);
  for (const auto& [leaf, record] : new_records) {
    const auto old = old_records.find(leaf);
    if (old == old_records.end()) {
      comparison.added.push_back(*record);
    } else if (!SaysTheSame(*old->second, *record)) {
      comparison.changed.push_back(*record);
    }
  }
  for (const auto& [leaf, record] : old_records) {
    if (new_records.count(leaf) == 0) comparison.removed.push_back(*record);
  }
  const Lines old_gaps = GapsOf(before);
  const Lines new_gaps = GapsOf(after);
  const Lines old_rows = RowsOf(before);
  const Lines new_rows = RowsOf(after);
  const bool same_gaps = SameLines(old_gaps, new_gaps, comparison.gaps_closed, comparison.gaps_opened);
  const bool same_rows = SameLines(old_rows, new_rows, comparison.rows_removed, comparison.rows_added);
  comparison.reordered = same_gaps && same_rows && (old_gaps != new_gaps || old_rows != new_rows);
  return comparison;
}

}  // namespace anamnesis::exports
