#ifndef ANAMNESIS_LEDGER_QUERY_REGISTRATIONS_H_
#define ANAMNESIS_LEDGER_QUERY_REGISTRATIONS_H_

// The registrations of a model version with the run and the code that they name, and whether two of them are of the
// same bytes. Borrowed from the facts that they were read from. Pure.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/vocabulary_model.pb.h"
#include "ledger/query/facts.h"

namespace anamnesis {

// Digest by path.
using Digests = std::map<std::string, std::string>;
Digests DigestsOf(const google::protobuf::RepeatedPtrField<v1::FileRecord>& files);

struct Registration {
  const Fact* fact = nullptr;
  const v1::ModelRegistered* body = nullptr;
  // The model, as the registration names it.
  const v1::EntityRef* ref = nullptr;
  // nullptr where nothing is recorded of it.
  const Fact* run = nullptr;
  const Fact* code = nullptr;

  std::vector<const Fact*> facts() const;
};

// Those of one version that still count, in log order: more than one when the version was used again.
StatusOr<std::vector<Registration>> RegistrationsOf(Facts& facts, const v1::EntityRef& model);

// The files of the code that the registration names; empty when none are recorded.
Digests CodeFiles(const Registration& registration);

// Digests of the model's own files. One without a digest of its own may be in the code's tree at its path: the same
// bytes there, even of a pointer to it, mean the same file. nullopt when some file has neither, or no file is recorded.
std::optional<Digests> WeightsOf(const Registration& registration);

// Whether both identify the same bytes, wherever they lie; nullopt when that can't be told: a digest is missing, or the
// two are by different algorithms.
std::optional<bool> SameBytes(const std::optional<Digests>& before, const std::optional<Digests>& after);

// The paths that are in one only, or have another digest in the other.
std::vector<std::string> ChangedPaths(const Digests& before, const Digests& after);

// The entities that a registration and its run name in a role.
std::set<std::string> NamedBy(const Registration& registration, std::string_view role);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_REGISTRATIONS_H_
