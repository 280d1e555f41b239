#include "ledger/query/fact_of_event.h"

#include <utility>

#include "ledger/state/recorded_event.h"

namespace anamnesis {

StatusOr<Fact> FactOfEvent(const v1::Event& event, Timestamp earliest, Timestamp latest) {
  const LeafIndex index(event.index());
  ASSIGN_OR_RETURN(LoadedEvent loaded, ParseStoredEvent(index, event.leaf(), ""));
  const std::string stored_body = event.body().nonce() + event.body().content();
  // What can't be read stays away.
  if (!stored_body.empty()) (void)ParseStoredBody(stored_body, loaded).ok();
  Fact fact{std::move(loaded), {}};
  fact.standing.moved = true;
  fact.standing.earliest = earliest;
  fact.standing.latest = latest;
  fact.standing.evidence = index;
  return fact;
}

}  // namespace anamnesis
