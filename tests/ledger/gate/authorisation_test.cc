// What one allow may rest on: one authorisation, one plan under it and one certification; and when they hold.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ledger/base/bytes.h"
#include "ledger/gate/decide.h"
#include "tests/ledger/gate/gate_story.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

EventDraft DraftOf(const std::string& step) {
  for (const Step& each : GateStory()) {
    if (each.name == step) return each.draft;
  }
  ADD_FAILURE() << step;
  return {};
}

v1::EntityRef& RefOf(EventDraft& draft, std::string_view role) {
  for (v1::EntityRef& ref : *draft.header.mutable_refs()) {
    if (ref.role() == role) return ref;
  }
  ADD_FAILURE() << role;
  return *draft.header.add_refs();
}

// Another authorisation in the US for the same model, without a plan.
EventDraft GrantAnother(const std::string& number) {
  EventDraft draft = DraftOf("clear-us");
  Edit<v1::AuthorisationGranted>([&](v1::AuthorisationGranted& body) { body.mutable_terms()->set_number(number); })(
      draft);
  RefOf(draft, "authorisation").set_id(number);
  return draft;
}

template <typename Body>
EventDraft About(Body body, const std::string& reference, Timestamp from) {
  body.set_effective_from_us(from.us);
  return Because(DraftWith(std::move(body), {reference}));
}

EventDraft Amend(const std::string& bound, const std::string& version) {
  EventDraft draft = DraftOf("plan-us");
  v1::ChangePlanAmended amended;
  *amended.mutable_terms() = static_cast<const v1::ChangePlanAuthorised&>(*draft.body).terms();
  v1::Bound& limits = *amended.mutable_terms()->mutable_modifications(0)->mutable_bounds(0);
  limits.set_low("-" + bound);
  limits.set_high(bound);
  RefOf(draft, "change_plan").set_version(version);
  draft.body = std::make_shared<v1::ChangePlanAmended>(amended);
  return Because(draft);
}

TEST(GateAuthorisation, OneHasToAllowItAll) {
  GateWorld world(GateStory());
  ASSERT_TRUE(world.Do({"clear-2", "rita", GrantAnother("K2")}).ok());
  EXPECT_EQ(Failed(world.Ask()), "");
  ASSERT_TRUE(
      world
          .Do({"gone", "rita",
               About(v1::AuthorisationWithdrawn(), "authorisation=authorisation:K1@1", Timestamp(world.now().us + 1))})
          .ok());
  const v1::GateDecided decision = world.Ask();
  EXPECT_EQ(Failed(decision), "G12") << "the plan is of one that is withdrawn, the other has none";
  EXPECT_THAT(NoteOf(decision, "G12"), HasSubstr("K1 is withdrawn"));
  EXPECT_THAT(NoteOf(decision, "G12"), HasSubstr("by K2: G10"));
}

TEST(GateAuthorisation, WithdrawingAPlanDoesNotBringAnOlderVersionBack) {
  std::vector<Step> steps = GateStory();
  for (Step& step :
       AdaptationSteps({.version = "2", .shift = "0.03", .unit = "ICU-1", .substrate = SubstrateDigest("7.2")})) {
    steps.push_back(step);
  }
  GateWorld world(steps);
  EXPECT_EQ(Failed(world.Ask("2")), "");
  ASSERT_TRUE(world.Do({"amended", "rita", Amend("0.02", "2")}).ok());
  EXPECT_EQ(Failed(world.Ask("2")), "G11");
  ASSERT_TRUE(
      world
          .Do({"ended", "rita",
               About(v1::ChangePlanWithdrawn(), "change_plan=change_plan:pccp@2", Timestamp(world.now().us + 1))})
          .ok());
  EXPECT_EQ(Failed(world.Ask("2")), "G10 G11");
  EXPECT_EQ(Failed(world.Ask("1")), "G10 G11");
}

TEST(GateAuthorisation, PlanBoundsHoldWhereTheClassIsAllowedToo) {
  GateWorld world(Changed(GateStory(), "clear-us", Edit<v1::AuthorisationGranted>([](v1::AuthorisationGranted& body) {
                            body.mutable_terms()->add_change_classes_allowed("threshold_table");
                          })));
  EXPECT_EQ(Failed(world.Ask()), "");
  ASSERT_TRUE(world.Do({"amended", "rita", Amend("0.005", "2")}).ok());
  EXPECT_EQ(Failed(world.Ask()), "G11");
  ASSERT_TRUE(
      world
          .Do({"ended", "rita",
               About(v1::ChangePlanWithdrawn(), "change_plan=change_plan:pccp@2", Timestamp(world.now().us + 1))})
          .ok());
  EXPECT_EQ(Failed(world.Ask()), "G11") << "taking a plan away gives no leave";
  const v1::GateDecided denied = world.Ask();
  const auto rule = std::find_if(denied.results().begin(), denied.results().end(),
                                 [](const auto& result) { return result.rule_id() == "G11"; });
  EXPECT_THAT(rule->evidence(), testing::IsSupersetOf({world.LeafOf("amended").value, world.LeafOf("ended").value}));
}

TEST(GateAuthorisation, AnyCertificationThatPassesServes) {
  GateWorld world(GateStory());
  EventDraft worse = DraftOf("certified");
  RefOf(worse, "certification").set_id("cert-worse");
  worse.header.mutable_refs()->RemoveLast();  // The control that it has to cover.
  ASSERT_TRUE(world.Do({"worse", "certifier", worse}).ok());
  EXPECT_EQ(Failed(world.Ask()), "") << "a worse one beside it takes nothing away";
  const auto withdraw = [&](const std::string& id) {
    const StatusOr<RunVerdict> done =
        world.Do({"withdrawn-" + id, "carl",
                  Because(DraftWith(v1::CertificationWithdrawn(), {"certification=certification:" + id}))});
    ASSERT_TRUE(done.ok()) << done.status();
  };
  withdraw("cert-1");
  EXPECT_EQ(Failed(world.Ask()), "G06");
  EXPECT_THAT(NoteOf(world.Ask(), "G06"), HasSubstr("doesn't cover risk_control:low_confidence"));
  withdraw("cert-worse");
  EXPECT_EQ(world.Ask().verdict(), v1::GateDecided::DENY);
}

TEST(GateAuthorisation, WhatIsGrantedOrIssuedLaterDidNotHoldBefore) {
  GateWorld world(Without(GateStory(), {"clear-us", "certified"}));
  const GateRequest before = world.Request();
  ASSERT_TRUE(world.Do({"time-passes", "ada", ReferToDocument("minutes")}).ok());
  const auto later = [&](const std::string& step, const std::string& writer) {
    EventDraft draft = DraftOf(step);
    SetOccurred(draft, world.now(), world.now());
    const StatusOr<RunVerdict> done = world.Do({step, writer, draft});
    ASSERT_TRUE(done.ok()) << done.status();
  };
  later("clear-us", "rita");
  later("certified", "certifier");
  ASSERT_TRUE(world.Do({"plan-us", "rita", DraftOf("plan-us")}).ok());
  EXPECT_EQ(Failed(world.Ask()), "") << "recorded by now";
  const v1::GateDecided then = world.Ask(before);
  EXPECT_EQ(then.verdict(), v1::GateDecided::DENY);
  EXPECT_THAT(NoteOf(then, "G12"), HasSubstr("was granted later only"));
  EXPECT_THAT(NoteOf(then, "G06"), HasSubstr("was issued later only"));
}

TEST(GateAuthorisation, OfStatesWithOneTimeTheLastRecordedHolds) {
  GateWorld world(GateStory());
  const Timestamp from(world.now().us + 1);
  const auto change = [&](const std::string& name, EventDraft draft) {
    ASSERT_TRUE(world.Do({name, "rita", std::move(draft)}).ok()) << name;
  };
  change("suspended", About(v1::AuthorisationSuspended(), "authorisation=authorisation:K1@1", from));
  change("reinstated", About(v1::AuthorisationReinstated(), "authorisation=authorisation:K1@1", from));
  EXPECT_EQ(Failed(world.Ask()), "");
  change("suspended again", About(v1::AuthorisationSuspended(), "authorisation=authorisation:K1@1", from));
  EXPECT_EQ(Failed(world.Ask()), "G12");
  change("again", About(v1::AuthorisationReinstated(), "authorisation=authorisation:K1@1", from));
  EXPECT_EQ(Failed(world.Ask()), "");
}

TEST(GateAuthorisation, ScopeWithoutIdentifiersCoversNothing) {
  GateWorld world(Changed(GateStory(), "clear-us", Edit<v1::AuthorisationGranted>([](v1::AuthorisationGranted& body) {
                            body.mutable_terms()->clear_udi_di();
                          })));
  EXPECT_EQ(Failed(world.Ask()), "G12");
}

TEST(GateAuthorisation, ConditionIsConfirmedForTheDeviceModel) {
  GateWorld world(Changed(GateStory(), "clear-us", Edit<v1::AuthorisationGranted>([](v1::AuthorisationGranted& body) {
                            v1::AuthorisationCondition& condition = *body.mutable_terms()->add_conditions();
                            condition.set_id("training");
                            condition.set_text("users are trained");
                          })));
  EXPECT_EQ(Failed(world.Ask()), "G12");
  const auto confirm = [&](const std::string& model) {
    v1::AuthorisationConditionConfirmed confirmed;
    confirmed.set_condition("training");
    *confirmed.mutable_signature() = FreshSignature();
    const StatusOr<RunVerdict> done =
        world.Do({"confirm-" + model, "rita",
                  DraftWith(confirmed, {"authorisation=authorisation:K1@1", "device_model=device_model:" + model})});
    ASSERT_TRUE(done.ok()) << done.status();
  };
  confirm("other");
  EXPECT_EQ(Failed(world.Ask()), "G12") << "another model's";
  confirm("monitor");
  EXPECT_EQ(Failed(world.Ask()), "");
}

TEST(GateAuthorisation, ConditionThatSaysSomethingElseIsConfirmedAnew) {
  const auto with_text = [](const std::string& text) {
    EventDraft draft = DraftOf("clear-us");
    v1::AuthorisationTerms terms = static_cast<const v1::AuthorisationGranted&>(*draft.body).terms();
    v1::AuthorisationCondition& condition = *terms.add_conditions();
    condition.set_id("c1");
    condition.set_text(text);
    return terms;
  };
  GateWorld world(Changed(GateStory(), "clear-us", Edit<v1::AuthorisationGranted>([&](v1::AuthorisationGranted& body) {
                            *body.mutable_terms() = with_text("used with 5 leads");
                          })));
  const auto confirm = [&](const std::string& name) {
    v1::AuthorisationConditionConfirmed confirmed;
    confirmed.set_condition("c1");
    *confirmed.mutable_signature() = FreshSignature();
    const StatusOr<RunVerdict> done =
        world.Do({name, "rita", DraftWith(confirmed, {"authorisation=authorisation:K1@1"})});
    ASSERT_TRUE(done.ok()) << done.status();
  };
  const auto restrict_to = [&](const std::string& text) {
    v1::AuthorisationRestricted restricted;
    *restricted.mutable_terms() = with_text(text);
    const StatusOr<RunVerdict> done =
        world.Do({text, "rita", About(restricted, "authorisation=authorisation:K1@1", world.now())});
    ASSERT_TRUE(done.ok()) << done.status();
  };
  confirm("first");
  ASSERT_EQ(Failed(world.Ask()), "");
  restrict_to("used with 5 leads");
  EXPECT_EQ(Failed(world.Ask()), "") << "it says the same";
  restrict_to("never used on neonates");
  EXPECT_EQ(Failed(world.Ask()), "G12");
  confirm("second");
  EXPECT_EQ(Failed(world.Ask()), "");
}

}  // namespace
}  // namespace anamnesis
