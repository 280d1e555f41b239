#include <iostream>

#include "client/cli/event_text.h"
#include "client/cli/question.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string entity;
  uint32_t limit = 0;
};

void Print(const v1::Answer& answer) {
  const v1::ClosureAuditAnswer& audit = answer.closure_audit();
  for (const v1::ClosureAuditAnswer::Problem& problem : audit.problems()) {
    std::cout << Bad(Words(v1::ClosureAuditAnswer::Kind_Name(problem.kind()))) << "  leaf " << problem.leaf().index()
              << " " << problem.leaf().type() << ": " << problem.text() << "\n";
  }
  std::cout << audit.events_looked_at()
            << " events looked at: " << (audit.closed() ? Good("closed") : Bad("not closed"))
            << (audit.cut_off() ? ", there is more that was not looked at" : "") << "\n";
}

}  // namespace

void AddClosureAudit(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("closure-audit", "whether all that an entity's records rest on is there");
  verb.footer(
      "Example: anamnesis closure-audit device_unit:ICU-7\n"
      "Exit status 1: something is missing, unsigned, or ran without a decision.");
  verb.add_option("ENTITY", options->entity, "KIND:ID[@VERSION]; without a kind a device unit")->required();
  verb.add_option("--limit", options->limit, "look at no more events than this (10,000)");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    v1::ClosureAuditQuestion& audit = *question.mutable_closure_audit();
    ASSIGN_OR_RETURN(*audit.mutable_entity(), ParseEntity("ENTITY", options->entity, "device_unit"));
    audit.set_limit(options->limit);
    return AskAndPrint(*options, std::move(question), Print,
                       [](const v1::Answer& answer) { return answer.closure_audit().closed(); });
  });
}

}  // namespace anamnesis::cli
