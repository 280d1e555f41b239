#ifndef ANAMNESIS_CLIENT_IMPORTERS_SPREADSHEET_H_
#define ANAMNESIS_CLIENT_IMPORTERS_SPREADSHEET_H_

// Rows of a spreadsheet as events. A mapping says how, in JSON; "{COLUMN}" stands for the cell of that column:
//
//   { "type": "dataset.curated",
//     "occurred_at": "{Date}",
//     "utc_offset": "+02:00",
//     "refs": ["dataset=dataset:{Dataset}@{Version}", "curator=person:{Curator}"],
//     "body": {"source": "{Source}", "inclusion": ["{Criteria}"], "recordsOut": "{Records}"},
//     "rationale": "{Why}" }
//
// Where a cell is empty, what is made of nothing but empty cells is left out: a field, an element of a list, a
// reference. A date without a time means that whole day, at the offset from UTC; without an offset, that day anywhere
// on earth, from 14 hours before it begins in UTC until 12 hours after it ends. Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/importers/bundle_version.h"
#include "client/importers/csv_table.h"
#include "client/importers/document.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"

namespace anamnesis {

// One row's event, in the words of `append --jsonl`.
struct SheetEvent {
  uint64_t line = 0;
  // Made from all that the row says: the same row gives the same id wherever it stands and however often it is read. Of
  // equal rows in one sheet, each has its own.
  EventId id;
  // The one that earlier versions gave it, made without the note and the offset from UTC: rows that differ in these
  // alone have the same.
  EventId former_id;
  std::string type;
  std::string occurred_at;
  // The period that the earliest of those versions took a bare day for; else as above.
  std::string former_occurred_at;
  // What the row gives as the reason, and the same with where it is from.
  std::string note;
  std::string rationale;
  std::string body_json;
  std::vector<std::string> refs;
};

struct Sheet {
  std::vector<SheetEvent> events;
  // Rows that could not be read, and why.
  std::vector<Unreadable> unreadable;
};

// What the message of a Status begins with that is about the mapping and not about the spreadsheet.
inline constexpr std::string_view kMappingContext = "mapping";

// `name` is the spreadsheet's, for the events' rationale. INVALID_ARGUMENT when the mapping is none or names a column
// that there isn't, or as ParseCsv fails.
StatusOr<Sheet> ReadSheet(std::string_view name, std::string_view csv, std::string_view mapping);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_IMPORTERS_SPREADSHEET_H_
