#include "client/certifier/events.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "anamnesis/v1/vocabulary_risk.pb.h"
#include "client/cpp/writer.h"
#include "ledger/envelope/candidate.h"
#include "ledger/event/vocabulary.h"

namespace anamnesis {
namespace {

constexpr size_t kReasonsMax = 200;

template <typename Body>
EventDraft DraftOf(Body body, Timestamp at) {
  EventDraft draft;
  draft.body = std::make_shared<Body>(std::move(body));
  SetOccurred(draft, at, at);
  return draft;
}

void Refer(EventDraft& draft, std::string_view role, std::string_view kind, const VersionedName& name) {
  AddReference(draft, role, kind, name.id, name.version);
}

std::string TestRunId(const Certification& certification, const TestCase& test_case) {
  return Text(certification.sandbox_run, "/", test_case.name.text());
}

std::string CandidateOf(const CertificationFacts& facts) {
  return CandidateDigest(facts.state.artifact_digest(), facts.state.baseline_digest(), facts.state.substrate_digest());
}

EventDraft TestRun(const CertificationRequest& request, const CertificationFacts& facts,
                   const Certification& certification, size_t number) {
  const CaseReport& report = certification.cases[number];
  v1::TestRunCompleted body;
  body.set_level(report.test_case.level);
  body.set_result(report.verdict.result);
  for (const std::string& reason : report.verdict.reasons) body.add_anomalies(reason);
  body.set_configuration_digest(CandidateOf(facts));
  body.set_test_configuration(Text("sandbox environment sha256:", certification.environment.digest.hex(),
                                   report.test_case.description.has_artifact_run()
                                       ? "; the artifact ran in a sandbox of its own"
                                       : "; judge and artifact shared a sandbox"));
  body.add_tools(report.test_case.description.command(0));
  *body.mutable_unit_criteria() = report.test_case.description.unit_criteria();
  for (const v1::Metric& metric : report.verdict.metrics) *body.add_metrics() = metric;
  EventDraft draft = DraftOf(std::move(body), report.ended);
  AddReference(draft, "test_run", "test_run", TestRunId(certification, report.test_case));
  Refer(draft, "test_case", "test_case", report.test_case.name);
  Refer(draft, "verified", "artifact", request.artifact);
  AddReference(draft, "tester", request.certifier.kind(), request.certifier.id());
  if (const v1::EntityRef* item = FindReference(facts.artifact.header, "item"); item != nullptr) {
    AddReference(draft, "item", "software_item", item->id());
  }
  return draft;
}

// What came of the test cases that name a control in one of their lists: whether all passed, and which they were.
struct ControlOutcome {
  bool passed = true;
  std::vector<const CaseReport*> cases;
};

using Names = google::protobuf::RepeatedPtrField<std::string>;

// By control. One that could not be run shows nothing.
std::map<std::string, ControlOutcome> OutcomesOf(const Certification& certification,
                                                 const Names& (*list)(const v1::SandboxTestCase&)) {
  std::map<std::string, ControlOutcome> outcomes;
  for (const CaseReport& report : certification.cases) {
    if (report.verdict.result == v1::TestRunCompleted::BLOCKED) continue;
    for (const std::string& control : list(report.test_case.description)) {
      ControlOutcome& outcome = outcomes[control];
      outcome.passed &= report.verdict.result == v1::TestRunCompleted::PASS;
      outcome.cases.push_back(&report);
    }
  }
  return outcomes;
}

std::map<std::string, ControlOutcome> Exercised(const Certification& certification) {
  return OutcomesOf(certification,
                    [](const v1::SandboxTestCase& each) -> const Names& { return each.risk_controls(); });
}

// risk_control.verified, for one aspect of each control that the suite verifies.
void AddVerifications(const CertificationRequest& request, const CertificationFacts& facts,
                      const Certification& certification, v1::RiskControlVerified::Aspect aspect,
                      const std::map<std::string, ControlOutcome>& outcomes, std::vector<EventDraft>& drafts) {
  for (const auto& [control, outcome] : outcomes) {
    v1::RiskControlVerified body;
    body.set_aspect(aspect);
    body.set_result(outcome.passed ? v1::RiskControlVerified::PASS : v1::RiskControlVerified::FAIL);
    body.set_configuration_digest(CandidateOf(facts));
    EventDraft draft = DraftOf(std::move(body), certification.concluded);
    AddReference(draft, "control", "risk_control", control);
    Refer(draft, "verified", "artifact", request.artifact);
    AddReference(draft, "tester", request.certifier.kind(), request.certifier.id());
    for (const CaseReport* report : outcome.cases) {
      AddReference(draft, "test_run", "test_run", TestRunId(certification, report->test_case));
    }
    drafts.push_back(std::move(draft));
  }
}

EventDraft SandboxRun(const CertificationRequest& request, const Certification& certification) {
  v1::SandboxRunCompleted body;
  body.set_environment_digest(certification.environment.digest.bytes());
  for (const IsolationAspect& aspect : certification.isolation.aspects) {
    v1::SandboxRunCompleted::Isolation& isolation = *body.add_isolation();
    isolation.set_aspect(aspect.name);
    isolation.set_isolated(aspect.state == IsolationAspect::State::kHeld);
    isolation.set_evidence(Recordable(Text(NameOf(aspect.state), ": ", aspect.evidence)));
  }
  body.set_result(certification.issued ? v1::SandboxRunCompleted::PASS : v1::SandboxRunCompleted::FAIL);
  for (const auto& [control, outcome] : Exercised(certification)) {
    body.add_controls_exercised(control);
    v1::SandboxRunCompleted::ControlResult& result = *body.add_control_results();
    result.set_control(control);
    result.set_result(outcome.passed ? v1::SandboxRunCompleted::PASS : v1::SandboxRunCompleted::FAIL);
    for (const CaseReport* report : outcome.cases) result.add_test_cases(report->test_case.name.text());
  }
  EventDraft draft = DraftOf(std::move(body), certification.concluded);
  AddReference(draft, "sandbox_run", "sandbox_run", certification.sandbox_run);
  Refer(draft, "artifact", "artifact", request.artifact);
  Refer(draft, "protocol", "sandbox_protocol", request.protocol);
  for (const CaseReport& report : certification.cases) {
    AddReference(draft, "test_run", "test_run", TestRunId(certification, report.test_case));
  }
  return draft;
}

EventDraft Issued(const CertificationRequest& request, const CertificationFacts& facts,
                  const Certification& certification) {
  v1::CertificationIssued body;
  *body.mutable_state() = facts.state;
  body.set_process_profile(request.process_profile);
  body.set_safety_class(certification.safety_class);
  body.set_jurisdiction(request.jurisdiction);
  body.set_valid_from_us(certification.concluded.us);
  if (request.valid_for.count() > 0) {
    body.set_valid_until_us(certification.concluded.us + std::chrono::microseconds(request.valid_for).count());
  }
  EventDraft draft = DraftOf(std::move(body), certification.concluded);
  AddReference(draft, "certification", "certification", certification.certification);
  Refer(draft, "artifact", "artifact", request.artifact);
  AddReference(draft, "sandbox_run", "sandbox_run", certification.sandbox_run);
  Refer(draft, "envelope", "envelope", facts.envelope);
  Refer(draft, "protocol", "sandbox_protocol", request.protocol);
  if (!facts.risk_control_set.id.empty()) {
    Refer(draft, "risk_control_set", "risk_control_set", facts.risk_control_set);
  }
  AddReference(draft, "delegation", "delegation", request.delegation);
  for (const auto& [control, outcome] : Exercised(certification)) {
    AddReference(draft, "control", "risk_control", control);
  }
  return draft;
}

EventDraft Refused(const CertificationRequest& request, const CertificationFacts& facts,
                   const Certification& certification) {
  v1::CertificationRefused body;
  for (const std::string& reason : certification.reasons) {
    if (static_cast<size_t>(body.reasons_size()) < kReasonsMax) body.add_reasons(reason);
  }
  EventDraft draft = DraftOf(std::move(body), certification.concluded);
  draft.header.set_rationale(Text("protocol ", request.protocol.text(), " was not fulfilled, ",
                                  certification.reasons.size(), " reasons; the first: ", certification.reasons[0]));
  Refer(draft, "artifact", "artifact", request.artifact);
  if (!certification.sandbox_run.empty()) {
    AddReference(draft, "sandbox_run", "sandbox_run", certification.sandbox_run);
  }
  Refer(draft, "protocol", "sandbox_protocol", request.protocol);
  AddReference(draft, "delegation", "delegation", request.delegation);
  if (!facts.envelope.id.empty()) Refer(draft, "envelope", "envelope", facts.envelope);
  return draft;
}

}  // namespace

std::vector<EventDraft> MakeEvents(const CertificationRequest& request, const CertificationFacts& facts,
                                   const Certification& certification) {
  std::vector<EventDraft> drafts;
  if (!certification.sandbox_run.empty()) {
    for (size_t i = 0; i < certification.cases.size(); ++i) {
      drafts.push_back(TestRun(request, facts, certification, i));
    }
    AddVerifications(
        request, facts, certification, v1::RiskControlVerified::IMPLEMENTATION,
        OutcomesOf(certification,
                   [](const v1::SandboxTestCase& each) -> const Names& { return each.verifies_implementation_of(); }),
        drafts);
    AddVerifications(
        request, facts, certification, v1::RiskControlVerified::EFFECTIVENESS,
        OutcomesOf(certification,
                   [](const v1::SandboxTestCase& each) -> const Names& { return each.verifies_effectiveness_of(); }),
        drafts);
    drafts.push_back(SandboxRun(request, certification));
  }
  drafts.push_back(certification.issued ? Issued(request, facts, certification)
                                        : Refused(request, facts, certification));
  return drafts;
}

std::string NewRunId() { return NewEventId().text(); }

}  // namespace anamnesis
