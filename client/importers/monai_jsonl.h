#ifndef ANAMNESIS_CLIENT_IMPORTERS_MONAI_JSONL_H_
#define ANAMNESIS_CLIENT_IMPORTERS_MONAI_JSONL_H_

// Reads a history of bundle versions that was extracted beforehand: one JSON object a line, oldest first, with the
// members bundle, version, prev_version, commit, commit_date, author_date, task, data_source, data_type, eval_metrics,
// packages, weights, released, tree and files. Reads one file and keeps nothing.

#include <string>
#include <string_view>
#include <vector>

#include "client/importers/bundle_version.h"
#include "ledger/base/status.h"

namespace anamnesis {

inline constexpr size_t kHistoryLinesMax = 1000000;

// Reads all of a file. A line that can't be read becomes an entry of `unreadable`, and the rest is read. NOT_FOUND when
// the file can't be opened, INVALID_ARGUMENT when it has too many lines, UNKNOWN when reading breaks off.
StatusOr<MonaiHistory> ReadMonaiJsonl(const std::string& path);

// Reads one line. INVALID_ARGUMENT when it is no JSON object or lacks what identifies a version; lesser faults are
// added to `unreadable` under `place`. Pure.
StatusOr<BundleVersion> ParseMonaiLine(std::string_view line, std::string_view place,
                                       std::vector<Unreadable>& unreadable);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_IMPORTERS_MONAI_JSONL_H_
