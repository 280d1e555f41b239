#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <sstream>

#include "client/cli/context.h"
#include "client/cli/event_spec.h"
#include "client/cli/receipts.h"
#include "client/cli/write.h"

namespace anamnesis::cli {
namespace {

struct Options {
  EventSpec spec;
  std::string body_file;
  std::string jsonl;
  std::string receipts;
  // Seconds; 0 for not waiting.
  int64_t wait_witnessed = 0;
  Common common;
};

StatusOr<std::vector<EventSpec>> ReadSpecs(const Options& options) {
  if (options.jsonl.empty()) {
    EventSpec spec = options.spec;
    if (spec.stream.empty() || spec.type.empty()) {
      return absl::InvalidArgumentError("--stream and --type are required without --jsonl");
    }
    if (!options.body_file.empty()) {
      ASSIGN_OR_RETURN(spec.body_json, ReadFile(options.body_file));
    }
    return std::vector<EventSpec>{std::move(spec)};
  }
  ASSIGN_OR_RETURN(const std::string text, ReadFile(options.jsonl));
  std::vector<EventSpec> specs;
  std::istringstream lines(text);
  std::string line;
  for (size_t number = 1; std::getline(lines, line); ++number) {
    if (line.empty()) continue;
    StatusOr<EventSpec> spec = ParseSpecLine(line);
    if (!spec.ok()) return WithContext(spec.status(), Text(options.jsonl, " line ", number));
    specs.push_back(*std::move(spec));
  }
  return specs;
}

// This process ends, and a later one would make other events: so it is said how to find out.
Status WithIds(const Status& status, const std::vector<IdentifiedDraft>& drafts) {
  std::string message = Text(MessageOf(status), ". Before you append again, look whether they are recorded:");
  for (const IdentifiedDraft& draft : drafts) message += Text("\n  anamnesis show --linearizable ", draft.id.text());
  return Status(status.code(), message);
}

// Appends one run a stream, the streams in the order of their first event.
StatusOr<v1::RunResult> AppendSpecs(const Options& options, LedgerClient& client, const NamedKey& key) {
  ASSIGN_OR_RETURN(const std::vector<EventSpec> specs, ReadSpecs(options));
  std::vector<std::string> streams;
  std::map<std::string, std::vector<IdentifiedDraft>> drafts;
  for (size_t i = 0; i < specs.size(); ++i) {
    StatusOr<EventDraft> draft = ToDraft(specs[i]);
    if (!draft.ok()) return specs.size() == 1 ? draft.status() : WithContext(draft.status(), Text("event ", i + 1));
    if (drafts.find(specs[i].stream) == drafts.end()) streams.push_back(specs[i].stream);
    drafts[specs[i].stream].push_back({*std::move(draft), NewEventId()});
  }
  v1::RunResult all;
  for (const std::string& stream : streams) {
    ASSIGN_OR_RETURN(const std::unique_ptr<StreamWriter> writer, StreamWriter::Open(client, key, stream));
    const StatusOr<std::vector<Appended>> appended = writer->Append(drafts[stream]);
    if (absl::IsUnknown(appended.status())) return WithIds(appended.status(), drafts[stream]);
    RETURN_IF_ERROR(appended.status());
    Report(
        options.common, *appended, [&](size_t) { return stream; }, all);
  }
  return all;
}

// What was appended is durable already, and stays so when it isn't witnessed in time.
StatusOr<ExitStatus> KeepWitnessed(const Options& options, const v1::RunResult& appended) {
  const auto within = std::chrono::seconds(options.wait_witnessed);
  ASSIGN_OR_RETURN(const std::unique_ptr<WitnessStatusClient> witnesses, ConnectWitnesses(options.common));
  const auto last = std::max_element(appended.indexes().begin(), appended.indexes().end());
  const uint64_t size = last == appended.indexes().end() ? 0 : *last + 1;
  const StatusOr<v1::Checkpoint> checkpoint = witnesses->GetCheckpoint(size, within);
  if (!checkpoint.ok()) return WithContext(checkpoint.status(), "recorded, but not witnessed");
  std::cerr << "witnessed up to " << checkpoint->tree_size() << " events\n";
  if (options.receipts.empty()) return kDone;
  for (uint64_t index : appended.indexes()) {
    ASSIGN_OR_RETURN(const v1::Receipt receipt, witnesses->GetReceipt(index, within));
    RETURN_IF_ERROR(WriteReceipt(receipt, Text(options.receipts, "/", index)).status());
  }
  return kDone;
}

}  // namespace

void AddAppend(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("append", "one event, or many from a file");
  verb.footer(
      "Example: anamnesis append --stream device_unit/ICU-7 --type artifact.activated --body body.json \\\n"
      "           --ref unit=device_unit:ICU-7 --ref artifact=model:spleen@0.2.0 --as icu7.key --ledger file:ledger\n"
      "Prints index, recorded time, event id and stream, and findings on stderr. `anamnesis types` lists types, fields "
      "and references.");
  verb.add_option("--stream", options->spec.stream, "the writer's stream, e.g. device_unit/ICU-7");
  verb.add_option("--type", options->spec.type, "the event type");
  verb.add_option("--body", options->body_file, "the body as a JSON file, \"-\" for stdin");
  verb.add_option("--ref", options->spec.refs, "ROLE=KIND:ID@VERSION#DIGEST; repeatable");
  verb.add_option("--occurred-at", options->spec.occurred_at, "TIME or EARLIEST/LATEST (RFC 3339); default: now");
  verb.add_option("--rationale", options->spec.rationale, "why");
  verb.add_option("--on-behalf-of", options->spec.on_behalf_of, "KIND:ID of whom software or a device acts for");
  verb.add_option("--late-reason", options->spec.late_reason, "why it is recorded late");
  verb.add_option("--corrects", options->spec.corrects, "the event id of what this corrects");
  verb.add_option("--cause", options->spec.causes, "the event id of a cause; repeatable");
  verb.add_flag("--retrospective", options->spec.retrospective, "made from other records after the fact");
  verb.add_option("--jsonl", options->jsonl, "many events, one JSON object a line: one run a stream");
  verb.add_option("--receipt", options->receipts, "a directory to keep receipts in");
  verb.add_option("--wait-witnessed", options->wait_witnessed,
                  "wait so many seconds until what was appended is witnessed too; receipts are then witnessed ones")
      ->check(CLI::Range(1, 86400));
  AddKeyOption(verb, options->common);
  AddLedgerOption(verb, options->common);
  AddWithinOption(verb, options->common);
  AddJsonOption(verb, options->common);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const NamedKey key, ReadKeyFile(options->common.key_file));
    ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options->common));
    ASSIGN_OR_RETURN(const v1::RunResult appended, AppendSpecs(*options, *client, key));
    if (options->common.json) RETURN_IF_ERROR(PrintJson(appended));
    if (options->wait_witnessed > 0) return KeepWitnessed(*options, appended);
    if (!options->receipts.empty()) {
      for (uint64_t index : appended.indexes()) {
        RETURN_IF_ERROR(WriteReceipt(*client, index, Text(options->receipts, "/", index)).status());
      }
    }
    return kDone;
  });
}

}  // namespace anamnesis::cli
