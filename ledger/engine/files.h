#ifndef ANAMNESIS_LEDGER_ENGINE_FILES_H_
#define ANAMNESIS_LEDGER_ENGINE_FILES_H_

// The few small files beside the database.

#include <string>
#include <string_view>

#include "ledger/base/status.h"

namespace anamnesis {

// The whole file. NOT_FOUND when there is none; INTERNAL when reading fails or it is larger than a mebibyte.
StatusOr<std::string> ReadSmallFile(const std::string& path);

// Replaces the file by `bytes`, whole or not at all, synced with its directory. RESOURCE_EXHAUSTED when the disk is
// full, otherwise INTERNAL.
Status WriteSmallFile(const std::string& path, std::string_view bytes);

// Removes the file, if it is there, and syncs its directory. INTERNAL when that fails.
Status RemoveSmallFile(const std::string& path);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_FILES_H_
