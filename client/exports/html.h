#ifndef ANAMNESIS_CLIENT_EXPORTS_HTML_H_
#define ANAMNESIS_CLIENT_EXPORTS_HTML_H_

// A document as index.html, for a person: one file without scripts or anything from elsewhere (its own policy forbids
// them), what is missing first, then the sections, then every cited record; to be read on a screen and printed on A4.
// Pure.

#include <string>

#include "client/exports/document.h"

namespace anamnesis::exports {

std::string WriteHtml(const Document& document);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_HTML_H_
