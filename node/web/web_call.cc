#include "node/web/web_call.h"

namespace anamnesis {

Status WebAccess::MayRead(const WebRequest& request, std::string_view method) const {
  if (everybody_reads) return OkStatus();
  if (!request.certificate_uris.has_value()) return absl::UnauthenticatedError("reading needs a certificate");
  return may_call(*request.certificate_uris, method);
}

std::string WebAccess::CacheFor(std::string_view directives) const {
  return Text(everybody_reads ? "public, " : "private, ", directives);
}

int HttpStatusOfRefusal(const Status& refusal) {
  return absl::IsUnauthenticated(refusal) || absl::IsPermissionDenied(refusal) ? 403 : 503;
}

}  // namespace anamnesis
