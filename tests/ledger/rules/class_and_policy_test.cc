// Which class and which policy are in force when some of what is recorded is told long afterwards, and that an item
// comes to a lower class with a rationale only.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <utility>

#include "ledger/state/policies.h"
#include "ledger/state/software_items.h"
#include "tests/ledger/rules/small_world.h"

namespace anamnesis {
namespace {

using testing::Contains;
using testing::Not;

constexpr v1::SoftwareSafetyClass kA = v1::SOFTWARE_SAFETY_CLASS_A;
constexpr v1::SoftwareSafetyClass kB = v1::SOFTWARE_SAFETY_CLASS_B;
constexpr v1::SoftwareSafetyClass kC = v1::SOFTWARE_SAFETY_CLASS_C;

class ClassAndPolicyTest : public SmallWorld {
 protected:
  static EventDraft Item(const std::string& id, const std::string& parent = "") {
    v1::SoftwareItemIdentified body;
    body.set_name(id);
    body.set_level(v1::SoftwareItemIdentified::ITEM);
    body.set_trainability(v1::SoftwareItemIdentified::FIXED);
    EventDraft draft = DraftWith(body, {"item=software_item:" + id});
    return parent.empty() ? draft : WithRefs(draft, {"parent=software_item:" + parent});
  }
  static EventDraft Assign(const std::string& item, v1::SoftwareSafetyClass safety_class) {
    v1::SafetyClassAssigned body;
    body.set_safety_class(safety_class);
    return DraftWith(body, {"item=software_item:" + item});
  }
  static EventDraft Lower(const std::string& item, v1::SoftwareSafetyClass safety_class) {
    v1::SafetyClassLowered body;
    body.set_safety_class(safety_class);
    EventDraft draft = DraftWith(body, {"item=software_item:" + item});
    draft.header.set_rationale("an external control covers it");
    return draft;
  }
  static EventDraft Decompose(const std::string& whole, const std::string& part) {
    return DraftWith(v1::SoftwareItemDecomposed(), {"item=software_item:" + whole, "part=software_item:" + part});
  }
  static EventDraft Adopt(const std::string& version, uint64_t seconds) {
    v1::PolicyAdopted body;
    body.set_kind(v1::PolicyAdopted::CONTEMPORANEITY);
    body.set_title("times");
    v1::ContemporaneityPolicy& policy = *body.mutable_document()->mutable_contemporaneity();
    auto& threshold = *policy.add_thresholds();
    threshold.set_timeliness(v1::HUMAN_RECORD);
    threshold.set_seconds(seconds);
    policy.set_burst_events(10);
    policy.set_burst_ratio(10);
    return DraftWith(body, {"policy=policy:contemporaneity@" + version});
  }
  v1::SoftwareSafetyClass ClassOf(std::string_view item) { return ClassOfItem(ledger_.rows(), item)->safety_class; }
  std::string InForce(TreeSize size = TreeSize(UINT64_MAX)) {
    const auto policy = PolicyInForceAt(ledger_.rows(), v1::PolicyAdopted::CONTEMPORANEITY, size).value();
    return policy.has_value() ? policy->name.version() : "";
  }
};

TEST_F(ClassAndPolicyTest, A10_AClassToldLateTakesNothingFromOneRecordedSince) {
  (void)Record(Item("alert"));
  (void)Record(Assign("alert", kC));
  const TreeSize before = ledger_.size();
  EXPECT_THAT(Record(ToldLate(Assign("alert", kA), 900)), Not(Contains("CLASS-LOWERED"))) << "it was, and is no more";
  EXPECT_EQ(ClassOf("alert"), kC);
  EXPECT_EQ(ClassOfItemAt(ledger_.rows(), "alert", before)->safety_class, kC);
  (void)Record(ToldLate(Lower("alert", kB), 10));
  EXPECT_EQ(ClassOf("alert"), kC);
  // Among themselves those told late stand by when they were, in whichever order they are told.
  (void)Record(Item("import"));
  (void)Record(ToldLate(Assign("import", kB), 100));
  EXPECT_EQ(ClassOf("import"), kB);
  (void)Record(ToldLate(Assign("import", kC), 400));
  EXPECT_EQ(ClassOf("import"), kB);
  (void)Record(ToldLate(Lower("import", kA), 50));
  EXPECT_EQ(ClassOf("import"), kA);
  // And what is recorded when it happens stands after all of them.
  (void)Record(Assign("import", kC));
  EXPECT_EQ(ClassOf("import"), kC);
  // However little before: the class was recorded after the test started.
  (void)Record(ToldLate(Lower("alert", kA), 0));
  EXPECT_EQ(ClassOf("alert"), kC);
}

TEST_F(ClassAndPolicyTest, A10_NoWordLowersAClassButTheOneForIt) {
  (void)Record(Item("monitor"));
  (void)Record(Item("alert", "monitor"));
  (void)Record(Assign("monitor", kC));
  const EventId assigned = admin_.LastId();
  const auto told_now = [&](EventDraft draft) {
    SetOccurred(draft, ledger_.next_proposed(), ledger_.next_proposed());
    draft.header.set_retrospective(true);
    return draft;
  };
  EXPECT_EQ(RuleBroken(told_now(Assign("monitor", kA))), "CLASS-LOWERED");
  // One of its own, of whenever it is told, an item would have instead of the inherited one.
  EXPECT_EQ(RuleBroken(ToldLate(Assign("alert", kA), 900)), "CLASS-LOWERED");
  (void)Record(Item("viewer"));
  (void)Record(Assign("viewer", kA));
  EXPECT_EQ(RuleBroken(told_now(Decompose("viewer", "alert"))), "CLASS-LOWERED");
  EXPECT_EQ(ClassOf("alert"), kC);
  // Nor does taking back the higher one, by whoever may assign classes but not lower them.
  Accept(admin_.Write({GrantRole("eve", v1::AUTHOR)}));
  EXPECT_TRUE(Try(eve_, Assign("monitor", kC)).ok());
  for (const EventId& event : {assigned, eve_.LastId()}) {
    EXPECT_EQ(DetailOf(Try(eve_, Correct(event, v1::RecordCorrected::RETRACTED))).reason(), v1::ROLE_MISSING);
  }
  EXPECT_TRUE(Try(admin_, Correct(eve_.LastId(), v1::RecordCorrected::RETRACTED)).ok());
}

TEST_F(ClassAndPolicyTest, A10_AnItemsPlaceInTheTreeToldLateTakesNothingFromOneRecordedSince) {
  for (const char* item : {"monitor", "viewer", "alert"}) (void)Record(Item(item));
  (void)Record(Assign("monitor", kC));
  (void)Record(Assign("viewer", kA));
  (void)Record(Decompose("monitor", "alert"));
  (void)Record(ToldLate(Decompose("viewer", "alert"), 900));
  EXPECT_EQ(ItemAndAbove(ledger_.rows(), "alert")->items, (std::vector<std::string>{"alert", "monitor"}));
  EXPECT_EQ(ClassOf("alert"), kC);
}

TEST_F(ClassAndPolicyTest, A10_AnInheritedClassIsLoweredWithARationaleOnly) {
  (void)Record(Item("monitor"));
  (void)Record(Item("alert", "monitor"));
  (void)Record(Assign("monitor", kC));
  EXPECT_EQ(RuleBroken(Assign("alert", kA)), "CLASS-LOWERED");
  EXPECT_EQ(ClassOf("alert"), kC);
  (void)Record(Lower("alert", kA));
  EXPECT_EQ(ClassOf("alert"), kA);
  EXPECT_EQ(ClassOf("monitor"), kC);
  // Where nobody up the tree has a class, the first is not lower than any.
  (void)Record(Item("viewer"));
  EXPECT_THAT(Record(Assign("viewer", kA)), Not(Contains("CLASS-LOWERED")));
}

TEST_F(ClassAndPolicyTest, A10_MovingAnItemDoesNotLowerItsClass) {
  for (const char* item : {"monitor", "viewer", "alarm"}) (void)Record(Item(item));
  (void)Record(Item("alert", "monitor"));
  (void)Record(Assign("monitor", kC));
  (void)Record(Assign("viewer", kA));
  (void)Record(Assign("alarm", kC));
  EXPECT_EQ(RuleBroken(Decompose("viewer", "alert")), "CLASS-LOWERED");
  EXPECT_EQ(ClassOf("alert"), kC);
  EXPECT_EQ(RuleBroken(Decompose("alarm", "alert")), "") << "of the same class";
  // With a class of its own it keeps that wherever it is.
  (void)Record(Assign("alert", kC));
  EXPECT_EQ(RuleBroken(Decompose("viewer", "alert")), "");
  EXPECT_EQ(ClassOf("alert"), kC);
}

TEST_F(ClassAndPolicyTest, A10_WhoMayNotLowerAClassDoesNotByCorrectingAnItemsPlace) {
  for (const char* item : {"monitor", "viewer"}) (void)Record(Item(item));
  (void)Record(Assign("monitor", kC));
  (void)Record(Assign("viewer", kA));
  Accept(admin_.Write({GrantRole("eve", v1::AUTHOR)}));
  ASSERT_TRUE(Try(eve_, Item("alert", "monitor")).ok());
  EventDraft elsewhere = Item("alert", "viewer");
  elsewhere.header.set_corrects(eve_.LastId().bytes());
  elsewhere.header.set_rationale("mistyped");
  EXPECT_EQ(DetailOf(Try(eve_, elsewhere)).reason(), v1::ROLE_MISSING);
  EXPECT_EQ(DetailOf(Try(eve_, Correct(eve_.LastId(), v1::RecordCorrected::RETRACTED))).reason(), v1::ROLE_MISSING);
  EXPECT_EQ(ClassOf("alert"), kC);
  ASSERT_TRUE(Try(eve_, Item("sound", "viewer")).ok());
  ASSERT_TRUE(Try(eve_, Decompose("monitor", "sound")).ok());
  EXPECT_EQ(ClassOf("sound"), kC);
  EXPECT_EQ(DetailOf(Try(eve_, Correct(eve_.LastId(), v1::RecordCorrected::RETRACTED))).reason(), v1::ROLE_MISSING);
  EXPECT_TRUE(Try(admin_, Correct(eve_.LastId(), v1::RecordCorrected::RETRACTED)).ok()) << "who may lower it";
  ASSERT_TRUE(Try(eve_, Item("apart")).ok());
  EXPECT_TRUE(Try(eve_, Correct(eve_.LastId(), v1::RecordCorrected::RETRACTED)).ok()) << "it took no class from above";
}

// Against the definition, on random histories: of all that count the one whose place is the last.
TEST(ClassInForceTest, IsTheNewestByPlaceOfAllThatCount) {
  std::mt19937_64 random(11);
  const auto below = [&](uint64_t limit) { return random() % limit; };
  for (int round = 0; round < 20; ++round) {
    ProjectedHistory history;
    struct Said {
      uint64_t index;
      int64_t place;
      v1::SoftwareSafetyClass safety_class;
      std::optional<uint64_t> retracted;
    };
    std::vector<Said> said;
    while (history.size().value < 24) {
      const Timestamp recorded(kTestStart.us + static_cast<int64_t>(history.size().value) * 1000);
      if (!said.empty() && below(5) == 0) {
        Said& one = said[below(said.size())];
        if (one.retracted.has_value()) continue;
        one.retracted = history.Retract(LeafIndex(one.index)).value;
        continue;
      }
      v1::SafetyClassAssigned body;
      body.set_safety_class(static_cast<v1::SoftwareSafetyClass>(1 + below(3)));
      EventDraft draft = DraftWith(body, {"item=software_item:alert"});
      // Sometimes of a time to come, which nobody can tell of afterwards.
      const int64_t occurred = kTestStart.us - 10'000 + static_cast<int64_t>(below(40'000));
      SetOccurred(draft, Timestamp(occurred - static_cast<int64_t>(below(5'000))), Timestamp(occurred));
      draft.header.set_retrospective(below(2) == 0);
      const bool late = draft.header.retrospective();
      const int64_t place = late ? std::min(occurred, recorded.us) : recorded.us;
      said.push_back({history.Add(draft, recorded).value, place, body.safety_class(), std::nullopt});
    }
    for (uint64_t size = 0; size <= history.size().value; ++size) {
      std::pair<int64_t, uint64_t> newest = {INT64_MIN, 0};
      v1::SoftwareSafetyClass expected = kC;
      for (const Said& one : said) {
        if (one.index >= size || (one.retracted.has_value() && *one.retracted < size)) continue;
        if (std::pair(one.place, one.index) < newest) continue;
        newest = {one.place, one.index};
        expected = one.safety_class;
      }
      EXPECT_EQ(ClassOfItemAt(history.rows(), "alert", TreeSize(size))->safety_class, expected) << size;
    }
  }
}

TEST_F(ClassAndPolicyTest, A104_APolicyToldLateTakesNothingFromOneRecordedSince) {
  const auto late_by_hours = [&](const std::string& document) {
    EventDraft late = ReferToDocument(document);
    const Timestamp time(kTestStart.us - int64_t{90'000} * 1'000'000);
    SetOccurred(late, time, time);
    late.header.set_late_reason("the link was down");
    return Record(late);
  };
  (void)Record(Adopt("2", 60));
  const TreeSize then = ledger_.size();
  EXPECT_THAT(late_by_hours("a"), Contains("LATE"));
  (void)Record(ToldLate(Adopt("1", 1'000'000), 900));
  EXPECT_EQ(InForce(), "2");
  EXPECT_EQ(InForce(then), "2");
  EXPECT_THAT(late_by_hours("b"), Contains("LATE"));
  (void)Record(Adopt("3", 1'000'000));
  EXPECT_EQ(InForce(), "3");
  EXPECT_THAT(late_by_hours("c"), Not(Contains("LATE")));
}

TEST_F(ClassAndPolicyTest, A104_WhereAllIsToldLateTheNewestOfThemIsInForce) {
  (void)Record(ToldLate(Adopt("2", 60), 100));
  EXPECT_EQ(InForce(), "2");
  (void)Record(ToldLate(Adopt("1", 1'000'000), 900));
  EXPECT_EQ(InForce(), "2");
  (void)Record(ToldLate(Adopt("3", 60), 10));
  EXPECT_EQ(InForce(), "3");
  (void)Record(Correct(admin_.LastId(), v1::RecordCorrected::RETRACTED));
  EXPECT_EQ(InForce(), "2");
}

}  // namespace
}  // namespace anamnesis
