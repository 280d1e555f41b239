#ifndef ANAMNESIS_LEDGER_TLS_AGENT_URI_H_
#define ANAMNESIS_LEDGER_TLS_AGENT_URI_H_

// How a certificate names an agent of a ledger: one URI in its subject alternative names, of SPIFFE's form,
//
//   spiffe://<origin>/<kind>/<id>      spiffe://acme-cardio.example/ledger/device_unit/ICU-7
//
// where the origin is the ledger's and kind and id are those that credentials name. Pure; any thread.

#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "ledger/base/status.h"

namespace anamnesis {

// The kind of the agents that serve a ledger.
inline constexpr std::string_view kNodeKind = "node";

struct AgentUri {
  std::string origin;
  v1::Agent agent;
};

// Whether `text` can be an id in a certificate: one or more of A-Z a-z 0-9 . _ -, but not "." or "..".
bool IsCertificateId(std::string_view text);

// INVALID_ARGUMENT, naming the part, when the kind can't hold a credential, when a part of origin or id has characters
// other than A-Z a-z 0-9 . _ - (SPIFFE allows no others, and no escapes), or when the whole is longer than 2048 bytes.
StatusOr<std::string> FormatAgentUri(const AgentUri& name);

// The inverse, strictly: what FormatAgentUri doesn't write is INVALID_ARGUMENT. Without knowing the origin beforehand:
// kind and id are the last two parts.
StatusOr<AgentUri> ParseAgentUri(std::string_view uri);

// The agent that a certificate with these URIs names. UNAUTHENTICATED unless there is exactly one, of this form; it
// then says what there is instead.
StatusOr<AgentUri> AgentOfUris(const std::vector<std::string>& uris);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_TLS_AGENT_URI_H_
