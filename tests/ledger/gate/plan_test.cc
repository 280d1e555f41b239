// G10 and G11: the change that was approved, and the change that a plan describes, are the one that is made.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "ledger/crypto/sha256.h"
#include "tests/ledger/gate/gate_story.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;
using Modification = v1::ChangePlanTerms::Modification;

std::vector<Step> WithArtifact(std::vector<Step> steps, const std::function<void(v1::ArtifactProduced&)>& change) {
  return Changed(std::move(steps), "produced", Edit<v1::ArtifactProduced>(change));
}

std::vector<Step> WithPlan(const std::function<void(v1::ChangePlanTerms&)>& change) {
  return Changed(GateStory(), "plan-us", Edit<v1::ChangePlanAuthorised>([&](v1::ChangePlanAuthorised& body) {
                   change(*body.mutable_terms());
                 }));
}

void MakeWeights(v1::ArtifactProduced& body) { body.set_kind(v1::ArtifactProduced::WEIGHTS); }

TEST(GatePlan, ChangeOfAnotherClassIsNotDescribed) {
  GateWorld world(WithArtifact(GateStory(), MakeWeights));
  EXPECT_EQ(Failed(world.Ask()), "G11");
  EXPECT_EQ(NoteOf(world.Ask(), "G11"),
            "outside the plan: no modification of class weights describes a change of threshold_shift");
}

TEST(GatePlan, WhatReportsNothingIsNotDescribed) {
  GateWorld world(WithArtifact(GateStory(), [](v1::ArtifactProduced& body) {
    MakeWeights(body);
    body.clear_parameters();
  }));
  EXPECT_EQ(Failed(world.Ask()), "G05 G11");
  EXPECT_EQ(NoteOf(world.Ask(), "G11"), "outside the plan: no modification describes this change of class weights");
}

TEST(GatePlan, ModificationOfAClassDescribesItWhole) {
  const auto weights = [](Modification::Mode mode) {
    return WithPlan([=](v1::ChangePlanTerms& terms) {
      Modification& modification = *terms.mutable_modifications(0);
      modification.set_change_class("weights");
      modification.set_mode(mode);
      modification.clear_dimensions();
      modification.clear_bounds();
    });
  };
  const auto change = [](v1::ArtifactProduced& body) {
    MakeWeights(body);
    body.clear_parameters();
  };
  EXPECT_EQ(NoteOf(GateWorld(WithArtifact(weights(Modification::AUTOMATIC), change)).Ask(), "G11"), "");
  EXPECT_THAT(NoteOf(GateWorld(WithArtifact(weights(Modification::MANUAL), change)).Ask(), "G11"),
              HasSubstr("modification m1 is implemented manually"));
}

TEST(GatePlan, WhatStaysWhereItWasIsImplementedAsPlannedToo) {
  const auto stays = [](v1::ArtifactProduced& body) { body.mutable_parameters(0)->set_value("0.00"); };
  EXPECT_EQ(Failed(GateWorld(WithArtifact(GateStory(), stays)).Ask()), "");
  GateWorld manual(WithArtifact(
      WithPlan([](v1::ChangePlanTerms& terms) { terms.mutable_modifications(0)->set_mode(Modification::MANUAL); }),
      stays));
  EXPECT_EQ(Failed(manual.Ask()), "G11");
}

TEST(GatePlan, BoundsHoldForZeroToo) {
  GateWorld world(WithArtifact(
      WithPlan([](v1::ChangePlanTerms& terms) { terms.mutable_modifications(0)->mutable_bounds(0)->set_low("0.01"); }),
      [](v1::ArtifactProduced& body) { body.mutable_parameters(0)->set_value("0"); }));
  EXPECT_EQ(Failed(world.Ask()), "G11");
  EXPECT_EQ(NoteOf(world.Ask(), "G11"), "modification m1: threshold_shift 0 is not [0.01, 0.05]");
}

v1::Bound& AddBound(Modification& modification, const std::string& dimension, const std::string& bound) {
  v1::Bound& added = *modification.add_bounds();
  added.set_dimension(dimension);
  added.set_low("-" + bound);
  added.set_high(bound);
  return added;
}

TEST(GatePlan, BoundsOfAnotherClassOfChangeSayNothing) {
  const auto with = [](const std::string& change_class) {
    return GateWorld(WithPlan([&](v1::ChangePlanTerms& terms) {
             Modification& other = *terms.add_modifications();
             other = terms.modifications(0);
             other.set_id("m2");
             other.set_change_class(change_class);
             other.clear_bounds();
             AddBound(other, "threshold_shift", "0.005");
           }))
        .Ask();
  };
  EXPECT_EQ(Failed(with("weights")), "");
  EXPECT_EQ(Failed(with("threshold_table")), "G11");
  EXPECT_EQ(NoteOf(with("threshold_table"), "G11"), "modification m2: threshold_shift 0.01 is not [-0.005, 0.005]");
}

TEST(GatePlan, WhatIsBoundedHasToBeReported) {
  GateWorld world(WithPlan([](v1::ChangePlanTerms& terms) {
    Modification& modification = *terms.mutable_modifications(0);
    modification.add_dimensions("slope");
    AddBound(modification, "slope", "1");
  }));
  EXPECT_EQ(Failed(world.Ask()), "G11");
  EXPECT_EQ(NoteOf(world.Ask(), "G11"), "modification m1 bounds slope, which the artifact doesn't report");
}

// The limits of a plan are from the anchor of the envelope.
TEST(GatePlan, CumulativeLimitsAreFromTheAnchor) {
  const std::vector<Step> limited = WithPlan([](v1::ChangePlanTerms& terms) {
    v1::Bound& limit = *terms.add_cumulative_limits();
    limit.set_dimension("threshold_shift");
    limit.set_high("0.05");
  });
  EXPECT_EQ(Failed(GateWorld(limited).Ask()), "");
  GateWorld elsewhere(Changed(limited, "envelope", [](EventDraft& draft) {
    for (v1::EntityRef& ref : *draft.header.mutable_refs()) {
      if (ref.role() == "anchor") ref.set_version("4");
    }
  }));
  EXPECT_EQ(Failed(elsewhere.Ask()), "G11");
  EXPECT_THAT(NoteOf(elsewhere.Ask(), "G11"), HasSubstr("was not made for baseline:base@4"));
}

TEST(GatePlan, ProtocolAndPurposeHaveToBeSaid) {
  GateWorld no_purpose(WithPlan([](v1::ChangePlanTerms& terms) { terms.clear_intended_purpose_digest(); }));
  EXPECT_EQ(NoteOf(no_purpose.Ask(), "G11"), "the plan doesn't say for which intended purpose it was authorised");
  GateWorld other_purpose(WithPlan(
      [](v1::ChangePlanTerms& terms) { terms.set_intended_purpose_digest(Sha256("diagnoses everything").bytes()); }));
  EXPECT_EQ(NoteOf(other_purpose.Ask(), "G11"), "the intended purpose is not the one that the plan was authorised for");
  GateWorld no_retraining(
      WithPlan([](v1::ChangePlanTerms& terms) { terms.mutable_modifications(0)->clear_retraining(); }));
  EXPECT_EQ(NoteOf(no_retraining.Ask(), "G11"), "modification m1: the plan has no protocol of its re-training");
}

// A75: an amendment takes the place of the whole plan, the protocol included.
TEST(GatePlan, A75AmendmentWithoutProtocolAuthorisesNone) {
  GateWorld world(GateStory());
  ASSERT_EQ(Failed(world.Ask()), "");
  for (Step step : GateStory()) {
    if (step.name != "plan-us") continue;
    v1::ChangePlanAmended amended;
    *amended.mutable_terms() = static_cast<const v1::ChangePlanAuthorised&>(*step.draft.body).terms();
    step.draft.body = std::make_shared<v1::ChangePlanAmended>(amended);
    step.draft.header.mutable_refs(0)->set_version("2");
    step.draft.header.mutable_refs()->RemoveLast();  // sandbox_protocol:suite@1
    ASSERT_TRUE(world.Do({"amended", "rita", Because(step.draft)}).ok());
  }
  EXPECT_EQ(Failed(world.Ask()), "G11");
  EXPECT_EQ(NoteOf(world.Ask(), "G11"), "the plan names no protocol to certify by");
}

// A change request that was approved, of which the artifact is said to be the result.
std::vector<Step> ChangeOf(const std::string& item) {
  v1::ChangeRequested requested;
  requested.set_text("move the threshold");
  v1::ChangeApproved approved;
  *approved.mutable_signature() = FreshSignature();
  v1::ChangeImplemented implemented;
  implemented.set_summary("moved");
  return {{"requested", "eve", Because(DraftWith(requested, {"change=change_request:c1", "item=" + item}))},
          {"analysed", "ada", DraftWith(v1::ChangeImpactAnalysed(), {"change=change_request:c1"})},
          {"approved", "ada", DraftWith(approved, {"change=change_request:c1"})},
          {"implemented", "eve", DraftWith(implemented, {"change=change_request:c1", "result=artifact:shift@1"})}};
}

TEST(GatePlan, AnApprovedChangeIsOfWhatAdapts) {
  for (const auto& [item, failed] : std::map<std::string, std::string>{{"software_item:alert", "G11"},
                                                                       {"envelope:threshold@1", "G11"},
                                                                       {"envelope:threshold", "G11"},
                                                                       {"software_item:gate", "G10 G11"},
                                                                       {"envelope:threshold-eu@1", "G10 G11"},
                                                                       {"soup:foundation@7.2", "G10 G11"}}) {
    GateWorld world(Without(GateStory(), {"plan-us"}));
    for (const Step& step : ChangeOf(item)) {
      ASSERT_TRUE(world.Do(step).ok()) << step.name << ": " << world.refused().at(step.name);
    }
    EXPECT_EQ(Failed(world.Ask()), failed) << item;
  }
}

}  // namespace
}  // namespace anamnesis
