#ifndef ANAMNESIS_CLIENT_CLI_EVENT_SPEC_H_
#define ANAMNESIS_CLIENT_CLI_EVENT_SPEC_H_

// An event as a person or a script writes it down, and its way to a draft.

#include <string>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/event/run_builder.h"

namespace anamnesis::cli {

struct EventSpec {
  std::string stream;
  std::string type;
  // The body in protobuf's JSON mapping; empty for a body without fields.
  std::string body_json;
  // "ROLE=KIND:ID@VERSION#ALGORITHM:HEX", version and digest optional.
  std::vector<std::string> refs;
  // "TIME" or "EARLIEST/LATEST", RFC 3339 with zone; empty for now.
  std::string occurred_at;
  std::string rationale;
  std::string late_reason;
  // "KIND:ID" of the person or organisation that software or a device acts for.
  std::string on_behalf_of;
  // The event id of what this corrects.
  std::string corrects;
  // Event ids.
  std::vector<std::string> causes;
  bool retrospective = false;
};

// INVALID_ARGUMENT naming field, value and what would be right.
StatusOr<EventDraft> ToDraft(const EventSpec& spec);

// One line of `append --jsonl`: an object with the members stream, type, body, refs, occurred_at, rationale,
// late_reason, on_behalf_of, corrects, causes, retrospective. INVALID_ARGUMENT for anything else.
StatusOr<EventSpec> ParseSpecLine(const std::string& line);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_EVENT_SPEC_H_
