#ifndef ANAMNESIS_LEDGER_STATE_POLICIES_H_
#define ANAMNESIS_LEDGER_STATE_POLICIES_H_

// Which policy documents are in force: of each kind the newest that was adopted and not taken back since, by place in
// time (place_in_time.h), so that who tells afterwards of an old one doesn't bring it back.
//
// Rows of kEntities: "p" || kind byte -> be64 index of the last adoption; "q" || kind byte || be64 index of an adoption
// -> be64 index of the one before it, empty for the first; "t" -> the ContemporaneityPolicy in force, kept at hand
// since every event is held against it, or empty when an adoption was corrected or told afterwards since.

#include <memory>
#include <optional>
#include <string_view>

#include "anamnesis/v1/vocabulary_policy.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

struct AdoptedPolicy {
  LeafIndex index;
  v1::EntityRef name;
  // Never null.
  std::shared_ptr<const v1::PolicyAdopted> body;
};

// The policy of a kind at the end of the log that `rows` holds; nullopt when none is in force.
StatusOr<std::optional<AdoptedPolicy>> PolicyInForce(const RowFinder& rows, v1::PolicyAdopted::Kind kind);
// The same as known at `size`.
StatusOr<std::optional<AdoptedPolicy>> PolicyInForceAt(const RowFinder& rows, v1::PolicyAdopted::Kind kind,
                                                       TreeSize size);

// Whether one is in force at the end of the log that `rows` holds.
StatusOr<bool> HasPolicy(const RowFinder& rows, v1::PolicyAdopted::Kind kind);

// How long after it happened an event of this type is expected to be recorded, in seconds; nullopt when no policy says.
std::optional<uint64_t> LateAfterSeconds(const v1::ContemporaneityPolicy& policy, const EventType& type);
// The contemporaneity policy in force, without its adoption.
StatusOr<std::optional<v1::ContemporaneityPolicy>> ContemporaneityInForce(const RowFinder& rows);

// What the process profile in force makes of an event that breaks a rule; `otherwise` when it says nothing.
StatusOr<v1::Consequence> ConsequenceInForce(const RowFinder& rows, std::string_view rule, v1::Consequence otherwise);

// Whether exactly the part of the document is set that `kind` names.
bool IsDocumentOfKind(const v1::PolicyAdopted& policy);

Status FoldPolicies(const RecordedEvent& event, RowOverlay& rows);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_POLICIES_H_
