#include <algorithm>

#include "ledger/query/ask.h"
#include "ledger/query/item_scope.h"

namespace anamnesis {
namespace {

constexpr uint32_t kRecordsMax = 1000;

}  // namespace

Status AnswerRecords(Facts& facts, const v1::RecordsQuestion& question, v1::Answer& answer) {
  RETURN_IF_ERROR(facts.CheckNamed(question.subject()));
  ASSIGN_OR_RETURN(const ItemScope scope, ScopeOf(facts, question.subject()));
  const uint32_t limit = question.limit() == 0 ? kRecordsMax : std::min(question.limit(), kRecordsMax);
  v1::RecordsAnswer& filled = *answer.mutable_records();
  filled.set_total(scope.events.size());
  for (auto event = scope.events.lower_bound(question.from()); event != scope.events.end(); ++event) {
    if (filled.records_size() == static_cast<int>(limit)) {
      filled.set_next(event->first);
      break;
    }
    ASSIGN_OR_RETURN(*filled.add_records(), facts.Reference(LeafIndex(event->first)));
  }
  return OkStatus();
}

}  // namespace anamnesis
