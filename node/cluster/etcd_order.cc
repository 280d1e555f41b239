#include "node/cluster/etcd_order.h"

#include <utility>

#include "absl/container/btree_set.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "node/cluster/etcd_members.h"
#include "node/cluster/members_record.h"
#include "node/cluster/wire.h"

namespace anamnesis {
namespace {

constexpr auto kRetryAfter = std::chrono::milliseconds(500);
constexpr auto kWatchPause = std::chrono::milliseconds(20);
constexpr auto kWatchAgainAfter = std::chrono::seconds(1);

// A session on its way: lost before it is known, it has no number yet under which that could be told.
struct Opening {
  std::atomic<uint64_t> session = 0;
  std::atomic<bool> lost = false;
};

}  // namespace

EtcdOrder::EtcdOrder(const ClusterOptions& options, std::unique_ptr<EtcdClient> client, Driver driver)
    : options_(options), driver_(std::move(driver)), refusals_(options.log), client_(std::move(client)) {
  calls_.Start();
  upkeep_.Start();
}

int64_t EtcdOrder::InEtcd(uint64_t revision) const {
  return revision <= base_ ? 0 : static_cast<int64_t>(revision - base_);
}

OrderOutcome EtcdOrder::OutcomeOf(const StatusOr<EtcdTxnResult>& result, const OrderTransaction& sent) const {
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
  if (session.create_revision != InEtcd(sent.record.id.session.value)) return {Kind::kSessionEnded, {}};
  return {Kind::kMembersChanged, {}};
}

EtcdOrder::~EtcdOrder() { Stop(); }

void EtcdOrder::Stop() {
  {
    const std::lock_guard lock(pause_mutex_);
    stopping_ = true;
  }
  pause_.notify_all();
  std::thread watching;
  {
    const std::lock_guard lock(watching_mutex_);
    watching = std::move(watching_);
  }
  if (watching.joinable()) watching.join();
  calls_.Stop();
  upkeep_.Stop();
  End(std::move(keeper_));
}

bool EtcdOrder::Pause(std::chrono::milliseconds pause) {
  std::unique_lock lock(pause_mutex_);
  return !pause_.wait_for(lock, pause, [this] { return stopping_.load(); });
}

void EtcdOrder::End(std::unique_ptr<LeaseKeeper> keeper) {
  if (keeper == nullptr) return;
  const int64_t lease = keeper->lease().id;
  keeper.reset();
  (void)client_->RevokeLease(lease);
}

Status EtcdOrder::Found(Revision applied) {
  Members founding;
  founding.voters = options_.founding_voters;
  founding.change = ChangeOf(v1::ClusterMembersChanged::FOUNDED, "", {}, "").SerializeAsString();
  const Status founded = client_->Txn(Founding(applied, founding)).status();
  return absl::IsUnknown(founded) ? OkStatus() : founded;
}

void EtcdOrder::CompareWithFounding(const Members& members) const {
  const auto ids = [](const std::vector<Member>& voters) {
    absl::btree_set<NodeId> found;
    for (const Member& voter : voters) found.insert(voter.node);
    return found;
  };
  const absl::btree_set<NodeId> founding = ids(options_.founding_voters);
  const absl::btree_set<NodeId> there = ids(members.voters);
  if (founding.empty() || founding == there) return;
  options_.log(Text("--found-with counts for nothing: etcd holds a cluster of the voters ", absl::StrJoin(there, ", "),
                    ", not ", absl::StrJoin(founding, ", "), "; ",
                    members.IsMember(options_.node) ? "" : Text("this node, ", options_.node, ", is none of them; "),
                    "if it is another ledger's, give this one an --etcd-prefix of its own, else change members with "
                    "`anamnesis cluster`"));
}

StatusOr<uint64_t> EtcdOrder::ReadBase(bool may_found) {
  const StatusOr<uint64_t> base = anamnesis::ReadBase(*client_);
  if (!absl::IsNotFound(base.status())) return base;
  return absl::FailedPreconditionError(
      may_found ? "etcd holds no members of the ledger yet: name its first voters (--found-with)"
                : "etcd holds no members of the ledger, and this node was one: etcd has lost them, or is another; "
                  "see `anamnesis cluster recover --help`");
}

StatusOr<EtcdSnapshot> EtcdOrder::Snapshot(const DurableState& durable, bool may_found) {
  if (may_found && !options_.founding_voters.empty()) RETURN_IF_ERROR(Found(durable.applied));
  ASSIGN_OR_RETURN(base_, ReadBase(may_found));
  ASSIGN_OR_RETURN(EtcdSnapshot snapshot, Read());
  if (may_found) CompareWithFounding(snapshot.members);
  const OrderKeys orders = OrderKeysAt(snapshot.revision);
  for (const auto* found : {&snapshot.sessions, &snapshot.ordering}) {
    RETURN_IF_ERROR(orders.CheckApplied(*found, durable.applied, durable.applied_numbers));
  }
  RETURN_IF_ERROR(NoteTrimmed(snapshot.revision));
  return snapshot;
}

StatusOr<EtcdSnapshot> EtcdOrder::Read() {
  EtcdSnapshot snapshot;
  EtcdRangeQuery query;
  query.prefix = std::string(kSessionsPrefix);
  ASSIGN_OR_RETURN(const EtcdRangeResult sessions, client_->Range(query));
  for (const EtcdKeyValue& item : sessions.items) {
    const SessionId session(RevisionOf(item.create_revision).value);
    sessions_.Created(item.key, session);
    snapshot.sessions.push_back(session);
  }
  See(sessions.revision);
  snapshot.revision = RevisionOf(sessions.revision);
  StatusOr<Members> members = ReadMembers(*client_, sessions.revision);
  if (absl::IsNotFound(members.status())) {
    return absl::FailedPreconditionError("the cluster has no members yet: name its first voters");
  }
  RETURN_IF_ERROR(members.status());
  members->revision = RevisionOf(static_cast<int64_t>(members->revision.value));
  snapshot.members = *std::move(members);
  ASSIGN_OR_RETURN(snapshot.ordering, OrderKeysAt(snapshot.revision).Sessions());
  return snapshot;
}

// Whatever was trimmed before anybody noted it was trimmed by now.
Status EtcdOrder::NoteTrimmed(Revision now) {
  ASSIGN_OR_RETURN(const std::optional<Revision> trimmed, OrderKeysAt(now).Trimmed());
  if (trimmed.has_value()) return OkStatus();
  EtcdTxn txn;
  txn.ThenPut(TrimmedKey(now), "");
  return client_->Txn(txn).status();
}

// --- The session ---

void EtcdOrder::Do(const OpenSession&) {
  calls_.Post([this] { OpenOne(); });
}

void EtcdOrder::Do(const CloseSession&) {
  calls_.Post([this] { End(std::move(keeper_)); });
}

void EtcdOrder::OpenOne() {
  End(std::move(keeper_));
  do {
    // The key of a process before this one would otherwise stay until its lease expires.
    EtcdTxn end;
    end.ThenDelete(SessionKey(options_.node));
    (void)client_->Txn(end);
    const auto opening = std::make_shared<Opening>();
    auto keeper = client_->KeepLease(options_.session_ttl, [this, opening](const Status& why) {
      options_.log(Text("this node's session in etcd was lost: ", MessageOf(why)));
      opening->lost = true;
      driver_.post([opening](Replica& replica) { replica.OnSessionLost(SessionId(opening->session)); });
    });
    Status refused = keeper.status();
    if (keeper.ok()) {
      EtcdTxn open;
      open.IfAbsent(SessionKey(options_.node)).ThenPut(SessionKey(options_.node), "", (*keeper)->lease().id);
      const StatusOr<EtcdTxnResult> result = PutAndWait(open);
      refused = result.status();
      if (result.ok() && result->succeeded) {
        refusals_.Note(EtcdRefusals::Of::kSession, OkStatus());
        // What was refused before may be allowed now, and nothing else finds out when all that was asked for is gone.
        refusals_.Note(EtcdRefusals::Of::kOrder, OkStatus());
        keeper_ = *std::move(keeper);
        opening->session = RevisionOf(result->revision).value;
        driver_.post([opening](Replica& replica) {
          replica.OnSessionOpened(SessionId(opening->session));
          if (opening->lost) replica.OnSessionLost(SessionId(opening->session));
        });
        return;
      }
      End(*std::move(keeper));
    }
    if (!refused.ok()) refusals_.Note(EtcdRefusals::Of::kSession, refused);
  } while (!contradicted_ && Pause(kRetryAfter));
}

// --- Writing ---

void EtcdOrder::See(int64_t revision) {
  int64_t seen = seen_;
  while (seen < revision && !seen_.compare_exchange_weak(seen, revision)) {
  }
}

// etcd decides a transaction after everything that anybody was told before it was sent.
StatusOr<EtcdTxnResult> EtcdOrder::Above(int64_t seen, StatusOr<EtcdTxnResult> result) {
  if (!result.ok()) return result;
  if (result->succeeded ? result->revision > seen : result->revision >= seen) {
    See(result->revision);
    return result;
  }
  const Status why = absl::DataLossError(Text("etcd is at revision ", result->revision, " and was at ", seen,
                                              " before: it has lost history; recover the cluster"));
  Contradicted(why);
  return absl::UnknownError(Text(MessageOf(why)));
}

void EtcdOrder::Put(const EtcdTxn& txn, EtcdClient::OnTxn done) {
  client_->TxnAsync(txn, [this, seen = seen_.load(), done = std::move(done)](StatusOr<EtcdTxnResult> result) {
    done(Above(seen, std::move(result)));
  });
}

StatusOr<EtcdTxnResult> EtcdOrder::PutAndWait(const EtcdTxn& txn) {
  const int64_t seen = seen_;
  return Above(seen, client_->Txn(txn));
}

void EtcdOrder::Do(const OrderTransaction& transaction) {
  const std::string order = OrderKey(transaction.record.id);
  const std::string session = SessionKey(transaction.record.proposer);
  EtcdTxn txn;
  txn.IfCreateRevision(session, InEtcd(transaction.record.id.session.value))
      .IfModRevision(kMembersKey, InEtcd(transaction.members.value))
      .IfAbsent(order)
      .ThenPut(order, ToProto(transaction.record).SerializeAsString())
      .ElseGet(order)
      .ElseGet(session)
      .ElseGet(kMembersKey);
  Put(txn, [this, transaction](const StatusOr<EtcdTxnResult>& result) {
    refusals_.Note(EtcdRefusals::Of::kOrder, result.status());
    const OrderOutcome outcome = OutcomeOf(result, transaction);
    driver_.post([id = transaction.record.id, outcome](Replica& replica) { replica.OnOrderOutcome(id, outcome); });
  });
}

void EtcdOrder::PutBarrier(std::function<void(const StatusOr<Revision>&)> done) {
  EtcdTxn txn;
  txn.ThenPut(BarrierKey(options_.node), "");
  Put(txn, [this, done = std::move(done)](const StatusOr<EtcdTxnResult>& result) {
    if (!result.ok()) return done(result.status());
    done(RevisionOf(result->revision));
  });
}

void EtcdOrder::Do(const TrimSessions& trim) {
  upkeep_.Post([this, trim] {
    for (const SessionId session : trim.sessions) to_trim_.push_back({session, trim.through});
    TrimSome();
  });
}

void EtcdOrder::TrimSome() {
  while (!to_trim_.empty() && !stopping_) {
    const ToTrim& next = to_trim_.front();
    const std::string first = OrderKeysOf(next.session);
    const std::string trimmed = TrimmedKey(next.through);
    EtcdTxn txn;
    // "0" follows "/".
    txn.ThenDeleteRange(first, Text(first.substr(0, first.size() - 1), "0"));
    // Those below it only, so that what counts, the highest, never falls, whoever trims last.
    txn.ThenDeleteRange(kTrimmedPrefix, trimmed).ThenPut(trimmed, "");
    // Tried again with the next tick.
    if (!client_->Txn(txn).ok()) return;
    to_trim_.pop_front();
  }
}

void EtcdOrder::Do(const Compact& compact) {
  if (InEtcd(compact.revision.value) == 0) return;
  upkeep_.Post([this, compact] { (void)client_->Compact(InEtcd(compact.revision.value)); });
}

void EtcdOrder::PutMembers(const Members& next, Revision current, OnMembersPut done) {
  Members put = next;
  put.replaces = current;
  EtcdTxn txn;
  txn.IfModRevision(kMembersKey, InEtcd(current.value)).ThenPut(kMembersKey, ToProto(put).SerializeAsString());
  Put(txn, [this, done = std::move(done)](const StatusOr<EtcdTxnResult>& result) {
    if (!result.ok()) return done(result.status());
    if (!result->succeeded) return done(absl::AbortedError("the members were changed meanwhile; look again"));
    done(RevisionOf(result->revision));
  });
}

// --- Watching ---

void EtcdOrder::Do(const Watch& watch) {
  if (watch.from.value <= base_) {
    driver_.post([base = Revision(base_)](Replica& replica) { replica.OnCompacted({base}, {}); });
    return;
  }
  const std::lock_guard lock(watching_mutex_);
  if (stopping_) return;
  // The one before has ended, or is about to: it said so.
  if (watching_.joinable()) watching_.join();
  watching_ = std::thread([this, from = InEtcd(watch.from.value)] { KeepWatching(from); });
}

void EtcdOrder::OnWatched(const EtcdEvent& event) {
  const Revision revision = RevisionOf(event.item.mod_revision);
  const std::string_view key = event.item.key;
  if (key == kMembersKey && !event.deleted) {
    StatusOr<Members> members = ParseMembers(event.item.value);
    if (!members.ok()) {
      return Unreadable(key, members.status());
    }
    members->revision = revision;
    driver_.post([members = *std::move(members)](Replica& replica) { replica.OnMembersChanged(members); });
  } else if (key.starts_with(kSessionsPrefix)) {
    if (event.deleted) {
      const SessionId ended = sessions_.Deleted(key, revision);
      driver_.post([revision, ended](Replica& replica) { replica.OnSessionDeleted(revision, ended); });
    } else if (event.item.create_revision == event.item.mod_revision) {
      sessions_.Created(key, SessionId(revision.value));
      driver_.post([revision](Replica& replica) { replica.OnSessionCreated(revision); });
    }
  } else if (key.starts_with(kOrdersPrefix) && !event.deleted) {
    const StatusOr<OrderRecord> record = ParseOrderRecord(event.item.value);
    if (record.ok()) {
      driver_.post([revision, record = *record](Replica& replica) { replica.OnOrderRecord(revision, record); });
    } else {
      Unreadable(key, record.status());
    }
  }
}

void EtcdOrder::Unreadable(std::string_view key, const Status& why) {
  Contradicted(absl::DataLossError(Text("etcd's key ", key, ": ", MessageOf(why))));
}

void EtcdOrder::Contradicted(const Status& why) {
  if (contradicted_.exchange(true)) return;
  driver_.post([why](Replica& replica) { replica.OnUnreadable(why); });
}

void EtcdOrder::KeepWatching(int64_t from) {
  do {
    const StatusOr<std::unique_ptr<EtcdWatch>> watch = client_->Watch("", from);
    const Status ended = watch.ok() ? ReadWatch(**watch, from) : watch.status();
    const int64_t compacted = watch.ok() ? (*watch)->compact_revision() : 0;
    if (absl::IsDataLoss(ended)) Contradicted(absl::DataLossError(Text(MessageOf(ended), "; recover the cluster")));
    if (stopping_ || contradicted_ || absl::IsCancelled(ended)) return;
    const bool is_compacted = absl::IsOutOfRange(ended) && compacted > 0;
    const Status told = is_compacted ? TellCompacted(from) : ended;
    if (is_compacted && told.ok()) return;
    refusals_.Note(EtcdRefusals::Of::kWatch, told);
  } while (Pause(kWatchAgainAfter));
}

// Nodes compact what all have applied, but whoever runs etcd may do so too, at a place where nothing is to be applied
// and which no node will ever reach by applying.
Status EtcdOrder::TellCompacted(int64_t from) {
  const Revision seen = RevisionOf(from - 1);
  ASSIGN_OR_RETURN(const EtcdSnapshot now, Read());
  if (now.revision < seen) {
    Contradicted(absl::DataLossError(Text("etcd is at revision ", now.revision.value, " and was at ", seen.value,
                                          " before: it has lost history; recover the cluster")));
    return OkStatus();
  }
  ASSIGN_OR_RETURN(Missed missed, OrderKeysAt(now.revision).OrderedAfter(seen));
  driver_.post([missed, now](Replica& replica) { replica.OnCompacted(missed, now); });
  return OkStatus();
}

Status EtcdOrder::ReadWatch(EtcdWatch& watch, int64_t& from) {
  while (!stopping_ && !contradicted_) {
    if (!driver_.wants_watch()) {
      Pause(kWatchPause);
      continue;
    }
    const StatusOr<EtcdWatchBatch> batch = watch.Next(std::chrono::milliseconds(200));
    if (absl::IsDeadlineExceeded(batch.status())) {
      // Nothing may ever come, and nothing does while all nodes wait for the watch to be allowed again.
      if (watch.stands()) refusals_.Note(EtcdRefusals::Of::kWatch, OkStatus());
      continue;
    }
    RETURN_IF_ERROR(batch.status());
    refusals_.Note(EtcdRefusals::Of::kWatch, OkStatus());
    See(batch->revision);
    for (const EtcdEvent& event : batch->events) {
      OnWatched(event);
      if (contradicted_) return OkStatus();
    }
    from = batch->revision + 1;
    const Revision seen = RevisionOf(batch->revision);
    driver_.post([seen](Replica& replica) { replica.OnProgress(seen); });
  }
  return absl::CancelledError("nothing more is watched");
}

}  // namespace anamnesis
