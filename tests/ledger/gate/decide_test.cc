// The gate in a ledger with real admission: what it allows, and why it denies.

#include "ledger/gate/decide.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"
#include "ledger/gate/standing_targets.h"
#include "tests/ledger/gate/full_story.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

EventDraft Hold(const std::string& scope) {
  return Because(DraftWith(v1::HoldPlaced(), {"hold=hold:h1", "scope=" + scope}));
}

TEST(Gate, AllowsWhatIsComplete) {
  GateWorld world(GateStory());
  EXPECT_TRUE(world.refused().empty()) << world.refused().begin()->first << ": " << world.refused().begin()->second;
  const v1::GateDecided decision = world.Ask();
  EXPECT_EQ(Failed(decision), "") << decision.DebugString();
  EXPECT_EQ(decision.verdict(), v1::GateDecided::ALLOW);
  EXPECT_EQ(decision.results_size(), 20);
  EXPECT_EQ(decision.time_to_live_s(), 900);
  EXPECT_EQ(decision.configuration_digest().size(), 32u);
}

// Golden scenario 3: +0.01 is inside both, +0.03 inside the US plan only.
TEST(Gate, A82A84ThresholdAdaptationOutsideTheOverlayIsDeniedThereOnly) {
  std::vector<Step> steps = GateStory();
  for (Step& step :
       AdaptationSteps({.version = "2", .shift = "0.03", .unit = "ICU-1", .substrate = SubstrateDigest("7.2")})) {
    steps.push_back(step);
  }
  GateWorld world(steps);
  EXPECT_EQ(Failed(world.Ask("2", "ICU-1", "US")), "");
  const v1::GateDecided germany = world.Ask("2", "ICU-2", "DE");
  EXPECT_EQ(Failed(germany), "G05");
  EXPECT_EQ(NoteOf(germany, "G05"),
            "outside envelope:threshold-eu@1 for EU: threshold_shift: 0.03 is not [-0.02, 0.02]");
  EXPECT_EQ(Failed(world.Ask("1", "ICU-2", "DE")), "");
}

// Golden scenario 4.
TEST(Gate, A71A72SubstrateChangeNeedsRecertification) {
  GateWorld world(GateStory());
  v1::SoupVersionChanged changed;
  changed.mutable_soup()->set_title("foundation");
  changed.mutable_soup()->set_manufacturer("maker");
  changed.mutable_soup()->set_designator("7.3");
  ASSERT_TRUE(
      world.Do({"soup-7.3", "ada", DraftWith(changed, {"soup=soup:foundation@7.3", "previous=soup:foundation@7.2"})})
          .ok());
  ASSERT_TRUE(world.Do({"substrate-2", "ada", DefineSubstrate("2", "7.3")}).ok());
  EXPECT_EQ(Failed(world.Ask()), "") << "the unit still has the old one";
  ASSERT_TRUE(world.Do({"install-2", "ada", InstallSubstrate("ICU-1", "2")}).ok());
  const v1::GateDecided stale = world.Ask();
  // Verification names the candidate configuration, so it is stale with the certification.
  EXPECT_EQ(Failed(stale), "G04 G06 G07 G08");
  EXPECT_THAT(NoteOf(stale, "G06"), HasSubstr("it is for another substrate than the unit's"));
  for (const Step& step : AdaptationSteps({.version = "2", .substrate = SubstrateDigest("7.3")})) {
    ASSERT_TRUE(world.Do(step).ok()) << step.name;
  }
  EXPECT_EQ(Failed(world.Ask("2")), "") << "the envelope stands";
}

// Golden scenario 5.
TEST(Gate, A59RiskControlMustBeVerifiedOnTheCandidate) {
  const auto old_run = Edit<v1::RiskControlVerified>(
      [](v1::RiskControlVerified& body) { body.set_configuration_digest(Sha256("an older configuration").bytes()); });
  GateWorld world(Changed(GateStory(), "verify-effectiveness", old_run));
  EXPECT_EQ(Failed(world.Ask()), "G07");
  EXPECT_EQ(NoteOf(world.Ask(), "G07"),
            "the effectiveness of risk_control:low_confidence is not verified on the candidate configuration");
  const std::vector<Step> story = GateStory();
  for (const Step& step : story) {
    if (step.name != "verify-effectiveness") continue;
    ASSERT_TRUE(world.Do({"again", step.writer, step.draft}).ok());
  }
  EXPECT_EQ(Failed(world.Ask()), "");
  // A later change of the control asks for it again.
  v1::RiskControlRevised revised;
  revised.mutable_content()->set_kind(v1::RiskControlContent::PROTECTIVE_MEASURE);
  revised.mutable_content()->set_text("alert on lower confidence");
  ASSERT_TRUE(
      world
          .Do({"revised", "ada",
               Because(DraftWith(revised, {"control=risk_control:low_confidence", "depends_on=software_item:alert"}))})
          .ok());
  EXPECT_EQ(Failed(world.Ask()), "G07");
}

// Golden scenario 7: a node that was cut off knows less, and says so in time.
TEST(Gate, PartitionedRevocationDeniesForWantOfFreshness) {
  GateWorld world(GateStory());
  GateRequest request = world.Request();
  const int64_t minute_us = int64_t{60} * 1'000'000;
  request.at = Timestamp(request.known_until.us + 10 * minute_us);
  EXPECT_EQ(Failed(world.Ask(request)), "") << "10 min after the last news, class C";
  request.at = Timestamp(request.known_until.us + 20 * minute_us);
  EXPECT_EQ(Failed(world.Ask(request)), "G17");
  // After the partition healed: the key was revoked all along.
  const Timestamp decided(request.known_until.us + 10 * minute_us);
  TestWriter certifier("software", "certifier", 1);
  EXPECT_EQ(Failed(world.Ask()), "");
  v1::CredentialRevoked revoked;
  const Fact* certified = nullptr;
  Facts facts(world.ledger().rows(), world.ledger().size());
  certified = facts.At(world.LeafOf("certified")).value();
  ASSERT_NE(certified, nullptr);
  const std::string leaf = *world.ledger().rows().Get(Family::kLeaves, LeafKey(world.LeafOf("certified"))).value();
  v1::SealStatement statement;
  ASSERT_TRUE(statement.ParseFromString(std::string(ParseLeaf(leaf)->seal->statement)));
  revoked.set_public_key(statement.key_id());
  revoked.set_effective_from_us(world.now().us + 1);
  ASSERT_TRUE(world.Do({"revoked", "ada", Because(DraftWith(revoked, {"holder=software:certifier"}))}).ok());
  request.at = decided;
  request.known_until = decided;
  EXPECT_EQ(Failed(world.Ask(request)), "G13");
  EXPECT_THAT(NoteOf(world.Ask(request), "G13"), HasSubstr("the certifier's key was revoked"));
}

// Golden scenario 11: each of 30 steps is inside; the 23rd crosses the limit from the anchor.
TEST(Gate, CumulativeCreepIsStoppedAtTheAnchor) {
  std::vector<Step> steps = Changed(GateStory(), "envelope", Edit<v1::EnvelopeApproved>([](v1::EnvelopeApproved& body) {
                                      v1::EnvelopeTerms::Dimension& total = *body.mutable_terms()->add_dimensions();
                                      total.set_name("threshold_total");
                                      total.set_kind("cumulative");
                                      total.set_of("threshold_shift");
                                      total.set_high("0.22");
                                    }));
  GateWorld world(steps);
  EXPECT_EQ(Failed(world.Ask()), "");
  for (int i = 2; i <= 30; ++i) {
    for (const Step& step : AdaptationSteps(
             {.version = Text(i), .shift = "0.01", .substrate = SubstrateDigest("7.2"), .parent = Text(i - 1)})) {
      ASSERT_TRUE(world.Do(step).ok()) << step.name << " " << world.refused().at(step.name);
    }
    EXPECT_EQ(Failed(world.Ask(Text(i))), i < 23 ? "" : "G05") << i;
  }
  EXPECT_EQ(NoteOf(world.Ask("23"), "G05"),
            "outside envelope:threshold@1: threshold_total: the distance from the anchor is 0.23, not at most 0.22");
}

// Golden scenario 12.
TEST(Gate, SamePersonBehindProducerAndCertifierIsDenied) {
  GateWorld world(
      Changed(GateStory(), "produced", [](EventDraft& draft) { draft.header.mutable_on_behalf_of()->set_id("carl"); }));
  const v1::GateDecided decision = world.Ask();
  EXPECT_EQ(Failed(decision), "G14");
  EXPECT_EQ(NoteOf(decision, "G14"), "person:carl is behind the production and the certification");
  GateWorld nobody(Changed(GateStory(), "produced", [](EventDraft& draft) { draft.header.clear_on_behalf_of(); }));
  EXPECT_EQ(Failed(nobody.Ask()), "G14") << "software acts for somebody";
}

TEST(Gate, A64A65OtherBytesAndOtherBaselinesAreDenied) {
  GateWorld world(GateStory());
  GateRequest request = world.Request();
  request.artifact_digest = Sha256("other bytes").bytes();
  EXPECT_EQ(Failed(world.Ask(request)), "G02");
  GateWorld other(Changed(GateStory(), "produced", Edit<v1::ArtifactProduced>([](v1::ArtifactProduced& body) {
                            body.set_baseline_digest(Sha256("baseline 4").bytes());
                          })));
  EXPECT_EQ(Failed(other.Ask()), "G03");
}

TEST(Gate, A66A78CertificationMustCoverTheSuiteAndEveryAffectedControl) {
  GateWorld smaller(Changed(GateStory(), "sandbox", [](EventDraft& draft) {
    draft.header.mutable_refs()->RemoveLast();  // test_run:system-1
  }));
  EXPECT_EQ(Failed(smaller.Ask()), "G06");
  EXPECT_THAT(NoteOf(smaller.Ask(), "G06"), HasSubstr("test case system@1 of the protocol's suite did not pass"));
  GateWorld uncovered(Changed(GateStory(), "certified", [](EventDraft& draft) {
    draft.header.mutable_refs()->RemoveLast();  // risk_control:low_confidence
  }));
  EXPECT_EQ(Failed(uncovered.Ask()), "G06");
  EXPECT_THAT(NoteOf(uncovered.Ask(), "G06"), HasSubstr("doesn't cover risk_control:low_confidence"));
}

TEST(Gate, A67CertificationWithoutIsolationIsInsufficient) {
  GateWorld world(Changed(GateStory(), "sandbox", Edit<v1::SandboxRunCompleted>([](v1::SandboxRunCompleted& body) {
                            body.mutable_isolation(1)->set_isolated(false);
                          })));
  EXPECT_EQ(Failed(world.Ask()), "G06");
  EXPECT_THAT(NoteOf(world.Ask(), "G06"), HasSubstr("not attested to isolate clinical_path"));
}

// A protocol that asks for little doesn't let a run reach a clinical system.
TEST(Gate, A67IsolationIsNoMatterOfTheProtocolAlone) {
  const std::vector<Step> thin =
      Changed(GateStory(), "protocol", Edit<v1::SandboxProtocolApproved>([](v1::SandboxProtocolApproved& body) {
                body.clear_isolation_requirements();
                body.add_isolation_requirements("network");
              }));
  EXPECT_EQ(Failed(GateWorld(thin).Ask()), "");
  for (const char* aspect : {"network", "clinical_path", "host"}) {
    const auto with = [&](const std::function<void(v1::SandboxRunCompleted&, int)>& change) {
      return GateWorld(Changed(thin, "sandbox", Edit<v1::SandboxRunCompleted>([&](v1::SandboxRunCompleted& body) {
                                 for (int i = body.isolation_size() - 1; i >= 0; --i) {
                                   if (body.isolation(i).aspect() == aspect) change(body, i);
                                 }
                               })))
          .Ask();
    };
    const std::string why = Text("the sandbox is not attested to isolate ", aspect);
    EXPECT_EQ(NoteOf(with([](auto& body, int i) { body.mutable_isolation(i)->set_isolated(false); }), "G06"), why);
    EXPECT_EQ(NoteOf(with([](auto& body, int i) { body.mutable_isolation()->DeleteSubrange(i, 1); }), "G06"), why);
    EXPECT_EQ(NoteOf(with([&](auto& body, int) {
                       v1::SandboxRunCompleted::Isolation& again = *body.add_isolation();
                       again.set_aspect(aspect);
                     }),
                     "G06"),
              why)
        << "both cannot be";
  }
}

TEST(Gate, A70DimensionThatTheEnvelopeDoesNotNameIsDenied) {
  GateWorld world(Changed(GateStory(), "produced", Edit<v1::ArtifactProduced>([](v1::ArtifactProduced& body) {
                            v1::ArtifactProduced::Parameter& parameter = *body.add_parameters();
                            parameter.set_dimension("window_length");
                            parameter.set_value("3");
                          })));
  // The plan doesn't describe it either.
  EXPECT_EQ(Failed(world.Ask()), "G05 G11");
  EXPECT_EQ(NoteOf(world.Ask(), "G05"), "outside envelope:threshold@1: it doesn't name window_length");
}

TEST(Gate, A75CertificationByAnotherProtocolThanThePlans) {
  GateWorld world(
      Changed(GateStory(), "plan-us", [](EventDraft& draft) { draft.header.mutable_refs(2)->set_version("2"); }));
  EXPECT_EQ(Failed(world.Ask()), "G11");
  EXPECT_EQ(NoteOf(world.Ask(), "G11"), "certified by sandbox_protocol:suite@1, which the plan doesn't authorise");
}

TEST(Gate, A77ShadowModeIsDecidedAndNeverActivated) {
  GateWorld world(Changed(GateStory(), "produced", Edit<v1::ArtifactProduced>([](v1::ArtifactProduced& body) {
                            body.set_mode(v1::ArtifactProduced::SHADOW);
                          })));
  const v1::GateDecided decision = world.Record();
  EXPECT_EQ(decision.verdict(), v1::GateDecided::DENY);
  EXPECT_EQ(Failed(decision), "G01");
}

TEST(Gate, A83AuthorisationStatesDecide) {
  GateWorld world(GateStory());
  const auto change = [&](auto body, const std::string& name) {
    EventDraft draft = Because(DraftWith(std::move(body), {"authorisation=authorisation:K1@1"}));
    const StatusOr<RunVerdict> done = world.Do({name, "rita", draft});
    EXPECT_TRUE(done.ok()) << done.status();
  };
  v1::AuthorisationSuspended suspended;
  suspended.set_effective_from_us(world.now().us + 1'000);
  change(suspended, "suspended");
  EXPECT_EQ(Failed(world.Ask()), "G12");
  EXPECT_THAT(NoteOf(world.Ask(), "G12"), HasSubstr("K1 is suspended"));
  v1::AuthorisationReinstated reinstated;
  reinstated.set_effective_from_us(world.now().us + 1'000);
  change(reinstated, "reinstated");
  EXPECT_EQ(Failed(world.Ask()), "");
  v1::AuthorisationWithdrawn withdrawn;
  withdrawn.set_effective_from_us(world.now().us + 1'000);
  change(withdrawn, "withdrawn");
  EXPECT_EQ(Failed(world.Ask()), "G12");
  GateRequest earlier = world.Request();
  earlier.at = Timestamp(withdrawn.effective_from_us() - 1);
  EXPECT_EQ(Failed(world.Ask(earlier)), "") << "it was in force then";
}

TEST(Gate, ExpiredAuthorisationAndCertification) {
  GateWorld world(Changed(GateStory(), "clear-us", Edit<v1::AuthorisationGranted>([](v1::AuthorisationGranted& body) {
                            body.mutable_terms()->set_valid_until_us(kTestStart.us + 1);
                          })));
  EXPECT_EQ(Failed(world.Ask()), "G12");
  GateWorld expired(Changed(GateStory(), "certified", Edit<v1::CertificationIssued>([](v1::CertificationIssued& body) {
                              body.set_valid_until_us(kTestStart.us + 1);
                            })));
  EXPECT_EQ(Failed(expired.Ask()), "G04 G06 G11 G14");
  EXPECT_THAT(NoteOf(expired.Ask(), "G06"), HasSubstr("has expired"));
}

TEST(Gate, A85RegulatoryClassIsComparedOnItsOwnScale) {
  GateWorld higher(Changed(GateStory(), "declare-eu", Edit<v1::RegulatoryCommitmentDeclared>([](auto& body) {
                             body.set_regulatory_class("III");
                           })));
  EXPECT_EQ(Failed(higher.Ask("1", "ICU-2", "DE")), "G12");
  EXPECT_EQ(Failed(higher.Ask("1", "ICU-1", "US")), "") << "another scale";
  // The EU has a scale of its own for in-vitro diagnostics.
  const auto diagnostic = [](const std::string& declared, const std::string& granted) {
    std::vector<Step> steps =
        Changed(GateStory(), "declare-eu",
                Edit<v1::RegulatoryCommitmentDeclared>([&](auto& body) { body.set_regulatory_class(declared); }));
    return Changed(std::move(steps), "clear-eu", Edit<v1::AuthorisationGranted>([&](v1::AuthorisationGranted& body) {
                     body.mutable_terms()->set_regulatory_class(granted);
                   }));
  };
  EXPECT_EQ(Failed(GateWorld(diagnostic("C", "D")).Ask("1", "ICU-2", "DE")), "");
  EXPECT_EQ(Failed(GateWorld(diagnostic("C", "B")).Ask("1", "ICU-2", "DE")), "G12");
  EXPECT_EQ(NoteOf(GateWorld(diagnostic("C", "III")).Ask("1", "ICU-2", "DE"), "G12"),
            "the policy has no scale of EU on which both class III and class C have a place");
  GateWorld foreign(Changed(GateStory(), "declare-eu", Edit<v1::RegulatoryCommitmentDeclared>([](auto& body) {
                              body.set_regulatory_class("II");
                            })));
  EXPECT_EQ(Failed(foreign.Ask("1", "ICU-2", "DE")), "G12") << "the EU has no class II";
}

TEST(Gate, A74A86ChangeOutsideThePlanIsDenied) {
  GateWorld narrow(Changed(GateStory(), "plan-us", Edit<v1::ChangePlanAuthorised>([](v1::ChangePlanAuthorised& body) {
                             body.mutable_terms()->mutable_modifications(0)->mutable_bounds(0)->set_high("0.005");
                           })));
  EXPECT_EQ(Failed(narrow.Ask()), "G11");
  EXPECT_EQ(NoteOf(narrow.Ask(), "G11"), "modification m1: threshold_shift 0.01 is not [-0.05, 0.005]");
  GateWorld world(Changed(GateStory(), "plan-us", Edit<v1::ChangePlanAuthorised>([](v1::ChangePlanAuthorised& body) {
                            body.mutable_terms()->mutable_modifications(0)->set_dimensions(0, "sampling_rate");
                          })));
  EXPECT_EQ(Failed(world.Ask()), "G11");
  EXPECT_EQ(NoteOf(world.Ask(), "G11"),
            "outside the plan: no modification of class threshold_table describes a change of threshold_shift");
  EXPECT_EQ(Failed(GateWorld(Without(GateStory(), {"plan-us"})).Ask()), "G10 G11");
}

TEST(Gate, A88RelocatedUnitIsElsewhere) {
  GateWorld world(GateStory());
  v1::DeviceUnitRelocated relocated;
  relocated.set_jurisdiction("JP");
  ASSERT_TRUE(world.Do({"relocated", "ada", DraftWith(relocated, {"unit=device_unit:ICU-1", "site=site:tokyo"})}).ok());
  EXPECT_EQ(Failed(world.Ask("1", "ICU-1", "US")), "G01");
  EXPECT_EQ(Failed(world.Ask("1", "ICU-1", "JP")), "G10 G11 G12") << "not cleared there";
}

TEST(Gate, A89UdiRuleIsAskedForWhereTheLawAsks) {
  const auto without_rule =
      Edit<v1::EnvelopeApproved>([](v1::EnvelopeApproved& body) { body.mutable_terms()->clear_udi_rule(); });
  GateWorld world(Changed(Changed(GateStory(), "envelope", without_rule), "overlay-eu", without_rule));
  EXPECT_EQ(Failed(world.Ask("1", "ICU-1", "US")), "");
  EXPECT_EQ(Failed(world.Ask("1", "ICU-2", "DE")), "G19");
  GateWorld new_pi(Changed(GateStory(), "overlay-eu", Edit<v1::EnvelopeApproved>([](v1::EnvelopeApproved& body) {
                             body.mutable_terms()->set_udi_rule("new_pi");
                           })));
  EXPECT_EQ(Failed(new_pi.Ask("1", "ICU-2", "DE")), "G19");
  v1::UdiAssigned assigned;
  assigned.set_kind(v1::UdiAssigned::UDI_PI);
  assigned.set_value("(10)2.0.1");
  // What counts is when both happened, not which of the two was recorded first.
  EventDraft before = DraftWith(assigned, {"unit=device_unit:ICU-2"});
  SetOccurred(before, Timestamp(kTestStart.us - 1), Timestamp(kTestStart.us - 1));
  ASSERT_TRUE(new_pi.Do({"udi-before", "rita", before}).ok());
  EXPECT_EQ(Failed(new_pi.Ask("1", "ICU-2", "DE")), "G19");
  ASSERT_TRUE(new_pi.Do({"udi", "rita", DraftWith(assigned, {"unit=device_unit:ICU-2"})}).ok());
  EXPECT_EQ(Failed(new_pi.Ask("1", "ICU-2", "DE")), "");
}

// A unit's own identifier is not its model's: nothing that G12 has to look at, however many units there are.
TEST(Gate, IdentifierOfAUnitSaysNothingOfItsModel) {
  GateWorld world(GateStory());
  v1::UdiAssigned assigned;
  assigned.set_kind(v1::UdiAssigned::UDI_DI);
  assigned.set_value("04099999999999");
  const std::vector<std::string> refs = {"device_model=device_model:monitor", "unit=device_unit:ICU-2"};
  ASSERT_TRUE(world.Do({"udi", "rita", DraftWith(assigned, refs)}).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
  Facts facts(world.ledger().rows(), world.ledger().size());
  gate::StandingTargets targets;
  ASSERT_TRUE(gate::AddTargets(facts, **facts.At(world.LeafOf("udi")), targets).ok());
  EXPECT_THAT(targets.units, testing::ElementsAre("ICU-2"));
  EXPECT_FALSE(targets.beyond_units());
  ASSERT_TRUE(world.Do({"udi-of-all", "rita", DraftWith(assigned, {refs[0]})}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G12");
}

// Whoever produces doesn't approve what stands for the approval of that.
TEST(Gate, ProducerDidNotApproveTheEnvelope) {
  GateWorld world(
      Changed(GateStory(), "produced", [](EventDraft& draft) { draft.header.mutable_on_behalf_of()->set_id("ada"); }));
  EXPECT_EQ(Failed(world.Ask()), "G14");
  EXPECT_EQ(NoteOf(world.Ask(), "G14"),
            "person:ada is behind the production and the approval of the envelope that stands for it");
}

// The part of a class C system was lowered to B, and so is what governs its adaptation.
TEST(Gate, WhatGovernsIsOfTheHighestClassThatContainsTheItem) {
  std::vector<Step> steps = FullStory();
  Step system_class = StepOfStory("item-class");
  system_class.name = "system-class";
  system_class.draft.header.mutable_refs(0)->set_id("system");
  steps.insert(std::find_if(steps.begin(), steps.end(), [](const Step& step) { return step.name == "item-class"; }),
               system_class);
  GateWorld world(steps);
  EXPECT_EQ(Failed(world.Ask()), "");
  v1::SafetyClassLowered lowered;
  lowered.set_safety_class(v1::SOFTWARE_SAFETY_CLASS_B);
  for (const std::string item : {"alert", "gate"}) {
    const EventDraft draft = Because(DraftWith(lowered, {"item=software_item:" + item}));
    ASSERT_TRUE(world.Do({"lowered-" + item, "ada", draft}).ok()) << world.refused().at("lowered-" + item);
  }
  EXPECT_THAT(NoteOf(world.Ask(), "G16"),
              HasSubstr("software_item:gate governs the adaptation and is SOFTWARE_SAFETY_CLASS_B, less than "
                        "software_item:system's SOFTWARE_SAFETY_CLASS_C"));
}

TEST(Gate, HoldsOnWhateverItRestsOn) {
  for (const char* scope :
       {"artifact:shift@1", "envelope:threshold@1", "software_item:alert", "device_model:monitor", "device_unit:ICU-1",
        "site:boston", "soup:foundation@7.2", "certification:cert-1", "baseline:base@5", "sandbox_protocol:suite@1"}) {
    GateWorld world(GateStory());
    ASSERT_TRUE(world.Do({"hold", "ada", Hold(scope)}).ok()) << scope;
    // The baseline is the fallback too.
    EXPECT_EQ(Failed(world.Ask()), scope == std::string_view("baseline:base@5") ? "G13 G20" : "G13") << scope;
    EXPECT_THAT(NoteOf(world.Ask(), "G13"), HasSubstr("is under hold")) << scope;
    ASSERT_TRUE(world.Do({"lift", "ada", Because(DraftWith(v1::HoldLifted(), {"hold=hold:h1"}))}).ok());
    EXPECT_EQ(Failed(world.Ask()), "") << scope;
  }
}

TEST(Gate, A27GateOfALowerClassBlocks) {
  GateWorld world(
      Changed(GateStory(), "governor-class", Edit<v1::SafetyClassAssigned>([](v1::SafetyClassAssigned& body) {
                body.set_safety_class(v1::SOFTWARE_SAFETY_CLASS_B);
              })));
  EXPECT_EQ(Failed(world.Ask()), "G16");
  GateWorld unassigned(Without(GateStory(), {"governor-class"}));
  EXPECT_EQ(Failed(unassigned.Ask()), "") << "an unknown class counts as C";
}

TEST(Gate, A26FixedItemMustNotAdapt) {
  GateWorld world(Changed(GateStory(), "item", Edit<v1::SoftwareItemIdentified>([](v1::SoftwareItemIdentified& body) {
                            body.set_trainability(v1::SoftwareItemIdentified::FIXED);
                          })));
  EXPECT_EQ(Failed(world.Ask()), "G05");
}

TEST(Gate, OpenAnomaliesOfClassAAreListed) {
  std::vector<Step> steps =
      Changed(GateStory(), "item-class",
              Edit<v1::SafetyClassAssigned>([](auto& body) { body.set_safety_class(v1::SOFTWARE_SAFETY_CLASS_A); }));
  GateWorld world(steps);
  v1::AnomalyRecorded anomaly;
  anomaly.set_description("flickers");
  anomaly.set_severity("minor");
  ASSERT_TRUE(
      world.Do({"anomaly", "ada", DraftWith(anomaly, {"anomaly=anomaly:a1", "found_in=artifact:shift@1"})}).ok());
  EXPECT_EQ(NoteOf(world.Ask(), "G09"), Text("anomaly:a1 is not evaluated (leaf ", world.LeafOf("anomaly").value, ")"));
  EXPECT_THAT(Failed(world.Ask()), testing::Not(HasSubstr("G09")));
}

TEST(Gate, OpenAnomaliesAndProblemsOfSafety) {
  GateWorld world(GateStory());
  v1::AnomalyRecorded anomaly;
  anomaly.set_description("flickers");
  anomaly.set_severity("minor");
  ASSERT_TRUE(
      world.Do({"anomaly", "ada", DraftWith(anomaly, {"anomaly=anomaly:a1", "found_in=artifact:shift@1"})}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G09") << "not evaluated";
  v1::AnomalyEvaluated evaluated;
  ASSERT_TRUE(world.Do({"evaluated", "ada", Because(DraftWith(evaluated, {"anomaly=anomaly:a1"}))}).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
  v1::ProblemReported problem;
  problem.set_criticality(v1::ProblemReported::SAFETY);
  problem.set_description("missed an alert");
  problem.set_configuration_unknown_because("the unit was off");
  ASSERT_TRUE(
      world.Do({"problem", "ada", DraftWith(problem, {"problem=problem:p1", "affected=software_item:alert"})}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G09");
  v1::DecisionRecorded decision;
  decision.set_question("may it run on?");
  decision.add_options("operation_permitted");
  decision.set_choice("operation_permitted");
  ASSERT_TRUE(
      world.Do({"permit", "ada", Because(DraftWith(decision, {"decision=decision:d9", "about=problem:p1"}))}).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
}

TEST(Gate, CertificationToldAfterTheFactDoesNotServe) {
  GateWorld world(Changed(GateStory(), "certified", [](EventDraft& draft) { draft.header.set_retrospective(true); }));
  EXPECT_EQ(Failed(world.Ask()), "G06");
}

TEST(Gate, HumanFormOfCertificationWhereThePolicyAsks) {
  GateWorld world(Changed(GateStory(), "gate-policy", Edit<v1::PolicyAdopted>([](v1::PolicyAdopted& body) {
                            for (auto& limits : *body.mutable_document()->mutable_gate()->mutable_limits()) {
                              limits.set_human_certification(true);
                            }
                          })));
  EXPECT_EQ(Failed(world.Ask()), "G06");
}

// What one version of the envelope opened stays open to people only, however little the next one takes back.
TEST(Gate, PeopleCertifyWhatWasOpenedUntilOneDid) {
  const auto within = [](const std::string& version, EventDraft& draft) {
    for (v1::EntityRef& ref : *draft.header.mutable_refs()) {
      if (ref.role() == "envelope") ref.set_version(version);
    }
  };
  const auto story = [&](const std::vector<std::string>& bounds) {
    std::vector<Step> steps = GateStory();
    const std::string last = Text(bounds.size() + 1);
    auto place = std::find_if(steps.begin(), steps.end(), [](const Step& step) { return step.name == "envelope"; });
    const Step first = *place;
    std::vector<Step> versions;
    for (size_t i = 0; i < bounds.size(); ++i) {
      Step& step = versions.emplace_back(first);
      step.name = Text("envelope-", i + 2);
      within(Text(i + 2), step.draft);
      Edit<v1::EnvelopeApproved>([&](v1::EnvelopeApproved& body) {
        body.mutable_terms()->mutable_dimensions(0)->set_low("-" + bounds[i]);
        body.mutable_terms()->mutable_dimensions(0)->set_high(bounds[i]);
        *body.mutable_signature() = FreshSignature();
      })(step.draft);
    }
    steps.insert(place + 1, versions.begin(), versions.end());
    for (const char* name : {"produced", "certified"}) {
      steps = Changed(std::move(steps), name, [&](EventDraft& draft) { within(last, draft); });
    }
    return steps;
  };
  EXPECT_EQ(Failed(GateWorld(story({"0.04"})).Ask()), "");
  EXPECT_EQ(Failed(GateWorld(story({"0.08"})).Ask()), "G06");
  GateWorld trivially_narrower(story({"0.08", "0.079"}));
  EXPECT_EQ(Failed(trivially_narrower.Ask()), "G06");
  EXPECT_THAT(NoteOf(trivially_narrower.Ask(), "G06"), HasSubstr("the envelope was expanded"));
  // Carl certifies something within the version that opened it.
  for (Step step : GateStory()) {
    if (step.name != "certified") continue;
    within("2", step.draft);
    step.draft.header.mutable_refs(0)->set_id("by-carl");
    Edit<v1::CertificationIssued>([](v1::CertificationIssued& body) { *body.mutable_signature() = FreshSignature(); })(
        step.draft);
    auto& refs = *step.draft.header.mutable_refs();
    for (int each = refs.size() - 1; each >= 0; --each) {
      if (refs[each].role() == "delegation") refs.DeleteSubrange(each, 1);
    }
    ASSERT_TRUE(trivially_narrower.Do({"by-carl", "carl", step.draft}).ok());
  }
  EXPECT_EQ(Failed(trivially_narrower.Ask()), "");
}

// Of an overlay too: a certification that is older than what it opened is of nobody who looked at that.
TEST(Gate, PeopleCertifyWhatAnOverlayOpened) {
  GateWorld world(GateStory());
  ASSERT_EQ(Failed(world.Ask("1", "ICU-2", "DE")), "");
  for (Step step : GateStory()) {
    if (step.name != "overlay-eu") continue;
    step.name = "overlay-eu-2";
    step.draft.header.mutable_refs(0)->set_version("2");
    Edit<v1::EnvelopeApproved>([](v1::EnvelopeApproved& body) {
      body.mutable_terms()->mutable_dimensions(0)->set_high("0.05");
      *body.mutable_signature() = FreshSignature();
    })(step.draft);
    ASSERT_TRUE(world.Do(step).ok());
  }
  EXPECT_EQ(Failed(world.Ask("1", "ICU-2", "DE")), "G06");
  EXPECT_THAT(NoteOf(world.Ask("1", "ICU-2", "DE"), "G06"), HasSubstr("the envelope was expanded"));
  EXPECT_EQ(Failed(world.Ask()), "") << "it is not for there";
}

TEST(Gate, NoPolicyMeansNoLeave) {
  GateWorld world(Without(GateStory(), {"gate-policy"}));
  const v1::GateDecided decision = world.Ask();
  EXPECT_EQ(decision.verdict(), v1::GateDecided::DENY);
  EXPECT_EQ(Failed(decision), "POLICY");
}

TEST(Gate, UnknownArtifactUnitAndRuleFailInsteadOfPassing) {
  GateWorld empty({});
  EXPECT_EQ(empty.Ask().verdict(), v1::GateDecided::DENY);
  GateWorld world(GateStory());
  EXPECT_EQ(world.Ask("9").verdict(), v1::GateDecided::DENY);
  EXPECT_EQ(world.Ask("1", "ICU-9").verdict(), v1::GateDecided::DENY);
  GateWorld future(Changed(GateStory(), "gate-policy", Edit<v1::PolicyAdopted>([](v1::PolicyAdopted& body) {
                             body.mutable_document()->mutable_gate()->add_rules("G99");
                           })));
  EXPECT_EQ(Failed(future.Ask()), "G99");
}

TEST(Gate, WithoutAFallbackItIsDenied) {
  GateWorld world(GateStory());
  GateRequest request = world.Request();
  request.rollback_target.reset();
  EXPECT_EQ(Failed(world.Ask(request)), "G20");
  request = world.Request();
  request.rollback_target->set_version("4");
  EXPECT_EQ(Failed(world.Ask(request)), "G20");
}

}  // namespace
}  // namespace anamnesis
