#ifndef ANAMNESIS_LEDGER_QUERY_ANY_VERSION_H_
#define ANAMNESIS_LEDGER_QUERY_ANY_VERSION_H_

// What is recorded of an entity in whatever version. Only what defines a version, or is of the type asked for, counts:
// anybody may refer to versions that nobody defined, and as many of them as they like. Nothing is left out silently.
// Pure.

#include <string_view>
#include <vector>

#include "ledger/query/facts.h"

namespace anamnesis {

// The events that define any version of the entity and still count: versions ascending by bytes, those of each in log
// order. RESOURCE_EXHAUSTED: more than kTypedEventsMax do.
StatusOr<std::vector<const Fact*>> DefinitionsOfAnyVersion(Facts& facts, const v1::EntityRef& entity);

// The events of a type that the gate reads that still count and refer to any version of the entity, or to it without
// one; in log order. RESOURCE_EXHAUSTED: more than kTypedEventsMax do, or the entity is named in more than
// kQuestionEventsMax versions.
StatusOr<std::vector<const Fact*>> TypedOfAnyVersion(Facts& facts, const v1::EntityRef& entity, std::string_view type);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_ANY_VERSION_H_
