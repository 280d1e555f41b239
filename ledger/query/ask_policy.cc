#include "ledger/query/adopted_policy.h"
#include "ledger/query/ask.h"

namespace anamnesis {

Status AnswerPolicy(Facts& facts, const v1::PolicyQuestion& question, v1::Answer& answer) {
  if (!v1::PolicyAdopted::Kind_IsValid(question.kind()) || question.kind() == v1::PolicyAdopted::KIND_UNSPECIFIED) {
    return absl::InvalidArgumentError(
        Text("policy.kind: ", static_cast<int>(question.kind()), " is no kind of policy"));
  }
  v1::PolicyAnswer& filled = *answer.mutable_policy();
  ASSIGN_OR_RETURN(const std::optional<AdoptedPolicy> policy,
                   FindPolicy(facts, question.kind(), answer, filled.mutable_adoption()));
  if (!policy.has_value()) {
    filled.clear_adoption();
    return OkStatus();
  }
  filled.set_adopted(true);
  *filled.mutable_policy() = policy->name;
  filled.set_title(policy->body->title());
  *filled.mutable_document() = policy->body->document();
  return OkStatus();
}

}  // namespace anamnesis
