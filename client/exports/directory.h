#ifndef ANAMNESIS_CLIENT_EXPORTS_DIRECTORY_H_
#define ANAMNESIS_CLIENT_EXPORTS_DIRECTORY_H_

// Files below a directory, read as a verifier must: nothing is followed, nothing is overlooked.

#include <cstdint>
#include <map>
#include <string>

#include "client/exports/manifest.h"
#include "ledger/base/status.h"

namespace anamnesis::exports {

// Sizes by path relative to `dir`, components between "/". INVALID_ARGUMENT: `dir` can't be read, or something below it
// is neither a plain file nor a directory.
StatusOr<std::map<std::string, uint64_t>> ListFiles(const std::string& dir);

// The whole file. INVALID_ARGUMENT: it can't be read or is larger than `bytes_max`.
StatusOr<std::string> ReadWhole(const std::string& path, uint64_t bytes_max);

// Its digest and size, without holding it. INVALID_ARGUMENT: it can't be read.
StatusOr<ManifestEntry> MeasureFile(const std::string& path);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_DIRECTORY_H_
