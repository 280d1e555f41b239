#ifndef ANAMNESIS_CLIENT_IMPORTERS_WEIGHT_FILES_H_
#define ANAMNESIS_CLIENT_IMPORTERS_WEIGHT_FILES_H_

// Which files of a bundle hold weights, and what Git LFS leaves in their place. Pure; safe from any thread.

#include <optional>
#include <string_view>

#include "client/importers/bundle_version.h"

namespace anamnesis {

// Git LFS keeps its pointer files below this size, and no weights fit into it: a weight file in Git that is smaller
// stands for bytes that are elsewhere.
inline constexpr uint64_t kLfsPointerBytesLimit = 1024;

// True when the name ends as weights do, e.g. ".pt", ".ts", ".onnx".
bool IsWeightFile(std::string_view path);

// The weights that a Git LFS pointer stands for: hash_type, hash_val and size; nullopt when `text` is no pointer.
std::optional<WeightFact> ParseLfsPointer(std::string_view path, std::string_view text);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_IMPORTERS_WEIGHT_FILES_H_
