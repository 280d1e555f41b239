// What holds of every decision: no evidence can go, no revocation helps, the order of independent records does not
// matter, and a decision computed again is the same.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <utility>

#include "ledger/gate/ask_gate.h"
#include "ledger/gate/slice.h"
#include "ledger/query/ask.h"
#include "ledger/query/configuration.h"
#include "ledger/query/unit_place.h"
#include "ledger/state/broken_rules.h"
#include "ledger/state/standing_rows.h"
#include "tests/ledger/gate/forbidding.h"
#include "tests/ledger/gate/full_story.h"
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

// The steps that the rules of a decision rest on. Every leaf is one of a step.
std::set<std::string> CitedBy(const GateWorld& world, const v1::GateDecided& decision) {
  std::set<std::string> cited;
  for (const auto& result : decision.results()) {
    for (const uint64_t leaf : result.evidence()) {
      const std::string step = world.StepOf(leaf);
      EXPECT_NE(step, "") << "leaf " << leaf << " of " << result.rule_id();
      cited.insert(step);
    }
  }
  return cited;
}

// Every evidence leaf of an allow decision is needed.
TEST(GateProperties, CuttingAnyCitedEventTurnsAllowIntoDeny) {
  std::set<std::string> cut;
  for (const std::vector<Step>& story : {GateStory(), StoryOfEverything()}) {
    GateWorld world(story);
    const v1::GateDecided decision = world.Ask();
    ASSERT_EQ(Failed(decision), "");
    for (const std::string& step : CitedBy(world, decision)) {
      // What the plain story rests on too was cut there.
      if (!cut.insert(step).second) continue;
      EXPECT_EQ(GateWorld(Without(story, {step})).Ask().verdict(), v1::GateDecided::DENY) << step;
    }
  }
  EXPECT_GT(cut.size(), 30u);
}

// The same in another country, under another authorisation: only what narrows the envelope there is cited and can go.
TEST(GateProperties, CuttingWhatACountryAsksForTurnsAllowIntoDenyThere) {
  GateWorld world(GateStory());
  const v1::GateDecided decision = world.Ask("1", "ICU-2", "DE");
  ASSERT_EQ(Failed(decision), "");
  const std::set<std::string> elsewhere = CitedBy(world, world.Ask());
  std::set<std::string> allowed;
  for (const std::string& step : CitedBy(world, decision)) {
    if (elsewhere.count(step) > 0) continue;
    const v1::GateDecided without = GateWorld(Without(GateStory(), {step})).Ask("1", "ICU-2", "DE");
    if (without.verdict() == v1::GateDecided::ALLOW) allowed.insert(step);
  }
  EXPECT_EQ(allowed, std::set<std::string>{"overlay-eu"});
}

// A correction of a step by somebody who may not make it: each kind, and of what corrects it too.
Step CorrectionByStranger(GateWorld& world, const Step& of, std::mt19937& random) {
  constexpr std::array kStrangers = {"ICU-1", "ICU-2", "tuner", "certifier", "eve"};
  std::string stranger;
  do {
    stranger = kStrangers[random() % kStrangers.size()];
  } while (stranger == of.writer);
  const StatusOr<LoadedEvent> event = LoadEvent(world.ledger().rows(), world.LeafOf(of.name));
  const EventId& id = event->header.event_id;
  EventDraft draft = random() % 2 == 0 ? Correct(id, v1::RecordCorrected::RETRACTED)
                                       : MoveInTime(id, Timestamp(world.now().us + int64_t{86'400'000'000}),
                                                    Timestamp(world.now().us + int64_t{86'400'000'001}));
  return {"correction", stranger, Because(draft)};
}

// Of the world's decision: whether it allows, which nothing that forbids may turn it to.
class NeverToAllow {
 public:
  explicit NeverToAllow(const GateWorld& world) : world_(world), allowed_(Allows()) {}

  bool allowed() const { return allowed_; }
  // Whether it allowed before and still does.
  bool StillAllows(const std::string& after) {
    const bool before = std::exchange(allowed_, Allows());
    EXPECT_TRUE(before || !allowed_) << after;
    return before && allowed_;
  }

 private:
  bool Allows() const { return world_.Ask().verdict() == v1::GateDecided::ALLOW; }

  const GateWorld& world_;
  bool allowed_;
};

// Whatever was decided without them, they never turn deny into allow, and what strangers say of them doesn't either.
// The first rounds add each of them to the whole story, the others to stories with some of their steps missing.
TEST(GateProperties, AddingARevocationNeverTurnsDenyIntoAllow) {
  const std::vector<Forbidding> forbidding = ForbiddingSteps();
  std::mt19937 random(11);
  const int whole = Repeated(static_cast<int>(forbidding.size()), 10);
  int allowed_before = 0;
  int corrections = 0;
  for (int round = 0; round < whole + Repeated(12, 5); ++round) {
    const std::vector<Step> steps = FullStory();
    std::set<std::string> missing;
    while (round >= whole && (missing.empty() || random() % 2 == 0))
      missing.insert(steps[random() % steps.size()].name);
    GateWorld world(Without(steps, missing));
    NeverToAllow decision(world);
    if (decision.allowed()) ++allowed_before;
    for (size_t i = 0; i < 2; ++i) {
      const size_t chosen = i == 0 ? static_cast<size_t>(round) : random();
      const Forbidding& one = forbidding[chosen % forbidding.size()];
      const StatusOr<RunVerdict> recorded = world.Do(one.step);
      EXPECT_TRUE(recorded.ok() || !missing.empty() || i > 0) << one.step.name << ": " << recorded.status();
      const bool still = decision.StillAllows(one.step.name);
      EXPECT_FALSE(recorded.ok() && still && one.denies) << one.step.name;
      if (!recorded.ok()) continue;
      EXPECT_FALSE(world.Do(CorrectionByStranger(world, one.step, random)).ok()) << one.step.name;
      ++corrections;
      decision.StillAllows(one.step.name);
    }
  }
  EXPECT_GE(allowed_before, whole);
  EXPECT_GT(corrections, whole);
}

// The same records of independent writers in another order give the same verdict and the same reasons.
TEST(GateProperties, ArrivalOrderOfIndependentRecordsDoesNotMatter) {
  std::mt19937 random(3);
  const std::vector<Step> plain = GateStory();
  const std::vector<Step> full = StoryToldLate();
  int shuffled = 0;
  for (int round = 0; round < Repeated(40); ++round) {
    const std::vector<Step>& story = round % 4 == 0 ? full : plain;
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
  EXPECT_EQ(Replayed(world, world.last_decision()).SerializeAsString(), recorded.SerializeAsString());
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

// The configuration is as known at the last leaf, which nothing else may look at: a request in another stream.
TEST(GateProperties, SliceHoldsTheLastLeafThatTheDecisionKnew) {
  GateWorld world(GateStory());
  v1::GateRequested body;
  body.set_jurisdiction("US");
  body.set_artifact_digest(ArtifactBytesDigest("1"));
  const EventDraft request =
      DraftWith(body, {"artifact=artifact:shift@1", "unit=device_unit:ICU-1", "rollback_target=baseline:base@5"});
  StatusOr<RunVerdict> asked = absl::NotFoundError("nobody");
  std::string decision;
  // With the unit's key, which the world has numbered.
  for (uint64_t seed = 1; seed < 20 && !asked.ok(); ++seed) {
    TestWriter gateway("device_unit", "ICU-1", seed, kTestOrigin, "device_unit/ICU-1/gate");
    asked = world.ledger().Append(gateway.Write({request}));
    decision = gateway.LastId().text();
  }
  ASSERT_TRUE(asked.ok()) << asked.status();
  v1::Question question;
  question.mutable_gate_replay()->set_decision(decision);
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
  const StatusOr<SliceDecision> decided = DecideOnSlice(slice);
  ASSERT_TRUE(decided.ok()) << decided.status();
  EXPECT_TRUE(decided->identical);
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

// What a unit is at a time, as known below `size`: what runs on it, and where.
std::string WhatItIs(GateWorld& world, const std::string& unit, Timestamp at, TreeSize size) {
  const StatusOr<v1::Configuration> configuration = ConfigurationAt(world.ledger().rows(), unit, at, size);
  Facts facts(world.ledger().rows(), size);
  const StatusOr<UnitPlace> place = PlaceOfUnit(facts, unit, at);
  EXPECT_TRUE(configuration.ok() && place.ok()) << configuration.status() << place.status();
  if (!configuration.ok() || !place.ok()) return "unknown";
  return Text(HexEncode(configuration->configuration_digest()), " in ", place->jurisdiction, " at ",
              place->site == nullptr ? "no site" : place->site->id());
}

// Random requests, activations, and what makes decisions void: holds, substrates, moves, policies, corrections.
class RandomHistory {
 public:
  struct Decided {
    std::string id;
    v1::GateDecided decision;
    std::string unit;
    std::string version;
  };
  struct Activated {
    // Null: it cited none.
    const Decided* cited = nullptr;
    std::string unit;
    std::string version;
    Timestamp at;
    LeafIndex leaf{0};
  };

  explicit RandomHistory(unsigned seed) : random_(seed), world_(Story()) {}

  // One step; of an activation what it was.
  std::optional<Activated> Go() {
    const std::string unit = random_() % 3 == 0 ? "ICU-2" : "ICU-1";
    const auto action = random_() % 16;
    if (action < 6) {
      const std::string version = random_() % 3 == 0 ? "2" : "1";
      const v1::GateDecided decision = world_.Record(version, unit, countries_[unit]);
      decisions_.push_back({world_.last_decision(), decision, unit, version});
    } else if (action < 12) {
      return Activate(unit);
    } else if (action == 12) {
      const std::string hold = Text("r", ++count_);
      Do("hold", Hold(hold, random_() % 2 == 0 ? "artifact:shift@1" : "device_unit:" + unit), true);
      if (random_() % 4 != 0) Do("lift", Lift(hold), false);
    } else if (action == 13) {
      Do("install", InstallSubstrate(unit, random_() % 3 == 0 ? "2" : "1"), true);
    } else if (action == 14) {
      v1::DeviceUnitRelocated moved;
      moved.set_jurisdiction(countries_[unit] = random_() % 2 == 0 ? "US" : "DE");
      Do("moved",
         DraftWith(moved, {"unit=device_unit:" + unit, random_() % 2 == 0 ? "site=site:boston" : "site=site:x"}), true);
    } else if (random_() % 2 == 0) {
      AdoptPolicy();
    } else if (!corrigible_.empty()) {
      const StatusOr<LoadedEvent> event =
          LoadEvent(world_.ledger().rows(), corrigible_[random_() % corrigible_.size()]);
      // Also to a time that is to come when others of the test are decided.
      const Timestamp to(world_.now().us + (static_cast<int64_t>(random_() % 20) - 15) * 1'000'000);
      Do("correction",
         Because(random_() % 2 == 0 ? Correct(event->header.event_id, v1::RecordCorrected::RETRACTED)
                                    : MoveInTime(event->header.event_id, to, to)),
         false);
    }
    return std::nullopt;
  }

  void AdoptPolicy() {
    EventDraft draft = StepNamed("gate-policy").draft;
    draft.header.mutable_refs(0)->set_version(Text("n", ++count_));
    Edit<v1::PolicyAdopted>([&](v1::PolicyAdopted& policy) {
      for (auto& limits : *policy.mutable_document()->mutable_gate()->mutable_limits()) {
        limits.set_automatic_deactivation(count_ % 2 == 0);
      }
    })(draft);
    ASSERT_TRUE(world_.Do({"policy", "ada", draft}).ok()) << world_.refused().at("policy");
  }

  GateWorld& world() { return world_; }
  const std::deque<Decided>& decisions() const { return decisions_; }

 private:
  // What can be installed and activated in the story: two substrates, and shift@2, made from shift@1.
  static std::vector<Step> Story() {
    std::vector<Step> story = GateStory();
    story.push_back({"substrate-2", "ada", DefineSubstrate("2", "7.3")});
    for (Step& step :
         AdaptationSteps({.version = "2", .shift = "0.005", .substrate = SubstrateDigest("7.2"), .parent = "1"})) {
      story.push_back(std::move(step));
    }
    return story;
  }

  void Do(const std::string& name, const EventDraft& draft, bool corrigible) {
    const StatusOr<RunVerdict> done = world_.Do({name, "ada", Now(world_, draft)});
    // What was retracted already can't be retracted again.
    EXPECT_TRUE(done.ok() || name == "correction") << name << ": " << done.status();
    if (done.ok() && corrigible) corrigible_.push_back(world_.LeafOf(name));
  }

  std::optional<Activated> Activate(const std::string& unit) {
    Activated activated;
    activated.unit = unit;
    activated.version = "1";
    v1::ArtifactActivated body;
    body.set_surface("alert_threshold");
    std::vector<std::string> refs = {"unit=device_unit:" + unit};
    if (!decisions_.empty() && random_() % 8 != 0) {
      activated.cited = random_() % 3 == 0 ? &decisions_[random_() % decisions_.size()] : &decisions_.back();
      activated.version = activated.cited->version;
      body.set_previous_configuration_digest(activated.cited->decision.configuration_digest());
      refs.push_back("decision=gate_decision:" + activated.cited->id);
    }
    if (random_() % 8 == 0) activated.version = activated.version == "1" ? "2" : "1";
    refs.push_back("artifact=artifact:shift@" + activated.version);
    EventDraft draft = DraftWith(body, refs);
    activated.at = Timestamp(world_.now().us + (random_() % 8 == 0 ? int64_t{1'000'000'000} : 0));
    SetOccurred(draft, activated.at, activated.at);
    EXPECT_TRUE(world_.Do({"activated", unit, draft}).ok()) << "what ran is recorded";
    activated.leaf = world_.LeafOf("activated");
    return activated;
  }

  std::mt19937 random_;
  GateWorld world_;
  // Of which others keep pointers.
  std::deque<Decided> decisions_;
  std::vector<LeafIndex> corrigible_;
  std::map<std::string, std::string> countries_ = {{"ICU-1", "US"}, {"ICU-2", "DE"}};
  int count_ = 0;
};

// Over random histories: an activation without a finding stands on a decision that allows it, is the unit's last word
// before it, and holds still, for a unit that is what was decided on, as the configuration's own question has it. And
// every decision, whatever it said, is the same when it is computed again at the end, under a newer policy.
TEST(GateProperties, A69NothingActivatesConforminglyWithoutLeave) {
  int conforming = 0;
  int nonconforming = 0;
  // Nothing else speaks against it than that the unit is another one now.
  int moved_on = 0;
  std::map<v1::GateDecided::Verdict, int> replayed;
  for (unsigned seed = 1; seed <= (kSanitized ? 4 : 24); ++seed) {
    RandomHistory history(seed);
    GateWorld& world = history.world();
    for (int step = 0; step < 80; ++step) {
      const std::optional<RandomHistory::Activated> activated = history.Go();
      if (!activated.has_value()) continue;
      const RandomHistory::Decided* cited = activated->cited;
      const auto allowed = [&] {
        const v1::GateDecided& decision = cited->decision;
        const auto event = LoadEvent(world.ledger().rows(), activated->leaf);
        return decision.verdict() == v1::GateDecided::ALLOW && cited->unit == activated->unit &&
               cited->version == activated->version &&
               activated->at.us <= decision.at_us() + static_cast<int64_t>(decision.time_to_live_s()) * 1'000'000 &&
               event->header.fields.stream_position() == decision.unit_stream_position() + 1;
      };
      const auto same_unit = [&] {
        const v1::GateDecided& decision = cited->decision;
        return WhatItIs(world, activated->unit, Timestamp(decision.at_us()), TreeSize(decision.tree_size())) ==
               WhatItIs(world, activated->unit, activated->at, TreeSize(activated->leaf.value));
      };
      if (!FindingRules(world, activated->leaf).empty()) {
        ++nonconforming;
        if (cited != nullptr && allowed() && !same_unit()) ++moved_on;
        continue;
      }
      ++conforming;
      ASSERT_NE(cited, nullptr);
      EXPECT_TRUE(allowed()) << "seed " << seed << ", leaf " << activated->leaf.value;
      EXPECT_TRUE(same_unit()) << "seed " << seed << ", leaf " << activated->leaf.value;
    }
    history.AdoptPolicy();
    for (const RandomHistory::Decided& decided : history.decisions()) {
      EXPECT_EQ(Replayed(world, decided.id).SerializeAsString(), decided.decision.SerializeAsString());
      ++replayed[decided.decision.verdict()];
    }
  }
  EXPECT_GT(conforming, Repeated(20, 0));
  EXPECT_GT(nonconforming, Repeated(50));
  if (!kSanitized) {
    EXPECT_GT(moved_on, 0);
  }
  EXPECT_GT(replayed[v1::GateDecided::ALLOW], Repeated(20, 0));
  EXPECT_GT(replayed[v1::GateDecided::DENY], Repeated(20, 0));
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
