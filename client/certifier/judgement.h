#ifndef ANAMNESIS_CLIENT_CERTIFIER_JUDGEMENT_H_
#define ANAMNESIS_CLIENT_CERTIFIER_JUDGEMENT_H_

// What a test case's numbers mean. The program under evaluation and its evaluation program report numbers; whether
// these are enough is decided here, against the protocol's acceptance criteria. Missing, malformed or doubly reported
// numbers fail. Pure; safe from any thread.

#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/sandbox_suite.pb.h"
#include "anamnesis/v1/signature.pb.h"
#include "anamnesis/v1/vocabulary_adaptation.pb.h"
#include "anamnesis/v1/vocabulary_verification.pb.h"
#include "ledger/base/status.h"

namespace anamnesis {

using AcceptanceCriteria = google::protobuf::RepeatedPtrField<v1::AcceptanceCriterion>;

struct CaseVerdict {
  v1::TestRunCompleted::Result result = v1::TestRunCompleted::FAIL;
  // Why it failed, for people to read; each at most 1,024 bytes.
  std::vector<std::string> reasons;
  // Well-formed ones only.
  std::vector<v1::Metric> metrics;
};

// /result/result.json. INVALID_ARGUMENT: not a SandboxTestResult.
StatusOr<v1::SandboxTestResult> ParseResult(const std::string& json);

CaseVerdict Judge(const v1::SandboxTestCase& test_case, const v1::SandboxTestResult& result,
                  const AcceptanceCriteria& criteria);

// Why `metric` doesn't meet `criterion`; empty when it does. A criterion that asks for confidence is held against the
// unfavourable end of the interval.
std::string WhyNotMet(const v1::AcceptanceCriterion& criterion, const v1::Metric& metric);

// Criteria that no test case of the suite measured. Class C's suite has to measure every one; below, one that none of
// the suite's test cases is approved to measure isn't asked for.
std::vector<std::string> Unmeasured(const AcceptanceCriteria& criteria, v1::SoftwareSafetyClass safety_class,
                                    const std::vector<v1::SandboxTestCase>& suite,
                                    const std::vector<CaseVerdict>& verdicts);

// `text` as it can be recorded: printable ASCII, at most 1,024 bytes.
std::string Recordable(std::string_view text);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CERTIFIER_JUDGEMENT_H_
