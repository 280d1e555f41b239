#include <iostream>

#include "client/cli/event_text.h"
#include "client/cli/question.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string entity;
  std::string rule;
  uint64_t from = 0;
  uint32_t limit = 0;
};

void Print(const v1::Answer& answer) {
  const v1::FindingsAnswer& findings = answer.findings();
  if (findings.events_size() == 0) std::cout << "nothing is amiss with what was asked about\n";
  for (const v1::FindingsAnswer::OfEvent& event : findings.events()) {
    std::cout << Bold(Text("leaf ", event.leaf().index(), " ", event.leaf().type()))
              << (event.void_effect() ? " (retracted or replaced since)" : "") << "\n";
    for (const v1::Finding& finding : event.findings()) {
      std::cout << "  " << finding.rule() << ": " << finding.message() << Dim(Text("  (", finding.field(), ")"));
      if (!finding.clause().empty()) std::cout << Dim(Text("  [", finding.clause(), "]"));
      std::cout << "\n      " << finding.remedy() << "\n";
    }
  }
  if (findings.next() != 0) std::cout << "there is more: --from " << findings.next() << "\n";
}

}  // namespace

void AddFindings(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb =
      *app.add_subcommand("findings", "what is amiss with recorded events: late, incomplete, out of order");
  verb.footer("Example: anamnesis findings model:spleen_ct_segmentation --rule WEAK-DIGEST");
  verb.add_option("ENTITY", options->entity, "only of events about this, KIND:ID[@VERSION]");
  verb.add_option("--rule", options->rule, "only of this rule");
  verb.add_option("--from", options->from, "only of leaves from here on");
  verb.add_option("--limit", options->limit, "at most so many events (1,000)");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    v1::FindingsQuestion& findings = *question.mutable_findings();
    if (!options->entity.empty()) {
      ASSIGN_OR_RETURN(*findings.mutable_entity(), ParseEntity("ENTITY", options->entity, "software_item"));
    }
    findings.set_rule(options->rule);
    findings.set_from(options->from);
    findings.set_limit(options->limit);
    return AskAndPrint(*options, std::move(question), Print, [](const v1::Answer&) { return true; });
  });
}

}  // namespace anamnesis::cli
