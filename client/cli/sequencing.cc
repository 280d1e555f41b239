#include <iostream>

#include "client/cli/event_text.h"
#include "client/cli/question.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string item;
  bool all = false;
};

void Print(const v1::Answer& answer, bool all) {
  for (const v1::SequencingAnswer::Step& step : answer.sequencing().steps()) {
    const bool in_order = step.state() == v1::SequencingAnswer::IN_ORDER;
    if (in_order && !all) continue;
    const std::string state = Words(v1::SequencingAnswer::State_Name(step.state()));
    std::cout << (in_order ? Good(state) : Bad(state)) << "  " << step.rule() << ": leaf " << step.later().index()
              << " " << step.later().type();
    if (step.has_earlier()) {
      std::cout << " after leaf " << step.earlier().index() << " " << step.earlier().type() << ", by "
                << Words(v1::SequencingAnswer::Basis_Name(step.basis()));
    }
    if (!in_order) std::cout << "; " << step.remedy();
    std::cout << Dim(Text("  [", step.clause(), "]")) << "\n";
  }
  std::cout << answer.sequencing().steps_size() << " steps, " << answer.sequencing().out_of_order()
            << " not in order\n";
}

}  // namespace

void AddSequencing(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("sequencing", "an item's events against the order that they should have");
  verb.footer(
      "Example: anamnesis sequencing segmentation\n"
      "Exit status 1: something is out of order.");
  verb.add_option("ITEM", options->item, "the software item's id")->required();
  verb.add_flag("--all", options->all, "list what is in order too");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    ASSIGN_OR_RETURN(*question.mutable_sequencing()->mutable_item(),
                     ParseEntity("ITEM", options->item, "software_item"));
    return AskAndPrint(
        *options, std::move(question), [all = options->all](const v1::Answer& answer) { Print(answer, all); },
        [](const v1::Answer& answer) { return answer.sequencing().out_of_order() == 0; });
  });
}

}  // namespace anamnesis::cli
