#include <iostream>

#include "client/cli/event_text.h"
#include "client/cli/option_checks.h"
#include "client/cli/question.h"
#include "client/cli/time_option.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string unit;
  std::string from;
  std::string until;
};

std::string Hours(int64_t us) { return Text(us / 3'600'000'000, " h ", us / 60'000'000 % 60, " min"); }

void Print(const v1::Answer& answer) {
  const v1::CoverageAnswer& coverage = answer.coverage();
  for (const v1::CoverageAnswer::Interval& interval : coverage.intervals()) {
    const std::string state = Words(v1::CoverageAnswer::State_Name(interval.state()));
    const bool bad =
        interval.state() == v1::CoverageAnswer::UNVERIFIED || interval.state() == v1::CoverageAnswer::UNKNOWN;
    std::cout << TimeText(interval.from()) << " .. " << TimeText(interval.until()) << "  "
              << (bad ? Bad(state) : state);
    for (const uint64_t leaf : interval.verified_by()) std::cout << " leaf " << leaf;
    if (!interval.text().empty()) std::cout << "  (" << interval.text() << ")";
    std::cout << "\n";
  }
  std::cout << "verified " << Hours(coverage.verified_us()) << ", unverified " << Hours(coverage.unverified_us())
            << ", unknown " << Hours(coverage.unknown_us()) << ", not operating " << Hours(coverage.not_operating_us())
            << "\n";
}

}  // namespace

void AddCoverage(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("coverage", "how much of a unit's time it ran on verified configurations");
  verb.footer(
      "Example: anamnesis coverage ICU-7 2026-01-01T00:00:00Z 2026-04-01T00:00:00Z\n"
      "Exit status 1: some of it was unverified or unknown.");
  verb.add_option("UNIT", options->unit, "the device unit's id")->transform(UnitId())->required();
  verb.add_option("FROM", options->from, "RFC 3339")->required();
  verb.add_option("UNTIL", options->until, "RFC 3339; default: now");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    v1::CoverageQuestion& coverage = *question.mutable_coverage();
    coverage.set_unit(options->unit);
    ASSIGN_OR_RETURN(*coverage.mutable_from(), TimeOrNow("FROM", options->from));
    ASSIGN_OR_RETURN(*coverage.mutable_until(), TimeOrNow("UNTIL", options->until));
    return AskAndPrint(*options, std::move(question), Print, [](const v1::Answer& answer) {
      return answer.coverage().unverified_us() + answer.coverage().unknown_us() == 0;
    });
  });
}

}  // namespace anamnesis::cli
