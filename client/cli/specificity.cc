#include <iostream>

#include "client/cli/question.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string record;
  uint64_t leaf = 0;
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
      "         anamnesis specificity --leaf 30\n"
      "Exit status 1: a fact is missing.");
  CLI::Option* record = verb.add_option("RECORD", options->record, "the dataset, ID@VERSION");
  CLI::Option* leaf = verb.add_option("--leaf", options->leaf, "instead: one event, of any type")->excludes(record);
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options, leaf]() -> StatusOr<ExitStatus> {
    v1::Question question;
    v1::SpecificityQuestion& specificity = *question.mutable_specificity();
    if (leaf->count() > 0) {
      specificity.set_leaf(options->leaf);
    } else {
      ASSIGN_OR_RETURN(*specificity.mutable_record(), ParseEntity("RECORD", options->record, "dataset"));
    }
    return AskAndPrint(*options, std::move(question), Print,
                       [](const v1::Answer& answer) { return answer.specificity().specific(); });
  });
}

}  // namespace anamnesis::cli
