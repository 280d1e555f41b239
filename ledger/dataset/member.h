#ifndef ANAMNESIS_LEDGER_DATASET_MEMBER_H_
#define ANAMNESIS_LEDGER_DATASET_MEMBER_H_

// A member of a dataset, and the bytes by which a sealed version commits to it. These bytes live as long as the
// ledger:
//
//     member     = 0x00 || length of record id, 1 byte || record id || length of subject id, 1 byte || subject id
//                  || content digest (32 bytes, or none)
//     sort key   = SHA-256(0x03 || salt[32] || record id)
//     commitment = SHA-256(0x02 || nonce[32] || member)
//     leaf       = 0x04 || sort key[32] || commitment[32]
//     root       = RFC 6962 tree hash over the leaves in strictly ascending order of their sort keys
//
// Every hash begins with a byte of its own (0x00 and 0x01 are the tree's). 0x02 is also that of an event's body, which
// is protobuf and can't begin with 0x00, so no commitment opens as both; no leaf of a ledger begins with 0x04.
//
// The order makes absence provable: two neighbours show that nothing stands between them. A leaf names nobody. The
// nonce is random and each member's own: once it is destroyed, no guess of the member can be tested against its
// commitment, and the tree stands as it was. What remains is the sort key, and whoever has the salt can try a record id
// against it; so record ids must be random pseudonyms.
//
// Pure; safe from any thread and for any input.

#include <optional>
#include <string>
#include <string_view>

#include "ledger/base/digest.h"
#include "ledger/base/status.h"

namespace anamnesis {

inline constexpr size_t kMemberIdBytesMax = 255;
inline constexpr size_t kMemberNonceBytes = 32;
inline constexpr size_t kMemberBytesMax = 3 + 2 * kMemberIdBytesMax + Digest::kSize;

struct Member {
  // 1 to 255 bytes of UTF-8 without control characters.
  std::string record_id;
  // The same, or empty when it is not known whom the record is of.
  std::string subject_id;
  // SHA-256 of the record's content, where it is known.
  std::optional<Digest> content;

  friend bool operator==(const Member&, const Member&) = default;
};

struct MemberLeaf {
  Digest sort_key;
  Digest commitment;

  friend bool operator==(const MemberLeaf&, const MemberLeaf&) = default;
};

// INVALID_ARGUMENT, naming `field`, unless `id` is 1 to 255 bytes of UTF-8 without control characters.
Status CheckMemberId(std::string_view id, std::string_view field);
// INVALID_ARGUMENT naming the field (record_id, subject_id) and what it must be.
Status CheckMember(const Member& member);

// The bytes of a member that CheckMember finds good (checked).
std::string EncodeMember(const Member& member);
// INVALID_ARGUMENT unless `bytes` is what EncodeMember writes.
StatusOr<Member> ParseMember(std::string_view bytes);

Digest MemberSortKey(const Digest& salt, std::string_view record_id);
// `nonce` has 32 bytes (checked).
Digest MemberCommitment(std::string_view nonce, std::string_view member_bytes);
// The leaf's hash in the tree.
Digest MemberLeafHash(const MemberLeaf& leaf);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_DATASET_MEMBER_H_
