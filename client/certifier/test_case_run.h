#ifndef ANAMNESIS_CLIENT_CERTIFIER_TEST_CASE_RUN_H_
#define ANAMNESIS_CLIENT_CERTIFIER_TEST_CASE_RUN_H_

// One test case run in the sandbox and judged. An artifact that is a program is run first, in a sandbox of its own, and
// never beside the program that judges it: that one gets its output only. One thread.

#include "client/certifier/judgement.h"
#include "client/certifier/suite.h"
#include "client/sandbox/sandbox.h"
#include "client/sandbox/staging.h"

namespace anamnesis {

// `staging` holds the artifact below "artifact" and the suite below "suite". BLOCKED: the sandbox could not run it.
CaseVerdict RunTestCase(const Sandbox& sandbox, const StagingDirectory& staging, const TestCase& test_case,
                        const AcceptanceCriteria& criteria);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CERTIFIER_TEST_CASE_RUN_H_
