#ifndef ANAMNESIS_LEDGER_EVIDENCE_COMPARE_H_
#define ANAMNESIS_LEDGER_EVIDENCE_COMPARE_H_

// Compares what two sources say of one log, by proofs that each gives for single leaves, and makes evidence where they
// contradict each other. Finding the first leaf that differs takes log2(size) questions to each: a leaf's audit path
// holds the root of all leaves up to it. Pure but for what the sources do.

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/evidence/evidence.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/verifier_key.h"

namespace anamnesis {

// Where a log is read: a node, a directory. Nothing that it says is believed before it is verified.
class LogSource {
 public:
  virtual ~LogSource() = default;
  // Its newest checkpoint, a signed note.
  virtual StatusOr<std::string> Checkpoint() = 0;
  // The leaf at `index` under a checkpoint over `size` leaves, more than `index`; `tree.key` is left empty.
  // OUT_OF_RANGE: it has no such leaf, or not so many.
  virtual StatusOr<ProvenLeaf> LeafAt(LeafIndex index, TreeSize size) = 0;
};

struct LogComparison {
  // How many leaves were compared: as many as the shorter one has; 0 when none could be.
  TreeSize common;
  TreeSize one_size;
  TreeSize other_size;
  // Set when they contradict each other.
  std::optional<Evidence> evidence;
  // The first leaf that differs.
  std::optional<LeafIndex> first_different;
  uint64_t leaves_asked = 0;
};

// Two sources, each held to the checkpoint that it shows first: where it answers for another tree of that size, that is
// the evidence. One which has less than the other is only behind. Fails as the sources do, and as OpenCheckpoint and
// VerifyInclusion do when what a source says is not signed by the log or not proven: `keys` are the log's.
StatusOr<LogComparison> CompareLogs(LogSource& one, LogSource& other, std::span<const VerifierKey> keys);

// A signed note that was kept, and a source, in the same way. Where the source has less than the note, nothing can be
// said yet.
StatusOr<LogComparison> CompareWithNote(const std::string& note, LogSource& source, std::span<const VerifierKey> keys);

// A receipt that was kept: its checkpoint as above, and its leaf, where the source has that. UNAUTHENTICATED: the
// receipt itself proves nothing.
StatusOr<LogComparison> CompareWithReceipt(LeafIndex index, const ProvenLeaf& receipt, LogSource& source,
                                           std::span<const VerifierKey> keys);

// Whether the leaf is at `index` of the tree whose checkpoint is with it, and the log signed that. UNAUTHENTICATED or
// INVALID_ARGUMENT otherwise.
StatusOr<Checkpoint> OpenProvenLeaf(LeafIndex index, const ProvenLeaf& leaf, std::span<const VerifierKey> keys);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_EVIDENCE_COMPARE_H_
