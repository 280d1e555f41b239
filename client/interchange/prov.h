#ifndef ANAMNESIS_CLIENT_INTERCHANGE_PROV_H_
#define ANAMNESIS_CLIENT_INTERCHANGE_PROV_H_

// The lineage of something as PROV-JSON (W3C member submission of 24 April 2013). An event is an activity, from the
// earliest to the latest time at which it occurred; what it refers to are entities, and persons, organisations and
// software agents.
//
//   - wasGeneratedBy: what the event defines, once for each entity, by the first event that does.
//   - wasDerivedFrom: such an entity, from each input, by that activity.
//   - used: the inputs that are no agents, with their role.
//   - wasAssociatedWith: who recorded the event ("actor"), and agents among its inputs, with their role.
//   - actedOnBehalfOf: whom the writer acted for.
//   - wasInfluencedBy: what the event is about without defining it, by the activity.
//
// Members beyond PROV have the prefix "anamnesis": an activity has leafIndex, eventId, leafSha256, eventType and
// recorded (its own times are those of occurrence); the entity "ledger:tree/SIZE" says origin, size, the question, and
// whether the closure goes on beyond the depth asked for.

#include "anamnesis/v1/question_lineage.pb.h"
#include "client/interchange/ledger_view.h"
#include "ledger/base/status.h"

namespace anamnesis::interchange {

// Asks for all pages of the closure. `question` has entity, direction and depth. Fails as QuestionService.Ask does.
StatusOr<std::string> ProvOf(LedgerView& view, const v1::LineageQuestion& question);

}  // namespace anamnesis::interchange

#endif  // ANAMNESIS_CLIENT_INTERCHANGE_PROV_H_
