#include "ledger/state/authority.h"

#include <algorithm>
#include <utility>

#include "anamnesis/v1/vocabulary_authority.pb.h"
#include "anamnesis/v1/vocabulary_delegation.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/event/names.h"
#include "ledger/event/scope.h"
#include "ledger/state/projection_damage.h"

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

std::string OlderGrantsKey(std::string_view kind, std::string_view id, v1::Role role) {
  return Text(KeyOf('o', kind, id), static_cast<char>(role));
}

Status DamagedRow() { return ProjectionDamage("an authority row is damaged"); }

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

// That a key was rotated says nothing against it; that it was revoked or lost does.
constexpr std::string_view kRotated = "rotated";

// The key's seals are refused from `from_us` on, or from the event's recorded time when that is 0. Twice keeps the
// earlier time, and what speaks against the key wins over its rotation, whichever was recorded first.
Status EndCredential(const RecordedEvent& event, std::string_view public_key, int64_t from_us, std::string_view because,
                     RowOverlay& rows) {
  const std::string key = CredentialKey(public_key);
  ASSIGN_OR_RETURN(std::optional<CredentialState> state, Load<CredentialState>(rows, key));
  // The rules refuse a key that was never issued.
  if (!state.has_value()) return OkStatus();
  if (from_us == 0) from_us = event.recorded.us;
  const bool ended = state->has_revoked_index();
  const bool earlier = !ended || from_us < state->revoked_from_us();
  const bool same_weight = ended && (because == kRotated) == (state->revoked_because() == kRotated);
  const bool says_why = !ended || (same_weight ? earlier : because != kRotated);
  if (!earlier && !says_why) return OkStatus();
  if (earlier) state->set_revoked_from_us(from_us);
  if (says_why) {
    state->set_revoked_index(event.index.value);
    state->set_revoked_because(std::string(because));
  }
  rows.Put(Family::kAuthority, key, state->SerializeAsString());
  return OkStatus();
}

Status FoldRevoked(const RecordedEvent& event, const v1::CredentialRevoked& body, RowOverlay& rows) {
  return EndCredential(event, body.public_key(), body.effective_from_us(), "revoked", rows);
}

Status FoldLost(const RecordedEvent& event, const v1::CredentialReportedLost& body, RowOverlay& rows) {
  return EndCredential(event, body.public_key(), body.lost_since_us(), "reported lost", rows);
}

Status FoldRotated(const RecordedEvent& event, const v1::CredentialRotated& body, RowOverlay& rows) {
  ASSIGN_OR_RETURN(const std::optional<CredentialState> old,
                   Load<CredentialState>(rows, CredentialKey(body.old_public_key())));
  v1::CredentialIssued issued;
  issued.set_public_key(body.new_public_key());
  issued.set_purpose(old.has_value() ? old->purpose() : v1::CredentialIssued::SEAL);
  issued.set_valid_until_us(body.valid_until_us());
  RETURN_IF_ERROR(FoldIssued(event, issued, rows));
  return EndCredential(event, body.old_public_key(), body.old_key_until_us(), kRotated, rows);
}

// The grants before the last one, in log order.
StatusOr<std::vector<RoleState>> OlderGrants(const RowFinder& rows, std::string_view key) {
  std::vector<RoleState> grants;
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kAuthority, key));
  ByteReader reader(value.has_value() ? std::string_view(*value) : std::string_view());
  while (!reader.empty()) {
    const StatusOr<std::string_view> bytes = reader.LengthPrefixed32();
    if (!bytes.ok() || !grants.emplace_back().ParseFromString(std::string(*bytes))) return DamagedRow();
  }
  return grants;
}

bool SayTheSame(const RoleState& a, const RoleState& b) {
  return a.valid_from_us() == b.valid_from_us() && a.valid_until_us() == b.valid_until_us() &&
         a.scope().SerializeAsString() == b.scope().SerializeAsString();
}

Status FoldGranted(const RecordedEvent& event, const v1::RoleGranted& body, RowOverlay& rows) {
  RoleState state;
  state.set_granted_index(event.index.value);
  state.set_valid_from_us(body.valid_from_us());
  state.set_valid_until_us(body.valid_until_us());
  if (body.has_scope()) *state.mutable_scope() = body.scope();
  const v1::EntityRef* holder = FindReference(event.header->fields, "holder");
  const std::string key = RoleKey(holder->kind(), holder->id(), body.role());
  ASSIGN_OR_RETURN(const std::optional<RoleState> last, Load<RoleState>(rows, key));
  if (last.has_value() && !last->has_withdrawn_index() && !SayTheSame(*last, state)) {
    const std::string older_key = OlderGrantsKey(holder->kind(), holder->id(), body.role());
    ASSIGN_OR_RETURN(const std::optional<std::string> older, rows.Get(Family::kAuthority, older_key));
    const std::string bytes = last->SerializeAsString();
    std::string all = older.value_or("");
    AppendBigEndian32(all, static_cast<uint32_t>(bytes.size()));
    rows.Put(Family::kAuthority, older_key, all + bytes);
  }
  rows.Put(Family::kAuthority, key, state.SerializeAsString());
  return OkStatus();
}

Status FoldWithdrawn(const RecordedEvent& event, const v1::RoleWithdrawn& body, RowOverlay& rows) {
  const v1::EntityRef* holder = FindReference(event.header->fields, "holder");
  const std::string key = RoleKey(holder->kind(), holder->id(), body.role());
  ASSIGN_OR_RETURN(std::optional<RoleState> state, Load<RoleState>(rows, key));
  if (!state.has_value()) return OkStatus();
  state->set_withdrawn_index(event.index.value);
  rows.Put(Family::kAuthority, key, state->SerializeAsString());
  const std::string older_key = OlderGrantsKey(holder->kind(), holder->id(), body.role());
  ASSIGN_OR_RETURN(const std::optional<std::string> older, rows.Get(Family::kAuthority, older_key));
  if (older.has_value()) rows.Put(Family::kAuthority, older_key, "");
  return OkStatus();
}

}  // namespace

StatusOr<std::optional<CredentialState>> FindCredential(const RowFinder& rows, std::string_view public_key) {
  return Load<CredentialState>(rows, CredentialKey(public_key));
}

std::string WhyNotInForce(const CredentialState& credential, Timestamp at) {
  if (credential.has_revoked_index() && at.us >= credential.revoked_from_us()) {
    const std::string& why = credential.revoked_because();
    return Text("was ", why.empty() ? "revoked" : why, " from ", FormatTime(Timestamp(credential.revoked_from_us())),
                " on (leaf ", credential.revoked_index(), ")");
  }
  if (at.us < credential.valid_from_us()) {
    return Text("is valid only from ", FormatTime(Timestamp(credential.valid_from_us())), " on");
  }
  if (!Within(credential.valid_from_us(), credential.valid_until_us(), at)) {
    return Text("expired at ", FormatTime(Timestamp(credential.valid_until_us())));
  }
  return "";
}

std::string HoldersPrefix(std::string_view kind) { return Text('h', kind, '\0'); }

std::string WhyCannotSeal(const CredentialState& credential, Timestamp at) {
  if (credential.purpose() != v1::CredentialIssued::SEAL) return "is for checkpoints, not for sealing events";
  return WhyNotInForce(credential, at);
}

StatusOr<AgentStanding> FindStanding(const RowReader& rows, const v1::Agent& agent, Timestamp at) {
  AgentStanding standing;
  standing.unknown_because = Text("no credential was issued to ", AgentText(agent));
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
                             standing.unknown_because = Text("the key of ", AgentText(agent), " ", why);
                           }
                           return !why.empty();
                         });
  RETURN_IF_ERROR(status);
  RETURN_IF_ERROR(scanned);
  const std::string granted = KeyOf('r', agent.kind(), agent.id());
  RETURN_IF_ERROR(rows.Scan(Family::kAuthority, granted, granted, [&](std::string_view key, std::string_view) {
    if (key.size() != granted.size() + 1) {
      status = DamagedRow();
      return false;
    }
    const auto role = static_cast<v1::Role>(key.back());
    const StatusOr<std::vector<v1::Scope>> scopes = ScopesOfRole(rows, agent, role, at);
    status = scopes.status();
    if (!status.ok()) return false;
    if (std::any_of(scopes->begin(), scopes->end(), IsUnlimited)) standing.roles.push_back(role);
    return true;
  }));
  RETURN_IF_ERROR(status);
  return standing;
}

StatusOr<bool> HoldsRole(const RowFinder& rows, const v1::Agent& agent, v1::Role role, Timestamp at) {
  ASSIGN_OR_RETURN(const std::vector<v1::Scope> scopes, ScopesOfRole(rows, agent, role, at));
  return !scopes.empty();
}

StatusOr<std::vector<v1::Scope>> ScopesOfRole(const RowFinder& rows, const v1::Agent& agent, v1::Role role,
                                              Timestamp at) {
  std::vector<v1::Scope> scopes;
  ASSIGN_OR_RETURN(const std::optional<RoleState> last, Load<RoleState>(rows, RoleKey(agent.kind(), agent.id(), role)));
  if (!last.has_value() || last->has_withdrawn_index()) return scopes;
  if (InForce(*last, at)) scopes.push_back(last->scope());
  ASSIGN_OR_RETURN(const std::vector<RoleState> older,
                   OlderGrants(rows, OlderGrantsKey(agent.kind(), agent.id(), role)));
  for (auto grant = older.rbegin(); grant != older.rend(); ++grant) {
    if (InForce(*grant, at)) scopes.push_back(grant->scope());
  }
  return scopes;
}

bool AuthorityReadsBody(const EventType& type) {
  return type.body == v1::CredentialRotated::descriptor() || type.body == v1::CredentialReportedLost::descriptor();
}

Status FoldAuthority(const RecordedEvent& event, RowOverlay& rows) {
  if (const auto* issued = BodyAs<v1::CredentialIssued>(event.body)) return FoldIssued(event, *issued, rows);
  if (const auto* revoked = BodyAs<v1::CredentialRevoked>(event.body)) return FoldRevoked(event, *revoked, rows);
  if (const auto* lost = BodyAs<v1::CredentialReportedLost>(event.body)) return FoldLost(event, *lost, rows);
  if (const auto* rotated = BodyAs<v1::CredentialRotated>(event.body)) return FoldRotated(event, *rotated, rows);
  if (const auto* granted = BodyAs<v1::RoleGranted>(event.body)) return FoldGranted(event, *granted, rows);
  if (const auto* withdrawn = BodyAs<v1::RoleWithdrawn>(event.body)) return FoldWithdrawn(event, *withdrawn, rows);
  return OkStatus();
}

}  // namespace anamnesis
