#ifndef ANAMNESIS_CLIENT_DATASET_BUILD_H_
#define ANAMNESIS_CLIENT_DATASET_BUILD_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "client/dataset/member_file_layout.h"
#include "ledger/base/status.h"

namespace anamnesis {

inline constexpr size_t kDatasetMemoryBytes = 64 << 20;

struct BuildOptions {
  // What sorting may take. Temporary files go beside the output.
  size_t memory_bytes = kDatasetMemoryBytes;
  // Salt and nonces come from here; empty means the kernel (ledger/keys/random.h).
  std::function<void(std::span<uint8_t>)> fill_random;
  // Told now and then how many members of the manifest were read. May be empty.
  std::function<void(uint64_t)> on_progress;
};

// Makes a member file of a manifest (manifest.h; "-" is standard input) with a fresh salt and nonces, durably, and
// never in place of another file. Two builds of one manifest have different roots. ALREADY_EXISTS; INVALID_ARGUMENT for
// a bad manifest, also when a record is there twice: the message then names the record and both lines. Nothing is left
// on any failure.
StatusOr<MemberFileHeader> BuildMemberFile(const std::string& manifest, const std::string& out,
                                           const BuildOptions& options);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_DATASET_BUILD_H_
