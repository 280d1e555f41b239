#include "ledger/query/lineage_roles.h"

#include <algorithm>
#include <array>
#include <string>

namespace anamnesis {
namespace {

enum class Treatment {
  // No lineage: the event relates what it names in another way.
  kNone,
  // It is the record of its products, and those are made of nothing that it names.
  kNoInputs,
  // The path ends at every input where the event defines nothing: it says something of what it names first, and not
  // what
  // that is made of.
  kEndUnlessDefined,
  // The product, in place of what the rule says.
  kProduct,
  // An input at which the path ends.
  kEnd,
};

struct Exception {
  std::string_view type;
  // Empty: all of the event.
  std::string_view role;
  Treatment treatment;
};

constexpr std::array kExceptions = {
    // A trace says which verifies or implements which, not what was made of what; `trace` answers from it.
    Exception{"trace.linked", "", Treatment::kNone},
    Exception{"trace.withdrawn", "", Treatment::kNone},
    // Who was told of what.
    Exception{"parties.advised", "", Treatment::kNone},
    // Who has it.
    Exception{"custody.transferred", "", Treatment::kNone},
    Exception{"release.delivered", "", Treatment::kNoInputs},
    // By which name it is known.
    Exception{"udi.assigned", "", Treatment::kNoInputs},
    // The subject's data went into the dataset, and on from there.
    Exception{"subject_data.erased", "dataset", Treatment::kProduct},
    Exception{"erasure.refused", "dataset", Treatment::kProduct},
    // Where it was made, and by which unit, says nothing about what else ran there; what it was made from has roles of
    // its own.
    Exception{"artifact.produced", "unit", Treatment::kEnd},
    Exception{"artifact.produced", "producer", Treatment::kEnd},
    // What bounds it, not what it was made from.
    Exception{"artifact.produced", "envelope", Treatment::kEnd},
    Exception{"artifact.produced", "surface", Treatment::kEnd},
    // Versions that came before were not made into this one: `diff` compares them.
    Exception{"model.registered", "previous_model", Treatment::kEnd},
    Exception{"soup.version_changed", "previous", Treatment::kEnd},
    // Nor is it made of what came after it.
    Exception{"artifact.superseded", "", Treatment::kNoInputs},
    Exception{"standard.superseded", "", Treatment::kNoInputs},
    // What a unit would have gone back to, not what runs; and the leave to run it, not what it is.
    Exception{"artifact.activated", "rollback_target", Treatment::kEnd},
    Exception{"artifact.activated", "decision", Treatment::kEnd},
    Exception{"artifact.rolled_back", "decision", Treatment::kEnd},
    // On which unit it was asked for, decided or held says nothing about what else ran there.
    Exception{"gate.requested", "", Treatment::kNoInputs},
    Exception{"gate.decided", "unit", Treatment::kEnd},
    Exception{"gate.decided", "rollback_target", Treatment::kEnd},
    Exception{"standing_hold.placed", "unit", Treatment::kEnd},
    Exception{"deactivation.instructed", "", Treatment::kNoInputs},
    Exception{"late_knowledge.found", "", Treatment::kNoInputs},
    Exception{"monitoring.recorded", "", Treatment::kNoInputs},
    // A model is not made of what it was measured with; only a measurement that has a name of its own rests on that.
    Exception{"evaluation.completed", "", Treatment::kEndUnlessDefined},
    // What was found out about it, what became of it, what it affects: it was there before and was not made of this.
    Exception{"test_procedure.evaluated", "", Treatment::kNoInputs},
    Exception{"risk_control.verified", "", Treatment::kNoInputs},
    Exception{"certification.refused", "", Treatment::kNoInputs},
    Exception{"recertification.required", "", Treatment::kNoInputs},
    Exception{"problem.resolved", "", Treatment::kNoInputs},
    Exception{"problem.verified", "", Treatment::kNoInputs},
    Exception{"change.impact_analysed", "", Treatment::kNoInputs},
    Exception{"change.verified", "", Treatment::kNoInputs},
    Exception{"incident.closed", "", Treatment::kNoInputs},
    Exception{"vigilance.reported", "", Treatment::kNoInputs},
    // What a change led to came after it.
    Exception{"change.implemented", "", Treatment::kNoInputs},
    // It shows that the release may be made; it does not go into it.
    Exception{"release.approved", "evidence", Treatment::kEnd},
    // What a document or a decision is about, it is not made of.
    Exception{"document.referenced", "about", Treatment::kEnd},
    Exception{"decision.recorded", "about", Treatment::kEnd},
    // What an envelope must keep to leads to controls and tests of other things.
    Exception{"envelope.proposed", "risk_control_set", Treatment::kEnd},
    Exception{"envelope.approved", "risk_control_set", Treatment::kEnd},
    Exception{"envelope.approved", "requirement", Treatment::kEnd},
    Exception{"envelope.approved", "protocol", Treatment::kEnd},
};

constexpr std::array<std::string_view, 10> kEndKinds = {"software_item", "device_model", "site", "person",
                                                        "organisation",  "software",     "node", "policy",
                                                        "standard",      "repository"};

const Exception* FindException(std::string_view type, std::string_view role) {
  const auto matches = [&](const Exception& exception) { return exception.type == type && exception.role == role; };
  const auto found = std::find_if(kExceptions.begin(), kExceptions.end(), matches);
  return found == kExceptions.end() ? nullptr : &*found;
}

bool IsExceptional(std::string_view type, std::string_view role, Treatment treatment) {
  const Exception* exception = FindException(type, role);
  return exception != nullptr && exception->treatment == treatment;
}

bool DefinesAny(const EventType& type, const v1::EventHeader& header) {
  const auto& rules = type.options->refs();
  return std::any_of(rules.begin(), rules.end(), [&](const v1::ReferenceRule& rule) {
    return rule.defines() && FindReference(header, rule.role()) != nullptr;
  });
}

// The roles of the event's products.
std::vector<std::string_view> ProductRoles(const EventType& type, const v1::EventHeader& header) {
  std::vector<std::string_view> excepted;
  std::vector<std::string_view> defining;
  std::string_view first;
  for (const v1::ReferenceRule& rule : type.options->refs()) {
    if (FindReference(header, rule.role()) == nullptr) continue;
    if (first.empty()) first = rule.role();
    if (rule.defines()) defining.push_back(rule.role());
    if (IsExceptional(type.name(), rule.role(), Treatment::kProduct)) excepted.push_back(rule.role());
  }
  if (!excepted.empty()) return excepted;
  if (defining.empty() && !first.empty()) defining.push_back(first);
  return defining;
}

}  // namespace

LineageRoles LineageRolesOf(const EventType& type, const v1::EventHeader& header) {
  LineageRoles roles;
  if (IsExceptional(type.name(), "", Treatment::kNone)) return roles;
  const bool no_inputs = IsExceptional(type.name(), "", Treatment::kNoInputs);
  const bool all_end = IsExceptional(type.name(), "", Treatment::kEndUnlessDefined) && !DefinesAny(type, header);
  const std::vector<std::string_view> products = ProductRoles(type, header);
  for (const v1::EntityRef& ref : header.refs()) {
    if (std::find(products.begin(), products.end(), ref.role()) != products.end()) {
      roles.products.push_back(&ref);
    } else if (!no_inputs) {
      roles.inputs.push_back({&ref, all_end || IsExceptional(type.name(), ref.role(), Treatment::kEnd)});
    }
  }
  return roles;
}

bool EndsLineage(std::string_view kind) {
  return std::find(kEndKinds.begin(), kEndKinds.end(), kind) != kEndKinds.end();
}

}  // namespace anamnesis
