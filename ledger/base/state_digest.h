#ifndef ANAMNESIS_LEDGER_BASE_STATE_DIGEST_H_
#define ANAMNESIS_LEDGER_BASE_STATE_DIGEST_H_

// What a ledger's state came to at one place in the order, as nodes compare it.

#include "ledger/base/digest.h"
#include "ledger/base/ids.h"

namespace anamnesis {

struct StateDigest {
  // The last batch or note that changed the state; 0 before the first.
  Revision revision;
  // Rolls with every one of them (commit/roll_digest.h), so that a difference stays to be seen.
  Digest digest;
  TreeSize size;
  Digest root;

  friend bool operator==(const StateDigest&, const StateDigest&) = default;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_BASE_STATE_DIGEST_H_
