#include "ledger/dataset/prove.h"

#include <vector>

#include "ledger/dataset/verify.h"
#include "ledger/merkle/proof.h"

namespace anamnesis {
namespace {

StatusOr<std::vector<Digest>> PathOf(const MemberTable& table, uint64_t index) {
  return InclusionProof(table.nodes(), LeafIndex(index), TreeSize(table.commitment().records));
}

Status FillNeighbour(const MemberTable& table, uint64_t index, v1::NeighbourLeaf& neighbour) {
  ASSIGN_OR_RETURN(const MemberLeaf leaf, table.Leaf(index));
  ASSIGN_OR_RETURN(const std::vector<Digest> path, PathOf(table, index));
  neighbour.set_sort_key(leaf.sort_key.bytes());
  neighbour.set_commitment(leaf.commitment.bytes());
  for (const Digest& hash : path) neighbour.add_path(hash.bytes());
  return OkStatus();
}

Status FillMembership(const MemberTable& table, uint64_t index, v1::MembershipProof& proof) {
  ASSIGN_OR_RETURN(const std::optional<MemberOpening> opening, table.Opening(index));
  if (!opening.has_value()) {
    return absl::NotFoundError(
        "the record's member was erased: its membership can't be opened any more, and its absence can't be proven");
  }
  ASSIGN_OR_RETURN(const std::vector<Digest> path, PathOf(table, index));
  *proof.mutable_member() = MemberMessage(opening->member);
  proof.set_nonce(opening->nonce);
  proof.set_index(index);
  for (const Digest& hash : path) proof.add_path(hash.bytes());
  return OkStatus();
}

Status FillAbsence(const MemberTable& table, uint64_t members_before, v1::AbsenceProof& proof) {
  proof.set_members_before(members_before);
  if (members_before > 0) RETURN_IF_ERROR(FillNeighbour(table, members_before - 1, *proof.mutable_before()));
  if (members_before == table.commitment().records) return OkStatus();
  return FillNeighbour(table, members_before, *proof.mutable_after());
}

}  // namespace

StatusOr<MemberPlace> FindMember(const MemberTable& table, const Digest& sort_key) {
  uint64_t low = 0;
  uint64_t high = table.commitment().records;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    ASSIGN_OR_RETURN(const MemberLeaf leaf, table.Leaf(middle));
    if (leaf.sort_key == sort_key) return MemberPlace{middle, true};
    (leaf.sort_key < sort_key ? low : high) = leaf.sort_key < sort_key ? middle + 1 : middle;
  }
  return MemberPlace{low, false};
}

StatusOr<v1::DatasetProof> ProveRecord(const MemberTable& table, std::string_view record_id) {
  RETURN_IF_ERROR(CheckMemberId(record_id, "record_id"));
  const Digest sort_key = MemberSortKey(table.commitment().salt, record_id);
  ASSIGN_OR_RETURN(const MemberPlace place, FindMember(table, sort_key));
  v1::DatasetProof proof;
  if (place.found) {
    RETURN_IF_ERROR(FillMembership(table, place.index, *proof.mutable_membership()));
  } else {
    v1::AbsenceProof& absence = *proof.mutable_absence();
    absence.set_record_id(std::string(record_id));
    absence.set_sort_key(sort_key.bytes());
    RETURN_IF_ERROR(FillAbsence(table, place.index, absence));
  }
  const Status verified = VerifyDatasetProof(proof, table.commitment()).status();
  if (!verified.ok())
    return absl::DataLossError(Text("the members don't agree with their root: ", MessageOf(verified)));
  return proof;
}

}  // namespace anamnesis
