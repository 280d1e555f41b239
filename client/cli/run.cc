// A training run recorded as a side effect of running it: nothing in the script changes.

#include "client/cli/run.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>
#include <system_error>
#include <utility>

#include "anamnesis/v1/vocabulary_data.pb.h"
#include "anamnesis/v1/vocabulary_model.pb.h"
#include "client/cli/capture.h"
#include "client/cli/command_options.h"
#include "client/cli/program.h"
#include "client/cli/run_end.h"
#include "client/cli/write.h"
#include "client/importers/document.h"

namespace anamnesis::cli {
namespace {

struct Options : WriteOptions {
  std::string run;
  std::vector<std::string> datasets;
  RunFiles files;
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

// The versions of an item that events define.
StatusOr<std::vector<std::string>> RecordedVersions(LedgerClient& client, std::string_view kind,
                                                    const std::string& id) {
  v1::Question question;
  v1::EntityRef& entity = *question.mutable_status()->mutable_entity();
  entity.set_kind(std::string(kind));
  entity.set_id(id);
  question.mutable_status()->set_limit(1);
  std::vector<std::string> versions;
  const StatusOr<v1::Answer> answer = client.Ask(question);
  if (absl::IsNotFound(answer.status())) return versions;
  RETURN_IF_ERROR(answer.status());
  for (const v1::StatusAnswer::Version& version : answer->status().versions()) {
    if (version.has_defined()) versions.push_back(version.version());
  }
  return versions;
}

StatusOr<bool> IsRecorded(LedgerClient& client, std::string_view kind, const Version& named) {
  ASSIGN_OR_RETURN(const std::vector<std::string> versions, RecordedVersions(client, kind, named.id));
  return std::find(versions.begin(), versions.end(), named.version) != versions.end();
}

// Whether the dataset's version must be recorded first. A version that there isn't, of a dataset that there is, is
// rather one that was meant otherwise.
StatusOr<bool> IsNewDataset(LedgerClient& client, const std::string& option, const Version& dataset) {
  ASSIGN_OR_RETURN(const std::vector<std::string> versions, RecordedVersions(client, "dataset", dataset.id));
  if (std::find(versions.begin(), versions.end(), dataset.version) != versions.end()) return false;
  if (!versions.empty()) {
    std::string known;
    for (const std::string& version : versions) known += Text(known.empty() ? "" : ", ", version);
    return absl::InvalidArgumentError(Text("--dataset: \"", option, "\": no event defines this version, but ", known,
                                           "; record it first (dataset.curated, or `anamnesis dataset seal`)"));
  }
  std::cerr << "not recorded: what dataset " << option << " is; no event defines it, so all of that is missing\n";
  return true;
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
  if (used)
    return absl::AlreadyExistsError(Text("RUN: \"", options.run,
                                         "\" is recorded already; name another. One whose end is missing "
                                         "gets it by `append`: training_run.completed, .failed or .aborted"));
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
    ASSIGN_OR_RETURN(const bool is_new, IsNewDataset(*client, text, dataset));
    if (is_new) drafts.push_back(DatasetDraft(dataset));
    AddReference(start, "dataset", "dataset", dataset.id, dataset.version);
  }
  ASSIGN_OR_RETURN(const bool recorded, IsRecorded(*client, "code_revision", {code.repository, code.version}));
  if (!recorded) drafts.push_back(CodeDraft(code));
  AddReference(start, "code", "code_revision", code.repository, code.version);
  drafts.push_back(std::move(start));
  return drafts;
}

bool OutputsAreThere(const std::vector<std::string>& outputs) {
  return std::all_of(outputs.begin(), outputs.end(), [](const std::string& path) {
    std::error_code unknown;
    return std::filesystem::exists(path, unknown);
  });
}

// Everything that the events say, in UTF-8, as it has to be.
Status CheckTexts(const Options& options) {
  std::vector<std::pair<std::string_view, const std::string*>> texts = {{"RUN", &options.run},
                                                                        {"--rationale", &options.rationale}};
  for (const std::string& dataset : options.datasets) texts.emplace_back("--dataset", &dataset);
  for (const std::string& argument : options.command) texts.emplace_back("COMMAND", &argument);
  for (const auto& [option, text] : texts) {
    if (!IsUtf8(*text)) {
      return absl::InvalidArgumentError(Text(option, ": ", Quoted(*text), " is not UTF-8, as all that is recorded is"));
    }
  }
  return CheckEndDraft(options.run, options.files);
}

// Runs the command, unless a signal came before.
RunEnd RunCommand(const Options& options, const StopSignals& signals) {
  const auto begun = std::chrono::steady_clock::now();
  StatusOr<Ended> ended = Ended{0, signals.last()};
  if (signals.count() == 0) ended = signals.Run(options.command, options.common.json);
  if (!ended.ok()) {
    std::cerr << MessageOf(ended.status()) << "\n";
    ended = Ended{127, 0};
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begun);
  return {*ended, signals.last(), static_cast<uint64_t>(seconds.count())};
}

StatusOr<ExitStatus> Run(const Options& options) {
  RETURN_IF_ERROR(CheckTexts(options));
  const StatusOr<CodeState> code = FindCode(options.code_directory);
  if (!code.ok()) return absl::InvalidArgumentError(Text("--code: ", MessageOf(code.status())));
  ASSIGN_OR_RETURN(std::vector<EventDraft> before, BeforeRun(options, *code));
  // From here on the run has an end to record.
  const StopSignals signals;
  // First recorded, then run: a run that nobody hears of again is seen as unaccounted for.
  v1::RunResult all;
  RETURN_IF_ERROR(AppendAndReport(options, IdentifyNow(options, std::move(before)), all));
  std::cout.flush();
  const RunEnd end = RunCommand(options, signals);
  std::vector<std::string> missing;
  EventDraft draft = EndDraft(options.run, options.files, end, missing);
  for (const std::string& one : missing) std::cerr << "not recorded: " << one << "\n";
  const Status recorded =
      RecordEnd(options, options.run, IdentifyNow(options, {std::move(draft)}).front(), signals, all);
  if (options.common.json) RETURN_IF_ERROR(PrintJson(all));
  RETURN_IF_ERROR(recorded);
  return end.ended.well() && OutputsAreThere(options.files.outputs) ? kDone : kAnswerIsNo;
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
      "Exit status 1 when the script fails or an --output isn't there, which is recorded too. A signal to stop is "
      "passed\n"
      "on to the script, and its end recorded. When the ledger can't be reached then, the end is tried for --within,\n"
      "kept in a file anamnesis-run-RUN-ID.jsonl, and recorded by `anamnesis append --jsonl`. With --json the "
      "script's\n"
      "standard output goes to standard error.");
  verb.add_option("RUN", options->run, "the training run's id, which was not used before")->required();
  verb.add_option("--dataset", options->datasets, "NAME@VERSION that it trains on; repeatable")->required();
  verb.add_option("--code", options->code_directory, "the Git work tree of the code; default: here");
  verb.add_option("--output", options->files.outputs, "a file that it makes; repeatable");
  verb.add_option("--metrics", options->files.metrics, "a JSON object of numbers that it makes; repeatable");
  verb.add_option("--purpose", options->purpose, "initial, fine_tune, adaptation or ablation; default: initial");
  verb.add_option("COMMAND", options->command, "after --: the program and its arguments")->required();
  AddWriteOptions(verb, *options);
  SetAction(verb, [options] { return Run(*options); });
}

}  // namespace anamnesis::cli
