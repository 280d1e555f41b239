#ifndef ANAMNESIS_CLIENT_DATASET_MEMBER_FILE_LAYOUT_H_
#define ANAMNESIS_CLIENT_DATASET_MEMBER_FILE_LAYOUT_H_

// The bytes of a member file: everything about a sealed dataset's members, kept by whoever sealed it, since the ledger
// holds none of it. Integers are big-endian.
//
//     header     16 bytes "anamnesis-member"
//                be32 version (1), be32 zero
//                be64 records, be64 subjects, be64 erased, be64 bytes of contents
//                root[32], salt[32]
//                SHA-256 of the header up to here
//     leaves     records times: sort key[32], commitment[32], be64 offset in contents, or 2^64 - 1 when erased
//     tiles      the tree above the leaves as tlog-tiles has it, levels 1 and up, each level's tiles in order
//     contents   for each member that is not erased, in the order of leaves: nonce[32], be32 length, member
//
// Leaves have a fixed size, so a record is found by bisection and a tile of level 0 is made from 256 of them: a proof
// costs some tens of reads. Erasing a member takes its piece out of contents; its sort key and commitment stay, and so
// does the root. What a leaf and a member are: ledger/dataset/member.h. Pure; any thread.

#include <cstdint>
#include <string>
#include <string_view>

#include "ledger/base/status.h"
#include "ledger/dataset/commitment.h"
#include "ledger/dataset/member.h"
#include "ledger/merkle/tiles.h"

namespace anamnesis {

inline constexpr size_t kMemberFileHeaderBytes = 152;
inline constexpr size_t kMemberFileLeafBytes = 72;
inline constexpr uint64_t kErasedOffset = UINT64_MAX;
// Keeps every sum of offsets far from overflow.
inline constexpr uint64_t kMemberFileRecordsMax = uint64_t{1} << 40;

struct MemberFileHeader {
  DatasetCommitment commitment;
  uint64_t subjects = 0;
  uint64_t erased = 0;
  uint64_t contents_bytes = 0;

  friend bool operator==(const MemberFileHeader&, const MemberFileHeader&) = default;
};

// Whether a file with these first bytes says that it is a member file.
bool IsMemberFile(std::string_view bytes);

std::string EncodeMemberFileHeader(const MemberFileHeader& header);
// INVALID_ARGUMENT when these are no member file's first bytes, or those of a newer version; DATA_LOSS when they are,
// and damaged.
StatusOr<MemberFileHeader> ParseMemberFileHeader(std::string_view bytes);

struct MemberFileLeaf {
  MemberLeaf leaf;
  uint64_t offset = kErasedOffset;
};

std::string EncodeMemberFileLeaf(const MemberFileLeaf& leaf);
// `bytes` has kMemberFileLeafBytes (checked).
MemberFileLeaf ParseMemberFileLeaf(std::string_view bytes);

// Where things are in the file of so many records. `index` may be `records`: where the tiles begin.
uint64_t LeafOffset(uint64_t index);
// `id.level` is at least 1, and the tree has such a tile, or it is the one after its level's last.
uint64_t TileOffset(TileId id, uint64_t records);
uint64_t ContentsOffset(uint64_t records);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_DATASET_MEMBER_FILE_LAYOUT_H_
