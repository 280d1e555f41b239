// Who an agent is at a time, by the rows of a real ledger.

#include "ledger/state/authority.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_run.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

class AuthorityTest : public testing::Test {
 protected:
  void SetUp() override { Accept(admin_.Write(FoundingDrafts(admin_))); }

  void Accept(const v1::Run& run) {
    const auto verdict = ledger_.Append(run);
    ASSERT_TRUE(verdict.ok()) << verdict.status();
  }

  AgentStanding Standing(std::string_view kind, std::string_view id, Timestamp at) {
    const StatusOr<AgentStanding> standing = FindStanding(ledger_.rows(), MakeAgent(kind, id), at);
    EXPECT_TRUE(standing.ok()) << standing.status();
    return *standing;
  }
  Timestamp now() const { return ledger_.next_proposed(); }

  TestLedger ledger_;
  TestWriter admin_{"person", "admin", 1};
};

TEST_F(AuthorityTest, TheFounderIsKnownAsAdministrator) {
  const AgentStanding founder = Standing("person", "admin", now());
  EXPECT_EQ(founder.unknown_because, "");
  EXPECT_THAT(founder.roles, UnorderedElementsAre(v1::ADMINISTRATOR));
}

TEST_F(AuthorityTest, WithoutCredentialAnAgentIsUnknown) {
  Accept(admin_.Write({EnrolPerson("bob")}));
  EXPECT_THAT(Standing("person", "bob", now()).unknown_because, HasSubstr("no credential was issued to person:bob"));
  // Names that begin alike, or the same id of another kind, are others.
  Accept(admin_.Write({IssueKey("person", "bob", KeyOfSeed(2).public_key())}));
  EXPECT_EQ(Standing("person", "bob", now()).unknown_because, "");
  for (const auto& [kind, id] :
       {std::pair("person", "bo"), {"person", "bobby"}, {"software", "bob"}, {"perso", "nbob"}}) {
    EXPECT_NE(Standing(kind, id, now()).unknown_because, "") << kind << id;
  }
}

TEST_F(AuthorityTest, ARevokedOrExpiredKeyIsNoCredential) {
  const int64_t until = now().us + 60'000'000;
  Accept(admin_.Write({IssueKey("device_unit", "ICU-7", KeyOfSeed(2).public_key(), now().us, until)}));
  EXPECT_EQ(Standing("device_unit", "ICU-7", now()).unknown_because, "");
  EXPECT_THAT(Standing("device_unit", "ICU-7", Timestamp(until)).unknown_because, HasSubstr("expired"));
  EXPECT_THAT(Standing("device_unit", "ICU-7", kTestStart).unknown_because, HasSubstr("valid only from"));
  Accept(admin_.Write({RevokeKey("device_unit", "ICU-7", KeyOfSeed(2).public_key())}));
  EXPECT_THAT(Standing("device_unit", "ICU-7", now()).unknown_because, HasSubstr("revoked"));
}

TEST_F(AuthorityTest, OneKeyInForceIsEnough) {
  for (uint64_t seed = 2; seed < 6; ++seed) {
    Accept(admin_.Write({IssueKey("person", "bob", KeyOfSeed(seed).public_key())}));
  }
  for (uint64_t seed : {5, 2, 4}) {
    Accept(admin_.Write({RevokeKey("person", "bob", KeyOfSeed(seed).public_key())}));
    EXPECT_EQ(Standing("person", "bob", now()).unknown_because, "") << seed;
  }
  Accept(admin_.Write({RevokeKey("person", "bob", KeyOfSeed(3).public_key())}));
  EXPECT_THAT(Standing("person", "bob", now()).unknown_because, HasSubstr("revoked"));
}

TEST_F(AuthorityTest, RolesAreThoseInForce) {
  const int64_t until = now().us + 60'000'000;
  Accept(admin_.Write({GrantRole("bob", v1::AUTHOR), GrantRole("bob", v1::GATEWAY, 0, until),
                       GrantRole("bobby", v1::ADMINISTRATOR), GrantRole("bob", v1::VERIFIER)}));
  Accept(admin_.Write({WithdrawRole("bob", v1::VERIFIER)}));
  EXPECT_THAT(Standing("person", "bob", now()).roles, UnorderedElementsAre(v1::AUTHOR, v1::GATEWAY));
  EXPECT_THAT(Standing("person", "bob", Timestamp(until)).roles, UnorderedElementsAre(v1::AUTHOR));
}

}  // namespace
}  // namespace anamnesis
