#include "node/cluster/order_in_etcd.h"

#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "node/cluster/etcd_members.h"
#include "node/cluster/wire.h"
#include "tests/node/etcd/etcd_process.h"

namespace anamnesis {
namespace {

using testing::HasSubstr;

constexpr uint64_t kBase = 100;

// A node of an order that was never recovered.
NodeReport Report(Revision applied, AppliedNumbers numbers) {
  NodeReport report;
  report.node = "a";
  report.members.voters = {{"a", "", "127.0.0.1:1", ""}};
  report.members.revision = Revision(kBase + 2);
  report.applied = applied;
  report.applied_numbers = std::move(numbers);
  return report;
}

TEST(OrderInEtcdTest, WhoHasAppliedWhatIsNotInItDoesNotGoOn) {
  ANAMNESIS_NEEDS_ETCD();
  const EtcdCluster etcd;
  const auto client = etcd.Connect();
  const auto none = OrderInEtcd::Read(*client);
  ASSERT_TRUE(none.ok()) << none.status();
  EXPECT_FALSE(none->has_value());

  const NodeReport founder = Report(Revision(kBase), {});
  ASSERT_TRUE(client->Txn(Founding(Revision(kBase), founder.members)).ok());
  const auto session =
      SessionId(kBase + static_cast<uint64_t>(client->Txn(EtcdTxn().ThenPut(SessionKey("a"), ""))->revision));
  const auto put = client->Txn(EtcdTxn().ThenPut(OrderKey({session, BatchNumber(1)}), "x"));
  const Revision ordered(kBase + static_cast<uint64_t>(put->revision));
  const auto there = OrderInEtcd::Read(*client);
  ASSERT_TRUE(there.ok() && there->has_value()) << there.status();
  EXPECT_EQ((*there)->incarnation(), 0u);

  // Who is behind, and who has applied all.
  EXPECT_TRUE((*there)->CheckGoesOn(Report(Revision(session.value), {})).ok());
  const NodeReport all = Report(ordered, {{session, BatchNumber(1)}});
  EXPECT_TRUE((*there)->CheckGoesOn(all).ok());

  const auto refused = [&](const NodeReport& report) {
    const Status status = (*there)->CheckGoesOn(report);
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    return status.ToString();
  };
  EXPECT_THAT(refused(Report(Revision(ordered.value + 1), all.applied_numbers)), HasSubstr("snapshot"));
  // As far, but with other batches: one more that it lacks, and one that it has.
  EXPECT_THAT(refused(Report(ordered, {{session, BatchNumber(2)}})), HasSubstr("lost history"));
  EXPECT_THAT(refused(Report(ordered, {})), HasSubstr("lost history"));
  NodeReport later = all;
  later.members.incarnation = 1;
  EXPECT_THAT(refused(later), HasSubstr("incarnation 1"));
  NodeReport new_disk = all;
  new_disk.members = Members();
  EXPECT_THAT(refused(new_disk), HasSubstr("no members"));
}

}  // namespace
}  // namespace anamnesis
