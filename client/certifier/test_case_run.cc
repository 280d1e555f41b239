#include "client/certifier/test_case_run.h"

#include "client/sandbox/file_descriptor.h"

namespace anamnesis {
namespace {

constexpr uint64_t kResultBytesMax = uint64_t{4} << 20;

CaseVerdict Failed(std::string_view reason) {
  CaseVerdict verdict;
  verdict.reasons = {Recordable(reason)};
  return verdict;
}

CaseVerdict Blocked(const Status& status) {
  CaseVerdict verdict = Failed(MessageOf(status));
  verdict.result = v1::TestRunCompleted::BLOCKED;
  return verdict;
}

std::string WhyNotFinished(const SandboxOutcome& outcome) {
  if (outcome.end == SandboxOutcome::End::kWallLimit) return "the wall-clock limit ended it";
  if (outcome.end == SandboxOutcome::End::kOutputLimit) return "the output limit ended it";
  if (!outcome.all_ended) return "processes of it could not be ended";
  if (outcome.exit_code == 0) return "";
  const size_t last = outcome.errors.find_last_not_of('\n');
  const size_t line = last == std::string::npos ? 0 : outcome.errors.rfind('\n', last) + 1;
  return Text("ended with status ", outcome.exit_code, ": ", outcome.errors.substr(line, 512));
}

SandboxCommand CommandOf(const google::protobuf::RepeatedPtrField<std::string>& words,
                         std::vector<SandboxInput> inputs) {
  SandboxCommand command;
  command.arguments.assign(words.begin(), words.end());
  command.inputs = std::move(inputs);
  return command;
}

// Copies of what the artifact's program may see; where they are.
StatusOr<std::string> StageInput(const StagingDirectory& staging, const TestCase& test_case) {
  const std::string input = Text("input/", test_case.name.text());
  RETURN_IF_ERROR(staging.AddDirectory(input));
  for (const std::string& file : test_case.description.artifact_run().inputs()) {
    ASSIGN_OR_RETURN(const std::string bytes, ReadAll(Text(staging.path(), "/suite/", file), kFileBytesMax));
    RETURN_IF_ERROR(staging.AddFile(Text(input, "/", file), bytes));
  }
  return Text(staging.path(), "/", input);
}

// Runs the artifact's program; where what it left is staged. `why_failed` says what it did wrong.
StatusOr<std::string> RunArtifact(const Sandbox& sandbox, const StagingDirectory& staging, const TestCase& test_case,
                                  std::string& why_failed) {
  const v1::ArtifactRun& run = test_case.description.artifact_run();
  ASSIGN_OR_RETURN(const std::string input, StageInput(staging, test_case));
  ASSIGN_OR_RETURN(
      const SandboxOutcome outcome,
      sandbox.Run(CommandOf(run.command(), {{staging.path() + "/artifact", "/artifact"}, {input, "/input"}})));
  why_failed = WhyNotFinished(outcome);
  const std::string output = Text("output/", test_case.name.text());
  RETURN_IF_ERROR(staging.AddDirectory(output));
  for (const std::string& file : run.outputs()) {
    if (!why_failed.empty()) break;
    const StatusOr<std::string> bytes = outcome.results.Read(file, kFileBytesMax);
    if (!bytes.ok()) {
      why_failed = MessageOf(bytes.status());
    } else {
      RETURN_IF_ERROR(staging.AddFile(Text(output, "/", file), *bytes));
    }
  }
  return Text(staging.path(), "/", output);
}

}  // namespace

CaseVerdict RunTestCase(const Sandbox& sandbox, const StagingDirectory& staging, const TestCase& test_case,
                        const AcceptanceCriteria& criteria) {
  SandboxInput judged{staging.path() + "/artifact", "/artifact"};
  if (test_case.description.has_artifact_run()) {
    std::string why_failed;
    const StatusOr<std::string> output = RunArtifact(sandbox, staging, test_case, why_failed);
    if (!output.ok()) return Blocked(output.status());
    if (!why_failed.empty()) return Failed(Text("the artifact's program: ", why_failed));
    judged = {*output, "/output"};
  }
  const StatusOr<SandboxOutcome> outcome =
      sandbox.Run(CommandOf(test_case.description.command(), {{staging.path() + "/suite", "/suite"}, judged}));
  if (!outcome.ok()) return Blocked(outcome.status());
  if (const std::string why = WhyNotFinished(*outcome); !why.empty()) return Failed(why);
  const StatusOr<std::string> json = outcome->results.Read("result.json", kResultBytesMax);
  const StatusOr<v1::SandboxTestResult> result =
      json.ok() ? ParseResult(*json) : StatusOr<v1::SandboxTestResult>(json.status());
  if (!result.ok()) return Failed(MessageOf(result.status()));
  return Judge(test_case.description, *result, criteria);
}

}  // namespace anamnesis
