#ifndef ANAMNESIS_LEDGER_QUERY_NAMED_RECORDS_H_
#define ANAMNESIS_LEDGER_QUERY_NAMED_RECORDS_H_

// Whether what an event names was on record before it, version by version: that the first model was, says nothing of
// the second. Pure.

#include <string>
#include <vector>

#include "anamnesis/v1/policy.pb.h"
#include "ledger/query/item_scope.h"

namespace anamnesis {

// An event like those that come later, something that it names, and the events that are the record of just that version
// (of any, where it names none): of those recorded when it happened the first, and of those told afterwards the first.
// No other stands before it when these don't, and there may be as many as there are revisions of a repository. None of
// them: only other versions of it are on record.
struct NamedRecords {
  const Fact* later = nullptr;
  v1::EntityRef named;
  std::vector<const Fact*> records;
};

// Of the item's events like `line.before()`: what they name of which an event like `line.events()` is the record, in
// any version. In log order.
std::vector<NamedRecords> NamedRecordsOf(const ItemScope& scope, const v1::ProcessProfile::Evidence& line);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_NAMED_RECORDS_H_
