#include <iostream>

#include "client/cli/event_text.h"
#include "client/cli/question.h"
#include "client/cli/time_option.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string device_model;
  std::string at;
};

std::string LengthText(const v1::RetentionAnswer::Period& period) {
  const std::string months = period.months() == 0 ? "" : Text(period.months(), " months");
  if (period.years() == 0 && period.months() > 0) return months;
  return Text(period.years(), " years", months.empty() ? "" : " and ", months);
}

void Print(const v1::Answer& answer) {
  const v1::RetentionAnswer& retention = answer.retention();
  for (const v1::RetentionAnswer::Placement& placement : retention.placements()) {
    std::cout << "placed in " << placement.jurisdiction() << ", last by " << CitationText(placement.last()) << "\n";
  }
  for (const v1::RetentionAnswer::Period& period : retention.periods()) {
    const std::string line =
        Text(period.jurisdiction().empty() ? "everywhere" : period.jurisdiction(), ": ", LengthText(period), " from ",
             period.start().type(), " of leaf ", period.start().index(), ", until ", TimeText(period.keep_until()));
    std::cout << (period.decisive() ? Bold(line) : line) << Dim(Text("  [", period.source(), "]")) << "\n";
  }
  if (retention.has_keep_until()) {
    std::cout << "keep until " << TimeText(retention.keep_until()) << ": "
              << (retention.due() ? "over" : "still to be kept") << ", " << retention.units_in_service()
              << " units in service\n";
  }
}

}  // namespace

void AddRetention(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("retention-due", "until when records of a device model must be kept");
  verb.footer(
      "Example: anamnesis retention-due monitor --at 2036-01-01T00:00:00Z\n"
      "Exit status 1: they must still be kept.");
  verb.add_option("MODEL", options->device_model, "the device model's id")->required();
  verb.add_option("--at", options->at, "as of when (RFC 3339); default: now");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    v1::RetentionQuestion& retention = *question.mutable_retention();
    ASSIGN_OR_RETURN(*retention.mutable_device_model(), ParseEntity("MODEL", options->device_model, "device_model"));
    ASSIGN_OR_RETURN(*retention.mutable_at(), TimeOrNow("--at", options->at));
    return AskAndPrint(*options, std::move(question), Print,
                       [](const v1::Answer& answer) { return answer.retention().due(); });
  });
}

}  // namespace anamnesis::cli
