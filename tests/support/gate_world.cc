#include "tests/support/gate_world.h"

#include <gtest/gtest.h>

#include <utility>

#include "ledger/base/bytes.h"
#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"
#include "ledger/envelope/candidate.h"
#include "ledger/event/signature_in.h"
#include "ledger/query/events.h"
#include "tests/support/shipped_policy.h"

namespace anamnesis {
namespace {

constexpr std::string_view kPurpose = "Alerts on arrhythmia";

v1::ContentDigest Sha256Digest(std::string_view bytes) {
  v1::ContentDigest digest;
  digest.set_algorithm(v1::SHA256);
  digest.set_value(std::string(bytes));
  return digest;
}

std::string FoundationDigest(const std::string& version) { return Sha256(Text("foundation ", version)).bytes(); }

template <typename Body>
EventDraft Signed(Body body, const std::vector<std::string>& refs) {
  *body.mutable_signature() = FreshSignature();
  return DraftWith(std::move(body), refs);
}

EventDraft Item(const std::string& id, const std::vector<std::string>& more) {
  v1::SoftwareItemIdentified body;
  body.set_name(id);
  body.set_level(v1::SoftwareItemIdentified::ITEM);
  body.set_trainability(id == "alert" ? v1::SoftwareItemIdentified::TRAINABLE : v1::SoftwareItemIdentified::FIXED);
  return WithRefs(DraftWith(std::move(body), {"item=software_item:" + id}), more);
}

EventDraft ClassC(const std::string& item) {
  v1::SafetyClassAssigned body;
  body.set_safety_class(v1::SOFTWARE_SAFETY_CLASS_C);
  return DraftWith(std::move(body), {"item=software_item:" + item});
}

v1::EnvelopeTerms Terms(const std::string& bound, const std::string& jurisdiction) {
  v1::EnvelopeTerms terms;
  v1::EnvelopeTerms::Dimension& dimension = *terms.add_dimensions();
  dimension.set_name("threshold_shift");
  dimension.set_kind("interval");
  dimension.set_low("-" + bound);
  dimension.set_high(bound);
  terms.set_jurisdiction(jurisdiction);
  terms.set_udi_rule("none");
  return terms;
}

EventDraft ApproveEnvelope(const std::string& id, const std::string& bound, const std::string& jurisdiction) {
  v1::EnvelopeApproved body;
  *body.mutable_terms() = Terms(bound, jurisdiction);
  return Signed(std::move(body),
                {"envelope=envelope:" + id + "@1", "item=software_item:alert", "anchor=baseline:base@5",
                 "risk_control_set=risk_control_set:controls@1", "protocol=sandbox_protocol:suite@1"});
}

EventDraft ApproveProtocol() {
  v1::SandboxProtocolApproved body;
  v1::SandboxProtocolApproved::Suite& suite = *body.add_suites();
  suite.set_safety_class(v1::SOFTWARE_SAFETY_CLASS_C);
  for (const char* test : {"unit@1", "integration@1", "system@1"}) suite.add_test_cases(test);
  for (const char* aspect : {"network", "clinical_path", "host"}) body.add_isolation_requirements(aspect);
  return Signed(std::move(body), {"protocol=sandbox_protocol:suite@1", "test_case=test_case:unit@1",
                                  "test_case=test_case:integration@1", "test_case=test_case:system@1"});
}

EventDraft ApproveTestCase(const std::string& id, v1::TestLevel level) {
  v1::TestCaseApproved body;
  body.set_level(level);
  body.set_procedure("run it");
  body.set_expected("as before");
  return DraftWith(std::move(body), {"test_case=test_case:" + id + "@1", "item=software_item:alert"});
}

EventDraft Grant(const std::string& jurisdiction, const std::string& kind, const std::string& number,
                 const std::string& regulatory_class) {
  v1::AuthorisationGranted body;
  v1::AuthorisationTerms& terms = *body.mutable_terms();
  terms.set_jurisdiction(jurisdiction);
  terms.set_kind(kind);
  terms.set_number(number);
  terms.set_authority("authority");
  terms.set_regulatory_class(regulatory_class);
  terms.add_udi_di("04012345678901");
  terms.set_intended_purpose_digest(Sha256(kPurpose).bytes());
  terms.set_valid_from_us(kTestStart.us - 1);
  if (jurisdiction == "EU") terms.add_change_classes_allowed("threshold_table");
  return DraftWith(std::move(body),
                   {"authorisation=authorisation:" + number + "@1", "device_model=device_model:monitor"});
}

EventDraft Declare(const std::string& jurisdiction, const std::string& regime, const std::string& regulatory_class) {
  v1::RegulatoryCommitmentDeclared body;
  body.set_jurisdiction(jurisdiction);
  body.set_regime(regime);
  body.set_regulatory_class(regulatory_class);
  return DraftWith(std::move(body), {"device_model=device_model:monitor"});
}

EventDraft AuthorisePlan() {
  v1::ChangePlanAuthorised body;
  v1::ChangePlanTerms& terms = *body.mutable_terms();
  terms.set_instrument(v1::ChangePlanTerms::US_PCCP);
  terms.set_jurisdiction("US");
  v1::ChangePlanTerms::Modification& modification = *terms.add_modifications();
  modification.set_id("m1");
  modification.set_text("shift of the alert threshold");
  modification.set_change_class("threshold_table");
  modification.add_dimensions("threshold_shift");
  v1::Bound& bound = *modification.add_bounds();
  bound.set_dimension("threshold_shift");
  bound.set_low("-0.05");
  bound.set_high("0.05");
  modification.set_extent(v1::ChangePlanTerms::Modification::LOCAL);
  modification.set_mode(v1::ChangePlanTerms::Modification::AUTOMATIC);
  modification.add_data_management("local data of the unit's site");
  modification.add_retraining("none: one number is set");
  modification.add_performance_evaluation("the suite for class C");
  modification.add_update_procedures("the gate, with the baseline as fallback");
  terms.set_intended_purpose_digest(Sha256(kPurpose).bytes());
  return DraftWith(std::move(body), {"change_plan=change_plan:pccp@1", "authorisation=authorisation:K1@1",
                                     "protocol=sandbox_protocol:suite@1"});
}

EventDraft CommissionUnit(const std::string& unit, const std::string& jurisdiction, const std::string& site) {
  v1::DeviceUnitCommissioned body;
  body.set_serial_number(unit);
  body.set_jurisdiction(jurisdiction);
  return DraftWith(std::move(body), {"unit=device_unit:" + unit, "device_model=device_model:monitor",
                                     "site=site:" + site, "baseline=baseline:base@5"});
}

EventDraft TestRun(const std::string& id, v1::TestLevel level, const Adaptation& adaptation,
                   const std::string& candidate) {
  v1::TestRunCompleted body;
  body.set_level(level);
  body.set_result(v1::TestRunCompleted::PASS);
  body.set_configuration_digest(candidate);
  body.set_test_configuration("sandbox");
  body.add_tools("harness 1");
  if (level == v1::UNIT) body.add_unit_criteria("boundaries");
  return DraftWith(std::move(body), {"test_run=test_run:" + id + "-" + adaptation.version,
                                     "test_case=test_case:" + id + "@1", "item=software_item:alert",
                                     "verified=artifact:shift@" + adaptation.version, "tester=software:certifier"});
}

EventDraft VerifyControl(v1::RiskControlVerified::Aspect aspect, const Adaptation& adaptation,
                         const std::string& candidate) {
  v1::RiskControlVerified body;
  body.set_aspect(aspect);
  body.set_result(v1::RiskControlVerified::PASS);
  body.set_configuration_digest(candidate);
  return DraftWith(std::move(body), {"control=risk_control:low_confidence",
                                     "verified=artifact:shift@" + adaptation.version, "tester=software:certifier"});
}

EventDraft OnBehalf(EventDraft draft, const std::string& person) {
  draft.header.mutable_on_behalf_of()->set_kind("person");
  draft.header.mutable_on_behalf_of()->set_id(person);
  return draft;
}

void AddOrganisation(std::vector<Step>& steps) {
  steps.push_back({"gate-policy", "ada", Adopt(v1::PolicyAdopted::GATE, ReadPolicy("gate"))});
  steps.push_back(
      {"profile", "ada", Adopt(v1::PolicyAdopted::PROCESS_PROFILE, ReadPolicy("process_profile_62304_2006_a1"))});
  v1::AuthorityDelegated delegated;
  delegated.set_role(v1::CERTIFIER);
  delegated.set_valid_until_us(kTestStart.us + int64_t{86'400'000'000} * 30);
  steps.push_back({"delegation", "carl",
                   Signed(delegated, {"delegation=delegation:d1", "from=person:carl", "to=software:certifier"})});
}

void AddDevice(std::vector<Step>& steps) {
  v1::DeviceModelRegistered model;
  model.set_name("Bedside monitor");
  model.set_intended_purpose(std::string(kPurpose));
  model.set_udi_di("04012345678901");
  steps.push_back({"model", "rita", DraftWith(model, {"device_model=device_model:monitor"})});
  steps.push_back({"item", "ada", Item("alert", {"device_model=device_model:monitor"})});
  steps.push_back({"item-class", "ada", ClassC("alert")});
  steps.push_back({"governor", "ada", Item("gate", {"governs=software_item:alert"})});
  steps.push_back({"governor-class", "ada", ClassC("gate")});
  v1::SoupIdentified soup;
  soup.mutable_soup()->set_title("foundation");
  soup.mutable_soup()->set_manufacturer("maker");
  soup.mutable_soup()->set_designator("7.2");
  steps.push_back({"soup", "ada", DraftWith(soup, {"soup=soup:foundation@7.2"})});
  steps.push_back({"substrate", "ada", DefineSubstrate("1", "7.2")});
  v1::BaselineEstablished baseline;
  baseline.set_baseline_digest(BaselineDigest());
  steps.push_back({"baseline", "ada",
                   Signed(baseline, {"baseline=baseline:base@5", "device_model=device_model:monitor",
                                     "member=software_item:alert"})});
  for (const auto& [unit, country, site] : {std::tuple{"ICU-1", "US", "boston"}, std::tuple{"ICU-2", "DE", "berlin"}}) {
    steps.push_back({std::string("commission-") + unit, "ada", CommissionUnit(unit, country, site)});
    steps.push_back({std::string("install-") + unit, "ada", InstallSubstrate(unit, "1")});
  }
}

void AddRisk(std::vector<Step>& steps) {
  v1::RiskControlDefined control;
  control.mutable_content()->set_kind(v1::RiskControlContent::PROTECTIVE_MEASURE);
  control.mutable_content()->set_text("alert on low confidence");
  steps.push_back({"control", "ada",
                   DraftWith(control, {"control=risk_control:low_confidence", "depends_on=software_item:alert"})});
  v1::RiskControlSetVersioned set;
  set.set_set_digest(Sha256("controls").bytes());
  steps.push_back({"control-set", "ada",
                   DraftWith(set, {"set=risk_control_set:controls@1", "member=risk_control:low_confidence",
                                   "item=software_item:alert"})});
  steps.push_back({"case-unit", "ada", ApproveTestCase("unit", v1::UNIT)});
  steps.push_back({"case-integration", "ada", ApproveTestCase("integration", v1::INTEGRATION)});
  steps.push_back({"case-system", "ada", ApproveTestCase("system", v1::SYSTEM)});
  steps.push_back({"protocol", "carl", ApproveProtocol()});
  steps.push_back({"envelope", "ada", ApproveEnvelope("threshold", "0.05", "")});
  steps.push_back({"overlay-eu", "ada", ApproveEnvelope("threshold-eu", "0.02", "EU")});
}

void AddClearances(std::vector<Step>& steps) {
  steps.push_back({"declare-us", "rita", Declare("US", "qmsr", "II")});
  steps.push_back({"declare-eu", "rita", Declare("EU", "mdr", "IIb")});
  steps.push_back({"clear-us", "rita", Grant("US", "510k", "K1", "II")});
  steps.push_back({"clear-eu", "rita", Grant("EU", "mdr_annex_ix", "NB-1", "IIb")});
  steps.push_back({"plan-us", "rita", AuthorisePlan()});
}

}  // namespace

v1::ElectronicSignature FreshSignature() {
  static uint64_t session = 0;
  v1::ElectronicSignature signature;
  signature.set_meaning(v1::ElectronicSignature::APPROVAL);
  signature.set_signed_at_us(kTestStart.us);
  signature.add_components(v1::ElectronicSignature::KEY);
  signature.add_components(v1::ElectronicSignature::PASSPHRASE);
  signature.set_session_id(DerivedNonce("session", ++session).substr(0, 16));
  signature.set_ordinal(1);
  return signature;
}

std::string ArtifactBytesDigest(const std::string& version) { return Sha256(Text("artifact ", version)).bytes(); }
std::string BaselineDigest() { return Sha256("baseline 5").bytes(); }

std::string SubstrateDigest(const std::string& foundation) {
  const std::string_view zero("\0", 1);
  return Sha256({"soup", zero, "foundation", zero, foundation, zero,
                 Text("sha256:", HexEncode(FoundationDigest(foundation))), zero, "runtime", zero, "onnxruntime", zero,
                 "1.17", zero})
      .bytes();
}

EventDraft DefineSubstrate(const std::string& version, const std::string& foundation) {
  v1::SubstrateDefined body;
  body.set_substrate_digest(SubstrateDigest(foundation));
  v1::NamedValue& runtime = *body.add_runtime();
  runtime.set_name("onnxruntime");
  runtime.set_value("1.17");
  EventDraft draft = DraftWith(std::move(body), {"substrate=substrate:icu@" + version});
  const v1::ContentDigest digest = Sha256Digest(FoundationDigest(foundation));
  AddReference(draft, "soup", "soup", "foundation", foundation, &digest);
  return draft;
}

EventDraft InstallSubstrate(const std::string& unit, const std::string& version) {
  return DraftWith(v1::SubstrateInstalled(), {"unit=device_unit:" + unit, "substrate=substrate:icu@" + version});
}

std::vector<Step> AdaptationSteps(const Adaptation& adaptation) {
  std::vector<Step> steps;
  const std::string& version = adaptation.version;
  const std::string suffix = version == "1" ? "" : "-" + version;
  const std::string candidate = CandidateDigest(ArtifactBytesDigest(version), BaselineDigest(), adaptation.substrate);
  v1::ArtifactProduced produced;
  produced.set_kind(v1::ArtifactProduced::THRESHOLD_TABLE);
  produced.set_mode(v1::ArtifactProduced::CANDIDATE);
  produced.set_surface("alert_threshold");
  v1::FileRecord& file = *produced.add_files();
  file.set_path("table.json");
  *file.mutable_digest() = Sha256Digest(ArtifactBytesDigest(version));
  v1::ArtifactProduced::Parameter& parameter = *produced.add_parameters();
  parameter.set_dimension("threshold_shift");
  parameter.set_value(adaptation.shift);
  produced.set_baseline_digest(BaselineDigest());
  produced.set_substrate_digest(adaptation.substrate);
  produced.set_local_data_commitment(Sha256("local data").bytes());
  produced.set_local_data_records(120);
  std::vector<std::string> refs = {"artifact=artifact:shift@" + version, "unit=device_unit:" + adaptation.unit,
                                   "envelope=envelope:threshold@1", "item=software_item:alert"};
  if (!adaptation.parent.empty()) refs.push_back("parent=artifact:shift@" + adaptation.parent);
  steps.push_back({"produced" + suffix, "tuner", OnBehalf(DraftWith(produced, refs), "eve")});
  v1::ObjectStored stored;
  stored.set_sha256(ArtifactBytesDigest(version));
  stored.set_location("store");
  steps.push_back(
      {"stored" + suffix, "tuner", DraftWith(stored, {"object=object:" + HexEncode(ArtifactBytesDigest(version))})});
  steps.push_back({"run-unit" + suffix, "certifier", TestRun("unit", v1::UNIT, adaptation, candidate)});
  steps.push_back(
      {"run-integration" + suffix, "certifier", TestRun("integration", v1::INTEGRATION, adaptation, candidate)});
  steps.push_back({"run-system" + suffix, "certifier", TestRun("system", v1::SYSTEM, adaptation, candidate)});
  steps.push_back({"verify-implementation" + suffix, "certifier",
                   VerifyControl(v1::RiskControlVerified::IMPLEMENTATION, adaptation, candidate)});
  steps.push_back({"verify-effectiveness" + suffix, "certifier",
                   VerifyControl(v1::RiskControlVerified::EFFECTIVENESS, adaptation, candidate)});
  v1::SandboxRunCompleted run;
  run.set_environment_digest(Sha256("environment").bytes());
  for (const char* aspect : {"network", "clinical_path", "host"}) {
    v1::SandboxRunCompleted::Isolation& isolation = *run.add_isolation();
    isolation.set_aspect(aspect);
    isolation.set_isolated(true);
  }
  run.set_result(v1::SandboxRunCompleted::PASS);
  run.add_controls_exercised("low_confidence");
  steps.push_back(
      {"sandbox" + suffix, "certifier",
       DraftWith(run, {"sandbox_run=sandbox_run:run-" + version, "artifact=artifact:shift@" + version,
                       "protocol=sandbox_protocol:suite@1", "test_run=test_run:unit-" + version,
                       "test_run=test_run:integration-" + version, "test_run=test_run:system-" + version})});
  v1::CertificationIssued issued;
  issued.mutable_state()->set_artifact_digest(ArtifactBytesDigest(version));
  issued.mutable_state()->set_baseline_digest(BaselineDigest());
  issued.mutable_state()->set_substrate_digest(adaptation.substrate);
  issued.set_process_profile("62304-2006-a1");
  issued.set_safety_class(v1::SOFTWARE_SAFETY_CLASS_C);
  issued.set_valid_from_us(kTestStart.us);
  steps.push_back(
      {"certified" + suffix, "certifier",
       DraftWith(issued, {"certification=certification:cert-" + version, "artifact=artifact:shift@" + version,
                          "sandbox_run=sandbox_run:run-" + version, "envelope=envelope:threshold@1",
                          "protocol=sandbox_protocol:suite@1", "risk_control_set=risk_control_set:controls@1",
                          "delegation=delegation:d1", "control=risk_control:low_confidence"})});
  return steps;
}

std::vector<Step> GateStory() {
  std::vector<Step> steps;
  AddOrganisation(steps);
  AddDevice(steps);
  AddRisk(steps);
  AddClearances(steps);
  for (Step& step : AdaptationSteps({.substrate = SubstrateDigest("7.2")})) steps.push_back(std::move(step));
  return steps;
}

std::vector<Step> Without(std::vector<Step> steps, const std::set<std::string>& names) {
  std::erase_if(steps, [&](const Step& step) { return names.count(step.name) > 0; });
  return steps;
}

std::vector<Step> Changed(std::vector<Step> steps, const std::string& name,
                          const std::function<void(EventDraft&)>& change) {
  bool found = false;
  for (Step& step : steps) {
    if (step.name != name) continue;
    change(step.draft);
    found = true;
  }
  CHECK(found);
  return steps;
}

GateWorld::GateWorld(const std::vector<Step>& steps, std::unique_ptr<TestLedger> ledger) : ledger_(std::move(ledger)) {
  TestWriter& ada = WriterOf("ada");
  CHECK(ledger_->Append(ada.Write(FoundingDrafts(ada))).ok());
  std::vector<EventDraft> drafts;
  for (const char* person : {"carl", "rita", "eve"}) {
    drafts.push_back(EnrolPerson(person));
    drafts.push_back(IssueKey("person", person, WriterOf(person).key().public_key()));
  }
  for (const char* software : {"tuner", "certifier"}) {
    drafts.push_back(IssueKey("software", software, WriterOf(software).key().public_key()));
  }
  for (const char* unit : {"ICU-1", "ICU-2"}) {
    drafts.push_back(IssueKey("device_unit", unit, WriterOf(unit).key().public_key()));
  }
  drafts.push_back(GrantRole("carl", v1::CERTIFIER));
  drafts.push_back(GrantRole("rita", v1::REGULATORY_OFFICER));
  drafts.push_back(GrantRole("ada", v1::QUALITY_OFFICER));
  drafts.push_back(GrantRole("ada", v1::VERIFIER));
  v1::RoleGranted tests;
  tests.set_role(v1::VERIFIER);
  drafts.push_back(DraftWith(tests, {"holder=software:certifier"}));
  const StatusOr<RunVerdict> enrolled = ledger_->Append(ada.Write(drafts));
  if (!enrolled.ok()) std::fprintf(stderr, "%s\n", enrolled.status().ToString().c_str());
  CHECK(enrolled.ok());
  for (const Step& step : steps) static_cast<void>(Do(step).ok());
}

TestWriter& GateWorld::WriterOf(const std::string& name) {
  std::unique_ptr<TestWriter>& writer = writers_[name];
  if (writer == nullptr) {
    const std::string kind = name == "tuner" || name == "certifier" ? "software"
                             : name.starts_with("ICU")              ? "device_unit"
                                                                    : "person";
    writer = std::make_unique<TestWriter>(kind, name, writers_.size() + 1);
  }
  return *writer;
}

StatusOr<RunVerdict> GateWorld::Do(const Step& step) {
  TestWriter& writer = WriterOf(step.writer);
  const v1::Run run = writer.Write({step.draft});
  v1::EventHeader header;
  CHECK(header.ParseFromString(run.headers(0)));
  StatusOr<RunVerdict> verdict = ledger_->Append(run);
  if (!verdict.ok()) {
    writer.RewindTo(header.stream_position() - 1);
    refused_[step.name] = verdict.status();
    return verdict;
  }
  leaves_[step.name] = verdict->indexes[0];
  steps_[verdict->indexes[0].value] = step.name;
  return verdict;
}

void GateWorld::DoAll(const std::string& writer, const std::vector<EventDraft>& drafts) {
  std::vector<EventDraft> run;
  const auto append = [&] {
    if (run.empty()) return;
    const StatusOr<RunVerdict> verdict = ledger_->Append(WriterOf(writer).Write(std::exchange(run, {})));
    if (!verdict.ok()) std::fprintf(stderr, "%s\n", verdict.status().ToString().c_str());
    CHECK(verdict.ok());
  };
  for (const EventDraft& draft : drafts) {
    // What a person signs is a run of its own.
    const bool alone = SignatureIn(*draft.body) != nullptr;
    if (alone) append();
    run.push_back(draft);
    if (alone) append();
  }
  append();
}

LeafIndex GateWorld::LeafOf(const std::string& name) const {
  const auto found = leaves_.find(name);
  EXPECT_NE(found, leaves_.end()) << name;
  return found == leaves_.end() ? LeafIndex(0) : found->second;
}

std::string GateWorld::StepOf(uint64_t leaf) const {
  const auto found = steps_.find(leaf);
  return found == steps_.end() ? "" : found->second;
}

Timestamp GateWorld::now() const { return ledger_->state().last_recorded; }

GateRequest GateWorld::Request(const std::string& artifact_version, const std::string& unit,
                               const std::string& jurisdiction) const {
  GateRequest request;
  request.artifact.set_kind("artifact");
  request.artifact.set_id("shift");
  request.artifact.set_version(artifact_version);
  request.unit = unit;
  request.jurisdiction = jurisdiction;
  request.artifact_digest = ArtifactBytesDigest(artifact_version);
  request.rollback_target.emplace();
  request.rollback_target->set_kind("baseline");
  request.rollback_target->set_id("base");
  request.rollback_target->set_version("5");
  request.at = now();
  request.known_until = now();
  return request;
}

v1::GateDecided GateWorld::Ask(const std::string& artifact_version, const std::string& unit,
                               const std::string& jurisdiction) const {
  return Ask(Request(artifact_version, unit, jurisdiction));
}

v1::GateDecided GateWorld::Ask(const GateRequest& request) const {
  Facts facts(const_cast<TestLedger&>(*ledger_).rows(), ledger_->size());
  const StatusOr<v1::GateDecided> decision = Decide(facts, request);
  EXPECT_TRUE(decision.ok()) << decision.status();
  return decision.ok() ? *decision : v1::GateDecided();
}

v1::GateDecided GateWorld::Record(const std::string& artifact_version, const std::string& unit,
                                  const std::string& jurisdiction, const std::string& fallback) {
  v1::GateRequested body;
  body.set_jurisdiction(jurisdiction);
  body.set_artifact_digest(ArtifactBytesDigest(artifact_version));
  const StatusOr<RunVerdict> verdict =
      Do({"request", unit,
          DraftWith(body, {"artifact=artifact:shift@" + artifact_version, "unit=device_unit:" + unit,
                           "rollback_target=" + fallback})});
  EXPECT_TRUE(verdict.ok()) << verdict.status();
  if (!verdict.ok()) return {};
  last_decision_ = WriterOf(unit).LastId().text();
  const StatusOr<LoadedEvent> decided = LoadEvent(ledger_->rows(), LeafIndex(verdict->indexes[0].value + 1));
  EXPECT_TRUE(decided.ok()) << decided.status();
  const auto* decision = decided.ok() ? BodyAs<v1::GateDecided>(decided->body.get()) : nullptr;
  EXPECT_NE(decision, nullptr);
  return decision == nullptr ? v1::GateDecided() : *decision;
}

std::string Failed(const v1::GateDecided& decision) {
  std::string failed;
  for (const auto& result : decision.results()) {
    if (result.outcome() != v1::GateDecided::RuleResult::FAIL) continue;
    failed += Text(failed.empty() ? "" : " ", result.rule_id());
  }
  return failed;
}

std::string NoteOf(const v1::GateDecided& decision, std::string_view rule) {
  for (const auto& result : decision.results()) {
    if (result.rule_id() == rule) return result.note();
  }
  return "no such rule";
}

}  // namespace anamnesis
