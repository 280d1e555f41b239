#include <charconv>
#include <iostream>

#include "client/cli/context.h"
#include "client/cli/event_text.h"
#include "ledger/base/ids.h"

namespace anamnesis::cli {

void AddShow(CLI::App& app) {
  struct Options {
    std::string which;
    Common common;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("show", "one event: header, body, seal");
  verb.footer("Example: anamnesis show 12 --ledger file:ledger");
  verb.add_option("INDEX|EVENT-ID", options->which, "a leaf's index or an event's UUID")->required();
  AddLedgerOption(verb, options->common);
  AddConsistencyOptions(verb, options->common);
  AddJsonOption(verb, options->common);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    v1::GetEventRequest request;
    uint64_t index = 0;
    const char* end = options->which.data() + options->which.size();
    if (const auto parsed = std::from_chars(options->which.data(), end, index);
        parsed.ptr == end && parsed.ec == std::errc()) {
      request.set_index(index);
    } else {
      ASSIGN_OR_RETURN(const EventId id, EventId::FromText(options->which));
      request.set_event_id(id.bytes());
    }
    ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options->common));
    ASSIGN_OR_RETURN(const v1::Event event, client->GetEvent(request));
    if (options->common.json) {
      RETURN_IF_ERROR(PrintJson(event));
    } else {
      std::cout << EventDetails(event);
    }
    return kDone;
  });
}

}  // namespace anamnesis::cli
