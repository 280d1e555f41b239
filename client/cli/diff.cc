#include <iostream>

#include "client/cli/event_text.h"
#include "client/cli/question.h"
#include "ledger/event/names.h"
#include "ledger/query/facts.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string x;
  std::string y;
  bool all = false;
};

constexpr int kChangesShown = 25;

void PrintFacet(const v1::DiffAnswer::Facet& facet, bool all) {
  if (facet.changes_size() == 0 && facet.missing_size() == 0 && facet.same() == 0 && facet.events_left_out() == 0) {
    return;
  }
  std::cout << "\n  " << Bold(facet.name())
            << Dim(facet.name() == "reason" ? "" : Text("  ", facet.same(), " the same")) << "\n";
  int shown = 0;
  for (const v1::DiffAnswer::Change& change : facet.changes()) {
    if (!all && shown++ == kChangesShown) {
      std::cout << "    … and " << facet.changes_size() - kChangesShown << " more (--all)\n";
      break;
    }
    std::cout << "    " << change.path() << ": ";
    if (facet.name() == "reason") {
      std::cout << change.y();
    } else if (!change.has_x()) {
      std::cout << "added, " << change.y();
    } else if (!change.has_y()) {
      std::cout << "removed, was " << change.x();
    } else {
      std::cout << change.x() << " -> " << change.y();
    }
    if (change.allows() != v1::DiffAnswer::ALLOWS_UNSPECIFIED) {
      std::cout << "  (allows " << Words(v1::DiffAnswer::Allows_Name(change.allows())) << ")";
    }
    if (!change.delta().empty()) std::cout << "  (" << (change.delta()[0] == '-' ? "" : "+") << change.delta() << ")";
    std::cout << "\n";
  }
  if (facet.changes_left_out() > 0) std::cout << "    and " << facet.changes_left_out() << " changes left out\n";
  if (facet.events_left_out() > 0) {
    std::cout << "    and " << facet.events_left_out() << " older records that were not compared\n";
  }
  for (const std::string& missing : facet.missing()) std::cout << "    " << Bad("not comparable: ") << missing << "\n";
}

void Print(const v1::DiffAnswer& diff, bool all) {
  std::cout << Bold(Text(EntityKeyText(diff.x()), " -> ", EntityKeyText(diff.y()))) << ": ";
  if (diff.verdict() == v1::DiffAnswer::IDENTICAL) {
    std::cout << Good("identical") << "\n";
  } else if (diff.verdict() == v1::DiffAnswer::NO_RECORDED_DIFFERENCE) {
    std::cout << "nothing that is recorded differs, but no digests show that the bytes are the same\n";
  } else {
    std::cout << "different\n";
  }
  if (diff.envelope_class() != v1::EnvelopeTerms::CHANGE_CLASS_UNSPECIFIED) {
    std::cout << "change of the envelope: " << Words(v1::EnvelopeTerms::ChangeClass_Name(diff.envelope_class()))
              << "\n";
  }
  for (const v1::DiffAnswer::Facet& facet : diff.facets()) PrintFacet(facet, all);
}

}  // namespace

void AddDiff(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("diff", "what differs between two versions of something");
  verb.footer("Example: anamnesis diff spleen_ct_segmentation@0.1.0 spleen_ct_segmentation@0.2.0");
  verb.add_option("X", options->x, "KIND:ID[@VERSION]; without a kind, a model")->required();
  verb.add_option("Y", options->y, "as X")->required();
  verb.add_flag("--all", options->all, "print every change");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    ASSIGN_OR_RETURN(*question.mutable_diff()->mutable_x(), ParseEntity("X", options->x, "model"));
    ASSIGN_OR_RETURN(*question.mutable_diff()->mutable_y(), ParseEntity("Y", options->y, "model"));
    const bool all = options->all;
    return AskAndPrint(
        *options, std::move(question), [all](const v1::Answer& answer) { Print(answer.diff(), all); },
        [](const v1::Answer&) { return true; });
  });
}

}  // namespace anamnesis::cli
