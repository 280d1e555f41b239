#ifndef ANAMNESIS_NODE_WEB_WEB_CALL_H_
#define ANAMNESIS_NODE_WEB_WEB_CALL_H_

// One request over HTTP as whoever answers it sees it, its answer, and who may make it.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/status.h"

namespace anamnesis {

// Borrowed for the time of one call.
struct WebRequest {
  std::string_view method;
  // As it was sent: path and query.
  std::string_view target;
  std::string_view body;
  // The URIs of the caller's certificate, which a CA we trust has signed; nullopt when it showed none.
  std::optional<std::vector<std::string>> certificate_uris;

  bool reads() const { return method == "GET" || method == "HEAD"; }
};

struct WebAnswer {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string cache_control = "no-store";
  // The Allow header, which every 405 has; empty text when no method is allowed.
  std::optional<std::string> allow;
  // The Retry-After header, for what will be there soon.
  std::optional<int> retry_after_seconds;
  std::string body;
};

// The same identities and roles as over gRPC.
struct WebAccess {
  // Everybody who can connect may read. Without TLS that is so anyway: such a node serves its own machine only.
  bool everybody_reads = false;
  // Whether the agent of this certificate may make a call of gRPC, /package.Service/Method, that shows the same.
  std::function<Status(const std::vector<std::string>& uris, std::string_view method)> may_call;

  // UNAUTHENTICATED: the caller showed no certificate. Otherwise as may_call.
  Status MayRead(const WebRequest& request, std::string_view method) const;
  // The Cache-Control of what never changes: what isn't public must not lie in a cache that others use.
  std::string CacheFor(std::string_view directives) const;
};

// The status of an answer to one who may not: 403, or 503 when it couldn't be told.
int HttpStatusOfRefusal(const Status& refusal);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_WEB_WEB_CALL_H_
