#ifndef ANAMNESIS_CLIENT_EXPORTS_COMPARE_H_
#define ANAMNESIS_CLIENT_EXPORTS_COMPARE_H_

// What changed from one export to the next of the same ledger. Pure.

#include <string>
#include <vector>

#include "client/exports/document.h"

namespace anamnesis::exports {

struct Comparison {
  // Of `after` that `before` had not, of `before` that `after` has not, and those whose body was erased since or whose
  // bytes differ (then the ledgers are not one).
  std::vector<Record> added;
  std::vector<Record> removed;
  std::vector<Record> changed;
  // "Section: clause: text".
  std::vector<std::string> gaps_opened;
  std::vector<std::string> gaps_closed;
  // Rows of the sections' tables, and what the title page says: "Section: table: cell | cell". A row that says
  // something else now is in both.
  std::vector<std::string> rows_added;
  std::vector<std::string> rows_removed;

  bool same() const {
    return added.empty() && removed.empty() && changed.empty() && gaps_opened.empty() && gaps_closed.empty() &&
           rows_added.empty() && rows_removed.empty();
  }
};

Comparison Compare(const Document& before, const Document& after);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_COMPARE_H_
