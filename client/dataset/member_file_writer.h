#ifndef ANAMNESIS_CLIENT_DATASET_MEMBER_FILE_WRITER_H_
#define ANAMNESIS_CLIENT_DATASET_MEMBER_FILE_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "client/dataset/file.h"
#include "client/dataset/member_file_layout.h"
#include "ledger/base/status.h"
#include "ledger/dataset/member_tree.h"
#include "ledger/dataset/prove.h"

namespace anamnesis {

// Writes a member file (member_file_layout.h) in one pass over its members, in bounded memory: 32 bytes for every 256
// members. Nothing is at `path` until it is whole. One thread at a time. Fails with what writing fails with, and then
// is of no more use.
class MemberFileWriter {
 public:
  // For exactly `records` members. INVALID_ARGUMENT beyond kMemberFileRecordsMax.
  static StatusOr<std::unique_ptr<MemberFileWriter>> Make(const std::string& path, uint64_t records,
                                                          const Digest& salt);

  // The next member, in the order of sort keys: INVALID_ARGUMENT otherwise, or beyond `records`. `nonce` has 32 bytes.
  Status Append(const MemberLeaf& leaf, std::string_view nonce, std::string_view member_bytes);
  Status AppendErased(const MemberLeaf& leaf);

  // Writes what depends on all members, once, after the last. The file is then whole, and not in its place yet.
  // INTERNAL when there are fewer members than `records`.
  StatusOr<MemberFileHeader> Finish(uint64_t subjects);
  NewFile& file() { return file_; }

 private:
  MemberFileWriter(NewFile file, uint64_t records, const Digest& salt);
  Status AppendLeaf(const MemberLeaf& leaf, uint64_t offset);

  NewFile file_;
  MemberFileHeader header_;
  MemberTree tree_;
  SequentialWriter leaves_;
  SequentialWriter contents_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_DATASET_MEMBER_FILE_WRITER_H_
