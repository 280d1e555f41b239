#include "node/cluster/wire.h"

#include "gtest/gtest.h"
#include "ledger/crypto/sha256.h"

namespace anamnesis {
namespace {

TEST(WireTest, RecordsAndMembersComeBack) {
  const OrderRecord record{{SessionId(7), BatchNumber(300)}, Sha256({"a batch"}), 7, "node-a"};
  const StatusOr<OrderRecord> parsed = ParseOrderRecord(ToProto(record).SerializeAsString());
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, record);

  Members members;
  members.revision = Revision(9);
  members.incarnation = 2;
  internal::ClusterMembersChange change;
  change.set_rationale("a new machine");
  members.change = change.SerializeAsString();
  members.voters = {{"a", "Site A", "127.0.0.1:1", "a.example"}, {"b", "", "127.0.0.1:2", ""}};
  members.learners = {{"c", "", "127.0.0.1:3", ""}};
  const StatusOr<Members> read = ParseMembers(ToProto(members).SerializeAsString());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, members);
}

TEST(WireTest, WhatIsNoRecordIsRefused) {
  EXPECT_FALSE(ParseOrderRecord("\xff").ok());
  EXPECT_FALSE(ParseOrderRecord("").ok());
  internal::OrderRecord short_digest = ToProto({{SessionId(7), BatchNumber(1)}, Digest(), 7, "a"});
  short_digest.set_digest("short");
  EXPECT_FALSE(FromProto(short_digest).ok());
  for (const OrderRecord& record : {OrderRecord{{SessionId(0), BatchNumber(1)}, Digest(), 7, "a"},
                                    OrderRecord{{SessionId(7), BatchNumber(0)}, Digest(), 7, "a"},
                                    OrderRecord{{SessionId(7), BatchNumber(1)}, Digest(), 0, "a"}}) {
    EXPECT_FALSE(FromProto(ToProto(record)).ok());
  }
  EXPECT_FALSE(ParseMembers("\xff").ok());
  Members members;
  members.change = "what every node would make an event of";
  EXPECT_FALSE(ParseMembers(ToProto(members).SerializeAsString()).ok());
}

TEST(WireTest, OrderKeysAreInTheOrderOfNumbers) {
  EXPECT_LT(OrderKey({SessionId(9), BatchNumber(255)}), OrderKey({SessionId(9), BatchNumber(256)}));
  EXPECT_LT(OrderKey({SessionId(9), BatchNumber(256)}), OrderKey({SessionId(16), BatchNumber(1)}));
  EXPECT_TRUE(OrderKey({SessionId(9), BatchNumber(1)}).starts_with(OrderKeysOf(SessionId(9))));
  EXPECT_FALSE(OrderKey({SessionId(0x90), BatchNumber(1)}).starts_with(OrderKeysOf(SessionId(9))));
  EXPECT_EQ(SessionOfOrderKey(OrderKey({SessionId(0x90), BatchNumber(1)})), SessionId(0x90));
  for (const char* key : {"orders/9/1", "orders/000000000000000g/1", "orders/0000000000000009", "sessions/a", ""}) {
    EXPECT_EQ(SessionOfOrderKey(key), std::nullopt) << key;
  }
}

}  // namespace
}  // namespace anamnesis
