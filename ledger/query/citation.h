#ifndef ANAMNESIS_LEDGER_QUERY_CITATION_H_
#define ANAMNESIS_LEDGER_QUERY_CITATION_H_

#include <string>

#include "anamnesis/v1/ledger.pb.h"
#include "ledger/base/ids.h"

namespace anamnesis {

// What a reader needs to cite an event that was read already: with its time as recorded, whatever corrects it.
v1::LeafReference CitationOf(const v1::Event& event);

// For a reader of an answer that uses another time of the event than the one recorded with it.
std::string CorrectedTimeNote(LeafIndex event, LeafIndex correction);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_CITATION_H_
