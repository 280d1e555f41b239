#include <iostream>

#include "client/cli/event_text.h"
#include "client/cli/question.h"
#include "ledger/base/bytes.h"
#include "ledger/query/facts.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string item;
  uint64_t from = 0;
  uint32_t limit = 0;
};

void PrintLedger(const v1::LedgerStatus& status) {
  std::cout << Bold(status.origin()) << "\n"
            << "  events         " << status.tree_size() << "\n"
            << "  root           " << HexEncode(status.root()) << "\n"
            << "  last recorded  " << TimeText(status.last_recorded()) << "\n"
            << "  verifier key   " << status.verifier_key() << "\n"
            << "  appends        "
            << (status.refusing_appends().empty() ? Good("taken") : Bad("refused: " + status.refusing_appends()))
            << "\n";
}

void PrintOpen(std::string_view title, const google::protobuf::RepeatedPtrField<v1::StatusAnswer::OpenItem>& open) {
  std::cout << "  " << Bold(title) << ": " << (open.empty() ? "none" : std::to_string(open.size())) << "\n";
  for (const v1::StatusAnswer::OpenItem& item : open) {
    std::cout << "    " << EntityKeyText(item.entity()) << " " << item.state() << ": " << item.text()
              << Dim(Text("  [leaf ", item.leaf().index(), "]")) << "\n";
  }
}

void PrintItem(const v1::StatusAnswer& status) {
  for (const v1::StatusAnswer::Version& version : status.versions()) {
    std::cout << "  " << Bold(version.version().empty() ? "(no version)" : version.version()) << "  "
              << (version.state().empty() ? "only referred to" : version.state());
    if (version.has_state_leaf()) std::cout << Dim(Text("  [", CitationText(version.state_leaf()), "]"));
    std::cout << "\n";
    if (!version.change_text().empty()) std::cout << "      " << version.change_text() << "\n";
  }
  PrintOpen("open changes", status.open_changes());
  PrintOpen("open problems", status.open_problems());
  PrintOpen("anomalies", status.open_anomalies());
  std::cout << "  " << Bold("runs on") << ":";
  for (const std::string& unit : status.deployed_on()) std::cout << " " << unit;
  std::cout << (status.deployed_on_size() == 0 ? " no unit\n" : "\n");
  std::cout << "  " << Bold("history") << "\n";
  for (const v1::StatusAnswer::HistoryEvent& event : status.history()) {
    std::cout << "    " << TimeText(event.leaf().occurred_earliest()) << "  "
              << (event.about() ? event.leaf().type() : Dim(event.leaf().type()));
    for (const v1::EntityRef& named : event.named()) std::cout << " " << named.role() << "=" << EntityKeyText(named);
    std::cout << (event.void_effect() ? " (retracted or replaced since)" : "")
              << Dim(Text("  [leaf ", event.leaf().index(), "]")) << "\n";
  }
  if (status.next() != 0) std::cout << "    there is more: --from " << status.next() << "\n";
  std::cout << "  " << Bold(Text(status.events(), status.events() == 1 ? " event" : " events")) << ":";
  for (const v1::StatusAnswer::Count& count : status.counts()) {
    std::cout << " " << count.type() << " " << count.events();
    if (count.void_events() > 0) std::cout << " (" << count.void_events() << " retracted or replaced)";
  }
  std::cout << "\n";
}

StatusOr<ExitStatus> StatusOfLedger(const Options& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  ASSIGN_OR_RETURN(const v1::LedgerStatus status, client->GetStatus());
  if (options.common.json) {
    RETURN_IF_ERROR(PrintJson(status));
  } else {
    PrintLedger(status);
  }
  return kDone;
}

}  // namespace

void AddStatus(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb =
      *app.add_subcommand("status", "what the ledger is and how large; or the state and history of an item");
  verb.footer("Example: anamnesis status model:spleen_ct_segmentation --ledger 127.0.0.1:7420");
  verb.add_option("ITEM", options->item, "KIND:ID[@VERSION] of a configuration item; default: the ledger");
  verb.add_option("--from", options->from, "only of the item's history from this leaf on");
  verb.add_option("--limit", options->limit, "at most so many events of its history (1,000)");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    if (options->item.empty()) return StatusOfLedger(*options);
    v1::Question question;
    v1::StatusQuestion& status = *question.mutable_status();
    ASSIGN_OR_RETURN(*status.mutable_entity(), ParseEntity("ITEM", options->item, "software_item"));
    status.set_from(options->from);
    status.set_limit(options->limit);
    return AskAndPrint(
        *options, std::move(question), [](const v1::Answer& answer) { PrintItem(answer.status()); },
        [](const v1::Answer&) { return true; });
  });
}

}  // namespace anamnesis::cli
