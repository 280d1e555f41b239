#ifndef ANAMNESIS_NODE_WEB_HTTP_POST_H_
#define ANAMNESIS_NODE_WEB_HTTP_POST_H_

#include "ledger/tls/tls_identity.h"
#include "node/checkpoint/witness_client.h"

namespace anamnesis {

// Sends requests to witnesses over HTTP and HTTPS, with this node's certificate if there is one. A server is believed
// by the CAs of `files` and by those that the system trusts; what it says is believed by its cosignature alone. Follows
// no redirects, uses no proxy, keeps no connection. The files are read anew for each request.
HttpPost MakeHttpPost(TlsFiles files);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_WEB_HTTP_POST_H_
