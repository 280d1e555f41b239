// What an incident bundle says of histories in which something is uncertain, was corrected or was taken back.

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "client/exports/json.h"
#include "client/exports/unit_history.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/base/bytes.h"
#include "ledger/event/vocabulary.h"
#include "tests/client/exports/incident_bundle.h"
#include "tests/support/shipped_policy.h"

namespace anamnesis::exports {
namespace {

using testing::HasSubstr;
using testing::Not;

EventDraft Certified(const std::string& id, const std::string& artifact, int64_t from, int64_t until = 0) {
  v1::CertificationIssued body;
  body.mutable_state()->set_artifact_digest(std::string(32, artifact[0]));
  body.mutable_state()->set_baseline_digest(std::string(32, 'b'));
  body.mutable_state()->set_substrate_digest(std::string(32, 's'));
  body.set_process_profile("p@1");
  body.set_safety_class(v1::SOFTWARE_SAFETY_CLASS_C);
  body.set_valid_from_us(Hour(from).us);
  if (until != 0) body.set_valid_until_us(Hour(until).us);
  return AtHour(DraftWith(std::move(body),
                          {"certification=certification:" + id, "artifact=artifact:" + artifact + "@1",
                           "sandbox_run=sandbox_run:r", "envelope=envelope:e@1", "protocol=sandbox_protocol:p@1"}),
                from);
}

EventDraft Withdrawn(const std::string& id, int64_t hour) {
  return AtHour(Because(DraftWith(v1::CertificationWithdrawn(), {"certification=certification:" + id})), hour);
}

TEST(Incident, ACertificateIsInForceWhenTheGateSaysSo) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Produced("a", "table.txt"), 0));
  EventDraft issued = Certified("c", "a", 1);
  SetOccurred(issued, Hour(1), Hour(9));
  history.Add(std::move(issued), Hour(3));
  // Another one.
  history.Add(Withdrawn("d", 3));
  history.Add(AtHour(Activated("a"), 4));
  history.Add(AtHour(Incident(), 6));
  EXPECT_THAT(Bundle(history).Rows("activations-1"),
              HasSubstr("at the activation: in force, without an end; now: in force, without an end"));
}

TEST(Incident, AWithdrawnCertificateIsNoCertificate) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Produced("a", "table.txt"), 0));
  history.Add(Certified("early", "a", 1, 2));
  history.Add(Certified("gone", "a", 1));
  history.Add(Withdrawn("gone", 3));
  history.Add(AtHour(Activated("a"), 4));
  history.Add(Certified("after", "a", 5));
  history.Add(AtHour(Incident(), 6));
  const Bundle bundle(history);
  const std::string rows = bundle.Rows("activations-1");
  EXPECT_THAT(rows, HasSubstr("certification:early, issued"));
  EXPECT_THAT(rows, HasSubstr(Text("at the activation: expired on ", FormatTime(Hour(2)))));
  EXPECT_THAT(rows, HasSubstr(Text("at the activation: withdrawn from ", FormatTime(Hour(3)))));
  EXPECT_THAT(rows, HasSubstr(Text("at the activation: not in force yet, only from ", FormatTime(Hour(5)))));
  EXPECT_THAT(bundle.Gaps("activations-1"), HasSubstr("artifact:a@1: no certification was in force"));
  const std::vector<Cell>& row = bundle.At("activations-1").tables[0].rows.back();
  EXPECT_EQ(row.back().mark, Mark::kBad);
  EXPECT_THAT(bundle.Rows("orders"), HasSubstr("certification.withdrawn"));
}

// What anybody says that it ran is told, and never as if the gate had let it.
TEST(Incident, A69WhatDidNotConformIsAGapWherever) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Adopt(v1::PolicyAdopted::GATE, ReadPolicy("gate")), 0));
  history.Add(AtHour(Produced("a", "table.txt"), 0));
  v1::GateDecided allowed;
  allowed.set_verdict(v1::GateDecided::ALLOW);
  allowed.set_artifact_digest(std::string(32, 'a'));
  allowed.set_at_us(Hour(0).us);
  allowed.set_jurisdiction("US");
  allowed.set_tree_size(1);
  allowed.add_results()->set_rule_id("G01");
  allowed.mutable_results(0)->set_outcome(v1::GateDecided::RuleResult::PASS);
  history.Add(AtHour(DraftWith(std::move(allowed), {"decision=gate_decision:d", "artifact=artifact:a@1",
                                                    "unit=device_unit:ICU-7", "policy=policy:gate@1"}),
                     0));
  const LeafIndex claimed = history.Add(AtHour(WithRefs(Activated("a"), {"decision=gate_decision:d"}), 4));
  history.Add(AtHour(Incident(), 6));
  const Bundle bundle(history);
  const std::vector<Cell>* row = bundle.RowCiting("activations-1", claimed);
  ASSERT_NE(row, nullptr);
  EXPECT_EQ((*row)[3].mark, Mark::kBad);
  EXPECT_THAT((*row)[3].text, HasSubstr("did not conform: "));
  EXPECT_THAT((*row)[3].text, HasSubstr("header.actor is person:ada"));
  EXPECT_THAT(bundle.Gaps("activations-1"), HasSubstr(Text("leaf ", claimed.value, " did not conform: ")));
  EXPECT_THAT(bundle.Gaps("configuration-1"), HasSubstr("what put it there did not conform: "));
  EXPECT_THAT(bundle.Fact("ICU-7 ran, as known then and now"), HasSubstr("did not conform"));
}

// A decision by rule G04, and what the gate says of it when it computes it again.
v1::GateDecided Decision(v1::GateDecided::Verdict verdict, const std::vector<uint64_t>& evidence = {}) {
  v1::GateDecided body;
  body.set_verdict(verdict);
  body.set_artifact_digest(std::string(32, 'a'));
  body.set_at_us(Hour(0).us);
  body.set_jurisdiction("US");
  body.set_tree_size(2);
  v1::GateDecided::RuleResult& rule = *body.add_results();
  rule.set_rule_id("G04");
  rule.set_outcome(verdict == v1::GateDecided::ALLOW ? v1::GateDecided::RuleResult::PASS
                                                     : v1::GateDecided::RuleResult::FAIL);
  for (const uint64_t leaf : evidence) rule.add_evidence(leaf);
  return body;
}

EventDraft Decided(const std::string& id, const std::string& artifact, const v1::GateDecided& decision) {
  return DraftWith(v1::GateDecided(decision), {"decision=gate_decision:" + id, "artifact=artifact:" + artifact + "@1",
                                               "unit=device_unit:ICU-7", "policy=policy:gate@1"});
}

v1::GateReplayAnswer Replay(LeafIndex leaf, const v1::GateDecided& decision, const std::vector<uint64_t>& slice = {}) {
  v1::GateReplayAnswer replay;
  replay.mutable_leaf()->set_index(leaf.value);
  *replay.mutable_recorded() = decision;
  replay.set_identical(true);
  replay.mutable_slice()->Add(slice.begin(), slice.end());
  return replay;
}

// One that no activation cites is told as well: what the gate refused and somebody ran all the same.
TEST(Incident, ARefusalIsToldBeforeWhatRanInSpiteOfIt) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Adopt(v1::PolicyAdopted::GATE, ReadPolicy("gate")), 0));
  history.Add(AtHour(Produced("a", "table.txt"), 0));
  const LeafIndex refused = history.Add(AtHour(Decided("d", "a", Decision(v1::GateDecided::DENY)), 3));
  const LeafIndex other = history.Add(AtHour(Decided("e", "z", Decision(v1::GateDecided::ALLOW)), 3));
  const LeafIndex activated = history.Add(AtHour(Activated("a"), 4));
  const LeafIndex after = history.Add(AtHour(Decided("f", "a", Decision(v1::GateDecided::ALLOW)), 5));
  history.Add(AtHour(Incident(), 6));
  const Bundle bundle(history, {}, {{"d", Replay(refused, Decision(v1::GateDecided::DENY))}});
  const Table& decisions = bundle.At("activations-1").tables[1];
  EXPECT_EQ(decisions.title, "Decisions on ICU-7");
  ASSERT_EQ(decisions.rows.size(), 3U);
  EXPECT_EQ(decisions.rows[0][0].leaves, std::vector<uint64_t>{refused.value});
  EXPECT_THAT(decisions.rows[0][3].text, HasSubstr("deny, failed: G04"));
  EXPECT_EQ(decisions.rows[0][3].mark, Mark::kBad);
  EXPECT_EQ(decisions.rows[1][0].leaves, std::vector<uint64_t>{other.value});
  EXPECT_EQ(decisions.rows[2][0].leaves, std::vector<uint64_t>{after.value});
  const std::vector<Cell>* row = bundle.RowCiting("activations-1", activated);
  ASSERT_NE(row, nullptr);
  EXPECT_THAT((*row)[3].text, HasSubstr("cites none; the last one on it before: deny, failed: G04"));
  EXPECT_EQ((*row)[3].leaves, std::vector<uint64_t>{refused.value});
}

TEST(Incident, WhatIsLeftOutMayBeTheLastDecisionBefore) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Incident(), 1));
  Replays replays;
  const auto decide = [&](const std::string& id, const std::string& artifact, v1::GateDecided::Verdict verdict,
                          int64_t hour) {
    const LeafIndex leaf = history.Add(AtHour(Decided(id, artifact, Decision(verdict)), hour));
    replays[id] = Replay(leaf, Decision(verdict));
  };
  decide("d", "a", v1::GateDecided::ALLOW, 2);
  const LeafIndex early = history.Add(AtHour(Activated("a"), 2));
  decide("e", "z", v1::GateDecided::ALLOW, 3);
  decide("f", "a", v1::GateDecided::DENY, 4);
  const LeafIndex late = history.Add(AtHour(Activated("a"), 5));
  IncidentOptions options;
  options.activations = 2;
  const Bundle bundle(history, options, replays);
  EXPECT_THAT((*bundle.RowCiting("activations-1", early))[3].text, HasSubstr("the last one on it before: allow"));
  EXPECT_THAT((*bundle.RowCiting("activations-1", late))[3].text, HasSubstr("the last one on it told here: allow"));
  options.activations = 3;
  EXPECT_THAT((*Bundle(history, options, replays).RowCiting("activations-1", late))[3].text,
              HasSubstr("the last one on it before: deny"));
}

// An older release decided the same on other grounds; only what differs in more than these is another decision.
TEST(Incident, ADecisionOfAnotherReleaseIsNoOtherDecision) {
  ProjectedHistory history = InService();
  const v1::GateDecided recorded = Decision(v1::GateDecided::ALLOW, {0});
  const LeafIndex decided = history.Add(AtHour(Decided("d", "a", recorded), 3));
  history.Add(AtHour(Incident(), 6));
  v1::GateReplayAnswer replay = Replay(decided, recorded);
  const auto told = [&] {
    const Bundle bundle(history, {}, {{"d", replay}});
    return bundle.At("activations-1").tables.at(1).rows.at(0).at(3);
  };
  EXPECT_THAT(told().text, HasSubstr("computed again: the same"));
  EXPECT_THAT(told().text, Not(HasSubstr("another release")));
  EXPECT_EQ(told().mark, Mark::kGood);
  replay.set_identical(false);
  *replay.mutable_computed() = Decision(v1::GateDecided::ALLOW, {0, 1});
  replay.mutable_computed()->mutable_results(0)->set_note("in other words");
  EXPECT_THAT(told().text,
              HasSubstr("the same verdict and rules, other evidence or notes (another release may cite others)"));
  EXPECT_EQ(told().mark, Mark::kNone);
  *replay.mutable_computed() = recorded;
  replay.mutable_computed()->set_artifact_digest(std::string(32, 'z'));
  EXPECT_THAT(told().text, HasSubstr("computed again: it is ANOTHER decision"));
  EXPECT_EQ(told().mark, Mark::kBad);
  *replay.mutable_computed() = Decision(v1::GateDecided::DENY, {0});
  EXPECT_THAT(told().text, HasSubstr("computed again: it is ANOTHER decision"));
  EXPECT_EQ(told().mark, Mark::kBad);
}

TEST(Incident, DecisionsThatAreLeftOutAreCounted) {
  ProjectedHistory history = InService();
  for (int i = 0; i < 5; ++i) history.Add(AtHour(Decided(Text("d", i), "a", Decision(v1::GateDecided::DENY)), i + 1));
  history.Add(AtHour(Incident(), 9));
  IncidentOptions options;
  options.activations = 2;
  const Bundle bundle(history, options);
  EXPECT_EQ(bundle.At("activations-1").tables[1].rows.size(), 2U);
  EXPECT_THAT(bundle.At("activations-1").paragraphs.at(1), HasSubstr("3 more are left out"));
}

TEST(Incident, WhatADecisionRestsOnIsARecordOfTheBundle) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Adopt(v1::PolicyAdopted::GATE, ReadPolicy("gate")), 0));
  const LeafIndex evidence = history.Add(AtHour(Commission("ICU-8"), 0));
  const v1::GateDecided decision = Decision(v1::GateDecided::DENY, {evidence.value});
  const LeafIndex decided = history.Add(AtHour(Decided("d", "a", decision), 3));
  history.Add(AtHour(Incident(), 6));
  const Bundle bundle(history, {}, {{"d", Replay(decided, decision, {0, 1})}});
  const std::vector<Cell>& row = bundle.At("activations-1").tables[2].rows.at(0);
  EXPECT_EQ(row[0].leaves, std::vector<uint64_t>{decided.value});
  EXPECT_THAT(row[1].leaves, testing::ElementsAre(0, 1));
  EXPECT_EQ(row[2].leaves, std::vector<uint64_t>{evidence.value});
}

TEST(Incident, WhatNeedsAnErasedBodyCannotBeComputedAnyMore) {
  ProjectedHistory history = InService();
  const LeafIndex letter = history.Add(AtHour(ReferToDocument("a letter"), 0));
  const v1::GateDecided decision = Decision(v1::GateDecided::DENY);
  const LeafIndex whole = history.Add(AtHour(Decided("d", "a", decision), 3));
  const LeafIndex lost = history.Add(AtHour(Decided("e", "a", decision), 4));
  history.Add(AtHour(Incident(), 6));
  ProjectedLedger ledger(history);
  ledger.Replays("d", Replay(whole, decision, {0}));
  ledger.Replays("e", Replay(lost, decision, {0, letter.value}));
  ledger.Erase(letter);
  const LedgerView view = ledger.View();
  v1::EntityRef incident;
  incident.set_kind("incident");
  incident.set_id("IR-1");
  const StatusOr<Document> bundle = IncidentBundle(view, incident, {});
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  const auto section = std::find_if(bundle->sections.begin(), bundle->sections.end(),
                                    [](const Section& one) { return one.id == "activations-1"; });
  ASSERT_NE(section, bundle->sections.end());
  const std::vector<std::vector<Cell>>& rows = section->tables.at(2).rows;
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0][1].text, "1 leaf");
  EXPECT_EQ(rows[0][1].mark, Mark::kNone);
  EXPECT_EQ(rows[1][1].text, "2 leaves; not any more: the body of leaf 1 is erased");
  EXPECT_EQ(rows[1][1].mark, Mark::kBad);
  EXPECT_THAT(rows[1][1].leaves, testing::ElementsAre(0, letter.value));
}

// A unit that goes on adapting for years can be exported still: what each decision rests on would fill the bundle.
TEST(Incident, OfManyDecisionsTheGroundsOfTheFirstAndLastAreTold) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Incident(), 1));
  const v1::GateDecided decision = Decision(v1::GateDecided::ALLOW);
  Replays replays;
  for (int i = 2; i < 7; ++i) {
    const std::string id = Text("d", i);
    replays[id] = Replay(history.Add(AtHour(Decided(id, "a", decision), i)), decision, {0, 1});
    history.Add(AtHour(WithRefs(Activated("a"), {"decision=gate_decision:" + id}), i));
  }
  IncidentOptions options;
  options.activations = 1;
  const Bundle bundle(history, options, replays);
  const Section& section = bundle.At("activations-1");
  ASSERT_EQ(section.tables.at(0).rows.size(), 5U);
  for (const std::vector<Cell>& row : section.tables[0].rows) EXPECT_THAT(row[3].text, HasSubstr("the same"));
  std::vector<std::string> told;
  for (const std::vector<Cell>& row : section.tables.at(2).rows) {
    told.push_back(row[0].text);
    EXPECT_THAT(row[1].leaves, testing::ElementsAre(0, 1));
  }
  EXPECT_THAT(told, testing::ElementsAre("gate_decision:d2", "gate_decision:d6"));
  EXPECT_THAT(section.paragraphs,
              testing::Contains(HasSubstr("are told below, with those about the unit; 3 more are")));
  options.activations = 3;
  const Bundle whole(history, options, replays);
  EXPECT_EQ(whole.At("activations-1").tables.at(2).rows.size(), 5U);
  EXPECT_THAT(whole.At("activations-1").paragraphs, Not(testing::Contains(HasSubstr("are told below"))));
}

TEST(Incident, TheRunOfACertificateInTheSandboxIsARecordOfTheBundle) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Produced("a", "table.txt"), 0));
  history.Add(Certified("c", "a", 1));
  const LeafIndex activated = history.Add(AtHour(Activated("a"), 4));
  history.Add(AtHour(Incident(), 6));
  EXPECT_THAT((*Bundle(history).RowCiting("activations-1", activated))[4].text,
              HasSubstr("nothing is recorded of its run"));
  v1::SandboxRunCompleted body;
  body.set_environment_digest(std::string(32, 'e'));
  body.add_isolation()->set_aspect("network");
  body.set_result(v1::SandboxRunCompleted::PASS);
  const LeafIndex run =
      history.Add(AtHour(DraftWith(std::move(body), {"sandbox_run=sandbox_run:r", "artifact=artifact:a@1",
                                                     "protocol=sandbox_protocol:p@1"}),
                         7));
  const Bundle bundle(history);
  const Cell& cell = (*bundle.RowCiting("activations-1", activated))[4];
  EXPECT_THAT(cell.leaves, testing::Contains(run.value));
  EXPECT_THAT(cell.text, Not(HasSubstr("nothing is recorded of its run")));
}

TEST(Incident, ACertificateWithdrawnLaterWasInForceThen) {
  ProjectedHistory history = InService();
  history.Add(Certified("c", "a", 1));
  history.Add(AtHour(Activated("a"), 4));
  history.Add(AtHour(Incident(), 6));
  history.Add(Withdrawn("c", 8));
  const Bundle bundle(history);
  EXPECT_THAT(bundle.Rows("activations-1"), HasSubstr("at the activation: in force, without an end; now: withdrawn"));
  EXPECT_THAT(bundle.Gaps("activations-1"), Not(HasSubstr("no certification")));
}

TEST(Incident, WhatPossiblyRanIsLookedIntoAndNothingIsSaidToBeAll) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Produced("a", "a.txt"), 0));
  history.Add(AtHour(Produced("z", "z.txt"), 0));
  history.Add(AtHour(Activated("a"), 1));
  history.Add(AtHour(Measured('z'), 2));
  history.Add(AtHour(Incident(), 3));
  const Bundle bundle(history);
  EXPECT_THAT(bundle.Rows("configuration-1"), HasSubstr("possibly artifact:a@1"));
  for (const char* file : {"a.txt | artifact:a@1; it possibly ran", "z.txt | artifact:z@1; it possibly ran"}) {
    EXPECT_THAT(bundle.Rows("files"), HasSubstr(file));
  }
  EXPECT_THAT(bundle.Rows("lineage"), HasSubstr("artifact:z@1, possibly"));
  for (const char* section : {"lineage", "files", "similar", "siblings", "orders"}) {
    EXPECT_THAT(bundle.Gaps(section), HasSubstr("not certain")) << section;
    EXPECT_THAT(bundle.Rows(section), Not(HasSubstr("No other"))) << section;
    EXPECT_THAT(bundle.Rows(section), Not(HasSubstr("None is recorded"))) << section;
  }
}

TEST(Incident, UnknownBytesAreKeptByTheirDigest) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Measured('u'), 1));
  history.Add(AtHour(Incident(), 2));
  const Bundle bundle(history);
  const std::string name = Text("unknown bytes sha256:", HexEncode(std::string(32, 'u')));
  EXPECT_THAT(bundle.Rows("configuration-1"), HasSubstr(name));
  EXPECT_THAT(bundle.Gaps("lineage"), HasSubstr(name));
  EXPECT_THAT(bundle.Rows("files"), HasSubstr(name.substr(14)));
}

TEST(Incident, IsToldForTheTimeItWasCorrectedTo) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Activated("a"), 1));
  history.Add(AtHour(Activated("z"), 5));
  const LeafIndex recorded = history.Add(AtHour(Incident(), 8));
  EXPECT_THAT(Bundle(history).Fact("ICU-7 ran, as known then and now"), HasSubstr("artifact:z@1"));
  EventDraft moved = MoveInTime(*EventId::FromBytes(ProjectedHistory::IdOf(recorded)), Hour(3), Hour(3));
  history.Add(AtHour(std::move(moved), 9));
  const Bundle bundle(history);
  EXPECT_THAT(bundle.Fact("ICU-7 ran, as known then and now"), HasSubstr("artifact:a@1"));
  EXPECT_THAT(bundle.Fact("Happened"), HasSubstr(FormatTime(Hour(3))));
  EXPECT_THAT(bundle.Fact("Happened"), HasSubstr("moved in time by person:ada: was wrong (leaf 4)"));
}

EventDraft IncidentOn(const std::string& unit) {
  v1::IncidentRecorded body;
  body.set_harm(v1::IncidentRecorded::SERIOUS);
  body.set_description("another story");
  return DraftWith(std::move(body), {"incident=incident:IR-1", "unit=device_unit:" + unit});
}

// Whoever has a key can record the incident once more.
TEST(Incident, NoRecordOfItHidesAnother) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Commission("ICU-8"), 0));
  history.Add(AtHour(Activated("a"), 1));
  const LeafIndex first = history.Add(AtHour(Incident(), 3));
  history.Add(AtHour(Activated("z"), 5));
  EXPECT_THAT(Bundle(history).Gaps("incident"), Not(HasSubstr("differ")));
  const LeafIndex elsewhere = history.Add(AtHour(IncidentOn("ICU-8"), 6), Timestamp(0), "eve");
  const LeafIndex later = history.Add(AtHour(IncidentOn("ICU-7"), 7), Timestamp(0), "eve");
  const Bundle bundle(history);
  const auto ran = [&](int64_t hour) {
    return bundle.Fact(Text("ICU-7 ran at ", FormatTime(Hour(hour)), ", as known then and now"));
  };
  EXPECT_THAT(ran(3), HasSubstr("artifact:a@1"));
  EXPECT_THAT(ran(7), HasSubstr("artifact:z@1"));
  const std::vector<std::pair<std::string, int64_t>> told = {{"ICU-7", 3}, {"ICU-8", 6}, {"ICU-7", 7}};
  for (size_t i = 0; i < told.size(); ++i) {
    const auto& [unit, hour] = told[i];
    EXPECT_EQ(bundle.At(Text("configuration-", i + 1)).title,
              Text("2 What ", unit, " at ", FormatTime(Hour(hour)), " was running"));
    EXPECT_THAT(bundle.At(Text("configuration-", i + 1)).paragraphs[0], HasSubstr(FormatTime(Hour(hour))));
    EXPECT_THAT(bundle.Gaps("regulatory"), HasSubstr(FormatTime(Hour(hour))));
  }
  const std::vector<Gap>& gaps = bundle.At("incident").gaps;
  ASSERT_FALSE(gaps.empty());
  EXPECT_THAT(gaps[0].text, HasSubstr("3 records of the incident differ in unit or time"));
  EXPECT_THAT(gaps[0].leaves, testing::ElementsAre(first.value, elsewhere.value, later.value));
  EXPECT_THAT(bundle.At("incident").paragraphs, testing::Contains(HasSubstr("missed alert")));
  EXPECT_THAT(bundle.At("incident").paragraphs, testing::Contains(HasSubstr("another story")));
  EXPECT_THAT(bundle.Fact(Text("What, by leaf ", first.value)), HasSubstr("missed alert"));
  history.Retract(elsewhere);
  history.Retract(later);
  const Bundle corrected(history);
  EXPECT_THAT(corrected.Gaps("incident"), Not(HasSubstr("differ")));
  EXPECT_THAT(corrected.Fact("ICU-7 ran, as known then and now"), HasSubstr("artifact:a@1"));
  EXPECT_THAT(corrected.Fact("What"), HasSubstr("missed alert"));
}

TEST(Incident, TheLastActivationsAreTheLastInTime) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Activated("z"), 50));
  // A site that was offline hands in what happened before.
  for (int i = 0; i < 25; ++i) history.Add(AtHour(Activated("a"), i), Hour(60 + i));
  history.Add(AtHour(Incident(), 90));
  IncidentOptions options;
  options.activations = 20;
  const Bundle bundle(history, options);
  const Section& section = bundle.At("activations-1");
  ASSERT_EQ(section.tables[0].rows.size(), 20U);
  EXPECT_THAT(section.tables[0].rows.back()[1].text, HasSubstr("artifact:z@1"));
  EXPECT_THAT(section.paragraphs[0], HasSubstr("6 earlier ones are left out"));
}

TEST(Incident, OrdersToStopAreTold) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Activated("a"), 1));
  v1::StandingHoldPlaced placed;
  placed.add_causes(1);
  placed.set_tree_size(1);
  placed.set_at_us(Hour(2).us);
  v1::GateDecided::RuleResult& result = *placed.add_results();
  result.set_rule_id("G06");
  result.set_outcome(v1::GateDecided::RuleResult::FAIL);
  placed.add_units()->set_unit("ICU-7");
  placed.mutable_units(0)->set_surface("threshold");
  history.Add(AtHour(DraftWith(std::move(placed),
                               {"standing_hold=standing_hold:h", "artifact=artifact:a@1", "unit=device_unit:ICU-7"}),
                     2));
  history.Add(AtHour(Because(DraftWith(v1::HoldPlaced(), {"hold=hold:H-1", "scope=artifact:a@1"})), 2));
  history.Add(AtHour(Because(DraftWith(v1::HoldLifted(), {"hold=hold:H-1"})), 3));
  history.Add(AtHour(Because(DraftWith(v1::ArtifactRevoked(), {"artifact=artifact:a@1"})), 3));
  history.Add(AtHour(Incident(), 4));
  const std::string rows = Bundle(history).Rows("orders");
  for (const char* type : {"standing_hold.placed", "hold.placed", "hold.lifted", "artifact.revoked"}) {
    EXPECT_THAT(rows, HasSubstr(type));
  }
}

TEST(Incident, EveryTypeThatNamesAUnitHasAPlace) {
  // Told in the section of service, as what else names the unit.
  const std::set<std::string> others = {"credential.issued",   "credential.revoked",       "credential.rotated",
                                        "access.denied",       "signature.attempt_failed", "credential.reported_lost",
                                        "artifact.produced",   "document.referenced",      "export.produced",
                                        "custody.transferred", "decision.recorded"};
  for (const EventType* type : Vocabulary::Get().All()) {
    bool names_unit = false;
    for (const v1::ReferenceRule& rule : type->options->refs()) {
      names_unit |= std::find(rule.kinds().begin(), rule.kinds().end(), "device_unit") != rule.kinds().end();
    }
    if (!names_unit) continue;
    EXPECT_EQ(HistoryPartOf(type->name()) == HistoryPart::kOthers, others.count(type->name()) > 0)
        << type->name() << ": give it a part of an investigation in unit_history.cc";
  }
}

TEST(Incident, DueDaysSayWhereTheyAreCounted) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Incident(), 1));
  EXPECT_THAT(Bundle(history).At("clocks").paragraphs[0], HasSubstr("UTC, since"));
  IncidentOptions options;
  options.utc_offset_minutes = -570;
  EXPECT_THAT(Bundle(history, options).At("clocks").paragraphs[0], HasSubstr("UTC-09:30"));
}

// Its device's clock is ahead: the incident is of a time after everything that is recorded.
TEST(Incident, ABundleOfASizeIsTheSameWhateverIsRecordedSince) {
  ProjectedHistory history = InService();
  history.Add(AtHour(Incident(), 5), Hour(3));
  const uint64_t size = history.size().value;
  v1::EntityRef incident;
  incident.set_kind("incident");
  incident.set_id("IR-1");
  const auto bundle = [&] {
    ProjectedLedger ledger(history);
    const LedgerView view = LedgerView::Open(ledger, size).value();
    return WriteJson(IncidentBundle(view, incident, {}).value());
  };
  const std::string before = bundle();
  for (const int64_t hour : {4, 6}) {
    history.Add(AtHour(Commission(Text("other-", hour)), hour));
    EXPECT_EQ(bundle(), before) << hour;
  }
}

}  // namespace
}  // namespace anamnesis::exports
