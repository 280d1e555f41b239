#ifndef ANAMNESIS_CLIENT_EXPORTS_HTML_TEXT_H_
#define ANAMNESIS_CLIENT_EXPORTS_HTML_TEXT_H_

// Untrusted text in HTML. Every text of a document stands in a <bdi> of its own, escaped, so that it is neither markup
// nor turns the direction of what stands beside it; a long digest is shown by its start, with the whole in the title.
// What was written is found again from the HTML. Pure; safe for any input.

#include <functional>
#include <string>
#include <string_view>

#include "ledger/base/status.h"

namespace anamnesis::exports {

// For text between tags and in quoted attributes alike.
std::string EscapeHtml(std::string_view text);

// `text` with each long run of hexadecimal or base64 cut to its start and "…".
std::string ShortenedDigests(std::string_view text);

// "<bdi>text</bdi>", or "<bdi title="whole">start…</bdi>" where `text` holds a long run of hexadecimal or base64.
std::string HtmlValue(std::string_view text);
// The same without shortening.
std::string WholeHtmlValue(std::string_view text);

// The texts that were given to the functions above, in their order. INVALID_ARGUMENT when one isn't closed, holds
// markup or an unknown character reference, or is shown as something else than its whole is.
Status VisitHtmlValues(std::string_view html, const std::function<void(const std::string&)>& visit);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_HTML_TEXT_H_
