#include "client/certifier/certify.h"

#include <algorithm>
#include <utility>

#include "client/certifier/events.h"
#include "client/certifier/test_case_run.h"
#include "ledger/envelope/candidate.h"
#include "ledger/event/vocabulary.h"

namespace anamnesis {
namespace {

class Run {
 public:
  Run(LedgerClient& client, const CertificationRequest& request, Timestamp now)
      : client_(client), request_(request), began_(now), began_on_clock_(std::chrono::steady_clock::now()) {}

  StatusOr<Certification> Certify(const SandboxSettings& settings) {
    ASSIGN_OR_RETURN(facts_.protocol, FindProtocol(client_, request_.protocol));
    ASSIGN_OR_RETURN(facts_.artifact, FindArtifact(client_, request_.artifact));
    const v1::EntityRef* item = FindReference(facts_.artifact.header, "item");
    ASSIGN_OR_RETURN(certification_.safety_class, ClassOfItem(client_, item == nullptr ? "" : item->id()));
    RETURN_IF_ERROR(FindGround());
    if (certification_.reasons.empty()) RETURN_IF_ERROR(Execute(settings));
    certification_.issued = certification_.reasons.empty();
    certification_.concluded = Now();
    certification_.drafts = MakeEvents(request_, facts_, certification_);
    return std::move(certification_);
  }

 private:
  Timestamp Now() const {
    const auto passed = std::chrono::steady_clock::now() - began_on_clock_;
    return Timestamp(began_.us + std::chrono::duration_cast<std::chrono::microseconds>(passed).count());
  }

  void Refuse(std::string_view reason) { certification_.reasons.push_back(Recordable(reason)); }

  // True if `status` is OK; what is wrong with what was handed in is a reason to refuse.
  bool Holds(const Status& status) {
    if (!status.ok()) Refuse(MessageOf(status));
    return status.ok();
  }

  // The bytes and the ground that a certification is for.
  Status FindGround() {
    const v1::ArtifactProduced& body = facts_.artifact.body;
    const v1::EntityRef& artifact = *FindReference(facts_.artifact.header, "artifact");
    facts_.state.set_artifact_digest(DigestOfArtifact(artifact, body));
    facts_.state.set_baseline_digest(body.baseline_digest());
    facts_.state.set_substrate_digest(body.substrate_digest());
    if (facts_.state.artifact_digest().size() != Digest::kSize) {
      Refuse(
          "artifact.produced doesn't give the artifact one SHA-256, in its reference and of one of its files, or of "
          "its "
          "only file");
    }
    if (body.baseline_digest().empty() || body.substrate_digest().empty()) {
      Refuse("artifact.produced doesn't say for which baseline and substrate it was made");
    }
    return FindEnvelope();
  }

  Status FindEnvelope() {
    if (!request_.envelope.empty()) {
      ASSIGN_OR_RETURN(facts_.envelope, VersionedName::Parse("envelope", request_.envelope));
    } else if (const v1::EntityRef* ref = FindReference(facts_.artifact.header, "envelope"); ref != nullptr) {
      facts_.envelope = {ref->id(), ref->version()};
    }
    if (facts_.envelope.id.empty() || facts_.envelope.version.empty()) {
      Refuse("neither the artifact nor the request names the version of the envelope");
      return OkStatus();
    }
    const auto envelope = anamnesis::FindEnvelope(client_, facts_.envelope);
    if (absl::IsNotFound(envelope.status())) Refuse(MessageOf(envelope.status()));
    if (!request_.risk_control_set.empty()) {
      ASSIGN_OR_RETURN(facts_.risk_control_set, VersionedName::Parse("risk control set", request_.risk_control_set));
    } else if (envelope.ok()) {
      const v1::EntityRef* set = FindReference(envelope->header, "risk_control_set");
      if (set != nullptr) facts_.risk_control_set = {set->id(), set->version()};
    }
    return absl::IsNotFound(envelope.status()) ? OkStatus() : envelope.status();
  }

  Status Execute(const SandboxSettings& settings) {
    StatusOr<Sandbox> sandbox = Sandbox::Open(settings);
    if (!Holds(sandbox.status()) || !IsIsolated(*sandbox)) return OkStatus();
    ASSIGN_OR_RETURN(const StagingDirectory staging, StagingDirectory::Make());
    ASSIGN_OR_RETURN(const std::vector<TestCase> suite, Stage(staging));
    certification_.isolation.aspects.push_back(JudgeAspect(suite));
    CheckRequiredIsolation();
    if (!certification_.reasons.empty()) return OkStatus();
    for (const TestCase& test_case : suite) RunCase(*sandbox, staging, test_case);
    certification_.sandbox_run = NewRunId();
    Conclude();
    return OkStatus();
  }

  bool IsIsolated(const Sandbox& sandbox) {
    StatusOr<SandboxEnvironment> environment = DescribeEnvironment(sandbox);
    if (!Holds(environment.status())) return false;
    certification_.environment = *std::move(environment);
    StatusOr<IsolationReport> report = TestIsolation(sandbox);
    if (!Holds(report.status())) return false;
    certification_.isolation = *std::move(report);
    return Holds(certification_.isolation.Check());
  }

  void CheckRequiredIsolation() {
    for (const std::string& name : facts_.protocol.body.isolation_requirements()) {
      const IsolationAspect* aspect = certification_.isolation.Find(name);
      if (aspect == nullptr) {
        Refuse(Text("the protocol requires isolation \"", name, "\", which this certifier doesn't know"));
      } else if (aspect->state != IsolationAspect::State::kHeld) {
        Refuse(Text("the protocol requires isolation \"", name, "\", which is ", NameOf(aspect->state), ": ",
                    aspect->evidence));
      }
    }
  }

  // The artifact, and every test case of the protocol's suite for the class: none less.
  StatusOr<std::vector<TestCase>> Stage(const StagingDirectory& staging) {
    const Status artifact = StageFiles(facts_.artifact.body.files(), request_.artifact_directory, "artifact", staging);
    Holds(WithContext(artifact, Text("artifact ", request_.artifact.text())));
    std::vector<TestCase> suite;
    const auto& suites = facts_.protocol.body.suites();
    const auto found = std::find_if(suites.begin(), suites.end(), [this](const auto& each) {
      return each.safety_class() == certification_.safety_class;
    });
    if (found == suites.end()) {
      Refuse(Text("protocol ", request_.protocol.text(), " has no suite for ",
                  v1::SoftwareSafetyClass_Name(certification_.safety_class)));
      return suite;
    }
    RETURN_IF_ERROR(staging.AddDirectory("suite"));
    for (const std::string& text : found->test_cases()) {
      ASSIGN_OR_RETURN(const VersionedName name, VersionedName::Parse("the protocol's test case", text));
      const auto approved = FindTestCase(client_, name);
      if (!approved.ok() && !absl::IsNotFound(approved.status()) && !absl::IsFailedPrecondition(approved.status())) {
        return approved.status();
      }
      StatusOr<TestCase> staged = approved.ok() ? StageTestCase(name, approved->body, request_.suite_directory, staging)
                                                : StatusOr<TestCase>(approved.status());
      if (staged.ok()) {
        suite.push_back(*std::move(staged));
      } else {
        Refuse(Text("the suite is smaller than the protocol's: ", MessageOf(staged.status())));
      }
    }
    if (found->test_cases().empty()) Refuse("the protocol's suite for the class is empty");
    return suite;
  }

  void RunCase(const Sandbox& sandbox, const StagingDirectory& staging, const TestCase& test_case) {
    CaseReport report;
    report.test_case = test_case;
    const auto start = std::chrono::steady_clock::now();
    report.verdict = RunTestCase(sandbox, staging, test_case, facts_.protocol.body.acceptance_criteria());
    report.duration = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
    report.ended = Now();
    for (const std::string& reason : report.verdict.reasons) {
      Refuse(Text("test case ", test_case.name.text(), ": ", reason));
    }
    certification_.cases.push_back(std::move(report));
  }

  void Conclude() {
    std::vector<v1::SandboxTestCase> suite;
    std::vector<CaseVerdict> verdicts;
    for (const CaseReport& report : certification_.cases) {
      suite.push_back(report.test_case.description);
      verdicts.push_back(report.verdict);
    }
    for (const std::string& reason :
         Unmeasured(facts_.protocol.body.acceptance_criteria(), certification_.safety_class, suite, verdicts)) {
      Refuse(reason);
    }
    if (certification_.reasons.empty()) certification_.certification = "certification-" + NewRunId();
  }

  LedgerClient& client_;
  const CertificationRequest& request_;
  const Timestamp began_;
  const std::chrono::steady_clock::time_point began_on_clock_;
  CertificationFacts facts_;
  Certification certification_;
};

}  // namespace

StatusOr<Certification> Certify(LedgerClient& client, const CertificationRequest& request,
                                const SandboxSettings& settings, Timestamp now) {
  return Run(client, request, now).Certify(settings);
}

}  // namespace anamnesis
