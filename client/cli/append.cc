#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <map>
#include <sstream>
#include <system_error>
#include <utility>

#include "absl/types/span.h"
#include "client/cli/context.h"
#include "client/cli/event_spec.h"
#include "client/cli/receipts.h"
#include "client/cli/write.h"
#include "ledger/event/refusal.h"

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

struct PlacedSpec {
  EventSpec spec;
  // In the file of --jsonl, from 1.
  size_t line = 0;
};

Status AtLine(const Options& options, size_t line, const Status& status) {
  return options.jsonl.empty() ? status : WithContext(status, Text(options.jsonl, " line ", line));
}

StatusOr<std::vector<PlacedSpec>> ReadSpecs(const Options& options) {
  if (options.jsonl.empty()) {
    EventSpec spec = options.spec;
    if (spec.stream.empty() || spec.type.empty()) {
      return absl::InvalidArgumentError("--stream and --type are required without --jsonl");
    }
    if (!options.body_file.empty()) {
      const StatusOr<std::string> body = ReadFile(options.body_file);
      if (!body.ok()) {
        return absl::InvalidArgumentError(Text("--body: ", MessageOf(body.status()),
                                               "; give the name of a JSON file, or - to have it read from stdin"));
      }
      spec.body_json = *body;
    }
    return std::vector<PlacedSpec>{{std::move(spec)}};
  }
  ASSIGN_OR_RETURN(const std::string text, ReadFile(options.jsonl));
  std::vector<PlacedSpec> specs;
  std::istringstream lines(text);
  std::string line;
  for (size_t number = 1; std::getline(lines, line); ++number) {
    if (line.empty()) continue;
    StatusOr<EventSpec> spec = ParseSpecLine(line);
    if (!spec.ok()) return AtLine(options, number, spec.status());
    specs.push_back({*std::move(spec), number});
  }
  return specs;
}

// The events of a stream, which are as few runs as limits allow.
struct StreamDrafts {
  std::string stream;
  std::vector<IdentifiedDraft> drafts;
  // Where each was written.
  std::vector<size_t> lines;
  // So many of the first are recorded.
  size_t recorded = 0;
};

// This process ends, and a later one would make other events: so it is said how to find out.
Status WithIds(const Status& status, const StreamDrafts& of) {
  std::string message = Text(MessageOf(status), ". Before you append again, look whether they are recorded:");
  for (size_t i = of.recorded; i < of.drafts.size(); ++i) {
    message += Text("\n  anamnesis show --linearizable ", of.drafts[i].id.text());
  }
  return Status(status.code(), message);
}

// The line that a refusal is about, when it is about one event.
Status WithLine(const Options& options, const Status& status, const StreamDrafts& of) {
  const auto detail = RefusalDetailOf(status);
  if (!detail.has_value() || detail->event_index() >= of.lines.size()) return status;
  const bool of_run = detail->field().starts_with("run") || detail->field().starts_with("seal");
  return of_run ? status : AtLine(options, of.lines[detail->event_index()], status);
}

// The lines that are not known to be recorded, such as "lines 4 to 9, 12".
std::string LinesLeft(absl::Span<const StreamDrafts> streams) {
  std::vector<size_t> left;
  for (const StreamDrafts& of : streams) {
    left.insert(left.end(), of.lines.begin() + static_cast<std::ptrdiff_t>(of.recorded), of.lines.end());
  }
  std::sort(left.begin(), left.end());
  std::string text = left.size() == 1 ? "line " : "lines ";
  for (size_t begin = 0; begin < left.size();) {
    size_t end = begin + 1;
    while (end < left.size() && left[end] == left[end - 1] + 1) ++end;
    text += Text(begin == 0 ? "" : ", ", left[begin]);
    if (end - begin > 1) text += Text(" to ", left[end - 1]);
    begin = end;
  }
  return text;
}

// What became of the lines that are not known to be recorded: the first of these streams failed, and nothing was sent
// of the others.
std::string BecameOf(const Options& options, absl::Span<const StreamDrafts> streams, const Status& why) {
  if (!absl::IsUnknown(why)) return Text("not ", options.jsonl, " ", LinesLeft(streams));
  std::string text = Text("not known of ", options.jsonl, " ", LinesLeft(streams.first(1)));
  if (streams.size() > 1) text += Text("; not sent: ", LinesLeft(streams.subspan(1)));
  return text;
}

// The streams in the order of their first event.
StatusOr<std::vector<StreamDrafts>> DraftSpecs(const Options& options, std::vector<PlacedSpec> specs,
                                               LedgerClient& client) {
  std::vector<StreamDrafts> streams;
  std::map<std::string, size_t> places;
  for (auto& [spec, line] : specs) {
    const Status resolved = ResolveNames(client, spec);
    StatusOr<IdentifiedDraft> draft = resolved.ok() ? ToIdentifiedDraft(spec) : resolved;
    if (!draft.ok()) return AtLine(options, line, draft.status());
    const auto [place, is_new] = places.emplace(spec.stream, streams.size());
    if (is_new) streams.push_back({spec.stream, {}, {}});
    streams[place->second].drafts.push_back(*std::move(draft));
    streams[place->second].lines.push_back(line);
  }
  return streams;
}

// Appends a stream's events; prints those that are recorded, whatever became of the rest, and adds them to `all`.
Status AppendStream(const Options& options, LedgerClient& client, const NamedKey& key, StreamDrafts& of,
                    v1::RunResult& all) {
  RetryPolicy retry;
  retry.within = options.common.append_within;
  ASSIGN_OR_RETURN(const std::unique_ptr<StreamWriter> writer, StreamWriter::Open(client, key, of.stream, retry));
  const auto report = [&](const std::vector<Appended>& appended) {
    Report(
        options.common, appended, [&](size_t) { return of.stream; }, all);
    of.recorded += appended.size();
  };
  const Status status = writer->Append(of.drafts, report).status();
  return absl::IsUnknown(status) ? WithIds(status, of) : WithLine(options, status, of);
}

// Whoever took a failure for wrong input would append again what is recorded already.
ExitStatus RecordedBut(const v1::RunResult& appended, std::string_view what, const Status& why,
                       ExitStatus exit_status = kResultLost) {
  const auto [first, last] = std::minmax_element(appended.indexes().begin(), appended.indexes().end());
  std::cerr << "anamnesis append: recorded (leaf " << *first;
  if (*last != *first) std::cerr << " to " << *last;
  std::cerr << "), but " << what << ": " << MessageOf(why) << "\n";
  return exit_status;
}

// Of `streams` the first was not appended, or it isn't known whether it was.
StatusOr<ExitStatus> Failed(const Options& options, absl::Span<const StreamDrafts> streams, const Status& why,
                            const v1::RunResult& appended) {
  const bool unknown = absl::IsUnknown(why);
  const std::string lines = options.jsonl.empty() ? "" : BecameOf(options, streams, why);
  if (appended.indexes().empty()) return unknown && !lines.empty() ? WithContext(why, lines) : why;
  return RecordedBut(appended, lines, why, unknown ? kOutcomeUnknown : kResultLost);
}

// What was appended is durable already, and stays so when it isn't witnessed in time.
Status WaitWitnessed(const Options& options, WitnessStatusClient& witnesses, const v1::RunResult& appended) {
  const uint64_t last = *std::max_element(appended.indexes().begin(), appended.indexes().end());
  ASSIGN_OR_RETURN(const v1::Checkpoint checkpoint,
                   witnesses.GetCheckpoint(last + 1, std::chrono::seconds(options.wait_witnessed)));
  std::cerr << "witnessed up to " << checkpoint.tree_size() << " events\n";
  return OkStatus();
}

// Without `witnesses` as the ledger gives them at once.
Status KeepReceipts(const Options& options, LedgerClient& client, WitnessStatusClient* witnesses,
                    const v1::RunResult& appended) {
  for (const uint64_t index : appended.indexes()) {
    const std::string path = Text(options.receipts, "/", index);
    if (witnesses == nullptr) {
      RETURN_IF_ERROR(WriteReceipt(client, index, path).status());
      continue;
    }
    ASSIGN_OR_RETURN(const v1::Receipt receipt,
                     witnesses->GetReceipt(index, std::chrono::seconds(options.wait_witnessed)));
    RETURN_IF_ERROR(WriteReceipt(receipt, path).status());
  }
  return OkStatus();
}

// Null when nobody is to be waited for. FAILED_PRECONDITION when the node would wait in vain.
StatusOr<std::unique_ptr<WitnessStatusClient>> FindWitnesses(const Options& options) {
  if (options.wait_witnessed == 0) return std::unique_ptr<WitnessStatusClient>();
  ASSIGN_OR_RETURN(std::unique_ptr<WitnessStatusClient> witnesses, ConnectWitnesses(options.common));
  ASSIGN_OR_RETURN(const v1::WitnessStatus status, witnesses->GetStatus());
  if (status.has_witnessed_size()) return witnesses;
  return absl::FailedPreconditionError(
      "--wait-witnessed: the node has no policy that says what is witnessed (anamnesisd --witness-policy)");
}

Status MakeReceiptDirectory(const std::string& directory) {
  if (directory.empty()) return OkStatus();
  std::error_code failed;
  std::filesystem::create_directories(directory, failed);
  if (!failed && ::access(directory.c_str(), W_OK | X_OK) == 0) return OkStatus();
  return absl::InvalidArgumentError(Text("--receipt: \"", directory, "\" can't be written to: ",
                                         failed ? failed.message() : std::generic_category().message(errno)));
}

// All that can be found wrong is found before anything is recorded.
StatusOr<ExitStatus> Append(const Options& options) {
  ASSIGN_OR_RETURN(const NamedKey key, ReadKeyFile(options.common.key_file));
  ASSIGN_OR_RETURN(std::vector<PlacedSpec> specs, ReadSpecs(options));
  RETURN_IF_ERROR(MakeReceiptDirectory(options.receipts));
  ASSIGN_OR_RETURN(const std::unique_ptr<WitnessStatusClient> witnesses, FindWitnesses(options));
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  ASSIGN_OR_RETURN(std::vector<StreamDrafts> streams, DraftSpecs(options, std::move(specs), *client));
  v1::RunResult all;
  Status failed;
  size_t done = 0;
  while (done < streams.size() && failed.ok()) {
    failed = AppendStream(options, *client, key, streams[done], all);
    if (failed.ok()) ++done;
  }
  // Of what is recorded, whatever became of the rest.
  if (options.common.json && (failed.ok() || !all.indexes().empty())) RETURN_IF_ERROR(PrintJson(all));
  if (!failed.ok()) return Failed(options, absl::MakeConstSpan(streams).subspan(done), failed, all);
  if (all.indexes().empty()) return kDone;
  if (witnesses != nullptr) {
    const Status witnessed = WaitWitnessed(options, *witnesses, all);
    if (!witnessed.ok()) return RecordedBut(all, "not witnessed", witnessed);
  }
  if (options.receipts.empty()) return kDone;
  const Status kept = KeepReceipts(options, *client, witnesses.get(), all);
  return kept.ok() ? kDone : RecordedBut(all, "without all receipts; see `anamnesis receipt`", kept);
}

}  // namespace

void AddAppend(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("append", "one event, or many from a file");
  verb.footer(
      "Example: anamnesis append --stream device_unit/ICU-7 --type artifact.activated --body body.json \\\n"
      "           --ref unit=device_unit:ICU-7 --ref artifact=model:spleen@0.2.0 --as icu7.key\n"
      "Prints index, recorded time, event id and stream, and findings on stderr. `anamnesis types` lists types, fields "
      "and references.\n"
      "Exit status 5: recorded, but without its receipts or witnesses, or not all lines of --jsonl: those that are not "
      "are named,\nthe others must not be appended again. Exit status 4: it is not known of the lines that are named "
      "first; look before\nyou append them again.");
  verb.add_option("--stream", options->spec.stream, "the writer's stream, e.g. device_unit/ICU-7");
  verb.add_option("--type", options->spec.type, "the event type");
  verb.add_option("--body", options->body_file, "the body as a JSON file, \"-\" for stdin");
  verb.add_option("--ref", options->spec.refs, "ROLE=KIND:ID@VERSION#DIGEST; repeatable");
  verb.add_option(
      "--occurred-at", options->spec.occurred_at,
      "TIME or EARLIEST/LATEST (RFC 3339); default: now, or when that happened which this takes the place of");
  verb.add_option("--rationale", options->spec.rationale, "why");
  verb.add_option("--on-behalf-of", options->spec.on_behalf_of, "KIND:ID of whom software or a device acts for");
  verb.add_option("--late-reason", options->spec.late_reason, "why it is recorded late");
  verb.add_option("--corrects", options->spec.corrects,
                  "leaf or event id of what this corrects, or, of the same type, takes the place of");
  verb.add_option("--cause", options->spec.causes, "leaf or event id of a cause; repeatable");
  verb.add_flag("--retrospective", options->spec.retrospective, "made from other records after the fact");
  CLI::Option* jsonl = verb.add_option("--jsonl", options->jsonl,
                                       "many events, one JSON object a line, which says all of its event; a stream's "
                                       "are one run, or as few as limits allow; what carries a signature is a run of "
                                       "its own");
  for (const char* of_one : {"--stream", "--type", "--body", "--ref", "--occurred-at", "--rationale", "--on-behalf-of",
                             "--late-reason", "--corrects", "--cause", "--retrospective"}) {
    jsonl->excludes(verb.get_option(of_one));
  }
  verb.add_option("--receipt", options->receipts, "a directory to keep receipts in; made when it isn't there");
  verb.add_option("--wait-witnessed", options->wait_witnessed,
                  "wait so many seconds until what was appended is witnessed too; receipts are then witnessed ones")
      ->check(CLI::Range(1, 86400));
  AddKeyOption(verb, options->common);
  AddLedgerOption(verb, options->common);
  AddWithinOption(verb, options->common);
  AddJsonOption(verb, options->common);
  SetAction(verb, [options] { return Append(*options); });
}

}  // namespace anamnesis::cli
