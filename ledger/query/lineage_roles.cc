#include "ledger/query/lineage_roles.h"

#include <algorithm>
#include <array>
#include <string>

namespace anamnesis {
namespace {

enum class Treatment {
  // No lineage: the event relates what it names in another way.
  kNone,
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
    // The subject's data went into the dataset, and on from there.
    Exception{"subject_data.erased", "dataset", Treatment::kProduct},
    Exception{"erasure.refused", "dataset", Treatment::kProduct},
    // Where it was made says nothing about what else ran there; what it was made from has roles of its own.
    Exception{"artifact.produced", "unit", Treatment::kEnd},
    // Versions that came before were not made into this one: `diff` compares them.
    Exception{"model.registered", "previous_model", Treatment::kEnd},
    Exception{"soup.version_changed", "previous", Treatment::kEnd},
    // What a unit would have gone back to, not what runs.
    Exception{"artifact.activated", "rollback_target", Treatment::kEnd},
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
  const std::vector<std::string_view> products = ProductRoles(type, header);
  for (const v1::EntityRef& ref : header.refs()) {
    if (std::find(products.begin(), products.end(), ref.role()) != products.end()) {
      roles.products.push_back(&ref);
    } else {
      roles.inputs.push_back({&ref, IsExceptional(type.name(), ref.role(), Treatment::kEnd)});
    }
  }
  return roles;
}

bool EndsLineage(std::string_view kind) {
  return std::find(kEndKinds.begin(), kEndKinds.end(), kind) != kEndKinds.end();
}

}  // namespace anamnesis
