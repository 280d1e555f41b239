#ifndef ANAMNESIS_TESTS_LEDGER_GATE_STANDING_STORY_H_
#define ANAMNESIS_TESTS_LEDGER_GATE_STANDING_STORY_H_

// What tests of the standing check do to a GateWorld and read of it.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "ledger/event/names.h"
#include "ledger/gate/ask_gate.h"
#include "ledger/query/ask.h"
#include "ledger/state/project.h"
#include "tests/ledger/gate/gate_story.h"

namespace anamnesis {

inline EventDraft Hold(const std::string& id, const std::string& scope) {
  return Because(DraftWith(v1::HoldPlaced(), {"hold=hold:" + id, "scope=" + scope}));
}
// It happened just now, not at the start of all time.
inline EventDraft Now(const GateWorld& world, EventDraft draft) {
  SetOccurred(draft, world.now(), world.now());
  return draft;
}
inline EventDraft Lift(const std::string& id) { return Because(DraftWith(v1::HoldLifted(), {"hold=hold:" + id})); }

// Asks the gate and activates on what it says.
inline v1::GateDecided Activate(GateWorld& world, const std::string& version = "1", const std::string& unit = "ICU-1",
                                const std::string& country = "US", int64_t later_us = 0,
                                const std::string& fallback = "baseline:base@5") {
  const v1::GateDecided decision = world.Record(version, unit, country, fallback);
  v1::ArtifactActivated body;
  body.set_surface("alert_threshold");
  body.set_previous_configuration_digest(decision.configuration_digest());
  EventDraft draft = DraftWith(body, {"unit=device_unit:" + unit, "artifact=artifact:shift@" + version,
                                      "decision=gate_decision:" + world.last_decision()});
  const Timestamp at(world.now().us + later_us);
  SetOccurred(draft, at, at);
  EXPECT_TRUE(world.Do({"activated-" + unit, unit, draft}).ok());
  return decision;
}

inline EventDraft ChangeSoup(const std::string& from, const std::string& to) {
  v1::SoupVersionChanged changed;
  changed.mutable_soup()->set_title("foundation");
  changed.mutable_soup()->set_manufacturer("maker");
  changed.mutable_soup()->set_designator(to);
  return DraftWith(changed, {"soup=soup:foundation@" + to, "previous=soup:foundation@" + from});
}

// Units F-1000, F-1001 and so on that run the artifact, without decisions.
inline void AddFleet(GateWorld& world, int units) {
  std::vector<EventDraft> drafts;
  for (int i = 0; i < units; ++i) {
    const std::string unit = Text("F-", 1000 + i);
    v1::DeviceUnitCommissioned commissioned;
    commissioned.set_serial_number(unit);
    commissioned.set_jurisdiction("US");
    drafts.push_back(
        DraftWith(std::move(commissioned), {"unit=device_unit:" + unit, "device_model=device_model:monitor",
                                            "site=site:boston", "baseline=baseline:base@5"}));
    drafts.push_back(InstallSubstrate(unit, "1"));
    v1::ArtifactActivated activated;
    activated.set_surface("alert_threshold");
    drafts.push_back(DraftWith(activated, {"unit=device_unit:" + unit, "artifact=artifact:shift@1"}));
  }
  world.DoAll("ada", drafts);
}

// The bodies of all events of a type, in log order.
template <typename Body>
std::vector<Body> All(GateWorld& world) {
  std::vector<Body> found;
  for (uint64_t i = 0; i < world.ledger().size().value; ++i) {
    const StatusOr<LoadedEvent> event = LoadEvent(world.ledger().rows(), LeafIndex(i));
    EXPECT_TRUE(event.ok()) << event.status();
    if (const auto* body = BodyAs<Body>(event->body.get()); body != nullptr) found.push_back(*body);
  }
  return found;
}

inline std::string Rules(const v1::StandingHoldPlaced& hold) {
  std::string rules;
  for (const auto& result : hold.results()) rules += Text(rules.empty() ? "" : " ", result.rule_id());
  return rules;
}

inline v1::StandingAnswer Standing(GateWorld& world) {
  v1::Question question;
  question.mutable_standing()->set_all(true);
  question.mutable_standing()->set_limit(1000);
  const StatusOr<v1::Answer> answer = Ask(world.ledger().rows(), "o", world.ledger().size(), question, AskGate);
  EXPECT_TRUE(answer.ok()) << answer.status();
  return answer.ok() ? answer->standing() : v1::StandingAnswer();
}

// A recorded decision, computed again now. Fails the test unless its bytes are those that were recorded.
inline v1::GateDecided Replayed(GateWorld& world, const std::string& decision) {
  v1::Question question;
  question.mutable_gate_replay()->set_decision(decision);
  const StatusOr<v1::Answer> answer = Ask(world.ledger().rows(), "o", world.ledger().size(), question, AskGate);
  EXPECT_TRUE(answer.ok()) << answer.status();
  if (!answer.ok()) return {};
  EXPECT_TRUE(answer->gate_replay().identical()) << answer->gate_replay().DebugString();
  return answer->gate_replay().computed();
}

// What the gate denies now, of all that runs, by looking at everything.
inline std::set<std::string> DeniedByLooking(GateWorld& world) {
  std::set<std::string> denied;
  const v1::StandingAnswer standing = Standing(world);
  for (const v1::StandingAnswer::Entry& entry : standing.entries()) {
    // One without a surface is a certification that is stale, of what may not run anywhere.
    if (entry.surface().empty() || entry.now().verdict() == v1::GateDecided::ALLOW) continue;
    denied.insert(Text(entry.unit(), " ", entry.surface(), " ", entry.artifact().version(), ": ", Failed(entry.now())));
  }
  return denied;
}

// The same by what the ledger recorded: the last hold for a surface that was not lifted.
inline std::set<std::string> DeniedByRecords(GateWorld& world) {
  std::map<std::string, std::string> held;
  for (uint64_t i = 0; i < world.ledger().size().value; ++i) {
    const StatusOr<LoadedEvent> event = LoadEvent(world.ledger().rows(), LeafIndex(i));
    if (const auto* placed = BodyAs<v1::StandingHoldPlaced>(event->body.get()); placed != nullptr) {
      const std::string& version = FindReference(event->header.fields, "artifact")->version();
      for (const auto& unit : placed->units()) {
        held[Text(unit.unit(), " ", unit.surface())] = Text(version, ": ", Rules(*placed));
      }
    }
    if (const auto* lifted = BodyAs<v1::StandingHoldLifted>(event->body.get()); lifted != nullptr) {
      for (const auto& unit : lifted->units()) held.erase(Text(unit.unit(), " ", unit.surface()));
    }
  }
  std::set<std::string> denied;
  for (const auto& [where, what] : held) denied.insert(Text(where, " ", what));
  return denied;
}

// The projections computed again from the leaves.
inline void ExpectRebuildsTheSame(GateWorld& world) {
  const std::unique_ptr<Store> store = MakeMemoryStore();
  for (uint64_t i = 0; i < world.ledger().size().value; ++i) {
    const std::string key = LeafKey(LeafIndex(i));
    RowOverlay overlay(*store);
    overlay.Put(Family::kLeaves, key, **world.ledger().rows().Get(Family::kLeaves, key));
    overlay.Put(Family::kBodies, key, **world.ledger().rows().Get(Family::kBodies, key));
    const StatusOr<LoadedEvent> event = LoadEvent(overlay, LeafIndex(i));
    ASSERT_TRUE(event.ok()) << event.status();
    ASSERT_TRUE(Project(event->view(), overlay).ok());
    ASSERT_TRUE(store->Write(overlay.Take(), false).ok());
  }
  const auto projections = [](const RowReader& rows) {
    auto all = AllRows(rows);
    std::erase_if(
        all, [](const auto& row) { return std::get<0>(row) == Family::kMeta || std::get<0>(row) == Family::kTiles; });
    return all;
  };
  EXPECT_TRUE(projections(*store) == projections(world.ledger().rows()));
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_GATE_STANDING_STORY_H_
