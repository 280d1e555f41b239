// A training run recorded as a side effect of running it: nothing in the script changes.

#include "client/cli/run.h"

#include <algorithm>
#include <chrono>
#include <iostream>

#include "anamnesis/v1/vocabulary_data.pb.h"
#include "anamnesis/v1/vocabulary_model.pb.h"
#include "client/cli/capture.h"
#include "client/cli/command_options.h"
#include "client/cli/write.h"
#include "client/cpp/object_client.h"
#include "client/importers/document.h"

namespace anamnesis::cli {
namespace {

struct Options : WriteOptions {
  std::string run;
  std::vector<std::string> datasets;
  std::vector<std::string> outputs;
  std::vector<std::string> metrics;
  std::string code_directory = ".";
  std::string purpose = "INITIAL";
  std::vector<std::string> command;
};

struct Version {
  std::string id;
  std::string version;
};

StatusOr<Version> ParseVersion(std::string_view option, const std::string& text) {
  const size_t at = text.rfind('@');
  if (at != std::string::npos && at > 0 && at + 1 < text.size())
    return Version{text.substr(0, at), text.substr(at + 1)};
  return absl::InvalidArgumentError(Text(option, ": \"", text, "\" is not NAME@VERSION"));
}

StatusOr<bool> IsRecorded(LedgerClient& client, std::string_view kind, const Version& named) {
  v1::Question question;
  v1::EntityRef& entity = *question.mutable_status()->mutable_entity();
  entity.set_kind(std::string(kind));
  entity.set_id(named.id);
  question.mutable_status()->set_limit(1);
  const StatusOr<v1::Answer> answer = client.Ask(question);
  if (absl::IsNotFound(answer.status())) return false;
  RETURN_IF_ERROR(answer.status());
  for (const v1::StatusAnswer::Version& version : answer->status().versions()) {
    if (version.version() == named.version && version.has_defined()) return true;
  }
  return false;
}

EventDraft CodeDraft(const CodeState& code) {
  v1::CodeRevisionRecorded body;
  body.set_vcs("git");
  body.set_commit_id(code.commit);
  body.set_dirty(code.dirty);
  EventDraft draft = DraftOf(std::move(body));
  AddReference(draft, "code", "code_revision", code.repository, code.version);
  return draft;
}

// Nobody said yet what the dataset is: that it was used is recorded, and that the rest is missing.
EventDraft DatasetDraft(const Version& dataset) {
  v1::DatasetCurated body;
  for (const char* missing : {"selection_criteria", "annotators", "record_counts", "dataset_digest"}) {
    body.add_missing(missing);
  }
  EventDraft draft = DraftOf(std::move(body));
  AddReference(draft, "dataset", "dataset", dataset.id, dataset.version);
  return draft;
}

void AddValues(const NamedTexts& values, google::protobuf::RepeatedPtrField<v1::NamedValue>& to) {
  for (const auto& [name, value] : values) {
    v1::NamedValue& added = *to.Add();
    added.set_name(name);
    added.set_value(value);
  }
}

// What is recorded before the command begins.
StatusOr<std::vector<EventDraft>> BeforeRun(const Options& options, const CodeState& code) {
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  ASSIGN_OR_RETURN(const bool used, IsRecorded(*client, "training_run", {options.run, ""}));
  if (used) return absl::AlreadyExistsError(Text("RUN: \"", options.run, "\" is recorded already; name another"));
  std::vector<EventDraft> drafts;
  v1::TrainingRunStarted body;
  v1::TrainingRunStarted::Purpose purpose = v1::TrainingRunStarted::PURPOSE_UNSPECIFIED;
  if (!v1::TrainingRunStarted::Purpose_Parse(Upper(options.purpose), &purpose)) {
    return absl::InvalidArgumentError(
        Text("--purpose: \"", options.purpose, "\" is none of INITIAL, FINE_TUNE, ADAPTATION and ABLATION"));
  }
  body.set_purpose(purpose);
  const CapturedTexts told = OptionsOf(options.command);
  const CapturedTexts environment = EnvironmentOf(options.command);
  AddValues(told.values, *body.mutable_hyperparameters());
  AddValues(environment.values, *body.mutable_environment());
  for (const auto* missing : {&told.missing, &environment.missing}) {
    for (const std::string& name : *missing) {
      std::cerr << "not recorded: " << name << "\n";
      body.add_missing(name);
    }
  }
  body.set_hardware(HardwareText());
  EventDraft start = DraftOf(std::move(body));
  AddReference(start, "training_run", "training_run", options.run);
  for (const std::string& text : options.datasets) {
    ASSIGN_OR_RETURN(const Version dataset, ParseVersion("--dataset", text));
    ASSIGN_OR_RETURN(const bool recorded, IsRecorded(*client, "dataset", dataset));
    if (!recorded) drafts.push_back(DatasetDraft(dataset));
    AddReference(start, "dataset", "dataset", dataset.id, dataset.version);
  }
  ASSIGN_OR_RETURN(const bool recorded, IsRecorded(*client, "code_revision", {code.repository, code.version}));
  if (!recorded) drafts.push_back(CodeDraft(code));
  AddReference(start, "code", "code_revision", code.repository, code.version);
  drafts.push_back(std::move(start));
  return drafts;
}

// The files that the run was to make; one that isn't there has no digest, which is recorded so.
void AddOutputs(const Options& options, google::protobuf::RepeatedPtrField<v1::FileRecord>& files) {
  for (const std::string& path : options.outputs) {
    v1::FileRecord& record = *files.Add();
    record.set_path(path);
    const StatusOr<HashedFile> file = HashFile(path);
    record.set_missing_digest(!file.ok());
    if (!file.ok()) continue;
    record.set_size_bytes(file->size);
    record.mutable_digest()->set_algorithm(v1::SHA256);
    record.mutable_digest()->set_value(file->digest.bytes());
  }
}

Status AddMetrics(const Options& options, google::protobuf::RepeatedPtrField<v1::Metric>& metrics) {
  for (const std::string& path : options.metrics) {
    const StatusOr<std::string> text = ReadFile(path);
    // A run that failed may not have come so far.
    if (!text.ok()) continue;
    const StatusOr<Document> object = ParseJson(*text);
    if (!object.ok() || object->kind != Document::Kind::kMap) {
      return absl::InvalidArgumentError(Text("--metrics: ", path, " is no JSON object"));
    }
    for (const Document::Member& member : object->members) {
      if (member.value.kind != Document::Kind::kNumber) continue;
      v1::Metric& metric = *metrics.Add();
      metric.set_name(member.name);
      // As the script wrote it.
      metric.set_value(member.value.text);
    }
  }
  std::sort(metrics.begin(), metrics.end(),
            [](const v1::Metric& a, const v1::Metric& b) { return a.name() < b.name(); });
  return OkStatus();
}

StatusOr<EventDraft> AfterRun(const Options& options, const Ended& ended, uint64_t seconds) {
  const auto finish = [&](auto body) -> StatusOr<EventDraft> {
    AddOutputs(options, *body.mutable_outputs());
    RETURN_IF_ERROR(AddMetrics(options, *body.mutable_metrics()));
    body.set_wall_time_s(seconds);
    EventDraft draft = DraftOf(std::move(body));
    AddReference(draft, "training_run", "training_run", options.run);
    return draft;
  };
  if (ended.exit_status == 0 && ended.signal == 0) {
    v1::TrainingRunCompleted body;
    body.set_stop_reason("the command ended");
    return finish(std::move(body));
  }
  v1::TrainingRunFailed body;
  body.set_reason(ended.signal != 0 ? Text("the command was killed by signal ", ended.signal)
                                    : Text("the command ended with exit status ", ended.exit_status));
  return finish(std::move(body));
}

StatusOr<ExitStatus> Run(const Options& options) {
  const StatusOr<CodeState> code = FindCode(options.code_directory);
  if (!code.ok()) return absl::InvalidArgumentError(Text("--code: ", MessageOf(code.status())));
  ASSIGN_OR_RETURN(std::vector<EventDraft> before, BeforeRun(options, *code));
  // First recorded, then run: a run that nobody hears of again is seen as unaccounted for.
  RETURN_IF_ERROR(AppendAndPrint(options, std::move(before)).status());
  const auto begun = std::chrono::steady_clock::now();
  StatusOr<Ended> ended = RunProgram(options.command);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begun);
  if (!ended.ok()) {
    std::cerr << MessageOf(ended.status()) << "\n";
    ended = Ended{127, 0};
  }
  ASSIGN_OR_RETURN(EventDraft after, AfterRun(options, *ended, static_cast<uint64_t>(seconds.count())));
  std::vector<EventDraft> drafts;
  drafts.push_back(std::move(after));
  RETURN_IF_ERROR(AppendAndPrint(options, std::move(drafts)).status());
  return ended->exit_status == 0 && ended->signal == 0 ? kDone : kAnswerIsNo;
}

}  // namespace

void AddRun(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb =
      *app.add_subcommand("run", "runs a training script and records the run, its data, code and environment");
  verb.footer(
      "Example: anamnesis run spleen-42 --dataset spleen@3 --output model.pt --metrics metrics.json --as ada.key \\\n"
      "           -- python3 train.py --learning-rate 0.001 --epochs 50\n"
      "Recorded before the script begins: the Git commit (and whether the work tree differs from it), the dataset's\n"
      "version, the script's own options and arguments as hyperparameters, packages and hardware; after its end: how\n"
      "it ended, how long it took, digests of the outputs, and the numbers in the metrics file. The script is not\n"
      "changed.\n"
      "What is named like a secret is withheld (--token X, HF_TOKEN=X, wandb.api_key=X, URLs with a password), and so\n"
      "is what follows `sh -c`. A secret that nothing names is recorded, for ever: give it in a file or the "
      "environment.\n"
      "Exit status 1 when the script fails, which is recorded too.");
  verb.add_option("RUN", options->run, "the training run's id, which was not used before")->required();
  verb.add_option("--dataset", options->datasets, "NAME@VERSION that it trains on; repeatable")->required();
  verb.add_option("--code", options->code_directory, "the Git work tree of the code; default: here");
  verb.add_option("--output", options->outputs, "a file that it makes; repeatable");
  verb.add_option("--metrics", options->metrics, "a JSON object of numbers that it makes; repeatable");
  verb.add_option("--purpose", options->purpose, "initial, fine_tune, adaptation or ablation; default: initial");
  verb.add_option("COMMAND", options->command, "after --: the program and its arguments")->required();
  AddWriteOptions(verb, *options);
  SetAction(verb, [options] { return Run(*options); });
}

}  // namespace anamnesis::cli
