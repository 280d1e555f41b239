#ifndef ANAMNESIS_LEDGER_GATE_DECISIONS_H_
#define ANAMNESIS_LEDGER_GATE_DECISIONS_H_

// What people decided, as far as the gate heeds it: decision.recorded events with a choice that it knows, by somebody
// who answers for such decisions. Private to the room.

#include <optional>
#include <string_view>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/query/facts.h"

namespace anamnesis::gate {

// About a problem of safety: what it concerns may run.
inline constexpr std::string_view kOperationPermitted = "operation_permitted";
// About a dataset of which records were withdrawn or erased, or an artifact that was revoked: what was made from it may
// be used.
inline constexpr std::string_view kUsePermitted = "use_permitted";
// About a unit, an artifact or its item: policy takes nothing back.
inline constexpr std::string_view kStoppingIsWorse = "stopping_is_the_greater_harm";

// Which decisions are about a question.
enum class DecisionsAbout {
  // All that name the entities: whatever else was decided since, the choice doesn't hold any more.
  kEntity,
  // Those that have the choice among their options: the entities are decided on in other ways too.
  kChoice,
};

// The last decision about one of the entities, after leaf `after` where one is given, when it made the choice and its
// writer was a quality officer, an activation approver or a regulatory officer when it was recorded; nullptr otherwise.
// As with holds, anybody can decide against it, and who lets it be answers for it.
// The writer's role must cover `item`, where one is given.
StatusOr<const Fact*> LastDecisionFor(Facts& facts, const std::vector<v1::EntityRef>& entities, std::string_view item,
                                      std::string_view choice, DecisionsAbout about, std::optional<LeafIndex> after);

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_DECISIONS_H_
