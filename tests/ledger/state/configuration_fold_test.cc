// Random histories of units and corrections, projected into rows; what the rows answer for any (time, size) against a
// plain fold over the list of events, written from the rules in corrections.h and configuration.h.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/event/leaf.h"
#include "ledger/state/configuration.h"
#include "ledger/state/corrections.h"
#include "ledger/state/project.h"
#include "ledger/store/store.h"
#include "tests/ledger/state/timeline_model.h"
#include "tests/support/sanitized.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

constexpr std::string_view kUnits[] = {"ICU-1", "ICU-2"};
constexpr std::string_view kSurfaces[] = {"segmentation_model", "alert_threshold"};
constexpr int64_t kTimes = 14;

enum class Kind { kCommissioned, kActivated, kDeactivated, kServiced, kDecommissioned, kAttested, kCorrected };

// An event as the model sees it.
struct Happened {
  Kind kind;
  int64_t earliest;
  int64_t latest;
  // For events of units: what they do to which timeline (unit, surface).
  std::map<std::pair<std::string, std::string>, Effect> effects;
  // The event that it names in `corrects`, or -1.
  int corrects = -1;
  // For kCorrected.
  v1::RecordCorrected::Kind how = v1::RecordCorrected::KIND_UNSPECIFIED;
  int64_t to_earliest = 0;
  int64_t to_latest = 0;
};

class History {
 public:
  History() : store_(MakeMemoryStore()) {}

  void Add(Happened event, EventDraft draft) {
    const uint64_t index = events_.size();
    if (event.corrects >= 0) {
      draft.header.set_corrects(DerivedId("history", static_cast<uint64_t>(event.corrects)).bytes());
    }
    SetOccurred(draft, Timestamp(event.earliest), Timestamp(event.latest));
    RunBuilder builder("o", "s", MakeAgent("person", "p"), StreamPosition(index), last_digest_);
    const Status added = builder.Add(draft, DerivedId("history", index), DerivedNonce("history", index));
    ASSERT_TRUE(added.ok()) << added;
    static const PrivateKey key = KeyOfSeed(1);
    const v1::Run run = builder.Seal(key, kTestStart);
    const ParsedHeader header = ParseHeader(run.headers(0)).value();
    last_digest_ = header.digest;

    RowOverlay overlay(*store_);
    const Timestamp recorded(kTestStart.us + static_cast<int64_t>(index));
    overlay.Put(Family::kLeaves, LeafKey(LeafIndex(index)), EncodeLeaf(recorded, run.headers(0), std::nullopt));
    overlay.Put(Family::kBodies, LeafKey(LeafIndex(index)), run.bodies(0).nonce() + run.bodies(0).content());
    const EventType* type = Vocabulary::Get().Find(header.fields.type(), 1);
    const Status projected = Project({LeafIndex(index), recorded, &header, type, draft.body.get()}, overlay);
    ASSERT_TRUE(projected.ok()) << projected << " at " << index;
    ASSERT_TRUE(store_->Write(overlay.Take(), false).ok());
    events_.push_back(std::move(event));
  }

  // The last event below `size` that corrects `place`, changes state and was not itself retracted; -1: none.
  int DeciderOf(int place, int size) const {
    for (int c = size - 1; c > place; --c) {
      if (events_[c].corrects != place) continue;
      const bool is_correction = events_[c].kind == Kind::kCorrected;
      if (is_correction && events_[c].how == v1::RecordCorrected::ANNOTATED) continue;
      if (is_correction && events_[c].how == v1::RecordCorrected::OCCURRED_AT &&
          events_[place].kind == Kind::kCorrected) {
        continue;
      }
      const int over = DeciderOf(c, size);
      if (over >= 0 && events_[over].kind == Kind::kCorrected && events_[over].how == v1::RecordCorrected::RETRACTED) {
        continue;
      }
      return c;
    }
    return -1;
  }

  // What stands on one timeline as known at `size`.
  std::vector<TimelineEntry> Entries(const std::string& unit, const std::string& surface, int size) const {
    std::vector<TimelineEntry> entries;
    for (int i = 0; i < size; ++i) {
      const Happened& event = events_[i];
      const auto effect = event.effects.find({unit, surface});
      if (effect == event.effects.end()) continue;
      TimelineEntry entry{Timestamp(event.earliest), LeafIndex(static_cast<uint64_t>(i)), Timestamp(event.latest),
                          effect->second, LeafIndex(static_cast<uint64_t>(i))};
      if (const int decider = DeciderOf(i, size); decider >= 0) {
        const Happened& by = events_[decider];
        if (by.kind != Kind::kCorrected || by.how == v1::RecordCorrected::RETRACTED) continue;
        entry.earliest = Timestamp(by.to_earliest);
        entry.latest = Timestamp(by.to_latest);
        entry.evidence = LeafIndex(static_cast<uint64_t>(decider));
      }
      entries.push_back(entry);
    }
    return entries;
  }

  std::vector<std::string> Surfaces(const std::string& unit, int size) const {
    std::set<std::string> surfaces;
    for (int i = 0; i < size; ++i) {
      for (const auto& [where, effect] : events_[i].effects) {
        if (where.first == unit && where.second != kWholeUnit && where.second != kMeasurements) {
          surfaces.insert(where.second);
        }
      }
    }
    return {surfaces.begin(), surfaces.end()};
  }

  const std::vector<Happened>& events() const { return events_; }
  const Store& rows() const { return *store_; }
  std::string Describe() const {
    std::string text;
    for (size_t i = 0; i < events_.size(); ++i) {
      const Happened& e = events_[i];
      text += Text("\n  ", i, ": kind ", static_cast<int>(e.kind), " [", e.earliest, ",", e.latest, "]");
      for (const auto& [where, effect] : e.effects) {
        text += Text(" ", where.first, "/", where.second, "=", static_cast<int>(effect));
      }
      if (e.corrects >= 0) text += Text(" corrects ", e.corrects, " how ", static_cast<int>(e.how));
      if (e.to_latest != 0) text += Text(" to [", e.to_earliest, ",", e.to_latest, "]");
    }
    return text;
  }

 private:
  std::unique_ptr<Store> store_;
  std::vector<Happened> events_;
  Digest last_digest_;
};

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed), uncertain_percent_(seed % 3 == 0 ? 0 : seed % 3 == 1 ? 25 : 60) {}

  void Step(History& history) {
    const auto count = static_cast<int>(history.events().size());
    if (count > 0 && Below(100) < 45) {
      // Mostly recent events, so that corrections of corrections pile up.
      const int named = Below(2) == 0 ? count - 1 - Below(std::min(count, 4)) : Below(count);
      const Kind kind = history.events()[named].kind;
      if (kind != Kind::kCorrected && Below(3) == 0) return Unit(history, kind, named);
      return Correction(history, named);
    }
    Unit(history, static_cast<Kind>(Below(6)), -1);
  }

  int Below(int limit) { return static_cast<int>(random_() % static_cast<uint64_t>(limit)); }

 private:
  // From 1 on: OCCURRED_AT with both times 0 is refused by the rules.
  std::pair<int64_t, int64_t> Interval() {
    const int64_t earliest = 1 + Below(kTimes);
    return {earliest, Below(100) < uncertain_percent_ ? earliest + Below(6) : earliest};
  }

  void Correction(History& history, int named) {
    Happened event{Kind::kCorrected, 0, 0, {}, named};
    std::tie(event.earliest, event.latest) = Interval();
    const int how = Below(10);
    event.how = how < 5   ? v1::RecordCorrected::RETRACTED
                : how < 9 ? v1::RecordCorrected::OCCURRED_AT
                          : v1::RecordCorrected::ANNOTATED;
    EventDraft draft = Correct(EventId(), event.how);
    if (event.how == v1::RecordCorrected::OCCURRED_AT) {
      std::tie(event.to_earliest, event.to_latest) = Interval();
      draft = MoveInTime(EventId(), Timestamp(event.to_earliest), Timestamp(event.to_latest));
    }
    history.Add(std::move(event), std::move(draft));
  }

  void Unit(History& history, Kind kind, int replaces) {
    const std::string unit(kUnits[Below(2)]);
    const std::string surface(Below(8) == 0 ? kBaselineSurface : kSurfaces[Below(2)]);
    Happened event{kind, 0, 0, {}, replaces};
    std::tie(event.earliest, event.latest) = Interval();
    const bool baseline = Below(2) == 0;
    EventDraft draft;
    switch (kind) {
      case Kind::kCommissioned:
        draft = Commission(unit);
        event.effects[{unit, ""}] = Effect::kInService;
        break;
      case Kind::kActivated:
        draft = Activate(unit, surface, "model-1");
        event.effects[{unit, surface}] = Effect::kSet;
        break;
      case Kind::kDeactivated:
        draft = Deactivate(unit, surface);
        event.effects[{unit, surface}] = Effect::kCleared;
        break;
      case Kind::kServiced: {
        v1::DeviceUnitServiced body;
        body.set_kind(v1::DeviceUnitServiced::REPAIR);
        const bool preserved = Below(2) == 0;
        body.set_storage(preserved ? v1::DeviceUnitServiced::PRESERVED : v1::DeviceUnitServiced::NOT_PRESERVED);
        draft = Draft(std::move(body));
        AddReference(draft, "unit", "device_unit", unit);
        if (!preserved) event.effects[{unit, ""}] = Effect::kWiped;
        break;
      }
      case Kind::kDecommissioned:
        draft = Draft(v1::DeviceUnitDecommissioned());
        draft.header.set_rationale("end of life");
        AddReference(draft, "unit", "device_unit", unit);
        event.effects[{unit, ""}] = Effect::kDecommissioned;
        break;
      default: {
        v1::ConfigurationAttested body;
        body.set_method("hash");
        v1::MeasuredItem& item = *body.add_measured();
        item.set_surface(surface);
        item.mutable_digest()->set_algorithm(v1::SHA256);
        item.mutable_digest()->set_value(std::string(32, 'd'));
        draft = Draft(std::move(body));
        AddReference(draft, "unit", "device_unit", unit);
        event.effects[{unit, std::string(kMeasurements)}] = Effect::kMeasured;
      }
    }
    if (baseline && (kind == Kind::kCommissioned || kind == Kind::kServiced)) {
      AddReference(draft, "baseline", "release", "firmware", "7");
      event.effects[{unit, std::string(kBaselineSurface)}] = Effect::kSet;
    }
    history.Add(std::move(event), std::move(draft));
  }

  std::mt19937_64 random_;
  int uncertain_percent_;
};

void CheckAt(const History& history, int size, int64_t at) {
  std::vector<std::string> surfaces(std::begin(kSurfaces), std::end(kSurfaces));
  for (std::string_view special : {kBaselineSurface, kWholeUnit, kMeasurements}) surfaces.emplace_back(special);
  for (std::string_view unit : kUnits) {
    for (const std::string& surface : surfaces) {
      const StatusOr<TimelineAnswer> answer =
          AskTimeline(history.rows(), TimelineId(unit, surface), Timestamp(at), TreeSize(static_cast<uint64_t>(size)));
      ASSERT_TRUE(answer.ok()) << answer.status();
      const TimelineAnswer expected = BruteForce(history.Entries(std::string(unit), surface, size), Timestamp(at));
      ASSERT_TRUE(Same(*answer, expected))
          << unit << "/" << surface << " size " << size << " time " << at << "\n  answer   " << Show(*answer)
          << "\n  expected " << Show(expected) << history.Describe();
    }
    const TreeSize known(static_cast<uint64_t>(size));
    const std::vector<std::string> expected = history.Surfaces(std::string(unit), size);
    ASSERT_EQ(SurfacesOf(history.rows(), unit, known).value(), expected) << size << history.Describe();
  }
}

void CheckHistories(uint64_t first_seed, uint64_t count, int events) {
  for (uint64_t seed = first_seed; seed < first_seed + count; ++seed) {
    SCOPED_TRACE(Text("seed ", seed));
    Generator generator(seed);
    History history;
    for (int steps = 1 + generator.Below(events); steps > 0; --steps) {
      generator.Step(history);
      if (::testing::Test::HasFatalFailure()) return;
    }
    const auto size = static_cast<int>(history.events().size());
    for (int i = 0; i < 25; ++i) {
      // Every second question is about the present, where all corrections meet.
      CheckAt(history, i % 2 == 0 ? size : generator.Below(size + 1), generator.Below(kTimes + 8));
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(ConfigurationFoldTest, ShortHistories) { CheckHistories(1, Repeated(2000), 10); }
TEST(ConfigurationFoldTest, A90_Histories) { CheckHistories(100000, Repeated(1200), 30); }
TEST(ConfigurationFoldTest, LongHistories) { CheckHistories(200000, 20, 300); }

// What happens to one activation of ICU-1's alert_threshold, corrected step by step.
class CorrectionsTest : public ::testing::Test {
 protected:
  static constexpr std::string_view kUnit = "ICU-1";
  static constexpr std::string_view kSurface = "alert_threshold";

  int ActivateAt(int64_t at, int replaces = -1) {
    Happened event{Kind::kActivated, at, at, {}, replaces};
    history_.Add(event, Activate(kUnit, kSurface, "m"));
    return static_cast<int>(history_.events().size()) - 1;
  }
  int CorrectIt(int named, v1::RecordCorrected::Kind how, int64_t to = 0) {
    Happened event{Kind::kCorrected, 1, 1, {}, named, how, to, to};
    history_.Add(event, how == v1::RecordCorrected::OCCURRED_AT ? MoveInTime(EventId(), Timestamp(to), Timestamp(to))
                                                                : Correct(EventId(), how));
    return static_cast<int>(history_.events().size()) - 1;
  }
  // The times at which an activation stands, in order.
  std::vector<int64_t> Standing() {
    std::vector<int64_t> times;
    Timestamp at(0);
    const TreeSize size(history_.events().size());
    for (;;) {
      const auto next = NextInTimeline(history_.rows(), TimelineId(kUnit, kSurface), at, size);
      EXPECT_TRUE(next.ok());
      if (!next.ok() || !next->has_value()) return times;
      at = (*next)->earliest;
      times.push_back(at.us);
    }
  }

  History history_;
};

using Times = std::vector<int64_t>;

TEST_F(CorrectionsTest, RetractingARetractionRestores) {
  const int activated = ActivateAt(5);
  const int retracted = CorrectIt(activated, v1::RecordCorrected::RETRACTED);
  EXPECT_EQ(Standing(), Times());
  const int restored = CorrectIt(retracted, v1::RecordCorrected::RETRACTED);
  EXPECT_EQ(Standing(), Times{5});
  CorrectIt(restored, v1::RecordCorrected::RETRACTED);
  EXPECT_EQ(Standing(), Times());
}

TEST_F(CorrectionsTest, AReplacementOfAReplacementDoesNotBringBackTheFirst) {
  const int first = ActivateAt(5);
  const int second = ActivateAt(6, first);
  EXPECT_EQ(Standing(), Times{6});
  const int third = ActivateAt(7, second);
  EXPECT_EQ(Standing(), Times{7});
  CorrectIt(third, v1::RecordCorrected::RETRACTED);
  EXPECT_EQ(Standing(), Times{6});
  CorrectIt(second, v1::RecordCorrected::RETRACTED);
  EXPECT_EQ(Standing(), Times{5});
}

TEST_F(CorrectionsTest, MovingARetractedReplacementPutsItBackInItsPlace) {
  const int first = ActivateAt(5);
  const int second = ActivateAt(6, first);
  CorrectIt(second, v1::RecordCorrected::RETRACTED);
  EXPECT_EQ(Standing(), Times{5});
  CorrectIt(second, v1::RecordCorrected::OCCURRED_AT, 9);
  EXPECT_EQ(Standing(), Times{9});
}

TEST_F(CorrectionsTest, TheLastOfSeveralDecides) {
  const int activated = ActivateAt(5);
  CorrectIt(activated, v1::RecordCorrected::OCCURRED_AT, 8);
  const int moved = CorrectIt(activated, v1::RecordCorrected::OCCURRED_AT, 3);
  EXPECT_EQ(Standing(), Times{3});
  CorrectIt(activated, v1::RecordCorrected::ANNOTATED);
  EXPECT_EQ(Standing(), Times{3});
  CorrectIt(moved, v1::RecordCorrected::OCCURRED_AT, 4);  // When the correction was made: changes no state.
  EXPECT_EQ(Standing(), Times{3});
  CorrectIt(moved, v1::RecordCorrected::RETRACTED);
  EXPECT_EQ(Standing(), Times{8});
}

}  // namespace
}  // namespace anamnesis
