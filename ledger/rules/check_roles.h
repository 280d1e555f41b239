#ifndef ANAMNESIS_LEDGER_RULES_CHECK_ROLES_H_
#define ANAMNESIS_LEDGER_RULES_CHECK_ROLES_H_

// Whether somebody holds a role for a matter, by their own grants or under a delegation (21 CFR 11.10(g)). Pure.

#include <string>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Who acts, and as what.
struct Writer {
  const v1::Agent& agent;
  // When it is recorded.
  Timestamp at;
  // The delegation under which the agent says to act; nullptr: by their own authority.
  const v1::EntityRef* delegation;
};

// `about` is what is written, or what a correction takes back; `roles` are asked for, one of which is enough. Who names
// a delegation acts under it, whatever roles they hold themselves. `what` names the act in the refusal, as
// "hold.lifted" or "taking back a hold.placed". Refusals: ROLE_MISSING, OUT_OF_SCOPE, REFERENCE_INVALID.
Status CheckRoles(const Writer& writer, const std::vector<v1::Role>& roles, const RecordedEvent& about,
                  std::string_view what, const RowFinder& rows);

// The roles of which the type asks its writers for one.
std::vector<v1::Role> WriterRoles(const EventType& type);
// Those of which this event's writer must hold one: none where a device unit says itself what happened to it, and where
// somebody reports a key of their own lost.
std::vector<v1::Role> RolesAskedOf(const RecordedEvent& event);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_RULES_CHECK_ROLES_H_
