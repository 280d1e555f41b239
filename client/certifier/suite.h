#ifndef ANAMNESIS_CLIENT_CERTIFIER_SUITE_H_
#define ANAMNESIS_CLIENT_CERTIFIER_SUITE_H_

// The files that a certification runs: what is in the directories that the caller names must be, byte by byte, what was
// approved or produced. Checked bytes are copied into a staging directory, so that they are what the sandbox sees.

#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/sandbox_suite.pb.h"
#include "anamnesis/v1/vocabulary_model.pb.h"
#include "anamnesis/v1/vocabulary_verification.pb.h"
#include "client/certifier/recorded.h"
#include "client/sandbox/isolation.h"
#include "client/sandbox/staging.h"
#include "ledger/base/status.h"

namespace anamnesis {

// The longest file of an artifact, of a suite, or of what an artifact's program leaves.
inline constexpr uint64_t kFileBytesMax = uint64_t{1} << 30;

struct TestCase {
  VersionedName name;
  v1::SandboxTestCase description;
  // As approved.
  v1::TestLevel level = v1::TEST_LEVEL_UNSPECIFIED;
};

// Copies `files` from `directory` to `below` in the staging directory. FAILED_PRECONDITION, naming the file: it is
// missing, too large, other than recorded, recorded without a SHA-256, or named so that it would lie elsewhere.
// A file that another list staged already is not copied again; with other bytes it is refused.
Status StageFiles(const google::protobuf::RepeatedPtrField<v1::FileRecord>& files, const std::string& directory,
                  const std::string& below, const StagingDirectory& staging);

// One test case's files into "suite", and its description. FAILED_PRECONDITION as above, and when the description is
// not among the approved files, is malformed or is of another test case, or verifies a risk control that it doesn't
// exercise.
StatusOr<TestCase> StageTestCase(const VersionedName& name, const v1::TestCaseApproved& approved,
                                 const std::string& directory, const StagingDirectory& staging);

// Whether the program that judges is apart from what it judges: the aspect "judge", which a protocol can require like
// those of the sandbox. It isn't in a test case without artifact_run, whose judging program opens the artifact itself:
// an artifact that runs code when it is loaded can write the result there. Pure.
IsolationAspect JudgeAspect(const std::vector<TestCase>& suite);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CERTIFIER_SUITE_H_
