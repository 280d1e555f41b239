#ifndef ANAMNESIS_LEDGER_NOTE_TEXT_H_
#define ANAMNESIS_LEDGER_NOTE_TEXT_H_

// What C2SP's text formats have in common. Pure, safe from any thread and for any input.

#include <cstdint>
#include <string_view>

#include "ledger/base/status.h"

namespace anamnesis {

// True when `text` is UTF-8 (no overlong forms, no surrogates) without control characters below U+0020 but newline.
bool IsNoteText(std::string_view text);

// True when `text`, which is UTF-8, has a character with Unicode's White_Space property.
bool HasUnicodeSpace(std::string_view text);

// A number in decimal digits without leading zeroes. INVALID_ARGUMENT, naming `field`, otherwise and beyond 2^64 - 1.
StatusOr<uint64_t> ParseDecimal(std::string_view text, std::string_view field);

// The front of `rest` up to a newline; the line and its newline are taken off. INVALID_ARGUMENT, naming `field`, when
// there is no newline.
StatusOr<std::string_view> TakeLine(std::string_view& rest, std::string_view field);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_NOTE_TEXT_H_
