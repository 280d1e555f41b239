#ifndef ANAMNESIS_NODE_AUTH_AUTHORIZER_H_
#define ANAMNESIS_NODE_AUTH_AUTHORIZER_H_

// Which calls a caller may make. One table says it for every method of every service that a node has; a method that
// isn't in it is refused to everybody. Pure; any thread.

#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "anamnesis/v1/options.pb.h"
#include "ledger/base/status.h"

namespace anamnesis {

// An agent that a certificate names, with what is known of it now.
struct Caller {
  v1::Agent agent;
  // Why it is nobody here: an agent without a credential in force, a node that is no member. Empty when it is somebody.
  std::string unknown_because;
  std::vector<v1::Role> roles;
};

// OK, or why `caller` may not call `method`, the path of an RPC ("/anamnesis.v1.ReadService/GetEvent").
// UNAUTHENTICATED: nobody knows the caller. PERMISSION_DENIED: it is known, but not as one who may call this; or nobody
// may.
Status Authorize(const Caller& caller, std::string_view method);

bool HasRole(const Caller& caller, v1::Role role);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_AUTH_AUTHORIZER_H_
