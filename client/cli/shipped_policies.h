#ifndef ANAMNESIS_CLIENT_CLI_SHIPPED_POLICIES_H_
#define ANAMNESIS_CLIENT_CLI_SHIPPED_POLICIES_H_

// The policy documents of deploy/policies, as the build put them into this program: what a quality system can start
// from. None of them is in force until a ledger's policy.adopted says so.

#include <string_view>
#include <vector>

#include "anamnesis/v1/vocabulary_policy.pb.h"
#include "ledger/base/status.h"

namespace anamnesis::cli {

struct ShippedPolicy {
  // The file's name without ".json".
  std::string_view name;
  std::string_view json;
};

// By name.
const std::vector<ShippedPolicy>& ShippedPolicies();

// A document from protobuf's JSON mapping. INVALID_ARGUMENT naming `source` when it is none, or breaks a field's rule.
StatusOr<v1::PolicyDocument> ParsePolicyDocument(std::string_view source, std::string_view json);

// Which part of the document is set. INVALID_ARGUMENT naming `source` when it is not exactly one.
StatusOr<v1::PolicyAdopted::Kind> KindOfDocument(std::string_view source, const v1::PolicyDocument& document);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_SHIPPED_POLICIES_H_
