#include <iostream>

#include "client/cli/event_text.h"
#include "client/cli/question.h"
#include "client/cli/time_option.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string incident;
  std::string at;
  int32_t utc_offset_minutes = 0;
};

std::string StateText(v1::ClocksAnswer::State state) {
  const std::string name = v1::ClocksAnswer::State_Name(state);
  if (state == v1::ClocksAnswer::OVERDUE || state == v1::ClocksAnswer::REPORTED_LATE) return Bad(name);
  return state == v1::ClocksAnswer::REPORTED ? Good(name) : name;
}

void Print(const v1::Answer& answer) {
  for (const v1::ClocksAnswer::Clock& clock : answer.clocks().clocks()) {
    if (clock.state() == v1::ClocksAnswer::NOT_TRIGGERED) continue;
    std::cout << clock.regime() << " " << v1::ReportingClocks::Trigger_Name(clock.trigger()) << ": "
              << StateText(clock.state());
    if (clock.has_due()) std::cout << ", due " << (clock.decisive() ? Bold(clock.due_day()) : clock.due_day());
    if (clock.has_reported()) std::cout << ", reported " << TimeText(clock.reported());
    std::cout << "  (" << clock.text() << ")" << Dim(Text("  [", clock.source(), "]"))
              << (clock.confirmed() ? "" : " not confirmed") << "\n";
  }
  if (answer.clocks().overdue() > 0) std::cout << Bad(Text(answer.clocks().overdue(), " overdue")) << "\n";
}

}  // namespace

void AddClocks(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("clocks", "until when an incident must be reported, and whether it was");
  verb.footer(
      "Example: anamnesis clocks INC-7 --at 2026-03-20T12:00:00Z --ledger 127.0.0.1:7420\n"
      "Exit status 1: a report is overdue.");
  verb.add_option("INCIDENT", options->incident, "the incident's id")->required();
  verb.add_option("--at", options->at, "as of when (RFC 3339); default: now");
  verb.add_option("--utc-offset", options->utc_offset_minutes, "minutes east of UTC of the days that count");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    v1::ClocksQuestion& clocks = *question.mutable_clocks();
    ASSIGN_OR_RETURN(*clocks.mutable_incident(), ParseEntity("INCIDENT", options->incident, "incident"));
    ASSIGN_OR_RETURN(*clocks.mutable_at(), TimeOrNow("--at", options->at));
    clocks.set_utc_offset_minutes(options->utc_offset_minutes);
    return AskAndPrint(*options, std::move(question), Print,
                       [](const v1::Answer& answer) { return answer.clocks().overdue() == 0; });
  });
}

}  // namespace anamnesis::cli
