#include <iostream>

#include "client/cli/event_text.h"
#include "client/cli/question.h"
#include "client/cli/time_option.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string about;
  std::string at;
  uint64_t from = 0;
  uint32_t limit = 0;
};

void Print(const v1::Answer& answer) {
  const v1::TrainingRunsAnswer& runs = answer.training_runs();
  for (const v1::TrainingRunsAnswer::Run& run : runs.runs()) {
    const std::string state = Words(v1::TrainingRunsAnswer::State_Name(run.state()));
    std::cout << run.run().id() << "  " << (run.state() == v1::TrainingRunsAnswer::UNACCOUNTED ? Bad(state) : state)
              << "  started leaf " << run.started().index();
    if (run.has_ended()) std::cout << ", ended leaf " << run.ended().index();
    if (run.has_expected_end()) std::cout << ", expected by " << TimeText(run.expected_end());
    std::cout << "\n";
  }
  std::cout << runs.runs_size() << " runs, " << runs.unaccounted() << " unaccounted for\n";
  if (runs.next() != 0) std::cout << "there is more: --from " << runs.next() << "\n";
}

}  // namespace

void AddTrainingRuns(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("training-runs", "every training run, and those that nobody says the end of");
  verb.footer(
      "Example: anamnesis training-runs --about dataset:spleen\n"
      "Exit status 1: a run is unaccounted for.");
  verb.add_option("--about", options->about, "only runs that name this, KIND:ID[@VERSION]");
  verb.add_option("--at", options->at, "as of when (RFC 3339); default: now");
  verb.add_option("--from", options->from, "only leaves from here on");
  verb.add_option("--limit", options->limit, "at most so many runs (1,000)");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    v1::TrainingRunsQuestion& runs = *question.mutable_training_runs();
    if (!options->about.empty()) {
      ASSIGN_OR_RETURN(*runs.mutable_about(), ParseEntity("--about", options->about, "software_item"));
    }
    ASSIGN_OR_RETURN(*runs.mutable_at(), TimeOrNow("--at", options->at));
    runs.set_from(options->from);
    runs.set_limit(options->limit);
    return AskAndPrint(*options, std::move(question), Print,
                       [](const v1::Answer& answer) { return answer.training_runs().unaccounted() == 0; });
  });
}

}  // namespace anamnesis::cli
