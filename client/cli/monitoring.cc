#include <iostream>
#include <map>

#include "client/cli/event_text.h"
#include "client/cli/option_checks.h"
#include "client/cli/question.h"
#include "client/cli/time_option.h"
#include "ledger/base/decimal.h"
#include "ledger/event/names.h"
#include "ledger/query/facts.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string unit;
  std::string from;
  std::string at;
};

void Print(const v1::Answer& answer) {
  const v1::MonitoringAnswer& monitoring = answer.monitoring();
  std::map<std::string, std::vector<std::string>> trends;
  for (const v1::MonitoringAnswer::Window& window : monitoring.windows()) {
    const std::string of = window.has_entity() ? EntityKeyText(window.entity()) : "the unit";
    std::cout << "monitored  " << of << ": " << TimeText(window.from()) << " .. " << TimeText(window.until()) << ", "
              << window.cases() << " cases";
    if (window.has_drift()) {
      std::cout << ", " << window.drift().name() << " " << window.drift().value();
      trends[Text(of, ": ", window.drift().name())].push_back(window.drift().value());
    }
    std::cout << Dim(Text("  [leaf ", window.leaf().index(), "]")) << "\n";
  }
  for (const auto& [of, values] : trends) {
    if (values.size() < 2) continue;
    std::cout << "trend  " << of << " " << values.front() << " -> " << values.back();
    if (const StatusOr<std::string> change = SubtractDecimals(values.back(), values.front()); change.ok()) {
      std::cout << "  (" << (change->front() == '-' ? "" : "+") << *change << ")";
    }
    std::cout << " over " << values.size() << " windows\n";
  }
  for (const v1::MonitoringAnswer::Gap& gap : monitoring.gaps()) {
    std::cout << Bad("not monitored") << "  " << EntityKeyText(gap.entity()) << " on " << gap.surface() << ": "
              << TimeText(gap.from()) << " .. " << TimeText(gap.until()) << ", planned every " << gap.interval_s()
              << " s by leaf " << gap.plan().index() << "\n";
  }
  for (const v1::EntityRef& entity : monitoring.without_plan()) {
    std::cout << Bad("no monitoring plan") << "  " << EntityKeyText(entity) << "\n";
  }
  std::cout << monitoring.active() << " active, " << monitoring.gaps_size() << " gaps\n";
}

}  // namespace

void AddMonitoring(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("monitoring", "whether what runs on a unit is looked at as often as planned");
  verb.footer(
      "Example: anamnesis monitoring ICU-7 --at 2026-04-01T00:00:00Z\n"
      "Exit status 1: something was not monitored, or has no plan.");
  verb.add_option("UNIT", options->unit, "the device unit's id")->transform(UnitId())->required();
  verb.add_option("--from", options->from, "only from then on (RFC 3339)");
  verb.add_option("--at", options->at, "as of when (RFC 3339); default: now");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    v1::MonitoringQuestion& monitoring = *question.mutable_monitoring();
    monitoring.set_unit(options->unit);
    if (!options->from.empty()) {
      ASSIGN_OR_RETURN(*monitoring.mutable_from(), TimeOrNow("--from", options->from));
    }
    ASSIGN_OR_RETURN(*monitoring.mutable_at(), TimeOrNow("--at", options->at));
    return AskAndPrint(*options, std::move(question), Print, [](const v1::Answer& answer) {
      return answer.monitoring().gaps().empty() && answer.monitoring().without_plan().empty();
    });
  });
}

}  // namespace anamnesis::cli
