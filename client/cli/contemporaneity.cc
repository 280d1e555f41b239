#include <iostream>

#include "absl/strings/str_format.h"
#include "client/cli/event_text.h"
#include "client/cli/question.h"
#include "ledger/event/names.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string scope;
  uint64_t from = 0;
  uint32_t limit = 0;
  bool all = false;
};

// "3 d", "4 h", …: of the largest unit that gives at least one.
std::string GapText(int64_t us) {
  const std::string sign = us < 0 ? "-" : "";
  const int64_t seconds = std::abs(us) / 1'000'000;
  if (seconds >= 86'400) return Text(sign, seconds / 86'400, " d");
  if (seconds >= 3600) return Text(sign, seconds / 3600, " h");
  if (seconds >= 60) return Text(sign, seconds / 60, " min");
  return Text(sign, seconds, " s");
}

std::string JudgementText(v1::ContemporaneityAnswer::Judgement judgement) {
  const std::string text = Words(v1::ContemporaneityAnswer::Judgement_Name(judgement));
  const bool bad = judgement == v1::ContemporaneityAnswer::LATE || judgement == v1::ContemporaneityAnswer::FUTURE_DATED;
  return bad ? Bad(text) : text;
}

void PrintTypes(const v1::ContemporaneityAnswer& answer) {
  constexpr size_t kTypeWidth = 32;
  std::cout << Dim(absl::StrFormat("%-*s", kTypeWidth, "recorded after"))
            << Dim("   1 s  1 min    1 h   24 h    7 d   30 d") << Dim("   more") << "\n";
  for (const v1::ContemporaneityAnswer::OfType& type : answer.types()) {
    std::cout << absl::StrFormat("%-*s", kTypeWidth, type.type());
    for (const uint64_t events : type.histogram()) std::cout << absl::StrFormat("%6d ", events);
    const char* separator = " ";
    for (const v1::ContemporaneityAnswer::Count& count : type.counts()) {
      std::cout << separator << JudgementText(count.judgement()) << " " << count.events();
      separator = ", ";
    }
    std::cout << "\n";
  }
}

void Print(const v1::Answer& answer) {
  const v1::ContemporaneityAnswer& filled = answer.contemporaneity();
  PrintTypes(filled);
  for (const v1::ContemporaneityAnswer::OfEvent& event : filled.events()) {
    std::cout << "leaf " << event.leaf().index() << " " << event.leaf().type() << ": "
              << JudgementText(event.judgement()) << ", recorded after " << GapText(event.gap_us());
    if (event.corrected()) std::cout << " by the corrected time";
    if (!event.late_reason().empty()) std::cout << ", because " << event.late_reason();
    std::cout << "\n";
  }
  for (const v1::ContemporaneityAnswer::Burst& burst : filled.bursts()) {
    std::cout << Bad("burst") << ": " << burst.events() << " events of " << AgentText(burst.actor()) << " in leaves "
              << burst.first_leaf() << " to " << burst.last_leaf() << ", happened over "
              << GapText(burst.occurred_spread_us()) << ", recorded within " << GapText(burst.recorded_spread_us())
              << "\n";
  }
  for (const v1::ContemporaneityAnswer::Conflict& conflict : filled.conflicts()) {
    std::cout << Bad("before its cause") << ": leaf " << conflict.effect().index()
              << " says that it happened before leaf " << conflict.cause().index() << "\n";
  }
  std::cout << filled.events_looked_at() << " events, " << filled.events_without_effect() << " retracted or replaced\n";
  if (filled.next() != 0) std::cout << "there is more: --from " << filled.next() << "\n";
}

}  // namespace

void AddContemporaneity(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("contemporaneity", "how long after it happened each event was recorded");
  verb.footer(
      "Example: anamnesis contemporaneity --scope dataset:spleen@2.2\n"
      "         anamnesis contemporaneity --scope stream:person/ada");
  verb.add_option("--scope", options->scope, "KIND:ID[@VERSION] or stream:NAME; default: the log, page by page");
  verb.add_option("--from", options->from, "only leaves from here on");
  verb.add_option("--limit", options->limit, "at most so many events (10,000)");
  verb.add_flag("--all", options->all, "list on-time events too");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::Question question;
    v1::ContemporaneityQuestion& asked = *question.mutable_contemporaneity();
    constexpr std::string_view kStream = "stream:";
    if (options->scope.compare(0, kStream.size(), kStream) == 0) {
      asked.set_stream(options->scope.substr(kStream.size()));
    } else if (!options->scope.empty()) {
      ASSIGN_OR_RETURN(*asked.mutable_entity(), ParseEntity("--scope", options->scope, "software_item"));
    }
    asked.set_from(options->from);
    asked.set_limit(options->limit);
    asked.set_all(options->all);
    return AskAndPrint(*options, std::move(question), Print, [](const v1::Answer&) { return true; });
  });
}

}  // namespace anamnesis::cli
