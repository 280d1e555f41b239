#ifndef ANAMNESIS_CLIENT_DATASET_MANIFEST_H_
#define ANAMNESIS_CLIENT_DATASET_MANIFEST_H_

// Reads a dataset's manifest line by line, in bounded memory: CSV whose header names the columns record_id, subject_id
// and sha256 (the first is needed, the order is free; RFC 4180 quotes within a line), or JSON Lines, objects with
// members of these names. Which of the two it is shows in its first character. Empty subject_id and sha256 mean that
// they are not known. Ids that begin or end with a blank are refused: "s-17" and " s-17" would be two subjects. One
// thread at a time.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "client/dataset/file.h"
#include "ledger/base/status.h"
#include "ledger/dataset/member.h"

namespace anamnesis {

inline constexpr size_t kManifestLineBytesMax = 16 * 1024;
// So many bad lines are named before reading is given up.
inline constexpr size_t kManifestProblemsMax = 20;

// Called with each member and the number of its line, from 1; an error ends the reading.
using OnMember = std::function<Status(uint64_t line, const Member& member)>;

// Reads all of a manifest; "-" is standard input. INVALID_ARGUMENT, naming line, field and what would be right for
// each bad line up to kManifestProblemsMax, one a line; what `on_member` fails with; what reading fails with.
Status ReadManifest(const std::string& path, const OnMember& on_member);

// The columns of a CSV manifest in their order.
struct ManifestColumns {
  size_t count = 0;
  size_t record_id = 0;
  // Not below `count` when the manifest lacks it.
  size_t subject_id = 0;
  size_t sha256 = 0;
};

// One line each, without its end. INVALID_ARGUMENT naming field and remedy. Pure; safe for any input.
StatusOr<ManifestColumns> ParseManifestHeader(std::string_view line);
StatusOr<Member> ParseManifestCsv(std::string_view line, const ManifestColumns& columns);
StatusOr<Member> ParseManifestJson(std::string_view line);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_DATASET_MANIFEST_H_
