#include "ledger/query/known_rules.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "ledger/event/vocabulary.h"

namespace anamnesis {
namespace {

constexpr std::array<std::string_view, 33> kInCode = {"ACTIVATION-CHANGED",
                                                      "ACTIVATION-DECISION",
                                                      "ACTIVATION-WRITER",
                                                      "ALREADY-OVER",
                                                      "ANNOTATION-AGREEMENT",
                                                      "ANNOTATION-DEVIATION",
                                                      "CHANGE-TEXT",
                                                      "CLASS-LOWERED",
                                                      "CLOSE-CHANGE-LAST-VERIFIED",
                                                      "CLOSE-LAST-VERIFIED",
                                                      "CODE-DIRTY",
                                                      "DECISION-OPTIONS",
                                                      "DESIGN-MISMATCH",
                                                      "ENVELOPE-CHANGE",
                                                      "ENVELOPE-TERMS",
                                                      "ERASABLE",
                                                      "FUTURE",
                                                      "LATE",
                                                      "LATE-REASON",
                                                      "OBJECT-ID",
                                                      "POLICY-KIND",
                                                      "POLICY-PERIOD",
                                                      "POLICY-REGIONS",
                                                      "RELEASE-TESTED-VERSION",
                                                      "REQUIREMENT-ACCEPTANCE",
                                                      "REVIEW-INDEPENDENT",
                                                      "SEAL-CRITERIA",
                                                      "SEALED-ONCE",
                                                      "SPLIT-OVERLAP",
                                                      "SPLIT-OVERLAP-UNKNOWN",
                                                      "SUBSTRATE-DIGEST",
                                                      "TRAINING-PARAMETERS",
                                                      "WEAK-DIGEST"};

// "EXISTS/item": of a role or field that some type has.
bool IsOfRole(const EventType& type, std::string_view rule) {
  const size_t slash = rule.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view family = rule.substr(0, slash);
  const std::string_view of = rule.substr(slash + 1);
  if (family == "FIELD") return type.body->FindFieldByName(std::string(of.substr(0, of.find('.')))) != nullptr;
  if (family != "EXISTS" && family != "UNIQUE" && family != "VERSION") return false;
  const auto& refs = type.options->refs();
  return std::any_of(refs.begin(), refs.end(), [&](const v1::ReferenceRule& ref) { return ref.role() == of; });
}

bool IsAnnotated(const EventType& type, std::string_view rule) {
  const auto has_name = [&](const auto& annotation) { return annotation.rule() == rule; };
  const auto& preconditions = type.options->preconditions();
  const auto& any_of = type.options->any_of();
  return std::any_of(preconditions.begin(), preconditions.end(), has_name) ||
         std::any_of(any_of.begin(), any_of.end(), has_name);
}

}  // namespace

bool IsKnownRule(std::string_view rule) {
  if (std::find(kInCode.begin(), kInCode.end(), rule) != kInCode.end()) return true;
  const std::vector<const EventType*> types = Vocabulary::Get().All();
  return std::any_of(types.begin(), types.end(),
                     [&](const EventType* type) { return IsOfRole(*type, rule) || IsAnnotated(*type, rule); });
}

}  // namespace anamnesis
