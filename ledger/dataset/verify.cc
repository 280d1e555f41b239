#include "ledger/dataset/verify.h"

#include <vector>

#include "ledger/base/ids.h"
#include "ledger/base/limits.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/merkle/verify.h"

namespace anamnesis {
namespace {

using HashList = google::protobuf::RepeatedPtrField<std::string>;

Status VerifyLeaf(const MemberLeaf& leaf, uint64_t index, const HashList& path, const DatasetCommitment& commitment) {
  if (path.size() > static_cast<int>(limits::kProofHashesMax)) {
    return absl::InvalidArgumentError(Text("path: ", path.size(), " hashes; at most ", limits::kProofHashesMax));
  }
  std::vector<Digest> hashes;
  for (const std::string& bytes : path) {
    ASSIGN_OR_RETURN(const Digest hash, Digest::FromBytes(bytes, "path"));
    hashes.push_back(hash);
  }
  return VerifyInclusion(MemberLeafHash(leaf), LeafIndex(index), TreeSize(commitment.records), hashes, commitment.root);
}

StatusOr<ProvenRecord> VerifyMembership(const v1::MembershipProof& proof, const DatasetCommitment& commitment) {
  ASSIGN_OR_RETURN(Member member, MemberFromMessage(proof.member()));
  if (proof.nonce().size() != kMemberNonceBytes) {
    return absl::InvalidArgumentError(Text("nonce: ", proof.nonce().size(), " bytes; a member's has 32"));
  }
  const MemberLeaf leaf{MemberSortKey(commitment.salt, member.record_id),
                        MemberCommitment(proof.nonce(), EncodeMember(member))};
  RETURN_IF_ERROR(VerifyLeaf(leaf, proof.index(), proof.path(), commitment));
  std::string record_id = member.record_id;
  return ProvenRecord{std::move(record_id), std::move(member)};
}

StatusOr<Digest> VerifyNeighbour(const v1::NeighbourLeaf& neighbour, uint64_t index,
                                 const DatasetCommitment& commitment) {
  MemberLeaf leaf;
  ASSIGN_OR_RETURN(leaf.sort_key, Digest::FromBytes(neighbour.sort_key(), "sort_key"));
  ASSIGN_OR_RETURN(leaf.commitment, Digest::FromBytes(neighbour.commitment(), "commitment"));
  RETURN_IF_ERROR(VerifyLeaf(leaf, index, neighbour.path(), commitment));
  return leaf.sort_key;
}

Status VerifyBefore(const v1::AbsenceProof& proof, const Digest& sort_key, const DatasetCommitment& commitment) {
  if (proof.has_before() != (proof.members_before() > 0)) {
    return absl::InvalidArgumentError("before: must be there exactly when members stand before the record");
  }
  if (!proof.has_before()) return OkStatus();
  const StatusOr<Digest> neighbour = VerifyNeighbour(proof.before(), proof.members_before() - 1, commitment);
  if (!neighbour.ok()) return WithContext(neighbour.status(), "before");
  if (*neighbour >= sort_key) return absl::UnauthenticatedError("before: does not stand before the record");
  return OkStatus();
}

Status VerifyAfter(const v1::AbsenceProof& proof, const Digest& sort_key, const DatasetCommitment& commitment) {
  if (proof.has_after() != (proof.members_before() < commitment.records)) {
    return absl::InvalidArgumentError("after: must be there exactly when members stand after the record");
  }
  if (!proof.has_after()) return OkStatus();
  const StatusOr<Digest> neighbour = VerifyNeighbour(proof.after(), proof.members_before(), commitment);
  if (!neighbour.ok()) return WithContext(neighbour.status(), "after");
  if (*neighbour <= sort_key) return absl::UnauthenticatedError("after: does not stand after the record");
  return OkStatus();
}

StatusOr<ProvenRecord> VerifyAbsence(const v1::AbsenceProof& proof, const DatasetCommitment& commitment) {
  RETURN_IF_ERROR(CheckMemberId(proof.record_id(), "record_id"));
  ASSIGN_OR_RETURN(const Digest sort_key, Digest::FromBytes(proof.sort_key(), "sort_key"));
  if (sort_key != MemberSortKey(commitment.salt, proof.record_id())) {
    return absl::UnauthenticatedError("sort_key: is not the record's under the dataset's salt");
  }
  if (proof.members_before() > commitment.records) {
    return absl::InvalidArgumentError(Text("members_before: ", proof.members_before(), " of ", commitment.records));
  }
  if (commitment.records == 0 && commitment.root != EmptyRoot()) {
    return absl::UnauthenticatedError("the root is not that of a dataset without members");
  }
  RETURN_IF_ERROR(VerifyBefore(proof, sort_key, commitment));
  RETURN_IF_ERROR(VerifyAfter(proof, sort_key, commitment));
  return ProvenRecord{proof.record_id(), std::nullopt};
}

}  // namespace

StatusOr<ProvenRecord> VerifyDatasetProof(const v1::DatasetProof& proof, const DatasetCommitment& commitment) {
  if (proof.has_membership() == proof.has_absence()) {
    return absl::InvalidArgumentError("proof: must be of membership or of absence, and not of both");
  }
  if (proof.has_membership()) return VerifyMembership(proof.membership(), commitment);
  return VerifyAbsence(proof.absence(), commitment);
}

std::string FormatDatasetProof(const v1::DatasetProof& proof) { return proof.SerializeAsString(); }

StatusOr<v1::DatasetProof> ParseDatasetProof(std::string_view bytes) {
  v1::DatasetProof proof;
  if (bytes.empty() || bytes.size() > kDatasetProofBytesMax ||
      !proof.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InvalidArgumentError("not a dataset proof");
  }
  // They would be written back as they were read.
  proof.DiscardUnknownFields();
  if (FormatDatasetProof(proof) != bytes) {
    return absl::InvalidArgumentError("not a dataset proof in its one spelling, or one of a later version");
  }
  return proof;
}

v1::DatasetMember MemberMessage(const Member& member) {
  v1::DatasetMember message;
  message.set_record_id(member.record_id);
  message.set_subject_id(member.subject_id);
  if (member.content.has_value()) message.set_content_sha256(member.content->bytes());
  return message;
}

StatusOr<Member> MemberFromMessage(const v1::DatasetMember& message) {
  Member member{message.record_id(), message.subject_id(), std::nullopt};
  if (!message.content_sha256().empty()) {
    ASSIGN_OR_RETURN(member.content, Digest::FromBytes(message.content_sha256(), "content_sha256"));
  }
  RETURN_IF_ERROR(CheckMember(member));
  return member;
}

}  // namespace anamnesis
