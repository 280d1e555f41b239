#include <iostream>

#include "client/cli/event_text.h"
#include "client/cli/question.h"
#include "ledger/event/names.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

using Report = v1::ErasureReportAnswer;

struct Options : QuestionOptions {
  std::string about;
  uint64_t from = 0;
  uint32_t limit = 0;
};

// Whose data an act is about.
template <typename Act>
std::string NamedText(const Act& act) {
  std::string text = act.has_subject() ? EntityKeyText(act.subject()) : "no subject named";
  for (const v1::EntityRef& entity : act.about()) text += Text(", ", EntityKeyText(entity));
  return text;
}

void PrintErasure(const Report::Erasure& erasure) {
  std::cout << Bold("erased") << "  " << NamedText(erasure) << ": " << erasure.basis() << ", authorised by "
            << erasure.authorised_by() << (erasure.void_effect() ? "  (the record was taken back)" : "")
            << Dim(Text("  [", CitationText(erasure.leaf()), "]")) << "\n";
  for (const Report::Body& body : erasure.bodies()) {
    std::cout << "  body of leaf " << body.leaf().index() << " " << body.leaf().type() << ", "
              << Words(v1::RetentionClass_Name(body.retention())) << "; its commitment remains\n";
  }
}

void PrintRefusal(const Report::Refusal& refusal) {
  std::cout << Bold("refused") << "  " << NamedText(refusal) << ": "
            << Words(v1::ErasureRefused::Ground_Name(refusal.ground())) << ", to be looked at again on "
            << TimeText(refusal.review_at()) << (refusal.void_effect() ? "  (the record was taken back)" : "")
            << Dim(Text("  [", CitationText(refusal.leaf()), "]")) << "\n";
}

void Print(const v1::Answer& answer) {
  const Report& report = answer.erasure_report();
  for (const Report::Erasure& erasure : report.erasures()) PrintErasure(erasure);
  for (const Report::Refusal& refusal : report.refusals()) PrintRefusal(refusal);
  for (const Report::Count& count : report.counts()) {
    std::cout << Words(v1::RetentionClass_Name(count.retention())) << " of "
              << (count.has_subject() ? EntityKeyText(count.subject()) : "no subject named")
              << ", bodies erased: " << count.bodies() << "\n";
  }
  if (report.erasures().empty() && report.refusals().empty()) {
    std::cout << (report.next() > 0 ? "nothing so far\n" : "nothing was erased, and nothing refused\n");
  }
  if (report.next() > 0) std::cout << "more: --from " << report.next() << "\n";
}

}  // namespace

void AddErasureReport(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("erasure-report", "which bodies were erased for whom, and what was refused");
  verb.footer(
      "Example: anamnesis erasure-report subject:4b2f\n"
      "         anamnesis erasure-report dataset:spleen@2.2");
  verb.add_option("ABOUT", options->about, "a subject, KIND:ID[@VERSION] for a dataset or record; default: all");
  verb.add_option("--from", options->from, "only from this leaf on");
  verb.add_option("--limit", options->limit, "list no more acts than this (1,000)");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    v1::ErasureReportQuestion& report = *question.mutable_erasure_report();
    if (!options->about.empty()) {
      ASSIGN_OR_RETURN(*report.mutable_about(), ParseEntity("ABOUT", options->about, "subject"));
    }
    report.set_from(options->from);
    report.set_limit(options->limit);
    return AskAndPrint(*options, std::move(question), Print, [](const v1::Answer&) { return true; });
  });
}

}  // namespace anamnesis::cli
