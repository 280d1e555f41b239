#ifndef ANAMNESIS_CLIENT_CLI_EVENT_TEXT_H_
#define ANAMNESIS_CLIENT_CLI_EVENT_TEXT_H_

// Events as text for a person.

#include <string>
#include <string_view>

#include "anamnesis/v1/ledger.pb.h"

namespace anamnesis::cli {

// "role=kind:id@version#digest", as --ref takes it.
std::string ReferenceText(const v1::EntityRef& ref);
// One line: index, recorded time, type, stream, main references.
std::string EventLine(const v1::Event& event);
// Everything, over many lines.
std::string EventDetails(const v1::Event& event);
// "leaf 12 artifact.activated (recorded ..., by ...)".
std::string CitationText(const v1::LeafReference& leaf);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_EVENT_TEXT_H_
