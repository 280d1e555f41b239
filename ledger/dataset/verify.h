#ifndef ANAMNESIS_LEDGER_DATASET_VERIFY_H_
#define ANAMNESIS_LEDGER_DATASET_VERIFY_H_

// The verifier's half. Every proof may come from an adversary: none crashes or costs more than some 300 hashes. Pure;
// any thread.
//
// Membership holds when
//   - member, nonce and every hash of the path have their lengths, and index < records;
//   - the leaf made of the record id's sort key under the salt and of the commitment to the member leads to the root,
//     as number `index` of `records`, by a path of exactly the right length.
// Absence holds when
//   - the proof's sort key is the record id's under the salt, and members_before <= records;
//   - `before` is there exactly when members_before > 0, its sort key is smaller than the record's (not equal), and
//     it leads to the root as number members_before - 1 of `records`;
//   - `after` is there exactly when members_before < records, its sort key is larger than the record's (not equal),
//     and it leads to the root as number members_before of `records`;
//   - without members, the root is that of the empty tree.
// The neighbours are next to each other because one number says where both stand. Absence rests on the whole tree
// being in order, which whoever sealed it warrants; who has the member file checks that (MemberTree).

#include <optional>
#include <string>
#include <string_view>

#include "anamnesis/v1/dataset.pb.h"
#include "ledger/base/status.h"
#include "ledger/dataset/commitment.h"
#include "ledger/dataset/member.h"

namespace anamnesis {

// A proof of a record in a tree of 2^64 members has fewer bytes.
inline constexpr size_t kDatasetProofBytesMax = 8192;

struct ProvenRecord {
  std::string record_id;
  // What the dataset holds of the record; nothing when it is proven to be no member.
  std::optional<Member> member;
};

// INVALID_ARGUMENT when the proof is no well-formed one for so many records; UNAUTHENTICATED when it is one and does
// not hold.
StatusOr<ProvenRecord> VerifyDatasetProof(const v1::DatasetProof& proof, const DatasetCommitment& commitment);

// A proof as bytes.
std::string FormatDatasetProof(const v1::DatasetProof& proof);
// INVALID_ARGUMENT unless `bytes` is exactly what FormatDatasetProof writes: no unknown fields, no other spelling.
// Verifies nothing.
StatusOr<v1::DatasetProof> ParseDatasetProof(std::string_view bytes);

v1::DatasetMember MemberMessage(const Member& member);
// INVALID_ARGUMENT naming the field.
StatusOr<Member> MemberFromMessage(const v1::DatasetMember& message);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_DATASET_VERIFY_H_
