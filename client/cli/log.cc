#include <iostream>

#include "client/cli/context.h"
#include "client/cli/event_text.h"
#include "ledger/base/limits.h"
#include "ledger/event/vocabulary.h"

namespace anamnesis::cli {
namespace {

// NOT_FOUND for a stream that has no event, such as one that isn't spelled so.
Status CheckStream(LedgerClient& client, const std::string& stream) {
  if (stream.empty()) return OkStatus();
  v1::GetStreamHeadRequest request;
  request.set_stream(stream);
  ASSIGN_OR_RETURN(const v1::StreamHead head, client.GetStreamHead(request));
  if (head.position() > 0) return OkStatus();
  return absl::NotFoundError(Text("--stream: \"", stream, "\" has no events"));
}

}  // namespace

void AddLog(CLI::App& app) {
  struct Options {
    v1::ReadRequest request;
    uint64_t from = 0;
    uint64_t limit = 0;
    std::string stream;
    std::string type;
    bool follow = false;
    bool backwards = false;
    Common common;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("log", "events in order");
  verb.footer(
      "Example: anamnesis log --stream device_unit/ICU-7 --follow\n"
      "When there are more events than it prints, it says on standard error where to go on.");
  CLI::Option* from = verb.add_option("--from", options->from, "first index, included");
  verb.add_option("--limit", options->limit, "at most this many events (default: 1,000)");
  verb.add_option("--stream", options->stream, "of one stream");
  verb.add_option("--type", options->type, "of one type");
  verb.add_flag("--follow", options->follow, "go on with new events");
  verb.add_flag("--backwards", options->backwards, "newest first");
  AddLedgerOption(verb, options->common);
  AddConsistencyOptions(verb, options->common);
  verb.add_flag("--json", options->common.json, "one JSON document a line");
  SetAction(verb, [options, from]() -> StatusOr<ExitStatus> {
    v1::ReadRequest& request = options->request;
    if (from->count() > 0) request.set_from(options->from);
    request.set_limit(options->limit);
    request.set_stream(options->stream);
    request.set_type(options->type);
    request.set_follow(options->follow);
    request.set_include_bodies(options->common.json);
    if (options->backwards) request.set_direction(v1::ReadRequest::BACKWARDS);
    if (!options->type.empty() && Vocabulary::Get().FindNewest(options->type) == nullptr) {
      return absl::InvalidArgumentError(
          Text("--type: \"", options->type, "\" is not an event type; see `anamnesis types`"));
    }
    ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options->common));
    // One more shows that there is more. Who follows goes on by itself.
    const uint64_t limit = options->limit > 0 ? options->limit : limits::kReadEventsDefault;
    if (!options->follow) request.set_limit(limit + (limit < UINT64_MAX ? 1 : 0));
    uint64_t printed_events = 0;
    // Which may begin yet.
    if (!options->follow) RETURN_IF_ERROR(CheckStream(*client, options->stream));
    Status printed;
    RETURN_IF_ERROR(client->Read(request, [&](const v1::ReadResponse& response) {
      if (response.has_event() && !options->follow && ++printed_events > limit) {
        std::cerr << "there is more: --from " << response.event().index() << "\n";
        return false;
      }
      if (options->common.json) {
        const StatusOr<std::string> json = ToJson(response, false);
        printed = json.status();
        if (json.ok()) std::cout << *json << std::endl;
        return json.ok() && std::cout;
      }
      if (response.has_event()) std::cout << EventLine(response.event()) << std::endl;
      if (response.has_caught_up() && options->follow) {
        std::cerr << "caught up at " << response.caught_up().tree_size() << "\n";
      }
      return static_cast<bool>(std::cout);
    }));
    RETURN_IF_ERROR(printed);
    return kDone;
  });
}

}  // namespace anamnesis::cli
