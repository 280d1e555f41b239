#ifndef ANAMNESIS_LEDGER_EVENT_BODY_CHECK_H_
#define ANAMNESIS_LEDGER_EVENT_BODY_CHECK_H_

// Whether a stored body is the one that its header commits to. Pure; safe from any thread.

#include <string>
#include <string_view>

#include "ledger/event/header.h"

namespace anamnesis {

// Why `body`, nonce || content, is not the body of the event with this header, for a person to read; empty when it is.
std::string WhyBodyIsWrong(const ParsedHeader& header, std::string_view body);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_EVENT_BODY_CHECK_H_
