#include <algorithm>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/event_text.h"
#include "client/cli/plain_text.h"
#include "client/cli/question.h"
#include "client/cpp/scrub_status_client.h"
#include "ledger/base/bytes.h"
#include "ledger/event/names.h"
#include "ledger/query/facts.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

struct Options : QuestionOptions {
  std::string item;
  uint64_t from = 0;
  uint32_t limit = 0;
  bool scrub = false;
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
    std::cout << "    " << EntityKeyText(item.entity()) << " " << item.state() << ": " << OneLine(item.text())
              << Dim(Text("  [leaf ", item.leaf().index(), "]")) << "\n";
  }
}

void PrintState(const v1::StatusAnswer& status) {
  for (const v1::StatusAnswer::Version& version : status.versions()) {
    std::cout << "  " << Bold(version.version().empty() ? "(no version)" : version.version()) << "  "
              << (version.state().empty() ? "only referred to" : version.state());
    if (version.has_state_leaf()) std::cout << Dim(Text("  [", CitationText(version.state_leaf()), "]"));
    std::cout << "\n";
    if (!version.change_text().empty()) std::cout << "      " << OneLine(version.change_text()) << "\n";
  }
  PrintOpen("open changes", status.open_changes());
  PrintOpen("open problems", status.open_problems());
  PrintOpen("anomalies", status.open_anomalies());
  std::cout << "  " << Bold("runs on") << ":";
  for (const std::string& unit : status.deployed_on()) std::cout << " " << unit;
  std::cout << (status.deployed_on_size() == 0 ? " no unit\n" : "\n");
}

// Of a later page there may be the history alone.
void PrintItem(const v1::StatusAnswer& status) {
  const bool whole = status.events() > 0;
  if (whole) PrintState(status);
  std::cout << "  " << Bold("history") << "\n";
  for (const v1::StatusAnswer::HistoryEvent& event : status.history()) {
    std::cout << "    " << TimeText(event.leaf().occurred_earliest()) << "  "
              << (event.about() ? event.leaf().type() : Dim(event.leaf().type()));
    for (const v1::EntityRef& named : event.named()) std::cout << " " << named.role() << "=" << EntityKeyText(named);
    std::cout << (event.void_effect() ? " (retracted or replaced since)" : "")
              << Dim(Text("  [leaf ", event.leaf().index(), "]")) << "\n";
  }
  if (status.next() != 0) std::cout << "    there is more: --from " << status.next() << "\n";
  if (!whole) return;
  std::cout << "  " << Bold(Text(status.events(), status.events() == 1 ? " event" : " events")) << ":";
  for (const v1::StatusAnswer::Count& count : status.counts()) {
    std::cout << " " << count.type() << " " << count.events();
    if (count.void_events() > 0) std::cout << " (" << count.void_events() << " retracted or replaced)";
  }
  std::cout << "\n";
}

// --- What the nodes' scrubbers found ---

using ScrubAnswers = std::vector<std::pair<std::string, StatusOr<v1::ScrubStatus>>>;

bool IsEmbedded(const Options& options) { return options.common.ledger.starts_with("file:"); }

void PrintScrub(const std::string& address, const v1::ScrubStatus& status) {
  std::cout << "  scrubbed       " << address << ": "
            << (status.has_last_round()
                    ? Text(status.rounds(), " whole rounds, the last ended ", TimeText(status.last_round()))
                    : std::string("no whole round yet"))
            << "; at leaf " << status.next_index() << " of " << status.tree_size() << "; found " << status.found()
            << " damaged, mended " << status.mended() << "\n";
  for (const std::string& line : status.damaged()) std::cout << Bad(Text("    ", line)) << "\n";
}

bool NothingStaysDamaged(const ScrubAnswers& answers) {
  return std::all_of(answers.begin(), answers.end(),
                     [](const auto& answer) { return answer.second.ok() && answer.second->damaged().empty(); });
}

StatusOr<ExitStatus> StatusOfScrubbers(const Options& options) {
  if (IsEmbedded(options)) {
    return absl::InvalidArgumentError(
        "--ledger: give a node's HOST:PORT; a ledger in a directory has no scrubber: run fsck");
  }
  ASSIGN_OR_RETURN(const ScrubAnswers answers, AskScrubbers(options.common.ledger, options.common.tls));
  std::string_view separator = "[";
  for (const auto& [address, status] : answers) {
    if (!options.common.json && status.ok()) PrintScrub(address, *status);
    if (!options.common.json && !status.ok()) std::cout << "  " << Bad(std::string(MessageOf(status.status()))) << "\n";
    if (!options.common.json) continue;
    std::cout << std::exchange(separator, ", ") << "{\"node\": " << Quoted(address);
    if (status.ok()) {
      ASSIGN_OR_RETURN(const std::string json, ToJson(*status, false));
      std::cout << ", \"status\": " << json << "}";
    } else {
      std::cout << ", \"error\": " << Quoted(MessageOf(status.status())) << "}";
    }
  }
  if (options.common.json) std::cout << "]\n";
  return NothingStaysDamaged(answers) ? kDone : kAnswerIsNo;
}

StatusOr<ExitStatus> StatusOfLedger(const Options& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  ASSIGN_OR_RETURN(const v1::LedgerStatus status, client->GetStatus());
  // No ledger is without its founding events.
  if (status.tree_size() == 0) {
    return absl::UnavailableError(Text("it isn't known yet what may be shown of ", status.origin(), " there",
                                       status.refusing_appends().empty() ? "" : Text(": ", status.refusing_appends()),
                                       "; ask another node, or retry; see `anamnesis cluster status`"));
  }
  if (options.common.json) {
    RETURN_IF_ERROR(PrintJson(status));
  } else {
    PrintLedger(status);
    // Nodes that don't scrub say nothing of it.
    const StatusOr<ScrubAnswers> scrubbers =
        IsEmbedded(options) ? ScrubAnswers() : AskScrubbers(options.common.ledger, options.common.tls);
    for (size_t i = 0; scrubbers.ok() && i < scrubbers->size(); ++i) {
      const auto& [address, scrub] = (*scrubbers)[i];
      if (scrub.ok()) PrintScrub(address, *scrub);
    }
  }
  return kDone;
}

}  // namespace

void AddStatus(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb =
      *app.add_subcommand("status", "what the ledger is and how large; or the state and history of an item");
  verb.footer(
      "Examples: anamnesis status model:spleen_ct_segmentation\n"
      "          anamnesis status --scrub --ledger 10.0.0.1:7420,10.0.0.2:7420      # exit status 1 when damage stays");
  verb.add_option("ITEM", options->item, "KIND:ID[@VERSION] of a configuration item; default: the ledger");
  verb.add_option("--from", options->from, "only of the item's history from this leaf on");
  verb.add_option("--limit", options->limit, "at most so many events of its history (1,000)");
  verb.add_flag("--scrub", options->scrub, "what each node's scrubber found on its disk, and mended");
  AddQuestionOptions(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    if (options->scrub) return StatusOfScrubbers(*options);
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
