#ifndef ANAMNESIS_CLIENT_EXPORTS_INCIDENT_H_
#define ANAMNESIS_CLIENT_EXPORTS_INCIDENT_H_

// All that an investigation of an incident needs (MDR Art. 87, 21 CFR 803): what ran, as known then and as known now,
// how it came to run there, what it was made of, what was known of its risks, where else it runs, who must be told
// until when.

#include <functional>

#include "anamnesis/v1/event.pb.h"
#include "client/exports/document.h"
#include "client/exports/ledger_view.h"
#include "ledger/base/digest.h"
#include "ledger/base/status.h"

namespace anamnesis::exports {

struct IncidentOptions {
  // How many of the last activations before the incident, of each unit.
  size_t activations = 20;
  // Minutes east of UTC of the days on which reports are due.
  int32_t utc_offset_minutes = 0;
  // Puts the object into the bundle; OK when it did, NOT_FOUND when no store has it, DATA_LOSS when what a store has is
  // damaged. With any other failure the bundle is not made: made again it would be another one. Empty: no store is
  // asked.
  std::function<Status(const Digest&)> include;
};

// Without records, which the writer adds. NOT_FOUND: no incident.recorded names it.
StatusOr<Document> IncidentBundle(const LedgerView& view, const v1::EntityRef& incident,
                                  const IncidentOptions& options);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_INCIDENT_H_
