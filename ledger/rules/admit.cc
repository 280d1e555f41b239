#include "ledger/rules/admit.h"

#include "anamnesis/v1/vocabulary_record.pb.h"
#include "ledger/base/limits.h"
#include "ledger/event/content_digest.h"
#include "ledger/event/header.h"
#include "ledger/event/refusal.h"

namespace anamnesis {
namespace {

Status CheckRunLimits(const v1::Run& run) {
  const auto count = static_cast<size_t>(run.headers_size());
  if (count == 0) return Refuse(v1::MALFORMED, "run.headers", "a run has at least one event");
  if (count > limits::kRunEventsMax) return RefuseOverLimit("run.headers", limits::kRunEventsMax, count);
  if (run.bodies_size() != run.headers_size()) {
    return Refuse(v1::MALFORMED, "run.bodies", Text(run.bodies_size(), " bodies for ", count, " headers"));
  }
  const size_t bytes = RunBytes(run);
  if (bytes > limits::kRunBytesMax) return RefuseOverLimit("run", limits::kRunBytesMax, bytes);
  return OkStatus();
}

Status CheckBodyMatches(const v1::Body& body, const ParsedHeader& header) {
  if (body.nonce().size() != kNonceBytes) {
    return Refuse(v1::MALFORMED, "body.nonce", Text("has ", body.nonce().size(), " bytes; 32 are required"));
  }
  if (body.content().size() > limits::kBodyBytesMax) {
    return RefuseOverLimit("body.content", limits::kBodyBytesMax, body.content().size());
  }
  if (header.fields.body_size() != body.content().size()) {
    return Refuse(v1::COMMITMENT_MISMATCH, "header.body_size",
                  Text("says ", header.fields.body_size(), ", the body has ", body.content().size(), " bytes"));
  }
  if (BodyCommitment(body.nonce(), body.content()) != header.body_commitment) {
    return Refuse(v1::COMMITMENT_MISMATCH, "header.body_commitment", "is not SHA-256(0x02 || nonce || body)");
  }
  return OkStatus();
}

// What can't be said in options: how `corrects` and record.corrected go together.
Status CheckCorrection(const AdmittedEvent& event) {
  const auto* body = BodyAs<v1::RecordCorrected>(event.body.get());
  if (body == nullptr) return OkStatus();
  if (event.header.fields.corrects().empty()) {
    return Refuse(v1::SCHEMA, "header.corrects", "is required for record.corrected");
  }
  const bool has_times = body->occurred_earliest_us() != 0 || body->occurred_latest_us() != 0;
  if (has_times != (body->kind() == v1::RecordCorrected::OCCURRED_AT)) {
    return Refuse(v1::SCHEMA, "body.occurred_earliest_us", "is required for kind OCCURRED_AT and only there");
  }
  if (body->occurred_latest_us() < body->occurred_earliest_us()) {
    return Refuse(v1::SCHEMA, "body.occurred_latest_us", "lies before occurred_earliest_us");
  }
  return OkStatus();
}

StatusOr<AdmittedEvent> AdmitEvent(std::string_view header_bytes, const v1::Body& body) {
  AdmittedEvent event;
  RETURN_IF_ERROR(ParseHeader(header_bytes, event.header));
  const v1::EventHeader& fields = event.header.fields;
  if (event.header.event_id.version() != 7) {
    return Refuse(v1::MALFORMED, "header.event_id", "is not a UUID of version 7 (RFC 9562)");
  }
  if (fields.stream() == kLedgerStream) {
    return Refuse(v1::MALFORMED, "header.stream", "\"ledger\" is the ledger's own stream; choose another name");
  }
  event.type = Vocabulary::Get().Find(fields.type(), fields.schema_version());
  if (event.type == nullptr || event.type->options->ledger_decided()) {
    return Refuse(
        v1::UNKNOWN_TYPE, "header.type",
        Text("\"", fields.type(), "\" version ", fields.schema_version(),
             event.type == nullptr ? " is not in this ledger's vocabulary" : " is decided by the ledger only"));
  }
  RETURN_IF_ERROR(CheckBodyMatches(body, event.header));
  RETURN_IF_ERROR(ValidateHeader(*event.type, fields));
  ASSIGN_OR_RETURN(event.body, ParseBody(*event.type, body.content()));
  RETURN_IF_ERROR(CheckDigests(*event.body));
  RETURN_IF_ERROR(CheckCorrection(event));
  return event;
}

// The event continues the one before it in the run.
Status CheckContinues(const ParsedHeader& previous, const ParsedHeader& next) {
  if (next.fields.stream() != previous.fields.stream()) {
    return Refuse(v1::MALFORMED, "header.stream", "a run belongs to one stream");
  }
  if (next.position().value != previous.position().value + 1 || next.previous_digest != previous.digest) {
    v1::RefusalDetail detail;
    detail.set_reason(v1::CHAIN_BROKEN);
    detail.set_field("header.previous_header_digest");
    detail.set_stream(next.fields.stream());
    detail.set_submitted_position(next.position().value);
    detail.set_head_position(previous.position().value);
    detail.set_head_digest(previous.digest.bytes());
    return Refuse(detail, Text("position ", next.position().value, " doesn't follow position ",
                               previous.position().value, " within the run"));
  }
  return OkStatus();
}

}  // namespace

size_t RunBytes(const v1::Run& run) {
  size_t bytes = run.seal().statement().size() + run.seal().signature().size();
  for (const std::string& header : run.headers()) bytes += header.size();
  for (const v1::Body& body : run.bodies()) bytes += body.nonce().size() + body.content().size();
  return bytes;
}

StatusOr<AdmittedRun> AdmitRun(v1::Run run, std::string_view origin) {
  AdmittedRun admitted;
  RETURN_IF_ERROR(CheckRunLimits(run));
  std::vector<std::string_view> headers(run.headers().begin(), run.headers().end());
  admitted.events.reserve(headers.size());
  for (size_t i = 0; i < headers.size(); ++i) {
    StatusOr<AdmittedEvent> event = AdmitEvent(headers[i], run.bodies(static_cast<int>(i)));
    if (!event.ok()) return AtPlace(event.status(), 0, i);
    if (i > 0) {
      const Status continues = CheckContinues(admitted.events.back().header, event->header);
      if (!continues.ok()) return AtPlace(continues, 0, i);
    }
    admitted.events.push_back(*std::move(event));
  }
  ASSIGN_OR_RETURN(admitted.seal, VerifySeal({run.seal().statement(), run.seal().signature()}));
  RETURN_IF_ERROR(CheckSealFitsRun(admitted.seal, origin, admitted.stream(), admitted.first_position().value, headers));
  admitted.bytes = RunBytes(run);
  admitted.run = std::move(run);
  return admitted;
}

}  // namespace anamnesis
