#ifndef ANAMNESIS_LEDGER_EVENT_SCOPE_H_
#define ANAMNESIS_LEDGER_EVENT_SCOPE_H_

#include "anamnesis/v1/signature.pb.h"

namespace anamnesis {

// Whether the scope leaves nothing out: as much as none at all. Pure.
bool IsUnlimited(const v1::Scope& scope);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_EVENT_SCOPE_H_
