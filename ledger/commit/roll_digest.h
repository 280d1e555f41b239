#ifndef ANAMNESIS_LEDGER_COMMIT_ROLL_DIGEST_H_
#define ANAMNESIS_LEDGER_COMMIT_ROLL_DIGEST_H_

// The digest of a ledger's state, which every node of a cluster computes for itself at every place in the order: where
// two differ, one of them has applied something else, or from something else. Pure.

#include "ledger/base/digest.h"
#include "ledger/base/state_digest.h"
#include "ledger/base/time.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// The digest at `next`, whose own digest is not looked at, after `previous`: over everything that was written there and
// is the same on every node. Leaves, their bodies and tiles are what the root says and are not hashed again. Never
// change what is hashed: nodes of neighbouring releases compare it.
Digest RollDigest(const Digest& previous, const StateDigest& next, Timestamp last_recorded, const Rows& written);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_COMMIT_ROLL_DIGEST_H_
