#include <iostream>

#include "client/cli/context.h"
#include "client/cli/event_text.h"

namespace anamnesis::cli {

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
  verb.footer("Example: anamnesis log --stream device_unit/ICU-7 --follow --ledger 127.0.0.1:7420");
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
    ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options->common));
    Status printed;
    RETURN_IF_ERROR(client->Read(request, [&](const v1::ReadResponse& response) {
      if (options->common.json) {
        const StatusOr<std::string> json = ToJson(response, false);
        printed = json.status();
        if (json.ok()) std::cout << *json << std::endl;
        return json.ok();
      }
      if (response.has_event()) std::cout << EventLine(response.event()) << std::endl;
      if (response.has_caught_up() && options->follow) {
        std::cerr << "caught up at " << response.caught_up().tree_size() << "\n";
      }
      return true;
    }));
    RETURN_IF_ERROR(printed);
    return kDone;
  });
}

}  // namespace anamnesis::cli
