#include "ledger/query/citation.h"

#include "ledger/query/events.h"

namespace anamnesis {

v1::LeafReference CitationOf(const v1::Event& event) {
  const v1::EventHeader& header = event.header();
  v1::LeafReference reference;
  reference.set_index(event.index());
  reference.set_event_id(header.event_id());
  reference.set_type(header.type());
  *reference.mutable_occurred_earliest() = ToProtoTime(Timestamp(header.occurred_earliest_us()));
  *reference.mutable_occurred_latest() = ToProtoTime(Timestamp(header.occurred_latest_us()));
  *reference.mutable_recorded() = event.recorded();
  *reference.mutable_actor() = header.actor();
  reference.set_rationale(header.rationale());
  reference.set_retrospective(header.retrospective());
  return reference;
}

std::string CorrectedTimeNote(LeafIndex event, LeafIndex correction) {
  return Text("the time of leaf ", event.value, " is the one that leaf ", correction.value, " corrected it to");
}

}  // namespace anamnesis
