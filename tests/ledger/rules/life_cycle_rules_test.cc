// What the steps of a life cycle rest on: a seal on the members and the criteria, a release on tests of what is
// released.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/state/training_parameters.h"
#include "tests/ledger/rules/small_world.h"

namespace anamnesis {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

EventDraft Because(EventDraft draft) {
  draft.header.set_rationale("because");
  return draft;
}

v1::DatasetCurated Criteria() {
  v1::DatasetCurated body;
  body.add_inclusion("adults");
  body.add_exclusion()->set_text("motion artefacts");
  body.set_selection_rationale("as intended");
  return body;
}

class LifeCycleRulesTest : public SmallWorld {
 protected:
  void SetUp() override {
    SmallWorld::SetUp();
    Accept(admin_.Write({GrantRole("admin", v1::VERIFIER)}));
  }

  static EventDraft Curated(const std::string& version, const v1::DatasetCurated& body = Criteria()) {
    return DraftWith(body, {"dataset=dataset:d@" + version});
  }
  static v1::DatasetSealed Members(char root, uint64_t records = 347) {
    v1::DatasetSealed body;
    body.set_records(records);
    body.set_manifest_root(std::string(32, root));
    body.set_member_salt(std::string(32, 's'));
    return body;
  }
  static EventDraft Sealed(const std::string& version, const v1::DatasetSealed& body = Members('r')) {
    return DraftWith(body, {"dataset=dataset:d@" + version});
  }
  v1::RefusalDetail Refusal(const EventDraft& draft) { return DetailOf(Try(admin_, draft)); }
};

TEST_F(LifeCycleRulesTest, A02_A16_ASealedVersionIsNotSealedAgainWithOtherMembers) {
  (void)Record(Curated("2.2"));
  const LeafIndex first = Accept(admin_.Write({Sealed("2.2")})).indexes.front();
  v1::DatasetSealed other_salt = Members('r');
  other_salt.set_member_salt(std::string(32, 't'));
  for (const v1::DatasetSealed& other : {Members('q'), Members('r', 348), other_salt}) {
    for (const bool retrospective : {false, true}) {
      EventDraft again = Sealed("2.2", other);
      if (retrospective) again = ToldLate(again, 900);
      const v1::RefusalDetail detail = Refusal(again);
      EXPECT_EQ(detail.rule(), "SEALED-ONCE") << other.ShortDebugString();
      EXPECT_EQ(v1::RefusalReason_Name(detail.reason()), "ENTITY_TAKEN");
      EXPECT_EQ(detail.existing_index(), first.value);
    }
  }
  // The same again contradicts nothing, and what was made from it has its own members.
  const LeafIndex second = Accept(admin_.Write({Sealed("2.2")})).indexes.front();
  (void)Record(Curated("2.3"));
  EventDraft child = Sealed("2.3", Members('c'));
  AddReference(child, "parent", "dataset", "d", "2.2");
  (void)Record(child);
  EXPECT_EQ(Refusal(Sealed("2.2", Members('q'))).existing_index(), second.value);
}

TEST_F(LifeCycleRulesTest, A16_ASealIsCorrectedByACorrection) {
  (void)Record(Curated("2.2"));
  (void)Record(Sealed("2.2"));
  EventDraft corrected = Sealed("2.2", Members('q'));
  corrected.header.set_corrects(std::string(admin_.LastId().view()));
  (void)Record(corrected);
  EXPECT_EQ(RuleBroken(Sealed("2.2")), "SEALED-ONCE") << "what was replaced doesn't count";
  (void)Record(Sealed("2.2", Members('q')));
  // Both in one run.
  const EventDraft one = Sealed("2.4");
  const EventDraft other = Sealed("2.4", Members('q'));
  const StatusOr<RunVerdict> verdict = ledger_.Append(admin_.Write({Curated("2.4"), one, other}));
  EXPECT_EQ(DetailOf(verdict.status()).rule(), "SEALED-ONCE") << verdict.status();
}

TEST_F(LifeCycleRulesTest, A16_OfTwoSealsAlikeACorrectionReplacesOneOnly) {
  (void)Record(Curated("2.2"));
  const LeafIndex first = Accept(admin_.Write({Sealed("2.2")})).indexes.front();
  const EventId first_id = admin_.LastId();
  (void)Record(Sealed("2.2"));
  const EventId second = admin_.LastId();
  EventDraft corrected = Sealed("2.2", Members('q'));
  corrected.header.set_corrects(second.bytes());
  const v1::RefusalDetail detail = Refusal(corrected);
  EXPECT_EQ(detail.rule(), "SEALED-ONCE");
  EXPECT_EQ(detail.existing_index(), first.value) << "the other counts as before";
  // With one of them taken back the other is corrected.
  corrected.header.set_corrects(first_id.bytes());
  EXPECT_EQ(RuleBroken(corrected), "SEALED-ONCE");
  (void)Record(Correct(second, v1::RecordCorrected::RETRACTED));
  EXPECT_THAT(Record(corrected), IsEmpty());
}

TEST_F(LifeCycleRulesTest, A42_ADatasetIsSealedWithItsCriteria) {
  v1::DatasetCurated no_inclusion = Criteria();
  no_inclusion.clear_inclusion();
  v1::DatasetCurated no_exclusion = Criteria();
  no_exclusion.clear_exclusion();
  v1::DatasetCurated no_rationale = Criteria();
  no_rationale.clear_selection_rationale();
  int version = 0;
  for (const v1::DatasetCurated& body : {no_inclusion, no_exclusion, no_rationale}) {
    const std::string name = Text(++version);
    const std::vector<std::string> findings = Record(Curated(name, body));
    EXPECT_EQ(std::count_if(findings.begin(), findings.end(),
                            [](const std::string& rule) {
                              return rule == "FIELD/inclusion" || rule == "FIELD/exclusion" ||
                                     rule == "FIELD/selection_rationale";
                            }),
              1);
    EXPECT_EQ(RuleBroken(Sealed(name)), "SEAL-CRITERIA");
    EventDraft corrected = Curated(name);
    corrected.header.set_corrects(std::string(admin_.LastId().view()));
    (void)Record(corrected);
    EXPECT_THAT(Record(Sealed(name)), IsEmpty());
  }
  // What was imported as it is known is recorded with what it lacks.
  (void)Record(ToldLate(Curated("old", no_rationale), 20));
  EXPECT_THAT(Record(ToldLate(Sealed("old"), 10)), Contains("SEAL-CRITERIA"));
}

class AgreementTest : public LifeCycleRulesTest {
 protected:
  void SetUp() override {
    LifeCycleRulesTest::SetUp();
    v1::AnnotationProtocolApproved protocol;
    protocol.add_labels("nodule");
    protocol.set_text("mark every nodule");
    (void)Record(Because(DraftWith(protocol, {"protocol=annotation_protocol:ap@1", "author=person:x"})));
    (void)Record(Curated("1"));
  }
  // `decision` is empty where it names none.
  static EventDraft Annotated(const std::string& id, const std::string& decision, const std::string& achieved = "94") {
    v1::AnnotationCompleted body;
    body.set_selection_basis("radiologists");
    body.set_metric(v1::AnnotationCompleted::PERCENT);
    body.set_required("95");
    body.set_achieved(achieved);
    body.set_resolution("third reader");
    EventDraft draft = DraftWith(body, {"annotation=annotation:" + id, "dataset=dataset:d@1",
                                        "protocol=annotation_protocol:ap@1", "annotator=person:smith"});
    if (!decision.empty()) AddReference(draft, "deviation_approval", "decision", decision);
    return draft;
  }
  static EventDraft Decided(const std::string& id, const std::string& about, const std::string& choice) {
    v1::DecisionRecorded body;
    body.set_question("is less agreement good enough?");
    body.add_options("deviation_approved");
    body.add_options("annotate_again");
    body.set_choice(choice);
    return Because(DraftWith(body, {"decision=decision:" + id, "about=" + about}));
  }
  // By somebody else than who annotates.
  void Decide(const EventDraft& decision) { EXPECT_TRUE(Try(eve_, decision).ok()); }
};

TEST_F(AgreementTest, A45_ADeviationIsApprovedByARecordedDecisionAboutTheDataset) {
  EXPECT_EQ(RuleBroken(Annotated("a", "nobodys")), "EXISTS/deviation_approval");
  Decide(Decided("other", "dataset:e@1", "deviation_approved"));
  Decide(Decided("other-version", "dataset:d@2", "deviation_approved"));
  Decide(Decided("against", "dataset:d@1", "annotate_again"));
  for (const char* decision : {"other", "other-version", "against"}) {
    EXPECT_EQ(RuleBroken(Annotated("a", decision)), "ANNOTATION-DEVIATION") << decision;
  }
  // Told afterwards it is recorded, and approves nothing.
  EXPECT_THAT(Record(ToldLate(Annotated("a", "against"), 10)), Contains("ANNOTATION-DEVIATION"));
  EXPECT_EQ(RuleBroken(Sealed("1")), "ANNOTATION-AGREEMENT");
  Decide(Decided("for", "dataset:d@1", "deviation_approved"));
  EXPECT_THAT(Record(Annotated("b", "for")), IsEmpty());
  EXPECT_THAT(Record(Sealed("1")), IsEmpty());
}

TEST_F(AgreementTest, A45_ADeviationIsApprovedBySomebodyElse) {
  (void)Record(Decided("own", "dataset:d@1", "deviation_approved"));
  const Status status = Try(admin_, Annotated("a", "own"));
  EXPECT_EQ(DetailOf(status).rule(), "ANNOTATION-DEVIATION");
  EXPECT_THAT(std::string(MessageOf(status)), HasSubstr("person \"admin\" is behind decision \"own\""));
  EXPECT_THAT(DetailOf(status).remedy(), HasSubstr("by somebody else"));
  EXPECT_THAT(Record(ToldLate(Annotated("a", "own"), 10)), Contains("ANNOTATION-DEVIATION"));
  EXPECT_EQ(RuleBroken(Sealed("1")), "ANNOTATION-AGREEMENT");
  // What falls short of nothing needs no approval.
  EXPECT_THAT(Record(Annotated("b", "own", "95")), IsEmpty());
  EXPECT_THAT(Record(Sealed("1")), IsEmpty());
}

TEST_F(AgreementTest, A45_SomebodyElseIsNobodyBehindTheAnnotation) {
  const auto on_behalf = [](EventDraft draft, const std::string& person) {
    draft.header.mutable_on_behalf_of()->set_kind("person");
    draft.header.mutable_on_behalf_of()->set_id(person);
    return draft;
  };
  Decide(Decided("eves", "dataset:d@1", "deviation_approved"));
  Decide(on_behalf(Decided("for-smith", "dataset:d@1", "deviation_approved"), "smith"));
  Decide(on_behalf(Decided("for-admin", "dataset:d@1", "deviation_approved"), "admin"));
  const EventDraft by_eve = WithRefs(Annotated("a", "eves"), {"annotator=person:eve"});
  const EventDraft for_eve = on_behalf(Annotated("a", "eves"), "eve");
  for (const EventDraft& draft : {by_eve, for_eve, Annotated("a", "for-smith"), Annotated("a", "for-admin")}) {
    const Status status = Try(admin_, draft);
    EXPECT_EQ(DetailOf(status).rule(), "ANNOTATION-DEVIATION");
    EXPECT_THAT(std::string(MessageOf(status)), HasSubstr("and behind the annotation"));
  }
  // What is recorded all the same approves nothing when the dataset is sealed.
  EXPECT_THAT(Record(ToldLate(by_eve, 10)), Contains("ANNOTATION-DEVIATION"));
  EXPECT_EQ(RuleBroken(Sealed("1")), "ANNOTATION-AGREEMENT");
  EXPECT_THAT(Record(Annotated("b", "eves")), IsEmpty());
  EXPECT_THAT(Record(Sealed("1")), IsEmpty());
}

TEST_F(AgreementTest, A45_OfSeveralAnnotationsTheLastInTimeDecides) {
  (void)Record(Annotated("april", ""));
  EXPECT_THAT(Record(ToldLate(Annotated("march", "", "95"), 30)), IsEmpty());
  EXPECT_EQ(RuleBroken(Sealed("1")), "ANNOTATION-AGREEMENT") << "what is told of a time before mends nothing";
  const Timestamp before_may(ledger_.next_proposed().us - 500'000);
  EXPECT_THAT(Record(Annotated("may", "", "95")), IsEmpty());
  (void)Record(ToldLate(Annotated("february", "", "90"), 60));
  EventDraft sealed_before = Sealed("1");
  SetOccurred(sealed_before, before_may, before_may);
  sealed_before.header.set_retrospective(true);
  EXPECT_EQ(RuleBroken(sealed_before), "ANNOTATION-AGREEMENT") << "it was sealed on what stood then";
  EXPECT_THAT(Record(Sealed("1")), IsEmpty()) << "what is told of a time before spoils nothing";
}

TEST_F(AgreementTest, A45_NothingIsSealedAsOfBeforeItWasAnnotated) {
  (void)Record(Annotated("april", ""));
  EXPECT_THAT(Record(ToldLate(Sealed("1"), 30)), Contains("ANNOTATION-AGREEMENT"));
}

TEST_F(AgreementTest, A45_AnApprovalThatIsTakenBackApprovesNothingAnyMore) {
  Decide(Decided("for", "dataset:d@1", "deviation_approved"));
  const EventId decided = eve_.LastId();
  EXPECT_THAT(Record(Annotated("a", "for")), IsEmpty());
  (void)Record(Correct(decided, v1::RecordCorrected::RETRACTED));
  EXPECT_EQ(RuleBroken(Sealed("1")), "ANNOTATION-AGREEMENT");
  (void)Record(Correct(admin_.LastId(), v1::RecordCorrected::RETRACTED));
  EXPECT_THAT(Record(Sealed("1")), IsEmpty()) << "it counts again";
}

TEST_F(AgreementTest, A45_OfSeveralAnnotationsTheLastThatCountsDecides) {
  Decide(Decided("for", "dataset:d@1", "deviation_approved"));
  EXPECT_THAT(Record(Annotated("a", "for")), IsEmpty());
  (void)Record(Correct(eve_.LastId(), v1::RecordCorrected::RETRACTED));
  EXPECT_THAT(Record(Annotated("b", "", "95")), IsEmpty());
  const EventId enough = admin_.LastId();
  EXPECT_THAT(Record(Sealed("1")), IsEmpty());
  (void)Record(Correct(enough, v1::RecordCorrected::RETRACTED));
  EXPECT_EQ(RuleBroken(Sealed("1")), "ANNOTATION-AGREEMENT");
  EXPECT_THAT(Record(Annotated("c", "", "95.5")), IsEmpty());
  EXPECT_THAT(Record(Sealed("1")), IsEmpty());
}

class ReleaseTest : public LifeCycleRulesTest {
 protected:
  void SetUp() override {
    LifeCycleRulesTest::SetUp();
    v1::SoftwareItemIdentified item;
    item.set_name("alarm");
    item.set_level(v1::SoftwareItemIdentified::ITEM);
    item.set_trainability(v1::SoftwareItemIdentified::FIXED);
    for (const char* id : {"alarm", "display"}) (void)Record(DraftWith(item, {Text("item=software_item:", id)}));
    v1::TestCaseApproved test_case;
    test_case.set_level(v1::SYSTEM);
    test_case.set_procedure("run it");
    test_case.set_expected("an alarm");
    (void)Record(DraftWith(test_case, {"test_case=test_case:tc@1"}));
    v1::BuildCompleted build;
    v1::ContentDigest digest;
    digest.set_algorithm(v1::SHA256);
    digest.set_value(std::string(32, 'r'));
    *build.mutable_recipe() = digest;
    v1::NamedDigest& compiler = *build.add_toolchain();
    compiler.set_name("gcc");
    *compiler.mutable_digest() = digest;
    v1::FileRecord& output = *build.add_outputs();
    output.set_path("alarm");
    *output.mutable_digest() = digest;
    build.set_reproducible(v1::BuildCompleted::YES);
    (void)Record(DraftWith(build, {"build=build:b1"}));
  }
  void Class(v1::SoftwareSafetyClass safety_class) {
    v1::SafetyClassAssigned body;
    body.set_safety_class(safety_class);
    (void)Record(DraftWith(body, {"item=software_item:alarm"}));
  }
  std::vector<std::string> Run(v1::TestLevel level, v1::TestRunCompleted::Result result,
                               const std::vector<std::string>& verified = {}, const std::string& item = "alarm") {
    v1::TestRunCompleted body;
    body.set_level(level);
    body.set_result(result);
    body.set_configuration_digest(std::string(32, 'c'));
    body.set_test_configuration("x86");
    body.add_tools("pytest 8");
    body.add_unit_criteria("data flow");
    EventDraft draft = DraftWith(body, {Text("test_run=test_run:", ++runs_), "test_case=test_case:tc@1",
                                        "tester=person:admin", "item=software_item:" + item});
    return Record(WithRefs(draft, verified));
  }
  static EventDraft Release(const std::vector<std::string>& refs = {}) {
    v1::ReleaseApproved body;
    v1::FileRecord& file = *body.add_archive();
    file.set_path("app.tar");
    file.set_missing_digest(true);
    body.set_no_residual_anomalies(true);
    body.set_tasks_complete(true);
    return WithRefs(DraftWith(body, {"release=release:r@1", "model=model:m@2", "item=software_item:alarm"}), refs);
  }

  int runs_ = 0;
};

TEST_F(ReleaseTest, A31_ATestThatFailedReleasesNothing) {
  Class(v1::SOFTWARE_SAFETY_CLASS_B);
  const EventDraft release = Release({"build=build:b1"});
  for (const auto result : {v1::TestRunCompleted::FAIL, v1::TestRunCompleted::BLOCKED}) {
    (void)Run(v1::SYSTEM, result);
    EXPECT_EQ(RuleBroken(release), "RELEASE-SYSTEM-TEST");
  }
  (void)Run(v1::SYSTEM, v1::TestRunCompleted::PASS);
  (void)Run(v1::INTEGRATION, v1::TestRunCompleted::FAIL);
  EXPECT_EQ(RuleBroken(release), "RELEASE-INTEGRATION-TEST");
  (void)Run(v1::INTEGRATION, v1::TestRunCompleted::PASS);
  EXPECT_THAT(Record(release), Not(Contains("RELEASE-INTEGRATION-TEST")));
}

TEST_F(ReleaseTest, A31_ATestOfAnotherVersionReleasesNothing) {
  Class(v1::SOFTWARE_SAFETY_CLASS_A);
  (void)Run(v1::SYSTEM, v1::TestRunCompleted::PASS, {"verified=model:m@1"});
  EXPECT_EQ(RuleBroken(Release()), "RELEASE-TESTED-VERSION");
  // A failure on the version itself is no test that passed, and one of another item none of this.
  (void)Run(v1::SYSTEM, v1::TestRunCompleted::FAIL, {"verified=model:m@2"});
  (void)Run(v1::SYSTEM, v1::TestRunCompleted::PASS, {"verified=model:m@2"}, "display");
  EXPECT_EQ(RuleBroken(Release()), "RELEASE-TESTED-VERSION");
  EXPECT_THAT(Record(ToldLate(Release(), 10)), Contains("RELEASE-TESTED-VERSION"));
  (void)Run(v1::SYSTEM, v1::TestRunCompleted::PASS, {"verified=model:m@2"});
  const EventId passed = admin_.LastId();
  // An older version tested again hides nothing.
  (void)Run(v1::SYSTEM, v1::TestRunCompleted::PASS, {"verified=model:m@1"});
  EventDraft release = Release();
  release.header.mutable_refs(0)->set_version("2");
  EXPECT_THAT(Record(release), Not(Contains("RELEASE-TESTED-VERSION")));
  (void)Record(Correct(passed, v1::RecordCorrected::RETRACTED));
  release.header.mutable_refs(0)->set_version("3");
  EXPECT_EQ(RuleBroken(release), "RELEASE-TESTED-VERSION");
}

TEST_F(ReleaseTest, A31_IntegrationIsHeldAgainstTheReleaseToo) {
  Class(v1::SOFTWARE_SAFETY_CLASS_B);
  const EventDraft release = Release({"build=build:b1"});
  (void)Run(v1::SYSTEM, v1::TestRunCompleted::PASS, {"verified=build:b1"});
  (void)Run(v1::INTEGRATION, v1::TestRunCompleted::PASS, {"verified=build:b0"});
  EXPECT_EQ(RuleBroken(release), "RELEASE-TESTED-VERSION");
  (void)Run(v1::INTEGRATION, v1::TestRunCompleted::PASS, {"verified=build:b1"});
  EXPECT_THAT(Record(release), Not(Contains("RELEASE-TESTED-VERSION")));
}

TEST_F(ReleaseTest, A31_AnotherRevisionOfOneRepositoryIsAnotherVersion) {
  Class(v1::SOFTWARE_SAFETY_CLASS_A);
  const EventDraft release = Release({"code=code_revision:app@c2"});
  (void)Run(v1::SYSTEM, v1::TestRunCompleted::PASS, {"verified=code_revision:app@c1"});
  EXPECT_EQ(RuleBroken(release), "RELEASE-TESTED-VERSION");
  (void)Run(v1::SYSTEM, v1::TestRunCompleted::PASS, {"verified=code_revision:app@c2"});
  EXPECT_THAT(Record(release), Not(Contains("RELEASE-TESTED-VERSION")));
}

TEST_F(ReleaseTest, A31_WhatNamesNothingToHoldAgainstEachOtherIsLeftToPeople) {
  Class(v1::SOFTWARE_SAFETY_CLASS_A);
  for (const std::vector<std::string>& verified :
       std::vector<std::vector<std::string>>{{},
                                             {"verified=software_item:alarm"},
                                             {"verified=build:b1"},
                                             {"verified=code_revision:app@c1"},
                                             {"verified=model:of-another-surface@1"}}) {
    (void)Run(v1::SYSTEM, v1::TestRunCompleted::PASS, verified);
    EventDraft release = Release({"code=code_revision:train@t7"});
    release.header.mutable_refs(0)->set_version(Text("of-", runs_));
    EXPECT_THAT(Record(release), Not(Contains("RELEASE-TESTED-VERSION")));
  }
}

std::string LackingOf(const std::vector<std::string>& names) {
  v1::TrainingRunStarted run;
  for (const std::string& name : names) run.add_hyperparameters()->set_name(name);
  return TrainingParametersLacking(run);
}

TEST(TrainingParametersTest, A47_NamesOfTheQuantitiesInTheWordsOfFrameworks) {
  for (const char* rate :
       {"learning_rate", "learning rate", "lr", "LearningRate", "optimizer.lr", "initial_lr", "train#optimizer#lr",
        "learning_rate_init", "lr0", "lr_backbone", "lr_encoder", "lr_g", "learning_rate_discriminator", "lr_1"}) {
    EXPECT_EQ(LackingOf({rate}), "batch_size, epochs, early_stopping") << rate;
  }
  for (const char* size : {"batch_size", "batch", "batchSize", "per_device_train_batch_size", "train#batch_size",
                           "batch_size_per_gpu", "batch_size_train", "train_batch_size", "batch_size_training"}) {
    EXPECT_EQ(LackingOf({size}), "learning_rate, epochs, early_stopping") << size;
  }
  for (const char* epochs : {"epochs", "max_epochs", "epochs_max", "num_train_epochs", "num_epochs", "maxEpochs"}) {
    EXPECT_EQ(LackingOf({epochs}), "learning_rate, batch_size, early_stopping") << epochs;
  }
  for (const char* stop : {"early_stopping", "early_stopping_patience", "early_stopping.metric", "EarlyStopping",
                           "patience", "trainer.patience"}) {
    EXPECT_EQ(LackingOf({stop}), "learning_rate, batch_size, epochs") << stop;
  }
  EXPECT_EQ(LackingOf({"learning_rate", "batch_size", "epochs", "early_stopping"}), "");
  EXPECT_EQ(LackingOf({"lr0", "lrf", "batch", "epochs", "patience"}), "") << "of Ultralytics";
}

TEST(TrainingParametersTest, A47_OtherQuantitiesAreNone) {
  for (const char* name : {"lr_scheduler",
                           "learning_rate_decay",
                           "lr_warmup",
                           "warmup_lr",
                           "min_lr",
                           "lr_min",
                           "lr_gamma",
                           "lr_policy",
                           "lr_step_size",
                           "lrf",
                           "batch_norm",
                           "batch_size_val",
                           "val_batch_size",
                           "batch_size_per_gpu_val",
                           "validate#dataloader#batch_size",
                           "samples_per_batch",
                           "batch_first",
                           "warmup_epochs",
                           "epochs_between_saves",
                           "save_every_epochs",
                           "min_epochs",
                           "lr_patience",
                           "scheduler_patience",
                           "lr_scheduler.patience",
                           "ReduceLROnPlateau.patience",
                           "learning_rate_patience",
                           "stopping",
                           "clr",
                           "batches"}) {
    EXPECT_EQ(LackingOf({name}), "learning_rate, batch_size, epochs, early_stopping") << name;
  }
}

}  // namespace
}  // namespace anamnesis
