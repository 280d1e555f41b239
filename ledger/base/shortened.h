#ifndef ANAMNESIS_LEDGER_BASE_SHORTENED_H_
#define ANAMNESIS_LEDGER_BASE_SHORTENED_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace anamnesis {

// UTF-8 text of at most `bytes_max` bytes as it is; of longer, its beginning, cut where a character begins, and "…".
// Pure.
std::string Shortened(std::string_view text, size_t bytes_max);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_BASE_SHORTENED_H_
