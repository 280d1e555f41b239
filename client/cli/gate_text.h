#ifndef ANAMNESIS_CLIENT_CLI_GATE_TEXT_H_
#define ANAMNESIS_CLIENT_CLI_GATE_TEXT_H_

// Decisions of the gate as text for a person.

#include <string>
#include <string_view>

#include "anamnesis/v1/question_gate.pb.h"
#include "ledger/base/status.h"

namespace anamnesis::cli {

// What was decided about what, and every rule with its reason, leaves, clause and who can supply what is missing.
void PrintDecision(const v1::GateQuestion& asked, const v1::GateDecided& decision);

// "G05, G11": the rules that failed.
std::string FailedRules(const v1::GateDecided& decision);

// The 32 bytes of a SHA-256 in hexadecimal. INVALID_ARGUMENT naming `argument`.
StatusOr<std::string> ParseSha256(std::string_view argument, const std::string& text);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_GATE_TEXT_H_
