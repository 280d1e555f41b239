#include "client/exports/compare.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "ledger/base/status.h"

namespace anamnesis::exports {
namespace {

std::set<std::string> GapsOf(const Document& document) {
  std::set<std::string> gaps;
  for (const Section& section : document.sections) {
    for (const Gap& gap : section.gaps) gaps.insert(Text(section.title, ": ", gap.clause, ": ", gap.text));
  }
  return gaps;
}

// What is said of the export itself, which is another one each time it is made.
bool IsOfTheExport(const std::string& fact) { return fact == "As of" || fact == "Signed by"; }

std::set<std::string> RowsOf(const Document& document) {
  std::set<std::string> rows;
  for (const auto& [name, value] : document.facts) {
    if (!IsOfTheExport(name)) rows.insert(Text("Title page: ", name, ": ", value));
  }
  for (const Section& section : document.sections) {
    for (const Table& table : section.tables) {
      for (const std::vector<Cell>& row : table.rows) {
        std::string text;
        for (const Cell& cell : row) text += Text(text.empty() ? "" : " | ", cell.text);
        rows.insert(Text(section.title, ": ", table.title, ": ", text));
      }
    }
  }
  return rows;
}

std::map<uint64_t, const Record*> RecordsOf(const Document& document) {
  std::map<uint64_t, const Record*> records;
  for (const Record& record : document.records) records.emplace(record.leaf, &record);
  return records;
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
    } else if (old->second->leaf_sha256 != record->leaf_sha256 || old->second->body != record->body) {
      comparison.changed.push_back(*record);
    }
  }
  for (const auto& [leaf, record] : old_records) {
    if (new_records.count(leaf) == 0) comparison.removed.push_back(*record);
  }
  const std::set<std::string> old_gaps = GapsOf(before);
  const std::set<std::string> new_gaps = GapsOf(after);
  std::set_difference(new_gaps.begin(), new_gaps.end(), old_gaps.begin(), old_gaps.end(),
                      std::back_inserter(comparison.gaps_opened));
  std::set_difference(old_gaps.begin(), old_gaps.end(), new_gaps.begin(), new_gaps.end(),
                      std::back_inserter(comparison.gaps_closed));
  const std::set<std::string> old_rows = RowsOf(before);
  const std::set<std::string> new_rows = RowsOf(after);
  std::set_difference(new_rows.begin(), new_rows.end(), old_rows.begin(), old_rows.end(),
                      std::back_inserter(comparison.rows_added));
  std::set_difference(old_rows.begin(), old_rows.end(), new_rows.begin(), new_rows.end(),
                      std::back_inserter(comparison.rows_removed));
  return comparison;
}

}  // namespace anamnesis::exports
