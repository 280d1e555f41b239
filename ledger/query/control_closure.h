#ifndef ANAMNESIS_LEDGER_QUERY_CONTROL_CLOSURE_H_
#define ANAMNESIS_LEDGER_QUERY_CONTROL_CLOSURE_H_

// What a risk control relies on: what its definition names, what that relies on, and so on. One rule for the gate, for
// the trace matrix, and, read backwards, for the controls that depend on an item. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/query/facts.h"

namespace anamnesis {

// Whether the first of two definitions of a thing is the older one: by their leaves, or by their place in time.
using IsEarlier = bool (*)(const Fact* a, const Fact* b);

struct ReliedOn {
  v1::EntityRef entity;
  // What defines it; nullptr where nothing is recorded of it, or no more.
  const Fact* defined = nullptr;
};

struct ControlClosure {
  // The control itself comes first.
  std::vector<ReliedOn> reached;
  // Why nobody can say all that it relies on; empty when that is known.
  std::string unknown_because;

  const Fact* defined() const { return reached.front().defined; }
  // The newest of all the definitions; nullptr when there is none.
  const Fact* Newest(IsEarlier earlier) const;
};

// The definition by which something is relied on: the newest, of any version where not just one is meant (of SOUP and
// of models); nullptr when there is none.
StatusOr<const Fact*> ReliedOnDefinition(Facts& facts, const v1::EntityRef& ref, IsEarlier earlier);

// Follows the newest definitions as `earlier` orders them.
StatusOr<ControlClosure> ClosureOf(Facts& facts, const v1::EntityRef& control, IsEarlier earlier);

// Whether what defines an entity of a kind names by this reference something that it relies on.
bool IsReliedOn(std::string_view of_kind, const v1::EntityRef& ref);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_CONTROL_CLOSURE_H_
