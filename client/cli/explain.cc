#include <iostream>

#include "client/cli/event_text.h"
#include "client/cli/question.h"
#include "ledger/event/names.h"
#include "ledger/query/facts.h"
#include "ledger/query/item_history.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string entity;
  bool all_fields = false;
};

constexpr int kFieldsShown = 12;

std::string SectionText(v1::ExplainAnswer::Section section) {
  switch (section) {
    case v1::ExplainAnswer::DATA:
      return "What data went in";
    case v1::ExplainAnswer::SELECTION:
      return "Who selected it, and how";
    case v1::ExplainAnswer::ANNOTATION:
      return "How it was annotated";
    case v1::ExplainAnswer::PREPROCESSING:
      return "How it was preprocessed";
    case v1::ExplainAnswer::TRAINING:
      return "How it was trained";
    case v1::ExplainAnswer::CODE:
      return "With what code and SOUP";
    case v1::ExplainAnswer::EVALUATION:
      return "How it was evaluated";
    default:
      return "How it was released";
  }
}

void PrintMetric(const v1::Metric& metric) {
  std::cout << "      " << metric.name() << " " << QuantityText(metric.value(), metric.unit());
  if (!metric.ci_low().empty()) std::cout << " (" << metric.ci_low() << " to " << metric.ci_high() << ")";
  if (!metric.subgroup().empty()) std::cout << " in " << metric.subgroup();
  if (metric.n() > 0) std::cout << ", n = " << metric.n();
  std::cout << "\n";
}

void PrintEvidence(const v1::ExplainAnswer::Evidence& evidence, bool all_fields) {
  std::cout << "    " << EntityKeyText(evidence.entity());
  if (evidence.entity().has_digest()) std::cout << "  " << DigestText(evidence.entity().digest());
  if (evidence.generation() > 0) std::cout << "  (of a parent, " << evidence.generation() << " back)";
  std::cout << Dim(Text("  [", CitationText(evidence.leaf()), "]")) << "\n";
  int shown = 0;
  for (const v1::NamedValue& field : evidence.fields()) {
    if (!all_fields && shown++ == kFieldsShown) {
      std::cout << "      … and " << evidence.fields_size() - kFieldsShown << " more fields (--fields)\n";
      break;
    }
    // What names an element of a list by all that it says isn't said twice.
    std::string_view name = field.name();
    const std::string key = Text("[", field.value(), "]");
    if (name.ends_with(key)) name.remove_suffix(key.size());
    std::cout << "      " << name << ": " << field.value() << "\n";
  }
  if (evidence.fields_left_out() > 0) std::cout << "      and " << evidence.fields_left_out() << " left out\n";
  for (const v1::Metric& metric : evidence.metrics()) PrintMetric(metric);
}

void Print(const v1::ExplainAnswer& explain, bool all_fields) {
  std::cout << Bold(Text("How ", EntityKeyText(explain.entity()), " came about")) << "\n";
  for (const v1::EntityRef& parent : explain.parents()) {
    std::cout << "made from " << EntityKeyText(parent) << "\n";
  }
  for (const v1::ExplainAnswer::Part& part : explain.parts()) {
    std::cout << "\n  " << Bold(SectionText(part.section())) << "\n";
    for (const v1::ExplainAnswer::Evidence& evidence : part.evidence()) PrintEvidence(evidence, all_fields);
    if (part.evidence_left_out() > 0) {
      std::cout << "    and " << part.evidence_left_out() << " older records left out\n";
    }
    for (const std::string& missing : part.missing()) std::cout << "    " << Bad("not recorded: ") << missing << "\n";
  }
}

}  // namespace

void AddExplain(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb =
      *app.add_subcommand("explain", "how a model was made: data, selection, annotation, training and more");
  verb.footer("Example: anamnesis explain spleen_ct_segmentation@0.2.0");
  verb.add_option("ENTITY", options->entity, "MODEL@VERSION, or artifact:ID@VERSION")->required();
  verb.add_flag("--fields", options->all_fields, "print every field");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    ASSIGN_OR_RETURN(*question.mutable_explain()->mutable_entity(), ParseEntity("ENTITY", options->entity, "model"));
    const bool all_fields = options->all_fields;
    return AskAndPrint(
        *options, std::move(question), [all_fields](const v1::Answer& answer) { Print(answer.explain(), all_fields); },
        [](const v1::Answer&) { return true; });
  });
}

}  // namespace anamnesis::cli
