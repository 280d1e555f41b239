#include <algorithm>
#include <map>

#include "ledger/query/ask.h"
#include "ledger/query/item_scope.h"

namespace anamnesis {
namespace {

constexpr uint32_t kRecordsMax = 1000;

}  // namespace

Status AnswerRecords(Facts& facts, const v1::RecordsQuestion& question, v1::Answer& answer) {
  RETURN_IF_ERROR(facts.CheckNamed(question.subject()));
  ASSIGN_OR_RETURN(const ItemScope scope, ScopeOf(facts, question.subject()));
  // A record that was taken back stays a record, and so does what took it back.
  ASSIGN_OR_RETURN(auto records, CorrectionsOf(facts, scope));
  records.insert(scope.events.begin(), scope.events.end());
  records.insert(scope.void_events.begin(), scope.void_events.end());
  const uint32_t limit = question.limit() == 0 ? kRecordsMax : std::min(question.limit(), kRecordsMax);
  v1::RecordsAnswer& filled = *answer.mutable_records();
  filled.set_total(records.size());
  for (auto event = records.lower_bound(question.from()); event != records.end(); ++event) {
    if (filled.records_size() == static_cast<int>(limit)) {
      filled.set_next(event->first);
      break;
    }
    ASSIGN_OR_RETURN(*filled.add_records(), facts.Reference(LeafIndex(event->first)));
  }
  return OkStatus();
}

}  // namespace anamnesis
