#ifndef ANAMNESIS_CLIENT_IMPORTERS_CSV_TABLE_H_
#define ANAMNESIS_CLIENT_IMPORTERS_CSV_TABLE_H_

// A spreadsheet as it is exported: CSV (RFC 4180) with a header, separated by commas, semicolons or tabs, whichever the
// header has most of. A cell in quotes may hold separators and line ends. Size and number of cells are bounded. Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/status.h"

namespace anamnesis {

inline constexpr size_t kCsvBytesMax = 64u << 20;
inline constexpr size_t kCsvColumnsMax = 1000;

struct CsvTable {
  struct Row {
    // Where it begins in the file, from 1.
    uint64_t line = 0;
    // As many as there are columns; what a row lacks at its end is empty.
    std::vector<std::string> cells;
  };
  // Without blanks around them; no two are the same and none is empty.
  std::vector<std::string> columns;
  // Without those whose cells are all empty.
  std::vector<Row> rows;
};

// INVALID_ARGUMENT, naming the line, when it is no UTF-8 CSV, a row has more cells than there are columns, or a bound
// is passed. A byte order mark is skipped.
StatusOr<CsvTable> ParseCsv(std::string_view text);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_IMPORTERS_CSV_TABLE_H_
