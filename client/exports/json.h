#ifndef ANAMNESIS_CLIENT_EXPORTS_JSON_H_
#define ANAMNESIS_CLIENT_EXPORTS_JSON_H_

// A document as export.json: RFC 8785 (JCS) canonical JSON of objects, lists, strings and whole numbers below 2^53, so
// that one document has one form in any language. Pure; safe for any input.

#include <string>
#include <string_view>

#include "client/exports/document.h"
#include "ledger/base/status.h"

namespace anamnesis::exports {

inline constexpr std::string_view kDocumentFormat = "anamnesis-export-v1";

std::string WriteJson(const Document& document);

// INVALID_ARGUMENT, naming what is wrong, unless it is exactly what WriteJson writes.
StatusOr<Document> ReadJson(std::string_view json);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_JSON_H_
