#include "ledger/event/run_builder.h"

#include "anamnesis/v1/options.pb.h"
#include "ledger/base/check.h"
#include "ledger/base/limits.h"
#include "ledger/event/content_digest.h"
#include "ledger/event/header.h"
#include "ledger/event/refusal.h"
#include "ledger/event/seal.h"
#include "ledger/event/vocabulary.h"

namespace anamnesis {

void SetOccurred(EventDraft& draft, Timestamp earliest, Timestamp latest) {
  draft.header.set_occurred_earliest_us(earliest.us);
  draft.header.set_occurred_latest_us(latest.us);
}

void AddReference(EventDraft& draft, std::string_view role, std::string_view kind, std::string_view id,
                  std::string_view version, const v1::ContentDigest* digest) {
  v1::EntityRef& ref = *draft.header.add_refs();
  ref.set_role(std::string(role));
  ref.set_kind(std::string(kind));
  ref.set_id(std::string(id));
  ref.set_version(std::string(version));
  if (digest != nullptr) *ref.mutable_digest() = *digest;
}

RunBuilder::RunBuilder(std::string origin, std::string stream, v1::Agent actor, StreamPosition head,
                       const Digest& head_digest)
    : origin_(std::move(origin)),
      stream_(std::move(stream)),
      actor_(std::move(actor)),
      head_(head),
      head_digest_(head_digest) {}

Status RunBuilder::Add(const EventDraft& draft, const EventId& id, std::string_view nonce) {
  if (event_count() >= limits::kRunEventsMax) {
    return RefuseOverLimit("run.headers", limits::kRunEventsMax, event_count() + 1);
  }
  if (draft.body == nullptr) return Refuse(v1::SCHEMA, "body", "is missing");
  if (nonce.size() != kNonceBytes) {
    return Refuse(v1::MALFORMED, "body.nonce", Text("has ", nonce.size(), " bytes; 32 are required"));
  }
  v1::Body body;
  body.set_nonce(std::string(nonce));
  body.set_content(draft.body->SerializeAsString());

  v1::EventHeader header = draft.header;
  const v1::EventTypeOptions& options = draft.body->GetDescriptor()->options().GetExtension(v1::event);
  if (header.type().empty()) header.set_type(options.type());
  if (header.schema_version() == 0) header.set_schema_version(options.schema_version());
  header.set_event_id(id.bytes());
  header.set_stream(stream_);
  header.set_stream_position(head_.value + 1);
  header.set_previous_header_digest(head_digest_.bytes());
  *header.mutable_actor() = actor_;
  header.set_body_size(body.content().size());
  header.set_body_commitment(BodyCommitment(nonce, body.content()).bytes());

  const EventType* type = Vocabulary::Get().Find(header.type(), header.schema_version());
  if (type == nullptr || type->body != draft.body->GetDescriptor()) {
    return Refuse(v1::UNKNOWN_TYPE, "header.type", Text("\"", header.type(), "\" is not the type of this body"));
  }
  std::string bytes = header.SerializeAsString();
  ASSIGN_OR_RETURN(const ParsedHeader parsed, ParseHeader(bytes));
  RETURN_IF_ERROR(ValidateHeader(*type, header));
  RETURN_IF_ERROR(ValidateBody(*draft.body));
  RETURN_IF_ERROR(CheckDigests(*draft.body));
  const size_t size = bytes.size() + body.nonce().size() + body.content().size();
  if (bytes_ + size > limits::kRunBytesMax - 2 * limits::kSealStatementBytesMax) {
    return RefuseOverLimit("run", limits::kRunBytesMax, bytes_ + size);
  }
  bytes_ += size;
  head_ = StreamPosition(head_.value + 1);
  head_digest_ = parsed.digest;
  *run_.add_headers() = std::move(bytes);
  *run_.add_bodies() = std::move(body);
  return OkStatus();
}

v1::Run RunBuilder::Seal(const PrivateKey& key, Timestamp sealed_at) {
  CHECK(event_count() > 0);
  const std::vector<std::string_view> headers(run_.headers().begin(), run_.headers().end());
  const uint64_t first = head_.value + 1 - headers.size();
  *run_.mutable_seal() = MakeSeal(key, origin_, stream_, first, headers, sealed_at);
  v1::Run sealed = std::move(run_);
  run_.Clear();
  bytes_ = 0;
  return sealed;
}

}  // namespace anamnesis
