#ifndef ANAMNESIS_LEDGER_EVENT_NAMES_H_
#define ANAMNESIS_LEDGER_EVENT_NAMES_H_

// Who acts and what is spoken of, in messages, as the command line takes them.

#include <string>

#include "anamnesis/v1/event.pb.h"

namespace anamnesis {

// "person:ada"
std::string AgentText(const v1::Agent& agent);
// "kind:id@version", or "kind:id" without a version.
std::string EntityKeyText(const v1::EntityRef& entity);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_EVENT_NAMES_H_
