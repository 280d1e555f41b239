#include "node/service/access.h"

#include <utility>

#include "ledger/event/header.h"
#include "ledger/event/leaf.h"
#include "ledger/event/names.h"
#include "ledger/event/refusal.h"
#include "ledger/event/seal.h"
#include "ledger/tls/agent_uri.h"
#include "node/auth/principal.h"

namespace anamnesis {

Access::Access(const Ledger& ledger, bool over_tls, IsMember is_member)
    : ledger_(ledger), over_tls_(over_tls), is_member_(std::move(is_member)), origin_(ledger.GetStatus().origin()) {}

StatusOr<Caller> Access::Find(const v1::Agent& agent) const {
  Caller caller{agent, "", {}};
  if (agent.kind() == kNodeKind) {
    if (!is_member_(agent.id())) caller.unknown_because = "it is no member of this node's cluster";
    return caller;
  }
  ASSIGN_OR_RETURN(AgentStanding standing, ledger_.FindStanding(agent));
  caller.unknown_because = std::move(standing.unknown_because);
  caller.roles = std::move(standing.roles);
  return caller;
}

std::optional<v1::Agent> Access::CallerOf(const grpc::CallbackServerContext& call) const {
  if (!over_tls_) return std::nullopt;
  StatusOr<v1::Agent> principal = PrincipalOf(*call.auth_context(), origin_);
  // Nobody gets here unnamed; if somebody did, they would be an agent that the ledger doesn't know.
  return principal.ok() ? *std::move(principal) : v1::Agent();
}

bool Access::StillAllowed(const std::optional<v1::Agent>& caller, std::string_view method) const {
  if (!caller.has_value()) return true;
  const StatusOr<Caller> found = Find(*caller);
  return found.ok() && Authorize(*found, method).ok();
}

StatusOr<bool> Access::BeginsWithRecorded(const v1::Run& run) const {
  if (run.headers().empty()) return false;
  const StatusOr<ParsedHeader> header = ParseHeader(run.headers(0));
  if (!header.ok()) return false;
  v1::GetEventRequest request;
  request.set_event_id(std::string(header->event_id.view()));
  const StatusOr<v1::Event> event = ledger_.GetEvent(request);
  if (absl::IsNotFound(event.status())) return false;
  RETURN_IF_ERROR(event.status());
  const StatusOr<LeafView> leaf = ParseLeaf(event->leaf());
  return leaf.ok() && leaf->header == run.headers(0);
}

Status Access::CheckMayHandIn(const std::optional<v1::Agent>& caller, const v1::Run& run) const {
  if (!caller.has_value()) return OkStatus();
  const StatusOr<ParsedSeal> seal = ParseSealStatement(run.seal().statement());
  if (!seal.ok()) return OkStatus();
  v1::GetCredentialRequest request;
  request.set_public_key(seal->key.bytes());
  const StatusOr<v1::Credential> credential = ledger_.GetCredential(request);
  if (absl::IsNotFound(credential.status())) return OkStatus();
  RETURN_IF_ERROR(credential.status());
  const v1::Agent& holder = credential->holder();
  if (holder.kind() == caller->kind() && holder.id() == caller->id()) return OkStatus();
  ASSIGN_OR_RETURN(const Caller found, Find(*caller));
  if (HasRole(found, v1::GATEWAY)) return OkStatus();
  ASSIGN_OR_RETURN(const bool recorded, BeginsWithRecorded(run));
  if (recorded) return OkStatus();
  return Refuse(v1::NOT_THE_WRITER, "seal.key_id",
                Text("is the key of ", AgentText(holder), "; ", AgentText(*caller),
                     " hands it in, which asks for the role GATEWAY"));
}

}  // namespace anamnesis
