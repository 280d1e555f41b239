#include "ledger/dataset/commitment.h"

namespace anamnesis {

StatusOr<DatasetCommitment> CommitmentOf(const v1::DatasetSealed& sealed) {
  if (sealed.member_salt().empty()) {
    return absl::FailedPreconditionError(
        "member_salt: the dataset was sealed without one, so nothing can be proven about its members");
  }
  DatasetCommitment commitment;
  commitment.records = sealed.records();
  ASSIGN_OR_RETURN(commitment.root, Digest::FromBytes(sealed.manifest_root(), "manifest_root"));
  ASSIGN_OR_RETURN(commitment.salt, Digest::FromBytes(sealed.member_salt(), "member_salt"));
  return commitment;
}

}  // namespace anamnesis
