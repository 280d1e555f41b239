#include "node/cluster/barriers.h"

#include <memory>
#include <optional>
#include <vector>

#include "gtest/gtest.h"

namespace anamnesis {
namespace {

constexpr int64_t kSecond = 1'000'000;

class BarriersTest : public testing::Test {
 protected:
  // How a barrier ended; nullopt while it has not.
  std::optional<Status>& Begin(int64_t now_us = 0) {
    std::optional<Status>& outcome = *outcomes_.emplace_back(std::make_unique<std::optional<Status>>());
    barriers_.Begin(now_us, [&outcome](const Status& status) {
      EXPECT_FALSE(outcome.has_value());
      outcome = status;
    });
    return outcome;
  }

  std::vector<uint64_t> puts_;
  std::vector<std::unique_ptr<std::optional<Status>>> outcomes_;
  Barriers barriers_{[this](uint64_t number) { puts_.push_back(number); }};
};

TEST_F(BarriersTest, EndsWhenWhatIsSettledHasReachedThePut) {
  std::optional<Status>& outcome = Begin();
  ASSERT_EQ(puts_.size(), 1u);
  barriers_.OnSettled(Revision(20));
  barriers_.OnPut(puts_[0], Revision(22));
  barriers_.OnSettled(Revision(21));
  EXPECT_FALSE(outcome.has_value());
  barriers_.OnSettled(Revision(22));
  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(outcome->ok());
}

TEST_F(BarriersTest, TheWatchMayBeFasterThanTheAnswer) {
  std::optional<Status>& outcome = Begin();
  barriers_.OnSettled(Revision(25));
  EXPECT_FALSE(outcome.has_value());
  barriers_.OnPut(puts_[0], Revision(22));
  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(outcome->ok());
}

TEST_F(BarriersTest, AnUnknownOutcomeIsPutAgain) {
  std::optional<Status>& outcome = Begin();
  barriers_.Tick(kSecond / 10);
  EXPECT_EQ(puts_.size(), 1u);
  barriers_.OnPut(puts_[0], absl::UnknownError("no answer"));
  // Wherever the first put was: only an answered one counts.
  barriers_.OnSettled(Revision(30));
  EXPECT_FALSE(outcome.has_value());
  barriers_.Tick(kSecond / 5);
  ASSERT_EQ(puts_.size(), 2u);
  barriers_.OnPut(puts_[1], Revision(31));
  barriers_.OnSettled(Revision(31));
  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(outcome->ok());
  barriers_.Tick(kSecond);
  EXPECT_EQ(puts_.size(), 2u);
}

TEST_F(BarriersTest, WhenEtcdCantBeAskedItIsUnavailable) {
  std::optional<Status>& outcome = Begin();
  barriers_.OnPut(puts_[0], absl::PermissionDeniedError("not this user"));
  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(absl::IsUnavailable(*outcome)) << *outcome;
}

TEST_F(BarriersTest, WhatTakesTooLongOrCantComeIsUnavailable) {
  std::optional<Status>& late = Begin();
  std::optional<Status>& other = Begin(20 * kSecond);
  barriers_.OnPut(puts_[0], Revision(5));
  barriers_.Tick(31 * kSecond);
  ASSERT_TRUE(late.has_value());
  EXPECT_TRUE(absl::IsUnavailable(*late));
  EXPECT_FALSE(other.has_value());
  barriers_.Fail(absl::UnavailableError("this node has stopped"));
  ASSERT_TRUE(other.has_value());
  EXPECT_TRUE(absl::IsUnavailable(*other));
  // What comes later finds nobody.
  barriers_.OnPut(puts_[1], Revision(6));
  barriers_.OnSettled(Revision(9));
}

}  // namespace
}  // namespace anamnesis
