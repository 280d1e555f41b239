#ifndef ANAMNESIS_LEDGER_STATE_ADAPTATION_RULES_H_
#define ANAMNESIS_LEDGER_STATE_ADAPTATION_RULES_H_

// The special rules of adaptation:
//
//   ENVELOPE-TERMS       an envelope's dimensions are of known kinds, each with what its kind asks for (domain.md C.4)
//   ENVELOPE-CHANGE      the change class that an envelope declares is the one computed against the version before
//   (A73) SUBSTRATE-DIGEST     a substrate's digest is that of its SOUP and runtime (vocabulary_device.proto) OBJECT-ID
//   an object is named by its digest ACTIVATION-DECISION  once a gate policy is in force, an artifact is activated only
//   on an allow decision for it: for
//                        these bytes, that unit and the artifact's surface, within the decision's time to live;
//                        recorded all the same (A69). A roll-back takes back what runs there, and restores what the
//                        decision on that named as fallback, or it restores what a decision allows; nothing but
//                        artifacts is put on adaptation surfaces
//   ACTIVATION-CHANGED   the unit wrote nothing since the decision, and what it runs and where it is are what was
//                        decided on, also by what others recorded or corrected since
//   ACTIVATION-WRITER    the unit itself says that it activated something. Asked without a decision too, unless the
//                        event is recorded after the fact
//
// Rows of kEntities: "f" || surface -> be64 indexes of the last adaptation_surface.identified of it, in log order.

#include <vector>

#include "ledger/base/status.h"
#include "ledger/state/broken_rules.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Adds what the event breaks to `broken`.
Status CheckAdaptationRules(const RecordedEvent& event, const RowFinder& rows, std::vector<BrokenRule>& broken);
// Remembers which surfaces are adapted.
Status FoldAdaptationSurfaces(const RecordedEvent& event, RowOverlay& rows);
// Whether one of the two reads bodies of this type.
bool AdaptationRulesReadBody(const EventType& type);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_ADAPTATION_RULES_H_
