#ifndef ANAMNESIS_LEDGER_STATE_EDGES_H_
#define ANAMNESIS_LEDGER_STATE_EDGES_H_

// The typed edges between events and entities, on which every graph question is answered.
//
// Rows of kEdges, all with empty values; fields end with a zero byte, which names can't hold:
//   "r" kind id version role be64 index   the event refers to the entity in this role
//   "d" kind id version be64 index        the event defines the entity (ReferenceRule.defines)
//   "v" kind id be64 index                the event defines some version of the entity, of a kind that has versions
//   "h" algorithm byte, digest, be64 index   the event refers to an entity with this digest
//   "t" kind id version type be64 index   the event, of a type that the gate reads, refers to the entity; not an
//                                         identifier assigned to a unit to the unit's model
//   "f" stream be64 index                 the event says that the stream has two histories; the log where it is empty
// Of kinds that have no versions it is empty, whatever the event says: a reference with one too many must not hide the
// event from who asks about the entity. Events below a size are found by their index, so they serve every known size.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// The event below `size` that last defined the entity version (an empty version is a version of its own) and was not
// retracted or replaced below it; nullopt when there is none.
StatusOr<std::optional<LeafIndex>> DefinitionOf(const RowFinder& rows, std::string_view kind, std::string_view id,
                                                std::string_view version, TreeSize size);

// The events below `size` that refer to the entity version in `role`, in log order, at most `limit`.
StatusOr<std::vector<LeafIndex>> ReferencesTo(const RowReader& rows, std::string_view kind, std::string_view id,
                                              std::string_view version, std::string_view role, TreeSize size,
                                              size_t limit);

// The events of one type that the gate reads (EventTypeOptions.gate_input) below `size` that refer to the entity
// version in any role, in log order, at most `limit`; the last ones first where `newest_first`.
StatusOr<std::vector<LeafIndex>> EventsOfType(const RowReader& rows, const v1::EntityRef& entity, std::string_view type,
                                              TreeSize size, size_t limit, bool newest_first = false);

// The prefixes under which EventsOfType and ReferencesTo find their rows, for whoever goes on from a row of them; and
// the event that such a row is of.
std::string TypedEdgesPrefix(const v1::EntityRef& entity, std::string_view type);
std::string RoleEdgesPrefix(const v1::EntityRef& entity, std::string_view role);
std::optional<LeafIndex> EventOfEdge(std::string_view prefix, std::string_view key);

// The first event below `size` that refers to an entity with this digest; nullopt when none does.
StatusOr<std::optional<LeafIndex>> FirstWithDigest(const RowReader& rows, const v1::ContentDigest& digest,
                                                   TreeSize size);

// The fork.detected events below `size` that name exactly this stream, or the log where it is empty, in log order, at
// most `limit`. Retracted ones too.
StatusOr<std::vector<LeafIndex>> ForksRecordedOf(const RowReader& rows, std::string_view stream, TreeSize size,
                                                 size_t limit);

void FoldEdges(const RecordedEvent& event, RowOverlay& rows);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_EDGES_H_
