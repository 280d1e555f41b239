#ifndef ANAMNESIS_LEDGER_RULES_CHECK_ENDING_H_
#define ANAMNESIS_LEDGER_RULES_CHECK_ENDING_H_

// Who ends a key or a role. Only an ADMINISTRATOR gives keys and roles, and the end of a key is not taken back: so
// nobody may end what others act by without answering for it, and no administrator their own authority without another
// key or another administrator at hand, or nobody could be enrolled ever again (21 CFR 11.10(d), 11.300). Pure.

#include "ledger/base/status.h"
#include "ledger/crypto/ed25519.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Beyond the roles that the type asks for. `sealed_by` is the key that sealed the event's run, a key that is ended has
// a credential, of the holder that the event names, and `rows` is the log before the event. Refusals:
//   ROLE_MISSING, OUT_OF_SCOPE  a key is reported lost that only an ADMINISTRATOR may report: one for checkpoints; and
//                               somebody else's, as of a time that is over, or of an administrator
//   NOT_THE_WRITER              an administrator withdraws that role from themself, or ends the key with which they say
//                               so
// Any Status without a RefusalDetail is a failure to read state.
Status CheckEnding(const RecordedEvent& event, const PublicKey& sealed_by, const RowFinder& rows);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_RULES_CHECK_ENDING_H_
