#include "ledger/state/authority.h"

#include <utility>

#include "anamnesis/v1/vocabulary_authority.pb.h"

namespace anamnesis {
namespace {

using internal::CredentialState;
using internal::RoleState;

std::string CredentialKey(std::string_view public_key) { return Text("k", public_key); }

// What follows it is a byte, or an index.
std::string KeyOf(char what, std::string_view kind, std::string_view id) { return Text(what, kind, '\0', id, '\0'); }

std::string RoleKey(std::string_view kind, std::string_view id, v1::Role role) {
  return Text(KeyOf('r', kind, id), static_cast<char>(role));
}

Status DamagedRow() { return absl::DataLossError("an authority row is damaged; rebuild the projections"); }

// Nothing, or the row's message.
template <typename State>
StatusOr<std::optional<State>> Load(const RowFinder& rows, std::string_view key) {
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kAuthority, key));
  if (!value.has_value()) return std::optional<State>();
  State state;
  if (!state.ParseFromString(*value)) return DamagedRow();
  return std::optional<State>(std::move(state));
}

bool Within(int64_t from_us, int64_t until_us, Timestamp at) {
  return at.us >= from_us && (until_us == 0 || at.us < until_us);
}

bool InForce(const RoleState& state, Timestamp at) {
  return !state.has_withdrawn_index() && Within(state.valid_from_us(), state.valid_until_us(), at);
}

// For a person; empty when it is.
std::string WhyNotInForce(const CredentialState& credential, Timestamp at) {
  if (credential.has_revoked_index() && at.us >= credential.revoked_from_us()) {
    return Text("was revoked from ", FormatTime(Timestamp(credential.revoked_from_us())), " on (leaf ",
                credential.revoked_index(), ")");
  }
  if (at.us < credential.valid_from_us()) {
    return Text("is valid only from ", FormatTime(Timestamp(credential.valid_from_us())), " on");
  }
  if (!Within(credential.valid_from_us(), credential.valid_until_us(), at)) {
    return Text("expired at ", FormatTime(Timestamp(credential.valid_until_us())));
  }
  return "";
}

Status FoldIssued(const RecordedEvent& event, const v1::CredentialIssued& body, RowOverlay& rows) {
  CredentialState state;
  const v1::EntityRef* holder = FindReference(event.header->fields, "holder");
  state.mutable_holder()->set_kind(holder->kind());
  state.mutable_holder()->set_id(holder->id());
  state.set_purpose(body.purpose());
  state.set_valid_from_us(body.valid_from_us());
  state.set_valid_until_us(body.valid_until_us());
  state.set_issued_index(event.index.value);
  rows.Put(Family::kAuthority, CredentialKey(body.public_key()), state.SerializeAsString());
  rows.Put(Family::kAuthority, Text(KeyOf('h', holder->kind(), holder->id()), LeafKey(event.index)), body.public_key());
  return OkStatus();
}

Status FoldRevoked(const RecordedEvent& event, const v1::CredentialRevoked& body, RowOverlay& rows) {
  const std::string key = CredentialKey(body.public_key());
  ASSIGN_OR_RETURN(std::optional<CredentialState> state, Load<CredentialState>(rows, key));
  // Revoking twice keeps the earlier effect; the rules refuse a key that was never issued.
  if (!state.has_value()) return OkStatus();
  const int64_t from_us = body.effective_from_us() == 0 ? event.recorded.us : body.effective_from_us();
  if (!state->has_revoked_index() || from_us < state->revoked_from_us()) {
    state->set_revoked_index(event.index.value);
    state->set_revoked_from_us(from_us);
    rows.Put(Family::kAuthority, key, state->SerializeAsString());
  }
  return OkStatus();
}

Status FoldGranted(const RecordedEvent& event, const v1::RoleGranted& body, RowOverlay& rows) {
  RoleState state;
  state.set_granted_index(event.index.value);
  state.set_valid_from_us(body.valid_from_us());
  state.set_valid_until_us(body.valid_until_us());
  const v1::EntityRef* holder = FindReference(event.header->fields, "holder");
  rows.Put(Family::kAuthority, RoleKey(holder->kind(), holder->id(), body.role()), state.SerializeAsString());
  return OkStatus();
}

Status FoldWithdrawn(const RecordedEvent& event, const v1::RoleWithdrawn& body, RowOverlay& rows) {
  const v1::EntityRef* holder = FindReference(event.header->fields, "holder");
  const std::string key = RoleKey(holder->kind(), holder->id(), body.role());
  ASSIGN_OR_RETURN(std::optional<RoleState> state, Load<RoleState>(rows, key));
  if (!state.has_value()) return OkStatus();
  state->set_withdrawn_index(event.index.value);
  rows.Put(Family::kAuthority, key, state->SerializeAsString());
  return OkStatus();
}

}  // namespace

StatusOr<std::optional<CredentialState>> FindCredential(const RowFinder& rows, std::string_view public_key) {
  return Load<CredentialState>(rows, CredentialKey(public_key));
}

std::string WhyCannotSeal(const CredentialState& credential, Timestamp at) {
  if (credential.purpose() != v1::CredentialIssued::SEAL) return "is for checkpoints, not for sealing events";
  return WhyNotInForce(credential, at);
}

StatusOr<AgentStanding> FindStanding(const RowReader& rows, const v1::Agent& agent, Timestamp at) {
  AgentStanding standing;
  standing.unknown_because = Text("no credential was issued to ", agent.kind(), ":", agent.id());
  Status status;
  bool seen = false;
  // The newest first: it is the one that is likely to be in force.
  const std::string issued = KeyOf('h', agent.kind(), agent.id());
  const Status scanned =
      rows.ScanBackwards(Family::kAuthority, issued, Text(issued, LeafKey(LeafIndex(UINT64_MAX))),
                         [&](std::string_view, std::string_view public_key) {
                           const StatusOr<std::optional<CredentialState>> found = FindCredential(rows, public_key);
                           status = found.ok() && !found->has_value() ? DamagedRow() : found.status();
                           if (!status.ok()) return false;
                           const std::string why = WhyNotInForce(**found, at);
                           // Of several that are out of force the newest says why.
                           if (why.empty()) standing.unknown_because.clear();
                           if (!std::exchange(seen, true) && !why.empty()) {
                             standing.unknown_because = Text("the key of ", agent.kind(), ":", agent.id(), " ", why);
                           }
                           return !why.empty();
                         });
  RETURN_IF_ERROR(status);
  RETURN_IF_ERROR(scanned);
  const std::string granted = KeyOf('r', agent.kind(), agent.id());
  RETURN_IF_ERROR(rows.Scan(Family::kAuthority, granted, granted, [&](std::string_view key, std::string_view value) {
    RoleState state;
    if (key.size() != granted.size() + 1 || !state.ParseFromArray(value.data(), static_cast<int>(value.size()))) {
      status = DamagedRow();
      return false;
    }
    if (InForce(state, at)) standing.roles.push_back(static_cast<v1::Role>(key.back()));
    return true;
  }));
  RETURN_IF_ERROR(status);
  return standing;
}

StatusOr<bool> HoldsRole(const RowFinder& rows, const v1::Agent& agent, v1::Role role, Timestamp at) {
  ASSIGN_OR_RETURN(const std::optional<RoleState> state,
                   Load<RoleState>(rows, RoleKey(agent.kind(), agent.id(), role)));
  return state.has_value() && InForce(*state, at);
}

Status FoldAuthority(const RecordedEvent& event, RowOverlay& rows) {
  if (const auto* issued = BodyAs<v1::CredentialIssued>(event.body)) return FoldIssued(event, *issued, rows);
  if (const auto* revoked = BodyAs<v1::CredentialRevoked>(event.body)) return FoldRevoked(event, *revoked, rows);
  if (const auto* granted = BodyAs<v1::RoleGranted>(event.body)) return FoldGranted(event, *granted, rows);
  if (const auto* withdrawn = BodyAs<v1::RoleWithdrawn>(event.body)) return FoldWithdrawn(event, *withdrawn, rows);
  return OkStatus();
}

}  // namespace anamnesis
