// Roles for some items and some jurisdictions: what they don't reach.

#include <gtest/gtest.h>

#include <algorithm>

#include "ledger/event/refusal.h"
#include "tests/ledger/gate/gate_story.h"
#include "tests/support/shipped_policy.h"

namespace anamnesis {
namespace {

// "" when it was recorded.
std::string Try(GateWorld& world, const std::string& writer, const EventDraft& draft) {
  const StatusOr<RunVerdict> verdict = world.Do({"tried", writer, draft});
  if (verdict.ok()) return "";
  const std::optional<v1::RefusalDetail> detail = RefusalDetailOf(verdict.status());
  return detail.has_value() ? v1::RefusalReason_Name(detail->reason()) : verdict.status().ToString();
}

// Eve gets the role within the scope.
void GrantEve(GateWorld& world, v1::Role role, const std::function<void(v1::Scope&)>& limit) {
  EventDraft grant = GrantRole("eve", role);
  Edit<v1::RoleGranted>([&](v1::RoleGranted& body) { limit(*body.mutable_scope()); })(grant);
  EXPECT_EQ(Try(world, "ada", grant), "");
}

template <typename Body>
Body BodyOfStep(const std::string& name) {
  const std::vector<Step> story = GateStory();
  const auto step = std::find_if(story.begin(), story.end(), [&](const Step& each) { return each.name == name; });
  return static_cast<const Body&>(*step->draft.body);
}

TEST(LimitedRoles, APolicyIsForAllItems) {
  GateWorld world(GateStory());
  GrantEve(world, v1::QUALITY_OFFICER, [](v1::Scope& scope) { scope.add_items("alert"); });
  const EventDraft policy = Adopt(v1::PolicyAdopted::GATE, ReadPolicy("gate"), "2");
  EXPECT_EQ(Try(world, "eve", policy), "OUT_OF_SCOPE");
  EXPECT_EQ(Try(world, "ada", policy), "");
}

TEST(LimitedRoles, AClearanceIsOfTheJurisdictionThatItWasGrantedFor) {
  GateWorld world(GateStory());
  GrantEve(world, v1::REGULATORY_OFFICER, [](v1::Scope& scope) { scope.add_jurisdictions("US"); });
  v1::AuthorisationSupplemented supplemented;
  *supplemented.mutable_terms() = BodyOfStep<v1::AuthorisationGranted>("clear-us").terms();
  EXPECT_EQ(Try(world, "eve", DraftWith(supplemented, {"authorisation=authorisation:NB-1@1"})), "OUT_OF_SCOPE");
  EXPECT_EQ(Try(world, "eve", DraftWith(supplemented, {"authorisation=authorisation:K1@1"})), "");
  supplemented.mutable_terms()->set_jurisdiction("EU");
  EXPECT_EQ(Try(world, "eve", DraftWith(supplemented, {"authorisation=authorisation:K1@1"})), "OUT_OF_SCOPE");

  v1::ChangePlanAmended amended;
  *amended.mutable_terms() = BodyOfStep<v1::ChangePlanAuthorised>("plan-us").terms();
  const auto plan_of = [&](const std::string& authorisation) {
    return Because(DraftWith(amended, {"change_plan=change_plan:pccp@2", "authorisation=" + authorisation}));
  };
  EXPECT_EQ(Try(world, "eve", plan_of("authorisation:NB-1@1")), "OUT_OF_SCOPE");
  EXPECT_EQ(Try(world, "eve", plan_of("authorisation:K1@1")), "");
}

TEST(LimitedRoles, AHoldOnASiteIsNotOfOneItem) {
  GateWorld world(GateStory());
  GrantEve(world, v1::ACTIVATION_APPROVER, [](v1::Scope& scope) { scope.add_items("alert"); });
  const auto lift_after_hold_on = [&](const std::string& id, const std::vector<std::string>& scopes) {
    EventDraft hold = Because(DraftWith(v1::HoldPlaced(), {"hold=hold:" + id}));
    EXPECT_EQ(Try(world, "ada", WithRefs(hold, scopes)), "");
    return Try(world, "eve", Because(DraftWith(v1::HoldLifted(), {"hold=hold:" + id})));
  };
  EXPECT_EQ(lift_after_hold_on("h1", {"scope=artifact:shift@1"}), "");
  EXPECT_EQ(lift_after_hold_on("h2", {"scope=artifact:shift@1", "scope=site:boston"}), "OUT_OF_SCOPE");
  EXPECT_EQ(lift_after_hold_on("h3", {"scope=site:boston", "scope=artifact:shift@1"}), "OUT_OF_SCOPE");
}

TEST(LimitedRoles, WhatEndsAProblemAsksForWhoLiftsHoldsOfWhatItAffects) {
  GateWorld world(GateStory());
  GrantEve(world, v1::ACTIVATION_APPROVER, [](v1::Scope& scope) { scope.add_items("alert"); });
  v1::ProblemReported problem;
  problem.set_criticality(v1::ProblemReported::SAFETY);
  problem.set_description("missed an alert");
  problem.set_configuration_unknown_because("the unit was off");
  EXPECT_EQ(Try(world, "tuner", DraftWith(problem, {"problem=problem:p1", "affected=software_item:alert"})), "");
  EXPECT_EQ(Try(world, "tuner", DraftWith(problem, {"problem=problem:p2", "affected=software_item:gate"})), "");
  const auto no_action = [](const std::string& id) {
    return Because(DraftWith(v1::ProblemNoActionDecided(), {"problem=problem:" + id}));
  };
  EXPECT_EQ(Try(world, "tuner", no_action("p1")), "ROLE_MISSING");
  EXPECT_EQ(Try(world, "carl", no_action("p1")), "ROLE_MISSING");
  EXPECT_EQ(Try(world, "eve", no_action("p2")), "OUT_OF_SCOPE");
  EXPECT_EQ(Try(world, "eve", no_action("p1")), "");
  EXPECT_EQ(Try(world, "tuner", Because(DraftWith(v1::ProblemClosed(), {"problem=problem:p1"}))), "ROLE_MISSING");
  EXPECT_EQ(Try(world, "eve", Because(DraftWith(v1::ProblemClosed(), {"problem=problem:p1"}))), "");
}

}  // namespace
}  // namespace anamnesis
