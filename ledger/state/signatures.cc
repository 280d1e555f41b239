#include "ledger/state/signatures.h"

#include <algorithm>
#include <optional>
#include <set>

#include "anamnesis/internal/state.pb.h"
#include "ledger/event/names.h"
#include "ledger/event/signature_in.h"
#include "ledger/state/projection_damage.h"

namespace anamnesis {
namespace {

using internal::SignatureSession;

constexpr size_t kSessionIdBytes = 16;

std::string SessionKey(std::string_view id) { return Text('e', id); }

StatusOr<std::optional<SignatureSession>> FindSession(const RowFinder& rows, std::string_view id) {
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kAuthority, SessionKey(id)));
  if (!value.has_value()) return std::optional<SignatureSession>();
  SignatureSession session;
  if (!session.ParseFromString(*value)) {
    return ProjectionDamage("a signature session's row is damaged");
  }
  return std::optional<SignatureSession>(std::move(session));
}

// Whether the signature's place in its session is in order.
StatusOr<std::string> WhyNotInSession(const RowFinder& rows, const v1::ElectronicSignature& signature,
                                      const RecordedEvent& event) {
  const v1::Agent& signer = event.header->fields.actor();
  const std::set<int> components(signature.components().begin(), signature.components().end());
  ASSIGN_OR_RETURN(const std::optional<SignatureSession> session, FindSession(rows, signature.session_id()));
  if (signature.ordinal() == 1) {
    if (session.has_value()) return std::string("session_id: a session with this id was begun already; make a new one");
    if (components.size() < 2) {
      return std::string("components: the first signature of a session takes at least two different ones");
    }
    return std::string();
  }
  if (!session.has_value()) return std::string("ordinal: the session has no first signature; begin with ordinal 1");
  if (session->signer().kind() != signer.kind() || session->signer().id() != signer.id()) {
    return Text("session_id: it is the session of ", AgentText(session->signer()));
  }
  if (signature.ordinal() != session->ordinal() + 1) {
    return Text("ordinal: is ", signature.ordinal(), ", the session's next is ", session->ordinal() + 1);
  }
  if (signature.signed_at_us() < session->last_signed_us()) {
    return Text("signed_at_us: lies before the session's last signature, of ",
                FormatTime(Timestamp(session->last_signed_us())));
  }
  // When it was signed is the writer's word; when it came here is not. Rows from before it was kept have no such time.
  const bool known = session->last_recorded_us() != 0;
  const int64_t pause_us = std::max(signature.signed_at_us() - session->last_signed_us(),
                                    known ? event.recorded.us - session->last_recorded_us() : 0);
  if (pause_us > kSignatureSessionPauseMaxUs) {
    return std::string("session_id: nothing was signed in it for half an hour, so it is over; begin a new one");
  }
  return std::string();
}

}  // namespace

const v1::ElectronicSignature* SignatureOf(const RecordedEvent& event) {
  return event.body == nullptr ? nullptr : SignatureIn(*event.body);
}

StatusOr<std::string> WhyNotSigned(const RowFinder& rows, const RecordedEvent& event) {
  const v1::ElectronicSignature* signature = SignatureOf(event);
  if (signature == nullptr) {
    return event.type->options->signature_required()
               ? Text(event.type->name(), " is signed by a person; it has no signature")
               : std::string();
  }
  const v1::EventHeader& header = event.header->fields;
  if (header.actor().kind() != "person") {
    return Text("header.actor: ", AgentText(header.actor()),
                " can't sign; an electronic signature is a person's (21 CFR 11.100(a))");
  }
  if (signature->session_id().size() != kSessionIdBytes) return std::string("session_id: must have 16 bytes");
  // What is told afterwards is signed when it is told, or was signed when it happened.
  const bool told = header.retrospective();
  const int64_t latest_us = std::max(header.occurred_latest_us(), told ? event.recorded.us : 0);
  const bool near = signature->signed_at_us() >= header.occurred_earliest_us() - kSignedAtDistanceMaxUs &&
                    signature->signed_at_us() <= latest_us + kSignedAtDistanceMaxUs;
  if (!near) {
    return Text("signed_at_us: lies more than a minute ",
                told ? "before the event occurred or after it was recorded" : "from when the event occurred");
  }
  return WhyNotInSession(rows, *signature, event);
}

bool SignaturesReadBody(const EventType& type) { return SignatureField(*type.body) != nullptr; }

Status FoldSignatures(const RecordedEvent& event, RowOverlay& rows) {
  const v1::ElectronicSignature* signature = SignatureOf(event);
  if (signature == nullptr) return OkStatus();
  SignatureSession session;
  *session.mutable_signer() = event.header->fields.actor();
  session.set_ordinal(signature->ordinal());
  session.set_last_signed_us(signature->signed_at_us());
  session.set_last_recorded_us(event.recorded.us);
  rows.Put(Family::kAuthority, SessionKey(signature->session_id()), session.SerializeAsString());
  return OkStatus();
}

}  // namespace anamnesis
