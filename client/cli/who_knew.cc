#include <iostream>

#include "client/cli/event_text.h"
#include "client/cli/question.h"
#include "client/cli/time_option.h"
#include "ledger/event/names.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string entity;
  std::string type;
  std::string at;
};

void Print(const v1::Answer& answer) {
  const v1::WhoKnewAnswer& who = answer.who_knew();
  if (who.known()) std::cout << "first recorded by " << CitationText(who.first_recorded()) << "\n";
  for (const v1::WhoKnewAnswer::Knower& knower : who.knowers()) {
    std::cout << "  " << AgentText(knower.agent()) << ", " << CitationText(knower.first()) << "\n";
  }
  if (!who.known()) std::cout << Bad("not recorded by then") << "\n";
  if (who.has_first_recorded_later()) std::cout << "later: " << CitationText(who.first_recorded_later()) << "\n";
}

}  // namespace

void AddWhoKnew(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("who-knew", "who had recorded a fact by a time, and who first");
  verb.footer(
      "Example: anamnesis who-knew incident:INC-7 2026-03-06T10:00:00Z\n"
      "Exit status 1: it was not recorded by then.");
  verb.add_option("FACT", options->entity, "the entity that it is about, KIND:ID[@VERSION]")->required();
  verb.add_option("TIME", options->at, "RFC 3339; default: now");
  verb.add_option("--type", options->type, "only events of this type");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    v1::WhoKnewQuestion& who = *question.mutable_who_knew();
    ASSIGN_OR_RETURN(*who.mutable_entity(), ParseEntity("FACT", options->entity, "incident"));
    ASSIGN_OR_RETURN(*who.mutable_at(), TimeOrNow("TIME", options->at));
    who.set_type(options->type);
    return AskAndPrint(*options, std::move(question), Print,
                       [](const v1::Answer& answer) { return answer.who_knew().known(); });
  });
}

}  // namespace anamnesis::cli
