#include "client/dataset/member_file_writer.h"

#include <utility>

#include "ledger/base/bytes.h"

namespace anamnesis {
namespace {

constexpr size_t kBufferBytes = 1 << 20;

}  // namespace

StatusOr<std::unique_ptr<MemberFileWriter>> MemberFileWriter::Make(const std::string& path, uint64_t records,
                                                                   const Digest& salt) {
  if (records > kMemberFileRecordsMax) {
    return absl::InvalidArgumentError(Text(path, ": ", records, " records; at most ", kMemberFileRecordsMax));
  }
  ASSIGN_OR_RETURN(NewFile file, NewFile::Make(path));
  return std::unique_ptr<MemberFileWriter>(new MemberFileWriter(std::move(file), records, salt));
}

MemberFileWriter::MemberFileWriter(NewFile file, uint64_t records, const Digest& salt)
    : file_(std::move(file)),
      leaves_(file_.file(), LeafOffset(0), kBufferBytes),
      contents_(file_.file(), ContentsOffset(records), kBufferBytes) {
  header_.commitment.records = records;
  header_.commitment.salt = salt;
}

Status MemberFileWriter::Append(const MemberLeaf& leaf, std::string_view nonce, std::string_view member_bytes) {
  const uint64_t offset = contents_.position() - ContentsOffset(header_.commitment.records);
  RETURN_IF_ERROR(AppendLeaf(leaf, offset));
  std::string front(nonce);
  AppendBigEndian32(front, static_cast<uint32_t>(member_bytes.size()));
  RETURN_IF_ERROR(contents_.Append(front));
  return contents_.Append(member_bytes);
}

Status MemberFileWriter::AppendErased(const MemberLeaf& leaf) {
  ++header_.erased;
  return AppendLeaf(leaf, kErasedOffset);
}

Status MemberFileWriter::AppendLeaf(const MemberLeaf& leaf, uint64_t offset) {
  if (tree_.size().value == header_.commitment.records) {
    return absl::InvalidArgumentError(Text("more members than the ", header_.commitment.records, " announced"));
  }
  RETURN_IF_ERROR(tree_.Append(leaf));
  return leaves_.Append(EncodeMemberFileLeaf({leaf, offset}));
}

StatusOr<MemberFileHeader> MemberFileWriter::Finish(uint64_t subjects) {
  const uint64_t records = header_.commitment.records;
  if (tree_.size().value != records) {
    return absl::InternalError(Text(tree_.size().value, " members of the ", records, " announced"));
  }
  RETURN_IF_ERROR(leaves_.Flush());
  RETURN_IF_ERROR(contents_.Flush());
  for (const auto& [id, tile] : tree_.UpperTiles()) {
    RETURN_IF_ERROR(file_.file().WriteAt(TileOffset(id, records), tile));
  }
  header_.subjects = subjects;
  header_.contents_bytes = contents_.position() - ContentsOffset(records);
  header_.commitment.root = tree_.Root();
  RETURN_IF_ERROR(file_.file().WriteAt(0, EncodeMemberFileHeader(header_)));
  return header_;
}

}  // namespace anamnesis
