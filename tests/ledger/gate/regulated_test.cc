// What is bound together in an artifact's record, and what of the surroundings decides with it: jurisdiction, class,
// commitment and plan, the mode, the inventory of surfaces, and who has to do something by hand.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "ledger/crypto/sha256.h"
#include "ledger/event/header.h"
#include "ledger/event/leaf.h"
#include "ledger/event/seal.h"
#include "ledger/state/broken_rules.h"
#include "tests/ledger/gate/standing_story.h"

namespace anamnesis {
namespace {

using testing::Contains;
using testing::HasSubstr;

// An artifact's record as the ledger keeps it.
struct Sealed {
  std::string leaf;
  v1::EventHeader header;
  std::string nonce;
  std::string content;

  SealView seal() const { return *ParseLeaf(leaf)->seal; }
};

Sealed RecordOf(GateWorld& world, const std::string& step) {
  const std::string key = LeafKey(world.LeafOf(step));
  Sealed sealed;
  sealed.leaf = **world.ledger().rows().Get(Family::kLeaves, key);
  EXPECT_TRUE(sealed.header.ParseFromString(std::string(ParseLeaf(sealed.leaf)->header)));
  const std::string body = **world.ledger().rows().Get(Family::kBodies, key);
  sealed.nonce = body.substr(0, kNonceBytes);
  sealed.content = body.substr(kNonceBytes);
  return sealed;
}

// Whether this header with this content is what the writer sealed.
Status Verify(const v1::EventHeader& header, std::string_view nonce, std::string_view content, const SealView& seal) {
  if (header.body_commitment() != BodyCommitment(nonce, content).bytes()) {
    return absl::UnauthenticatedError("the content is not what the header commits to");
  }
  ASSIGN_OR_RETURN(const ParsedSeal parsed, VerifySeal(seal));
  const std::string bytes = header.SerializeAsString();
  const std::string_view headers[] = {bytes};
  return CheckSealFitsRun(parsed, kTestOrigin, header.stream(), header.stream_position(), headers);
}

// Identity and provenance stand in the header, parameters and status in the body that it commits to.
TEST(Regulated, A64OneSealBindsIdentityProvenanceParametersAndStatus) {
  std::vector<Step> story = GateStory();
  for (Step& step : AdaptationSteps({.version = "2", .shift = "0.02", .substrate = SubstrateDigest("7.2")})) {
    story.push_back(std::move(step));
  }
  GateWorld world(story);
  const Sealed sealed = RecordOf(world, "produced");
  ASSERT_TRUE(Verify(sealed.header, sealed.nonce, sealed.content, sealed.seal()).ok());

  const auto header = [&](const std::function<void(v1::EventHeader&)>& change) {
    v1::EventHeader other = sealed.header;
    change(other);
    EXPECT_NE(other.SerializeAsString(), sealed.header.SerializeAsString());
    return Verify(other, sealed.nonce, sealed.content, sealed.seal()).ok();
  };
  EXPECT_FALSE(header([](v1::EventHeader& h) { h.mutable_refs(0)->set_version("9"); })) << "identity";
  EXPECT_FALSE(header([](v1::EventHeader& h) { h.mutable_on_behalf_of()->set_id("carl"); })) << "provenance: for whom";
  EXPECT_FALSE(header([](v1::EventHeader& h) { h.mutable_actor()->set_id("certifier"); })) << "provenance: who";
  EXPECT_FALSE(header([](v1::EventHeader& h) { h.set_occurred_latest_us(h.occurred_latest_us() + 1); }))
      << "provenance: when";

  const auto body = [&](const std::function<void(v1::ArtifactProduced&)>& change) {
    v1::ArtifactProduced other;
    EXPECT_TRUE(other.ParseFromString(sealed.content));
    change(other);
    const std::string content = other.SerializeAsString();
    EXPECT_NE(content, sealed.content);
    EXPECT_FALSE(Verify(sealed.header, sealed.nonce, content, sealed.seal()).ok());
    // Nor with a header that commits to it.
    v1::EventHeader committed = sealed.header;
    committed.set_body_commitment(BodyCommitment(sealed.nonce, content).bytes());
    committed.set_body_size(content.size());
    return Verify(committed, sealed.nonce, content, sealed.seal()).ok();
  };
  EXPECT_FALSE(body([](v1::ArtifactProduced& b) { b.mutable_parameters(0)->set_value("0.04"); })) << "parameters";
  EXPECT_FALSE(body([](v1::ArtifactProduced& b) { b.set_mode(v1::ArtifactProduced::SHADOW); })) << "status";
  EXPECT_FALSE(body([](v1::ArtifactProduced& b) { b.set_baseline_digest(Sha256("other").bytes()); })) << "baseline";

  // Moved to another artifact, and another's to this one.
  const Sealed second = RecordOf(world, "produced-2");
  ASSERT_TRUE(Verify(second.header, second.nonce, second.content, second.seal()).ok());
  EXPECT_FALSE(Verify(second.header, second.nonce, second.content, sealed.seal()).ok());
  EXPECT_FALSE(Verify(sealed.header, sealed.nonce, sealed.content, second.seal()).ok());
}

std::vector<std::string> FindingRulesOf(GateWorld& world, const std::string& step) {
  std::vector<std::string> rules;
  const StatusOr<std::vector<v1::Finding>> findings = FindingsOf(world.ledger().rows(), world.LeafOf(step));
  EXPECT_TRUE(findings.ok()) << findings.status();
  for (const v1::Finding& finding : *findings) rules.push_back(finding.rule());
  return rules;
}

TEST(Regulated, A77WhoActivatesAShadowArtifactDoesNotConform) {
  GateWorld world(Changed(GateStory(), "produced", Edit<v1::ArtifactProduced>([](v1::ArtifactProduced& body) {
                            body.set_mode(v1::ArtifactProduced::SHADOW);
                          })));
  EXPECT_EQ(Failed(Activate(world)), "G01") << "decided, and the decision recorded";
  EXPECT_THAT(FindingRulesOf(world, "activated-ICU-1"), Contains("ACTIVATION-DECISION"));
  ASSERT_EQ(Standing(world).entries_size(), 1);
  EXPECT_GT(Standing(world).entries(0).nonconforming_size(), 0);
}

TEST(Regulated, A82ClearedInOneCountryActivatesInThatOneOnly) {
  GateWorld world(Without(GateStory(), {"clear-eu"}));
  EXPECT_EQ(Failed(Activate(world)), "");
  EXPECT_EQ(FindingRulesOf(world, "activated-ICU-1"), std::vector<std::string>());
  const v1::GateDecided abroad = Activate(world, "1", "ICU-2", "DE");
  EXPECT_EQ(abroad.verdict(), v1::GateDecided::DENY);
  EXPECT_THAT(Failed(abroad), HasSubstr("G12"));
  EXPECT_THAT(FindingRulesOf(world, "activated-ICU-2"), Contains("ACTIVATION-DECISION"));
}

// Each of the four is an event: the next decision heeds it, and the one before stays what it was.
TEST(Regulated, A85EachPartOfTheRegulatoryConfigurationChangesTheNextDecision) {
  v1::DeviceUnitRelocated moved;
  moved.set_jurisdiction("JP");
  v1::SafetyClassLowered lower;
  lower.set_safety_class(v1::SOFTWARE_SAFETY_CLASS_B);
  Step commitment = StepNamed("declare-us");
  Edit<v1::RegulatoryCommitmentDeclared>([](auto& body) { body.set_regulatory_class("III"); })(commitment.draft);
  Step plan = StepNamed("plan-us");
  v1::ChangePlanAmended amended;
  *amended.mutable_terms() = static_cast<const v1::ChangePlanAuthorised&>(*plan.draft.body).terms();
  amended.mutable_terms()->mutable_modifications(0)->mutable_bounds(0)->set_high("0.001");
  plan.draft.body = std::make_shared<v1::ChangePlanAmended>(amended);
  plan.draft.header.mutable_refs(0)->set_version("2");
  struct Change {
    const char* what;
    const char* writer;
    EventDraft draft;
    const char* denied_by;
  };
  for (const Change& change :
       {Change{"jurisdiction", "ada", DraftWith(moved, {"unit=device_unit:ICU-1", "site=site:tokyo"}), "G01"},
        Change{"safety class", "ada", DraftWith(lower, {"item=software_item:gate"}), "G16"},
        Change{"commitment", "rita", commitment.draft, "G12"}, Change{"plan", "rita", plan.draft, "G11"}}) {
    SCOPED_TRACE(change.what);
    GateWorld world(GateStory());
    const v1::GateDecided before = world.Record();
    EXPECT_EQ(Failed(before), "");
    const std::string decision = world.last_decision();
    const StatusOr<RunVerdict> done = world.Do({"change", change.writer, Now(world, Because(change.draft))});
    ASSERT_TRUE(done.ok()) << done.status();
    const v1::GateDecided after = world.Record();
    EXPECT_EQ(after.verdict(), v1::GateDecided::DENY);
    EXPECT_THAT(Failed(after), HasSubstr(change.denied_by));
    EXPECT_EQ(Replayed(world, decision).SerializeAsString(), before.SerializeAsString());
    EXPECT_EQ(Replayed(world, world.last_decision()).SerializeAsString(), after.SerializeAsString());
  }
}

TEST(Regulated, A79NobodyHasToDoAnythingWhereADelegationStands) {
  const std::vector<Step> adaptation = AdaptationSteps({.substrate = SubstrateDigest("7.2")});
  std::set<std::string> names;
  for (const Step& step : adaptation) names.insert(step.name);
  GateWorld world(Without(GateStory(), names));
  const TreeSize prepared = world.ledger().size();
  for (const Step& step : adaptation) ASSERT_TRUE(world.Do(step).ok()) << step.name;
  EXPECT_EQ(Failed(Activate(world)), "");
  EXPECT_EQ(FindingRulesOf(world, "activated-ICU-1"), std::vector<std::string>());
  for (LeafIndex leaf(prepared.value); leaf.value < world.ledger().size().value; ++leaf.value) {
    const StatusOr<LoadedEvent> event = LoadEvent(world.ledger().rows(), leaf);
    EXPECT_NE(event->header.fields.actor().kind(), "person") << event->header.fields.type();
  }
  EXPECT_THAT(Failed(GateWorld(Without(GateStory(), {"delegation"})).Ask()), HasSubstr("G06"))
      << "the delegation is what stands in for a person";
}

v1::AdoptionAnswer Adoption(GateWorld& world) {
  v1::Question question;
  question.mutable_adoption();
  const StatusOr<v1::Answer> answer = Ask(world.ledger().rows(), "o", world.ledger().size(), question, AskGate);
  EXPECT_TRUE(answer.ok()) << answer.status();
  return answer.ok() ? answer->adoption() : v1::AdoptionAnswer();
}

TEST(Regulated, A76ASurfaceHasTheEnvelopeThatIsInForceOrNone) {
  std::vector<Step> story = GateStory();
  for (const auto& [surface, item] : {std::pair{"threshold", "alert"}, std::pair{"weights", "gate"}}) {
    v1::AdaptationSurfaceIdentified body;
    body.set_kind(v1::AdaptationSurfaceIdentified::PARAMETER);
    body.set_mutable_by("the device");
    body.set_surface(surface);
    story.push_back({Text("surface-", surface), "ada",
                     DraftWith(body, {Text("surface=adaptation_surface:", surface), Text("item=software_item:", item),
                                      "owner=person:eve"})});
  }
  GateWorld world(story);
  v1::AdoptionAnswer adoption = Adoption(world);
  ASSERT_EQ(adoption.surfaces_size(), 2) << adoption.DebugString();
  EXPECT_EQ(EntityKeyText(adoption.surfaces(0).envelope()), "envelope:threshold@1") << "not the overlay";
  EXPECT_EQ(adoption.surfaces(1).surface().id(), "weights");
  EXPECT_TRUE(adoption.surfaces(1).has_inventoried());
  EXPECT_FALSE(adoption.surfaces(1).has_envelope()) << "listed without one";
  EXPECT_EQ(adoption.surfaces(1).kind(), v1::AdaptationSurfaceIdentified::PARAMETER);
  EXPECT_EQ(EntityKeyText(adoption.surfaces(1).owner()), "person:eve");
  EXPECT_FALSE(adoption.surfaces(1).has_proposed_envelope());
  v1::EnvelopeProposed proposed;
  *proposed.mutable_terms() = static_cast<const v1::EnvelopeApproved&>(*StepNamed("envelope").draft.body).terms();
  ASSERT_TRUE(
      world.Do({"proposed", "ada", DraftWith(proposed, {"envelope=envelope:weights@1", "item=software_item:gate"})})
          .ok())
      << world.refused().at("proposed");
  EXPECT_EQ(EntityKeyText(Adoption(world).surfaces(1).proposed_envelope()), "envelope:weights@1");

  // The newest, by when it was proposed: what is told afterwards of a time before is none.
  const auto propose = [&](const std::string& envelope, bool told_afterwards) {
    EventDraft draft = DraftWith(proposed, {"envelope=envelope:" + envelope, "item=software_item:gate"});
    draft = Now(world, draft);
    if (told_afterwards) {
      SetOccurred(draft, kTestStart, kTestStart);
      draft.header.set_retrospective(true);
    }
    const Status status = world.Do({envelope, "ada", draft}).status();
    EXPECT_TRUE(status.ok()) << status;
  };
  propose("weights@2", false);
  propose("weights@0", true);
  EXPECT_EQ(EntityKeyText(Adoption(world).surfaces(1).proposed_envelope()), "envelope:weights@2");
  EventDraft approval = StepNamed("envelope").draft;
  approval.header.mutable_refs(0)->set_id("weights");
  approval.header.mutable_refs(0)->set_version("2");
  approval.header.mutable_refs(1)->set_id("gate");
  ASSERT_TRUE(world.Do({"approved", "ada", Now(world, approval)}).ok()) << world.refused().at("approved");
  adoption = Adoption(world);
  EXPECT_EQ(EntityKeyText(adoption.surfaces(1).envelope()), "envelope:weights@2");
  EXPECT_FALSE(adoption.surfaces(1).has_proposed_envelope()) << "one is in force";
  const EventDraft weights_retired = Because(DraftWith(v1::EnvelopeRetired(), {"envelope=envelope:weights@2"}));
  ASSERT_TRUE(world.Do({"weights-retired", "ada", Now(world, weights_retired)}).ok())
      << world.refused().at("weights-retired");
  EXPECT_EQ(EntityKeyText(Adoption(world).surfaces(1).proposed_envelope()), "envelope:weights@1") << "not approved yet";

  Step second = StepNamed("envelope");
  second.draft.header.mutable_refs(0)->set_version("2");
  ASSERT_TRUE(world.Do({"envelope-2", "ada", Now(world, second.draft)}).ok()) << world.refused().at("envelope-2");
  EXPECT_EQ(EntityKeyText(Adoption(world).surfaces(0).envelope()), "envelope:threshold@2");
  v1::EnvelopeRetired retired;
  const EventDraft retire = Because(DraftWith(retired, {"envelope=envelope:threshold@2"}));
  ASSERT_TRUE(world.Do({"retired", "ada", Now(world, retire)}).ok()) << world.refused().at("retired");
  EXPECT_FALSE(Adoption(world).surfaces(0).has_envelope()) << "version 1 was followed by 2, which is retired";
}

// That nothing is denied on it would be a clean bill for a unit that isn't there.
TEST(Regulated, AUnitThatNobodyRecordedDoesNotStand) {
  GateWorld world(GateStory());
  const auto ask = [&](const std::string& unit) {
    v1::Question question;
    question.mutable_standing()->set_unit(unit);
    return Ask(world.ledger().rows(), "o", world.ledger().size(), question, AskGate);
  };
  const StatusOr<v1::Answer> known = ask("ICU-1");
  ASSERT_TRUE(known.ok()) << known.status();
  EXPECT_EQ(known->standing().units(), 1u);
  const Status unknown = ask("ICUU-1").status();
  EXPECT_TRUE(absl::IsNotFound(unknown)) << unknown;
  EXPECT_THAT(std::string(MessageOf(unknown)), HasSubstr("nothing is recorded of device_unit:ICUU-1"));
}

}  // namespace
}  // namespace anamnesis
