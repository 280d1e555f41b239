#include "ledger/dataset/member.h"

#include "ledger/base/bytes.h"
#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/note/text.h"

namespace anamnesis {
namespace {

constexpr char kMemberVersion = '\x00';
constexpr std::string_view kCommitmentPrefix = "\x02";
constexpr std::string_view kSortKeyPrefix = "\x03";
constexpr std::string_view kLeafPrefix = "\x04";
constexpr char kDelete = '\x7f';

void AppendId(std::string& out, std::string_view id) {
  out.push_back(static_cast<char>(id.size()));
  out.append(id);
}

StatusOr<std::string> TakeId(ByteReader& reader) {
  ASSIGN_OR_RETURN(const uint8_t length, reader.Byte());
  ASSIGN_OR_RETURN(const std::string_view id, reader.Take(length));
  return std::string(id);
}

StatusOr<Member> Take(ByteReader& reader) {
  ASSIGN_OR_RETURN(const uint8_t version, reader.Byte());
  if (version != kMemberVersion) return absl::InvalidArgumentError(Text("of version ", static_cast<int>(version)));
  Member member;
  ASSIGN_OR_RETURN(member.record_id, TakeId(reader));
  ASSIGN_OR_RETURN(member.subject_id, TakeId(reader));
  if (!reader.empty()) {
    ASSIGN_OR_RETURN(member.content, Digest::FromBytes(reader.rest(), "content digest"));
  }
  RETURN_IF_ERROR(CheckMember(member));
  return member;
}

}  // namespace

Status CheckMemberId(std::string_view id, std::string_view field) {
  if (id.empty()) return absl::InvalidArgumentError(Text(field, ": is empty"));
  if (id.size() > kMemberIdBytesMax) {
    return absl::InvalidArgumentError(Text(field, ": has ", id.size(), " bytes; at most ", kMemberIdBytesMax));
  }
  if (!IsNoteText(id) || id.find('\n') != std::string_view::npos || id.find(kDelete) != std::string_view::npos) {
    return absl::InvalidArgumentError(Text(field, ": is not UTF-8, or has control characters"));
  }
  return OkStatus();
}

Status CheckMember(const Member& member) {
  RETURN_IF_ERROR(CheckMemberId(member.record_id, "record_id"));
  return member.subject_id.empty() ? OkStatus() : CheckMemberId(member.subject_id, "subject_id");
}

std::string EncodeMember(const Member& member) {
  CHECK(CheckMember(member).ok());
  std::string bytes(1, kMemberVersion);
  AppendId(bytes, member.record_id);
  AppendId(bytes, member.subject_id);
  if (member.content.has_value()) bytes.append(member.content->view());
  return bytes;
}

StatusOr<Member> ParseMember(std::string_view bytes) {
  ByteReader reader(bytes);
  StatusOr<Member> member = Take(reader);
  if (!member.ok()) return absl::InvalidArgumentError(Text("member: ", MessageOf(member.status())));
  return member;
}

Digest MemberSortKey(const Digest& salt, std::string_view record_id) {
  return Sha256({kSortKeyPrefix, salt.view(), record_id});
}

Digest MemberCommitment(std::string_view nonce, std::string_view member_bytes) {
  CHECK(nonce.size() == kMemberNonceBytes);
  return Sha256({kCommitmentPrefix, nonce, member_bytes});
}

Digest MemberLeafHash(const MemberLeaf& leaf) {
  return LeafHash(Text(kLeafPrefix, leaf.sort_key.view(), leaf.commitment.view()));
}

}  // namespace anamnesis
