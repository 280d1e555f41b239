// What is told long afterwards takes nothing from what was recorded since: an import says how it was, not how it is.

#include <gtest/gtest.h>

#include "tests/ledger/gate/gate_story.h"

namespace anamnesis {
namespace {

EventDraft DraftOf(const std::string& step) {
  for (const Step& each : GateStory()) {
    if (each.name == step) return each.draft;
  }
  ADD_FAILURE() << step;
  return {};
}

// As an import tells it, of years before the story.
EventDraft ToldLate(EventDraft draft) {
  const Timestamp then(kTestStart.us - int64_t{1000} * 86'400'000'000);
  SetOccurred(draft, then, then);
  draft.header.set_retrospective(true);
  return Because(std::move(draft));
}

EventDraft Versioned(EventDraft draft, std::string_view role, const std::string& version) {
  for (v1::EntityRef& ref : *draft.header.mutable_refs()) {
    if (ref.role() == role) ref.set_version(version);
  }
  return draft;
}

// What the live event makes the gate say, an older one that is told late doesn't take back.
void ExpectLateChangesNothing(const std::string& writer, const EventDraft& live, const EventDraft& older,
                              const std::string& failed) {
  GateWorld world(GateStory());
  ASSERT_EQ(Failed(world.Ask()), "");
  ASSERT_TRUE(world.Do({"live", writer, live}).ok()) << world.refused().at("live");
  EXPECT_EQ(Failed(world.Ask()), failed);
  ASSERT_TRUE(world.Do({"older", writer, ToldLate(older)}).ok()) << world.refused().at("older");
  EXPECT_EQ(Failed(world.Ask()), failed);
}

TEST(ToldLate, AChangePlan) {
  const auto amend = [](const std::string& bound, const std::string& version) {
    EventDraft draft = Versioned(DraftOf("plan-us"), "change_plan", version);
    v1::ChangePlanAmended amended;
    *amended.mutable_terms() = static_cast<const v1::ChangePlanAuthorised&>(*draft.body).terms();
    v1::Bound& limits = *amended.mutable_terms()->mutable_modifications(0)->mutable_bounds(0);
    limits.set_low("-" + bound);
    limits.set_high(bound);
    draft.body = std::make_shared<v1::ChangePlanAmended>(amended);
    return Because(draft);
  };
  ExpectLateChangesNothing("rita", amend("0.005", "2"), amend("0.05", "0"), "G11");
}

TEST(ToldLate, ADeclaration) {
  const auto declare = [](const std::string& regulatory_class) {
    EventDraft draft = DraftOf("declare-us");
    Edit<v1::RegulatoryCommitmentDeclared>(
        [&](v1::RegulatoryCommitmentDeclared& body) { body.set_regulatory_class(regulatory_class); })(draft);
    return draft;
  };
  ExpectLateChangesNothing("rita", declare("III"), declare("II"), "G12");
}

TEST(ToldLate, ARevisionOfTheDeviceModelAndItsIdentifier) {
  const auto revise = [](const std::string& purpose) {
    v1::DeviceModelRevised body;
    body.set_intended_purpose(purpose);
    return Because(DraftWith(body, {"device_model=device_model:monitor"}));
  };
  ExpectLateChangesNothing("rita", revise("Something else"), revise("Alerts on arrhythmia"), "G12");
  const auto assign = [](const std::string& value) {
    v1::UdiAssigned body;
    body.set_kind(v1::UdiAssigned::UDI_DI);
    body.set_value(value);
    return DraftWith(body, {"device_model=device_model:monitor"});
  };
  ExpectLateChangesNothing("rita", assign("04099999999999"), assign("04012345678901"), "G12");
}

TEST(ToldLate, AnEvaluationOfAnAnomaly) {
  GateWorld world(GateStory());
  v1::AnomalyRecorded anomaly;
  anomaly.set_description("flickers");
  anomaly.set_severity("minor");
  ASSERT_TRUE(
      world.Do({"anomaly", "eve", DraftWith(anomaly, {"anomaly=anomaly:a1", "found_in=artifact:shift@1"})}).ok());
  const auto evaluate = [](bool unacceptable) {
    v1::AnomalyEvaluated body;
    body.set_unacceptable_risk(unacceptable);
    return Because(DraftWith(body, {"anomaly=anomaly:a1"}));
  };
  ASSERT_TRUE(world.Do({"unacceptable", "ada", evaluate(true)}).ok());
  ASSERT_TRUE(world.Do({"before", "ada", ToldLate(evaluate(false))}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G09");
  ASSERT_TRUE(world.Do({"mended", "ada", evaluate(false)}).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
}

TEST(ToldLate, AnEnvelopeFollowsNoneThatWasApprovedSince) {
  GateWorld world(GateStory());
  EventDraft older = Versioned(DraftOf("envelope"), "envelope", "0");
  Edit<v1::EnvelopeApproved>([](v1::EnvelopeApproved& body) { *body.mutable_signature() = FreshSignature(); })(older);
  ASSERT_TRUE(world.Do({"older", "ada", ToldLate(older)}).ok()) << world.refused().at("older");
  EXPECT_EQ(Failed(world.Ask()), "");
}

}  // namespace
}  // namespace anamnesis
