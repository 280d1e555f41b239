#ifndef ANAMNESIS_CLIENT_CLI_EVENT_SPEC_H_
#define ANAMNESIS_CLIENT_CLI_EVENT_SPEC_H_

// An event as a person or a script writes it down, and its way to a draft.

#include <string>
#include <vector>

#include "client/cpp/ledger_client.h"
#include "client/cpp/writer.h"
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
  // "TIME" or "EARLIEST/LATEST", RFC 3339 with zone; empty for now, or for the time of what this takes the place of.
  std::string occurred_at;
  std::string rationale;
  std::string late_reason;
  // "KIND:ID" of the person or organisation that software or a device acts for.
  std::string on_behalf_of;
  // What this corrects, and its causes: their event ids, or their leaves until ResolveNames was called.
  std::string corrects;
  std::vector<std::string> causes;
  bool retrospective = false;
  // The event's own id; empty for a fresh one.
  std::string event_id;
};

// Puts event ids where the spec names events by their leaves. An event that takes the place of another of its type
// happened when that did, as long as nobody says otherwise. INVALID_ARGUMENT when the ledger has no such event.
Status ResolveNames(LedgerClient& client, EventSpec& spec);

// INVALID_ARGUMENT naming field, value and what would be right.
StatusOr<EventDraft> ToDraft(const EventSpec& spec);

// With the spec's own id, or a fresh one.
StatusOr<IdentifiedDraft> ToIdentifiedDraft(const EventSpec& spec);

// One line of `append --jsonl`: an object with the members stream, type, body, refs, occurred_at, rationale,
// late_reason, on_behalf_of, corrects, causes, retrospective, event_id. INVALID_ARGUMENT for anything else.
StatusOr<EventSpec> ParseSpecLine(const std::string& line);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_EVENT_SPEC_H_
