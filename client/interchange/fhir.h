#ifndef ANAMNESIS_CLIENT_INTERCHANGE_FHIR_H_
#define ANAMNESIS_CLIENT_INTERCHANGE_FHIR_H_

// A device unit and events as a FHIR R5 (5.0.0) Bundle of type "collection".
//
// Of a unit: a Device with its serial number, UDI carrier, one `version` for each surface whose content is certain, and
// `property` for digests, confidence, and what is not known; and a Provenance for every leaf that the configuration
// rests on. Of an event: its Provenance. Bundle.identifier has the ledger and the tree size; each resource has the
// extension "anamnesis:extension/leaf" with origin, treeSize, index, eventId and leafSha256 (of a Device: origin and
// treeSize). A Provenance has the times at which the event occurred in `occurred`, and when it was recorded in
// `recorded`. What is in the ledger and not in the Bundle is referred to by identifier.

#include <optional>
#include <string>

#include "anamnesis/v1/event.pb.h"
#include "client/interchange/ledger_view.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"

namespace anamnesis::interchange {

// What runs on the unit at a time; the default one is when the last event of the view was recorded. NOT_FOUND: nothing
// is recorded of the unit.
StatusOr<std::string> FhirOfUnit(LedgerView& view, const std::string& unit, std::optional<Timestamp> at);

// Fails when events that it needs can't be read.
StatusOr<std::string> FhirOfEvent(LedgerView& view, const v1::Event& event);

}  // namespace anamnesis::interchange

#endif  // ANAMNESIS_CLIENT_INTERCHANGE_FHIR_H_
