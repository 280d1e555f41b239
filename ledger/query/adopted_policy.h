#ifndef ANAMNESIS_LEDGER_QUERY_ADOPTED_POLICY_H_
#define ANAMNESIS_LEDGER_QUERY_ADOPTED_POLICY_H_

// The policy document that an answer is computed with: the one in force at the size that is asked about, cited, or a
// note that there is none and how one is adopted. Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/question.pb.h"
#include "ledger/base/status.h"
#include "ledger/query/facts.h"
#include "ledger/state/policies.h"

namespace anamnesis {

// `leaf` is filled only when there is one; else a note is added to the answer.
StatusOr<std::optional<AdoptedPolicy>> FindPolicy(Facts& facts, v1::PolicyAdopted::Kind kind, v1::Answer& answer,
                                                  v1::LeafReference* leaf);

// Whether `place` is one of the countries where, by the policy, the law of the larger jurisdiction holds.
bool IsMemberOf(const v1::RetentionPolicy& policy, std::string_view jurisdiction, std::string_view place);

// What the profile calls a class, where it has another name for it than the class's letter: e.g. "II" for B and C.
google::protobuf::RepeatedPtrField<std::string> LevelsOf(const v1::ProcessProfile& profile,
                                                         v1::SoftwareSafetyClass safety_class);

// A jurisdiction and, by the policy's regions, the larger ones whose law holds there.
std::vector<std::string> WithLargerOnes(const v1::GatePolicy& policy, const std::string& jurisdiction);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_ADOPTED_POLICY_H_
