#ifndef ANAMNESIS_CLIENT_EXPORTS_HTML_TABLE_H_
#define ANAMNESIS_CLIENT_EXPORTS_HTML_TABLE_H_

// Tables of an export as HTML. Every column has its width from what is in it, so that a renderer needn't measure each
// word of a table of thousands of rows (a print renderer took minutes for that), and no table is wider than its page.
// Pure; safe from any thread.

#include <cstdint>
#include <string>
#include <vector>

#include "client/exports/document.h"

namespace anamnesis::exports {

// Links to the records at the end, after a space; empty for none.
std::string CitationsHtml(const std::vector<uint64_t>& leaves);

// The width of each column in tenths of a percent of the table's, together 1000.
std::vector<int> ColumnWidths(const Table& table);

// The title and the rows, or what is said in their place.
std::string TableHtml(const Table& table);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_HTML_TABLE_H_
