#include <iostream>

#include "client/cli/question.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string record;
};

void Print(const v1::Answer& answer) {
  for (const v1::SpecificityAnswer::RequiredFact& fact : answer.specificity().facts()) {
    std::cout << (fact.present() ? Good("stated ") : Bad("missing")) << "  " << fact.name() << ": " << fact.text()
              << "\n";
  }
  std::cout << (answer.specificity().specific() ? Good("specific") : Bad("not specific")) << "\n";
}

}  // namespace

void AddSpecificity(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("specificity", "whether a dataset's records state concrete facts");
  verb.footer(
      "Example: anamnesis specificity spleen@2.2\n"
      "Exit status 1: a fact is missing.");
  verb.add_option("RECORD", options->record, "the dataset, ID@VERSION")->required();
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    ASSIGN_OR_RETURN(*question.mutable_specificity()->mutable_record(),
                     ParseEntity("RECORD", options->record, "dataset"));
    return AskAndPrint(*options, std::move(question), Print,
                       [](const v1::Answer& answer) { return answer.specificity().specific(); });
  });
}

}  // namespace anamnesis::cli
