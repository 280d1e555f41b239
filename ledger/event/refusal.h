#ifndef ANAMNESIS_LEDGER_EVENT_REFUSAL_H_
#define ANAMNESIS_LEDGER_EVENT_REFUSAL_H_

// A refusal is a Status that also says, for programs, what was wrong and where: an anamnesis.v1.RefusalDetail travels
// as the Status's payload and crosses gRPC in google.rpc.Status.details. Pure; safe from any thread.

#include <optional>
#include <string_view>

#include "anamnesis/v1/errors.pb.h"
#include "anamnesis/v1/finding.pb.h"
#include "google/rpc/status.pb.h"
#include "ledger/base/status.h"

namespace anamnesis {

// A refusal for `detail.reason`; the Status code follows from the reason as errors.proto states. `message` names field,
// value and remedy for a person.
Status Refuse(const v1::RefusalDetail& detail, std::string_view message);
// The common case: a reason and the offending field's path.
Status Refuse(v1::RefusalReason reason, std::string_view field, std::string_view message);
// What breaks a rule: `rule`, `clause` and `remedy` of the detail travel along, and the remedy ends the message.
Status RefuseByRule(v1::RefusalReason reason, const v1::Finding& finding, std::optional<uint64_t> existing_index);
// OVER_LIMIT with its numbers.
Status RefuseOverLimit(std::string_view field, uint64_t limit, uint64_t value);

// The detail of a refusal, or nullopt when `status` carries none.
std::optional<v1::RefusalDetail> RefusalDetailOf(const Status& status);
// `status` with run and event index filled in (both from 0); unchanged when it carries no detail.
Status AtPlace(const Status& status, size_t run_index, size_t event_index);

// The google.rpc.Status with the same code, message and details; and back.
google::rpc::Status ToRpcStatus(const Status& status);
Status FromRpcStatus(const google::rpc::Status& status);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_EVENT_REFUSAL_H_
