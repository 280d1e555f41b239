// One node of the simulated cluster: what a driver does with a Replica's actions.

#include <algorithm>
#include <utility>
#include <variant>

#include "ledger/base/status.h"
#include "ledger/crypto/sha256.h"
#include "tests/simulation/cluster.h"

namespace anamnesis {
namespace {

constexpr int64_t kMs = 1000;
constexpr int64_t kSecond = 1000 * kMs;
constexpr int64_t kTickUs = 100 * kMs;
constexpr int64_t kLeaseUs = 3 * kSecond;
constexpr int64_t kCallTimeoutUs = 300 * kMs;

}  // namespace

// ---- Process
// ------------------------------------------------------------------------------------------------------------

void Cluster::Boot(Node& node) {
  ++node.process;
  node.up = true;
  node.started = false;
  node.log_members = node.disk.members;
  DurableState durable{node.id, node.disk.applied, node.disk.numbers, node.disk.members, {}};
  for (const auto& [id, staged] : node.disk.staged) durable.staged.push_back(staged);
  node.replica = std::make_unique<Replica>(std::move(durable), replica_options_);
  node.barriers = std::make_unique<Barriers>([this, &node](uint64_t number) { PutBarrier(node, number); });
  AfterIn(node, random_.Between(kMs, 50 * kMs), [this, &node] { ReadEtcdAndStart(node); });
}

void Cluster::ReadEtcdAndStart(Node& node) {
  if (!ReachesEtcd(node)) {
    AfterIn(node, 100 * kMs, [this, &node] { ReadEtcdAndStart(node); });
    return;
  }
  // The read is answered a moment after it was made.
  AfterIn(node, random_.Between(kMs, 20 * kMs), [this, &node, snapshot = node.etcd->Snapshot()] {
    const Status started = node.replica->Start(now_us_, snapshot);
    if (!started.ok()) return checker_.Violated(Text(node.id, " does not start: ", MessageOf(started)));
    node.started = true;
    TickLoop(node, 0);
  });
}

void Cluster::Crash(Node& node) {
  if (!node.up) return;
  ++counts_.crashes;
  // The disk has whatever part of what is under way; the rest, a torn write too, is gone.
  for (size_t kept = random_.Below(node.writes.size() + 1); kept > 0; --kept) {
    node.writes.front().effect();
    node.writes.pop_front();
  }
  node.writes.clear();
  node.up = node.started = false;
  node.replica.reset();
  node.barriers.reset();
  node.log.resize(node.disk.log_count);
  node.own.clear();
  node.unanswered.clear();
  node.shown = Revision(0);
  node.session = SessionId(0);
  node.watch_scheduled = false;
  if (options_.planted == Planted::kAppliedTwice && !node.log.empty() && random_.Chance(300)) {
    const LogEntry& last = node.log.back();
    node.disk.applied = Revision(last.revision.value - 1);
    node.disk.numbers[last.id.session] = BatchNumber(last.id.number.value - 1);
  }
}

void Cluster::TickLoop(Node& node, int beat) {
  node.replica->Tick(now_us_);
  node.barriers->Tick(now_us_);
  KeepSession(node);
  const bool at_head = node.watch_next > node.etcd->head();
  if (beat % 10 == 9 && at_head && ReachesEtcd(node)) node.replica->OnProgress(node.etcd->head());
  AfterIn(node, kTickUs, [this, &node, beat] { TickLoop(node, beat + 1); });
}

void Cluster::CarryOut(Node& node) {
  if (!node.replica) return;
  for (const Action& action : node.replica->TakeActions()) {
    std::visit([&](const auto& what) { Do(node, what); }, action);
  }
}

// ---- etcd
// -----------------------------------------------------------------------------------------------------------------

bool Cluster::ReachesEtcd(const Node& node) const {
  const bool away = node.etcd == etcd_ && etcd_away_until_us_ > now_us_;
  return !away && node.etcd != lost_etcd_ && node.etcd_cut_until_us <= now_us_;
}

void Cluster::KeepSession(Node& node) {
  if (node.session.value == 0) return;
  if (now_us_ >= node.lease_ends_us) {
    node.replica->OnSessionLost(std::exchange(node.session, SessionId(0)));
    return;
  }
  if (!ReachesEtcd(node) || !random_.Chance(300)) return;
  const int64_t sent_us = now_us_;
  After(random_.Between(kMs, 10 * kMs), [this, &node, sent_us, process = node.process, session = node.session] {
    const bool kept = node.etcd->KeepAlive(node.id, session, now_us_ + kLeaseUs);
    AfterIn(node, process, random_.Between(kMs, 10 * kMs), [&node, sent_us, kept, session] {
      if (node.session != session) return;
      if (kept) node.lease_ends_us = std::max(node.lease_ends_us, sent_us + kLeaseUs);
      if (!kept) node.replica->OnSessionLost(std::exchange(node.session, SessionId(0)));
    });
  });
}

void Cluster::AskForSession(Node& node) {
  if (!ReachesEtcd(node)) {
    AfterIn(node, 100 * kMs, [this, &node] { AskForSession(node); });
    return;
  }
  const int64_t sent_us = now_us_;
  After(random_.Between(kMs, 10 * kMs), [this, &node, sent_us, etcd = node.etcd, process = node.process] {
    if (etcd == lost_etcd_) return;
    ++counts_.sessions;
    const SessionId session = etcd->OpenSession(node.id, now_us_ + kLeaseUs);
    const bool lost = random_.Chance(unknown_permille_);
    AfterIn(node, process, lost ? kCallTimeoutUs : random_.Between(kMs, 10 * kMs),
            [this, &node, lost, session, sent_us] {
              if (lost) return AskForSession(node);
              node.session = session;
              node.lease_ends_us = sent_us + kLeaseUs;
              node.replica->OnSessionOpened(session);
            });
  });
}

void Cluster::Do(Node& node, const OpenSession&) {
  node.session = SessionId(0);
  AskForSession(node);
}

// The lease expires.
void Cluster::Do(Node& node, const CloseSession&) { node.session = SessionId(0); }

void Cluster::Do(Node& node, const OrderTransaction& transaction) {
  const BatchId id = transaction.record.id;
  const auto answer = [&node, id](const OrderOutcome& outcome) { node.replica->OnOrderOutcome(id, outcome); };
  if (!ReachesEtcd(node)) {
    const auto kind = random_.Chance(500) ? OrderOutcome::Kind::kNotExecuted : OrderOutcome::Kind::kUnknown;
    AfterIn(node, 50 * kMs, [answer, kind] { answer({kind, {}}); });
    return;
  }
  const bool unknown = random_.Chance(unknown_permille_);
  if (unknown) {
    AfterIn(node, kCallTimeoutUs, [answer] { answer({OrderOutcome::Kind::kUnknown, {}}); });
    if (random_.Chance(300)) return;
  }
  const int64_t delay =
      unknown && random_.Chance(500) ? random_.Between(kMs, 4 * kSecond) : random_.Between(kMs, 8 * kMs);
  After(delay, [this, &node, transaction, answer, unknown, etcd = node.etcd, process = node.process] {
    if (etcd == lost_etcd_) return;
    const OrderOutcome outcome = etcd->Order(transaction);
    if (unknown) return;
    AfterIn(node, process, random_.Between(kMs, 8 * kMs), [answer, outcome] { answer(outcome); });
  });
}

void Cluster::PutBarrier(Node& node, uint64_t number) {
  const auto answer = [&node, number](const StatusOr<Revision>& outcome) { node.barriers->OnPut(number, outcome); };
  if (!ReachesEtcd(node)) {
    const Status why = random_.Chance(500) ? absl::UnavailableError("not sent") : absl::UnknownError("no answer");
    AfterIn(node, 50 * kMs, [answer, why] { answer(why); });
    return;
  }
  const bool unknown = random_.Chance(unknown_permille_);
  if (unknown) AfterIn(node, kCallTimeoutUs, [answer] { answer(absl::UnknownError("no answer")); });
  if (unknown && random_.Chance(500)) return;
  After(random_.Between(kMs, 8 * kMs), [this, &node, answer, unknown, etcd = node.etcd, process = node.process] {
    if (etcd == lost_etcd_) return;
    const Revision revision = etcd->PutBarrier();
    if (unknown) return;
    AfterIn(node, process, random_.Between(kMs, 8 * kMs), [this, &node, answer, revision] {
      if (options_.planted == Planted::kReadAtThePut) node.barriers->OnSettled(revision);
      answer(revision);
    });
  });
}

void Cluster::Do(Node& node, const TrimSessions& trim) {
  ++counts_.trims;
  if (!ReachesEtcd(node)) return;
  TrimSessions said = trim;
  if (options_.planted == Planted::kTrimsUnsaid) said.through = Revision(0);
  After(random_.Between(kMs, 8 * kMs), [etcd = node.etcd, said] { etcd->Trim(said); });
}

void Cluster::Do(Node& node, const Compact& compact) {
  ++counts_.compactions;
  if (!ReachesEtcd(node)) return;
  After(random_.Between(kMs, 8 * kMs), [etcd = node.etcd, compact] { etcd->Compact(compact.revision); });
}

void Cluster::Do(Node& node, const Watch& watch) {
  node.watch_next = watch.from;
  PumpWatchLater(node, random_.Between(kMs, 10 * kMs));
}

void Cluster::PumpWatchLater(Node& node, int64_t delay_us) {
  if (node.watch_scheduled || !node.up || node.watch_next.value == 0) return;
  node.watch_scheduled = true;
  AfterIn(node, delay_us, [this, &node] {
    node.watch_scheduled = false;
    PumpWatch(node);
  });
}

void Cluster::PumpWatch(Node& node) {
  if (!node.started || node.replica->catching_up()) return;
  if (!ReachesEtcd(node)) return PumpWatchLater(node, 100 * kMs);
  if (node.watch_stalled_until_us > now_us_) return PumpWatchLater(node, node.watch_stalled_until_us - now_us_);
  const SimulatedEtcd& etcd = *node.etcd;
  if (chaos_ && random_.Chance(30)) {
    // The stream broke and is resumed, a little before where it was.
    const uint64_t back = std::min<uint64_t>(node.watch_next.value - 1, random_.Below(6));
    const Revision earlier(node.watch_next.value - back);
    if (earlier > etcd.base() && earlier >= etcd.compacted()) node.watch_next = earlier;
  }
  if (node.watch_next <= etcd.base()) return node.replica->OnCompacted({etcd.base()}, {});
  if (node.watch_next < etcd.compacted()) {
    ++counts_.compacted_watches;
    const Revision seen(node.watch_next.value - 1);
    return node.replica->OnCompacted(etcd.MissedAfter(seen), etcd.Snapshot());
  }
  for (size_t shown = 1 + random_.Below(5); shown > 0 && node.watch_next <= etcd.head(); --shown) {
    if (!node.replica->wants_watch()) break;
    ShowEvent(node, node.watch_next);
    node.watch_next = Revision(node.watch_next.value + 1);
  }
  if (node.watch_next <= etcd.head()) PumpWatchLater(node, random_.Between(kMs, 10 * kMs));
}

void Cluster::ShowEvent(Node& node, Revision revision) {
  const WatchEvent& event = node.etcd->At(revision);
  if (const auto* record = std::get_if<OrderRecord>(&event)) {
    if (options_.planted == Planted::kSkippedRecord && random_.Chance(10)) return;
    node.replica->OnOrderRecord(revision, *record);
  } else if (std::holds_alternative<SessionCreated>(event)) {
    const std::vector<SessionId> live = node.etcd->Snapshot().sessions;
    if (options_.planted == Planted::kCollectedEarly && !live.empty() && live.front() != node.session) {
      return node.replica->OnSessionDeleted(revision, live.front());
    }
    node.replica->OnSessionCreated(revision);
  } else if (const auto* deleted = std::get_if<SessionDeleted>(&event)) {
    node.replica->OnSessionDeleted(revision, deleted->session);
  } else if (const auto* members = std::get_if<Members>(&event)) {
    node.replica->OnMembersChanged(*members);
  } else {
    node.replica->OnProgress(revision);
  }
}

// ---- Peers
// ----------------------------------------------------------------------------------------------------------------

void Cluster::Do(Node& node, const SendStore& send) {
  Send(node, send.to, [batch = send.batch](Node& to) { to.replica->OnStoreRequest(batch); });
}

void Cluster::Do(Node& node, const Acknowledge& acknowledge) {
  Send(node, acknowledge.to, [voter = node.id, id = acknowledge.id, digest = acknowledge.digest](Node& to) {
    to.replica->OnAcknowledged(voter, id, digest);
  });
}

void Cluster::Do(Node& node, const Fetch& fetch) {
  ++counts_.fetches;
  const OrderRecord batch = fetch.batch;
  Send(node, fetch.from, [this, asking = &node, batch](Node& holder) {
    const auto own = holder.own.find(batch.id);
    const auto staged = holder.disk.staged.find(batch.id);
    const bool has = (own != holder.own.end() && own->second.first == batch.digest) ||
                     (staged != holder.disk.staged.end() && staged->second.digest == batch.digest);
    const Digest sent = chaos_ && random_.Chance(20) ? Digest() : batch.digest;
    const auto failure = Contains(holder.disk.numbers, batch.id) ? FetchFailure::kGone : FetchFailure::kNotNow;
    Send(holder, asking->id, [from = holder.id, id = batch.id, has, sent, failure](Node& to) {
      if (has) {
        to.replica->OnFetched(from, id, sent);
      } else {
        to.replica->OnFetchFailed(from, id, failure);
      }
    });
  });
}

void Cluster::Do(Node& node, const PublishApplied& publish) {
  const Members members = node.replica->members();
  for (const auto* list : {&members.voters, &members.learners}) {
    for (const Member& member : *list) {
      if (member.node == node.id) continue;
      Send(node, member.node,
           [from = node.id, revision = publish.revision](Node& to) { to.replica->OnPeerApplied(from, revision); });
    }
  }
}

// ---- Disk
// -----------------------------------------------------------------------------------------------------------------

void Cluster::WriteTo(Node& node, Write write) {
  node.writes.push_back(std::move(write));
  if (node.writes.size() == 1) AfterIn(node, random_.Between(kMs / 5, 4 * kMs), [this, &node] { WriteDone(node); });
}

void Cluster::WriteDone(Node& node) {
  Revision applied;
  for (size_t together = 1 + random_.Below(node.writes.size()); together > 0; --together) {
    const Write write = std::move(node.writes.front());
    node.writes.pop_front();
    write.effect();
    if (write.done) write.done();
    applied = std::max(applied, write.applied);
  }
  if (applied.value > 0) node.replica->OnApplied(applied);
  ApplyToLedger(node);
  if (!node.writes.empty()) AfterIn(node, random_.Between(kMs / 5, 4 * kMs), [this, &node] { WriteDone(node); });
}

void Cluster::Do(Node& node, const Stage& stage) {
  const OrderRecord batch = stage.batch;
  if (node.disk_full_until_us > now_us_) {
    ++counts_.stage_failures;
    AfterIn(node, kMs, [&node, batch] { node.replica->OnStageFailed(batch.id); });
    return;
  }
  const auto effect = [this, &node, batch] {
    node.disk.staged[batch.id] = {batch.id, batch.digest, batch.size_bytes};
    checker_.Staged(node.id, batch.id, batch.digest);
  };
  const auto done = [&node, batch] { node.replica->OnStaged(batch.id); };
  if (options_.planted == Planted::kUnsyncedStaging) {
    AfterIn(node, 0, done);
    // Written back by the system when it likes.
    After(random_.Between(kMs, 2 * kSecond), [this, &node, effect, process = node.process] {
      if (node.up && node.process == process) WriteTo(node, {effect, nullptr, Revision(0)});
    });
    return;
  }
  WriteTo(node, {effect, done, Revision(0)});
}

void Cluster::Do(Node& node, const RemoveStaged& remove) {
  WriteTo(node, {[this, &node, ids = remove.ids] {
                   for (const BatchId& id : ids) {
                     node.disk.staged.erase(id);
                     checker_.Removed(node.id, id);
                   }
                 },
                 nullptr, Revision(0)});
}

// ---- The log
// ----------------------------------------------------------------------------------------------------------------

void Cluster::Do(Node& node, const DeliverBatch& deliver) {
  const OrderRecord& record = deliver.record;
  const auto own = node.own.find(record.id);
  const auto staged = node.disk.staged.find(record.id);
  const bool in_memory = own != node.own.end() && own->second.first == record.digest;
  const bool on_disk = staged != node.disk.staged.end() && staged->second.digest == record.digest;
  if (!in_memory && !on_disk && options_.planted == Planted::kNothing) {
    checker_.Violated(Text(node.id, " is delivered a batch whose bytes it does not have"));
  }
  if (own != node.own.end()) {
    node.unanswered[deliver.revision] = own->second.second;
    node.own.erase(own);
  }
  node.log.push_back(Chained(node.log, deliver.revision, record.id, record.digest));
  checker_.Applied(node.id, node.incarnation, node.log);
  WriteTo(node, {[this, &node, deliver, count = node.log.size()] {
                   node.disk.applied = deliver.revision;
                   node.disk.numbers[deliver.record.id.session] = deliver.record.id.number;
                   node.disk.log_count = count;
                   checker_.AppliedDurably(node.id, count);
                 },
                 nullptr, deliver.revision});
  if (options_.planted == Planted::kShownWhenDelivered) Show(node, deliver.revision);
  if (options_.planted == Planted::kTrimmedEarly && random_.Chance(200))
    node.etcd->Trim({{record.id.session}, Revision(0)});
}

void Cluster::Do(Node& node, const DeliverMembers& deliver) {
  WriteTo(node, {[&node, members = deliver.members] {
                   node.disk.members = members;
                   node.disk.applied = members.revision;
                   node.log_members = members;
                 },
                 nullptr, deliver.members.revision});
}

void Cluster::Do(Node& node, const DeliverProgress& deliver) {
  WriteTo(node, {[&node, revision = deliver.revision] { node.disk.applied = revision; }, nullptr, deliver.revision});
}

void Cluster::Do(Node& node, const Settled& settled) {
  Show(node, settled.revision);
  node.barriers->OnSettled(settled.revision);
}

void Cluster::Show(Node& node, Revision revision) {
  if (options_.planted != Planted::kShownWhenDelivered && revision <= node.shown) {
    checker_.Violated(Text(node.id, " settles ", revision.value, " after ", node.shown.value));
  }
  node.shown = revision;
  checker_.Shown(node.id, node.incarnation, revision, node.log, node.log_members);
  while (!node.unanswered.empty() && node.unanswered.begin()->first <= revision) {
    counts_.answered += wanted_.erase(node.unanswered.begin()->second);
    node.unanswered.erase(node.unanswered.begin());
  }
}

void Cluster::Do(Node& node, const Dropped& dropped) {
  ++counts_.dropped;
  counts_.unknown += dropped.fate == Dropped::Fate::kUnknown;
  if (node.own.erase(dropped.id) == 0) checker_.Violated(Text(node.id, " drops what it does not propose"));
  if (dropped.fate == Dropped::Fate::kNotOrdered) checker_.NeverOrdered(node.incarnation, dropped.id);
}

void Cluster::ApplyToLedger(Node& node) {
  if (!node.ledger) return;
  for (; node.ledger_applied < node.disk.log_count; ++node.ledger_applied) {
    node.ledger->Commit(runs_->Find(node.log[node.ledger_applied].digest));
    checker_.Root(node.incarnation, node.ledger_applied + 1, node.ledger->state().frontier.Root());
  }
}

void Cluster::StartLedgerAgain(Node& node) {
  node.ledger = std::make_unique<TestLedger>();
  node.ledger_applied = 0;
}

// ---- Ends
// -----------------------------------------------------------------------------------------------------------------

void Cluster::Do(Node& node, const NeedCatchUp& need) {
  ++counts_.catch_ups;
  CatchUp(node, need.at_least);
}

void Cluster::CatchUp(Node& node, Revision at_least) {
  AfterIn(node, random_.Between(100 * kMs, kSecond), [this, &node, at_least] {
    const std::vector<Node*> peers = Nodes([&](const Node& peer) {
      return &peer != &node && peer.up && peer.incarnation == node.incarnation && peer.disk.applied >= at_least;
    });
    if (peers.empty()) return CatchUp(node, at_least);
    const Node& from = *random_.OneOf(peers);
    Crash(node);
    if (from.disk.applied >= node.disk.applied) {
      node.disk.applied = from.disk.applied;
      node.disk.numbers = from.disk.numbers;
      node.disk.members = from.disk.members;
      node.disk.log_count = from.disk.log_count;
      node.log.assign(from.log.begin(), from.log.begin() + static_cast<std::ptrdiff_t>(from.disk.log_count));
      checker_.AppliedDurably(node.id, node.disk.log_count);
      if (runs_) StartLedgerAgain(node);
      ApplyToLedger(node);
    }
    Boot(node);
  });
}

void Cluster::Do(Node& node, const Halt& halt) { checker_.Violated(Text(node.id, " halts: ", MessageOf(halt.reason))); }

}  // namespace anamnesis
