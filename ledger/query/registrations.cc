#include "ledger/query/registrations.h"

#include "ledger/event/names.h"
#include "ledger/query/item_history.h"

namespace anamnesis {

Digests DigestsOf(const google::protobuf::RepeatedPtrField<v1::FileRecord>& files) {
  Digests digests;
  for (const v1::FileRecord& file : files) {
    if (file.has_digest()) digests[file.path()] = DigestText(file.digest());
  }
  return digests;
}

Digests CodeFiles(const Registration& registration) {
  const auto* code = registration.code == nullptr ? nullptr : registration.code->body<v1::CodeRevisionRecorded>();
  return code == nullptr ? Digests() : DigestsOf(code->files());
}

std::optional<Digests> WeightsOf(const Registration& registration) {
  if (registration.body->files_size() == 0) return std::nullopt;
  const Digests code = CodeFiles(registration);
  Digests weights = DigestsOf(registration.body->files());
  for (const v1::FileRecord& file : registration.body->files()) {
    if (weights.count(file.path()) > 0) continue;
    const auto found = code.find(file.path());
    if (found == code.end()) return std::nullopt;
    weights[file.path()] = found->second;
  }
  return weights;
}

std::optional<bool> SameBytes(const std::optional<Digests>& before, const std::optional<Digests>& after) {
  if (!before.has_value() || !after.has_value()) return std::nullopt;
  std::multiset<std::string> old_digests;
  std::multiset<std::string> new_digests;
  std::set<std::string> algorithms[2];
  for (const auto& [path, digest] : *before) {
    old_digests.insert(digest);
    algorithms[0].insert(digest.substr(0, digest.find(':')));
  }
  for (const auto& [path, digest] : *after) {
    new_digests.insert(digest);
    algorithms[1].insert(digest.substr(0, digest.find(':')));
  }
  if (old_digests == new_digests) return true;
  if (algorithms[0] != algorithms[1]) return std::nullopt;
  return false;
}

std::vector<std::string> ChangedPaths(const Digests& before, const Digests& after) {
  std::vector<std::string> changed;
  for (const auto& [path, digest] : before) {
    const auto found = after.find(path);
    if (found == after.end() || found->second != digest) changed.push_back(path);
  }
  for (const auto& [path, digest] : after) {
    if (before.count(path) == 0) changed.push_back(path);
  }
  return changed;
}

std::vector<const Fact*> Registration::facts() const {
  std::vector<const Fact*> all;
  for (const Fact* each : {fact, run, code}) {
    if (each != nullptr) all.push_back(each);
  }
  return all;
}

StatusOr<std::vector<Registration>> RegistrationsOf(Facts& facts, const v1::EntityRef& model) {
  std::vector<Registration> registrations;
  ASSIGN_OR_RETURN(const std::vector<const Fact*> definitions, facts.Definitions(model));
  for (const Fact* fact : definitions) {
    Registration registration;
    registration.fact = fact;
    registration.body = fact->body<v1::ModelRegistered>();
    registration.ref = FindReference(fact->header(), "model");
    if (registration.body == nullptr || registration.ref == nullptr) continue;
    if (const v1::EntityRef* run = FindReference(fact->header(), "training_run"); run != nullptr) {
      ASSIGN_OR_RETURN(registration.run, facts.Definition(*run));
    }
    if (const v1::EntityRef* code = FindReference(fact->header(), "code"); code != nullptr) {
      ASSIGN_OR_RETURN(registration.code, facts.Definition(*code));
    }
    registrations.push_back(registration);
  }
  return registrations;
}

std::set<std::string> NamedBy(const Registration& registration, std::string_view role) {
  std::set<std::string> names;
  for (const Fact* fact : {registration.fact, registration.run}) {
    if (fact == nullptr) continue;
    for (const v1::EntityRef& ref : fact->header().refs()) {
      if (ref.role() == role) names.insert(EntityKeyText(ref));
    }
  }
  return names;
}

}  // namespace anamnesis
