// Whether dataset records state facts: the Hospital A record of golden scenario 1 and vague ones.

#include <string>
#include <vector>

#include "ledger/query/vague_text.h"
#include "tests/ledger/query/asking.h"
#include "tests/ledger/query/item_drafts.h"

namespace anamnesis {
namespace {

v1::DatasetCurated HospitalA() {
  v1::DatasetCurated body;
  body.set_source("all consecutive images from Hospital A from 2024-Q4");
  body.add_inclusion("abdominal CT, portal venous phase");
  body.add_inclusion("slice thickness up to 3 mm");
  body.add_inclusion("age 18 and above");
  v1::ExclusionCriterion& motion = *body.add_exclusion();
  motion.set_text("motion artefacts over two slices");
  motion.set_excluded(21);
  v1::ExclusionCriterion& surgery = *body.add_exclusion();
  surgery.set_text("splenectomy");
  surgery.set_excluded(4);
  body.set_selection_rationale("the scanner that the product is for");
  body.set_records_in(372);
  body.set_records_out(347);
  body.set_period_from_us(ParseTime("2024-10-01T00:00:00Z")->us);
  body.set_period_until_us(ParseTime("2025-01-01T00:00:00Z")->us);
  body.set_sampling(v1::DataAcquired::CONSECUTIVE);
  return body;
}

EventDraft Annotated() {
  v1::AnnotationCompleted body;
  body.set_selection_basis("board certified");
  body.set_metric(v1::AnnotationCompleted::PERCENT);
  body.set_required("90");
  body.set_achieved("94");
  body.set_resolution("third reader");
  body.set_target_finding("spleen");
  return DraftWith(std::move(body),
                   {"annotation=annotation:a", "dataset=dataset:spleen@2.2", "protocol=annotation_protocol:p@1",
                    "annotator=person:smith", "annotator=person:jones"});
}

v1::SpecificityAnswer SpecificityOf(const ProjectedHistory& history) {
  v1::Question question;
  SetEntity(*question.mutable_specificity()->mutable_record(), "dataset", "spleen", "2.2");
  return AskOf(history, question).specificity();
}

std::vector<std::string> Missing(const ProjectedHistory& history) {
  const v1::SpecificityAnswer answer = SpecificityOf(history);
  return {answer.missing().begin(), answer.missing().end()};
}

const std::vector<std::string> kWhoWhereWhen = {"dataset=dataset:spleen@2.2", "source=site:hospital-a",
                                                "curator=person:ada"};

TEST(AskSpecificity, A54D1TheHospitalARecordIsSpecific) {
  ProjectedHistory history;
  const LeafIndex curated = history.Add(DraftWith(HospitalA(), kWhoWhereWhen));
  history.Add(Annotated());
  v1::DatasetSealed sealed;
  sealed.set_records(347);
  sealed.set_manifest_root(kTestDigest);
  history.Add(DraftWith(std::move(sealed), {"dataset=dataset:spleen@2.2"}));
  EXPECT_EQ(Missing(history), std::vector<std::string>());
  EXPECT_TRUE(SpecificityOf(history).specific());
  EXPECT_EQ(SpecificityOf(history).facts(0).leaves(0), curated.value);
}

TEST(AskSpecificity, A54RepresentativeImagesAreVagueAndEachMissingFactIsNamed) {
  ProjectedHistory history;
  v1::DatasetCurated body;
  body.set_source("images representative of our target population");
  body.add_inclusion("images representative of our target population");
  history.Add(DraftWith(std::move(body), {"dataset=dataset:spleen@2.2"}));
  const std::vector<std::string> all = {
      "site",         "period",  "sampling",   "inclusion_criteria", "exclusion_criteria_with_counts",
      "record_count", "curator", "annotators", "agreement_achieved"};
  EXPECT_EQ(Missing(history), all);
  EXPECT_NE(SpecificityOf(history).facts(0).text().find("representative"), std::string::npos);
}

TEST(AskSpecificity, ANumberMakesAVagueTextAFactOnlyWhereItIsAQuantity) {
  for (const char* text : {"representative, 2024", "representative images of 2024", "standard protocol 3",
                           "adequate T1 contrast", "appropriate by ISO 13485", "typical, 2024-Q4",
                           "diverse sites in 2023", "relevant images", "as needed since 1999"}) {
    EXPECT_TRUE(IsVague(text)) << text;
  }
  for (const char* text : {"adequate: at least 512 pixels", "typical adults over 18", "20 patients of various ages",
                           "standard slices of 1.5 mm", "standard slices of 1.5mm", "sufficient contrast, CNR >= 3",
                           "sufficient contrast, CNR >=3", "95 % of relevant findings", "adults from 2024"}) {
    EXPECT_FALSE(IsVague(text)) << text;
  }
}

v1::SpecificityAnswer SpecificityOfLeaf(const ProjectedHistory& history, LeafIndex leaf) {
  v1::Question question;
  question.mutable_specificity()->set_leaf(leaf.value);
  const v1::Answer answer = AskOf(history, question);
  EXPECT_TRUE(Cites(answer, leaf));
  return answer.specificity();
}

TEST(AskSpecificity, OneEventOfAnyTypeStatesItsFacts) {
  ProjectedHistory history;
  v1::ProblemReported problem;
  problem.set_criticality(v1::ProblemReported::PERFORMANCE);
  problem.set_description("froze after 3 hours");
  const LeafIndex concrete = history.Add(DraftWith(problem, {"problem=problem:p1"}));
  EXPECT_TRUE(SpecificityOfLeaf(history, concrete).specific()) << SpecificityOfLeaf(history, concrete).DebugString();
  problem.set_description("did not show the relevant images");
  EventDraft draft = DraftWith(problem, {"problem=problem:p2"});
  SetOccurred(draft, Timestamp(kTestStart.us - int64_t{30} * 86'400'000'000), kTestStart);
  const LeafIndex vague = history.Add(draft);
  const v1::SpecificityAnswer answer = SpecificityOfLeaf(history, vague);
  EXPECT_EQ(std::vector<std::string>(answer.missing().begin(), answer.missing().end()),
            (std::vector<std::string>{"time", "body.description"}));
  EXPECT_FALSE(answer.specific());
  EventDraft reopened = DraftWith(v1::ProblemReopened(), {"problem=problem:p1"});
  reopened.header.set_rationale("as appropriate");
  EXPECT_EQ(SpecificityOfLeaf(history, history.Add(reopened)).missing(0), "rationale");
  v1::Question question;
  question.mutable_specificity()->set_leaf(99);
  EXPECT_TRUE(absl::IsNotFound(Ask(history.rows(), "o", history.size(), question).status()));
}

TEST(AskSpecificity, A54CountsThatDontAddUpAreNoFact) {
  ProjectedHistory history;
  v1::DatasetCurated body = HospitalA();
  body.set_records_in(400);
  history.Add(DraftWith(std::move(body), kWhoWhereWhen));
  history.Add(Annotated());
  EXPECT_EQ(Missing(history), std::vector<std::string>{"exclusion_criteria_with_counts"});
}

EventDraft Acquired(const std::vector<std::string>& refs) {
  v1::DataAcquired acquired;
  acquired.set_modality("CT");
  acquired.set_period_from_us(kTestStart.us);
  acquired.set_period_until_us(kTestStart.us + 1);
  acquired.set_sampling(v1::DataAcquired::CONSECUTIVE);
  acquired.set_records(372);
  acquired.set_legal_basis("consent");
  return DraftWith(std::move(acquired), refs);
}

TEST(AskSpecificity, EveryAcquisitionStatesEachFact) {
  ProjectedHistory history;
  v1::DatasetCurated body = HospitalA();
  body.clear_period_from_us();
  body.clear_sampling();
  history.Add(DraftWith(std::move(body), {"dataset=dataset:spleen@2.2", "source=acquisition:q4",
                                          "source=acquisition:q5", "curator=person:ada"}));
  history.Add(Annotated());
  history.Add(Acquired({"acquisition=acquisition:q4", "site=site:hospital-a"}));
  EXPECT_EQ(Missing(history), (std::vector<std::string>{"site", "period", "sampling"}));
  EXPECT_EQ(SpecificityOf(history).facts(0).text(), "nothing is recorded of acquisition:q5");
  const LeafIndex nowhere = history.Add(Acquired({"acquisition=acquisition:q5"}));
  EXPECT_EQ(Missing(history), std::vector<std::string>{"site"});
  EXPECT_EQ(SpecificityOf(history).facts(0).text(), "acquisition:q5 states no site");
  history.Retract(nowhere);
  history.Add(Acquired({"acquisition=acquisition:q5", "site=site:hospital-b"}));
  EXPECT_EQ(SpecificityOf(history).facts(0).text(), "hospital-a, hospital-b");
  EXPECT_TRUE(SpecificityOf(history).specific());
}

TEST(AskSpecificity, CriteriaWithoutCountsAreNoCountedExclusion) {
  ProjectedHistory history;
  v1::DatasetCurated body = HospitalA();
  body.clear_records_in();
  for (v1::ExclusionCriterion& criterion : *body.mutable_exclusion()) criterion.clear_excluded();
  history.Add(DraftWith(std::move(body), kWhoWhereWhen));
  history.Add(Annotated());
  EXPECT_EQ(Missing(history), std::vector<std::string>{"exclusion_criteria_with_counts"});
}

TEST(AskSpecificity, VersionsAreNotMixed) {
  ProjectedHistory history;
  history.Add(DraftWith(HospitalA(), kWhoWhereWhen));
  v1::Question question;
  SetEntity(*question.mutable_specificity()->mutable_record(), "dataset", "spleen");
  EXPECT_EQ(Ask(history.rows(), "o", history.size(), question).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(AskSpecificity, A43WhatTheAcquisitionSaysCounts) {
  ProjectedHistory history;
  history.Add(Acquired({"acquisition=acquisition:q4", "site=site:hospital-a"}));
  v1::DatasetCurated body = HospitalA();
  body.clear_period_from_us();
  body.clear_sampling();
  const LeafIndex curated = history.Add(
      DraftWith(std::move(body), {"dataset=dataset:spleen@2.2", "source=acquisition:q4", "curator=person:ada"}));
  const LeafIndex annotated = history.Add(Annotated());
  EXPECT_EQ(Missing(history), std::vector<std::string>());
  history.Retract(annotated);
  EXPECT_EQ(Missing(history), (std::vector<std::string>{"annotators", "agreement_achieved"}));
  EXPECT_LT(curated, annotated);
}

}  // namespace
}  // namespace anamnesis
