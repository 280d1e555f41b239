#ifndef ANAMNESIS_LEDGER_QUERY_VAGUE_TEXT_H_
#define ANAMNESIS_LEDGER_QUERY_VAGUE_TEXT_H_

// Texts that sound like a criterion and state none. Pure.

#include <string_view>

namespace anamnesis {

// Whether a text has one of the words that sound like a criterion ("representative", "adequate") and no quantity: a
// number that something is compared with ("over 18", ">= 512") or that counts or measures something ("20 patients",
// "1.5 mm"). A year, a date, a version or a number in a name is none.
bool IsVague(std::string_view text);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_VAGUE_TEXT_H_
