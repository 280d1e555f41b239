#ifndef ANAMNESIS_LEDGER_QUERY_KNOWN_RULES_H_
#define ANAMNESIS_LEDGER_QUERY_KNOWN_RULES_H_

// The names of the rules that an event may break. Pure.

#include <string_view>

namespace anamnesis {

// Whether some event type's annotations, or code (special_rules.h and what it names), have a rule of that name.
bool IsKnownRule(std::string_view rule);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_KNOWN_RULES_H_
