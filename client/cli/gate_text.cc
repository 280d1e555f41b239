#include "client/cli/gate_text.h"

#include <iostream>

#include "client/cli/context.h"
#include "client/cli/event_text.h"
#include "ledger/base/bytes.h"
#include "ledger/event/names.h"
#include "ledger/gate/decide.h"
#include "ledger/query/facts.h"

namespace anamnesis::cli {
namespace {

using Result = v1::GateDecided::RuleResult;

std::string LeavesText(const Result& result) {
  std::string text;
  for (const uint64_t leaf : result.evidence()) text += Text(text.empty() ? "leaves " : ", ", leaf);
  return text.empty() ? text : Text("  [", text, "]");
}

void PrintResult(const Result& result) {
  const std::string_view title = TitleOfRule(result.rule_id());
  const std::string name =
      Text(result.rule_id(), " ", title, std::string(title.size() < 15 ? 15 - title.size() : 0, ' '));
  if (result.outcome() == Result::FAIL) {
    std::cout << "  " << name << " " << Bad("FAIL") << "  " << result.note() << Dim(LeavesText(result)) << "\n";
    if (!result.clause().empty()) {
      std::cout << "                       " << Dim(Text(result.clause(), "; to be supplied by ", result.supplied_by()))
                << "\n";
    }
    return;
  }
  const bool passed = result.outcome() == Result::PASS;
  std::cout << "  " << name << " " << (passed ? Good("pass") : "n/a ")
            << (result.note().empty() ? std::string() : Text("  ", result.note())) << Dim(LeavesText(result)) << "\n";
}

}  // namespace

std::string FailedRules(const v1::GateDecided& decision) {
  std::string failed;
  for (const Result& result : decision.results()) {
    if (result.outcome() == Result::FAIL) failed += Text(failed.empty() ? "" : ", ", result.rule_id());
  }
  return failed;
}

StatusOr<std::string> ParseSha256(std::string_view argument, const std::string& text) {
  const StatusOr<std::string> digest = HexDecode(text);
  if (digest.ok() && digest->size() == 32) return digest;
  return absl::InvalidArgumentError(Text(argument, ": \"", text, "\" is not 64 hexadecimal digits"));
}

void PrintDecision(const v1::GateQuestion& asked, const v1::GateDecided& decision) {
  const bool allowed = decision.verdict() == v1::GateDecided::ALLOW;
  std::cout << (allowed ? Good("ALLOW") : Bad("DENY")) << "  " << EntityKeyText(asked.artifact()) << " on unit "
            << asked.unit() << " in "
            << (decision.jurisdiction().empty() ? "an unknown place" : decision.jurisdiction()) << " at "
            << FormatTime(Timestamp(decision.at_us())) << "\n";
  std::cout << "  over the first " << decision.tree_size() << " events"
            << (decision.policy_version().empty() ? "" : Text(", by ", decision.policy_version()));
  if (allowed) std::cout << ", for " << decision.time_to_live_s() << " s";
  std::cout << "\n";
  for (const Result& result : decision.results()) PrintResult(result);
}

}  // namespace anamnesis::cli
