// Standings asked for over and over are answered from memory, and a change holds from the next question on.

#include "ledger/engine/authority_rows.h"

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ledger/engine/ledger.h"
#include "ledger/store/store.h"
#include "tests/ledger/engine/stored_ledger.h"
#include "tests/support/scratch_directory.h"
#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Counts what is asked of a store, and can do something between a question and its answer.
class WatchedRows : public RowReader {
 public:
  explicit WatchedRows(const RowReader& rows) : rows_(rows) {}
  StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override {
    ++asked;
    StatusOr<std::optional<std::string>> value = rows_.Get(family, key);
    if (before_answer) std::exchange(before_answer, nullptr)();
    return value;
  }
  StatusOr<std::optional<Row>> LastAtOrBefore(Family family, std::string_view prefix,
                                              std::string_view key) const override {
    ++asked;
    return rows_.LastAtOrBefore(family, prefix, key);
  }
  Status Scan(Family family, std::string_view prefix, std::string_view from, const Visitor& visit) const override {
    ++asked;
    return rows_.Scan(family, prefix, from, visit);
  }
  Status ScanBackwards(Family family, std::string_view prefix, std::string_view from,
                       const Visitor& visit) const override {
    ++asked;
    return rows_.ScanBackwards(family, prefix, from, visit);
  }

  mutable uint64_t asked = 0;
  mutable std::function<void()> before_answer;

 private:
  const RowReader& rows_;
};

class AuthorityRowsTest : public testing::Test {
 protected:
  void Put(std::string key, std::string value, Family family = Family::kAuthority) {
    ASSERT_TRUE(store_->Write({{family, std::move(key), std::move(value)}}, false).ok());
  }
  std::string Get(std::string_view key) {
    const auto found = rows_.Get(Family::kAuthority, key);
    return found.ok() ? found->value_or("nothing") : found.status().ToString();
  }
  std::vector<std::string> Scan(std::string_view prefix, size_t rows_max = 1000) {
    std::vector<std::string> found;
    EXPECT_TRUE(rows_
                    .Scan(Family::kAuthority, prefix, prefix,
                          [&](std::string_view key, std::string_view value) {
                            found.push_back(Text(key, "=", value));
                            return found.size() < rows_max;
                          })
                    .ok());
    return found;
  }

  std::unique_ptr<Store> store_ = MakeMemoryStore();
  WatchedRows watched_{*store_};
  AuthorityRows rows_{watched_};
};

TEST_F(AuthorityRowsTest, AsksOnceUntilSomethingChanged) {
  Put("k1", "old");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Get("k1"), "old");
  EXPECT_EQ(watched_.asked, 1u);
  Put("k1", "new");
  rows_.Changed();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Get("k1"), "new");
  EXPECT_EQ(watched_.asked, 2u);
}

TEST_F(AuthorityRowsTest, ScansAreKeptAsAWholeEvenWhenTheVisitorStops) {
  Put("r1", "a");
  Put("r2", "b");
  EXPECT_THAT(Scan("r", 1), ElementsAre("r1=a"));
  EXPECT_THAT(Scan("r"), ElementsAre("r1=a", "r2=b"));
  EXPECT_THAT(Scan("s"), IsEmpty());
  EXPECT_THAT(Scan("s"), IsEmpty());
  EXPECT_EQ(watched_.asked, 2u);
  Put("s1", "c");
  rows_.Changed();
  EXPECT_THAT(Scan("s"), ElementsAre("s1=c"));
}

TEST_F(AuthorityRowsTest, BothDirectionsAndAllStartsAreDifferentQuestions) {
  Put("r1", "a");
  Put("r2", "b");
  EXPECT_THAT(Scan("r"), ElementsAre("r1=a", "r2=b"));
  std::vector<std::string> found;
  for (const std::string from : {"r2", "r1"}) {
    ASSERT_TRUE(rows_
                    .ScanBackwards(Family::kAuthority, "r", from,
                                   [&](std::string_view key, std::string_view) {
                                     found.emplace_back(key);
                                     return true;
                                   })
                    .ok());
  }
  EXPECT_THAT(found, ElementsAre("r2", "r1", "r1"));
}

TEST_F(AuthorityRowsTest, WhatWasReadBeforeAChangeIsNotKeptAfterIt) {
  Put("k1", "old");
  watched_.before_answer = [this] {
    Put("k1", "new");
    rows_.Changed();
  };
  EXPECT_EQ(Get("k1"), "old");
  EXPECT_EQ(Get("k1"), "new");
  EXPECT_EQ(Get("k1"), "new");
}

TEST_F(AuthorityRowsTest, ALateAnswerDoesNotReplaceANewerOne) {
  Put("k1", "old");
  watched_.before_answer = [this] {
    Put("k1", "new");
    rows_.Changed();
    EXPECT_EQ(Get("k1"), "new");
  };
  EXPECT_EQ(Get("k1"), "old");
  EXPECT_EQ(Get("k1"), "new");
}

TEST_F(AuthorityRowsTest, UnknownKeysAreNotKept) {
  EXPECT_EQ(Get("k1"), "nothing");
  Put("k1", "there");
  EXPECT_EQ(Get("k1"), "there");
}

TEST_F(AuthorityRowsTest, MoreThanIsKeptIsStillAnswered) {
  for (size_t i = 0; i < 2 * AuthorityRows::kAnswersMax; ++i) {
    const std::string key = Text("k", i);
    Put(key, key);
    ASSERT_EQ(Get(key), key);
  }
  EXPECT_EQ(Get("k0"), "k0");
  for (size_t i = 0; i <= AuthorityRows::kScanRowsMax; ++i) Put(Text("r", LeafKey(LeafIndex(i))), "a");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(Scan("r").size(), AuthorityRows::kScanRowsMax + 1);
}

TEST_F(AuthorityRowsTest, OtherFamiliesAreNotKept) {
  Put("s1", "old", Family::kStreams);
  EXPECT_EQ(rows_.Get(Family::kStreams, "s1")->value(), "old");
  Put("s1", "new", Family::kStreams);
  EXPECT_EQ(rows_.Get(Family::kStreams, "s1")->value(), "new");
}

// Over a ledger on disk, with what was asked before in memory.
class StandingTest : public testing::Test {
 protected:
  AgentStanding Standing(std::string_view kind, std::string_view id) {
    StatusOr<AgentStanding> standing = maker_.ledger().FindStanding(MakeAgent(kind, id));
    EXPECT_TRUE(standing.ok()) << standing.status();
    return *standing;
  }
  bool IsRevoked(const PublicKey& key) {
    v1::GetCredentialRequest request;
    request.set_public_key(std::string(key.view()));
    const StatusOr<v1::Credential> credential = maker_.ledger().GetCredential(request);
    EXPECT_TRUE(credential.ok()) << credential.status();
    return credential->has_revoked_index();
  }
  Timestamp now() { return maker_.clock().Now(); }

  ScratchDirectory scratch_;
  LedgerMaker maker_{scratch_.path() + "/ledger"};
};

TEST_F(StandingTest, ARevocationHoldsAtTheNextQuestion) {
  const PublicKey key = KeyOfSeed(10).public_key();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Standing("device_unit", "ICU-0").unknown_because, "");
  EXPECT_FALSE(IsRevoked(key));
  maker_.Append(maker_.admin().Write({RevokeKey("device_unit", "ICU-0", key)}));
  EXPECT_THAT(Standing("device_unit", "ICU-0").unknown_because, HasSubstr("was revoked"));
  EXPECT_TRUE(IsRevoked(key));
  EXPECT_EQ(Standing("device_unit", "ICU-1").unknown_because, "");
}

TEST_F(StandingTest, RolesComeAndGoAtTheNextQuestion) {
  EXPECT_THAT(Standing("person", "q").roles, ElementsAre(v1::QUALITY_OFFICER));
  maker_.Append(maker_.admin().Write({GrantRole("q", v1::GATEWAY)}));
  EXPECT_THAT(Standing("person", "q").roles, testing::UnorderedElementsAre(v1::QUALITY_OFFICER, v1::GATEWAY));
  maker_.Append(maker_.admin().Write({WithdrawRole("q", v1::GATEWAY)}));
  EXPECT_THAT(Standing("person", "q").roles, ElementsAre(v1::QUALITY_OFFICER));
  maker_.Append(maker_.admin().Write({IssueKey("person", "new", KeyOfSeed(50).public_key())}));
  EXPECT_EQ(Standing("person", "new").unknown_because, "");
}

TEST_F(StandingTest, TimesOfValidityAreLookedAtEachTime) {
  // The clock goes on by a millisecond with each question.
  const int64_t from = now().us + 500'000;
  const int64_t until = from + 500'000;
  maker_.Append(maker_.admin().Write({IssueKey("person", "temp", KeyOfSeed(51).public_key(), from, until),
                                      GrantRole("temp", v1::GATEWAY, from, until)}));
  std::vector<std::string> seen;
  while (now().us < until + 10'000) {
    const AgentStanding standing = Standing("person", "temp");
    const std::string why = standing.unknown_because.empty()                                  ? "in force"
                            : standing.unknown_because.find("only from") != std::string::npos ? "not yet"
                            : standing.unknown_because.find("expired") != std::string::npos   ? "expired"
                                                                                              : "otherwise";
    EXPECT_EQ(standing.roles.empty(), why != "in force");
    if (seen.empty() || seen.back() != why) seen.push_back(why);
  }
  EXPECT_THAT(seen, ElementsAre("not yet", "in force", "expired"));
}

TEST_F(StandingTest, AcknowledgedChangesAreSeenUnderQuestionsFromOtherThreads) {
  std::atomic<bool> stop = false;
  std::vector<std::thread> asking;
  for (int i = 0; i < 2; ++i) {
    asking.emplace_back([&] {
      while (!stop) EXPECT_TRUE(maker_.ledger().FindStanding(MakeAgent("person", "q")).ok());
    });
  }
  for (int i = 0; i < 100; ++i) {
    maker_.Append(maker_.admin().Write({GrantRole("q", v1::GATEWAY)}));
    EXPECT_EQ(Standing("person", "q").roles.size(), 2u);
    maker_.Append(maker_.admin().Write({WithdrawRole("q", v1::GATEWAY)}));
    EXPECT_EQ(Standing("person", "q").roles.size(), 1u);
  }
  stop = true;
  for (std::thread& thread : asking) thread.join();
}

}  // namespace
}  // namespace anamnesis
