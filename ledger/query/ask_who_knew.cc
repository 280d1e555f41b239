#include <map>

#include "ledger/event/names.h"
#include "ledger/query/ask.h"
#include "ledger/query/events.h"

namespace anamnesis {

Status AnswerWhoKnew(Facts& facts, const v1::WhoKnewQuestion& question, v1::Answer& answer) {
  ASSIGN_OR_RETURN(const Timestamp at, FromProtoTime(question.at(), "who_knew.at"));
  ASSIGN_OR_RETURN(const TreeSize size_then, SizeKnownAt(facts.rows(), facts.size(), at));
  v1::WhoKnewAnswer& filled = *answer.mutable_who_knew();
  filled.set_size_then(size_then.value);
  // Retracted events too: what was believed then was known then.
  RETURN_IF_ERROR(facts.CheckNamed(question.entity()));
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, facts.About(question.entity(), "", kQuestionEventsMax + 1));
  std::map<std::pair<std::string, std::string>, LeafIndex> knowers;
  for (const LeafIndex index : indexes) {
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
    if (!question.type().empty() && fact->type() != question.type()) continue;
    if (index.value >= size_then.value) {
      if (!filled.has_first_recorded_later()) {
        ASSIGN_OR_RETURN(*filled.mutable_first_recorded_later(), facts.Reference(index));
      }
      continue;
    }
    if (!filled.known()) {
      filled.set_known(true);
      ASSIGN_OR_RETURN(*filled.mutable_first_recorded(), facts.Reference(index));
    }
    const v1::Agent& actor = fact->header().actor();
    if (!knowers.emplace(std::pair(actor.kind(), actor.id()), index).second) continue;
    v1::WhoKnewAnswer::Knower& knower = *filled.add_knowers();
    *knower.mutable_agent() = actor;
    ASSIGN_OR_RETURN(*knower.mutable_first(), facts.Reference(index));
  }
  if (filled.known() || filled.has_first_recorded_later()) return OkStatus();
  return absl::NotFoundError(Text("nothing", question.type().empty() ? "" : " of type ", question.type(),
                                  " is recorded of ", EntityKeyText(question.entity())));
}

}  // namespace anamnesis
