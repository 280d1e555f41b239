#include "client/importers/csv_table.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "client/importers/document.h"

namespace anamnesis {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

char SeparatorOf(std::string_view header) {
  char best = ',';
  for (const char one : {',', ';', '\t'}) {
    if (std::count(header.begin(), header.end(), one) > std::count(header.begin(), header.end(), best)) best = one;
  }
  return best;
}

Status AtLine(uint64_t line, std::string_view what) {
  return absl::InvalidArgumentError(Text("line ", line, ": ", what));
}

std::string Stripped(std::string_view text) {
  return std::string(absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size())));
}

// Takes one record after the other from a text.
class Records {
 public:
  Records(std::string_view text, char separator) : text_(text), separator_(separator) {}

  bool AtEnd() const { return place_ == text_.size(); }

  StatusOr<CsvTable::Row> Next() {
    CsvTable::Row row;
    row.line = line_;
    while (true) {
      ASSIGN_OR_RETURN(std::string cell, NextCell());
      row.cells.push_back(std::move(cell));
      if (row.cells.size() > kCsvColumnsMax) return AtLine(row.line, Text("has more than ", kCsvColumnsMax, " cells"));
      if (AtEnd()) return row;
      const char end = text_[place_++];
      if (end == separator_) continue;
      if (end == '\r' && !AtEnd() && text_[place_] == '\n') ++place_;
      ++line_;
      return row;
    }
  }

 private:
  // Stops before a separator, a line end or the end of the text.
  StatusOr<std::string> NextCell() {
    if (!AtEnd() && text_[place_] == '"') return QuotedCell();
    const size_t begin = place_;
    while (!AtEnd() && text_[place_] != separator_ && text_[place_] != '\n' && text_[place_] != '\r') ++place_;
    return Stripped(text_.substr(begin, place_ - begin));
  }

  StatusOr<std::string> QuotedCell() {
    const uint64_t begun = line_;
    std::string cell;
    for (++place_; !AtEnd(); ++place_) {
      const char byte = text_[place_];
      if (byte == '\n') ++line_;
      if (byte != '"') {
        cell += byte;
        continue;
      }
      ++place_;
      if (AtEnd() || text_[place_] != '"') {
        const bool ends = AtEnd() || text_[place_] == separator_ || text_[place_] == '\n' || text_[place_] == '\r';
        if (ends) return cell;
        return AtLine(line_, "a cell goes on after its closing quote; double the quotes within a cell");
      }
      cell += '"';
    }
    return AtLine(begun, "a quote is not closed");
  }

  const std::string_view text_;
  const char separator_;
  size_t place_ = 0;
  uint64_t line_ = 1;
};

Status CheckColumns(std::vector<std::string>& columns) {
  while (!columns.empty() && columns.back().empty()) columns.pop_back();
  if (columns.empty()) return AtLine(1, "must be a header that names the columns");
  std::set<std::string> names;
  for (std::string& column : columns) {
    column = Stripped(column);
    if (column.empty()) return AtLine(1, "a column has no name");
    if (!names.insert(column).second) return AtLine(1, Text("two columns are named \"", column, "\""));
  }
  return OkStatus();
}

}  // namespace

StatusOr<CsvTable> ParseCsv(std::string_view text) {
  if (text.size() > kCsvBytesMax) return absl::InvalidArgumentError(Text("is larger than ", kCsvBytesMax, " bytes"));
  if (!IsUtf8(text)) return absl::InvalidArgumentError("is not UTF-8; export it so");
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Records records(text, SeparatorOf(text.substr(0, text.find('\n'))));
  if (records.AtEnd()) return AtLine(1, "must be a header that names the columns");
  CsvTable table;
  ASSIGN_OR_RETURN(CsvTable::Row header, records.Next());
  table.columns = std::move(header.cells);
  RETURN_IF_ERROR(CheckColumns(table.columns));
  while (!records.AtEnd()) {
    ASSIGN_OR_RETURN(CsvTable::Row row, records.Next());
    if (std::all_of(row.cells.begin(), row.cells.end(), [](const std::string& cell) { return cell.empty(); })) continue;
    while (row.cells.size() > table.columns.size() && row.cells.back().empty()) row.cells.pop_back();
    if (row.cells.size() > table.columns.size()) {
      return AtLine(row.line, Text("has ", row.cells.size(), " cells, the header names ", table.columns.size()));
    }
    row.cells.resize(table.columns.size());
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace anamnesis
