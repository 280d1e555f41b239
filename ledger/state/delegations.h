#ifndef ANAMNESIS_LEDGER_STATE_DELEGATIONS_H_
#define ANAMNESIS_LEDGER_STATE_DELEGATIONS_H_

// What people let software do for them, and what anyone's authority covers (21 CFR 11.10(g), 11.100).
//
// Rows of kAuthority: "g" || delegation id -> DelegationState.

#include <optional>
#include <string>
#include <string_view>

#include "anamnesis/internal/state.pb.h"
#include "anamnesis/v1/signature.pb.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

StatusOr<std::optional<internal::DelegationState>> FindDelegation(const RowFinder& rows, std::string_view id);

// Why the delegation doesn't let `agent` write an event recorded at `at`, for a person to read; empty when it does.
// Roles of who delegated are looked up too: nobody can hand on what they don't hold.
StatusOr<std::string> WhyNotDelegated(const RowFinder& rows, const internal::DelegationState& delegation,
                                      const v1::Agent& agent, Timestamp at);

// Why `scope` doesn't cover what the event is about: its item (reference "item") with its class, and its jurisdiction
// (the body's field of that name, or that of its `terms`); empty when it does.
StatusOr<std::string> WhyOutOfScope(const RowFinder& rows, const v1::Scope& scope, const RecordedEvent& event);

Status FoldDelegations(const RecordedEvent& event, RowOverlay& rows);
bool DelegationsReadBody(const EventType& type);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_DELEGATIONS_H_
