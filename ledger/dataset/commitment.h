#ifndef ANAMNESIS_LEDGER_DATASET_COMMITMENT_H_
#define ANAMNESIS_LEDGER_DATASET_COMMITMENT_H_

// What a sealed dataset version says of its members, and all that a verifier needs to know. Pure; any thread.

#include <cstdint>

#include "anamnesis/v1/vocabulary_data.pb.h"
#include "ledger/base/digest.h"
#include "ledger/base/status.h"

namespace anamnesis {

// All three must come from a source that the verifier trusts, such as a sealed event under a checkpoint. With a salt of
// the prover's choice any record can be made to seem absent.
struct DatasetCommitment {
  uint64_t records = 0;
  Digest root;
  Digest salt;

  friend bool operator==(const DatasetCommitment&, const DatasetCommitment&) = default;
};

// INVALID_ARGUMENT naming the field when the root has not 32 bytes; FAILED_PRECONDITION when the version was sealed
// without a salt, so that nothing can be proven about its members.
StatusOr<DatasetCommitment> CommitmentOf(const v1::DatasetSealed& sealed);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_DATASET_COMMITMENT_H_
