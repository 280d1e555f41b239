#ifndef ANAMNESIS_LEDGER_DATASET_PROVE_H_
#define ANAMNESIS_LEDGER_DATASET_PROVE_H_

// Proofs about one record, made from a dataset's members wherever they are kept. Pure; as safe from other threads as
// the table is.

#include <optional>
#include <string>
#include <string_view>

#include "anamnesis/v1/dataset.pb.h"
#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/dataset/commitment.h"
#include "ledger/dataset/member.h"
#include "ledger/merkle/node_reader.h"

namespace anamnesis {

// What opens a commitment.
struct MemberOpening {
  std::string nonce;
  Member member;
};

// A dataset's members in the order of their sort keys. What a method fails with is the storage's own.
class MemberTable {
 public:
  virtual ~MemberTable() = default;
  virtual const DatasetCommitment& commitment() const = 0;
  // `index` is below commitment().records.
  virtual StatusOr<MemberLeaf> Leaf(uint64_t index) const = 0;
  // Nothing when the member was erased. `index` as above.
  virtual StatusOr<std::optional<MemberOpening>> Opening(uint64_t index) const = 0;
  // The tree over the leaves.
  virtual const NodeReader& nodes() const = 0;
};

// Where a sort key stands: how many members have a smaller one, and whether the member there has this one.
struct MemberPlace {
  uint64_t index = 0;
  bool found = false;
};

// Reads about log2(records) leaves.
StatusOr<MemberPlace> FindMember(const MemberTable& table, const Digest& sort_key);

// The proof that the record is a member, or that it is none. INVALID_ARGUMENT when it can't be a record id; NOT_FOUND
// when it was a member that has been erased: neither can be proven then; DATA_LOSS when what the table holds proves
// nothing against its own root.
StatusOr<v1::DatasetProof> ProveRecord(const MemberTable& table, std::string_view record_id);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_DATASET_PROVE_H_
