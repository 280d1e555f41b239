#ifndef ANAMNESIS_LEDGER_QUERY_ENVELOPE_DIFFERENCE_H_
#define ANAMNESIS_LEDGER_QUERY_ENVELOPE_DIFFERENCE_H_

// What one version of an envelope allows against another (ledger/envelope/envelope.h has the rule). Pure.

#include "anamnesis/v1/question_lineage.pb.h"
#include "ledger/query/facts.h"

namespace anamnesis {

// Adds the facet "envelope" and the class when both records are envelopes; whether what they allow differs.
bool AddEnvelopeFacet(const Fact& x, const Fact& y, v1::DiffAnswer& answer);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_ENVELOPE_DIFFERENCE_H_
