#include "node/etcd/etcd_options.h"

#include <algorithm>
#include <string_view>

namespace anamnesis {
namespace {

Status Wrong(std::string_view option, std::string_view value, std::string_view rule) {
  return absl::InvalidArgumentError(Text("etcd ", option, " '", value, "': ", rule));
}

bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == host.npos);
}

Status CheckEndpoint(std::string_view endpoint, bool plain) {
  const size_t colon = endpoint.rfind(':');
  const std::string_view host = endpoint.substr(0, std::min(colon, endpoint.size()));
  const std::string_view port = colon == endpoint.npos ? "" : endpoint.substr(colon + 1);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (host.empty() || port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != port.npos ||
      host.find('/') != host.npos || (!bracketed && host.find(':') != host.npos)) {
    return Wrong("endpoint", endpoint, "must be HOST:PORT");
  }
  if (plain && !IsLoopback(host)) return Wrong("endpoint", endpoint, "needs TLS, since it is not on this machine");
  return OkStatus();
}

}  // namespace

Status CheckOptions(const EtcdOptions& options) {
  if (options.endpoints.empty()) return absl::InvalidArgumentError("etcd endpoints: none given");
  for (const std::string& endpoint : options.endpoints) {
    RETURN_IF_ERROR(CheckEndpoint(endpoint, options.tls == nullptr));
  }
  // The end of the range below a prefix is the prefix with its last byte one higher.
  if (options.prefix.empty() || options.prefix.back() == '\xff') {
    return Wrong("prefix", options.prefix, "must not be empty, nor end with the byte 255");
  }
  if (options.user.empty() && !options.password.empty()) return absl::InvalidArgumentError("etcd password: no user");
  const auto least = std::min({options.call_timeout, options.attempt_timeout, options.write_timeout,
                               options.probe_interval, options.probe_timeout});
  if (least <= std::chrono::milliseconds(0)) return absl::InvalidArgumentError("etcd timeouts: must be positive");
  return OkStatus();
}

}  // namespace anamnesis
