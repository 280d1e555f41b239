#include "client/certifier/suite.h"

#include <sys/stat.h>

#include <algorithm>

#include "client/sandbox/file_descriptor.h"
#include "google/protobuf/util/json_util.h"
#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"

namespace anamnesis {
namespace {

constexpr uint64_t kDescriptionBytesMax = 1 << 20;
constexpr int kCommandWordsMax = 256;

Status Differs(std::string_view path, std::string_view why) {
  return absl::FailedPreconditionError(Text(path, ": ", why));
}

Status StageFile(const v1::FileRecord& file, const std::string& directory, const std::string& below,
                 const StagingDirectory& staging) {
  if (!StaysBelow(file.path())) return Differs(file.path(), "the recorded path is not below a directory");
  if (file.digest().algorithm() != v1::SHA256) return Differs(file.path(), "is recorded without a SHA-256");
  const std::string source = Text(directory, "/", file.path());
  const StatusOr<std::string> bytes = ReadAll(source, kFileBytesMax);
  if (absl::IsNotFound(bytes.status())) return Differs(file.path(), Text("is not in ", directory));
  RETURN_IF_ERROR(bytes.status());
  if (const Digest found = Sha256(*bytes); found.view() != file.digest().value()) {
    return Differs(file.path(),
                   Text("has sha256:", found.hex(), ", recorded is sha256:", HexEncode(file.digest().value())));
  }
  const std::string target = Text(below, "/", file.path());
  struct stat info = {};
  const bool executable = ::stat(source.c_str(), &info) == 0 && (info.st_mode & S_IXUSR) != 0;
  const StatusOr<std::string> staged = ReadAll(Text(staging.path(), "/", target), kFileBytesMax);
  if (absl::IsNotFound(staged.status())) return staging.AddFile(target, *bytes, executable);
  RETURN_IF_ERROR(staged.status());
  // Shared with another test case, which may have been staged before somebody changed the source.
  return *staged == *bytes ? OkStatus() : Differs(file.path(), "another list of files has other bytes under this path");
}

using Names = google::protobuf::RepeatedPtrField<std::string>;

bool IsAmong(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Status CheckArtifactRun(const std::string& file, const v1::SandboxTestCase& description,
                        const v1::TestCaseApproved& approved) {
  if (!description.has_artifact_run()) return OkStatus();
  const v1::ArtifactRun& run = description.artifact_run();
  if (run.command_size() == 0 || run.command_size() > kCommandWordsMax) {
    return Differs(file, Text("artifact_run.command: 1 to ", kCommandWordsMax, " words are needed"));
  }
  if (run.outputs_size() == 0) return Differs(file, "artifact_run.outputs: nothing would be judged");
  for (const std::string& output : run.outputs()) {
    if (output.empty() || output.find('/') != std::string::npos || !StaysBelow(output)) {
      return Differs(file, Text("artifact_run.outputs: \"", output, "\" is no name of a file in /result"));
    }
  }
  for (const std::string& input : run.inputs()) {
    const bool is_approved = std::any_of(approved.files().begin(), approved.files().end(),
                                         [&](const v1::FileRecord& record) { return record.path() == input; });
    if (!is_approved) return Differs(file, Text("artifact_run.inputs: ", input, " is not among the approved files"));
  }
  return OkStatus();
}

}  // namespace

Status StageFiles(const google::protobuf::RepeatedPtrField<v1::FileRecord>& files, const std::string& directory,
                  const std::string& below, const StagingDirectory& staging) {
  RETURN_IF_ERROR(staging.AddDirectory(below));
  for (const v1::FileRecord& file : files) RETURN_IF_ERROR(StageFile(file, directory, below, staging));
  return OkStatus();
}

StatusOr<TestCase> StageTestCase(const VersionedName& name, const v1::TestCaseApproved& approved,
                                 const std::string& directory, const StagingDirectory& staging) {
  const std::string file = name.text() + ".json";
  const bool described = std::any_of(approved.files().begin(), approved.files().end(),
                                     [&](const v1::FileRecord& record) { return record.path() == file; });
  if (!described) return Differs(name.text(), Text("its approval doesn't cover ", file, "; nothing of it can be run"));
  const Status staged = StageFiles(approved.files(), directory, "suite", staging);
  if (!staged.ok()) return WithContext(staged, Text("test case ", name.text()));
  ASSIGN_OR_RETURN(const std::string json, ReadAll(Text(staging.path(), "/suite/", file), kDescriptionBytesMax));
  TestCase test_case{name, {}, approved.level()};
  const auto parsed = google::protobuf::util::JsonStringToMessage(json, &test_case.description);
  if (!parsed.ok()) return Differs(file, std::string(parsed.message()));
  const v1::SandboxTestCase& description = test_case.description;
  if (description.test_case() != name.text()) return Differs(file, Text("is of ", description.test_case()));
  if (description.command_size() == 0 || description.command_size() > kCommandWordsMax) {
    return Differs(file, Text("command: 1 to ", kCommandWordsMax, " words are needed"));
  }
  if (description.expected_metrics_size() == 0) return Differs(file, "expected_metrics: nothing would be measured");
  for (const auto* verified : {&description.verifies_implementation_of(), &description.verifies_effectiveness_of()}) {
    for (const std::string& control : *verified) {
      if (!IsAmong(description.risk_controls(), control)) {
        return Differs(file, Text("verifies risk control ", control, ", which is not among its risk_controls"));
      }
    }
  }
  RETURN_IF_ERROR(CheckArtifactRun(file, description, approved));
  return test_case;
}

IsolationAspect JudgeAspect(const std::vector<TestCase>& suite) {
  std::string beside;
  for (const TestCase& test_case : suite) {
    if (!test_case.description.has_artifact_run()) beside += Text(beside.empty() ? "" : ", ", test_case.name.text());
  }
  if (suite.empty()) return {"judge", IsolationAspect::State::kNotAvailable, "there is no test case"};
  if (beside.empty()) {
    return {"judge", IsolationAspect::State::kHeld, "every test case runs the artifact in a sandbox of its own"};
  }
  return {"judge", IsolationAspect::State::kNotAvailable,
          Text("the judging program has the artifact in its own sandbox: ", beside)};
}

}  // namespace anamnesis
