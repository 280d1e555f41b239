#ifndef ANAMNESIS_CLIENT_IMPORTERS_MONAI_EVENTS_H_
#define ANAMNESIS_CLIENT_IMPORTERS_MONAI_EVENTS_H_

// From the facts of a bundle version to events (deploy/decisions/0003-monai-import.md). Pure: the same facts give the
// same events with the same ids, so that importing again adds nothing.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "client/cpp/writer.h"
#include "client/importers/bundle_version.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"

namespace anamnesis {

// Part of every event id. A mapping that makes other events of the same facts gets another number.
inline constexpr std::string_view kMonaiImporter = "anamnesis/import/monai/v1";

// Which event of a bundle's stream defines what: (role, version) -> its id.
using DefinedVersions = std::map<std::pair<std::string, std::string>, EventId>;

// Adds what a recorded event defines.
void AddDefined(const EventId& id, const v1::EventHeader& header, DefinedVersions& defined);

// What the events of a bundle's next version depend on: the versions before it, and what the ledger has of the bundle.
// Value-initialised for the first version in a ledger that has nothing of it.
struct BundleState {
  // (data source, data type) -> the dataset's version.
  std::map<std::pair<std::string, std::string>, std::string> datasets;
  std::optional<BundleVersion> previous;
  // The version that the model of `previous` is registered under.
  std::string previous_model;
  DefinedVersions defined;
};

struct MappedVersion {
  // Oldest first: dataset (if new), code, training, model, evaluation, releases.
  std::vector<IdentifiedDraft> events;
  // Digests of weights and archives that are MD5 or SHA-1, and weights and archives without a usable digest.
  uint64_t weak_digests = 0;
  uint64_t missing_digests = 0;
  // Facts that were there and could not be used.
  std::vector<Unreadable> unreadable;
};

// Maps one version. `state` is that after the bundle's versions before it, and is advanced; it is unchanged on failure.
// INVALID_ARGUMENT when the version can't be told in events: a date that is none, a name that no stream can have.
StatusOr<MappedVersion> MapBundleVersion(const BundleVersion& version, std::string_view source, BundleState& state);

// The stream of a bundle: "import/monai/<bundle>", characters that a stream name can't have as ":" and two hex digits.
std::string MonaiStream(std::string_view bundle);

// A UUIDv7 of `occurred` (in milliseconds, not before 1970) whose random bits are from SHA-256 over kMonaiImporter,
// bundle, version, commit, event type and `which` (what tells events of one type apart).
EventId MonaiEventId(const BundleVersion& version, std::string_view type, std::string_view which, Timestamp occurred);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_IMPORTERS_MONAI_EVENTS_H_
