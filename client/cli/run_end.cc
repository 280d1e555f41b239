#include "client/cli/run_end.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>

#include "client/cli/event_text.h"
#include "client/cli/json_text.h"
#include "client/cpp/object_client.h"
#include "client/importers/document.h"
#include "ledger/base/digest.h"
#include "ledger/base/limits.h"
#include "ledger/engine/files.h"
#include "ledger/event/refusal.h"
#include "ledger/event/vocabulary.h"
#include "ledger/query/events.h"

namespace anamnesis::cli {
namespace {

using std::chrono::steady_clock;

// For one try of recording the end; then the next node, or the file, gets its turn.
constexpr std::chrono::seconds kTryWithin(5);
constexpr std::chrono::milliseconds kTryAgain(500);
constexpr std::chrono::milliseconds kLookForSignals(50);

// What the text of the event has room for, whatever a script reports.
constexpr size_t kReasonBytesMax = 1024;

constexpr std::array<std::string_view, 3> kNoNumbers = {"NaN", "-Infinity", "Infinity"};

// JSON as Python's json.dump writes it, with the three numbers that JSON doesn't have as strings.
std::string WithoutNoNumbers(std::string_view text) {
  std::string json;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (in_string && text[i] == '\\' && i + 1 < text.size()) {
      json += text[i++];
    } else if (text[i] == '"') {
      in_string = !in_string;
    } else if (!in_string) {
      const auto found = std::find_if(kNoNumbers.begin(), kNoNumbers.end(),
                                      [&](std::string_view word) { return text.substr(i).starts_with(word); });
      if (found != kNoNumbers.end()) {
        json += Text("\"", *found, "\"");
        i += found->size() - 1;
        continue;
      }
    }
    json += text[i];
  }
  return json;
}

bool IsNoNumber(const Document& value) {
  return value.kind == Document::Kind::kString &&
         std::find(kNoNumbers.begin(), kNoNumbers.end(), value.text) != kNoNumbers.end();
}

// By the vocabulary's own rules.
bool CanBeRecorded(const v1::Metric& metric) {
  v1::TrainingRunFailed alone;
  alone.set_reason("-");
  *alone.add_metrics() = metric;
  return ValidateBody(alone).ok();
}

// The files that the run was to make; one that isn't there has no digest, which is recorded so.
void AddOutputs(const std::vector<std::string>& outputs, google::protobuf::RepeatedPtrField<v1::FileRecord>& files,
                std::vector<std::string>& missing) {
  for (const std::string& path : outputs) {
    v1::FileRecord& record = *files.Add();
    record.set_path(path);
    const StatusOr<HashedFile> file = HashFile(path);
    record.set_missing_digest(!file.ok());
    if (!file.ok()) {
      missing.push_back(Text("--output: ", MessageOf(file.status())));
      continue;
    }
    record.set_size_bytes(file->size);
    record.mutable_digest()->set_algorithm(v1::SHA256);
    record.mutable_digest()->set_value(file->digest.bytes());
  }
}

// How it ended, for a person.
std::string ReasonOf(const RunEnd& end, const std::vector<std::string>& left_out) {
  std::string reason = "the command ended";
  if (end.ended.signal != 0) {
    reason = Text("the command was killed by signal ", end.ended.signal);
  } else if (end.ended.exit_status != 0) {
    reason = Text("the command ended with exit status ", end.ended.exit_status);
  }
  if (end.stopped_by != 0 && end.stopped_by != end.ended.signal) {
    reason += Text(", after signal ", end.stopped_by, " asked it to");
  }
  for (const std::string& one : left_out) {
    const std::string more = Text("; ", one);
    if (reason.size() + more.size() > kReasonBytesMax) break;
    reason += more;
  }
  return reason;
}

template <typename Body>
void AddFiles(const RunFiles& files, const Metrics& metrics, const RunEnd& end, Body& body,
              std::vector<std::string>& missing) {
  AddOutputs(files.outputs, *body.mutable_outputs(), missing);
  for (const v1::Metric& metric : metrics.values) *body.add_metrics() = metric;
  body.set_wall_time_s(end.seconds);
}

EventDraft Finished(const std::string& run, std::shared_ptr<const google::protobuf::Message> body) {
  EventDraft draft;
  draft.body = std::move(body);
  AddReference(draft, "training_run", "training_run", run);
  return draft;
}

bool IsWorthAnotherTry(const Status& status) {
  return absl::IsUnavailable(status) || absl::IsUnknown(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsAborted(status) || absl::IsResourceExhausted(status);
}

// The leaf that has the event's id already: of a try whose outcome wasn't known.
std::optional<uint64_t> RecordedBefore(const Status& status) {
  const auto detail = RefusalDetailOf(status);
  if (!detail.has_value() || detail->reason() != v1::EVENT_ID_TAKEN) return std::nullopt;
  return detail->existing_index();
}

Status ReportRecorded(const WriteOptions& options, const IdentifiedDraft& end, uint64_t index, v1::RunResult& all) {
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  v1::GetEventRequest request;
  request.set_index(index);
  ASSIGN_OR_RETURN(const v1::Event event, client->GetEvent(request));
  ASSIGN_OR_RETURN(const Timestamp recorded, FromProtoTime(event.recorded(), "recorded"));
  Report(
      options.common, {{end.id, LeafIndex(index), recorded, {}}}, [&](size_t) { return event.header().type(); }, all);
  return OkStatus();
}

Status TryToRecord(WriteOptions options, const IdentifiedDraft& end, v1::RunResult& all) {
  options.common.append_within = std::min(options.common.append_within, kTryWithin);
  options.common.read_within = kTryWithin;
  options.common.was_there = true;
  RetryPolicy once;
  once.tries = 1;
  const Status status = AppendAndReport(options, {end}, all, once);
  const std::optional<uint64_t> index = RecordedBefore(status);
  return index.has_value() ? ReportRecorded(options, end, *index, all) : status;
}

// False when more signals have come than `before`.
bool Wait(std::chrono::milliseconds pause, const StopSignals& signals, int before) {
  const auto until = steady_clock::now() + pause;
  while (steady_clock::now() < until) {
    if (signals.count() != before) return false;
    std::this_thread::sleep_for(kLookForSignals);
  }
  return true;
}

// The file in which an end waits that could not be recorded yet.
class KeptEnd {
 public:
  // The run's id is in the name for a person; the event's makes it the name of no other end's file.
  KeptEnd(const WriteOptions& options, const std::string& run, const IdentifiedDraft& end)
      : options_(options), end_(end) {
    std::string name = run.substr(0, kRunInNameMax);
    for (char& c : name) {
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
      if (!plain && c != '.' && c != '-') c = '-';
    }
    std::error_code unknown;
    const std::filesystem::path here = std::filesystem::current_path(unknown);
    path_ = (here / Text("anamnesis-run-", name, "-", end.id.text(), ".jsonl")).string();
  }

  void Keep() {
    if (tried_) return;
    tried_ = true;
    kept_ = Write();
    if (!kept_.ok()) return;
    std::cerr << "the run's end is kept in " << path_ << " until it is recorded\n";
  }

  void Remove() {
    std::error_code ignored;
    if (tried_ && kept_.ok()) std::filesystem::remove(path_, ignored);
  }

  // What to do about an end that was not recorded.
  Status Explain(const Status& why) const {
    const std::string remedy =
        kept_.ok() ? Text("it is kept in ", path_, ". When the ledger is back:\n  anamnesis append --jsonl '", path_,
                          "' --as ", options_.common.key_file, " --ledger ", options_.common.ledger)
                   : Text("nor can it be kept: ", MessageOf(kept_));
    return Status(why.code(), Text("the run's end is not recorded: ", MessageOf(why), "; ", remedy));
  }

 private:
  Status Write() const {
    ASSIGN_OR_RETURN(const std::string line, SpecLine(options_.stream, end_));
    return WriteSmallFile(path_, line);
  }

  static constexpr size_t kRunInNameMax = 100;

  const WriteOptions& options_;
  const IdentifiedDraft& end_;
  std::string path_;
  bool tried_ = false;
  Status kept_;
};

}  // namespace

void AddMetrics(const std::string& file, std::string_view text, Metrics& metrics) {
  const StatusOr<Document> object = ParseJson(WithoutNoNumbers(text));
  if (!object.ok() || object->kind != Document::Kind::kMap) {
    const std::string why = object.ok() ? "is no JSON object" : std::string(MessageOf(object.status()));
    metrics.left_out.push_back(Text("--metrics: ", file, " ", why));
    return;
  }
  for (const Document::Member& member : object->members) {
    v1::Metric metric;
    metric.set_name(member.name);
    // As the script wrote it.
    metric.set_value(member.value.text);
    const bool number = member.value.kind == Document::Kind::kNumber;
    if (number && CanBeRecorded(metric)) {
      metrics.values.push_back(std::move(metric));
    } else if (number || IsNoNumber(member.value)) {
      metrics.left_out.push_back(Text("metric ", member.name, " is ", member.value.text));
    }
  }
}

Metrics ReadMetrics(const std::vector<std::string>& files) {
  Metrics metrics;
  for (const std::string& file : files) {
    const StatusOr<std::string> text = ReadFile(file, kDocumentBytesMax);
    if (text.ok()) {
      AddMetrics(file, *text, metrics);
    } else {
      metrics.left_out.push_back(Text("--metrics: ", MessageOf(text.status())));
    }
  }
  std::stable_sort(metrics.values.begin(), metrics.values.end(),
                   [](const v1::Metric& a, const v1::Metric& b) { return a.name() < b.name(); });
  return metrics;
}

EventDraft EndDraft(const std::string& run, const RunFiles& files, const RunEnd& end,
                    std::vector<std::string>& missing) {
  const Metrics metrics = ReadMetrics(files.metrics);
  missing.insert(missing.end(), metrics.left_out.begin(), metrics.left_out.end());
  if (!end.ended.well()) {
    auto failed = std::make_shared<v1::TrainingRunFailed>();
    failed->set_reason(ReasonOf(end, metrics.left_out));
    AddFiles(files, metrics, end, *failed, missing);
    return Finished(run, std::move(failed));
  }
  auto completed = std::make_shared<v1::TrainingRunCompleted>();
  completed->set_stop_reason(ReasonOf(end, metrics.left_out));
  if (!metrics.left_out.empty()) completed->add_missing("metrics");
  AddFiles(files, metrics, end, *completed, missing);
  return Finished(run, std::move(completed));
}

Status CheckEndDraft(const std::string& run, const RunFiles& files) {
  for (const std::string& output : files.outputs) {
    if (!IsUtf8(output)) {
      return absl::InvalidArgumentError(
          Text("--output: ", Quoted(output), " is not UTF-8, as all that is recorded is"));
    }
    v1::TrainingRunCompleted alone;
    alone.add_outputs()->set_path(output);
    alone.mutable_outputs(0)->set_missing_digest(true);
    const Status fits = ValidateBody(alone);
    if (!fits.ok()) return absl::InvalidArgumentError(Text("--output: ", Quoted(output), ": ", MessageOf(fits)));
  }
  std::vector<std::string> ignored;
  const EventDraft draft = EndDraft(run, {files.outputs, {}}, {}, ignored);
  const size_t bytes = draft.body->ByteSizeLong() + files.outputs.size() * Digest::kSize;
  if (bytes <= limits::kBodyBytesMax / 2) return OkStatus();
  return absl::InvalidArgumentError("--output: these are more files than one event has room for");
}

StatusOr<std::string> SpecLine(const std::string& stream, const IdentifiedDraft& draft) {
  const v1::EventHeader& header = draft.draft.header;
  ASSIGN_OR_RETURN(const std::string body, ToJson(*draft.draft.body, false));
  std::vector<std::string> refs;
  for (const v1::EntityRef& ref : header.refs()) refs.push_back(ReferenceText(ref));
  const std::string type = draft.draft.body->GetDescriptor()->options().GetExtension(v1::event).type();
  std::string line = Text("{\"event_id\": ", Quoted(draft.id.text()), ", \"stream\": ", Quoted(stream),
                          ", \"type\": ", Quoted(type), ", \"refs\": ", JsonList(refs), ", \"occurred_at\": \"",
                          FormatTime(Timestamp(header.occurred_earliest_us())), "\", \"body\": ", body);
  if (!header.rationale().empty()) line += Text(", \"rationale\": ", Quoted(header.rationale()));
  return line + ", \"late_reason\": \"the ledger could not be reached when the run ended\"}\n";
}

Status RecordEnd(const WriteOptions& options, const std::string& run, const IdentifiedDraft& end,
                 const StopSignals& signals, v1::RunResult& all) {
  const auto until = steady_clock::now() + options.common.append_within;
  KeptEnd kept(options, run, end);
  // One that comes during a try counts too.
  const int before = signals.count();
  // Whoever asked to stop may not wait for a try.
  if (before > 0) kept.Keep();
  bool may_be_recorded = false;
  for (;;) {
    const Status status = TryToRecord(options, end, all);
    if (status.ok()) {
      kept.Remove();
      return OkStatus();
    }
    kept.Keep();
    may_be_recorded = may_be_recorded || absl::IsUnknown(status);
    const bool again = IsWorthAnotherTry(status) && steady_clock::now() + kTryAgain < until;
    if (again && Wait(kTryAgain, signals, before)) continue;
    if (!may_be_recorded || absl::IsUnknown(status)) return kept.Explain(status);
    return kept.Explain(absl::UnknownError(Text("outcome unknown: ", MessageOf(status))));
  }
}

}  // namespace anamnesis::cli
