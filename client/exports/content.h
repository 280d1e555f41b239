#ifndef ANAMNESIS_CLIENT_EXPORTS_CONTENT_H_
#define ANAMNESIS_CLIENT_EXPORTS_CONTENT_H_

// The content of an export apart from its form: the texts that the ledger and the questions gave, in their order. Equal
// digests mean that the readable and the machine form say the same (21 CFR 11.10(b)). Pure; safe for any input.

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "client/exports/document.h"
#include "ledger/base/digest.h"
#include "ledger/base/status.h"

namespace anamnesis::exports {

// Calls `visit` with every text of the document in the order in which it is read. `visit` may change them.
void VisitTexts(Document& document, const std::function<void(std::string&)>& visit);

// Replaces characters that HTML can't hold unchanged (control characters; line breaks and tabs stay), and those that
// turn the direction of what is around them, with U+FFFD.
std::string CleanText(std::string_view text);
// All but what verifiers hold against a record's leaf, letter for letter.
void CleanTexts(Document& document);

// Every leaf that cells and gaps cite.
std::set<uint64_t> CitedLeaves(const Document& document);

// SHA-256 over the texts and the cited leaves, each ended by "\n." and with its own line feeds doubled.
Digest ContentDigestOf(const Document& document);

// The same over the HTML that html.h writes: INVALID_ARGUMENT when it is not well-formed where it holds content.
StatusOr<Digest> ContentDigestOfHtml(std::string_view html);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_CONTENT_H_
