#include "client/dataset/member_file.h"

#include <algorithm>
#include <utility>

#include "client/dataset/external_sort.h"
#include "ledger/base/bytes.h"
#include "ledger/base/check.h"
#include "ledger/dataset/member_tree.h"

namespace anamnesis {
namespace {

constexpr size_t kBufferBytes = 1 << 18;
constexpr size_t kLengthBytes = 4;

// The piece of contents at the reader's place. OUT_OF_RANGE or INVALID_ARGUMENT when it is none.
StatusOr<std::string_view> TakePiece(SequentialReader& contents, std::string& nonce) {
  ASSIGN_OR_RETURN(const std::string_view front, contents.Take(kMemberNonceBytes + kLengthBytes));
  nonce = front.substr(0, kMemberNonceBytes);
  ASSIGN_OR_RETURN(const uint32_t length, ByteReader(front.substr(kMemberNonceBytes)).BigEndian32());
  if (length > kMemberBytesMax) return absl::DataLossError("is longer than a member can be");
  return contents.Take(length);
}

// The member that a piece holds, if it is the one that the leaf commits to.
StatusOr<MemberOpening> Open(const MemberLeaf& leaf, const Digest& salt, std::string nonce, std::string_view bytes) {
  if (MemberCommitment(nonce, bytes) != leaf.commitment) {
    return absl::DataLossError("is not what its leaf commits to");
  }
  ASSIGN_OR_RETURN(Member member, ParseMember(bytes));
  if (MemberSortKey(salt, member.record_id) != leaf.sort_key) {
    return absl::DataLossError("its record id does not have its leaf's sort key");
  }
  return MemberOpening{std::move(nonce), std::move(member)};
}

}  // namespace

StatusOr<std::unique_ptr<MemberFile>> MemberFile::Open(const std::string& path) {
  ASSIGN_OR_RETURN(File file, File::Open(path));
  ASSIGN_OR_RETURN(const uint64_t size, file.Size());
  ASSIGN_OR_RETURN(const std::string bytes, file.ReadAt(0, std::min<uint64_t>(size, kMemberFileHeaderBytes)));
  const StatusOr<MemberFileHeader> header = ParseMemberFileHeader(bytes);
  if (!header.ok()) return WithContext(header.status(), path);
  const uint64_t wanted = ContentsOffset(header->commitment.records) + header->contents_bytes;
  if (size != wanted) {
    return absl::DataLossError(Text(path, ": is damaged: has ", size, " bytes; its header says ", wanted));
  }
  return std::unique_ptr<MemberFile>(new MemberFile(std::move(file), *header));
}

Status MemberFile::Damaged(uint64_t index, std::string_view what) const {
  return absl::DataLossError(Text(path(), ": is damaged: member ", index, " (from 0): ", what));
}

StatusOr<MemberFileLeaf> MemberFile::ReadLeaf(uint64_t index) const {
  CHECK(index < header_.commitment.records);
  ASSIGN_OR_RETURN(const std::string bytes, file_.ReadAt(LeafOffset(index), kMemberFileLeafBytes));
  return ParseMemberFileLeaf(bytes);
}

StatusOr<MemberLeaf> MemberFile::Leaf(uint64_t index) const {
  ASSIGN_OR_RETURN(const MemberFileLeaf leaf, ReadLeaf(index));
  return leaf.leaf;
}

StatusOr<std::optional<MemberOpening>> MemberFile::Opening(uint64_t index) const {
  ASSIGN_OR_RETURN(const MemberFileLeaf leaf, ReadLeaf(index));
  if (leaf.offset == kErasedOffset) return std::nullopt;
  if (leaf.offset >= header_.contents_bytes) return Damaged(index, "lies beyond the file's end");
  SequentialReader contents(file_, contents_ + leaf.offset, contents_ + header_.contents_bytes,
                            kMemberNonceBytes + kLengthBytes + kMemberBytesMax);
  std::string nonce;
  const StatusOr<std::string_view> bytes = TakePiece(contents, nonce);
  if (!bytes.ok()) return Damaged(index, MessageOf(bytes.status()));
  StatusOr<MemberOpening> opening = anamnesis::Open(leaf.leaf, commitment().salt, std::move(nonce), *bytes);
  if (!opening.ok()) return Damaged(index, MessageOf(opening.status()));
  return *std::move(opening);
}

StatusOr<std::string> MemberFile::Tile(TileId id) const {
  const uint64_t records = header_.commitment.records;
  const size_t width = TileWidthAt(id, TreeSize(records));
  if (width == 0) return absl::NotFoundError("no such tile");
  if (id.level > 0) return file_.ReadAt(TileOffset(id, records), width * Digest::kSize);
  ASSIGN_OR_RETURN(const std::string leaves,
                   file_.ReadAt(LeafOffset(id.index * kTileWidth), width * kMemberFileLeafBytes));
  std::string tile;
  for (size_t i = 0; i < width; ++i) {
    const std::string_view bytes = std::string_view(leaves).substr(i * kMemberFileLeafBytes, kMemberFileLeafBytes);
    tile.append(MemberLeafHash(ParseMemberFileLeaf(bytes).leaf).view());
  }
  return tile;
}

Status MemberFile::Scan(const OnScanned& on_scanned) const {
  const uint64_t records = header_.commitment.records;
  SequentialReader leaves(file_, LeafOffset(0), LeafOffset(records), kBufferBytes);
  SequentialReader contents(file_, contents_, contents_ + header_.contents_bytes, kBufferBytes);
  MemberTree tree;
  uint64_t erased = 0;
  uint64_t offset = 0;
  for (uint64_t index = 0; index < records; ++index) {
    ASSIGN_OR_RETURN(const std::string_view leaf_bytes, leaves.Take(kMemberFileLeafBytes));
    const MemberFileLeaf leaf = ParseMemberFileLeaf(leaf_bytes);
    const Status in_order = tree.Append(leaf.leaf);
    if (!in_order.ok()) return Damaged(index, MessageOf(in_order));
    if (leaf.offset == kErasedOffset) {
      ++erased;
      RETURN_IF_ERROR(on_scanned(index, leaf.leaf, std::nullopt));
      continue;
    }
    if (leaf.offset != offset) return Damaged(index, "does not begin where the one before ends");
    std::string nonce;
    const StatusOr<std::string_view> bytes = TakePiece(contents, nonce);
    if (!bytes.ok()) return Damaged(index, MessageOf(bytes.status()));
    offset += kMemberNonceBytes + kLengthBytes + bytes->size();
    StatusOr<MemberOpening> opening = anamnesis::Open(leaf.leaf, commitment().salt, std::move(nonce), *bytes);
    if (!opening.ok()) return Damaged(index, MessageOf(opening.status()));
    RETURN_IF_ERROR(on_scanned(index, leaf.leaf, *std::move(opening)));
  }
  if (!contents.AtEnd() || erased != header_.erased) {
    return absl::DataLossError(Text(path(), ": is damaged: it does not have as many members as its header says"));
  }
  if (tree.Root() != commitment().root) {
    return absl::DataLossError(Text(path(), ": is damaged: its members have the root ", tree.Root().hex(),
                                    "; its header says ", commitment().root.hex()));
  }
  for (const auto& [id, tile] : tree.UpperTiles()) {
    ASSIGN_OR_RETURN(const std::string stored, Tile(id));
    if (stored != tile) return absl::DataLossError(Text(path(), ": is damaged: tile ", id.level, "/", id.index));
  }
  return OkStatus();
}

Status VerifyMemberFile(const MemberFile& file, const DatasetCommitment& commitment, size_t memory_bytes) {
  ExternalSort sort(DirectoryOf(file.path()), memory_bytes);
  RETURN_IF_ERROR(file.Scan([&](uint64_t, const MemberLeaf&, const std::optional<MemberOpening>& opening) {
    if (!opening.has_value() || opening->member.subject_id.empty()) return OkStatus();
    return sort.Add(opening->member.subject_id);
  }));
  RETURN_IF_ERROR(sort.Finish());
  ASSIGN_OR_RETURN(const uint64_t subjects, CountDistinct(sort));
  const uint64_t said = file.header().subjects;
  if (file.header().erased == 0 ? subjects != said : subjects > said) {
    return absl::DataLossError(
        Text(file.path(), ": is damaged: it has ", subjects, " subjects; its header says ", said));
  }
  if (file.commitment() != commitment) {
    return absl::UnauthenticatedError(Text(file.path(), ": is whole, and not of that dataset: it has ",
                                           file.commitment().records, " records, root ", file.commitment().root.hex(),
                                           ", salt ", file.commitment().salt.hex()));
  }
  return OkStatus();
}

}  // namespace anamnesis
