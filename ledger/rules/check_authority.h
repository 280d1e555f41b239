#ifndef ANAMNESIS_LEDGER_RULES_CHECK_AUTHORITY_H_
#define ANAMNESIS_LEDGER_RULES_CHECK_AUTHORITY_H_

// Whether the actor of an event may write it, by the roles, delegations and signatures in force at its place in the log
// (21 CFR 11.10(g), 11.50, 11.100, 11.200). Pure.

#include "ledger/base/status.h"
#include "ledger/crypto/ed25519.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// `rows` is the log before the event, `sealed_by` the key that sealed its run. Refusals:
//   ROLE_MISSING          the actor holds none of the roles that the type asks for, and names no delegation that gives
//                         one
//   OUT_OF_SCOPE          the role or delegation doesn't cover the item, its class, the jurisdiction, envelope or
//                         protocol
//   NOT_THE_WRITER        somebody else must write it: authority.delegated by another than who delegates, or an
//                         administrator's end of their own authority (check_ending.h)
//   SIGNATURE_INCOMPLETE  the electronic signature that the type asks for lacks something
// Any Status without a RefusalDetail is a failure to read state.
Status CheckAuthority(const RecordedEvent& event, const PublicKey& sealed_by, const RowFinder& rows);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_RULES_CHECK_AUTHORITY_H_
