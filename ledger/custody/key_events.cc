#include "ledger/custody/key_events.h"

#include "anamnesis/v1/vocabulary_authority.pb.h"
#include "anamnesis/v1/vocabulary_delegation.pb.h"
#include "ledger/event/vocabulary.h"

namespace anamnesis {
namespace {

KeyEvent::Named Named(const std::string& public_key, Timestamp from, int64_t until_us) {
  KeyEvent::Named named{public_key, from, std::nullopt};
  if (until_us != 0) named.until = Timestamp(until_us);
  return named;
}

KeyEvent::Ended Ended(const std::string& public_key, int64_t from_us, Timestamp recorded, bool revoked) {
  return {public_key, from_us == 0 ? recorded : Timestamp(from_us), revoked};
}

template <typename Body>
KeyEvent Read(std::string_view bytes, Timestamp recorded) {
  Body body;
  return body.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ? KeyEventOf(body, recorded) : KeyEvent();
}

}  // namespace

KeyEvent KeyEventOf(const google::protobuf::Message& body, Timestamp recorded) {
  KeyEvent event;
  if (const auto* issued = BodyAs<v1::CredentialIssued>(&body)) {
    event.named = Named(issued->public_key(), Timestamp(issued->valid_from_us()), issued->valid_until_us());
  } else if (const auto* rotated = BodyAs<v1::CredentialRotated>(&body)) {
    event.named = Named(rotated->new_public_key(), recorded, rotated->valid_until_us());
    event.ended = Ended(rotated->old_public_key(), rotated->old_key_until_us(), recorded, false);
  } else if (const auto* revoked = BodyAs<v1::CredentialRevoked>(&body)) {
    event.ended = Ended(revoked->public_key(), revoked->effective_from_us(), recorded, true);
  } else if (const auto* lost = BodyAs<v1::CredentialReportedLost>(&body)) {
    event.ended = Ended(lost->public_key(), lost->lost_since_us(), recorded, true);
  }
  return event;
}

KeyEvent ReadKeyEvent(std::string_view type, std::string_view body, Timestamp recorded) {
  if (type == "credential.issued") return Read<v1::CredentialIssued>(body, recorded);
  if (type == "credential.rotated") return Read<v1::CredentialRotated>(body, recorded);
  if (type == "credential.revoked") return Read<v1::CredentialRevoked>(body, recorded);
  if (type == "credential.reported_lost") return Read<v1::CredentialReportedLost>(body, recorded);
  return {};
}

}  // namespace anamnesis
