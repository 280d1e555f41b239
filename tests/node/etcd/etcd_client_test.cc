#include "node/etcd/etcd_client.h"

#include <gtest/gtest.h>

#include <deque>
#include <future>
#include <set>
#include <thread>

#include "tests/node/etcd/etcd_process.h"

namespace anamnesis {
namespace {

using namespace std::chrono_literals;

TEST(EtcdClient, TransactionsCompareAndPut) {
  ANAMNESIS_NEEDS_ETCD();
  const EtcdCluster etcd;
  const auto client = etcd.Connect();

  const auto first = client->Txn(EtcdTxn().IfAbsent("k").ThenPut("k", "v1"));
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(first->succeeded);
  const auto again = client->Txn(EtcdTxn().IfAbsent("k").ThenPut("k", "v2").ElseGet("k").ElseGet("absent"));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_FALSE(again->succeeded);
  ASSERT_EQ(again->found.size(), 2u);
  EXPECT_EQ(again->found[0].key, "k");
  EXPECT_EQ(again->found[0].value, "v1");
  EXPECT_EQ(again->found[0].create_revision, first->revision);
  EXPECT_EQ(again->found[1].key, "absent");
  EXPECT_EQ(again->found[1].mod_revision, 0);

  const auto changed = client->Txn(EtcdTxn()
                                       .IfCreateRevision("k", first->revision)
                                       .IfModRevision("k", first->revision)
                                       .IfValue("k", "v1")
                                       .ThenPut("k", "v3"));
  ASSERT_TRUE(changed.ok() && changed->succeeded);
  EXPECT_EQ(changed->revision, first->revision + 1);
  EXPECT_FALSE(client->Txn(EtcdTxn().IfModRevision("k", first->revision).ThenDelete("k"))->succeeded);
  const auto item = client->Get("k");
  ASSERT_TRUE(item.ok());
  EXPECT_EQ(item->value, "v3");
  EXPECT_EQ(item->mod_revision, changed->revision);
  EXPECT_EQ(client->Get("k", EtcdConsistency::kSerializable)->value, "v3");
  EXPECT_TRUE(client->Txn(EtcdTxn().ThenDelete("k"))->succeeded);
  EXPECT_EQ(client->Get("k").status().code(), absl::StatusCode::kNotFound);
}

TEST(EtcdClient, PagesAndPrefix) {
  ANAMNESIS_NEEDS_ETCD();
  const EtcdCluster etcd;
  const auto client = etcd.Connect();
  EtcdOptions other_options = etcd.Options();
  other_options.prefix = "test0";
  const auto other = etcd.Connect(other_options);
  ASSERT_TRUE(other->Txn(EtcdTxn().ThenPut("k", "other's")).ok());
  for (int i = 0; i < 25; ++i) ASSERT_TRUE(client->Txn(EtcdTxn().ThenPut(Text("o/", 100 + i), "v")).ok());
  ASSERT_TRUE(client->Txn(EtcdTxn().ThenPut("p", "not below o/")).ok());

  std::set<std::string> keys;
  EtcdRangeQuery query{.prefix = "o/", .limit = 10};
  int pages = 0;
  while (true) {
    const auto page = client->Range(query);
    ASSERT_TRUE(page.ok()) << page.status();
    ++pages;
    for (const EtcdKeyValue& item : page->items) EXPECT_TRUE(keys.insert(item.key).second);
    if (!page->more) break;
    if (pages == 1) {
      // Later pages are as of the first.
      ASSERT_TRUE(client->Txn(EtcdTxn().ThenPut("o/199", "late")).ok());
      query.revision = page->revision;
    }
    query.after = page->items.back().key;
  }
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(keys.size(), 25u);
  EXPECT_EQ(*keys.begin(), "o/100");

  const int64_t late = client->Get("o/199")->mod_revision;
  const auto changed = client->Range({.prefix = "o/", .changed_since = late, .keys_only = true});
  ASSERT_EQ(changed->items.size(), 1u);
  EXPECT_EQ(changed->items[0].value, "");
  EXPECT_EQ(client->Range({.prefix = "o/", .revision = late + 100}).status().code(),
            absl::StatusCode::kFailedPrecondition);

  ASSERT_TRUE(client->Txn(EtcdTxn().ThenDeleteRange("o/105", "o/120")).ok());
  EXPECT_EQ(client->Range({.prefix = "o/"})->items.size(), 26u - 15);
  // Whatever a key is called, it stays below the prefix.
  EXPECT_EQ(client->Range({})->items.size(), 26u - 15 + 1);
  EXPECT_EQ(other->Get("k")->value, "other's");
}

TEST(EtcdClient, RefusedTransactionsAreNotUnknown) {
  ANAMNESIS_NEEDS_ETCD();
  const EtcdCluster etcd({.arguments = {"--max-request-bytes", "100000", "--max-txn-ops", "4"}});
  const auto client = etcd.Connect();
  const auto code = [&](const EtcdTxn& txn) { return client->Txn(txn).status().code(); };
  EXPECT_EQ(code(EtcdTxn().ThenPut("k", "v", 12345)), absl::StatusCode::kNotFound);
  EXPECT_EQ(code(EtcdTxn().ThenPut("k", std::string(200000, 'x'))), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(EtcdTxn().ThenPut("k", std::string(2000000, 'x'))), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code(EtcdTxn().ThenPut("k", "1").ThenPut("k", "2")), absl::StatusCode::kInvalidArgument);
  EtcdTxn many;
  for (int i = 0; i < 5; ++i) many.ThenPut(Text("k", i), "v");
  EXPECT_EQ(code(many), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(client->Range({})->items.empty());
}

TEST(EtcdClient, Compaction) {
  ANAMNESIS_NEEDS_ETCD();
  const EtcdCluster etcd;
  const auto client = etcd.Connect();
  int64_t last = 0;
  for (int i = 0; i < 10; ++i) last = client->Txn(EtcdTxn().ThenPut("k", Text(i)))->revision;
  EXPECT_TRUE(client->Compact(last - 2).ok());
  EXPECT_TRUE(client->Compact(last - 5).ok()) << "done before";
  EXPECT_EQ(client->Compact(last + 5).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(client->Range({.revision = last - 5}).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(client->Range({.revision = last - 1})->items.at(0).value, "8");

  const auto watch = client->Watch("", last - 5);
  ASSERT_TRUE(watch.ok());
  EXPECT_EQ((*watch)->compact_revision(), 0);
  const auto batch = (*watch)->Next(5s);
  EXPECT_EQ(batch.status().code(), absl::StatusCode::kOutOfRange) << batch.status();
  EXPECT_EQ((*watch)->compact_revision(), last - 2);
  const auto next = client->Watch("", (*watch)->compact_revision());
  EXPECT_EQ((*next)->Next(5s)->events.at(0).item.value, "7");
  EXPECT_EQ(client->Watch("", 0).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(EtcdClient, LeasesDeleteTheirKeys) {
  ANAMNESIS_NEEDS_ETCD();
  const EtcdCluster etcd;
  const auto client = etcd.Connect();
  const auto lease = client->GrantLease(30s);
  ASSERT_TRUE(lease.ok()) << lease.status();
  EXPECT_EQ(lease->ttl_seconds, 30);
  ASSERT_TRUE(client->Txn(EtcdTxn().ThenPut("s", "v", lease->id)).ok());
  EXPECT_EQ(client->Get("s")->lease_id, lease->id);
  EXPECT_TRUE(client->RevokeLease(lease->id).ok());
  EXPECT_TRUE(client->RevokeLease(lease->id).ok()) << "gone already";
  EXPECT_EQ(client->Get("s").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(client->GrantLease(0s).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(EtcdClient, HealthOfEndpoints) {
  ANAMNESIS_NEEDS_ETCD();
  const EtcdCluster etcd;
  EtcdOptions options = etcd.Options();
  options.endpoints.push_back("127.0.0.1:1");
  const auto client = etcd.Connect(options);
  EXPECT_EQ(PlaceOfLeader(*client), 0u);
  const auto health = client->Health();
  ASSERT_EQ(health.size(), 2u);
  EXPECT_TRUE(health[0].status.ok());
  EXPECT_TRUE(health[0].version.starts_with("3.")) << health[0].version;
  EXPECT_GT(health[0].store_bytes, 0);
  EXPECT_FALSE(health[0].no_space || health[0].corrupt);
  EXPECT_EQ(health[1].status.code(), absl::StatusCode::kUnavailable);
  const auto alarms = client->AskAlarms();
  ASSERT_TRUE(alarms.ok()) << alarms.status();
  EXPECT_FALSE(alarms->no_space || alarms->corrupt);
}

// A store that is full answers "database space exceeded" also to transactions that it has applied.
TEST(EtcdClient, NoSpaceLeavesOutcomesUnknown) {
  ANAMNESIS_NEEDS_ETCD();
  const EtcdCluster etcd({.arguments = {"--quota-backend-bytes", "4000000"}});
  const auto client = etcd.Connect();
  struct Outcome {
    Status status;
    std::promise<void> known;
  };
  // etcd learns how large its store is when it commits, every 100 ms or so: a fast machine writes much past the quota.
  std::deque<Outcome> outcomes;
  constexpr size_t kTogether = 40;
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  bool all_refused = false;
  while (!all_refused && std::chrono::steady_clock::now() < deadline) {
    const size_t first = outcomes.size();
    for (size_t i = first; i < first + kTogether; ++i) {
      Outcome& outcome = outcomes.emplace_back();
      client->TxnAsync(EtcdTxn().ThenPut(Text("k", i), std::string(40000, 'x')), [&outcome](auto result) {
        outcome.status = result.status();
        outcome.known.set_value();
      });
    }
    all_refused = true;
    for (size_t i = first; i < outcomes.size(); ++i) {
      outcomes[i].known.get_future().wait();
      if (outcomes[i].status.ok()) all_refused = false;
    }
  }
  size_t applied = 0;
  size_t unknown_applied = 0;
  size_t unknown_absent = 0;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    const bool there = client->Get(Text("k", i)).ok();
    const Status& status = outcomes[i].status;
    EXPECT_TRUE(status.ok() || absl::IsUnknown(status)) << status;
    if (status.ok()) {
      EXPECT_TRUE(there);
      ++applied;
    } else {
      EXPECT_NE(MessageOf(status).find("database space exceeded"), std::string_view::npos) << status;
      ++(there ? unknown_applied : unknown_absent);
    }
  }
  std::printf("applied %zu; 'database space exceeded': applied %zu, not %zu\n", applied, unknown_applied,
              unknown_absent);
  EXPECT_GT(unknown_absent, 0u);
  const auto alarms = client->AskAlarms();
  EXPECT_TRUE(alarms.ok() && alarms->no_space) << alarms.status();
  for (int i = 0; i < 100 && !client->Health()[0].no_space; ++i) std::this_thread::sleep_for(20ms);
  EXPECT_TRUE(client->Health()[0].no_space);
  EXPECT_EQ(client->GrantLease(10s).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(client->Txn(EtcdTxn().ThenDelete("k0")).ok()) << "deletions free space";
}

}  // namespace
}  // namespace anamnesis
