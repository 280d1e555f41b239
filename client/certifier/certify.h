#ifndef ANAMNESIS_CLIENT_CERTIFIER_CERTIFY_H_
#define ANAMNESIS_CLIENT_CERTIFIER_CERTIFY_H_

// Certifies an artifact: runs the suite that the approved protocol names for the item's class against the artifact's
// bytes, in a sandbox whose limits were tried just before, and makes the events that say what came of it. Anything that
// is missing, differs from what was approved, or does not hold, is a refusal with its reasons, never a smaller
// certification. Appending is the caller's. One thread; takes as long as the suite.

#include <chrono>
#include <string>
#include <vector>

#include "client/certifier/judgement.h"
#include "client/certifier/recorded.h"
#include "client/certifier/suite.h"
#include "client/cpp/ledger_client.h"
#include "client/sandbox/environment.h"
#include "client/sandbox/isolation.h"
#include "client/sandbox/sandbox.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/event/run_builder.h"

namespace anamnesis {

struct CertificationRequest {
  VersionedName artifact;
  VersionedName protocol;
  // Where the artifact's and the suite's files are.
  std::string artifact_directory;
  std::string suite_directory;
  // Who certifies, and under which delegation of a person's.
  v1::Agent certifier;
  std::string delegation;
  // ID@VERSION; empty: as the artifact and its envelope have them.
  std::string envelope;
  std::string risk_control_set;
  // ISO 3166-1 alpha-2; empty: for every one.
  std::string jurisdiction;
  std::string process_profile;
  // 0: until it is withdrawn.
  std::chrono::seconds valid_for{0};
};

struct CaseReport {
  TestCase test_case;
  CaseVerdict verdict;
  // In the sandbox, its making included.
  std::chrono::microseconds duration{};
  Timestamp ended;
};

struct Certification {
  bool issued = false;
  // Why not; at least one unless issued.
  std::vector<std::string> reasons;
  v1::SoftwareSafetyClass safety_class = v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED;
  // Empty when there is no sandbox; once the suite is staged, with the aspect "judge" (JudgeAspect).
  IsolationReport isolation;
  SandboxEnvironment environment;
  std::vector<CaseReport> cases;
  // Ids of what the events define; empty when nothing was run, or nothing issued.
  std::string sandbox_run;
  std::string certification;
  // When it was known what came of it: the suite may take hours, and nothing of it has happened when it begins.
  Timestamp concluded;
  // test_run.completed for each case, risk_control.verified for what the suite verifies, sandbox_run.completed, and
  // certification.issued or .refused; all to be appended as one run. Without anything run only the refusal.
  std::vector<EventDraft> drafts;
};

// `now` is when it begins. NOT_FOUND: protocol or artifact isn't recorded, so that there is nothing to refuse. Any code
// of the ledger's.
StatusOr<Certification> Certify(LedgerClient& client, const CertificationRequest& request,
                                const SandboxSettings& settings, Timestamp now);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CERTIFIER_CERTIFY_H_
