#ifndef ANAMNESIS_NODE_APP_FENCE_H_
#define ANAMNESIS_NODE_APP_FENCE_H_

// Whether a node is fenced for a recovery (node/replication/recovery.h): DIR/fenced, which stays over restarts.

#include <string>

#include "ledger/base/status.h"

namespace anamnesis {

bool IsFenced(const std::string& dir);
// Durable when it returns. INTERNAL or RESOURCE_EXHAUSTED when it can't be written.
Status Fence(const std::string& dir);
// Durable when it returns; INTERNAL when it can't be removed.
Status RemoveFence(const std::string& dir);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_APP_FENCE_H_
