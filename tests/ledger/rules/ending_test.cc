// Who ends a key or a role: whose it is and who administers, and never so that nobody is left to administer.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ledger/rules/small_world.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

// Beside the small world, `quality_` is QUALITY_OFFICER and no administrator, and `node_` has a key for checkpoints.
class EndingTest : public SmallWorld {
 protected:
  void SetUp() override {
    SmallWorld::SetUp();
    v1::CredentialIssued checkpoints;
    checkpoints.set_public_key(KeyOfSeed(5).public_key().bytes());
    checkpoints.set_purpose(v1::CredentialIssued::CHECKPOINT);
    Accept(admin_.Write({EnrolPerson("quality"), IssueKey("person", "quality", quality_.key().public_key()),
                         GrantRole("quality", v1::QUALITY_OFFICER), IssueKey("node", "n1", node_.key().public_key()),
                         DraftWith(checkpoints, {"holder=node:n1"})}));
  }

  static EventDraft Lost(const std::string& holder, const PublicKey& key, int64_t since_us = 0) {
    v1::CredentialReportedLost body;
    body.set_public_key(key.bytes());
    body.set_lost_since_us(since_us);
    EventDraft draft = DraftWith(body, {"holder=" + holder});
    draft.header.set_rationale("left on a train");
    return draft;
  }
  static EventDraft Rotate(const std::string& holder, const PublicKey& old_key, const PublicKey& new_key,
                           int64_t until_us = 0) {
    v1::CredentialRotated body;
    body.set_old_public_key(old_key.bytes());
    body.set_new_public_key(new_key.bytes());
    body.set_valid_until_us(until_us);
    return DraftWith(body, {"holder=" + holder});
  }
  v1::RefusalReason Refused(TestWriter& writer, const EventDraft& draft) {
    return DetailOf(Try(writer, draft)).reason();
  }
  bool MayWrite(TestWriter& writer) { return Try(writer, ReferToDocument("d")).ok(); }

  TestWriter quality_{"person", "quality", 4};
  TestWriter node_{"node", "n1", 6};
  const int64_t long_ago_ = kTestStart.us - int64_t{900} * 86'400'000'000;
};

TEST_F(EndingTest, NobodyReportsAStrangersKeyLost) {
  for (TestWriter* writer : {&unit_, &eve_, &node_}) {
    const Status status = Try(*writer, Lost("person:admin", admin_.key().public_key()));
    EXPECT_EQ(DetailOf(status).reason(), v1::ROLE_MISSING) << writer->stream();
    EXPECT_THAT(std::string(MessageOf(status)), HasSubstr("ADMINISTRATOR or QUALITY_OFFICER"));
    EXPECT_EQ(Refused(*writer, Lost("person:quality", quality_.key().public_key(), long_ago_)), v1::ROLE_MISSING);
  }
  EXPECT_TRUE(MayWrite(admin_));
  EXPECT_TRUE(MayWrite(quality_));
}

TEST_F(EndingTest, EachReportsTheirOwn) {
  EXPECT_TRUE(Try(unit_, Lost("device_unit:ICU-7", unit_.key().public_key(), long_ago_)).ok());
  EXPECT_EQ(Refused(unit_, ReferToDocument("d")), v1::KEY_NOT_VALID);
  EXPECT_TRUE(Try(eve_, Lost("person:eve", eve_.key().public_key())).ok());
  EXPECT_EQ(Refused(eve_, ReferToDocument("d")), v1::KEY_NOT_VALID);
}

TEST_F(EndingTest, AQualityOfficerEndsKeysFromNowOnAndNoAdministrators) {
  EXPECT_EQ(Refused(quality_, Lost("person:admin", admin_.key().public_key())), v1::ROLE_MISSING);
  EXPECT_EQ(Refused(quality_, Lost("person:eve", eve_.key().public_key(), long_ago_)), v1::ROLE_MISSING);
  EXPECT_TRUE(Try(quality_, Lost("person:eve", eve_.key().public_key())).ok());
  EXPECT_FALSE(MayWrite(eve_));
  EXPECT_TRUE(Try(admin_, Lost("device_unit:ICU-7", unit_.key().public_key(), long_ago_)).ok());
  EXPECT_FALSE(MayWrite(unit_));
}

TEST_F(EndingTest, KeysForCheckpointsAreTheAdministrators) {
  const EventDraft lost = Lost("node:n1", KeyOfSeed(5).public_key(), long_ago_);
  for (TestWriter* writer : {&unit_, &quality_, &node_}) {
    EXPECT_EQ(Refused(*writer, lost), v1::ROLE_MISSING) << writer->stream();
  }
  EXPECT_TRUE(Try(admin_, lost).ok());
}

TEST_F(EndingTest, AnAdministratorIsLeft) {
  const PublicKey own = admin_.key().public_key();
  for (const EventDraft& draft :
       {WithdrawRole("admin", v1::ADMINISTRATOR), Lost("person:admin", own), RevokeKey("person", "admin", own),
        RevokeKey("person", "admin", own, kTestStart.us + 3'600'000'000),
        Rotate("person:admin", own, KeyOfSeed(20).public_key(), kTestStart.us)}) {
    EXPECT_EQ(Refused(admin_, draft), v1::NOT_THE_WRITER);
  }
  // Nor by several at once.
  const StatusOr<RunVerdict> both =
      ledger_.Append(admin_.Write({Rotate("person:admin", own, KeyOfSeed(20).public_key()),
                                   RevokeKey("person", "admin", KeyOfSeed(20).public_key())}));
  EXPECT_EQ(DetailOf(both.status()).reason(), v1::NOT_THE_WRITER);
  EXPECT_EQ(DetailOf(both.status()).event_index(), 1u);
}

TEST_F(EndingTest, AnAdministratorIsLeftWhenTheKeyThatSaysSoEndsItself) {
  const PublicKey own = admin_.key().public_key();
  const PublicKey second = KeyOfSeed(20).public_key();
  const v1::Run run = admin_.Write(
      {Rotate("person:admin", own, second), Rotate("person:admin", second, KeyOfSeed(21).public_key(), kTestStart.us)});
  const StatusOr<RunVerdict> both = ledger_.Append(run);
  EXPECT_EQ(DetailOf(both.status()).reason(), v1::NOT_THE_WRITER);
  EXPECT_EQ(DetailOf(both.status()).event_index(), 1u);
  v1::EventHeader first;
  ASSERT_TRUE(first.ParseFromString(run.headers(0)));
  admin_.RewindTo(first.stream_position() - 1);
  // With an overlap too: after it only the other one is left.
  v1::CredentialRotated overlap;
  overlap.set_old_public_key(own.bytes());
  overlap.set_new_public_key(second.bytes());
  overlap.set_old_key_until_us(kTestStart.us + 3'600'000'000);
  ASSERT_TRUE(Try(admin_, DraftWith(overlap, {"holder=person:admin"})).ok());
  EXPECT_EQ(Refused(admin_, Rotate("person:admin", second, KeyOfSeed(21).public_key(), kTestStart.us)),
            v1::NOT_THE_WRITER);
  EXPECT_EQ(Refused(admin_, RevokeKey("person", "admin", second)), v1::NOT_THE_WRITER);
  EXPECT_EQ(Refused(admin_, Lost("person:admin", second)), v1::NOT_THE_WRITER);
  TestWriter renewed("person", "admin", 20, kTestOrigin, "person/admin/renewed");
  EXPECT_TRUE(Try(renewed, RevokeKey("person", "admin", own)).ok()) << "by the one that stays";
}

TEST_F(EndingTest, AStolenKeyOfTheLastAdministratorIsEndedByAnother) {
  const PublicKey stolen = admin_.key().public_key();
  EXPECT_TRUE(Try(admin_, Rotate("person:admin", stolen, KeyOfSeed(20).public_key())).ok());
  EXPECT_EQ(Refused(admin_, ReferToDocument("d")), v1::KEY_NOT_VALID);
  TestWriter renewed("person", "admin", 20, kTestOrigin, "person/admin/renewed");
  EXPECT_TRUE(Try(renewed, Lost("person:admin", stolen, long_ago_)).ok());
  // And where there are two, either ends what is the other's.
  TestWriter second("person", "second", 21);
  Accept(renewed.Write({EnrolPerson("second"), IssueKey("person", "second", second.key().public_key()),
                        GrantRole("second", v1::ADMINISTRATOR)}));
  EXPECT_TRUE(Try(second, RevokeKey("person", "admin", renewed.key().public_key())).ok());
  EXPECT_TRUE(Try(second, WithdrawRole("admin", v1::ADMINISTRATOR)).ok());
  EXPECT_FALSE(MayWrite(renewed));
}

}  // namespace
}  // namespace anamnesis
