#ifndef ANAMNESIS_CLIENT_DATASET_COMPARE_H_
#define ANAMNESIS_CLIENT_DATASET_COMPARE_H_

// Member files compared by the ids and digests that they hold: two datasets have different salts, so their trees say
// nothing of each other. Sorted anew by id in bounded memory, with temporary files beside the first file. Every file is
// verified whole on the way. An erased member has no id any more; where another file still names the record, its sort
// key shows that it is the same one, and otherwise it is counted as what can't be known. Fails as MemberFile::Scan
// does.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "client/dataset/member_file.h"
#include "ledger/base/status.h"

namespace anamnesis {

enum class MemberChange { kAdded, kRemoved, kChanged };

struct MemberDifference {
  uint64_t added = 0;
  uint64_t removed = 0;
  // The content digest or the subject differs.
  uint64_t changed = 0;
  // In both, changed or not.
  uint64_t common = 0;
  // Of the common ones, those erased on one side, so that they can't be compared.
  uint64_t not_comparable = 0;
  // Erased members to which no record of the other file belongs. They may be the same ones in both.
  uint64_t unmatched_erased_before = 0;
  uint64_t unmatched_erased_after = 0;
};

// Called in ascending order of record ids, bytewise.
using OnMemberChange = std::function<void(MemberChange change, std::string_view record_id)>;
StatusOr<MemberDifference> DiffMemberFiles(const MemberFile& before, const MemberFile& after, size_t memory_bytes,
                                           const OnMemberChange& on_change);

inline constexpr size_t kOverlapFilesMax = 256;

struct MemberOverlap {
  struct Pair {
    // Places in the list of files, first < second.
    size_t first;
    size_t second;
    uint64_t records = 0;
    uint64_t subjects = 0;
    uint64_t contents = 0;
  };
  std::vector<Pair> pairs;
  // Ids in at least two files.
  uint64_t shared_records = 0;
  uint64_t shared_subjects = 0;
  // Digests that members have in at least two files under different record ids: the same bytes all the same.
  uint64_t shared_contents = 0;
  // For each file, members without a subject id, which take no part in the overlap of subjects.
  std::vector<uint64_t> without_subject;
};

enum class SharedKind { kRecord, kSubject, kContent };

// Called with each id that is in at least two files, in ascending order, first records, then subjects, then the SHA-256
// of contents in hexadecimal; `files` are places in the list.
using OnSharedId = std::function<void(SharedKind kind, std::string_view id, std::span<const size_t> files)>;
// INVALID_ARGUMENT unless there are 2 to kOverlapFilesMax files.
StatusOr<MemberOverlap> OverlapOfMemberFiles(std::span<const MemberFile* const> files, size_t memory_bytes,
                                             const OnSharedId& on_shared);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_DATASET_COMPARE_H_
