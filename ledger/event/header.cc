#include "ledger/event/header.h"

#include <algorithm>

#include "ledger/base/limits.h"
#include "ledger/crypto/sha256.h"
#include "ledger/event/content_digest.h"
#include "ledger/event/field_path.h"
#include "ledger/event/refusal.h"

namespace anamnesis {
namespace {

constexpr FieldPath kHeader = {"header"};

FieldPath Field(std::string_view name, int index = -1) { return {name, &kHeader, index}; }
FieldPath FieldOf(const FieldPath& parent, std::string_view name) { return {name, &parent}; }

Status Malformed(const FieldPath& field, std::string_view message) {
  return Refuse(v1::MALFORMED, field.text(), message);
}
Status Malformed(std::string_view field, std::string_view message) { return Malformed(Field(field), message); }

bool HasControlCharacter(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0x20 || c == 0x7f; });
}

bool IsSymbol(std::string_view text) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  return !text.empty() && std::all_of(text.begin(), text.end(), allowed);
}

Status CheckName(const FieldPath& field, std::string_view value, size_t limit, bool required) {
  if (required && value.empty()) return Malformed(field, "is empty");
  if (value.size() > limit) return RefuseOverLimit(field.text(), limit, value.size());
  if (HasControlCharacter(value)) return Malformed(field, "holds a control character");
  return OkStatus();
}

Status CheckText(const FieldPath& field, std::string_view value, size_t limit) {
  if (value.size() > limit) return RefuseOverLimit(field.text(), limit, value.size());
  return OkStatus();
}

Status CheckKind(const FieldPath& field, std::string_view kind) {
  if (!IsSymbol(kind)) return Malformed(field, "is not a symbol of a-z, 0-9 and _");
  return CheckText(field, kind, limits::kEntityKindBytesMax);
}

Status CheckAgent(const FieldPath& field, const v1::Agent& agent) {
  RETURN_IF_ERROR(CheckKind(FieldOf(field, "kind"), agent.kind()));
  return CheckName(FieldOf(field, "id"), agent.id(), limits::kEntityIdBytesMax, true);
}

Status CheckDigest(const FieldPath& field, const v1::ContentDigest& digest) {
  const std::string why = WhyNoDigest(digest);
  return why.empty() ? OkStatus() : Malformed(field, why);
}

Status CheckReferences(const v1::EventHeader& header) {
  if (static_cast<size_t>(header.refs_size()) > limits::kReferencesMax) {
    return RefuseOverLimit("header.refs", limits::kReferencesMax, static_cast<uint64_t>(header.refs_size()));
  }
  for (int i = 0; i < header.refs_size(); ++i) {
    const v1::EntityRef& ref = header.refs(i);
    const FieldPath field = Field("refs", i);
    RETURN_IF_ERROR(CheckKind(FieldOf(field, "role"), ref.role()));
    RETURN_IF_ERROR(CheckKind(FieldOf(field, "kind"), ref.kind()));
    RETURN_IF_ERROR(CheckName(FieldOf(field, "id"), ref.id(), limits::kEntityIdBytesMax, true));
    RETURN_IF_ERROR(CheckName(FieldOf(field, "version"), ref.version(), limits::kEntityVersionBytesMax, false));
    if (ref.has_digest()) RETURN_IF_ERROR(CheckDigest(FieldOf(field, "digest"), ref.digest()));
  }
  return OkStatus();
}

Status CheckTimes(const v1::EventHeader& header) {
  const auto in_range = [](int64_t us) { return us >= kTimestampMin.us && us < kTimestampLimit.us; };
  if (!in_range(header.occurred_earliest_us())) {
    return Malformed("occurred_earliest_us", "lies outside the years 1900 to 2199");
  }
  if (!in_range(header.occurred_latest_us())) {
    return Malformed("occurred_latest_us", "lies outside the years 1900 to 2199");
  }
  if (header.occurred_latest_us() < header.occurred_earliest_us()) {
    return Malformed("occurred_latest_us", "lies before occurred_earliest_us");
  }
  if (header.has_valid_until_us() &&
      (!in_range(header.valid_until_us()) || header.valid_until_us() < header.occurred_earliest_us())) {
    return Malformed("valid_until_us", "lies before occurred_earliest_us or outside the years 1900 to 2199");
  }
  return OkStatus();
}

// An optional 16-byte event id.
Status CheckOptionalId(std::string_view field, std::string_view bytes) {
  if (bytes.empty() || bytes.size() == EventId::kSize) return OkStatus();
  return Malformed(field, Text("has ", bytes.size(), " bytes; an event id has 16"));
}

Status CheckLinks(const v1::EventHeader& header) {
  RETURN_IF_ERROR(CheckOptionalId("role_grant", header.role_grant()));
  RETURN_IF_ERROR(CheckOptionalId("corrects", header.corrects()));
  if (static_cast<size_t>(header.causes_size()) > limits::kCausesMax) {
    return RefuseOverLimit("header.causes", limits::kCausesMax, static_cast<uint64_t>(header.causes_size()));
  }
  for (int i = 0; i < header.causes_size(); ++i) {
    if (header.causes(i).size() != EventId::kSize) return Malformed(Field("causes", i), "an event id has 16 bytes");
  }
  const size_t root_size = header.seen_root().size();
  if (header.seen_tree_size() == 0 ? root_size != 0 : root_size != Digest::kSize) {
    return Malformed("seen_root", "must have 32 bytes when seen_tree_size is set, and be empty when it is not");
  }
  return OkStatus();
}

Status CheckChainFields(const ParsedHeader& header) {
  const v1::EventHeader& fields = header.fields;
  if (!IsStreamName(fields.stream())) {
    return Malformed("stream", "must be 1 to 255 characters of A-Z a-z 0-9 . _ / @ : + -");
  }
  if (fields.stream_position() == 0) return Malformed("stream_position", "positions start at 1");
  if ((fields.stream_position() == 1) != (header.previous_digest == Digest())) {
    return Malformed("previous_header_digest", "must be 32 zero bytes at position 1 and only there");
  }
  return OkStatus();
}

template <typename Message>
bool HasUnknownFields(const Message& message) {
  // Looked up once: it is asked of each header.
  static const google::protobuf::Reflection* const kReflection = Message::GetReflection();
  return !kReflection->GetUnknownFields(message).empty();
}

}  // namespace

bool IsStreamName(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("._/@:+-").find(c) != std::string_view::npos;
  };
  return !name.empty() && name.size() <= limits::kStreamNameBytesMax && std::all_of(name.begin(), name.end(), allowed);
}

bool IsOrigin(std::string_view origin) {
  const auto allowed = [](char c) { return c > 0x20 && c < 0x7f && c != '+'; };
  return !origin.empty() && origin.size() <= limits::kOriginBytesMax &&
         std::all_of(origin.begin(), origin.end(), allowed);
}

StatusOr<ParsedHeader> ParseHeader(std::string_view bytes) {
  StatusOr<ParsedHeader> header = ParsedHeader();
  RETURN_IF_ERROR(ParseHeader(bytes, *header));
  return header;
}

Status ParseHeader(std::string_view bytes, ParsedHeader& header) {
  if (bytes.size() > limits::kHeaderBytesMax) {
    return RefuseOverLimit("header", limits::kHeaderBytesMax, bytes.size());
  }
  v1::EventHeader& fields = header.fields;
  if (!fields.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Refuse(v1::MALFORMED, "header", "is not a protobuf EventHeader");
  }
  if (HasUnknownFields(fields) || HasUnknownFields(fields.actor()) || HasUnknownFields(fields.on_behalf_of()) ||
      std::any_of(fields.refs().begin(), fields.refs().end(),
                  [](const v1::EntityRef& ref) { return HasUnknownFields(ref) || HasUnknownFields(ref.digest()); })) {
    return Refuse(v1::MALFORMED, "header", "holds a field that this version doesn't know; upgrade the node");
  }
  StatusOr<EventId> id = EventId::FromBytes(fields.event_id());
  if (!id.ok()) return Malformed("event_id", "a UUID has 16 bytes");
  header.event_id = *id;
  if (!id->standard_variant() || (id->version() != 7 && id->version() != 8)) {
    return Malformed("event_id", "is not a UUID of version 7 (RFC 9562)");
  }
  StatusOr<Digest> previous = Digest::FromBytes(fields.previous_header_digest());
  if (!previous.ok()) return Malformed("previous_header_digest", "a SHA-256 digest has 32 bytes");
  header.previous_digest = *previous;
  StatusOr<Digest> commitment = Digest::FromBytes(fields.body_commitment());
  if (!commitment.ok()) return Malformed("body_commitment", "a SHA-256 digest has 32 bytes");
  header.body_commitment = *commitment;
  RETURN_IF_ERROR(CheckChainFields(header));
  RETURN_IF_ERROR(CheckName(Field("type"), fields.type(), limits::kTypeBytesMax, true));
  RETURN_IF_ERROR(CheckTimes(fields));
  RETURN_IF_ERROR(CheckAgent(Field("actor"), fields.actor()));
  if (fields.has_on_behalf_of()) RETURN_IF_ERROR(CheckAgent(Field("on_behalf_of"), fields.on_behalf_of()));
  RETURN_IF_ERROR(CheckReferences(fields));
  RETURN_IF_ERROR(CheckText(Field("rationale"), fields.rationale(), limits::kRationaleBytesMax));
  RETURN_IF_ERROR(CheckText(Field("late_reason"), fields.late_reason(), limits::kLateReasonBytesMax));
  RETURN_IF_ERROR(CheckLinks(fields));
  if (fields.body_size() > limits::kBodyBytesMax) {
    return RefuseOverLimit("header.body_size", limits::kBodyBytesMax, fields.body_size());
  }
  header.digest = Sha256(bytes);
  return OkStatus();
}

Digest BodyCommitment(std::string_view nonce, std::string_view content) {
  return Sha256({std::string_view("\x02", 1), nonce, content});
}

}  // namespace anamnesis
