#ifndef ANAMNESIS_TESTS_LEDGER_QUERY_ITEM_DRAFTS_H_
#define ANAMNESIS_TESTS_LEDGER_QUERY_ITEM_DRAFTS_H_

// Records of a software item's life cycle, each with what its type needs and nothing else.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "tests/support/projected_history.h"
#include "tests/support/test_run.h"

namespace anamnesis {

inline const std::string kTestDigest(32, '\7');

inline v1::ElectronicSignature TestSignature() {
  v1::ElectronicSignature signature;
  signature.set_meaning(v1::ElectronicSignature::APPROVAL);
  signature.set_signed_at_us(kTestStart.us);
  signature.add_components(v1::ElectronicSignature::KEY);
  signature.add_components(v1::ElectronicSignature::PASSPHRASE);
  signature.set_session_id(std::string(16, 's'));
  signature.set_ordinal(1);
  return signature;
}

inline EventDraft Rationale(EventDraft draft) {
  draft.header.set_rationale("because");
  return draft;
}

// Recorded after the fact, of a time before everything else.
inline EventDraft LongAgo(EventDraft draft) {
  const Timestamp then(kTestStart.us - int64_t{1'000'000} * 1'000'000);
  SetOccurred(draft, then, then);
  draft.header.set_retrospective(true);
  return draft;
}

inline v1::ContentDigest TestContent() {
  v1::ContentDigest digest;
  digest.set_algorithm(v1::SHA256);
  digest.set_value(kTestDigest);
  return digest;
}

inline EventDraft Item(const std::string& id, const std::vector<std::string>& more = {},
                       v1::SoftwareItemIdentified::Level level = v1::SoftwareItemIdentified::ITEM) {
  v1::SoftwareItemIdentified body;
  body.set_name(id);
  body.set_level(level);
  body.set_trainability(v1::SoftwareItemIdentified::TRAINABLE);
  return WithRefs(DraftWith(std::move(body), {"item=software_item:" + id}), more);
}

inline EventDraft Class(const std::string& item, v1::SoftwareSafetyClass safety_class) {
  v1::SafetyClassAssigned body;
  body.set_safety_class(safety_class);
  return DraftWith(std::move(body), {"item=software_item:" + item});
}

inline EventDraft Plan(const std::string& id, const std::string& item, v1::PlanContent::Kind kind,
                       const std::vector<std::string>& topics, std::vector<v1::PlanContent::Activity> activities = {}) {
  v1::PlanApproved body;
  body.mutable_content()->set_kind(kind);
  for (const std::string& topic : topics) {
    v1::PlanContent::Section& section = *body.mutable_content()->add_sections();
    section.set_topic(topic);
    section.set_text("as written");
  }
  for (v1::PlanContent::Activity& activity : activities) *body.mutable_content()->add_activities() = activity;
  *body.mutable_signature() = TestSignature();
  return DraftWith(std::move(body), {"plan=plan:" + id + "@1", "item=software_item:" + item});
}

inline EventDraft Requirement(const std::string& id, const std::string& version, const std::string& item,
                              v1::RequirementContent::Kind kind = v1::RequirementContent::SAFETY,
                              const std::vector<std::string>& more = {}) {
  v1::RequirementApproved body;
  body.mutable_content()->set_kind(kind);
  body.mutable_content()->set_text("shall");
  return WithRefs(
      DraftWith(std::move(body), {"requirement=requirement:" + id + "@" + version, "item=software_item:" + item}),
      more);
}

inline EventDraft Architecture(const std::string& id, const std::string& item) {
  v1::ArchitectureApproved body;
  for (const char* topic : {"model", "training_pipeline", "inference_pipeline", "deployment", "update_delivery"}) {
    body.mutable_content()->add_topics(topic);
  }
  body.mutable_content()->add_interfaces("DICOM in");
  body.mutable_content()->set_segregation("own process");
  return DraftWith(std::move(body), {"architecture=architecture:" + id + "@1", "item=software_item:" + item});
}

inline EventDraft Design(const std::string& id, const std::string& item) {
  v1::DesignApproved body;
  body.mutable_content()->set_interface_design("tensor in, mask out");
  return DraftWith(std::move(body), {"design=design:" + id + "@1", "item=software_item:" + item});
}

inline EventDraft Code(const std::string& version, const std::string& item) {
  v1::CodeRevisionRecorded body;
  body.set_vcs("git");
  body.set_commit_id(version);
  return DraftWith(std::move(body), {"code=code_revision:" + item + "-code@" + version, "item=software_item:" + item});
}

inline EventDraft TestCase(const std::string& id, v1::TestLevel level, const std::string& item,
                           const std::vector<std::string>& more = {}) {
  v1::TestCaseApproved body;
  body.set_level(level);
  body.set_procedure("do");
  body.set_expected("done");
  return WithRefs(DraftWith(std::move(body), {"test_case=test_case:" + id + "@1", "item=software_item:" + item}), more);
}

inline EventDraft TestRunOf(const std::string& id, const std::string& test_case, v1::TestLevel level,
                            const std::string& item, v1::TestRunCompleted::Result result = v1::TestRunCompleted::PASS) {
  v1::TestRunCompleted body;
  body.set_level(level);
  body.set_result(result);
  body.set_configuration_digest(kTestDigest);
  body.set_test_configuration("bench");
  body.add_tools("ctest");
  body.add_unit_criteria("boundaries");
  return DraftWith(std::move(body), {"test_run=test_run:" + id, "test_case=test_case:" + test_case + "@1",
                                     "item=software_item:" + item, "tester=person:tess"});
}

inline EventDraft Hazard(const std::string& id, const std::string& item) {
  v1::HazardIdentified body;
  body.set_description("wrong dose");
  return DraftWith(std::move(body), {"hazard=hazard:" + id, "item=software_item:" + item});
}

inline EventDraft Situation(const std::string& id, const std::string& hazard, const std::string& item) {
  v1::HazardousSituationIdentified body;
  body.set_description("missed alert");
  return DraftWith(std::move(body), {"hazardous_situation=hazardous_situation:" + id, "hazard=hazard:" + hazard,
                                     "item=software_item:" + item});
}

inline EventDraft Cause(const std::string& id, const std::string& situation, const std::string& item) {
  v1::SoftwareCauseIdentified body;
  body.set_kind(v1::SoftwareCauseIdentified::DEFECT);
  body.set_description("threshold drifts");
  return DraftWith(std::move(body),
                   {"cause=software_cause:" + id, "hazardous_situation=hazardous_situation:" + situation,
                    "item=software_item:" + item});
}

inline EventDraft Control(const std::string& id, const std::vector<std::string>& more) {
  v1::RiskControlDefined body;
  body.mutable_content()->set_kind(v1::RiskControlContent::PROTECTIVE_MEASURE);
  body.mutable_content()->set_in_software(true);
  body.mutable_content()->set_text("alert on low confidence");
  return WithRefs(DraftWith(std::move(body), {"control=risk_control:" + id}), more);
}

inline EventDraft RevisedControl(const std::string& id, const std::vector<std::string>& more) {
  v1::RiskControlRevised body;
  body.mutable_content()->set_kind(v1::RiskControlContent::PROTECTIVE_MEASURE);
  body.mutable_content()->set_text("no longer");
  return Rationale(WithRefs(DraftWith(std::move(body), {"control=risk_control:" + id}), more));
}

inline EventDraft Verified(const std::string& control, v1::RiskControlVerified::Aspect aspect,
                           v1::RiskControlVerified::Result result = v1::RiskControlVerified::PASS,
                           const std::vector<std::string>& more = {}) {
  v1::RiskControlVerified body;
  body.set_aspect(aspect);
  body.set_result(result);
  body.set_configuration_digest(kTestDigest);
  return WithRefs(DraftWith(std::move(body), {"control=risk_control:" + control}), more);
}

inline EventDraft Link(const std::string& from, v1::TraceRelation relation, const std::string& to) {
  v1::TraceLinked body;
  body.set_relation(relation);
  return DraftWith(std::move(body), {"from=" + from, "to=" + to});
}

inline EventDraft Unlink(const std::string& from, v1::TraceRelation relation, const std::string& to) {
  v1::TraceWithdrawn body;
  body.set_relation(relation);
  return Rationale(DraftWith(std::move(body), {"from=" + from, "to=" + to}));
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_QUERY_ITEM_DRAFTS_H_
