#ifndef ANAMNESIS_NODE_APP_NODE_ID_H_
#define ANAMNESIS_NODE_APP_NODE_ID_H_

// Who a node of a cluster is: random text, made with its disk and lost with it, in DIR/node-id. A copy of a directory
// for another node must not have it.

#include <string>

#include "ledger/base/status.h"

namespace anamnesis {

// 16 hexadecimal digits, or what somebody wrote there: 1 to 64 characters of [a-z0-9-]. FAILED_PRECONDITION when the
// file holds anything else; UNAVAILABLE when it can't be read or written.
StatusOr<std::string> ReadOrMakeNodeId(const std::string& dir);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_APP_NODE_ID_H_
