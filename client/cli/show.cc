#include <charconv>
#include <iostream>

#include "client/cli/artifact_text.h"
#include "client/cli/event_text.h"
#include "client/cli/question.h"
#include "client/cli/signature_text.h"
#include "ledger/base/ids.h"

namespace anamnesis::cli {
namespace {

StatusOr<ExitStatus> ShowEvent(const std::string& which, const Common& common) {
  v1::GetEventRequest request;
  uint64_t index = 0;
  const char* end = which.data() + which.size();
  if (const auto parsed = std::from_chars(which.data(), end, index); parsed.ptr == end && parsed.ec == std::errc()) {
    request.set_index(index);
  } else {
    ASSIGN_OR_RETURN(const EventId id, EventId::FromText(which));
    request.set_event_id(id.bytes());
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(common));
  ASSIGN_OR_RETURN(const v1::Event event, client->GetEvent(request));
  if (common.json) {
    RETURN_IF_ERROR(PrintJson(event));
  } else {
    ASSIGN_OR_RETURN(const std::string signature, SignatureText(*client, event));
    std::cout << EventDetails(event) << signature;
  }
  return kDone;
}

StatusOr<ExitStatus> ShowArtifact(const std::string& which, const QuestionOptions& options) {
  v1::Question question;
  ASSIGN_OR_RETURN(*question.mutable_artifact()->mutable_artifact(),
                   ParseEntity("INDEX|EVENT-ID|ARTIFACT", which, "artifact"));
  return AskAndPrint(
      options, std::move(question), [](const v1::Answer& answer) { PrintArtifact(answer.artifact()); },
      [](const v1::Answer&) { return true; });
}

}  // namespace

void AddShow(CLI::App& app) {
  struct Options : QuestionOptions {
    std::string which;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb =
      *app.add_subcommand("show", "one event: header, body, seal; or an artifact: what it is, how it stands");
  verb.footer(
      "Example: anamnesis show 12 --ledger file:ledger\n"
      "         anamnesis show artifact:shift@3");
  verb.add_option("INDEX|EVENT-ID|ARTIFACT", options->which, "a leaf's index, an event's UUID, or artifact:ID@VERSION")
      ->required();
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    if (options->which.starts_with("artifact:")) return ShowArtifact(options->which, *options);
    if (options->known_size > 0) return absl::InvalidArgumentError("--known-size: an event is the same at every size");
    return ShowEvent(options->which, options->common);
  });
}

}  // namespace anamnesis::cli
