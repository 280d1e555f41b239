#ifndef ANAMNESIS_LEDGER_STATE_DELEGATIONS_H_
#define ANAMNESIS_LEDGER_STATE_DELEGATIONS_H_

// What people let software do for them, and what anyone's authority covers (21 CFR 11.10(g), 11.100).
//
// Rows of kAuthority: "g" || delegation id -> DelegationState.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

// What an event is about, as far as authority is limited.
struct Matter {
  // Software items: those that it names as its item, and those of the artifact, certification, hold, problem or field
  // action that it is about.
  std::vector<std::string> items;
  // It is about one of those, and of that, or of a part of its scope, nothing recorded says of which item.
  bool items_unknown = false;
  // The class that the event itself is for; unspecified where it says none.
  v1::SoftwareSafetyClass safety_class = v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED;
  // Where it has effect, by what it says and by the authorisation or plan that it is about: all jurisdictions when the
  // list is empty, and nullopt when that is no question.
  std::optional<std::vector<std::string>> jurisdictions;
};

StatusOr<Matter> MatterOf(const RowFinder& rows, const RecordedEvent& event);

// Why `scope` doesn't cover the matter, by the items and classes as known at `size`; empty when it does. What nobody
// can tell is not covered by a scope that asks for it.
StatusOr<std::string> WhyOutOfScope(const RowFinder& rows, const v1::Scope& scope, const Matter& matter,
                                    TreeSize size = TreeSize(UINT64_MAX));

// Whether a delegation's limit to a version ("id@version", or empty) holds for what an event refers to.
bool IsOfVersion(std::string_view limit, const v1::EntityRef* entity);

Status FoldDelegations(const RecordedEvent& event, RowOverlay& rows);
bool DelegationsReadBody(const EventType& type);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_DELEGATIONS_H_
