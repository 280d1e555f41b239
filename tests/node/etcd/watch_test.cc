#include "node/etcd/watch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "node/etcd/etcd_client.h"
#include "tests/node/etcd/etcd_process.h"

namespace anamnesis {
namespace {

using namespace std::chrono_literals;

// Reads until a batch reaches `revision`, checking on the way that revisions ascend, whole and each once.
std::vector<EtcdEvent> ReadUntil(EtcdWatch& watch, int64_t revision, std::chrono::seconds patience = 20s) {
  std::vector<EtcdEvent> events;
  int64_t reached = 0;
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (reached < revision && std::chrono::steady_clock::now() < deadline) {
    StatusOr<EtcdWatchBatch> batch = watch.Next(200ms);
    if (absl::IsDeadlineExceeded(batch.status())) continue;
    if (!batch.ok()) {
      ADD_FAILURE() << batch.status();
      return events;
    }
    int64_t last = reached;
    for (EtcdEvent& event : batch->events) {
      EXPECT_GT(event.item.mod_revision, reached) << "of a revision that was delivered before";
      EXPECT_GE(event.item.mod_revision, last);
      last = event.item.mod_revision;
      events.push_back(std::move(event));
    }
    EXPECT_GE(batch->revision, last);
    reached = batch->revision;
  }
  EXPECT_GE(reached, revision) << "out of patience";
  return events;
}

TEST(Watch, DeliversInOrderWithDeletions) {
  ANAMNESIS_NEEDS_ETCD();
  const EtcdCluster etcd;
  const auto client = etcd.Connect();
  const int64_t first =
      client->Txn(EtcdTxn().ThenPut("o/a", "1").ThenPut("o/b", "2").ThenPut("x", "not below o/"))->revision;
  const auto watch = client->Watch("o/", first);
  ASSERT_TRUE(watch.ok());
  ASSERT_TRUE(client->Txn(EtcdTxn().ThenDelete("o/a")).ok());
  const int64_t last = client->Txn(EtcdTxn().ThenPut("o/c", "3"))->revision;
  const std::vector<EtcdEvent> events = ReadUntil(**watch, last);
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0].item.key, "o/a");
  EXPECT_EQ(events[1].item.key, "o/b");
  EXPECT_EQ(events[1].item.mod_revision, first);
  EXPECT_TRUE(events[2].deleted);
  EXPECT_EQ(events[2].item.key, "o/a");
  EXPECT_EQ(events[3].item.value, "3");
  EXPECT_EQ((*watch)->Next(50ms).status().code(), absl::StatusCode::kDeadlineExceeded);

  std::thread canceller([&] {
    std::this_thread::sleep_for(50ms);
    (*watch)->Cancel();
  });
  EXPECT_EQ((*watch)->Next(10s).status().code(), absl::StatusCode::kCancelled);
  canceller.join();
}

// Members that are put back from a snapshot count on from there, and others may write faster than this watch notices.
TEST(Watch, EndsWhenEtcdWasPutBackAndOthersHaveWrittenSince) {
  ANAMNESIS_NEEDS_ETCD();
  EtcdCluster etcd;
  const auto client = etcd.Connect();
  const auto put = [](EtcdClient& by, std::string_view key) { return by.Txn(EtcdTxn().ThenPut(key, "x"))->revision; };
  const auto watch = client->Watch("o/", put(*client, "o/first"));
  etcd.TakeSnapshot();
  (void)put(*client, "o/lost");
  const int64_t last = put(*client, "o/lost too");
  // A deletion is not what it goes on from: it can be compacted away.
  const int64_t deleted = client->Txn(EtcdTxn().ThenDelete("o/first"))->revision;
  EXPECT_EQ(ReadUntil(**watch, deleted).size(), 4u);
  // Goes on when the member only was away.
  etcd.Restart(0);
  const auto others = etcd.Connect();
  const int64_t seen = put(*others, "o/seen");
  EXPECT_EQ(ReadUntil(**watch, seen).size(), 1u);
  etcd.PutBack();
  const auto after = etcd.Connect();
  while (put(*after, "o/another") <= seen + 1) {
  }
  EXPECT_GT(seen, last);
  Status status;
  for (int i = 0; i < 100 && (status.ok() || absl::IsDeadlineExceeded(status)); ++i) {
    status = (*watch)->Next(200ms).status();
    EXPECT_FALSE(status.ok()) << "of another history";
  }
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
}

TEST(Watch, ResumesWithoutGapOrDuplicateWhenMembersStopAndHang) {
  ANAMNESIS_NEEDS_ETCD();
  EtcdCluster etcd({.members = 3});
  const auto client = etcd.Connect();
  const auto writing_client = etcd.Connect();
  const auto watch = client->Watch("o/", 1);
  ASSERT_TRUE(watch.ok());
  std::atomic<bool> stop{false};
  std::atomic<int> count{0};
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 16; ++writer) {
    writers.emplace_back([&, writer] {
      while (!stop) {
        const int number = count++;
        (void)writing_client->Txn(
            EtcdTxn().ThenPut(Text("o/", writer, "/", number), Text(number)).ThenPut(Text("o/", writer), "n"));
      }
    });
  }
  // Reads meanwhile, not only afterwards, so that streams break in the middle.
  std::vector<EtcdEvent> events;
  std::thread reader([&] {
    int64_t reached = 0;
    while (!stop) {
      auto batch = (*watch)->Next(50ms);
      if (!batch.ok()) continue;
      for (EtcdEvent& event : batch->events) {
        EXPECT_GT(event.item.mod_revision, reached);
        events.push_back(std::move(event));
      }
      reached = batch->revision;
    }
  });
  for (size_t round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(500ms);
    etcd.Kill(round);
    std::this_thread::sleep_for(1000ms);
    etcd.Restart(round);
    std::this_thread::sleep_for(1000ms);
  }
  etcd.Pause(0);
  std::this_thread::sleep_for(1500ms);
  etcd.Resume(0);
  for (int i = 0; i < 1000 && count < 5000; ++i) std::this_thread::sleep_for(10ms);
  stop = true;
  for (std::thread& writer : writers) writer.join();
  reader.join();
  StatusOr<EtcdTxnResult> final = absl::UnknownError("not yet");
  for (int i = 0; i < 5 && !final.ok(); ++i) final = client->Txn(EtcdTxn().IfAbsent("o/last").ThenPut("o/last", ""));
  ASSERT_TRUE(final.ok()) << final.status();
  const int64_t last = client->Get("o/last")->mod_revision;
  for (EtcdEvent& event : ReadUntil(**watch, last)) events.push_back(std::move(event));

  // The history as of the last revision has the same keys with the same revisions: each key but o/<writer> was written
  // once, and each revision has two events. What nobody got an answer for may be written later still.
  std::map<std::string, int64_t> history;
  EtcdRangeQuery query{.prefix = "o/", .limit = 1000, .revision = last};
  while (true) {
    const auto page = client->Range(query);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const EtcdKeyValue& item : page->items) history[item.key] = item.mod_revision;
    if (!page->more) break;
    query.after = page->items.back().key;
  }
  std::map<std::string, int64_t> watched;
  std::map<int64_t, int> per_revision;
  for (const EtcdEvent& event : events) {
    watched[event.item.key] = event.item.mod_revision;
    ++per_revision[event.item.mod_revision];
  }
  EXPECT_EQ(watched, history);
  for (const auto& [revision, number] : per_revision) EXPECT_EQ(number, revision == last ? 1 : 2) << revision;
  // Nothing else is written in this store, so revisions have no gaps.
  EXPECT_EQ(per_revision.rbegin()->first - per_revision.begin()->first + 1, static_cast<int64_t>(per_revision.size()));
  std::printf("%zu revisions watched, of %d transactions tried\n", per_revision.size(), count.load());
}

TEST(Watch, JoinsFragments) {
  ANAMNESIS_NEEDS_ETCD();
  const EtcdCluster etcd({.arguments = {"--max-request-bytes", "20000"}});
  const auto client = etcd.Connect();
  const int64_t first = client->Txn(EtcdTxn().ThenPut("o/0", "v"))->revision;
  int64_t last = 0;
  for (int i = 0; i < 30; ++i) {
    EtcdTxn txn;
    for (int j = 0; j < 8; ++j) txn.ThenPut(Text("o/", i, "/", j), std::string(2000, 'x'));
    last = client->Txn(txn)->revision;
  }
  // Half a MB of history in one response, fragmented at 20 kB, in the middle of revisions.
  const auto watch = client->Watch("o/", first);
  std::map<int64_t, int> per_revision;
  int64_t reached = 0;
  while (reached < last) {
    const auto batch = (*watch)->Next(5s);
    ASSERT_TRUE(batch.ok()) << batch.status();
    for (const EtcdEvent& event : batch->events) {
      EXPECT_GT(event.item.mod_revision, reached) << "its revision began in an earlier batch";
      ++per_revision[event.item.mod_revision];
    }
    reached = batch->revision;
  }
  EXPECT_EQ(per_revision.size(), 31u);
  for (const auto& [revision, number] : per_revision) EXPECT_EQ(number, revision == first ? 1 : 8);
}

TEST(Watch, StopsReadingWhenNobodyReads) {
  ANAMNESIS_NEEDS_ETCD();
  EtcdCluster etcd;
  EtcdOptions options = etcd.Options();
  options.watch_queue_bytes_max = 50000;
  const auto client = etcd.Connect(options);
  auto slow = client->Watch("o/", 1);
  auto broken = client->Watch("o/", 1);
  int64_t last = 0;
  for (int i = 0; i < 300; ++i) last = client->Txn(EtcdTxn().ThenPut(Text("o/", i), std::string(5000, 'x')))->revision;
  std::this_thread::sleep_for(200ms);
  EXPECT_EQ(ReadUntil(**slow, last).size(), 300u);
  // A paused stream that breaks is taken up as well, and one that is dropped ends.
  etcd.Restart(0);
  EXPECT_EQ(ReadUntil(**broken, last).size(), 300u);
  const auto dropped = client->Watch("o/", 1);
  std::this_thread::sleep_for(300ms);
}

TEST(Watch, ProgressIsTold) {
  ANAMNESIS_NEEDS_ETCD();
  const EtcdCluster etcd({.arguments = {"--experimental-watch-progress-notify-interval", "100ms"}});
  const auto client = etcd.Connect();
  const auto watch = client->Watch("o/", 1);
  const int64_t elsewhere = client->Txn(EtcdTxn().ThenPut("x", "not below o/"))->revision;
  EXPECT_TRUE(ReadUntil(**watch, elsewhere).empty());
  // A resumed watch begins after the progress: what is compacted until there doesn't matter.
  ASSERT_TRUE(client->Compact(elsewhere).ok());
  const int64_t mine = client->Txn(EtcdTxn().ThenPut("o/1", "v"))->revision;
  EXPECT_EQ(ReadUntil(**watch, mine).size(), 1u);
}

// A member cut off from the others ends the watch, which goes on at one that knows a leader.
TEST(Watch, LeavesAMemberWithoutLeader) {
  ANAMNESIS_NEEDS_ETCD();
  EtcdCluster etcd({.members = 2});
  EtcdOptions options = etcd.Options();
  options.endpoints.resize(1);
  const auto client = etcd.Connect(options);
  const auto watch = client->Watch("", 1);
  const int64_t first = client->Txn(EtcdTxn().ThenPut("a", "v"))->revision;
  EXPECT_EQ(ReadUntil(**watch, first).size(), 1u);
  etcd.Kill(1);
  // A probe can also be late on a busy machine; what counts is that the missing leader is noticed in the end.
  while (MessageOf(client->Health()[0].status).find("leader") == std::string_view::npos) {
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_EQ(client->Txn(EtcdTxn().ThenPut("b", "v")).status().code(), absl::StatusCode::kUnavailable);
  etcd.Restart(1);
  StatusOr<EtcdTxnResult> second = absl::UnknownError("not yet");
  for (int i = 0; i < 5 && !second.ok(); ++i) second = client->Txn(EtcdTxn().ThenPut("b", "v"));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(ReadUntil(**watch, second->revision).size(), 1u);
}

}  // namespace
}  // namespace anamnesis
