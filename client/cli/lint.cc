#include <iostream>
#include <map>

#include "client/cli/event_text.h"
#include "client/cli/question.h"
#include "ledger/event/names.h"
#include "ledger/query/facts.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string model;
  std::string lint;
  std::string from;
  uint32_t limit = 0;
};

void Print(const v1::LintAnswer& lint) {
  std::map<std::string, int> counts;
  for (const v1::LintAnswer::Found& found : lint.found()) {
    ++counts[found.lint()];
    std::cout << Bold(found.lint()) << "  " << EntityKeyText(found.entity());
    if (found.has_against()) std::cout << " against " << EntityKeyText(found.against());
    std::cout << "\n    " << found.message() << Dim("  [leaves");
    for (const v1::LeafReference& leaf : found.leaves()) std::cout << Dim(Text(" ", leaf.index()));
    std::cout << Dim("]") << "\n";
  }
  std::cout << lint.versions_examined() << " versions of " << lint.models_examined() << " models looked at";
  for (const auto& [name, count] : counts) std::cout << ", " << name << " " << count;
  std::cout << "\n";
  if (!lint.next().empty()) std::cout << "there is more: --from " << lint.next() << "\n";
}

}  // namespace

void AddLint(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("lint", "change logs of models that say something else than the records do");
  verb.footer("Example: anamnesis lint --only METRIC-CHANGED-WEIGHTS-SAME");
  verb.add_option("MODEL", options->model, "only this model; default: all");
  verb.add_option("--only", options->lint, "only this lint");
  verb.add_option("--from", options->from, "only models after this one");
  verb.add_option("--limit", options->limit, "at most so many models (100)");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    v1::LintQuestion& lint = *question.mutable_lint();
    if (!options->model.empty()) {
      ASSIGN_OR_RETURN(*lint.mutable_entity(), ParseEntity("MODEL", options->model, "model"));
    }
    lint.set_lint(options->lint);
    lint.set_from(options->from);
    lint.set_limit(options->limit);
    return AskAndPrint(
        *options, std::move(question), [](const v1::Answer& answer) { Print(answer.lint()); },
        [](const v1::Answer&) { return true; });
  });
}

}  // namespace anamnesis::cli
