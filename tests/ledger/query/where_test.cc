// Where something runs, on the timelines, against a plain fold over all events.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "ledger/event/names.h"
#include "ledger/query/events.h"
#include "tests/ledger/query/random_drafts.h"
#include "tests/ledger/query/recorded_history.h"

namespace anamnesis {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Question Ask(const v1::EntityRef& entity, std::optional<Timestamp> at = std::nullopt) {
  v1::Question question;
  *question.mutable_where()->mutable_entity() = entity;
  if (at.has_value()) *question.mutable_where()->mutable_at() = ToProtoTime(*at);
  return question;
}

std::string PeriodText(int64_t began, std::optional<int64_t> ended) {
  return Text(began, "..", ended.has_value() ? std::to_string(*ended) : "");
}

// Unit, surface, item, state, periods.
using PlaceText = std::tuple<std::string, std::string, std::string, v1::WhereAnswer::State, std::vector<std::string>>;

int64_t Us(const google::protobuf::Timestamp& time) { return FromProtoTime(time, "time")->us; }

std::set<PlaceText> PlacesOf(const v1::WhereAnswer& where) {
  std::set<PlaceText> places;
  for (const v1::WhereAnswer::Place& place : where.places()) {
    std::vector<std::string> periods;
    for (const v1::WhereAnswer::Period& period : place.periods()) {
      periods.push_back(PeriodText(Us(period.began_earliest()),
                                   period.has_ended() ? std::optional(Us(period.ended_earliest())) : std::nullopt));
    }
    places.emplace(place.unit(), place.surface(), EntityKeyText(place.item()), place.state(), std::move(periods));
  }
  return places;
}

// --- The reference ---

enum class Did { kSet, kCleared, kEmptied, kWiped };

struct Entry {
  int64_t time;
  uint64_t index;
  Did did;
  std::string item;
};

// What happened to a surface of a unit, the unit as a whole included, in order.
using Surface = std::pair<std::string, std::string>;

class Fold {
 public:
  Fold(const RecordedHistory& history, uint64_t size) {
    for (uint64_t i = 0; i < size; ++i) {
      if (history.Counts(i, size)) Apply(history, i, size);
    }
    for (auto& [surface, entries] : surfaces_) {
      for (const Entry& whole : whole_[surface.first]) entries.push_back(whole);
      // A commissioning empties the unit, then sets its baseline.
      std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return std::tuple(a.time, a.index, a.did == Did::kSet) < std::tuple(b.time, b.index, b.did == Did::kSet);
      });
    }
  }

  std::set<PlaceText> Places(const std::string& item, int64_t at) const {
    std::set<PlaceText> places;
    for (const auto& [surface, entries] : surfaces_) {
      std::vector<std::string> periods;
      const Entry* last = nullptr;
      for (size_t i = 0; i < entries.size(); ++i) {
        if (entries[i].time <= at) last = &entries[i];
        if (entries[i].did != Did::kSet || entries[i].item != item) continue;
        periods.push_back(
            PeriodText(entries[i].time, i + 1 < entries.size() ? std::optional(entries[i + 1].time) : std::nullopt));
      }
      if (periods.empty()) continue;
      const v1::WhereAnswer::State state = last == nullptr || last->did == Did::kWiped ? v1::WhereAnswer::UNKNOWN_NOW
                                           : last->did == Did::kSet && last->item == item
                                               ? v1::WhereAnswer::RUNNING
                                               : v1::WhereAnswer::NOT_RUNNING;
      places.emplace(surface.first, surface.second, item, state, std::move(periods));
    }
    return places;
  }

 private:
  void Apply(const RecordedHistory& history, uint64_t i, uint64_t size) {
    const RecordedHistory::Event& event = history.events()[i];
    const v1::EventHeader& header = event.draft.header;
    const v1::EntityRef* unit_ref = FindReference(header, "unit");
    if (unit_ref == nullptr) return;
    const std::string unit = unit_ref->id();
    int64_t time = header.occurred_earliest_us();
    if (const std::optional<uint64_t> decider = history.DeciderOf(i, size); decider.has_value()) {
      time = dynamic_cast<const v1::RecordCorrected&>(*history.events()[*decider].draft.body).occurred_earliest_us();
    }
    const v1::EntityRef* artifact = FindReference(header, "artifact");
    const v1::EntityRef* baseline = FindReference(header, "baseline");
    if (const auto* body = dynamic_cast<const v1::ArtifactActivated*>(event.draft.body.get())) {
      surfaces_[{unit, body->surface()}].push_back({time, i, Did::kSet, EntityKeyText(*artifact)});
    } else if (const auto* off = dynamic_cast<const v1::ArtifactDeactivated*>(event.draft.body.get())) {
      surfaces_[{unit, off->surface()}].push_back({time, i, Did::kCleared, ""});
    } else {
      const bool wiped = event.type == "device_unit.serviced";
      whole_[unit].push_back({time, i, wiped ? Did::kWiped : Did::kEmptied, ""});
      if (baseline != nullptr) {
        surfaces_[{unit, "baseline"}].push_back({time, i, Did::kSet, EntityKeyText(*baseline)});
      }
    }
  }

  std::map<Surface, std::vector<Entry>> surfaces_;
  std::map<std::string, std::vector<Entry>> whole_;
};

void Step(RandomDrafts& drafts, RecordedHistory& history) {
  if (history.size() > 0 && drafts.Below(100) < 30) {
    drafts.Correct(history);
  } else {
    history.Add(drafts.Unit());
  }
}

std::string WithoutLedgerSize(v1::Answer answer) {
  answer.clear_ledger_size();
  return answer.SerializeAsString();
}

TEST(WhereTest, A13WhereIsThePlainFoldOnRandomHistories) {
  size_t running = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    RandomDrafts drafts(seed);
    RecordedHistory history;
    std::vector<std::pair<v1::Question, std::string>> earlier;
    for (int step = 0; step < 60; ++step) {
      Step(drafts, history);
      if (step % 5 != 4) continue;
      const v1::EntityRef entity = Entity("model", "m", Text(1 + drafts.Below(2)));
      v1::Question question = Ask(entity, Timestamp(drafts.Time()));
      question.set_known_size(1 + drafts.Below(history.size()));
      const auto expected =
          Fold(history, question.known_size()).Places(EntityKeyText(entity), Us(question.where().at()));
      const StatusOr<v1::Answer> answer = history.Ask(question);
      if (absl::IsNotFound(answer.status())) {
        EXPECT_THAT(expected, IsEmpty()) << "seed " << seed;
        continue;
      }
      ASSERT_TRUE(answer.ok()) << answer.status();
      ASSERT_EQ(PlacesOf(answer->where()), expected) << "seed " << seed << " step " << step;
      for (const PlaceText& place : expected) running += std::get<3>(place) == v1::WhereAnswer::RUNNING ? 1 : 0;
      earlier.emplace_back(question, WithoutLedgerSize(*answer));
    }
    for (const auto& [question, answer] : earlier) {
      EXPECT_EQ(WithoutLedgerSize(history.Ask(question).value()), answer) << "seed " << seed;
    }
  }
  EXPECT_GT(running, 100u);
}

EventDraft At(EventDraft draft, int64_t us) {
  SetOccurred(draft, Timestamp(us), Timestamp(us));
  return draft;
}

TEST(WhereTest, A13AUnitThatNoLongerRunsItIsSaidSo) {
  RecordedHistory history;
  for (const char* unit : {"ICU-1", "ICU-2"}) {
    EventDraft commissioned = At(Commission(unit), 100);
    AddReference(commissioned, "site", "site", "hospital-a");
    history.Add(commissioned);
    history.Add(At(ActivateItem(unit, "rhythm", "model", "alert", "2.0"), 200));
  }
  history.Add(At(ActivateItem("ICU-2", "rhythm", "model", "alert", "2.3"), 300));
  v1::DeviceUnitRelocated moved;
  moved.set_jurisdiction("FR");
  EventDraft relocated = At(Draft(moved), 400);
  AddReference(relocated, "unit", "device_unit", "ICU-1");
  AddReference(relocated, "site", "site", "hospital-b");
  history.Add(relocated);

  const v1::Answer answer = history.AskAt(Ask(Entity("model", "alert", "2.0")), 0);
  ASSERT_EQ(answer.where().places_size(), 2);
  EXPECT_EQ(answer.where().units(), 2u);
  const v1::WhereAnswer::Place& first = answer.where().places(0);
  EXPECT_EQ(first.unit(), "ICU-1");
  EXPECT_EQ(first.site(), "hospital-b");
  EXPECT_EQ(first.jurisdiction(), "FR");
  EXPECT_EQ(first.state(), v1::WhereAnswer::RUNNING);
  EXPECT_FALSE(first.periods(0).has_ended());
  const v1::WhereAnswer::Place& second = answer.where().places(1);
  EXPECT_EQ(second.site(), "hospital-a");
  EXPECT_EQ(second.state(), v1::WhereAnswer::NOT_RUNNING);
  EXPECT_EQ(EntityKeyText(second.instead()), "model:alert@2.3");
  EXPECT_EQ(Us(second.periods(0).began_earliest()), 200);
  EXPECT_EQ(Us(second.periods(0).ended_earliest()), 300);
  EXPECT_EQ(second.periods(0).ended().index(), 4u);

  const v1::Answer before = history.AskAt(Ask(Entity("model", "alert", "2.0"), Timestamp(250)), 0);
  EXPECT_EQ(before.where().places(1).state(), v1::WhereAnswer::RUNNING);
  EXPECT_EQ(before.where().places(0).site(), "hospital-a");
}

TEST(WhereTest, A13WhatIsPartOfSomethingRunsWhereThatRuns) {
  RecordedHistory history;
  history.Add(Commission("ICU-1"));
  EventDraft model = RegisterModel("alert", "2.0");
  AddReference(model, "training_run", "training_run", "r");
  AddReference(model, "dataset", "dataset", "d", "1");
  AddReference(model, "code", "code_revision", "c", "1");
  AddReference(model, "soup", "soup", "foundation", "7.2");
  history.Add(model);
  EventDraft artifact = ProduceArtifact("delta", "1");
  AddReference(artifact, "model", "model", "alert", "2.0");
  const uint64_t produced = history.Add(artifact);
  history.Add(ActivateItem("ICU-1", "threshold", "artifact", "delta", "1"));

  const v1::Answer answer = history.AskAt(Ask(Entity("soup", "foundation", "7.2")), 0);
  ASSERT_EQ(answer.where().places_size(), 1);
  EXPECT_EQ(EntityKeyText(answer.where().places(0).item()), "artifact:delta@1");
  EXPECT_EQ(answer.where().places(0).state(), v1::WhereAnswer::RUNNING);
  ASSERT_EQ(answer.where().carriers_size(), 2);
  EXPECT_EQ(EntityKeyText(answer.where().carriers(0).entity()), "model:alert@2.0");

  history.Add(Correct(EventId(), v1::RecordCorrected::RETRACTED), produced);
  EXPECT_EQ(history.AskAt(Ask(Entity("soup", "foundation", "7.2")), 0).where().units(), 0u);
  EXPECT_EQ(history.AskAt(Ask(Entity("soup", "foundation", "7.2")), 4).where().units(), 1u);
}

EventDraft InstallSubstrate(std::string_view unit, std::string_view substrate, std::string_view version) {
  EventDraft draft = Draft(v1::SubstrateInstalled());
  AddReference(draft, "unit", "device_unit", unit);
  AddReference(draft, "substrate", "substrate", substrate, version);
  return draft;
}

TEST(WhereTest, A13WhatTheSubstrateHoldsRunsWhereTheSubstrateIs) {
  RecordedHistory history;
  v1::SubstrateDefined body;
  body.set_substrate_digest(std::string(32, 's'));
  EventDraft defined = Draft(body);
  AddReference(defined, "substrate", "substrate", "cuda", "12");
  AddReference(defined, "soup", "soup", "foundation", "7.2");
  history.Add(defined);
  history.Add(At(Commission("ICU-1"), 100));
  history.Add(At(InstallSubstrate("ICU-1", "cuda", "12"), 200));
  for (const v1::EntityRef& entity : {Entity("soup", "foundation", "7.2"), Entity("substrate", "cuda", "12")}) {
    const v1::Answer answer = history.AskAt(Ask(entity), 0);
    ASSERT_EQ(answer.where().places_size(), 1) << EntityKeyText(entity);
    EXPECT_EQ(answer.where().places(0).unit(), "ICU-1");
    EXPECT_EQ(answer.where().places(0).state(), v1::WhereAnswer::RUNNING);
    EXPECT_EQ(EntityKeyText(answer.where().places(0).item()), "substrate:cuda@12");
    EXPECT_EQ(answer.notes_size(), 0);
    v1::Question status;
    *status.mutable_status()->mutable_entity() = entity;
    EXPECT_THAT(history.AskAt(status, 0).status().deployed_on(), ElementsAre("ICU-1"));
  }
  history.Add(At(InstallSubstrate("ICU-1", "cuda", "13"), 300));
  const v1::Answer after = history.AskAt(Ask(Entity("soup", "foundation", "7.2")), 0);
  EXPECT_EQ(after.where().places(0).state(), v1::WhereAnswer::NOT_RUNNING);
  EXPECT_EQ(EntityKeyText(after.where().places(0).instead()), "substrate:cuda@13");
}

TEST(WhereTest, A13WhatNoUnitCanHaveIsSaidSo) {
  RecordedHistory history;
  history.Add(Commission("ICU-1"));
  history.Add(CurateDataset("d", "1"));
  const v1::Answer unit = history.AskAt(Ask(Entity("device_unit", "ICU-1")), 0);
  ASSERT_EQ(unit.notes_size(), 1);
  EXPECT_NE(unit.notes(0).find("no record puts a device_unit on a unit"), std::string::npos);
  EXPECT_NE(history.AskAt(Ask(Entity("dataset", "d", "1")), 0).notes(0).find("lineage"), std::string::npos);
}

EventDraft ProduceWithBytes(std::string_view version, std::string_view bytes) {
  v1::ArtifactProduced body;
  body.set_kind(v1::ArtifactProduced::DELTA);
  body.set_mode(v1::ArtifactProduced::CANDIDATE);
  body.set_surface("threshold");
  *body.add_files() = File("delta", bytes);
  EventDraft draft = Draft(body);
  const v1::ContentDigest digest = DigestOfText(bytes);
  AddReference(draft, "artifact", "artifact", "threshold", version, &digest);
  return draft;
}

EventDraft ActivateWithBytes(std::string_view unit, std::string_view version, std::string_view bytes) {
  v1::ArtifactActivated body;
  body.set_surface("threshold");
  EventDraft draft = Draft(body);
  const v1::ContentDigest digest = DigestOfText(bytes);
  AddReference(draft, "unit", "device_unit", unit);
  AddReference(draft, "artifact", "artifact", "threshold", version, &digest);
  return draft;
}

EventDraft Attest(std::string_view unit, std::string_view bytes) {
  v1::ConfigurationAttested body;
  body.set_method("hash of the file");
  v1::MeasuredItem& measured = *body.add_measured();
  measured.set_surface("threshold");
  *measured.mutable_digest() = DigestOfText(bytes);
  EventDraft draft = Draft(body);
  AddReference(draft, "unit", "device_unit", unit);
  return draft;
}

TEST(WhereTest, A13AUnitThatOnlyMeasuredItIsFound) {
  RecordedHistory history;
  history.Add(ProduceWithBytes("a1", "one"));
  history.Add(ProduceWithBytes("a2", "two"));
  history.Add(At(Commission("ICU-1"), 100));
  history.Add(At(ActivateWithBytes("ICU-1", "a1", "one"), 200));
  const uint64_t other = history.Add(At(Attest("ICU-1", "two"), 300));
  history.Add(At(Commission("ICU-2"), 100));
  const uint64_t only = history.Add(At(Attest("ICU-2", "two"), 300));

  const v1::Question question = Ask(Entity("artifact", "threshold", "a2"), Timestamp(400));
  const v1::Answer answer = history.AskAt(question, 0);
  ASSERT_EQ(answer.where().places_size(), 2);
  EXPECT_EQ(answer.where().units(), 2u);
  const v1::WhereAnswer::Place& disagrees = answer.where().places(0);
  EXPECT_EQ(disagrees.unit(), "ICU-1");
  EXPECT_EQ(disagrees.surface(), "threshold");
  EXPECT_EQ(disagrees.state(), v1::WhereAnswer::POSSIBLY_RUNNING);
  EXPECT_EQ(disagrees.periods_size(), 0);
  EXPECT_EQ(answer.where().places(1).state(), v1::WhereAnswer::RUNNING);
  EXPECT_EQ(answer.where().places(1).confidence(), v1::INFERRED);
  EXPECT_THAT(answer.leaves(), ::testing::IsSupersetOf({other, only}));
  // What is recorded there and measured otherwise is a possibility too.
  const v1::Answer recorded = history.AskAt(Ask(Entity("artifact", "threshold", "a1"), Timestamp(400)), 0);
  ASSERT_EQ(recorded.where().places_size(), 1);
  EXPECT_EQ(recorded.where().places(0).state(), v1::WhereAnswer::POSSIBLY_RUNNING);
  EXPECT_EQ(history.AskAt(question, only).where().units(), 1u);
  history.Add(Correct(EventId(), v1::RecordCorrected::RETRACTED), other);
  EXPECT_EQ(history.AskAt(question, 0).where().units(), 1u);
}

TEST(WhereTest, A13PagesGoOnAfterAUnit) {
  RecordedHistory history;
  for (int i = 0; i < 7; ++i) history.Add(ActivateItem(Text("U", i), "rhythm", "model", "alert", "1"));
  v1::Question question = Ask(Entity("model", "alert", "1"));
  question.mutable_where()->set_limit(3);
  std::vector<std::string> units;
  do {
    const v1::Answer answer = history.AskAt(question, 0);
    EXPECT_EQ(answer.where().units(), 7u);
    for (const v1::WhereAnswer::Place& place : answer.where().places()) units.push_back(place.unit());
    question.mutable_where()->set_from(answer.where().next());
  } while (!question.where().from().empty());
  EXPECT_THAT(units, ElementsAre("U0", "U1", "U2", "U3", "U4", "U5", "U6"));
}

}  // namespace
}  // namespace anamnesis
