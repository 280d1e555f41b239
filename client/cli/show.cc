#include <iostream>

#include "client/cli/artifact_text.h"
#include "client/cli/event_name.h"
#include "client/cli/event_text.h"
#include "client/cli/question.h"
#include "client/cli/signature_text.h"
#include "client/cpp/corrections.h"

namespace anamnesis::cli {
namespace {

constexpr const char* kWhich = "INDEX|EVENT-ID|ARTIFACT";
// Events of a type that are looked through for one that takes the place of another.
constexpr uint64_t kLookedThroughMax = 10'000;

// What was recorded since about the event itself, a line for each.
StatusOr<std::string> CorrectionsText(LedgerClient& client, const v1::Event& event) {
  const std::string& id = event.header().event_id();
  std::string text;
  Corrections corrections(client, event.tree_size());
  ASSIGN_OR_RETURN(const std::vector<Correction>* found, corrections.Of(id));
  for (const Correction& correction : *found) {
    const std::string& kind = v1::RecordCorrected::Kind_Name(correction.kind);
    text += Text("  ", Bad("corrected"), "     by leaf ", correction.leaf, " record.corrected, ", kind,
                 correction.counts ? "" : ", taken back since", ": ", correction.rationale, "\n");
  }
  v1::ReadRequest request;
  request.set_type(event.header().type());
  request.set_from(event.index() + 1);
  request.set_limit(kLookedThroughMax);
  RETURN_IF_ERROR(client.Read(request, [&](const v1::ReadResponse& response) {
    const v1::EventHeader& header = response.event().header();
    const bool replaces = response.has_event() && header.corrects() == id && header.type() != "record.corrected";
    if (replaces) {
      text += Text("  ", Bad("replaced"), "      by leaf ", response.event().index(), ": ", header.rationale(), "\n");
    }
    return true;
  }));
  return text;
}

StatusOr<ExitStatus> ShowEvent(const std::string& which, const Common& common) {
  ASSIGN_OR_RETURN(const v1::GetEventRequest request, ParseEventName(kWhich, which));
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(common));
  ASSIGN_OR_RETURN(const v1::Event event, client->GetEvent(request));
  if (common.json) {
    RETURN_IF_ERROR(PrintJson(event));
  } else {
    ASSIGN_OR_RETURN(const std::string signature, SignatureText(*client, event));
    const StatusOr<std::string> corrections = CorrectionsText(*client, event);
    // Who may read this event may perhaps not read others.
    if (!corrections.ok() && !absl::IsPermissionDenied(corrections.status())) return corrections.status();
    std::cout << EventDetails(event) << corrections.value_or("") << signature;
  }
  return kDone;
}

// Of another kind than an artifact it is refused, naming what can be asked.
bool IsEntity(const std::string& which) { return which.find(':') != std::string::npos; }

StatusOr<ExitStatus> ShowArtifact(const std::string& which, const QuestionOptions& options) {
  if (!which.starts_with("artifact:")) {
    return absl::InvalidArgumentError(
        Text(kWhich, ": \"", which, "\" is no artifact; of other items see `anamnesis status ", which, "`"));
  }
  v1::Question question;
  ASSIGN_OR_RETURN(*question.mutable_artifact()->mutable_artifact(), ParseEntity(kWhich, which, "artifact"));
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
      "Example: anamnesis show 12\n"
      "         anamnesis show artifact:shift@3");
  verb.add_option(kWhich, options->which, "a leaf's index, an event's UUID, or artifact:ID@VERSION")->required();
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    if (IsEntity(options->which)) return ShowArtifact(options->which, *options);
    if (options->known_size > 0) return absl::InvalidArgumentError("--known-size: an event is the same at every size");
    return ShowEvent(options->which, options->common);
  });
}

}  // namespace anamnesis::cli
