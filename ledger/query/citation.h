#ifndef ANAMNESIS_LEDGER_QUERY_CITATION_H_
#define ANAMNESIS_LEDGER_QUERY_CITATION_H_

#include "anamnesis/v1/ledger.pb.h"

namespace anamnesis {

// What a reader needs to cite an event that was read already: with its time as recorded, whatever corrects it.
v1::LeafReference CitationOf(const v1::Event& event);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_CITATION_H_
