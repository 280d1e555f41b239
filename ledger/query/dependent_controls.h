#ifndef ANAMNESIS_LEDGER_QUERY_DEPENDENT_CONTROLS_H_
#define ANAMNESIS_LEDGER_QUERY_DEPENDENT_CONTROLS_H_

// Which risk controls rely on an item, on one that contains it or on a part of it: themselves, or over items, models,
// SOUP and requirements that do (control_closure.h, read backwards). Pure.

#include <vector>

#include "anamnesis/v1/question.pb.h"
#include "ledger/base/status.h"
#include "ledger/query/facts.h"

namespace anamnesis {

// The controls whose newest definition relies on `entity` or something that does, each with a shortest path.
StatusOr<std::vector<v1::TraceAnswer::DependentControl>> ControlsDependingOn(Facts& facts, const v1::EntityRef& entity);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_DEPENDENT_CONTROLS_H_
