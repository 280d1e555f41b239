#ifndef ANAMNESIS_CLIENT_EXPORTS_COMPARE_H_
#define ANAMNESIS_CLIENT_EXPORTS_COMPARE_H_

// What changed from one export to the next of the same ledger. Pure.

#include <string>
#include <vector>

#include "client/exports/document.h"

namespace anamnesis::exports {

struct Comparison {
  // Of `after` that `before` had not, of `before` that `after` has not, and those whose body was erased since, which
  // are told in other words, or whose bytes differ (then the ledgers are not one).
  std::vector<Record> added;
  std::vector<Record> removed;
  std::vector<Record> changed;
  // "Section: clause: text [leaf 3]".
  std::vector<std::string> gaps_opened;
  std::vector<std::string> gaps_closed;
  // Everything else that the sections and the title page say, but when the export was made and who signed it: rows as
  // "Section: table: cell (good) [leaf 3] | cell". One that says something else now is in both; one that stands there
  // twice counts twice.
  std::vector<std::string> rows_added;
  std::vector<std::string> rows_removed;
  // Only the order is another one.
  bool reordered = false;

  bool same() const {
    return added.empty() && removed.empty() && changed.empty() && gaps_opened.empty() && gaps_closed.empty() &&
           rows_added.empty() && rows_removed.empty() && !reordered;
  }
};

Comparison Compare(const Document& before, const Document& after);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_COMPARE_H_
