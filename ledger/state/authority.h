#ifndef ANAMNESIS_LEDGER_STATE_AUTHORITY_H_
#define ANAMNESIS_LEDGER_STATE_AUTHORITY_H_

// Keys and roles as they stand at the end of the log: who holds a key, whether it may seal at a recorded time, and
// which roles an agent holds (21 CFR 11.10, 11.300). Folded from credential.* and role.* events. What people let
// software do for them is in delegations.h.
//
// Rows of kAuthority: "k" || public key -> CredentialState; "h" || kind || 0 || id || 0 || be64 index of its issue ->
// public key; "r" || kind || 0 || id || 0 || role byte -> RoleState of the last grant; "o" || the same -> be32 length
// || RoleState of each one before it, in log order: a grant takes nothing from those before it, and a withdrawal ends
// all.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/internal/state.pb.h"
#include "anamnesis/v1/options.pb.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// The credential of a public key (32 bytes); nullopt when none was issued.
StatusOr<std::optional<internal::CredentialState>> FindCredential(const RowFinder& rows, std::string_view public_key);

// Why the credential may not seal an event recorded at `at`, for a person to read; empty when it may.
std::string WhyCannotSeal(const internal::CredentialState& credential, Timestamp at);

// Why the credential is not in force at `at`, for a person to read; empty when it is.
std::string WhyNotInForce(const internal::CredentialState& credential, Timestamp at);
// What the rows of all credentials of a kind of holder begin with: their values are public keys.
std::string HoldersPrefix(std::string_view kind);

// Whether `agent` holds `role` for events recorded at `at`.
StatusOr<bool> HoldsRole(const RowFinder& rows, const v1::Agent& agent, v1::Role role, Timestamp at);
// What it covers, by each grant of it that is in force, the newest first: any of them is enough. Empty when the agent
// doesn't hold it. Corrections have no part in it, and admission takes none of keys and roles in; for the gate, which
// looks at the past, see held_authority.h.
StatusOr<std::vector<v1::Scope>> ScopesOfRole(const RowFinder& rows, const v1::Agent& agent, v1::Role role,
                                              Timestamp at);

// What an agent may be trusted with at a time.
struct AgentStanding {
  // Why the agent is nobody to the ledger: it has no credential, or none is in force. Empty when one is.
  std::string unknown_because;
  // Those without limits: calls are not about an item or a jurisdiction, so who has a role for some only may not make
  // them.
  std::vector<v1::Role> roles;
};
StatusOr<AgentStanding> FindStanding(const RowReader& rows, const v1::Agent& agent, Timestamp at);

// Applies what the event says about keys and roles, if anything.
Status FoldAuthority(const RecordedEvent& event, RowOverlay& rows);
// Whether FoldAuthority reads the bodies of this type.
bool AuthorityReadsBody(const EventType& type);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_AUTHORITY_H_
