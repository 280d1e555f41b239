// Proofs of membership and absence (A03): what is true can be proven, and nothing else, whatever an adversary changes.

#include "ledger/merkle/proof.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "ledger/base/limits.h"
#include "ledger/dataset/prove.h"
#include "ledger/dataset/verify.h"
#include "ledger/merkle/tree_hash.h"
#include "tests/ledger/dataset/memory_members.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

// Verifies as a stranger would: from bytes.
StatusOr<ProvenRecord> VerifyBytes(std::string_view bytes, const DatasetCommitment& commitment) {
  ASSIGN_OR_RETURN(const v1::DatasetProof proof, ParseDatasetProof(bytes));
  return VerifyDatasetProof(proof, commitment);
}

v1::DatasetProof Prove(const MemberTable& table, std::string_view record_id) {
  const StatusOr<v1::DatasetProof> proof = ProveRecord(table, record_id);
  EXPECT_TRUE(proof.ok()) << record_id << ": " << proof.status();
  return proof.value_or(v1::DatasetProof());
}

// The first foreign record id for which `holds`.
template <typename Predicate>
std::string ForeignRecord(const MemberTable& table, Predicate holds) {
  for (int i = 0; i < 1000000; ++i) {
    std::string id = Text("foreign ", i);
    const MemberPlace place = *FindMember(table, MemberSortKey(table.commitment().salt, id));
    if (!place.found && holds(place.index)) return id;
  }
  ADD_FAILURE() << "no such record id";
  return "";
}

v1::NeighbourLeaf NeighbourAt(const MemberTable& table, uint64_t index) {
  v1::NeighbourLeaf neighbour;
  const MemberLeaf leaf = *table.Leaf(index);
  neighbour.set_sort_key(leaf.sort_key.bytes());
  neighbour.set_commitment(leaf.commitment.bytes());
  const StatusOr<std::vector<Digest>> path =
      InclusionProof(table.nodes(), LeafIndex(index), TreeSize(table.commitment().records));
  for (const Digest& hash : path.value()) neighbour.add_path(hash.bytes());
  return neighbour;
}

TEST(DatasetProofTest, A03EveryMemberIsProvenAndEveryForeignRecordIsNot) {
  for (const size_t count : {0, 1, 2, 3, 4, 5, 8, 9, 31, 33, 100, 347}) {
    const MemoryMembers members(NumberedMembers(count), NumberedSalt(1));
    for (size_t i = 0; i < count; ++i) {
      const StatusOr<ProvenRecord> proven =
          VerifyBytes(FormatDatasetProof(Prove(members, Text("record ", i))), members.commitment());
      ASSERT_TRUE(proven.ok()) << proven.status();
      EXPECT_EQ(proven->record_id, Text("record ", i));
      EXPECT_EQ(proven->member, NumberedMember(i));
    }
    for (size_t i = 0; i < 50; ++i) {
      const StatusOr<ProvenRecord> proven =
          VerifyBytes(FormatDatasetProof(Prove(members, Text("foreign ", i))), members.commitment());
      ASSERT_TRUE(proven.ok()) << proven.status();
      EXPECT_EQ(proven->record_id, Text("foreign ", i));
      EXPECT_FALSE(proven->member.has_value());
    }
  }
}

TEST(DatasetProofTest, A03OneFlippedBitAnywhereFails) {
  for (const size_t count : {0, 1, 2, 3, 7, 8, 13, 347}) {
    const MemoryMembers members(NumberedMembers(count), NumberedSalt(1));
    std::vector<std::string> proofs = {FormatDatasetProof(Prove(members, "foreign 0"))};
    if (count > 0) {
      proofs.push_back(FormatDatasetProof(Prove(members, Text("record ", count / 2))));
      proofs.push_back(FormatDatasetProof(Prove(members, ForeignRecord(members, [](uint64_t at) { return at == 0; }))));
      proofs.push_back(
          FormatDatasetProof(Prove(members, ForeignRecord(members, [=](uint64_t at) { return at == count; }))));
    }
    for (const std::string& good : proofs) {
      ASSERT_TRUE(VerifyBytes(good, members.commitment()).ok());
      for (size_t bit = 0; bit < good.size() * 8; ++bit) {
        std::string bad = good;
        bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
        EXPECT_FALSE(VerifyBytes(bad, members.commitment()).ok()) << count << " members, bit " << bit;
      }
      for (size_t length = 0; length < good.size(); ++length) {
        EXPECT_FALSE(VerifyBytes(good.substr(0, length), members.commitment()).ok()) << length;
      }
      EXPECT_FALSE(VerifyBytes(good + good, members.commitment()).ok());
    }
  }
}

TEST(DatasetProofTest, A03OneFlippedBitOfRootOrSaltFails) {
  const MemoryMembers members(NumberedMembers(347), NumberedSalt(1));
  for (const std::string_view record : {"record 12", "foreign 12"}) {
    const v1::DatasetProof proof = Prove(members, record);
    for (size_t bit = 0; bit < Digest::kSize * 8; ++bit) {
      DatasetCommitment other = members.commitment();
      other.root.data()[bit / 8] = static_cast<uint8_t>(other.root.data()[bit / 8] ^ (1 << bit % 8));
      EXPECT_TRUE(absl::IsUnauthenticated(VerifyDatasetProof(proof, other).status()));
      other = members.commitment();
      other.salt.data()[bit / 8] = static_cast<uint8_t>(other.salt.data()[bit / 8] ^ (1 << bit % 8));
      EXPECT_TRUE(absl::IsUnauthenticated(VerifyDatasetProof(proof, other).status()));
    }
  }
}

TEST(DatasetProofTest, A03ProofsOfAnotherDatasetFail) {
  const MemoryMembers members(NumberedMembers(100), NumberedSalt(1));
  const MemoryMembers same_with_other_salt(NumberedMembers(100), NumberedSalt(2));
  const MemoryMembers one_more(NumberedMembers(101), NumberedSalt(1));
  for (const std::string_view record : {"record 12", "foreign 12"}) {
    const v1::DatasetProof proof = Prove(members, record);
    EXPECT_FALSE(VerifyDatasetProof(proof, same_with_other_salt.commitment()).ok());
    EXPECT_FALSE(VerifyDatasetProof(proof, one_more.commitment()).ok());
  }
}

// The strongest adversary that knows all members: every pair of leaves as neighbours, at every claimed place.
TEST(DatasetProofTest, A03NoPairOfLeavesHidesAMember) {
  for (const size_t count : {1, 2, 3, 4, 5, 6, 7, 8, 9}) {
    const MemoryMembers members(NumberedMembers(count), NumberedSalt(1));
    for (uint64_t hidden = 0; hidden < count; ++hidden) {
      v1::DatasetProof proof;
      v1::AbsenceProof& absence = *proof.mutable_absence();
      absence.set_record_id(members.member(hidden).record_id);
      absence.set_sort_key(members.Leaf(hidden)->sort_key.bytes());
      for (uint64_t before = 0; before <= count; ++before) {
        for (uint64_t after = 0; after <= count; ++after) {
          absence.clear_before();
          absence.clear_after();
          if (before < count) *absence.mutable_before() = NeighbourAt(members, before);
          if (after < count) *absence.mutable_after() = NeighbourAt(members, after);
          for (uint64_t place = 0; place <= count + 1; ++place) {
            absence.set_members_before(place);
            EXPECT_FALSE(VerifyDatasetProof(proof, members.commitment()).ok())
                << hidden << " of " << count << " between " << before << " and " << after << " at " << place;
          }
        }
      }
    }
  }
}

TEST(DatasetProofTest, A03NoPairOfLeavesHidesAMemberUnderAnyCount) {
  // The count is trusted, as the root is. Should it be wrong, neighbours still are neighbours.
  for (const size_t count : {2, 3, 5, 6, 8}) {
    const MemoryMembers members(NumberedMembers(count), NumberedSalt(1));
    for (uint64_t hidden = 0; hidden < count; ++hidden) {
      v1::DatasetProof proof;
      v1::AbsenceProof& absence = *proof.mutable_absence();
      absence.set_record_id(members.member(hidden).record_id);
      absence.set_sort_key(members.Leaf(hidden)->sort_key.bytes());
      for (uint64_t before = 0; before <= hidden; ++before) {
        for (uint64_t after = hidden; after <= count; ++after) {
          absence.clear_before();
          absence.clear_after();
          if (before < hidden) *absence.mutable_before() = NeighbourAt(members, before);
          if (after > hidden && after < count) *absence.mutable_after() = NeighbourAt(members, after);
          DatasetCommitment forged = members.commitment();
          for (forged.records = 0; forged.records <= 2 * count + 2; ++forged.records) {
            for (uint64_t place = 0; place <= forged.records; ++place) {
              absence.set_members_before(place);
              EXPECT_FALSE(VerifyDatasetProof(proof, forged).ok()) << forged.records << " " << place;
            }
          }
        }
      }
    }
  }
}

TEST(DatasetProofTest, A03NeighboursMustBeStrictlyOnTheirSides) {
  const MemoryMembers members(NumberedMembers(20), NumberedSalt(1));
  const std::string record = ForeignRecord(members, [](uint64_t at) { return at == 10; });
  const v1::DatasetProof good = Prove(members, record);
  ASSERT_TRUE(VerifyDatasetProof(good, members.commitment()).ok());

  v1::DatasetProof swapped = good;
  swapped.mutable_absence()->mutable_before()->Swap(swapped.mutable_absence()->mutable_after());
  EXPECT_FALSE(VerifyDatasetProof(swapped, members.commitment()).ok());

  for (const int step : {-1, 1}) {
    v1::DatasetProof shifted = good;
    const auto place = static_cast<uint64_t>(10 + step);
    shifted.mutable_absence()->set_members_before(place);
    *shifted.mutable_absence()->mutable_before() = NeighbourAt(members, place - 1);
    *shifted.mutable_absence()->mutable_after() = NeighbourAt(members, place);
    const Status status = VerifyDatasetProof(shifted, members.commitment()).status();
    EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
    EXPECT_THAT(MessageOf(status), HasSubstr("does not stand"));
  }

  v1::DatasetProof one_sided = good;
  one_sided.mutable_absence()->clear_after();
  EXPECT_TRUE(absl::IsInvalidArgument(VerifyDatasetProof(one_sided, members.commitment()).status()));
  one_sided = good;
  one_sided.mutable_absence()->clear_before();
  EXPECT_TRUE(absl::IsInvalidArgument(VerifyDatasetProof(one_sided, members.commitment()).status()));
}

TEST(DatasetProofTest, A03AMemberIsNotAbsentBesideItself) {
  const MemoryMembers members(NumberedMembers(20), NumberedSalt(1));
  for (const uint64_t place : {7, 8}) {
    v1::DatasetProof proof;
    v1::AbsenceProof& absence = *proof.mutable_absence();
    absence.set_record_id(members.member(7).record_id);
    absence.set_sort_key(members.Leaf(7)->sort_key.bytes());
    absence.set_members_before(place);
    *absence.mutable_before() = NeighbourAt(members, place - 1);
    *absence.mutable_after() = NeighbourAt(members, place);
    EXPECT_TRUE(absl::IsUnauthenticated(VerifyDatasetProof(proof, members.commitment()).status()));
  }
}

TEST(DatasetProofTest, A03AnInnerNodeIsNoLeaf) {
  const MemoryMembers members(NumberedMembers(4), NumberedSalt(1));
  // The left child of the root as if it were the last leaf of a tree of two, in every field that a leaf has.
  const Digest left = *members.nodes().Node(1, 0);
  const Digest right = *members.nodes().Node(1, 1);
  DatasetCommitment forged = members.commitment();
  forged.records = 2;
  v1::NeighbourLeaf node;
  node.set_sort_key(members.nodes().Node(0, 0)->bytes());
  node.set_commitment(members.nodes().Node(0, 1)->bytes());
  node.add_path(right.bytes());
  ASSERT_EQ(NodeHash(left, right), forged.root);
  v1::DatasetProof proof;
  v1::AbsenceProof& absence = *proof.mutable_absence();
  absence.set_record_id("r");
  absence.set_sort_key(MemberSortKey(forged.salt, "r").bytes());
  *absence.mutable_after() = node;
  EXPECT_TRUE(absl::IsUnauthenticated(VerifyDatasetProof(proof, forged).status()));
}

TEST(DatasetProofTest, A03PathsOfAnyOtherLengthFail) {
  const MemoryMembers members(NumberedMembers(20), NumberedSalt(1));
  v1::DatasetProof proof = Prove(members, "record 3");
  proof.mutable_membership()->add_path(std::string(32, 'x'));
  EXPECT_TRUE(absl::IsInvalidArgument(VerifyDatasetProof(proof, members.commitment()).status()));
  proof.mutable_membership()->mutable_path()->RemoveLast();
  EXPECT_TRUE(VerifyDatasetProof(proof, members.commitment()).ok());
  proof.mutable_membership()->mutable_path()->RemoveLast();
  EXPECT_TRUE(absl::IsInvalidArgument(VerifyDatasetProof(proof, members.commitment()).status()));
  for (size_t i = 0; i <= limits::kProofHashesMax; ++i) proof.mutable_membership()->add_path(std::string(32, 'x'));
  EXPECT_TRUE(absl::IsInvalidArgument(VerifyDatasetProof(proof, members.commitment()).status()));
}

TEST(DatasetProofTest, A03RandomChangesNeverProveAnythingElse) {
  const MemoryMembers members(NumberedMembers(61), NumberedSalt(1));
  std::mt19937_64 random(20261121);
  for (int round = 0; round < 20000; ++round) {
    const std::string record = Text(random() % 2 == 0 ? "record " : "foreign ", random() % 61);
    const std::string good = FormatDatasetProof(Prove(members, record));
    std::string bad = good;
    for (uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
      const size_t at = random() % bad.size();
      switch (random() % 3) {
        case 0:
          bad[at] = static_cast<char>(random());
          break;
        case 1:
          bad.erase(at, 1 + random() % 40);
          break;
        default:
          bad.insert(at, good.substr(random() % good.size(), 1 + random() % 40));
      }
      if (bad.empty()) bad = "x";
    }
    if (bad == good) continue;
    EXPECT_FALSE(VerifyBytes(bad, members.commitment()).ok()) << "round " << round;
  }
}

TEST(DatasetProofTest, AnErasedMemberIsNeitherProvenNorDenied) {
  MemoryMembers members(NumberedMembers(20), NumberedSalt(1));
  const std::string erased = members.member(5).record_id;
  const std::string old_proof = FormatDatasetProof(Prove(members, erased));
  const std::string neighbour = members.member(6).record_id;
  members.Erase(5);
  EXPECT_TRUE(absl::IsNotFound(ProveRecord(members, erased).status()));
  EXPECT_TRUE(VerifyDatasetProof(Prove(members, neighbour), members.commitment()).ok());
  const std::string beside = ForeignRecord(members, [](uint64_t at) { return at == 5; });
  EXPECT_TRUE(VerifyDatasetProof(Prove(members, beside), members.commitment()).ok());
  EXPECT_TRUE(VerifyBytes(old_proof, members.commitment()).ok()) << "a proof handed out before still holds";
}

TEST(DatasetProofTest, AWrongTableIsFoundBeforeItsProofIsHandedOut) {
  class Wrong : public MemoryMembers {
   public:
    using MemoryMembers::MemoryMembers;
    StatusOr<MemberLeaf> Leaf(uint64_t index) const override {
      MemberLeaf leaf = *MemoryMembers::Leaf(index);
      leaf.commitment.data()[0] ^= 1;
      return leaf;
    }
  };
  const Wrong members(NumberedMembers(20), NumberedSalt(1));
  EXPECT_TRUE(absl::IsDataLoss(ProveRecord(members, "foreign 1").status()));
}

TEST(DatasetProofTest, ProofsTellNothingOfNeighbours) {
  const MemoryMembers members(NumberedMembers(20), NumberedSalt(1));
  const std::string bytes = FormatDatasetProof(Prove(members, "foreign 1"));
  EXPECT_EQ(bytes.find("record "), std::string::npos);
  EXPECT_EQ(bytes.find("subject "), std::string::npos);
}

TEST(DatasetCommitmentTest, NeedsRootAndSalt) {
  v1::DatasetSealed sealed;
  sealed.set_records(3);
  sealed.set_manifest_root(std::string(32, 'r'));
  EXPECT_TRUE(absl::IsFailedPrecondition(CommitmentOf(sealed).status()));
  sealed.set_member_salt(std::string(31, 's'));
  EXPECT_THAT(MessageOf(CommitmentOf(sealed).status()), HasSubstr("member_salt"));
  sealed.set_member_salt(std::string(32, 's'));
  ASSERT_TRUE(CommitmentOf(sealed).ok());
  EXPECT_EQ(CommitmentOf(sealed)->records, 3u);
  sealed.set_manifest_root("short");
  EXPECT_THAT(MessageOf(CommitmentOf(sealed).status()), HasSubstr("manifest_root"));
}

}  // namespace
}  // namespace anamnesis
