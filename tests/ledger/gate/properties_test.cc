// What holds of every decision: no evidence can go, no revocation helps, the order of independent records does not
// matter, and a decision computed again is the same.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "ledger/gate/ask_gate.h"
#include "ledger/gate/slice.h"
#include "ledger/query/ask.h"
#include "ledger/state/broken_rules.h"
#include "ledger/state/standing_rows.h"
#include "tests/ledger/gate/standing_story.h"
#include "tests/support/sanitized.h"

namespace anamnesis {
namespace {

std::vector<std::string> FindingRules(GateWorld& world, LeafIndex leaf) {
  std::vector<std::string> rules;
  const StatusOr<std::vector<v1::Finding>> findings = FindingsOf(world.ledger().rows(), leaf);
  EXPECT_TRUE(findings.ok()) << findings.status();
  for (const v1::Finding& finding : *findings) {
    if (finding.rule().starts_with("ACTIVATION-")) rules.push_back(finding.rule());
  }
  return rules;
}

Step Activation(const GateWorld& world, const v1::GateDecided& decision, const std::string& unit = "ICU-1") {
  v1::ArtifactActivated body;
  body.set_surface("alert_threshold");
  body.set_previous_configuration_digest(decision.configuration_digest());
  EventDraft draft = DraftWith(body, {"unit=device_unit:" + unit, "artifact=artifact:shift@1",
                                      "decision=gate_decision:" + world.last_decision()});
  SetOccurred(draft, world.now(), world.now());
  return {"activated", unit, draft};
}

// Every evidence leaf of an allow decision is needed.
TEST(GateProperties, CuttingAnyCitedEventTurnsAllowIntoDeny) {
  GateWorld world(GateStory());
  const v1::GateDecided decision = world.Ask();
  ASSERT_EQ(Failed(decision), "");
  std::set<std::string> cited;
  for (const auto& result : decision.results()) {
    for (const uint64_t leaf : result.evidence()) {
      const std::string step = world.StepOf(leaf);
      EXPECT_NE(step, "") << "leaf " << leaf << " of " << result.rule_id();
      cited.insert(step);
    }
  }
  EXPECT_GT(cited.size(), 20u);
  for (const std::string& step : cited) {
    GateWorld without(Without(GateStory(), {step}));
    EXPECT_EQ(without.Ask().verdict(), v1::GateDecided::DENY) << step;
  }
}

// Events that only forbid, of one version or of all, some with a version of what has none: those are told afterwards,
// so that they are recorded.
std::vector<Step> ForbiddingSteps() {
  std::vector<Step> steps;
  int number = 0;
  for (const char* scope :
       {"artifact:shift@1", "artifact:shift", "software_item:alert", "device_unit:ICU-1", "soup:foundation@7.2",
        "soup:foundation", "envelope:threshold", "envelope:threshold@1", "baseline:base", "sandbox_protocol:suite@1",
        "certification:cert-1", "software_item:alert@2", "device_unit:ICU-1@1", "site:boston@1",
        "device_model:monitor@3", "certification:cert-1@2"}) {
    EventDraft hold = Because(DraftWith(v1::HoldPlaced(), {Text("hold=hold:h", ++number), Text("scope=", scope)}));
    hold.header.set_retrospective(std::string_view(scope).find('@') != std::string_view::npos);
    steps.push_back({Text("hold-", scope), "ada", hold});
  }
  steps.push_back({"revoke", "ada", Because(DraftWith(v1::ArtifactRevoked(), {"artifact=artifact:shift@1"}))});
  for (const char* certification : {"certification:cert-1", "certification:cert-1@1"}) {
    EventDraft withdrawn = Because(DraftWith(v1::CertificationWithdrawn(), {Text("certification=", certification)}));
    withdrawn.header.set_retrospective(std::string_view(certification).ends_with("@1"));
    steps.push_back({Text("withdraw-", certification), "carl", withdrawn});
  }
  v1::AuthorisationSuspended suspended;
  suspended.set_effective_from_us(kTestStart.us);
  steps.push_back({"suspend", "rita", Because(DraftWith(suspended, {"authorisation=authorisation:K1@1"}))});
  v1::ChangePlanWithdrawn plan_withdrawn;
  plan_withdrawn.set_effective_from_us(kTestStart.us);
  steps.push_back({"withdraw-plan", "rita", Because(DraftWith(plan_withdrawn, {"change_plan=change_plan:pccp@1"}))});
  steps.push_back(
      {"retire-envelope", "ada", Because(DraftWith(v1::EnvelopeRetired(), {"envelope=envelope:threshold@1"}))});
  v1::AuthorityWithdrawn of_delegation;
  of_delegation.set_effective_from_us(kTestStart.us);
  steps.push_back({"withdraw-delegation", "carl", Because(DraftWith(of_delegation, {"delegation=delegation:d1"}))});
  return steps;
}

// A correction of a step by somebody who may not make it: each kind, and of what corrects it too.
Step CorrectionByStranger(GateWorld& world, const std::string& step, std::mt19937& random) {
  constexpr std::array kStrangers = {"ICU-1", "ICU-2", "tuner", "certifier", "eve"};
  const StatusOr<LoadedEvent> event = LoadEvent(world.ledger().rows(), world.LeafOf(step));
  const EventId& id = event->header.event_id;
  EventDraft draft = random() % 2 == 0 ? Correct(id, v1::RecordCorrected::RETRACTED)
                                       : MoveInTime(id, Timestamp(world.now().us + int64_t{86'400'000'000}),
                                                    Timestamp(world.now().us + int64_t{86'400'000'001}));
  return {"correction", kStrangers[random() % kStrangers.size()], Because(draft)};
}

// Whatever was decided without them, they never turn deny into allow, and what strangers say of them doesn't either.
TEST(GateProperties, AddingARevocationNeverTurnsDenyIntoAllow) {
  std::vector<Step> forbidding = ForbiddingSteps();
  std::mt19937 random(11);
  int denied_before = 0;
  int allowed_before = 0;
  int corrections = 0;
  for (int round = 0; round < Repeated(60, 15); ++round) {
    // A history with some of its steps missing.
    std::vector<Step> steps = GateStory();
    std::set<std::string> missing;
    while (random() % 2 == 0) missing.insert(steps[random() % steps.size()].name);
    GateWorld world(Without(steps, missing));
    bool allowed = world.Ask().verdict() == v1::GateDecided::ALLOW;
    ++(allowed ? allowed_before : denied_before);
    std::shuffle(forbidding.begin(), forbidding.end(), random);
    for (size_t i = 0; i < 4; ++i) {
      const StatusOr<RunVerdict> recorded = world.Do(forbidding[i]);
      EXPECT_TRUE(recorded.ok() || !missing.empty()) << forbidding[i].name << ": " << recorded.status();
      bool now = world.Ask().verdict() == v1::GateDecided::ALLOW;
      EXPECT_TRUE(allowed || !now) << forbidding[i].name;
      EXPECT_FALSE(recorded.ok() && allowed && now) << forbidding[i].name;
      allowed = now;
      if (!recorded.ok()) continue;
      EXPECT_FALSE(world.Do(CorrectionByStranger(world, forbidding[i].name, random)).ok()) << forbidding[i].name;
      ++corrections;
      now = world.Ask().verdict() == v1::GateDecided::ALLOW;
      EXPECT_TRUE(allowed || !now) << forbidding[i].name;
      allowed = now;
    }
  }
  EXPECT_GT(denied_before, Repeated(5));
  EXPECT_GT(allowed_before, Repeated(5));
  EXPECT_GT(corrections, Repeated(100));
}

// The same records of independent writers in another order give the same verdict and the same reasons.
TEST(GateProperties, ArrivalOrderOfIndependentRecordsDoesNotMatter) {
  std::mt19937 random(3);
  const std::vector<Step> story = GateStory();
  int shuffled = 0;
  for (int round = 0; round < Repeated(40); ++round) {
    std::set<std::string> missing;
    while (random() % 2 == 0) missing.insert(story[random() % story.size()].name);
    std::vector<Step> steps = Without(story, missing);
    GateWorld first(steps);
    // Swaps neighbours; a step that then comes before what it names is refused, and that order is not one to compare.
    for (int swap = 0; swap < 40; ++swap) {
      const size_t i = random() % (steps.size() - 1);
      // What one writer says stays in its order.
      if (steps[i].writer != steps[i + 1].writer) std::swap(steps[i], steps[i + 1]);
    }
    GateWorld second(steps);
    const auto same_name = [](const auto& a, const auto& b) { return a.first == b.first; };
    if (!std::equal(first.refused().begin(), first.refused().end(), second.refused().begin(), second.refused().end(),
                    same_name)) {
      continue;
    }
    ++shuffled;
    for (const auto& [unit, country] : {std::pair{"ICU-1", "US"}, std::pair{"ICU-2", "DE"}}) {
      GateRequest request = first.Request("1", unit, country);
      const v1::GateDecided a = first.Ask(request);
      const v1::GateDecided b = second.Ask(request);
      EXPECT_EQ(a.verdict(), b.verdict());
      EXPECT_EQ(Failed(a), Failed(b));
      EXPECT_EQ(a.configuration_digest(), b.configuration_digest());
    }
  }
  EXPECT_GT(shuffled, Repeated(10));
}

// What the ledger holds of a unit, without the leaves, which follow the order of arrival.
std::string StandingOf(GateWorld& world, const std::string& unit) {
  const auto row = StandingUnitOf(world.ledger().rows(), unit);
  EXPECT_TRUE(row.ok() && row->has_value()) << row.status();
  std::string text;
  for (const internal::StandingUnit::Hold& hold : (*row)->holds()) {
    text += Text(hold.surface(), " ", hold.certification(), hold.instructed() == 0 ? " held" : " instructed");
    for (const std::string& rule : hold.rules()) text += Text(" ", rule);
    const auto certification = StandingCertificationOf(world.ledger().rows(), hold.certification());
    text += certification->required() == 0 ? "" : " to be certified again";
    text += Text(" ", certification->holds());
  }
  const auto held = world.ledger().rows().Get(Family::kEntities, Text(kStandingHeldRows, unit));
  return Text(text, held->has_value() ? **held : "");
}

// The same for what the ledger holds against what runs, its own records in between: whatever order the records of
// independent writers come in, once all are there.
TEST(GateProperties, ArrivalOrderDoesNotMatterForWhatStands) {
  const auto because = [](auto body, const std::vector<std::string>& refs) {
    EventDraft draft = DraftWith(body, refs);
    draft.header.set_rationale("because");
    return draft;
  };
  v1::AuthorisationSuspended suspended;
  v1::AuthorisationReinstated reinstated;
  suspended.set_effective_from_us(kTestStart.us + 1);
  reinstated.set_effective_from_us(kTestStart.us + 2);
  // By writer; what one writer says stays in its order.
  const std::vector<std::vector<Step>> said = {
      {{"hold-1", "ada", because(v1::HoldPlaced(), {"hold=hold:h1", "scope=artifact:shift@1"})},
       {"hold-2", "ada", because(v1::HoldPlaced(), {"hold=hold:h2", "scope=device_unit:ICU-2"})},
       {"lift-1", "ada", because(v1::HoldLifted(), {"hold=hold:h1"})},
       {"install", "ada", InstallSubstrate("ICU-1", "2")}},
      {{"suspended", "rita", because(suspended, {"authorisation=authorisation:K1@1"})},
       {"reinstated", "rita", because(reinstated, {"authorisation=authorisation:K1@1"})}},
      {{"withdrawn", "carl", because(v1::CertificationWithdrawn(), {"certification=certification:cert-1"})}},
  };
  std::mt19937 random(5);
  std::map<std::string, std::string> first;
  for (int round = 0; round < Repeated(12, 3); ++round) {
    std::vector<Step> story = GateStory();
    story.push_back({"substrate-2", "ada", DefineSubstrate("2", "7.3")});
    GateWorld world(story);
    for (const auto& [unit, country] : {std::pair{"ICU-1", "US"}, std::pair{"ICU-2", "DE"}}) {
      ASSERT_TRUE(world.Do(Activation(world, world.Record("1", unit, country), unit)).ok());
    }
    std::vector<size_t> next(said.size());
    for (size_t left = 7; left > 0; --left) {
      size_t writer = random() % said.size();
      while (next[writer] == said[writer].size()) writer = (writer + 1) % said.size();
      const Step& step = said[writer][next[writer]++];
      ASSERT_TRUE(world.Do(step).ok()) << step.name;
    }
    EXPECT_EQ(DeniedByRecords(world), DeniedByLooking(world));
    for (const std::string unit : {"ICU-1", "ICU-2"}) {
      const std::string standing = StandingOf(world, unit);
      const auto [there, is_first] = first.emplace(unit, standing);
      EXPECT_TRUE(is_first || there->second == standing) << unit << ": " << there->second << " or " << standing;
    }
  }
}

// A87: the recorded decision is the dry run's, and is the same when computed again, whatever came since.
TEST(GateProperties, A87ReplayIsByteEqualAfterTheWorldMovedOn) {
  GateWorld world(GateStory());
  const v1::GateDecided recorded = world.Record();
  ASSERT_EQ(recorded.verdict(), v1::GateDecided::ALLOW) << recorded.DebugString();
  EventDraft hold = DraftWith(v1::HoldPlaced(), {"hold=hold:h1", "scope=artifact:shift@1"});
  hold.header.set_rationale("because");
  ASSERT_TRUE(world.Do({"hold", "ada", hold}).ok());
  EXPECT_EQ(world.Ask().verdict(), v1::GateDecided::DENY);
  v1::Question question;
  question.mutable_gate_replay()->set_decision(world.last_decision());
  const StatusOr<v1::Answer> answer = Ask(world.ledger().rows(), "o", world.ledger().size(), question, AskGate);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(answer->gate_replay().identical()) << answer->DebugString();
  EXPECT_EQ(answer->gate_replay().computed().verdict(), v1::GateDecided::ALLOW);
}

// What a device needs to compute the decision again: the leaves that it looked at, and nothing of the ledger.
TEST(GateProperties, SliceOfTheLogGivesTheSameDecisionElsewhere) {
  GateWorld world(GateStory());
  ASSERT_EQ(world.Record().verdict(), v1::GateDecided::ALLOW);
  v1::Question question;
  question.mutable_gate_replay()->set_decision(world.last_decision());
  const StatusOr<v1::Answer> answer = Ask(world.ledger().rows(), "o", world.ledger().size(), question, AskGate);
  ASSERT_TRUE(answer.ok()) << answer.status();
  std::vector<SliceLeaf> slice;
  const auto add = [&](uint64_t index) {
    const std::string key = LeafKey(LeafIndex(index));
    const Store& rows = world.ledger().rows();
    slice.push_back({LeafIndex(index), **rows.Get(Family::kLeaves, key), **rows.Get(Family::kBodies, key)});
  };
  for (const uint64_t leaf : answer->gate_replay().slice()) add(leaf);
  add(answer->gate_replay().leaf().index());
  EXPECT_LT(slice.size(), world.ledger().size().value);
  const StatusOr<SliceDecision> decided = DecideOnSlice(slice);
  ASSERT_TRUE(decided.ok()) << decided.status();
  EXPECT_TRUE(decided->identical) << decided->computed.DebugString();
  EXPECT_EQ(decided->unit, "ICU-1");

  int denied = 0;
  for (size_t i = 0; i + 1 < slice.size(); ++i) {
    std::vector<SliceLeaf> less = slice;
    less.erase(less.begin() + static_cast<ptrdiff_t>(i));
    const StatusOr<SliceDecision> without = DecideOnSlice(less);
    if (without.ok() && without->computed.verdict() == v1::GateDecided::DENY) ++denied;
  }
  EXPECT_GT(denied, 20) << "a slice that lacks evidence allows nothing";
  std::vector<SliceLeaf> damaged = slice;
  damaged[3].body[40] = static_cast<char>(damaged[3].body[40] ^ 1);
  const StatusOr<SliceDecision> of_damaged = DecideOnSlice(damaged);
  EXPECT_TRUE(!of_damaged.ok() || !of_damaged->identical);
  EXPECT_EQ(DecideOnSlice({}).status().code(), absl::StatusCode::kInvalidArgument);
  std::swap(slice[0], slice[1]);
  EXPECT_EQ(DecideOnSlice(slice).status().code(), absl::StatusCode::kInvalidArgument);
}

// A69: an activation conforms only on an allow decision, in time, on the configuration that was decided on.
TEST(GateProperties, A69ActivationIsHeldAgainstItsDecision) {
  GateWorld world(GateStory());
  const v1::GateDecided decision = world.Record();
  ASSERT_TRUE(world.Do(Activation(world, decision)).ok());
  EXPECT_EQ(FindingRules(world, world.LeafOf("activated")), std::vector<std::string>{});

  // The configuration is another one now: the same decision doesn't serve twice.
  ASSERT_TRUE(world.Do(Activation(world, decision)).ok());
  EXPECT_EQ(FindingRules(world, world.LeafOf("activated")), std::vector<std::string>{"ACTIVATION-CHANGED"});

  GateWorld late(GateStory());
  const v1::GateDecided in_time = late.Record();
  Step step = Activation(late, in_time);
  const Timestamp after(in_time.at_us() + int64_t{901} * 1'000'000);
  SetOccurred(step.draft, after, after);
  ASSERT_TRUE(late.Do(step).ok());
  EXPECT_EQ(FindingRules(late, late.LeafOf("activated")), std::vector<std::string>{"ACTIVATION-DECISION"});

  GateWorld denied(Without(GateStory(), {"certified"}));
  ASSERT_EQ(denied.Record().verdict(), v1::GateDecided::DENY);
  ASSERT_TRUE(denied.Do(Activation(denied, denied.Ask())).ok()) << "what ran is recorded";
  const std::vector<std::string> rules = FindingRules(denied, denied.LeafOf("activated"));
  EXPECT_TRUE(std::find(rules.begin(), rules.end(), "ACTIVATION-DECISION") != rules.end());

  // Somebody else says so, for another unit than the one decided on.
  GateWorld other(GateStory());
  const v1::GateDecided of_one = other.Record();
  Step foreign = Activation(other, of_one, "ICU-2");
  foreign.writer = "ada";
  ASSERT_TRUE(other.Do(foreign).ok());
  const std::vector<std::string> both = FindingRules(other, other.LeafOf("activated"));
  EXPECT_TRUE(std::find(both.begin(), both.end(), "ACTIVATION-DECISION") != both.end());
  EXPECT_TRUE(std::find(both.begin(), both.end(), "ACTIVATION-WRITER") != both.end());
}

// Over random histories of requests, activations, holds and moves: an activation without a finding stands on a decision
// that allows it, is the unit's last word before it, and holds still.
TEST(GateProperties, A69NothingActivatesConforminglyWithoutLeave) {
  int conforming = 0;
  int nonconforming = 0;
  for (unsigned seed = 1; seed <= (kSanitized ? 2 : 12); ++seed) {
    std::mt19937 random(seed);
    GateWorld world(GateStory());
    struct Decided {
      std::string id;
      v1::GateDecided decision;
      std::string unit;
    };
    std::vector<Decided> decisions;
    int holds = 0;
    for (int step = 0; step < 60; ++step) {
      const std::string unit = random() % 3 == 0 ? "ICU-2" : "ICU-1";
      const auto action = random() % 10;
      if (action < 4) {
        const v1::GateDecided decision = world.Record("1", unit, unit == "ICU-1" ? "US" : "DE");
        decisions.push_back({world.last_decision(), decision, unit});
      } else if (action < 8) {
        v1::ArtifactActivated body;
        body.set_surface("alert_threshold");
        EventDraft draft = DraftWith(body, {"unit=device_unit:" + unit, "artifact=artifact:shift@1"});
        const Decided* cited = nullptr;
        if (!decisions.empty() && random() % 8 != 0) {
          cited = random() % 3 == 0 ? &decisions[random() % decisions.size()] : &decisions.back();
          body.set_previous_configuration_digest(cited->decision.configuration_digest());
          draft = DraftWith(
              body, {"unit=device_unit:" + unit, "artifact=artifact:shift@1", "decision=gate_decision:" + cited->id});
        }
        const Timestamp at(world.now().us + (random() % 8 == 0 ? int64_t{1'000'000'000} : 0));
        SetOccurred(draft, at, at);
        ASSERT_TRUE(world.Do({"activated", unit, draft}).ok()) << "what ran is recorded";
        if (!FindingRules(world, world.LeafOf("activated")).empty()) {
          ++nonconforming;
          continue;
        }
        ++conforming;
        ASSERT_NE(cited, nullptr);
        EXPECT_EQ(cited->decision.verdict(), v1::GateDecided::ALLOW);
        EXPECT_EQ(cited->unit, unit);
        EXPECT_LE(at.us, cited->decision.at_us() + static_cast<int64_t>(cited->decision.time_to_live_s()) * 1'000'000);
        const auto activated = LoadEvent(world.ledger().rows(), world.LeafOf("activated"));
        EXPECT_EQ(activated->header.fields.stream_position(), cited->decision.unit_stream_position() + 1);
      } else if (action == 8) {
        EventDraft hold = DraftWith(v1::HoldPlaced(), {Text("hold=hold:r", ++holds), "scope=artifact:shift@1"});
        hold.header.set_rationale("because");
        ASSERT_TRUE(world.Do({"hold", "ada", hold}).ok());
        EventDraft lift = DraftWith(v1::HoldLifted(), {Text("hold=hold:r", holds)});
        lift.header.set_rationale("because");
        const bool lifted = random() % 4 == 0 || world.Do({"lift", "ada", lift}).ok();
        ASSERT_TRUE(lifted);
      } else {
        ASSERT_TRUE(world.Do({"install", "ada", InstallSubstrate(unit, "1")}).ok());
      }
    }
  }
  EXPECT_GT(conforming, Repeated(5, 0));
  EXPECT_GT(nonconforming, Repeated(50));
}

// Late knowledge leaves the decision as it was and names what was exposed.
TEST(GateProperties, StandingNamesLateKnowledgeAndTheExposedInterval) {
  GateWorld world(GateStory());
  const v1::GateDecided decision = world.Record();
  ASSERT_TRUE(world.Do(Activation(world, decision)).ok());
  const auto standing = [&] {
    v1::Question question;
    question.mutable_standing();
    const StatusOr<v1::Answer> answer = Ask(world.ledger().rows(), "o", world.ledger().size(), question, AskGate);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? answer->standing() : v1::StandingAnswer();
  };
  EXPECT_EQ(standing().entries_size(), 0) << standing().DebugString();
  EXPECT_EQ(standing().units(), 2u);
  v1::ArtifactRevoked revoked;
  revoked.set_effective_from_us(kTestStart.us);  // Long before the activation.
  EventDraft draft = DraftWith(revoked, {"artifact=artifact:shift@1"});
  draft.header.set_rationale("because");
  ASSERT_TRUE(world.Do({"revoked", "ada", draft}).ok());
  const v1::StandingAnswer after = standing();
  ASSERT_EQ(after.entries_size(), 1);
  const v1::StandingAnswer::Entry& entry = after.entries(0);
  EXPECT_EQ(entry.unit(), "ICU-1");
  EXPECT_EQ(Failed(entry.now()), "G13");
  EXPECT_EQ(entry.nonconforming_size(), 0) << "it was right when it was decided";
  EXPECT_TRUE(entry.automatic_deactivation());
  ASSERT_EQ(entry.late_size(), 1);
  EXPECT_EQ(entry.late(0).index(), world.LeafOf("revoked").value);
  const auto activated = LoadEvent(world.ledger().rows(), world.LeafOf("activated"));
  EXPECT_EQ(entry.exposed_from().seconds(), activated->header.occurred_earliest().us / 1'000'000);
}

}  // namespace
}  // namespace anamnesis
