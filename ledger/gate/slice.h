#ifndef ANAMNESIS_LEDGER_GATE_SLICE_H_
#define ANAMNESIS_LEDGER_GATE_SLICE_H_

// The gate on a device, far from the ledger: the leaves that a decision looked at, each proven to be in the log
// (tlog-proof), are folded in memory as the ledger folds them, and the same function decides. What it can't show by
// itself is that nothing else was recorded, such as a hold: for that the device has the ledger's own decision, which is
// a leaf as well, and its time to live. Pure.

#include <vector>

#include "anamnesis/v1/vocabulary_adaptation.pb.h"
#include "ledger/base/status.h"
#include "ledger/state/recorded_event.h"

namespace anamnesis {

struct SliceLeaf {
  LeafIndex index;
  // As receipts hold them: the leaf's bytes, and 32-byte nonce || body.
  std::string leaf;
  std::string body;
};

struct SliceDecision {
  v1::GateDecided recorded;
  v1::GateDecided computed;
  // Byte for byte.
  bool identical = false;
  v1::EntityRef artifact;
  std::string unit;
};

// Computes the decision that is one of the leaves again from the others. INVALID_ARGUMENT: the leaves don't parse, are
// not ascending, have other bodies than they commit to, or the last is no gate.decided. Whether they are in the log is
// the caller's to check.
StatusOr<SliceDecision> DecideOnSlice(const std::vector<SliceLeaf>& leaves);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_GATE_SLICE_H_
