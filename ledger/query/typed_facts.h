#ifndef ANAMNESIS_LEDGER_QUERY_TYPED_FACTS_H_
#define ANAMNESIS_LEDGER_QUERY_TYPED_FACTS_H_

// The events of one type about an entity that is named with a version or without. Pure.

#include <string_view>
#include <vector>

#include "ledger/base/time.h"
#include "ledger/query/facts.h"

namespace anamnesis {

// An entity without its role and digest; without its version too, where `any`.
v1::EntityRef Bare(const v1::EntityRef& ref, bool any = false);

// The events of a type that the gate reads about exactly this version or about the entity as a whole, in log order.
StatusOr<std::vector<const Fact*>> TypedOfEither(Facts& facts, const v1::EntityRef& ref, std::string_view type);

// The time from which an event has effect: the one that it gives, or when it happened.
inline Timestamp EffectiveFrom(const Fact& fact, int64_t effective_from_us) {
  return effective_from_us == 0 ? fact.earliest() : Timestamp(effective_from_us);
}

// The same for whatever event: by its field effective_from_us, where it has one.
Timestamp EffectiveFrom(const Fact& fact);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_TYPED_FACTS_H_
