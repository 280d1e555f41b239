#include "ledger/query/adopted_policy.h"

#include <algorithm>

namespace anamnesis {

StatusOr<std::optional<AdoptedPolicy>> FindPolicy(Facts& facts, v1::PolicyAdopted::Kind kind, v1::Answer& answer,
                                                  v1::LeafReference* leaf) {
  ASSIGN_OR_RETURN(std::optional<AdoptedPolicy> policy, PolicyInForceAt(facts.rows(), kind, facts.size()));
  if (!policy.has_value()) {
    answer.add_notes(Text("no policy of kind ", v1::PolicyAdopted::Kind_Name(kind), " is adopted, so nothing can be ",
                          "held against it: adopt one with `anamnesis policy adopt FILE`, or all that the program has ",
                          "with `anamnesis policy adopt --shipped`"));
    return policy;
  }
  ASSIGN_OR_RETURN(*leaf, facts.Reference(policy->index));
  return policy;
}

bool IsMemberOf(const v1::RetentionPolicy& policy, std::string_view jurisdiction, std::string_view place) {
  for (const v1::RetentionPolicy::Region& region : policy.regions()) {
    if (region.jurisdiction() != jurisdiction) continue;
    if (std::find(region.members().begin(), region.members().end(), place) != region.members().end()) return true;
  }
  return false;
}

google::protobuf::RepeatedPtrField<std::string> LevelsOf(const v1::ProcessProfile& profile,
                                                         v1::SoftwareSafetyClass safety_class) {
  google::protobuf::RepeatedPtrField<std::string> names;
  for (const v1::ProcessProfile::Level& level : profile.levels()) {
    const bool holds = std::find(level.classes().begin(), level.classes().end(), safety_class) != level.classes().end();
    const bool own_name = v1::SoftwareSafetyClass_Name(safety_class) != Text("SOFTWARE_SAFETY_CLASS_", level.name());
    if (holds && own_name) *names.Add() = level.name();
  }
  return names;
}

std::vector<std::string> WithLargerOnes(const v1::GatePolicy& policy, const std::string& jurisdiction) {
  std::vector<std::string> jurisdictions = {jurisdiction};
  for (const v1::RetentionPolicy::Region& region : policy.regions()) {
    const auto& members = region.members();
    const bool member = std::find(members.begin(), members.end(), jurisdiction) != members.end();
    if (member) jurisdictions.push_back(region.jurisdiction());
  }
  return jurisdictions;
}

}  // namespace anamnesis
