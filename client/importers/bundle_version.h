#ifndef ANAMNESIS_CLIENT_IMPORTERS_BUNDLE_VERSION_H_
#define ANAMNESIS_CLIENT_IMPORTERS_BUNDLE_VERSION_H_

// The facts of one version of a MONAI bundle, as its source states them and before anything is made of them. Both
// readers (monai_jsonl.h, monai_git.h) end here, and monai_events.h starts here. Plain values.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/importers/document.h"
#include "ledger/base/status.h"

namespace anamnesis {

// Something in the source that could not be read, and where: "line 12", "commit 1095e0d4
// models/x/configs/metadata.json".
struct Unreadable {
  std::string place;
  std::string reason;
};

// A metric under its dotted name. `value` is the number as written, or nullopt when it is null or no number.
struct MetricFact {
  std::string name;
  std::optional<std::string> value;
};

struct PackageFact {
  std::string name;
  std::string version;
};

// A file that the bundle names and its repository doesn't hold.
struct WeightFact {
  std::string path;
  std::string url;
  // As written, e.g. "md5"; empty when there is none.
  std::string hash_type;
  std::string hash_val;
  std::optional<uint64_t> size_bytes;
};

// A file of the bundle's folder in Git.
struct FileFact {
  std::string path;
  std::string blob;
  // Unknown when Git knows the file and doesn't hold it (a partial clone).
  std::optional<uint64_t> size_bytes;
};

// An archive of the version that was published, and when by which commit.
struct ReleaseFact {
  std::string checksum;
  std::string source;
  std::string date;
  std::string commit;
};

struct BundleVersion {
  // Where in the source this was read.
  std::string place;
  std::string bundle;
  std::string version;
  std::optional<std::string> prev_version;
  // Git object ids in hexadecimal; the tree is that of the bundle's folder.
  std::string commit;
  std::string tree;
  // RFC 3339 with the author's and the committer's own zones.
  std::string author_date;
  std::string commit_date;
  std::optional<std::string> task;
  std::optional<std::string> data_source;
  std::optional<std::string> data_type;
  std::vector<MetricFact> eval_metrics;
  std::vector<PackageFact> packages;
  std::vector<WeightFact> weights;
  std::vector<FileFact> files;
  // More than one when an archive was replaced under the same version.
  std::vector<ReleaseFact> releases;
};

// What a reader found, oldest version first.
struct MonaiHistory {
  // A short name of the source, without the place on this machine where it lies.
  std::string source;
  std::vector<BundleVersion> versions;
  std::vector<Unreadable> unreadable;
  // Commits that changed a bundle's folder and left its version as it was. Only a Git history shows these.
  uint64_t silent_changes = 0;
};

// The text of a member that must be there and not be empty. INVALID_ARGUMENT naming it otherwise.
StatusOr<std::string> RequiredText(const Document& map, std::string_view name);
// The text of a member; nullopt when it is absent or null. INVALID_ARGUMENT when it is a list or a map.
StatusOr<std::optional<std::string>> OptionalText(const Document& map, std::string_view name);

// Fills in task, data source and type, metrics, and packages from the members of a metadata.json (packages may also be
// in a map `packages`). What has the wrong shape is left out and added to `unreadable` under the version's place.
void ReadMetadataFacts(const Document& metadata, const Document& packages, BundleVersion& version,
                       std::vector<Unreadable>& unreadable);

// Reads a list of large files (`path`, `url`, `hash_val`, `hash_type`); entries without a path go to `unreadable`.
std::vector<WeightFact> ReadWeights(const Document* list, std::string_view place, std::vector<Unreadable>& unreadable);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_IMPORTERS_BUNDLE_VERSION_H_
