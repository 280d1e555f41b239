#include "node/cluster/etcd_order.h"

#include "node/cluster/wire.h"

namespace anamnesis {
namespace {

constexpr auto kRetryAfter = std::chrono::milliseconds(500);
constexpr auto kWatchPause = std::chrono::milliseconds(20);

OrderOutcome OutcomeOf(const StatusOr<EtcdTxnResult>& result, const OrderTransaction& sent) {
  using Kind = OrderOutcome::Kind;
  if (absl::IsUnknown(result.status())) return {Kind::kUnknown, {}};
  if (!result.ok()) return {Kind::kNotExecuted, {}};
  if (result->succeeded) return {Kind::kOrdered, {}};
  // As asked for: the order key, the session, the members.
  const EtcdKeyValue& order = result->found.at(0);
  const EtcdKeyValue& session = result->found.at(1);
  if (order.mod_revision != 0) {
    const StatusOr<OrderRecord> found = ParseOrderRecord(order.value);
    return {Kind::kKeyExists, found.ok() ? found->digest : Digest()};
  }
  if (static_cast<uint64_t>(session.create_revision) != sent.record.id.session.value) return {Kind::kSessionEnded, {}};
  return {Kind::kMembersChanged, {}};
}

Revision RevisionOf(int64_t etcd) { return Revision(static_cast<uint64_t>(etcd)); }

}  // namespace

EtcdOrder::EtcdOrder(const ClusterOptions& options, std::unique_ptr<EtcdClient> client, Post post,
                     std::function<bool()> wants_watch)
    : options_(options), client_(std::move(client)), post_(std::move(post)), wants_watch_(std::move(wants_watch)) {}

EtcdOrder::~EtcdOrder() { Stop(); }

void EtcdOrder::Stop() {
  stopping_ = true;
  if (watch_ != nullptr) watch_->Cancel();
  if (watching_.joinable()) watching_.join();
  calls_.Stop();
  End(std::move(keeper_));
}

void EtcdOrder::End(std::unique_ptr<LeaseKeeper> keeper) {
  if (keeper == nullptr) return;
  const int64_t lease = keeper->lease().id;
  keeper.reset();
  (void)client_->RevokeLease(lease);
}

StatusOr<EtcdSnapshot> EtcdOrder::Snapshot() {
  if (!options_.founding_voters.empty()) {
    Members founding;
    founding.voters = options_.founding_voters;
    EtcdTxn txn;
    txn.IfAbsent(kMembersKey).ThenPut(kMembersKey, ToProto(founding).SerializeAsString());
    const StatusOr<EtcdTxnResult> founded = client_->Txn(txn);
    if (!founded.ok() && !absl::IsUnknown(founded.status())) return founded.status();
  }
  EtcdSnapshot snapshot;
  EtcdRangeQuery query;
  query.prefix = std::string(kSessionsPrefix);
  ASSIGN_OR_RETURN(const EtcdRangeResult sessions, client_->Range(query));
  for (const EtcdKeyValue& item : sessions.items) {
    const SessionId session(static_cast<uint64_t>(item.create_revision));
    sessions_.Created(item.key, session);
    snapshot.sessions.push_back(session);
  }
  snapshot.revision = RevisionOf(sessions.revision);
  query.prefix = std::string(kMembersKey);
  query.revision = sessions.revision;
  ASSIGN_OR_RETURN(const EtcdRangeResult members, client_->Range(query));
  if (members.items.empty()) {
    return absl::FailedPreconditionError("the cluster has no members yet: name its first voters");
  }
  ASSIGN_OR_RETURN(snapshot.members, ParseMembers(members.items.front().value));
  snapshot.members.revision = RevisionOf(members.items.front().mod_revision);
  return snapshot;
}

// --- The session ---

void EtcdOrder::Do(const OpenSession&) {
  calls_.Post([this] { OpenOne(); });
}

void EtcdOrder::OpenOne() {
  End(std::move(keeper_));
  while (!stopping_) {
    // The key of a process before this one would otherwise stay until its lease expires.
    EtcdTxn end;
    end.ThenDelete(SessionKey(options_.node));
    (void)client_->Txn(end);
    // The session's number is only known afterwards; a loss before that is noticed by the transactions.
    auto opened = std::make_shared<std::atomic<uint64_t>>(0);
    auto keeper = client_->KeepLease(options_.session_ttl, [this, opened](const Status& why) {
      options_.log(Text("this node's session in etcd was lost: ", MessageOf(why)));
      post_([opened](Replica& replica) { replica.OnSessionLost(SessionId(*opened)); });
    });
    if (keeper.ok()) {
      EtcdTxn open;
      open.IfAbsent(SessionKey(options_.node)).ThenPut(SessionKey(options_.node), "", (*keeper)->lease().id);
      const StatusOr<EtcdTxnResult> result = client_->Txn(open);
      if (result.ok() && result->succeeded) {
        keeper_ = *std::move(keeper);
        const SessionId session(static_cast<uint64_t>(result->revision));
        *opened = session.value;
        const bool alive = keeper_->alive();
        post_([session, alive](Replica& replica) {
          replica.OnSessionOpened(session);
          if (!alive) replica.OnSessionLost(session);
        });
        return;
      }
      End(*std::move(keeper));
    }
    std::this_thread::sleep_for(kRetryAfter);
  }
}

// --- Writing ---

void EtcdOrder::Do(const OrderTransaction& transaction) {
  const std::string order = OrderKey(transaction.record.id);
  const std::string session = SessionKey(transaction.record.proposer);
  EtcdTxn txn;
  txn.IfCreateRevision(session, static_cast<int64_t>(transaction.record.id.session.value))
      .IfModRevision(kMembersKey, static_cast<int64_t>(transaction.members.value))
      .IfAbsent(order)
      .ThenPut(order, ToProto(transaction.record).SerializeAsString())
      .ElseGet(order)
      .ElseGet(session)
      .ElseGet(kMembersKey);
  client_->TxnAsync(txn, [this, transaction](const StatusOr<EtcdTxnResult>& result) {
    const OrderOutcome outcome = OutcomeOf(result, transaction);
    post_([id = transaction.record.id, outcome](Replica& replica) { replica.OnOrderOutcome(id, outcome); });
  });
}

void EtcdOrder::PutBarrier(std::function<void(const StatusOr<Revision>&)> done) {
  EtcdTxn txn;
  txn.ThenPut(BarrierKey(options_.node), "");
  client_->TxnAsync(txn, [done = std::move(done)](const StatusOr<EtcdTxnResult>& result) {
    if (!result.ok()) return done(result.status());
    done(RevisionOf(result->revision));
  });
}

void EtcdOrder::Do(const TrimSessions& trim) {
  calls_.Post([this, trim] {
    for (const SessionId session : trim.sessions) {
      const std::string first = OrderKeysOf(session);
      EtcdTxn txn;
      // "0" follows "/".
      txn.ThenDeleteRange(first, Text(first.substr(0, first.size() - 1), "0"));
      (void)client_->Txn(txn);
    }
  });
}

void EtcdOrder::Do(const Compact& compact) {
  calls_.Post([this, compact] { (void)client_->Compact(static_cast<int64_t>(compact.revision.value)); });
}

// --- Watching ---

void EtcdOrder::Do(const Watch& watch) {
  StatusOr<std::unique_ptr<EtcdWatch>> started = client_->Watch("", static_cast<int64_t>(watch.from.value));
  if (!started.ok()) {
    options_.log(Text("etcd can't be watched: ", MessageOf(started.status())));
    return;
  }
  watch_ = *std::move(started);
  watching_ = std::thread([this] { ReadWatch(); });
}

void EtcdOrder::OnWatched(const EtcdEvent& event) {
  const Revision revision = RevisionOf(event.item.mod_revision);
  const std::string_view key = event.item.key;
  if (key == kMembersKey && !event.deleted) {
    StatusOr<Members> members = ParseMembers(event.item.value);
    if (!members.ok()) {
      options_.log(Text("what etcd holds as members is ignored: ", MessageOf(members.status())));
      return;
    }
    members->revision = revision;
    post_([members = *std::move(members)](Replica& replica) { replica.OnMembersChanged(members); });
  } else if (key.starts_with(kSessionsPrefix)) {
    if (event.deleted) {
      const SessionId ended = sessions_.Deleted(key, revision);
      post_([revision, ended](Replica& replica) { replica.OnSessionDeleted(revision, ended); });
    } else if (event.item.create_revision == event.item.mod_revision) {
      sessions_.Created(key, SessionId(revision.value));
      post_([revision](Replica& replica) { replica.OnSessionCreated(revision); });
    }
  } else if (key.starts_with(kOrdersPrefix) && !event.deleted) {
    const StatusOr<OrderRecord> record = ParseOrderRecord(event.item.value);
    if (record.ok()) {
      post_([revision, record = *record](Replica& replica) { replica.OnOrderRecord(revision, record); });
    } else {
      options_.log(Text("order record ", key, " doesn't parse; this node stops: ", MessageOf(record.status())));
      stopping_ = true;
    }
  }
}

void EtcdOrder::ReadWatch() {
  while (!stopping_) {
    if (!wants_watch_()) {
      std::this_thread::sleep_for(kWatchPause);
      continue;
    }
    const StatusOr<EtcdWatchBatch> batch = watch_->Next(std::chrono::milliseconds(200));
    if (absl::IsDeadlineExceeded(batch.status())) continue;
    if (absl::IsOutOfRange(batch.status())) {
      const Revision compacted = RevisionOf(watch_->compact_revision());
      post_([compacted](Replica& replica) { replica.OnCompacted(compacted); });
      return;
    }
    if (!batch.ok()) {
      if (!stopping_) options_.log(Text("the watch of etcd ended: ", MessageOf(batch.status())));
      return;
    }
    for (const EtcdEvent& event : batch->events) OnWatched(event);
    const Revision seen = RevisionOf(batch->revision);
    post_([seen](Replica& replica) { replica.OnProgress(seen); });
  }
}

}  // namespace anamnesis
