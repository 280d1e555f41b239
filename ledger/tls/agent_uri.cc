#include "ledger/tls/agent_uri.h"

#include <algorithm>
#include <array>

namespace anamnesis {
namespace {

constexpr std::string_view kScheme = "spiffe://";
constexpr size_t kUriBytesMax = 2048;
// Those of `holder` in credential.issued (vocabulary_authority.proto).
constexpr std::array<std::string_view, 6> kKinds = {"person",       "software", "device_unit",
                                                    "organisation", "site",     kNodeKind};

bool IsPath(std::string_view text) {
  while (true) {
    const size_t slash = text.find('/');
    if (!IsCertificateId(text.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    text.remove_prefix(slash + 1);
  }
}

Status Wrong(std::string_view part, std::string_view value, std::string_view rule) {
  return absl::InvalidArgumentError(Text("a certificate's name: ", part, " \"", value, "\" ", rule));
}

}  // namespace

bool IsCertificateId(std::string_view text) {
  if (text.empty() || text == "." || text == "..") return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

StatusOr<std::string> FormatAgentUri(const AgentUri& name) {
  constexpr std::string_view kCharacters = "may only have A-Z a-z 0-9 . _ - in a certificate";
  if (!IsPath(name.origin)) return Wrong("origin", name.origin, kCharacters);
  if (std::find(kKinds.begin(), kKinds.end(), name.agent.kind()) == kKinds.end()) {
    return Wrong("kind", name.agent.kind(), "is not person, software, device_unit, organisation, site or node");
  }
  if (!IsCertificateId(name.agent.id())) return Wrong("id", name.agent.id(), kCharacters);
  std::string uri = Text(kScheme, name.origin, "/", name.agent.kind(), "/", name.agent.id());
  if (uri.size() > kUriBytesMax) return Wrong("URI", uri, "is longer than 2048 bytes");
  return uri;
}

StatusOr<AgentUri> ParseAgentUri(std::string_view uri) {
  const Status wrong = Wrong("URI", uri.substr(0, kUriBytesMax), "is not spiffe://ORIGIN/KIND/ID");
  if (!uri.starts_with(kScheme)) return wrong;
  const std::string_view path = uri.substr(kScheme.size());
  const size_t before_id = path.rfind('/');
  if (before_id == std::string_view::npos || before_id == 0) return wrong;
  const size_t before_kind = path.rfind('/', before_id - 1);
  if (before_kind == std::string_view::npos) return wrong;
  AgentUri name;
  name.origin = path.substr(0, before_kind);
  name.agent.set_kind(std::string(path.substr(before_kind + 1, before_id - before_kind - 1)));
  name.agent.set_id(std::string(path.substr(before_id + 1)));
  RETURN_IF_ERROR(FormatAgentUri(name).status());
  return name;
}

StatusOr<AgentUri> AgentOfUris(const std::vector<std::string>& uris) {
  if (uris.size() != 1) {
    return absl::UnauthenticatedError(
        Text("the certificate has ", uris.size(), " URIs; it must name its holder with one: spiffe://ORIGIN/KIND/ID"));
  }
  StatusOr<AgentUri> name = ParseAgentUri(uris.front());
  if (!name.ok()) return absl::UnauthenticatedError(name.status().message());
  return name;
}

}  // namespace anamnesis
