#include "client/dataset/member_file_layout.h"

#include "ledger/base/bytes.h"
#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"

namespace anamnesis {
namespace {

constexpr std::string_view kMagic = "anamnesis-member";
constexpr uint32_t kVersion = 1;

StatusOr<Digest> TakeDigest(ByteReader& reader, std::string_view field) {
  ASSIGN_OR_RETURN(const std::string_view bytes, reader.Take(Digest::kSize));
  return Digest::FromBytes(bytes, field);
}

StatusOr<MemberFileHeader> TakeHeader(std::string_view bytes) {
  ByteReader reader(bytes);
  ASSIGN_OR_RETURN(const std::string_view magic, reader.Take(kMagic.size()));
  if (magic != kMagic) return absl::InvalidArgumentError("is no member file");
  ASSIGN_OR_RETURN(const uint32_t version, reader.BigEndian32());
  if (version != kVersion) {
    return absl::InvalidArgumentError(Text("is a member file of version ", version, "; this program reads ", kVersion));
  }
  ASSIGN_OR_RETURN(const uint32_t zero, reader.BigEndian32());
  MemberFileHeader header;
  ASSIGN_OR_RETURN(header.commitment.records, reader.BigEndian64());
  ASSIGN_OR_RETURN(header.subjects, reader.BigEndian64());
  ASSIGN_OR_RETURN(header.erased, reader.BigEndian64());
  ASSIGN_OR_RETURN(header.contents_bytes, reader.BigEndian64());
  ASSIGN_OR_RETURN(header.commitment.root, TakeDigest(reader, "root"));
  ASSIGN_OR_RETURN(header.commitment.salt, TakeDigest(reader, "salt"));
  ASSIGN_OR_RETURN(const Digest digest, TakeDigest(reader, "header digest"));
  if (zero != 0 || digest != Sha256(bytes.substr(0, kMemberFileHeaderBytes - Digest::kSize)) ||
      header.commitment.records > kMemberFileRecordsMax || header.erased > header.commitment.records ||
      header.contents_bytes > header.commitment.records * (kMemberNonceBytes + 4 + kMemberBytesMax)) {
    return absl::DataLossError("is a member file whose header is damaged");
  }
  return header;
}

}  // namespace

bool IsMemberFile(std::string_view bytes) { return bytes.starts_with(kMagic); }

std::string EncodeMemberFileHeader(const MemberFileHeader& header) {
  std::string bytes(kMagic);
  AppendBigEndian32(bytes, kVersion);
  AppendBigEndian32(bytes, 0);
  AppendBigEndian64(bytes, header.commitment.records);
  AppendBigEndian64(bytes, header.subjects);
  AppendBigEndian64(bytes, header.erased);
  AppendBigEndian64(bytes, header.contents_bytes);
  bytes.append(header.commitment.root.view());
  bytes.append(header.commitment.salt.view());
  bytes.append(Sha256(bytes).view());
  CHECK(bytes.size() == kMemberFileHeaderBytes);
  return bytes;
}

StatusOr<MemberFileHeader> ParseMemberFileHeader(std::string_view bytes) {
  StatusOr<MemberFileHeader> header = TakeHeader(bytes);
  if (absl::IsOutOfRange(header.status())) return absl::InvalidArgumentError("is too short to be a member file");
  return header;
}

std::string EncodeMemberFileLeaf(const MemberFileLeaf& leaf) {
  std::string bytes = Text(leaf.leaf.sort_key.view(), leaf.leaf.commitment.view());
  AppendBigEndian64(bytes, leaf.offset);
  return bytes;
}

MemberFileLeaf ParseMemberFileLeaf(std::string_view bytes) {
  CHECK(bytes.size() == kMemberFileLeafBytes);
  ByteReader reader(bytes);
  MemberFileLeaf leaf;
  leaf.leaf.sort_key = TakeDigest(reader, "sort key").value();
  leaf.leaf.commitment = TakeDigest(reader, "commitment").value();
  leaf.offset = reader.BigEndian64().value();
  return leaf;
}

uint64_t LeafOffset(uint64_t index) { return kMemberFileHeaderBytes + index * kMemberFileLeafBytes; }

uint64_t TileOffset(TileId id, uint64_t records) {
  CHECK(id.level > 0);
  uint64_t hashes = id.index * kTileWidth;
  for (uint32_t level = 1; level < id.level; ++level) hashes += records >> (kTileHeight * level);
  return LeafOffset(records) + hashes * Digest::kSize;
}

uint64_t ContentsOffset(uint64_t records) { return TileOffset({kTileLevels, 0}, records); }

}  // namespace anamnesis
