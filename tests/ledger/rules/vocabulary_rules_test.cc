// The rules of the vocabulary, asked through a whole ledger in memory: what is refused and what is recorded with a
// finding.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/state/broken_rules.h"
#include "ledger/state/policies.h"
#include "ledger/state/software_items.h"
#include "tests/ledger/rules/refusals.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

using absl::StatusCode;
using testing::Contains;
using testing::IsEmpty;
using testing::Not;

// A ledger in which `admin_` holds every role that the tests need, and `author_` none.
class VocabularyRulesTest : public testing::Test {
 protected:
  void SetUp() override {
    Accept(admin_.Write(FoundingDrafts(admin_)));
    Accept(admin_.Write({EnrolPerson("author"), IssueKey("person", "author", author_.key().public_key()),
                         GrantRole("admin", v1::QUALITY_OFFICER), GrantRole("admin", v1::CERTIFIER),
                         GrantRole("admin", v1::VERIFIER)}));
  }

  RunVerdict Accept(const v1::Run& run) {
    const StatusOr<RunVerdict> verdict = ledger_.Append(run);
    EXPECT_TRUE(verdict.ok()) << verdict.status();
    return verdict.ok() ? *verdict : RunVerdict();
  }
  std::vector<std::string> Findings(const RunVerdict& verdict) {
    std::vector<std::string> rules;
    for (const v1::EventFinding& finding : verdict.findings) rules.push_back(finding.finding().rule());
    if (!verdict.indexes.empty()) {
      const auto stored = FindingsOf(ledger_.rows(), verdict.indexes.front());
      EXPECT_TRUE(stored.ok()) << stored.status();
      EXPECT_EQ(stored->size(), verdict.findings.size());
    }
    return rules;
  }
  // The draft alone, as admin's next event; its findings.
  std::vector<std::string> Record(const EventDraft& draft) { return Findings(Accept(admin_.Write({draft}))); }
  v1::RefusalDetail Refused(const EventDraft& draft, v1::RefusalReason reason) {
    const uint64_t position = position_of_admin();
    const StatusOr<RunVerdict> verdict = ledger_.Append(admin_.Write({draft}));
    EXPECT_FALSE(verdict.ok());
    const v1::RefusalDetail detail = DetailOf(verdict.status());
    EXPECT_EQ(v1::RefusalReason_Name(detail.reason()), v1::RefusalReason_Name(reason)) << verdict.status();
    admin_.RewindTo(position);
    return detail;
  }
  uint64_t position_of_admin() {
    v1::Run probe = admin_.Write({ReferToDocument("probe")});
    v1::EventHeader header;
    EXPECT_TRUE(header.ParseFromString(probe.headers(0)));
    admin_.RewindTo(header.stream_position() - 1);
    return header.stream_position() - 1;
  }

  template <typename Body>
  static EventDraft With(Body body, std::initializer_list<v1::EntityRef> refs) {
    EventDraft draft = Draft(std::move(body));
    for (const v1::EntityRef& ref : refs) *draft.header.add_refs() = ref;
    return draft;
  }
  static v1::EntityRef Ref(std::string_view role, std::string_view kind, std::string_view id,
                           std::string_view version = "") {
    v1::EntityRef ref;
    ref.set_role(std::string(role));
    ref.set_kind(std::string(kind));
    ref.set_id(std::string(id));
    ref.set_version(std::string(version));
    return ref;
  }
  static EventDraft Item(std::string_view id, std::string_view parent = "") {
    v1::SoftwareItemIdentified body;
    body.set_name(std::string(id));
    body.set_level(v1::SoftwareItemIdentified::ITEM);
    body.set_trainability(v1::SoftwareItemIdentified::FIXED);
    EventDraft draft = With(body, {Ref("item", "software_item", id)});
    if (!parent.empty()) *draft.header.add_refs() = Ref("parent", "software_item", parent);
    return draft;
  }
  static EventDraft Class(std::string_view item, v1::SoftwareSafetyClass safety_class) {
    v1::SafetyClassAssigned body;
    body.set_safety_class(safety_class);
    return With(body, {Ref("item", "software_item", item)});
  }
  static EventDraft Model(std::string_view version, std::string_view change_text) {
    v1::ModelRegistered body;
    body.set_change_text(std::string(change_text));
    return With(body, {Ref("model", "model", "m", version), Ref("training_run", "training_run", "t"),
                       Ref("dataset", "dataset", "d", "1"), Ref("code", "code_revision", "c", "1")});
  }
  static EventDraft Curated(std::string_view version) {
    v1::DatasetCurated body;
    body.add_inclusion("adults");
    body.add_exclusion()->set_text("motion artefacts");
    body.set_selection_rationale("as intended");
    return With(body, {Ref("dataset", "dataset", "d", version)});
  }
  static EventDraft Sealed(std::string_view version) {
    v1::DatasetSealed body;
    body.set_records(347);
    body.set_manifest_root(std::string(32, 'r'));
    return With(body, {Ref("dataset", "dataset", "d", version)});
  }
  v1::ElectronicSignature Signature(uint32_t ordinal, int components, char session = 's') const {
    v1::ElectronicSignature signature;
    signature.set_meaning(v1::ElectronicSignature::APPROVAL);
    signature.set_signed_at_us(kTestStart.us);
    signature.set_session_id(std::string(16, session));
    signature.set_ordinal(ordinal);
    if (components > 0) signature.add_components(v1::ElectronicSignature::KEY);
    if (components > 1) signature.add_components(v1::ElectronicSignature::PASSPHRASE);
    return signature;
  }
  static EventDraft Plan(std::string_view version, const v1::ElectronicSignature& signature) {
    v1::PlanApproved body;
    body.mutable_content()->set_kind(v1::PlanContent::DEVELOPMENT);
    body.mutable_content()->add_sections()->set_topic("scope");
    *body.mutable_signature() = signature;
    return With(body, {Ref("plan", "plan", "p", version)});
  }

  TestLedger ledger_;
  TestWriter admin_{"person", "admin", 1};
  TestWriter author_{"person", "author", 2};
};

// format.md section 3: whoever signs a record signs that record, not others along with it.
TEST_F(VocabularyRulesTest, WhatAPersonSignsIsARunOfItsOwn) {
  const EventDraft plan = Plan("1", Signature(1, 2));
  const auto reason = [&](const std::vector<EventDraft>& drafts, uint32_t place) {
    const uint64_t position = position_of_admin();
    const Status status = ledger_.Append(admin_.Write(drafts)).status();
    if (status.ok()) return v1::REFUSAL_REASON_UNSPECIFIED;
    admin_.RewindTo(position);
    EXPECT_EQ(DetailOf(status).field(), "body.signature");
    EXPECT_EQ(DetailOf(status).event_index(), place);
    EXPECT_THAT(std::string(MessageOf(status)), testing::HasSubstr("append this event alone"));
    return DetailOf(status).reason();
  };
  EXPECT_EQ(reason({Curated("1"), plan}, 1), v1::SIGNATURE_INCOMPLETE);
  EXPECT_EQ(reason({plan, Curated("1")}, 0), v1::SIGNATURE_INCOMPLETE);
  EXPECT_EQ(reason({plan}, 0), v1::REFUSAL_REASON_UNSPECIFIED);
}

TEST_F(VocabularyRulesTest, A01_AFurtherVersionSaysWhatChanged) {
  (void)Record(Model("1.9", ""));
  const v1::RefusalDetail detail = Refused(Model("2.0", ""), v1::RULE_BROKEN);
  EXPECT_EQ(detail.rule(), "CHANGE-TEXT");
  EXPECT_FALSE(detail.clause().empty());
  EXPECT_FALSE(detail.remedy().empty());
  (void)Record(Model("2.0", "forty more cases"));
}

TEST_F(VocabularyRulesTest, A04_ADirtyWorkTreeIsAFinding) {
  v1::CodeRevisionRecorded body;
  body.set_vcs("git");
  body.set_commit_id("abc");
  body.set_dirty(true);
  EXPECT_THAT(Record(With(body, {Ref("code", "code_revision", "c", "1")})), Contains("CODE-DIRTY"));
}

TEST_F(VocabularyRulesTest, A16_AVersionNeverMovesAndTheAttemptIsRecorded) {
  const RunVerdict first = Accept(admin_.Write({Model("2.0", "first")}));
  const TreeSize size = ledger_.size();
  const v1::RefusalDetail detail = Refused(Model("2.0", "other content"), v1::ENTITY_TAKEN);
  EXPECT_EQ(detail.rule(), "UNIQUE/model");
  EXPECT_EQ(detail.existing_index(), first.indexes.front().value);
  ASSERT_EQ(ledger_.size().value, size.value + 1);
  const StatusOr<LoadedEvent> attempt = LoadEvent(ledger_.rows(), LeafIndex(size.value));
  ASSERT_TRUE(attempt.ok());
  EXPECT_EQ(attempt->type->name(), "access.denied");
  // The same content again contradicts nothing.
  (void)Record(Model("2.0", "first"));
}

TEST_F(VocabularyRulesTest, A16_TheSameTwiceInOneRunContradictsNothingOtherwiseItDoes) {
  v1::DocumentReferenced document;
  document.set_title("a title");
  v1::DocumentReferenced other;
  other.set_title("another title");
  const auto refer = [](const v1::DocumentReferenced& body, std::string_view version) {
    return With(body, {Ref("document", "document", "b", version)});
  };
  Accept(admin_.Write({refer(document, "4"), refer(document, "4")}));
  // Without a version it may be told again in other words.
  Accept(admin_.Write({refer(document, ""), refer(other, "")}));
  const StatusOr<RunVerdict> verdict = ledger_.Append(admin_.Write({refer(document, "5"), refer(other, "5")}));
  EXPECT_EQ(v1::RefusalReason_Name(DetailOf(verdict.status()).reason()), "ENTITY_TAKEN") << verdict.status();
  EXPECT_EQ(DetailOf(verdict.status()).event_index(), 1u);
}

// Their bodies can be erased, so that nothing may depend on whether two say the same; and comparing them must not fail,
// which would stop the ledger for everybody.
TEST_F(VocabularyRulesTest, A16_PersonalDataIsNeverComparedAndNeverTheSame) {
  (void)Record(EnrolPerson("carol"));
  EXPECT_EQ(Refused(EnrolPerson("carol"), v1::ENTITY_TAKEN).rule(), "UNIQUE/person");
  v1::FeedbackReceived feedback;
  feedback.set_source("clinic");
  feedback.set_channel("hotline");
  feedback.set_text("too loud");
  (void)Record(With(feedback, {Ref("feedback", "feedback", "f-1")}));
  EXPECT_EQ(Refused(With(feedback, {Ref("feedback", "feedback", "f-1")}), v1::ENTITY_TAKEN).rule(), "UNIQUE/feedback");
}

TEST_F(VocabularyRulesTest, A16_ARetractedVersionIsFreeAgain) {
  (void)Record(Model("2.0", "wrong"));
  (void)Record(Correct(admin_.LastId(), v1::RecordCorrected::RETRACTED));
  (void)Record(Model("2.0", "right"));
}

TEST_F(VocabularyRulesTest, A21_APerformanceRequirementIsHeldAgainstAValue) {
  v1::RequirementApproved body;
  v1::RequirementContent& content = *body.mutable_content();
  content.set_kind(v1::RequirementContent::PERFORMANCE);
  content.set_text("Finds nodules.");
  int requirements = 0;
  const auto requirement = [&] {
    return With(body, {Ref("requirement", "requirement", Text("R", ++requirements), "1")});
  };
  EXPECT_EQ(Refused(requirement(), v1::RULE_BROKEN).rule(), "REQUIREMENT-ACCEPTANCE");
  v1::AcceptanceCriterion& criterion = *content.mutable_acceptance();
  criterion.set_metric("sensitivity");
  criterion.set_value("0.9");
  for (const char* unknown : {"==", "=>", "!=", "or"}) {
    criterion.set_comparator(unknown);
    const v1::RefusalDetail detail = Refused(requirement(), v1::RULE_BROKEN);
    EXPECT_EQ(detail.rule(), "REQUIREMENT-ACCEPTANCE") << unknown;
    EXPECT_EQ(detail.field(), "body.content.acceptance.comparator") << unknown;
  }
  for (const char* comparator : {"<", "<=", "=", ">=", ">"}) {
    criterion.set_comparator(comparator);
    EXPECT_THAT(Record(requirement()), Contains("REQUIREMENT-ACCEPTANCE")) << "0.9 of what, and how sure";
  }
  criterion.set_confidence("lower bound of the 95 % interval");
  EXPECT_THAT(Record(requirement()), Not(Contains("REQUIREMENT-ACCEPTANCE")));
  criterion.clear_confidence();
  criterion.set_unit("%");
  EXPECT_THAT(Record(requirement()), Not(Contains("REQUIREMENT-ACCEPTANCE")));
  // Of the other kinds no number is asked for.
  content.clear_acceptance();
  content.set_kind(v1::RequirementContent::USABILITY);
  EXPECT_THAT(Record(requirement()), Not(Contains("REQUIREMENT-ACCEPTANCE")));
}

TEST_F(VocabularyRulesTest, A42_ADatasetIsCuratedBeforeItIsSealed) {
  EXPECT_EQ(Refused(Sealed("2.1"), v1::RULE_BROKEN).rule(), "SEAL-CURATED");
  EventDraft imported = Sealed("2.1");
  imported.header.set_retrospective(true);
  EXPECT_THAT(Record(imported), Contains("SEAL-CURATED"));
  (void)Record(Curated("2.3"));
  EXPECT_THAT(Record(Sealed("2.3")), IsEmpty());
}

TEST_F(VocabularyRulesTest, A42_InOneRunToo) {
  const RunVerdict verdict = Accept(admin_.Write({Curated("3.0"), Sealed("3.0")}));
  for (const v1::EventFinding& finding : verdict.findings) EXPECT_EQ(finding.event_index(), 0u);
}

TEST_F(VocabularyRulesTest, A45_TooLittleAgreementKeepsADatasetFromBeingSealed) {
  v1::AnnotationProtocolApproved protocol;
  protocol.add_labels("nodule");
  protocol.set_text("mark every nodule");
  EventDraft approved =
      With(protocol, {Ref("protocol", "annotation_protocol", "ap", "1"), Ref("author", "person", "x")});
  approved.header.set_rationale("the finding of interest");
  (void)Record(approved);
  (void)Record(Curated("2.2"));
  const auto annotated = [&](std::string_view id, std::string_view achieved) {
    v1::AnnotationCompleted body;
    body.set_selection_basis("radiologists");
    body.set_metric(v1::AnnotationCompleted::PERCENT);
    body.set_required("95");
    body.set_achieved(std::string(achieved));
    body.set_resolution("third reader");
    return With(body, {Ref("annotation", "annotation", id), Ref("dataset", "dataset", "d", "2.2"),
                       Ref("protocol", "annotation_protocol", "ap", "1"), Ref("annotator", "person", "smith")});
  };
  (void)Record(annotated("round-1", "94.0"));
  EXPECT_EQ(Refused(Sealed("2.2"), v1::RULE_BROKEN).rule(), "ANNOTATION-AGREEMENT");
  (void)Record(annotated("round-2", "9.5e1"));
  (void)Record(Sealed("2.2"));
}

TEST_F(VocabularyRulesTest, A10_AnItemHasItsParentsClassAndCUntilOneIsAssigned) {
  (void)Record(Item("system"));
  (void)Record(Item("alarm", "system"));
  const auto class_of = [&](std::string_view item) { return ClassOfItem(ledger_.rows(), item)->safety_class; };
  EXPECT_EQ(class_of("alarm"), v1::SOFTWARE_SAFETY_CLASS_C);
  (void)Record(Class("system", v1::SOFTWARE_SAFETY_CLASS_A));
  EXPECT_EQ(class_of("alarm"), v1::SOFTWARE_SAFETY_CLASS_A);
  (void)Record(Class("alarm", v1::SOFTWARE_SAFETY_CLASS_B));
  EXPECT_EQ(class_of("alarm"), v1::SOFTWARE_SAFETY_CLASS_B);
  EXPECT_EQ(class_of("system"), v1::SOFTWARE_SAFETY_CLASS_A);
  // Lowering asks for a reason.
  EXPECT_EQ(Refused(Class("alarm", v1::SOFTWARE_SAFETY_CLASS_A), v1::RULE_BROKEN).rule(), "CLASS-LOWERED");
  v1::SafetyClassLowered lowered;
  lowered.set_safety_class(v1::SOFTWARE_SAFETY_CLASS_A);
  EventDraft draft = With(lowered, {Ref("item", "software_item", "alarm")});
  draft.header.set_rationale("an external control covers it");
  (void)Record(draft);
  EXPECT_EQ(class_of("alarm"), v1::SOFTWARE_SAFETY_CLASS_A);
  // And when that is retracted, what was before counts again.
  (void)Record(Correct(admin_.LastId(), v1::RecordCorrected::RETRACTED));
  EXPECT_EQ(class_of("alarm"), v1::SOFTWARE_SAFETY_CLASS_B);
}

TEST_F(VocabularyRulesTest, A10_AParentCountsAsLongAsItsEventDoes) {
  for (const char* item : {"system", "other", "alarm"}) (void)Record(Item(item));
  (void)Record(Class("system", v1::SOFTWARE_SAFETY_CLASS_B));
  (void)Record(Class("other", v1::SOFTWARE_SAFETY_CLASS_A));
  const auto class_at = [&](TreeSize size) { return ClassOfItemAt(ledger_.rows(), "alarm", size)->safety_class; };
  const auto part_of = [&](std::string_view item) {
    (void)Record(With(v1::SoftwareItemDecomposed(),
                      {Ref("item", "software_item", item), Ref("part", "software_item", "alarm")}));
    return ledger_.size();
  };
  const TreeSize before = ledger_.size();
  const TreeSize below_other = part_of("other");
  const TreeSize below_system = part_of("system");
  const EventId wrong = admin_.LastId();
  EXPECT_EQ(class_at(below_system), v1::SOFTWARE_SAFETY_CLASS_B);
  (void)Record(Correct(wrong, v1::RecordCorrected::RETRACTED));
  EXPECT_EQ(class_at(ledger_.size()), v1::SOFTWARE_SAFETY_CLASS_A) << "what was said before counts again";
  EXPECT_EQ(ItemAndAbove(ledger_.rows(), "alarm")->items, (std::vector<std::string>{"alarm", "other"}));
  // As known then.
  EXPECT_EQ(class_at(below_system), v1::SOFTWARE_SAFETY_CLASS_B);
  EXPECT_EQ(class_at(below_other), v1::SOFTWARE_SAFETY_CLASS_A);
  EXPECT_EQ(class_at(before), v1::SOFTWARE_SAFETY_CLASS_C);
}

TEST_F(VocabularyRulesTest, A10_ARetractedClassStillHeldBefore) {
  (void)Record(Item("alarm"));
  (void)Record(Class("alarm", v1::SOFTWARE_SAFETY_CLASS_A));
  const TreeSize then = ledger_.size();
  const EventId wrong = admin_.LastId();
  (void)Record(Correct(wrong, v1::RecordCorrected::RETRACTED));
  EXPECT_EQ(ClassOfItemAt(ledger_.rows(), "alarm", then)->safety_class, v1::SOFTWARE_SAFETY_CLASS_A);
  // Retracted, and that retracted later: as of between the two it counts for nothing.
  const TreeSize between = ledger_.size();
  (void)Record(Correct(admin_.LastId(), v1::RecordCorrected::RETRACTED));
  EXPECT_EQ(ClassOfItemAt(ledger_.rows(), "alarm", between)->safety_class, v1::SOFTWARE_SAFETY_CLASS_C);
  EXPECT_EQ(ClassOfItem(ledger_.rows(), "alarm")->safety_class, v1::SOFTWARE_SAFETY_CLASS_A);
}

TEST_F(VocabularyRulesTest, A111_WhoAdministersAPartGivesNobodyTheRest) {
  v1::RoleGranted grant;
  grant.set_role(v1::ADMINISTRATOR);
  grant.mutable_scope()->add_items("alarm");
  (void)Record(With(grant, {Ref("holder", "person", "author")}));
  const StatusOr<RunVerdict> verdict = ledger_.Append(author_.Write({GrantRole("author", v1::ADMINISTRATOR)}));
  EXPECT_EQ(v1::RefusalReason_Name(DetailOf(verdict.status()).reason()), "OUT_OF_SCOPE") << verdict.status();
}

TEST_F(VocabularyRulesTest, A31_A40_AReleaseNeedsItsTestsArchiveAndAnomalies) {
  (void)Record(Item("alarm"));
  (void)Record(Class("alarm", v1::SOFTWARE_SAFETY_CLASS_B));
  v1::ReleaseApproved body;
  const auto release = [&] {
    return With(body, {Ref("release", "release", "r", "1"), Ref("model", "model", "m", "1"),
                       Ref("item", "software_item", "alarm")});
  };
  EXPECT_EQ(Refused(release(), v1::RULE_BROKEN).rule(), "RELEASE-SYSTEM-TEST");
  EventDraft imported = release();
  imported.header.set_retrospective(true);
  const std::vector<std::string> findings = Record(imported);
  for (const char* rule : {"RELEASE-SYSTEM-TEST", "RELEASE-INTEGRATION-TEST", "RELEASE-ANOMALIES", "RELEASE-BUILD",
                           "FIELD/archive", "RELEASE-PLAN"}) {
    EXPECT_THAT(findings, Contains(rule));
  }
}

TEST_F(VocabularyRulesTest, A62_AnIncidentIsClosedWithTheRiskFileOrAReason) {
  v1::IncidentRecorded incident;
  incident.set_harm(v1::IncidentRecorded::SERIOUS);
  incident.set_description("missed alarm");
  (void)Record(With(incident, {Ref("incident", "incident", "i-1")}));
  v1::IncidentClosed body;
  const auto close = [&] {
    EventDraft draft = With(body, {Ref("incident", "incident", "i-1")});
    draft.header.set_rationale("resolved");
    return draft;
  };
  EXPECT_EQ(Refused(close(), v1::RULE_BROKEN).rule(), "INCIDENT-RISK-FILE");
  body.set_no_update_because("the hazard was known and its risk estimate stands");
  (void)Record(close());
}

TEST_F(VocabularyRulesTest, A95_AProblemNamesItsConfigurationOrSaysWhyNot) {
  v1::ProblemReported body;
  body.set_criticality(v1::ProblemReported::SAFETY);
  body.set_description("froze");
  EXPECT_THAT(Record(With(body, {Ref("problem", "problem", "p-1")})), Contains("PROBLEM-CONFIGURATION"));
  body.set_configuration_unknown_because("the unit was offline");
  EXPECT_THAT(Record(With(body, {Ref("problem", "problem", "p-2")})), Not(Contains("PROBLEM-CONFIGURATION")));
}

TEST_F(VocabularyRulesTest, A100_EachHopOfAProblemIsAskedFor) {
  v1::ProblemReported reported;
  reported.set_criticality(v1::ProblemReported::SAFETY);
  reported.set_description("froze");
  reported.set_configuration_unknown_because("offline");
  (void)Record(With(reported, {Ref("problem", "problem", "p")}));
  EventDraft close = With(v1::ProblemClosed(), {Ref("problem", "problem", "p")});
  close.header.set_rationale("done");
  EXPECT_EQ(Refused(close, v1::RULE_BROKEN).rule(), "CLOSE-VERIFIED");
  v1::ProblemResolved resolved;
  resolved.set_summary("watchdog");
  EXPECT_THAT(Record(With(resolved, {Ref("problem", "problem", "p")})), Contains("RESOLVE-INVESTIGATED"));
  v1::ProblemVerified verified;
  (void)Record(With(verified, {Ref("problem", "problem", "p")}));
  EXPECT_EQ(Refused(close, v1::RULE_BROKEN).rule(), "CLOSE-VERIFIED") << "it was verified that it is not resolved";
  verified.set_resolved(true);
  (void)Record(With(verified, {Ref("problem", "problem", "p")}));
  (void)Record(close);
}

TEST_F(VocabularyRulesTest, A104_LateIsAFindingByThePolicyInForceAndNeedsAReason) {
  v1::PolicyAdopted body;
  body.set_kind(v1::PolicyAdopted::CONTEMPORANEITY);
  body.set_title("times");
  v1::ContemporaneityPolicy& policy = *body.mutable_document()->mutable_contemporaneity();
  auto& threshold = *policy.add_thresholds();
  threshold.set_timeliness(v1::HUMAN_RECORD);
  threshold.set_seconds(86'400);
  policy.set_burst_events(10);
  policy.set_burst_ratio(10);
  (void)Record(With(body, {Ref("policy", "policy", "contemporaneity", "1")}));
  EventDraft late = ReferToDocument("sop");
  SetOccurred(late, Timestamp(kTestStart.us - int64_t{90'000} * 1'000'000),
              Timestamp(kTestStart.us - int64_t{90'000} * 1'000'000));
  EXPECT_THAT(Record(late), testing::ElementsAre("LATE", "LATE-REASON"));
  EventDraft explained = ReferToDocument("sop-2");
  explained.header.set_occurred_earliest_us(late.header.occurred_earliest_us());
  explained.header.set_occurred_latest_us(late.header.occurred_latest_us());
  explained.header.set_late_reason("the link was down");
  EXPECT_THAT(Record(explained), testing::ElementsAre("LATE"));
  EXPECT_THAT(Record(ReferToDocument("sop-3")), IsEmpty());
}

// A policy that was taken back is not in force: the one before it is, or none.
TEST_F(VocabularyRulesTest, A104_ARetractedPolicyIsNotInForce) {
  const auto adopt = [&](std::string_view version, uint64_t seconds) {
    v1::PolicyAdopted body;
    body.set_kind(v1::PolicyAdopted::CONTEMPORANEITY);
    body.set_title("times");
    v1::ContemporaneityPolicy& policy = *body.mutable_document()->mutable_contemporaneity();
    auto& threshold = *policy.add_thresholds();
    threshold.set_timeliness(v1::HUMAN_RECORD);
    threshold.set_seconds(seconds);
    policy.set_burst_events(10);
    policy.set_burst_ratio(10);
    Accept(admin_.Write({With(body, {Ref("policy", "policy", "contemporaneity", version)})}));
    return admin_.LastId();
  };
  const auto retract = [&](const EventId& event) {
    Accept(admin_.Write({Correct(event, v1::RecordCorrected::RETRACTED)}));
    return admin_.LastId();
  };
  const auto late_by_hours = [&](std::string_view document) {
    EventDraft late = ReferToDocument(document);
    const Timestamp time(kTestStart.us - int64_t{90'000} * 1'000'000);
    SetOccurred(late, time, time);
    late.header.set_late_reason("the link was down");
    return Record(late);
  };
  const auto in_force = [&]() -> std::string {
    const auto policy = PolicyInForce(ledger_.rows(), v1::PolicyAdopted::CONTEMPORANEITY).value();
    const auto at = PolicyInForceAt(ledger_.rows(), v1::PolicyAdopted::CONTEMPORANEITY, TreeSize(UINT64_MAX)).value();
    EXPECT_EQ(policy.has_value(), at.has_value());
    EXPECT_EQ(HasPolicy(ledger_.rows(), v1::PolicyAdopted::CONTEMPORANEITY).value(), policy.has_value());
    if (!policy.has_value()) return "";
    EXPECT_EQ(policy->index, at->index);
    return policy->name.version();
  };
  const EventId first = adopt("1", 1'000'000);
  EXPECT_THAT(late_by_hours("a"), IsEmpty());
  const EventId second = adopt("2", 60);
  EXPECT_THAT(late_by_hours("b"), testing::ElementsAre("LATE"));
  const EventId retraction = retract(second);
  EXPECT_EQ(in_force(), "1");
  EXPECT_THAT(late_by_hours("c"), IsEmpty());
  // Retracting the retraction brings it back.
  (void)retract(retraction);
  EXPECT_EQ(in_force(), "2");
  EXPECT_THAT(late_by_hours("d"), testing::ElementsAre("LATE"));
  (void)retract(first);
  EXPECT_EQ(in_force(), "2");
  (void)retract(second);
  EXPECT_EQ(in_force(), "");
  EXPECT_THAT(late_by_hours("e"), IsEmpty());
  (void)adopt("3", 60);
  EXPECT_EQ(in_force(), "3");
  EXPECT_THAT(late_by_hours("f"), testing::ElementsAre("LATE"));
}

TEST_F(VocabularyRulesTest, A30_ATestOfAnArtifactThatIsNotWhatItsDesignSaysDidNotPass) {
  v1::DesignApproved design;
  v1::DesignContent& declared = *design.mutable_content();
  declared.set_parameter_count(4'800'000);
  declared.set_input_shape("1x96x96x96");
  for (const auto& [name, shape] : {std::pair("down1", "32x48x48x48"), std::pair("out", "2x96x96x96")}) {
    v1::DesignContent::Layer& layer = *declared.add_layers();
    layer.set_name(name);
    layer.set_kind("conv3d");
    layer.set_shape(shape);
  }
  (void)Record(With(design, {Ref("design", "design", "unet", "1")}));
  v1::TestCaseApproved test_case;
  test_case.set_level(v1::UNIT);
  test_case.set_procedure("count the parameters of the trained artifact");
  test_case.set_expected("as the detailed design says");
  (void)Record(With(test_case, {Ref("test_case", "test_case", "tc", "1")}));
  const auto run = [&](std::string_view id, v1::TestRunCompleted::Result result, const v1::DesignContent& measured) {
    v1::TestRunCompleted body;
    body.set_level(v1::UNIT);
    body.set_result(result);
    body.set_configuration_digest(std::string(32, 'c'));
    body.set_test_configuration("x86, CPU only");
    body.add_tools("torchinfo 1.8");
    body.add_unit_criteria("data flow");
    *body.mutable_measured() = measured;
    return With(body, {Ref("test_run", "test_run", id), Ref("test_case", "test_case", "tc", "1"),
                       Ref("design", "design", "unet", "1"), Ref("tester", "person", "admin")});
  };
  EXPECT_THAT(Record(run("as-designed", v1::TestRunCompleted::PASS, declared)), Not(Contains("DESIGN-MISMATCH")));
  // What was not measured contradicts nothing.
  v1::DesignContent some;
  some.set_parameter_count(4'800'000);
  EXPECT_THAT(Record(run("some", v1::TestRunCompleted::PASS, some)), Not(Contains("DESIGN-MISMATCH")));

  v1::DesignContent measured = declared;
  measured.set_parameter_count(4'900'000);
  measured.mutable_layers(1)->set_shape("3x96x96x96");
  const v1::RefusalDetail refused = Refused(run("other", v1::TestRunCompleted::PASS, measured), v1::RULE_BROKEN);
  EXPECT_EQ(refused.rule(), "DESIGN-MISMATCH");
  EXPECT_THAT(Record(run("other", v1::TestRunCompleted::FAIL, measured)), Contains("DESIGN-MISMATCH"));
  const auto findings = FindingsOf(ledger_.rows(), LeafIndex(ledger_.size().value - 1)).value();
  const auto found = std::find_if(findings.begin(), findings.end(),
                                  [](const v1::Finding& finding) { return finding.rule() == "DESIGN-MISMATCH"; });
  ASSERT_NE(found, findings.end());
  EXPECT_THAT(found->message(), testing::HasSubstr("parameter_count is 4900000, the design says 4800000"));
  EXPECT_THAT(found->message(), testing::HasSubstr("layer 1 \"out\": shape is 3x96x96x96, the design says 2x96x96x96"));
}

TEST_F(VocabularyRulesTest, APolicyHoldsTheDocumentOfItsKind) {
  v1::PolicyAdopted body;
  body.set_kind(v1::PolicyAdopted::RETENTION);
  body.set_title("times");
  body.mutable_document()->mutable_contemporaneity()->set_burst_events(1);
  body.mutable_document()->mutable_contemporaneity()->set_burst_ratio(1);
  body.mutable_document()->mutable_contemporaneity()->add_thresholds()->set_seconds(1);
  EXPECT_EQ(Refused(With(body, {Ref("policy", "policy", "p", "1")}), v1::RULE_BROKEN).rule(), "POLICY-KIND");
}

TEST_F(VocabularyRulesTest, APeriodOfRetentionHasALength) {
  v1::PolicyAdopted body;
  body.set_kind(v1::PolicyAdopted::RETENTION);
  body.set_title("retention");
  v1::RetentionPolicy::Period& period = *body.mutable_document()->mutable_retention()->add_periods();
  period.set_source("a law");
  EXPECT_EQ(Refused(With(body, {Ref("policy", "policy", "p", "1")}), v1::RULE_BROKEN).rule(), "POLICY-PERIOD");
  period.set_months(6);
  (void)Record(With(body, {Ref("policy", "policy", "p", "1")}));
}

// A period that starts with what never comes would be counted from the last placement, and over too soon.
TEST_F(VocabularyRulesTest, APeriodOfRetentionStartsWithWhatIsAboutUnits) {
  v1::PolicyAdopted body;
  body.set_kind(v1::PolicyAdopted::RETENTION);
  body.set_title("retention");
  v1::RetentionPolicy::Period& period = *body.mutable_document()->mutable_retention()->add_periods();
  period.set_source("a law");
  period.set_years(2);
  for (const char* starts : {"incident.recored", "incident", "dataset.sealed"}) {
    period.set_starts(starts);
    const v1::RefusalDetail detail = Refused(With(body, {Ref("policy", "policy", "p", "1")}), v1::RULE_BROKEN);
    EXPECT_EQ(detail.rule(), "POLICY-PERIOD") << starts;
    EXPECT_EQ(detail.field(), "body.document.retention.periods[0].starts");
  }
  period.set_starts("incident.recorded");
  (void)Record(With(body, {Ref("policy", "policy", "p", "1")}));
  period.set_starts("device_unit.decommissioned");
  (void)Record(With(body, {Ref("policy", "policy", "p", "2")}));
}

TEST_F(VocabularyRulesTest, A42_AnOverrideChangesWhatARuleDoes) {
  v1::PolicyAdopted body;
  body.set_kind(v1::PolicyAdopted::PROCESS_PROFILE);
  body.set_title("lenient");
  v1::ProcessProfile& profile = *body.mutable_document()->mutable_process_profile();
  profile.set_standard("IEC 62304:2006+A1:2015");
  auto& level = *profile.add_levels();
  level.set_name("A");
  level.add_classes(v1::SOFTWARE_SAFETY_CLASS_A);
  auto& evidence = *profile.add_evidence();
  evidence.set_clause("5.1.1");
  evidence.set_title("plan");
  evidence.add_classes(v1::SOFTWARE_SAFETY_CLASS_A);
  auto& change = *profile.add_overrides();
  change.set_rule_id("SEAL-CURATED");
  change.set_consequence(v1::FINDING);
  (void)Record(With(body, {Ref("policy", "policy", "profile", "1")}));
  EXPECT_THAT(Record(Sealed("9")), Contains("SEAL-CURATED"));
}

// 21 CFR 11.200(a)(1).
TEST_F(VocabularyRulesTest, A111_SignaturesAndTheirSessions) {
  EXPECT_EQ(Refused(Plan("1", Signature(1, 1)), v1::SIGNATURE_INCOMPLETE).field(), "body.signature");
  EXPECT_EQ(Refused(Plan("1", Signature(2, 2)), v1::SIGNATURE_INCOMPLETE).field(), "body.signature");
  (void)Record(Plan("1", Signature(1, 2)));
  (void)Refused(Plan("2", Signature(1, 2)), v1::SIGNATURE_INCOMPLETE);
  (void)Refused(Plan("2", Signature(3, 1)), v1::SIGNATURE_INCOMPLETE);
  (void)Record(Plan("2", Signature(2, 1)));
  v1::ElectronicSignature late = Signature(3, 1);
  late.set_signed_at_us(kTestStart.us + int64_t{3'600} * 1'000'000);
  (void)Refused(Plan("3", late), v1::SIGNATURE_INCOMPLETE);
  (void)Record(Plan("3", Signature(1, 2, 't')));
  // Nobody signs in another's session.
  const StatusOr<RunVerdict> other = ledger_.Append(author_.Write({Plan("4", Signature(3, 1))}));
  EXPECT_EQ(v1::RefusalReason_Name(DetailOf(other.status()).reason()), "SIGNATURE_INCOMPLETE");
}

TEST_F(VocabularyRulesTest, A111_ARoleReachesAsFarAsItsScope) {
  (void)Record(Item("alarm"));
  v1::RoleGranted grant;
  grant.set_role(v1::REGULATORY_OFFICER);
  grant.mutable_scope()->add_jurisdictions("DE");
  (void)Record(With(grant, {Ref("holder", "person", "author")}));
  v1::DeviceModelRegistered device_model;
  device_model.set_name("Vent 9");
  device_model.set_intended_purpose("ventilation");
  (void)Record(With(device_model, {Ref("device_model", "device_model", "vent-9")}));
  v1::RegulatoryCommitmentDeclared body;
  body.set_jurisdiction("US");
  body.set_regime("qmsr");
  body.set_regulatory_class("II");
  const auto declare = [&] { return With(body, {Ref("device_model", "device_model", "vent-9")}); };
  StatusOr<RunVerdict> verdict = ledger_.Append(author_.Write({declare()}));
  EXPECT_EQ(v1::RefusalReason_Name(DetailOf(verdict.status()).reason()), "OUT_OF_SCOPE") << verdict.status();
  author_.RewindTo(0);
  body.set_jurisdiction("DE");
  verdict = ledger_.Append(author_.Write({declare()}));
  EXPECT_TRUE(verdict.ok()) << verdict.status();
}

TEST_F(VocabularyRulesTest, KeysAreRotatedAndReportedLost) {
  TestWriter rotated("person", "author", 7);
  v1::CredentialRotated body;
  body.set_old_public_key(author_.key().public_key().bytes());
  body.set_new_public_key(rotated.key().public_key().bytes());
  (void)Record(With(body, {Ref("holder", "person", "author")}));
  const StatusOr<RunVerdict> old = ledger_.Append(author_.Write({ReferToDocument("a")}));
  EXPECT_EQ(v1::RefusalReason_Name(DetailOf(old.status()).reason()), "KEY_NOT_VALID");
  Accept(rotated.Write({ReferToDocument("a")}));
  v1::CredentialReportedLost lost;
  lost.set_public_key(rotated.key().public_key().bytes());
  EventDraft draft = With(lost, {Ref("holder", "person", "author")});
  draft.header.set_rationale("token left on a train");
  (void)Record(draft);
  const StatusOr<RunVerdict> gone = ledger_.Append(rotated.Write({ReferToDocument("b")}));
  EXPECT_EQ(v1::RefusalReason_Name(DetailOf(gone.status()).reason()), "KEY_NOT_VALID");
  EXPECT_THAT(std::string(MessageOf(gone.status())), testing::HasSubstr("reported lost"));
}

}  // namespace
}  // namespace anamnesis
