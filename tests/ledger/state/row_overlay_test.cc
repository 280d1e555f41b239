// Rows that are taken back: against an overlay that never had them.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "ledger/state/rows.h"
#include "ledger/store/store.h"
#include "tests/support/sanitized.h"

namespace anamnesis {
namespace {

class RowOverlayTest : public testing::Test {
 protected:
  RowOverlayTest() { EXPECT_TRUE(store_->Write({{Family::kStreams, "stored", "0"}}, false).ok()); }

  std::optional<std::string> Get(Family family, const std::string& key) {
    const auto value = overlay_.Get(family, key);
    EXPECT_TRUE(value.ok()) << value.status();
    return value.ok() ? *value : std::nullopt;
  }
  std::optional<Row> Last(Family family, const std::string& prefix, const std::string& key) {
    const auto row = overlay_.LastAtOrBefore(family, prefix, key);
    EXPECT_TRUE(row.ok()) << row.status();
    return row.ok() ? *row : std::nullopt;
  }

  std::unique_ptr<Store> store_ = MakeMemoryStore();
  RowOverlay overlay_{*store_};
};

TEST_F(RowOverlayTest, TakesBackNewRowsAndChangesOfOlderOnes) {
  overlay_.Put(Family::kStreams, "a", "1");
  overlay_.Mark();
  overlay_.Put(Family::kStreams, "a", "2");
  overlay_.Put(Family::kStreams, "a", "3");
  **overlay_.Edit(Family::kStreams, "stored") += "1";
  overlay_.Put(Family::kStreams, "b", "1");
  overlay_.TakeBack();
  EXPECT_EQ(Get(Family::kStreams, "a"), "1");
  EXPECT_EQ(Get(Family::kStreams, "b"), std::nullopt);
  EXPECT_EQ(Get(Family::kStreams, "stored"), "0");
  EXPECT_EQ(overlay_.rows().size(), 1u);
}

TEST_F(RowOverlayTest, KeepsWhatWasNotTakenBack) {
  overlay_.Mark();
  overlay_.Put(Family::kStreams, "a", "1");
  overlay_.Keep();
  overlay_.Mark();
  **overlay_.Edit(Family::kStreams, "a") = "2";
  overlay_.TakeBack();
  EXPECT_EQ(Get(Family::kStreams, "a"), "1");
}

TEST_F(RowOverlayTest, SearchesFindNothingThatWasTakenBack) {
  overlay_.Put(Family::kTimelines, "t1", "");
  overlay_.PutUnread(Family::kEdges, "e1", "");
  overlay_.Mark();
  overlay_.Put(Family::kTimelines, "t2", "");
  overlay_.PutUnread(Family::kEdges, "e1", "again");
  overlay_.PutUnread(Family::kEdges, "e2", "");
  EXPECT_EQ(Last(Family::kTimelines, "t", "t9")->key, "t2");
  EXPECT_EQ(Last(Family::kEdges, "e", "e9")->key, "e2");
  overlay_.TakeBack();
  EXPECT_EQ(Last(Family::kTimelines, "t", "t9")->key, "t1");
  EXPECT_EQ(Last(Family::kEdges, "e", "e9")->key, "e1");
  // Looked for before the mark is reached again.
  overlay_.PutUnread(Family::kEdges, "e3", "");
  EXPECT_EQ(Last(Family::kEdges, "e", "e9")->key, "e3");
}

// Whenever somebody asks, and however often a row is put: what is found is what an ordinary overlay finds, and the last
// row of each key is what that has.
TEST_F(RowOverlayTest, WhatIsFoundWhenAskedIsTheSame) {
  std::mt19937_64 random(9);
  const std::vector<Family> families = {Family::kEventIds, Family::kEntities, Family::kStreams};
  for (const std::string key : {"a", "b"}) {
    ASSERT_TRUE(store_->Write({{Family::kEntities, key, "stored"}}, false).ok());
  }
  for (int round = 0; round < Repeated(200, 20); ++round) {
    RowOverlay asked(*store_, RowOverlay::Found::kWhenAsked);
    RowOverlay always(*store_);
    for (uint64_t i = random() % 60; i > 0; --i) {
      const Family family = families[random() % families.size()];
      std::string key(1, static_cast<char>('a' + random() % 4));
      if (random() % 2 == 0) key += 'k';
      const std::string value = std::to_string(random() % 100);
      switch (random() % 4) {
        case 0: {
          const auto one = asked.Get(family, key);
          const auto other = always.Get(family, key);
          ASSERT_TRUE(one.ok() && other.ok());
          EXPECT_EQ(*one, *other);
          break;
        }
        case 1:
          for (RowOverlay* rows : {&asked, &always}) {
            const StatusOr<std::string*> edited = rows->Edit(family, key);
            ASSERT_TRUE(edited.ok());
            **edited += value;
          }
          break;
        default:
          asked.Put(family, key, value);
          always.Put(family, key, value);
      }
    }
    const auto last = [](const RowOverlay& overlay) {
      std::map<std::pair<Family, std::string>, std::string> rows;
      for (const Row& row : overlay.rows()) rows[{row.family, row.key}] = row.value;
      return rows;
    };
    EXPECT_EQ(last(asked), last(always));
    EXPECT_EQ(always.rows().size(), last(always).size());
  }
}

// What was taken back might as well never have been: rows, their order and every search are those of an overlay that
// got the rest only.
TEST_F(RowOverlayTest, RandomChangesTakenBackLeaveNoTrace) {
  std::mt19937_64 random(7);
  const std::vector<Family> families = {Family::kStreams, Family::kTimelines, Family::kEdges};
  for (int round = 0; round < Repeated(200, 20); ++round) {
    RowOverlay with(*store_);
    RowOverlay without(*store_);
    const auto change = [&](uint64_t seed, RowOverlay& rows) {
      std::mt19937_64 of_change(seed);
      const Family family = families[of_change() % families.size()];
      std::string key = std::string(1, static_cast<char>('a' + of_change() % 8));
      std::string value = std::to_string(of_change() % 100);
      if (family == Family::kEdges) return rows.PutUnread(family, std::move(key), std::move(value));
      if (of_change() % 2 == 0) return rows.Put(family, std::move(key), std::move(value));
      const StatusOr<std::string*> edited = rows.Edit(family, std::move(key));
      ASSERT_TRUE(edited.ok());
      **edited += value;
    };
    for (int run = 0; run < 6; ++run) {
      const bool taken_back = random() % 2 == 0;
      with.Mark();
      for (uint64_t i = random() % 6; i > 0; --i) {
        const uint64_t seed = random();
        change(seed, with);
        if (!taken_back) change(seed, without);
        // Makes it sort its edges at any time.
        if (random() % 3 == 0) ASSERT_TRUE(with.LastAtOrBefore(Family::kEdges, "", "d").ok());
      }
      taken_back ? with.TakeBack() : with.Keep();
    }
    ASSERT_EQ(with.rows().size(), without.rows().size());
    for (size_t i = 0; i < with.rows().size(); ++i) {
      EXPECT_EQ(with.rows()[i].family, without.rows()[i].family);
      EXPECT_EQ(with.rows()[i].key, without.rows()[i].key);
      EXPECT_EQ(with.rows()[i].value, without.rows()[i].value);
    }
    for (const Family family : families) {
      for (const char* key : {"a", "c", "e", "g", "z"}) {
        EXPECT_EQ(*with.Get(family, key), *without.Get(family, key));
        const auto one = with.LastAtOrBefore(family, "", key);
        const auto other = without.LastAtOrBefore(family, "", key);
        ASSERT_TRUE(one.ok() && other.ok());
        ASSERT_EQ(one->has_value(), other->has_value());
        if (one->has_value()) EXPECT_EQ((*one)->key, (*other)->key);
      }
    }
  }
}

}  // namespace
}  // namespace anamnesis
