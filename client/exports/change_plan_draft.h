#ifndef ANAMNESIS_CLIENT_EXPORTS_CHANGE_PLAN_DRAFT_H_
#define ANAMNESIS_CLIENT_EXPORTS_CHANGE_PLAN_DRAFT_H_

#include <cstdint>
#include <map>
#include <string>

#include "anamnesis/v1/vocabulary_adaptation.pb.h"
#include "client/exports/sections.h"

namespace anamnesis::exports {

// Everything that bounds a dimension, in words: none of its fields is left out.
std::string BoundsText(const v1::EnvelopeTerms::Dimension& dimension);

// The three parts of a predetermined change control plan (21 USC 360e-4), from the item's envelopes and plans in force,
// protocols and risk controls: description of modifications, modification protocol, impact assessment; and a trace from
// each modification to the parts of the protocol. What a plan needs and nothing is recorded of is a gap.
Status ChangePlanDraft(const LedgerView& view, const v1::EntityRef& subject, const std::map<uint64_t, Cited>& records,
                       Document& document);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_CHANGE_PLAN_DRAFT_H_
