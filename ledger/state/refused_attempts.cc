#include "ledger/state/refused_attempts.h"

#include <string>

#include "anamnesis/v1/vocabulary_delegation.pb.h"
#include "ledger/base/bytes.h"

namespace anamnesis {
namespace {

std::string AttemptKey(std::string_view reason, std::string_view key) {
  // Anybody can make keys; what is known of an unknown one is nothing.
  const bool unknown = reason == v1::RefusalReason_Name(v1::KEY_UNKNOWN);
  return Text('x', reason, '\0', unknown ? std::string_view() : key);
}

void Keep(const RecordedEvent& event, std::string_view reason, std::string_view key, RowOverlay& rows) {
  std::string value;
  AppendOrdered64(value, event.recorded.us);
  rows.Put(Family::kAuthority, AttemptKey(reason, key), std::move(value));
}

}  // namespace

StatusOr<bool> AttemptIsToBeRecorded(const RowFinder& rows, v1::RefusalReason reason, std::string_view key,
                                     Timestamp at) {
  ASSIGN_OR_RETURN(const std::optional<std::string> value,
                   rows.Get(Family::kAuthority, AttemptKey(v1::RefusalReason_Name(reason), key)));
  if (!value.has_value()) return true;
  ByteReader reader(*value);
  ASSIGN_OR_RETURN(const int64_t last_us, reader.Ordered64());
  return at.us - last_us >= kRefusedAttemptsPauseUs;
}

bool RefusedAttemptsReadBody(const EventType& type) {
  return type.body == v1::AccessDenied::descriptor() || type.body == v1::SignatureAttemptFailed::descriptor();
}

Status FoldRefusedAttempts(const RecordedEvent& event, RowOverlay& rows) {
  if (const auto* body = BodyAs<v1::AccessDenied>(event.body)) Keep(event, body->reason(), body->key_id(), rows);
  if (const auto* body = BodyAs<v1::SignatureAttemptFailed>(event.body))
    Keep(event, body->reason(), body->key_id(), rows);
  return OkStatus();
}

}  // namespace anamnesis
