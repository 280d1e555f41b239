#include "ledger/event/refusal.h"

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"

namespace anamnesis {
namespace {

constexpr char kDetailUrl[] = "type.googleapis.com/anamnesis.v1.RefusalDetail";

absl::StatusCode CodeOf(v1::RefusalReason reason) {
  switch (reason) {
    case v1::SEAL_INVALID:
    case v1::KEY_UNKNOWN:
      return absl::StatusCode::kUnauthenticated;
    case v1::KEY_NOT_VALID:
    case v1::NOT_THE_WRITER:
    case v1::ROLE_MISSING:
    case v1::OUT_OF_SCOPE:
      return absl::StatusCode::kPermissionDenied;
    case v1::CHAIN_BROKEN:
    case v1::REFERENCE_INVALID:
    case v1::NOT_FOUNDED:
    case v1::RULE_BROKEN:
    case v1::SIGNATURE_INCOMPLETE:
      return absl::StatusCode::kFailedPrecondition;
    case v1::EVENT_ID_TAKEN:
    case v1::ENTITY_TAKEN:
      return absl::StatusCode::kAlreadyExists;
    default:
      return absl::StatusCode::kInvalidArgument;
  }
}

void Attach(Status& status, const v1::RefusalDetail& detail) {
  // Of a view: clang 19 and the compiler of Debian 13's library name the constructor from a string differently.
  status.SetPayload(kDetailUrl, absl::Cord(absl::string_view(detail.SerializeAsString())));
}

}  // namespace

Status Refuse(const v1::RefusalDetail& detail, std::string_view message) {
  std::string text = detail.field().empty() ? std::string(message) : Text(detail.field(), ": ", message);
  Status status(CodeOf(detail.reason()), text);
  Attach(status, detail);
  return status;
}

Status Refuse(v1::RefusalReason reason, std::string_view field, std::string_view message) {
  v1::RefusalDetail detail;
  detail.set_reason(reason);
  detail.set_field(std::string(field));
  return Refuse(detail, message);
}

Status RefuseByRule(v1::RefusalReason reason, const v1::Finding& finding, std::optional<uint64_t> existing_index) {
  v1::RefusalDetail detail;
  detail.set_reason(reason);
  detail.set_field(finding.field());
  detail.set_rule(finding.rule());
  detail.set_clause(finding.clause());
  detail.set_remedy(finding.remedy());
  if (existing_index.has_value()) detail.set_existing_index(*existing_index);
  return Refuse(detail, Text(finding.message(), " (rule ", finding.rule(),
                             finding.clause().empty() ? "" : Text(", ", finding.clause()), "); ", finding.remedy()));
}

Status RefuseOverLimit(std::string_view field, uint64_t limit, uint64_t value) {
  v1::RefusalDetail detail;
  detail.set_reason(v1::OVER_LIMIT);
  detail.set_field(std::string(field));
  detail.set_limit(limit);
  detail.set_value(value);
  return Refuse(detail, Text(value, " is over the limit of ", limit));
}

std::optional<v1::RefusalDetail> RefusalDetailOf(const Status& status) {
  const auto payload = status.GetPayload(kDetailUrl);
  v1::RefusalDetail detail;
  if (!payload.has_value() || !detail.ParseFromString(std::string(*payload))) return std::nullopt;
  return detail;
}

Status AtPlace(const Status& status, size_t run_index, size_t event_index) {
  std::optional<v1::RefusalDetail> detail = RefusalDetailOf(status);
  if (!detail.has_value()) return status;
  detail->set_run_index(static_cast<uint32_t>(run_index));
  detail->set_event_index(static_cast<uint32_t>(event_index));
  Status placed = status;
  Attach(placed, *detail);
  return placed;
}

google::rpc::Status ToRpcStatus(const Status& status) {
  google::rpc::Status rpc;
  rpc.set_code(static_cast<int>(status.code()));
  rpc.set_message(std::string(MessageOf(status)));
  if (const auto detail = RefusalDetailOf(status); detail.has_value()) rpc.add_details()->PackFrom(*detail);
  return rpc;
}

Status FromRpcStatus(const google::rpc::Status& rpc) {
  if (rpc.code() == 0) return OkStatus();
  Status status(static_cast<absl::StatusCode>(rpc.code()), rpc.message());
  for (const auto& any : rpc.details()) {
    v1::RefusalDetail detail;
    if (any.UnpackTo(&detail)) Attach(status, detail);
  }
  return status;
}

}  // namespace anamnesis
