#ifndef ANAMNESIS_LEDGER_STATE_ENTITIES_H_
#define ANAMNESIS_LEDGER_STATE_ENTITIES_H_

// What is recorded about entities, as far as the vocabulary's rules ask: which event defined an entity version, and
// which of the event types that a Precondition names were recorded about it. Found by a single row each, so that a rule
// costs the same in a ledger of any size.
//
// Rows of kEntities; fields end with a zero byte, which names can't hold; kinds without versions have none. All values
// are be64 indexes:
//   "d" kind id version             the last event that defined the entity version
//   "v" kind id                     the last event that defined any version of it
//   "n" what role kind id version   the last event of a kind that some Precondition asks for, which named it in that
//   role "a" what role kind id           the same for any version
// `what` is Precondition.events' spelling: "TYPE" or "TYPE?FIELD=VALUE", several conditions joined by "&".

#include <optional>
#include <string_view>

#include "anamnesis/v1/event.pb.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// The last event that defines the entity version and still counts; for a reference without version one that defines any
// version; nullopt when there is none.
StatusOr<std::optional<LeafIndex>> FindDefinition(const RowFinder& rows, const v1::EntityRef& entity);

// The last event before the leaf `before` that defined any version of the entity and still counts; nullopt when there
// is none. For kinds that have versions.
StatusOr<std::optional<LeafIndex>> FindDefinitionBefore(const RowFinder& rows, const v1::EntityRef& entity,
                                                        LeafIndex before);

// The last event that defined exactly this entity version, whether it still counts or not; nullopt when none did. Reads
// no edges, so it may be asked about events that are still pending.
StatusOr<std::optional<LeafIndex>> LastDefinition(const RowFinder& rows, const v1::EntityRef& entity);

// The last event `what` that named the entity version (any version, where `any_version` or the reference has none) in
// `role` and still counts.
StatusOr<std::optional<LeafIndex>> FindNaming(const RowFinder& rows, std::string_view what, std::string_view role,
                                              const v1::EntityRef& entity, bool any_version);

// Whether the event's body has the values that "FIELD=VALUE", or several of them joined by "&", state: FIELD is a path
// with dots, VALUE an enum value's name or "true".
bool BodyHas(const google::protobuf::Message* body, std::string_view conditions);

// Whether some Precondition or the like asks for the value of a field of this type.
bool ConditionsReadBody(const EventType& type);

void FoldEntities(const RecordedEvent& event, RowOverlay& rows);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_ENTITIES_H_
