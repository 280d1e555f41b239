// What a rule takes for evidence is of what it decides about: the bytes that were tested, the versions that somebody
// defined, the run that the certification names, in the order in which things happened.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"
#include "ledger/event/refusal.h"
#include "ledger/gate/decide.h"
#include "tests/ledger/gate/full_story.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;
using testing::Not;

v1::EntityRef& RefOf(EventDraft& draft, std::string_view role) {
  for (v1::EntityRef& ref : *draft.header.mutable_refs()) {
    if (ref.role() == role) return ref;
  }
  ADD_FAILURE() << role;
  return *draft.header.add_refs();
}

EventId IdOf(GateWorld& world, const std::string& step) {
  return LoadEvent(world.ledger().rows(), world.LeafOf(step))->header.event_id;
}

// The step once more, in the place of what it recorded.
Step Replacing(GateWorld& world, const std::string& name) {
  Step step = StepNamed(name);
  step.draft = Because(step.draft);
  step.draft.header.set_corrects(IdOf(world, name).bytes());
  step.name = name + "-anew";
  return step;
}

void Do(GateWorld& world, const Step& step) {
  const StatusOr<RunVerdict> done = world.Do(step);
  ASSERT_TRUE(done.ok()) << step.name << ": " << done.status();
}

// --- Versions ---

// Has eve name 1040 versions that nobody defined, which come first by their bytes, in events that `draft` gives.
void NameManyVersions(GateWorld& world, const std::string& role, const std::string& kind, const std::string& id,
                      const std::function<EventDraft(int)>& draft_of) {
  std::vector<EventDraft> drafts;
  for (int i = 0; i < 26; ++i) {
    EventDraft draft = draft_of(i);
    for (int j = 0; j < 40; ++j) AddReference(draft, role, kind, id, Text("!", 1000 + i * 40 + j));
    drafts.push_back(Because(std::move(draft)));
  }
  world.DoAll("eve", drafts);
}

TEST(GateEvidence, AReplacedEnvelopeIsNotHiddenByVersionsThatNobodyDefined) {
  GateWorld world(GateStory());
  Step second = StepNamed("envelope");
  second.name = "envelope-2";
  RefOf(second.draft, "envelope").set_version("2");
  Edit<v1::EnvelopeApproved>([](v1::EnvelopeApproved& body) {
    *body.mutable_signature() = FreshSignature();
    body.mutable_terms()->mutable_dimensions(0)->set_high("0.005");
  })(second.draft);
  Do(world, second);
  ASSERT_THAT(NoteOf(world.Ask(), "G05"), HasSubstr("was followed by version 2"));
  NameManyVersions(world, "scope", "envelope", "threshold",
                   [](int i) { return DraftWith(v1::HoldPlaced(), {Text("hold=hold:h", i)}); });
  EXPECT_THAT(NoteOf(world.Ask(), "G05"), HasSubstr("was followed by version 2"));
}

// What a replaced version changed is what it changed of the one before it, not of what it replaces.
TEST(GateEvidence, AReplacedEnvelopeDeclaresItsChangeOfTheOneBefore) {
  GateWorld world(GateStory());
  const auto up_to = [](Step step, const std::string& name, const char* high, auto declared) {
    step.name = name;
    RefOf(step.draft, "envelope").set_version("2");
    Edit<v1::EnvelopeApproved>([&](v1::EnvelopeApproved& body) {
      *body.mutable_signature() = FreshSignature();
      body.mutable_terms()->mutable_dimensions(0)->set_high(high);
      body.mutable_terms()->set_declared_change(declared);
    })(step.draft);
    return step;
  };
  Do(world, up_to(StepNamed("envelope"), "second", "0.08", v1::EnvelopeTerms::EXPANSION));
  EventDraft replacing = Because(StepNamed("envelope").draft);
  replacing.header.set_corrects(IdOf(world, "second").bytes());
  const Step replaced{"replaced", "ada", replacing};
  const auto contraction = world.Do(up_to(replaced, "contraction", "0.07", v1::EnvelopeTerms::CONTRACTION));
  EXPECT_EQ(RefusalDetailOf(contraction.status())->rule(), "ENVELOPE-CHANGE");
  Do(world, up_to(replaced, "expansion", "0.07", v1::EnvelopeTerms::EXPANSION));
}

TEST(GateEvidence, AHoldOnSomeVersionIsNotHiddenByVersionsThatNobodyDefined) {
  GateWorld world(
      Changed(GateStory(), "produced", [](EventDraft& draft) { AddReference(draft, "model", "model", "base"); }));
  Do(world, {"hold", "eve", Because(DraftWith(v1::HoldPlaced(), {"hold=hold:h1", "scope=model:base@9"}))});
  ASSERT_THAT(NoteOf(world.Ask(), "G13"), HasSubstr("model:base is under hold"));
  v1::ProblemReported problem;
  problem.set_criticality(v1::ProblemReported::PERFORMANCE);
  problem.set_description("noise");
  problem.set_configuration_unknown_because("the unit was off");
  NameManyVersions(world, "affected", "model", "base",
                   [&](int i) { return DraftWith(problem, {Text("problem=problem:p", i)}); });
  EXPECT_THAT(NoteOf(world.Ask(), "G13"), HasSubstr("model:base is under hold"));
}

// --- Tests and the artifact's record ---

Step Evaluated(v1::EvaluationCompleted::Result result, const std::string& id) {
  v1::EvaluationCompleted body;
  body.set_result(result);
  return {id, "certifier",
          DraftWith(body, {"model=artifact:shift@1", "dataset=dataset:rhythms", "evaluation=evaluation:" + id})};
}

// Certified once more, by the runs of before.
void CertifyAgain(GateWorld& world) {
  Step again = StepNamed("certified");
  again.name = "certified-anew";
  RefOf(again.draft, "certification").set_id("cert-anew");
  Do(world, again);
}

TEST(GateEvidence, WhoRecordsAnArtifactAnewTakesNoFailureBack) {
  GateWorld world(GateStory());
  Do(world, Evaluated(v1::EvaluationCompleted::FAIL, "e1"));
  Step failed = StepNamed("run-system");
  failed.name = "failed";
  failed.draft.header.mutable_refs(0)->set_id("failed");
  Edit<v1::TestRunCompleted>([](v1::TestRunCompleted& body) { body.set_result(v1::TestRunCompleted::FAIL); })(
      failed.draft);
  Do(world, failed);
  ASSERT_EQ(Failed(world.Ask()), "G06 G08");
  Do(world, Replacing(world, "produced"));
  CertifyAgain(world);
  EXPECT_EQ(Failed(world.Ask()), "G06 G08");
  for (const char* test : {"e1", "failed"}) {
    EXPECT_THAT(NoteOf(world.Ask(), "G08"), HasSubstr(Text("(leaf ", world.LeafOf(test).value, ")"))) << test;
  }
}

TEST(GateEvidence, WhoRecordsAnArtifactAnewHasItTestedAnew) {
  GateWorld world(GateStory());
  Do(world, Replacing(world, "produced"));
  CertifyAgain(world);
  EXPECT_EQ(Failed(world.Ask()), "G06 G08");
  EXPECT_THAT(NoteOf(world.Ask(), "G08"), HasSubstr("no test run that passed on the candidate configuration shows"));
  EXPECT_THAT(NoteOf(world.Ask(), "G06"), HasSubstr("test case unit@1 of the protocol's suite did not pass"));
}

TEST(GateEvidence, WhatFailedWithOtherBytesIsOfThose) {
  GateWorld world(GateStory());
  Do(world, Evaluated(v1::EvaluationCompleted::FAIL, "e1"));
  Step other = Replacing(world, "produced");
  Edit<v1::ArtifactProduced>([](v1::ArtifactProduced& body) {
    body.mutable_files(0)->mutable_digest()->set_value(Sha256("other bytes").bytes());
  })(other.draft);
  Do(world, other);
  EXPECT_THAT(NoteOf(world.Ask(), "G08"), Not(HasSubstr(Text("(leaf ", world.LeafOf("e1").value, ")"))));
  // Back to the bytes that failed.
  Step back = Replacing(world, "produced");
  back.name = "produced-back";
  back.draft.header.set_corrects(IdOf(world, "produced-anew").bytes());
  Do(world, back);
  EXPECT_THAT(NoteOf(world.Ask(), "G08"), HasSubstr(Text("(leaf ", world.LeafOf("e1").value, ")")));
}

TEST(GateEvidence, ReferenceIsOfOneOfTheFiles) {
  const std::string other = Sha256("bytes that never ran").bytes();
  std::vector<Step> steps = Changed(GateStory(), "produced", [&](EventDraft& draft) {
    RefOf(draft, "artifact").mutable_digest()->set_algorithm(v1::SHA256);
    RefOf(draft, "artifact").mutable_digest()->set_value(other);
  });
  steps = Changed(std::move(steps), "certified", Edit<v1::CertificationIssued>([&](v1::CertificationIssued& body) {
                    body.mutable_state()->set_artifact_digest(other);
                  }));
  v1::ObjectStored stored;
  stored.set_sha256(other);
  stored.set_location("store");
  steps.push_back({"stored-other", "tuner", DraftWith(stored, {"object=object:" + HexEncode(other)})});
  GateWorld world(steps);
  GateRequest request = world.Request();
  request.artifact_digest = other;
  EXPECT_THAT(NoteOf(world.Ask(request), "G02"), HasSubstr("nothing recorded says by one SHA-256"));
}

// --- The certification and what it rests on ---

TEST(GateEvidence, RunWasByTheProtocolThatIsCertifiedBy) {
  std::vector<Step> steps = GateStory();
  Step lax = StepNamed("protocol");
  lax.name = "lax";
  RefOf(lax.draft, "protocol").set_id("lax");
  Edit<v1::SandboxProtocolApproved>(
      [](v1::SandboxProtocolApproved& body) { *body.mutable_signature() = FreshSignature(); })(lax.draft);
  steps.insert(std::find_if(steps.begin(), steps.end(), [](const Step& step) { return step.name == "produced"; }), lax);
  GateWorld world(
      Changed(std::move(steps), "sandbox", [](EventDraft& draft) { RefOf(draft, "protocol").set_id("lax"); }));
  EXPECT_EQ(Failed(world.Ask()), "G06");
  EXPECT_EQ(NoteOf(world.Ask(), "G06"),
            "the run in the sandbox was by sandbox_protocol:lax@1, not by the protocol that it names");
}

TEST(GateEvidence, RunExercisedTheControlsThatAreCertified) {
  const auto with = [](const std::function<void(v1::SandboxRunCompleted&)>& change) {
    return GateWorld(Changed(GateStory(), "sandbox", Edit<v1::SandboxRunCompleted>(change))).Ask();
  };
  const v1::GateDecided another = with([](v1::SandboxRunCompleted& body) {
    body.clear_controls_exercised();
    body.add_controls_exercised("other-control");
  });
  EXPECT_EQ(NoteOf(another, "G06"),
            "the run in the sandbox did not exercise risk_control:low_confidence, which it names");
  const v1::GateDecided failed = with([](v1::SandboxRunCompleted& body) {
    v1::SandboxRunCompleted::ControlResult& result = *body.add_control_results();
    result.set_control("low_confidence");
    result.set_result(v1::SandboxRunCompleted::FAIL);
    result.add_test_cases("unit@1");
  });
  EXPECT_EQ(NoteOf(failed, "G06"), "risk_control:low_confidence did not pass in the run in the sandbox");
}

TEST(GateEvidence, WhatWasTestedByStandsAsItStoodThen) {
  for (const char* step : {"case-system", "protocol", "envelope", "control-set"}) {
    GateWorld world(GateStory());
    Do(world, Replacing(world, step));
    EXPECT_THAT(NoteOf(world.Ask(), "G06"),
                HasSubstr(Text("was recorded anew (leaf ", world.ledger().size().value - 1)))
        << step;
  }
  GateWorld retracted(GateStory());
  Do(retracted, {"retracted", "ada", Because(Correct(IdOf(retracted, "case-system"), v1::RecordCorrected::RETRACTED))});
  EXPECT_THAT(NoteOf(retracted.Ask(), "G06"), HasSubstr("test case system@1 of the protocol's suite did not pass"));
}

// --- Time ---

// The verification of an aspect, told after the fact.
Step ToldLate(const std::string& name) {
  Step late = StepNamed(name);
  late.name = name + "-late";
  late.draft.header.set_retrospective(true);
  return late;
}

TEST(GateEvidence, PassFromBeforeAFailureDoesNotUndoIt) {
  GateWorld world(GateStory());
  Step failed = StepNamed("verify-effectiveness");
  failed.name = "failed";
  Edit<v1::RiskControlVerified>([](v1::RiskControlVerified& body) { body.set_result(v1::RiskControlVerified::FAIL); })(
      failed.draft);
  Do(world, failed);
  ASSERT_EQ(Failed(world.Ask()), "G07");
  Do(world, ToldLate("verify-effectiveness"));
  EXPECT_EQ(Failed(world.Ask()), "G07");
}

TEST(GateEvidence, PassFromBeforeAChangeDoesNotVerifyIt) {
  GateWorld world(GateStory());
  v1::RiskControlRevised revised;
  revised.mutable_content()->set_kind(v1::RiskControlContent::PROTECTIVE_MEASURE);
  revised.mutable_content()->set_text("alert on low confidence, twice");
  Do(world, {"revised", "ada",
             Because(DraftWith(revised, {"control=risk_control:low_confidence", "depends_on=software_item:alert"}))});
  ASSERT_EQ(Failed(world.Ask()), "G07");
  Do(world, ToldLate("verify-implementation"));
  Do(world, ToldLate("verify-effectiveness"));
  EXPECT_EQ(Failed(world.Ask()), "G07");
}

TEST(GateEvidence, LateHistoryDoesNotHideWhatCountsAgainstARate) {
  GateWorld world(Changed(GateStory(), "envelope", Edit<v1::EnvelopeApproved>([](v1::EnvelopeApproved& body) {
                            v1::EnvelopeTerms::Dimension& rate = *body.mutable_terms()->add_dimensions();
                            rate.set_name("activations");
                            rate.set_kind("rate");
                            rate.set_high("1");
                            rate.set_per_period_s(3600);
                          })));
  const auto activation = [&](Timestamp at, bool retrospective) {
    v1::ArtifactActivated body;
    body.set_surface("alert_threshold");
    EventDraft draft = DraftWith(body, {"unit=device_unit:ICU-1", "artifact=artifact:shift@1"});
    SetOccurred(draft, at, at);
    draft.header.set_retrospective(retrospective);
    return draft;
  };
  Do(world, {"activated", "ICU-1", activation(world.now(), false)});
  ASSERT_EQ(Failed(world.Ask()), "G05");
  const std::vector<EventDraft> history(101, activation(Timestamp(kTestStart.us - int64_t{86'400'000'000}), true));
  world.DoAll("ICU-1", history);
  EXPECT_THAT(NoteOf(world.Ask(), "G05"), HasSubstr("this would be activation 2 in 3600 s"));
}

// --- The fallback ---

std::vector<Step> WithSecond(const std::function<void(v1::ArtifactProduced&)>& change) {
  std::vector<Step> steps = GateStory();
  for (Step& step : AdaptationSteps({.version = "2", .shift = "0.02", .substrate = SubstrateDigest("7.2")})) {
    steps.push_back(std::move(step));
  }
  return Changed(std::move(steps), "produced-2", Edit<v1::ArtifactProduced>(change));
}

TEST(GateEvidence, FallbackIsAllowedItself) {
  GateWorld fine(WithSecond([](v1::ArtifactProduced&) {}));
  EXPECT_EQ(Failed(fine.Record("1", "ICU-1", "US", "artifact:shift@2")), "");
  GateWorld shadow(WithSecond([](v1::ArtifactProduced& body) { body.set_mode(v1::ArtifactProduced::SHADOW); }));
  const v1::GateDecided denied = shadow.Record("1", "ICU-1", "US", "artifact:shift@2");
  EXPECT_EQ(Failed(denied), "G20");
  EXPECT_THAT(NoteOf(denied, "G20"),
              HasSubstr("artifact:shift@2 is denied itself: by G01, the artifact is in shadow mode"));
  GateWorld uncertified(Without(WithSecond([](v1::ArtifactProduced&) {}), {"certified-2"}));
  EXPECT_EQ(Failed(uncertified.Record("1", "ICU-1", "US", "artifact:shift@2")), "G20");
}

TEST(GateEvidence, NothingIsAFallbackForItself) {
  GateWorld world(GateStory());
  const v1::GateDecided denied = world.Record("1", "ICU-1", "US", "artifact:shift@1");
  EXPECT_EQ(Failed(denied), "G20");
  EXPECT_EQ(NoteOf(denied, "G20"), "artifact:shift@1 is no fallback for itself");
}

// --- Identifiers ---

TEST(GateEvidence, AnOverlayDoesNotAskForLessThanTheEnvelope) {
  std::vector<Step> steps = Changed(GateStory(), "envelope", Edit<v1::EnvelopeApproved>([](v1::EnvelopeApproved& body) {
                                      body.mutable_terms()->set_udi_rule("new_di");
                                    }));
  Step overlay = StepNamed("overlay-eu");
  overlay.name = "overlay-us";
  RefOf(overlay.draft, "envelope").set_id("threshold-us");
  Edit<v1::EnvelopeApproved>([](v1::EnvelopeApproved& body) {
    *body.mutable_signature() = FreshSignature();
    body.mutable_terms()->set_jurisdiction("US");
  })(overlay.draft);
  steps.push_back(overlay);
  GateWorld world(steps);
  EXPECT_EQ(Failed(world.Ask()), "G19");
  EXPECT_THAT(NoteOf(world.Ask(), "G19"), HasSubstr("asks for a new UDI-DI"));
}

}  // namespace
}  // namespace anamnesis
