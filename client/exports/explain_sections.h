#ifndef ANAMNESIS_CLIENT_EXPORTS_EXPLAIN_SECTIONS_H_
#define ANAMNESIS_CLIENT_EXPORTS_EXPLAIN_SECTIONS_H_

#include <map>

#include "client/exports/sections.h"

namespace anamnesis::exports {

// How each model version among the records came about, and what its records don't say of it: data, selection,
// annotation and preprocessing go to `data`, training and code to `training`, evaluation to `verification`.
Status AddExplanations(const LedgerView& view, const std::map<uint64_t, Cited>& records, Section& data,
                       Section& training, Section& verification);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_EXPLAIN_SECTIONS_H_
