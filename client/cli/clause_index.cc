#include <iostream>

#include "client/cli/evidence_text.h"
#include "client/cli/question.h"
#include "client/cli/safety_class.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string clause;
  std::string safety_class;
  std::string item;
  uint64_t leaf = 0;
};

void Print(const v1::Answer& answer) {
  const v1::ClauseIndexAnswer& index = answer.clause_index();
  for (const std::string& level : index.levels()) std::cout << "level " << level << " of the profile\n";
  for (const v1::ClauseIndexAnswer::Alias& alias : index.aliases()) {
    std::cout << alias.clause() << " means";
    for (const std::string& clause : alias.means()) std::cout << " " << clause;
    std::cout << "  (" << alias.note() << ")\n";
  }
  for (const v1::ClauseEvidence& evidence : index.clauses()) PrintEvidence(evidence);
  for (const std::string& clause : index.clauses_of_leaf()) std::cout << "  " << clause << "\n";
  if (index.missing_size() > 0) std::cout << Bad(Text(index.missing_size(), " clauses without evidence")) << "\n";
}

}  // namespace

void AddClauseIndex(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("clause-index", "which events show which clauses, and which have none");
  verb.footer(
      "Example: anamnesis clause-index 5.7.5 --item segmentation\n"
      "         anamnesis clause-index \"ISO 13485:2016 7.3.10\"\n"
      "Exit status 1: a clause has no evidence.");
  verb.add_option("CLAUSE", options->clause, "e.g. 5.7.5; default: all of the profile");
  verb.add_option("--class", options->safety_class, "only what A, B or C asks for");
  verb.add_option("--item", options->item, "only events about this software item");
  CLI::Option* leaf = verb.add_option("--leaf", options->leaf, "instead: the clauses that this event serves");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options, leaf]() -> StatusOr<ExitStatus> {
    v1::Question question;
    v1::ClauseIndexQuestion& index = *question.mutable_clause_index();
    index.set_clause(options->clause);
    ASSIGN_OR_RETURN(const v1::SoftwareSafetyClass safety_class, ParseSafetyClass("--class", options->safety_class));
    index.set_safety_class(safety_class);
    if (!options->item.empty()) {
      ASSIGN_OR_RETURN(*index.mutable_item(), ParseEntity("--item", options->item, "software_item"));
    }
    if (leaf->count() > 0) index.set_leaf(options->leaf);
    return AskAndPrint(*options, std::move(question), Print,
                       [](const v1::Answer& answer) { return answer.clause_index().missing().empty(); });
  });
}

}  // namespace anamnesis::cli
