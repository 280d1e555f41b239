// Who an agent is at a time, by the rows of a real ledger.

#include "ledger/state/authority.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "anamnesis/v1/vocabulary_delegation.pb.h"
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

TEST_F(AuthorityTest, ARoleWithLimitsIsNoneForCalls) {
  for (const auto& limit : std::vector<std::function<void(v1::Scope&)>>{
           [](v1::Scope& scope) { scope.add_items("alarm"); }, [](v1::Scope& scope) { scope.add_jurisdictions("DE"); },
           [](v1::Scope& scope) { scope.set_class_max(v1::SOFTWARE_SAFETY_CLASS_B); }}) {
    EventDraft grant = GrantRole("bob", v1::ADMINISTRATOR);
    auto body = std::make_shared<v1::RoleGranted>(static_cast<const v1::RoleGranted&>(*grant.body));
    limit(*body->mutable_scope());
    grant.body = body;
    Accept(admin_.Write({grant, GrantRole("bob", v1::GATEWAY)}));
    EXPECT_THAT(Standing("person", "bob", now()).roles, UnorderedElementsAre(v1::GATEWAY));
  }
}

TEST_F(AuthorityTest, RevokedAndLostWinOverRotated) {
  const auto rotate = [&](uint64_t seed, int64_t until_us) {
    v1::CredentialRotated body;
    body.set_old_public_key(KeyOfSeed(seed).public_key().bytes());
    body.set_new_public_key(KeyOfSeed(seed + 1).public_key().bytes());
    body.set_old_key_until_us(until_us);
    EventDraft draft = Draft(body);
    AddReference(draft, "holder", "node", "n1");
    return draft;
  };
  const auto state_of = [&](uint64_t seed) {
    return *FindCredential(ledger_.rows(), KeyOfSeed(seed).public_key().view()).value();
  };
  const int64_t early = now().us - 1'000'000;
  const int64_t late = now().us + 3'600'000'000;
  Accept(admin_.Write({IssueKey("node", "n1", KeyOfSeed(20).public_key()), rotate(20, early), rotate(21, late)}));
  EXPECT_EQ(state_of(20).revoked_because(), "rotated");

  // Rotated out before it was lost: lost all the same, and no later than it was rotated.
  v1::CredentialReportedLost lost;
  lost.set_public_key(KeyOfSeed(20).public_key().bytes());
  lost.set_lost_since_us(late);
  EventDraft draft = Draft(lost);
  AddReference(draft, "holder", "node", "n1");
  draft.header.set_rationale("gone");
  Accept(admin_.Write({draft}));
  EXPECT_EQ(state_of(20).revoked_because(), "reported lost");
  EXPECT_EQ(state_of(20).revoked_from_us(), early);
  EXPECT_EQ(state_of(20).revoked_index(), ledger_.size().value - 1);

  // To be rotated out later, and revoked now.
  Accept(admin_.Write({RevokeKey("node", "n1", KeyOfSeed(21).public_key())}));
  EXPECT_EQ(state_of(21).revoked_because(), "revoked");
  EXPECT_LT(state_of(21).revoked_from_us(), late);

  // A rotation after a revocation takes nothing back.
  Accept(admin_.Write({RevokeKey("node", "n1", KeyOfSeed(22).public_key())}));
  const int64_t from = state_of(22).revoked_from_us();
  Accept(admin_.Write({rotate(22, from - 5)}));
  EXPECT_EQ(state_of(22).revoked_because(), "revoked");
  EXPECT_EQ(state_of(22).revoked_from_us(), from - 5);
}

}  // namespace
}  // namespace anamnesis
