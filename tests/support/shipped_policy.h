#ifndef ANAMNESIS_TESTS_SUPPORT_SHIPPED_POLICY_H_
#define ANAMNESIS_TESTS_SUPPORT_SHIPPED_POLICY_H_

// The policy documents of deploy/policies, for tests.

#include <string_view>

#include "anamnesis/v1/vocabulary_policy.pb.h"
#include "tests/support/test_run.h"

namespace anamnesis {

// The document in `file` (without ".json"). Fails the process when it isn't one.
v1::PolicyDocument ReadPolicy(std::string_view file);

// Its adoption.
EventDraft Adopt(v1::PolicyAdopted::Kind kind, const v1::PolicyDocument& document, std::string_view version = "1");

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_SUPPORT_SHIPPED_POLICY_H_
