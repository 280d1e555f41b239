#include <algorithm>
#include <iostream>
#include <map>

#include "client/cli/event_text.h"
#include "client/cli/question.h"
#include "client/cli/time_option.h"
#include "client/cli/utc_offset.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string incident;
  std::string at;
  int32_t utc_offset_minutes = 0;
};

std::string StateText(v1::ClocksAnswer::State state) {
  const std::string name = Words(v1::ClocksAnswer::State_Name(state));
  if (state == v1::ClocksAnswer::OVERDUE || state == v1::ClocksAnswer::REPORTED_LATE) return Bad(name);
  return state == v1::ClocksAnswer::REPORTED ? Good(name) : name;
}

void PrintClock(const v1::ClocksAnswer::Clock& clock) {
  if (clock.has_due()) std::cout << "due " << (clock.decisive() ? Bold(clock.due_day()) : clock.due_day()) << "  ";
  std::cout << clock.regime() << ", " << Words(v1::ReportingClocks::Trigger_Name(clock.trigger())) << ": "
            << StateText(clock.state());
  if (clock.has_reported()) std::cout << " " << TimeText(clock.reported());
  if (clock.has_due() && !clock.decisive()) std::cout << ", not the first of its regime";
  std::cout << "  (" << clock.text() << ")" << Dim(Text("  [", clock.source(), "]"))
            << (clock.confirmed() ? "" : " not confirmed") << "\n";
}

// What keeps clocks from being counted comes before them: none of them may be in time.
void PrintNotStarted(const v1::ClocksAnswer& answer) {
  std::map<std::string, int> missing;
  for (const v1::ClocksAnswer::Clock& clock : answer.clocks()) {
    if (clock.state() == v1::ClocksAnswer::NOT_STARTED) ++missing[clock.text()];
  }
  for (const auto& [text, clocks] : missing) {
    std::cout << Bad(Text(clocks, clocks == 1 ? " clock" : " clocks", " can't be counted")) << ": " << text << "\n";
  }
}

bool IsInTime(const v1::ClocksAnswer& answer) {
  return answer.overdue() == 0 && std::none_of(answer.clocks().begin(), answer.clocks().end(), [](const auto& clock) {
           return clock.state() == v1::ClocksAnswer::NOT_STARTED;
         });
}

void Print(const v1::Answer& answer) {
  PrintNotStarted(answer.clocks());
  std::vector<const v1::ClocksAnswer::Clock*> clocks;
  for (const v1::ClocksAnswer::Clock& clock : answer.clocks().clocks()) {
    if (clock.state() != v1::ClocksAnswer::NOT_TRIGGERED) clocks.push_back(&clock);
  }
  // Those that run come first, the first to end before the others.
  std::stable_sort(clocks.begin(), clocks.end(), [](const auto* one, const auto* other) {
    return std::pair(!one->has_due(), one->due().seconds()) < std::pair(!other->has_due(), other->due().seconds());
  });
  for (const v1::ClocksAnswer::Clock* clock : clocks) PrintClock(*clock);
  if (clocks.empty()) std::cout << "nothing that was recorded of it has to be reported\n";
  if (answer.clocks().overdue() > 0) std::cout << Bad(Text(answer.clocks().overdue(), " overdue")) << "\n";
}

}  // namespace

void AddClocks(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("clocks", "until when an incident must be reported, and whether it was");
  verb.footer(
      "Example: anamnesis clocks INC-7 --at 2026-03-20T12:00:00Z\n"
      "Exit status 1: a report is overdue, or nothing says when its time began.");
  verb.add_option("INCIDENT", options->incident, "the incident's id")->required();
  verb.add_option("--at", options->at, "as of when (RFC 3339); default: now");
  AddUtcOffsetOption(verb, options->utc_offset_minutes,
                     "of the days that count, east of UTC, such as +02:00; default: Z");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    v1::ClocksQuestion& clocks = *question.mutable_clocks();
    ASSIGN_OR_RETURN(*clocks.mutable_incident(), ParseEntity("INCIDENT", options->incident, "incident"));
    ASSIGN_OR_RETURN(*clocks.mutable_at(), TimeOrNow("--at", options->at));
    clocks.set_utc_offset_minutes(options->utc_offset_minutes);
    return AskAndPrint(*options, std::move(question), Print,
                       [](const v1::Answer& answer) { return IsInTime(answer.clocks()); });
  });
}

}  // namespace anamnesis::cli
