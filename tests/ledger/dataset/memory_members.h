#ifndef ANAMNESIS_TESTS_LEDGER_DATASET_MEMORY_MEMBERS_H_
#define ANAMNESIS_TESTS_LEDGER_DATASET_MEMORY_MEMBERS_H_

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"
#include "ledger/dataset/prove.h"
#include "ledger/merkle/node_reader.h"
#include "ledger/merkle/tree_hash.h"

namespace anamnesis {

inline Digest NumberedSalt(int number) { return Sha256(Text("salt ", number)); }

// "record 0", "record 1", …: every third without a subject, every fifth without a digest.
inline Member NumberedMember(size_t number) {
  Member member;
  member.record_id = Text("record ", number);
  if (number % 3 != 0) member.subject_id = Text("subject ", number / 2);
  if (number % 5 != 0) member.content = Sha256(Text("content ", number));
  return member;
}

inline std::vector<Member> NumberedMembers(size_t count) {
  std::vector<Member> members;
  for (size_t i = 0; i < count; ++i) members.push_back(NumberedMember(i));
  return members;
}

// The obvious implementation: everything in vectors, the root by RFC 6962's definition.
class MemoryMembers : public MemberTable {
 public:
  MemoryMembers(const std::vector<Member>& members, const Digest& salt) : nodes_(Sorted(members, salt)) {
    commitment_.records = rows_.size();
    commitment_.salt = salt;
    commitment_.root = RootOfLeafHashes(hashes_);
  }

  const DatasetCommitment& commitment() const override { return commitment_; }
  StatusOr<MemberLeaf> Leaf(uint64_t index) const override { return rows_.at(index).leaf; }
  StatusOr<std::optional<MemberOpening>> Opening(uint64_t index) const override { return rows_.at(index).opening; }
  const NodeReader& nodes() const override { return nodes_; }

  void Erase(uint64_t index) { rows_.at(index).opening.reset(); }
  const Member& member(uint64_t index) const { return rows_.at(index).opening->member; }

 private:
  struct Row {
    MemberLeaf leaf;
    std::optional<MemberOpening> opening;
  };

  // Also fills rows_ and hashes_, which are therefore declared before nodes_.
  const std::vector<Digest>& Sorted(const std::vector<Member>& members, const Digest& salt) {
    for (const Member& member : members) {
      const std::string nonce = Sha256(Text("nonce of ", member.record_id)).bytes();
      rows_.push_back({{MemberSortKey(salt, member.record_id), MemberCommitment(nonce, EncodeMember(member))},
                       MemberOpening{nonce, member}});
    }
    std::sort(rows_.begin(), rows_.end(), [](const Row& a, const Row& b) { return a.leaf.sort_key < b.leaf.sort_key; });
    for (const Row& row : rows_) hashes_.push_back(MemberLeafHash(row.leaf));
    return hashes_;
  }

  std::vector<Row> rows_;
  std::vector<Digest> hashes_;
  DatasetCommitment commitment_;
  MemoryNodeReader nodes_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_DATASET_MEMORY_MEMBERS_H_
