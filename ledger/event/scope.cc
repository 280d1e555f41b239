#include "ledger/event/scope.h"

namespace anamnesis {

bool IsUnlimited(const v1::Scope& scope) {
  return scope.items().empty() && scope.jurisdictions().empty() &&
         scope.class_max() == v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED;
}

}  // namespace anamnesis
