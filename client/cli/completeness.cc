#include <iostream>

#include "client/cli/event_text.h"
#include "client/cli/evidence_text.h"
#include "client/cli/question.h"
#include "client/cli/safety_class.h"
#include "ledger/event/names.h"
#include "ledger/query/facts.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string item;
  std::string safety_class;
  bool all = false;
};

void PrintActivities(const v1::CompletenessAnswer& answer) {
  for (const v1::CompletenessAnswer::Activity& activity : answer.activities()) {
    std::cout << "planned " << activity.plan().id() << "@" << activity.plan().version() << " " << activity.id()
              << Dim(Text("  [", activity.clause(), "]")) << "\n";
    for (const v1::CompletenessAnswer::Activity::Deliverable& one : activity.deliverables()) {
      std::cout << "  " << one.event_type() << ": " << (one.delivered().empty() ? Bad("none") : "");
      for (const v1::LeafReference& leaf : one.delivered()) std::cout << " leaf " << leaf.index();
      std::cout << (one.more() ? " and more\n" : "\n");
    }
    for (const v1::CompletenessAnswer::Activity::Gap& gap : activity.gaps()) {
      std::cout << "  " << Bad("lacks") << " " << gap.event_type() << ": artifact " << gap.entity().id() << "@"
                << gap.entity().version() << "\n";
    }
  }
}

void PrintRequirements(const v1::CompletenessAnswer& answer) {
  if (answer.requirements_size() > 0) std::cout << "  requirements in force:";
  const char* separator = " ";
  for (const v1::CompletenessAnswer::RequirementCount& count : answer.requirements()) {
    std::cout << separator << count.requirements() << " " << Words(v1::RequirementContent::Kind_Name(count.kind()));
    separator = ", ";
  }
  if (answer.requirements_size() > 0) std::cout << "\n";
  for (const v1::CompletenessAnswer::PlannedSubgroup& planned : answer.subgroups()) {
    std::cout << "  " << planned.metric() << " in " << planned.subgroup() << ":";
    if (planned.has_result()) {
      const v1::Metric& result = planned.result();
      std::cout << " " << QuantityText(result.value(), result.unit());
      if (!result.ci_low().empty()) std::cout << " (" << result.ci_low() << " to " << result.ci_high() << ")";
      if (result.n() > 0) std::cout << ", n = " << result.n();
      std::cout << Dim(Text("  [leaf ", planned.evaluated().index(), "]"));
    }
    for (const std::string& missing : planned.missing()) std::cout << " " << Bad(Text("lacks ", Words(missing)));
    std::cout << "  (" << EntityKeyText(planned.requirement()) << ")\n";
  }
}

void Print(const v1::Answer& answer, bool all) {
  const v1::CompletenessAnswer& complete = answer.completeness();
  std::cout << "safety class " << ClassText(complete.safety_class(), complete.levels());
  if (complete.has_profile()) {
    std::cout << " by " << complete.standard() << ": "
              << (complete.complete_by_clause() ? Good("complete by clause") : Bad("incomplete by clause")) << ", "
              << (complete.complete_by_policy() ? Good("complete by policy") : Bad("incomplete by policy"));
  }
  std::cout << "\n";
  for (const v1::ClauseEvidence& evidence : complete.evidence()) {
    const bool missing = evidence.state() == v1::MISSING_BY_CLAUSE || evidence.state() == v1::MISSING_BY_POLICY;
    if (all || missing) PrintEvidence(evidence);
  }
  PrintRequirements(complete);
  PrintActivities(complete);
}

}  // namespace

void AddCompleteness(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("completeness", "what an item's class asks for, and what shows or lacks it");
  verb.footer(
      "Example: anamnesis completeness segmentation --class C\n"
      "A line is shown by one record of its kind, or by one of each problem, control, SOUP or test where the profile\n"
      "asks for each; whether a record is a good one, people judge.\n"
      "Exit status 1: something that a clause asks for is missing.");
  verb.add_option("ITEM", options->item, "the software item's id")->required();
  verb.add_option("--class", options->safety_class, "A, B or C instead of the item's own class");
  verb.add_flag("--all", options->all, "list what is there too");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    v1::CompletenessQuestion& asked = *question.mutable_completeness();
    ASSIGN_OR_RETURN(*asked.mutable_item(), ParseEntity("ITEM", options->item, "software_item"));
    ASSIGN_OR_RETURN(const v1::SoftwareSafetyClass safety_class, ParseSafetyClass("--class", options->safety_class));
    asked.set_safety_class(safety_class);
    return AskAndPrint(
        *options, std::move(question), [all = options->all](const v1::Answer& answer) { Print(answer, all); },
        [](const v1::Answer& answer) { return answer.completeness().complete_by_clause(); });
  });
}

}  // namespace anamnesis::cli
