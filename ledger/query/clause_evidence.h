#ifndef ANAMNESIS_LEDGER_QUERY_CLAUSE_EVIDENCE_H_
#define ANAMNESIS_LEDGER_QUERY_CLAUSE_EVIDENCE_H_

// What of an item's records shows that it was made as a line of the adopted process profile asks. Pure.

#include <string>

#include "anamnesis/v1/question.pb.h"
#include "ledger/base/status.h"
#include "ledger/query/facts.h"
#include "ledger/query/item_scope.h"

namespace anamnesis {

// How many leaves a line of an answer names.
inline constexpr int kEvidenceShownMax = 20;

// The class that a question is answered for: the one that it gives, or the item's as known at the size. `assigned_to`
// is filled with whose class it is.
StatusOr<v1::SoftwareSafetyClass> ClassFor(Facts& facts, const v1::EntityRef& item, v1::SoftwareSafetyClass asked,
                                           std::string& assigned_to);

// INVALID_ARGUMENT unless the entity is a software item with an id.
Status CheckIsItem(std::string_view field, const v1::EntityRef& item);

bool HoldsForClass(const google::protobuf::RepeatedField<int>& classes, v1::SoftwareSafetyClass safety_class);

// Judges one line of the profile by the item's events. With `own_classes` units count by their own class, otherwise all
// by `safety_class`.
StatusOr<v1::ClauseEvidence> JudgeEvidence(Facts& facts, const ItemScope& scope,
                                           const v1::ProcessProfile::Evidence& asked,
                                           v1::SoftwareSafetyClass safety_class, bool own_classes);

// Whether something is missing.
inline bool IsMissing(v1::EvidenceState state) {
  return state == v1::MISSING_BY_CLAUSE || state == v1::MISSING_BY_POLICY;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_CLAUSE_EVIDENCE_H_
