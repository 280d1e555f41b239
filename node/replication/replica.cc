#include "node/replication/replica.h"

#include <algorithm>
#include <utility>

#include "absl/container/btree_set.h"
#include "ledger/base/check.h"

namespace anamnesis {
namespace {

// Members say something every second.
constexpr int64_t kHeardWithinUs = 3'000'000;

}  // namespace

Replica::Replica(DurableState durable, ReplicaOptions options)
    : self_(std::move(durable.node)),
      options_(options),
      watched_(durable.applied),
      shown_members_(durable.members.revision),
      ordered_numbers_(std::move(durable.applied_numbers)),
      fetches_(options.fetch_again_us, [this](const OrderRecord& record) { return HoldersOf(record); }),
      applied_(durable.applied),
      applied_members_(std::move(durable.members)) {
  for (const StagedBatch& staged : durable.staged) {
    staging_.Add(staged);
    // When exactly it was applied is not known any more; later is the careful guess.
    if (Contains(ordered_numbers_, staged.id)) staging_.MarkApplied(staged.id, applied_);
  }
}

Status Replica::Start(int64_t now_us, const EtcdSnapshot& snapshot) {
  now_us_ = published_us_ = now_us;
  if (snapshot.members.revision.value == 0) return absl::FailedPreconditionError("etcd holds no members of the ledger");
  if (applied_members_.revision.value != 0 && snapshot.members.incarnation != applied_members_.incarnation) {
    return absl::FailedPreconditionError(Text("etcd's order is incarnation ", snapshot.members.incarnation,
                                              " of this ledger's, this node's state is of ",
                                              applied_members_.incarnation, "; rebuild the node"));
  }
  if (snapshot.revision < applied_) {
    return absl::FailedPreconditionError(Text("etcd is at revision ", snapshot.revision.value,
                                              ", this node has applied ", applied_.value,
                                              ": etcd has lost history; recover the cluster"));
  }
  sessions_.Reset(snapshot.revision, snapshot.sessions, staging_.Sessions(), snapshot.ordering);
  members_ = applied_members_;
  NoteMembers(snapshot.members, snapshot.revision);
  Do(Watch{Revision(applied_.value + 1)});
  Do(PublishApplied{applied_});
  WantSession();
  SettleAndRemove();
  return OkStatus();
}

void Replica::HaltFor(Status reason) {
  // Nothing tells their callers any more.
  for (Dropped dropped : proposals_.Drop(/*all=*/true)) {
    dropped.fate = Dropped::Fate::kUnknown;
    Do(dropped);
  }
  Do(Halt{std::move(reason)});
  halted_ = true;
}

void Replica::CatchUp(Revision at_least) {
  if (catching_up_) return;
  catching_up_ = true;
  session_state_ = SessionState::kNone;
  session_ = SessionId(0);
  for (const Dropped& dropped : proposals_.Drop(/*all=*/true)) Do(dropped);
  fetches_.Clear();
  Do(NeedCatchUp{at_least});
}

void Replica::Tick(int64_t now_us) {
  now_us_ = std::max(now_us_, now_us);
  if (now_us_ - published_us_ >= options_.publish_again_us) {
    published_us_ = now_us_;
    Do(PublishApplied{applied_});
  }
  for (auto& [id, proposal] : proposals_.all()) {
    if (!proposal.ordered && now_us_ - proposal.sent_us >= options_.store_again_us &&
        !IsMajority(members_, proposal.stored)) {
      Store(proposal);
    }
  }
  TryOrder();
  std::vector<Fetch> ask;
  fetches_.Tick(now_us_, ask);
  DoAll(std::move(ask));
  DeliverAndFetch();
  SettleAndRemove();
}

// ---- Own batches
// ------------------------------------------------------------------------------------------------------

StatusOr<BatchId> Replica::Propose(const Digest& digest, uint64_t size_bytes) {
  if (halted_) return absl::FailedPreconditionError("this node has halted");
  if (size_bytes == 0 || size_bytes > options_.proposed_bytes_max) {
    return absl::InvalidArgumentError(
        Text("a batch of ", size_bytes, " bytes; 1 to ", options_.proposed_bytes_max, " are possible"));
  }
  if (!members_.IsMember(self_)) return absl::FailedPreconditionError("this node is no member of the cluster");
  if (session_state_ != SessionState::kOpen) return absl::UnavailableError("this node has no session in etcd");
  if (last_number_ >= options_.session_batches_max) {
    return absl::UnavailableError("this node's session is about to be renewed");
  }
  if (proposals_.all().size() >= options_.proposals_max ||
      proposals_.bytes() + size_bytes > options_.proposed_bytes_max) {
    return absl::ResourceExhaustedError(
        Text(proposals_.all().size(), " batches of ", proposals_.bytes(), " bytes are waiting to be ordered"));
  }
  const BatchId id{session_, BatchNumber(++last_number_)};
  Store(proposals_.Add({id, digest, size_bytes, self_}, now_us_));
  return id;
}

void Replica::Store(Proposal& proposal) {
  proposal.sent_us = now_us_;
  const OrderRecord& record = proposal.record;
  // Also where this is no voter: its copy does not count then, but others can fetch it here.
  if (!staging_.Has(record.id, record.digest, /*durable=*/false)) BeginStage(record, NodeId());
  for (const Member& voter : members_.voters) {
    if (voter.node != self_ && !proposal.stored.contains(voter.node)) Do(SendStore{voter.node, record});
  }
}

void Replica::OnAcknowledged(const NodeId& voter, const BatchId& id, const Digest& digest) {
  Proposal* const proposal = proposals_.Find(id);
  if (proposal == nullptr || proposal->record.digest != digest) return;
  proposal->stored.insert(voter);
  TryOrder();
}

void Replica::TryOrder() {
  if (session_state_ != SessionState::kOpen) return;
  Proposal* const next = proposals_.Next(session_);
  if (next == nullptr || next->asked || now_us_ < next->ask_again_us) return;
  // Wait for the watch to show the members that etcd has.
  if (next->members_refused && next->asked_members == members_.revision) return;
  if (!IsMajority(members_, next->stored)) return;
  next->asked = true;
  next->members_refused = false;
  next->asked_members = members_.revision;
  Do(OrderTransaction{next->record, members_.revision});
}

void Replica::OnOrderOutcome(const BatchId& id, const OrderOutcome& outcome) {
  Proposal* const proposal = proposals_.Find(id);
  if (proposal == nullptr) return;
  proposal->asked = false;
  if (proposal->ordered) return;
  switch (outcome.kind) {
    case OrderOutcome::Kind::kKeyExists:
      if (outcome.found != proposal->record.digest) {
        return HaltFor(absl::DataLossError(Text("the order key of own batch ", id.number.value, " of session ",
                                                id.session.value, " holds another digest")));
      }
      [[fallthrough]];
    case OrderOutcome::Kind::kOrdered:
      proposal->ordered = true;
      RenewSessionWhenFull();
      break;
    case OrderOutcome::Kind::kSessionEnded:
      return EndSession();
    case OrderOutcome::Kind::kMembersChanged:
      proposal->members_refused = true;
      break;
    case OrderOutcome::Kind::kUnknown:
      proposal->may_be_ordered = true;
      [[fallthrough]];
    case OrderOutcome::Kind::kNotExecuted:
      proposal->ask_again_us = now_us_ + options_.order_again_us;
      break;
  }
  TryOrder();
}

// ---- Session
// ----------------------------------------------------------------------------------------------------------

void Replica::WantSession() {
  if (session_state_ != SessionState::kNone || catching_up_ || !members_.IsMember(self_)) return;
  session_state_ = SessionState::kOpening;
  Do(OpenSession{});
}

void Replica::OnSessionOpened(SessionId session) {
  if (session_state_ != SessionState::kOpening) return;
  if (sessions_.HasEnded(session)) {
    Do(OpenSession{});
    return;
  }
  if (!members_.IsMember(self_)) {
    session_state_ = SessionState::kNone;
    Do(CloseSession{});
    return;
  }
  session_state_ = SessionState::kOpen;
  session_ = session;
  last_number_ = 0;
}

void Replica::OnSessionLost(SessionId session) {
  if (session_state_ == SessionState::kOpen && session == session_) EndSession();
}

void Replica::EndSession() {
  session_state_ = SessionState::kNone;
  session_ = SessionId(0);
  for (const Dropped& dropped : proposals_.Drop(/*all=*/false)) Do(dropped);
  WantSession();
}

void Replica::RenewSessionWhenFull() {
  if (session_state_ != SessionState::kOpen || last_number_ < options_.session_batches_max) return;
  if (proposals_.Next(session_) == nullptr) EndSession();
}

// ---- Disk
// -------------------------------------------------------------------------------------------------------------

void Replica::BeginStage(const OrderRecord& batch, const NodeId& acknowledge) {
  staging_.Begin(batch, acknowledge);
  fetches_.End(batch.id);
  Do(Stage{batch});
}

bool Replica::OnStaged(const BatchId& id) {
  StagingIndex::Entry* const entry = staging_.Done(id);
  if (entry == nullptr) return false;
  fetch_from_us_ = fetch_pause_us_ = 0;
  if (!entry->acknowledge.empty()) Do(Acknowledge{std::exchange(entry->acknowledge, NodeId()), id, entry->digest});
  OnAcknowledged(self_, id, entry->digest);
  DeliverAndFetch();
  return true;
}

void Replica::OnStageFailed(const BatchId& id) {
  staging_.Failed(id);
  // It would be asked for again with the next input, and others would read and send it for nothing.
  if (now_us_ < fetch_from_us_) return;
  fetch_pause_us_ = std::clamp(2 * fetch_pause_us_, options_.fetch_again_us, options_.fetch_pause_max_us);
  fetch_from_us_ = now_us_ + fetch_pause_us_;
}

void Replica::OnStagedLost(const BatchId& id) {
  if (!queue_.Undeliver(id)) return;
  staging_.Failed(id);
  DeliverAndFetch();
}

void Replica::OnApplied(Revision revision) {
  QueueEntry entry;
  bool moved = false;
  while (queue_.PopThrough(revision, entry)) {
    moved = true;
    applied_ = entry.revision;
    if (const auto* record = std::get_if<OrderRecord>(&entry.what)) staging_.MarkApplied(record->id, applied_);
    if (auto* members = std::get_if<Members>(&entry.what)) applied_members_ = std::move(*members);
  }
  CHECK(applied_ >= revision);
  if (!moved) return;
  std::erase_if(former_, [this](const auto& left) { return left.first <= applied_; });
  published_us_ = now_us_;
  Do(PublishApplied{applied_});
  DeliverAndFetch();
  NoteProgress();
  SettleAndRemove();
}

// ---- Peers
// ------------------------------------------------------------------------------------------------------------

void Replica::OnStoreRequest(const OrderRecord& batch) {
  if (StagingIndex::Entry* const entry = staging_.Find(batch.id)) {
    if (entry->digest != batch.digest || entry->applied) return;
    if (entry->durable) {
      Do(Acknowledge{batch.proposer, batch.id, batch.digest});
    } else {
      entry->acknowledge = batch.proposer;
    }
    return;
  }
  if (Contains(ordered_numbers_, batch.id)) {
    const OrderRecord* const needed = queue_.FindUndelivered(batch.id);
    if (needed != nullptr && needed->digest == batch.digest) BeginStage(batch, NodeId());
    return;
  }
  // Nobody would ever remove it.
  if (sessions_.HasEnded(batch.id.session)) return;
  // Without the watch what is ordered isn't known, and refusing would leave the others without this voter.
  const auto last = ordered_numbers_.find(batch.id.session);
  const uint64_t ordered = last == ordered_numbers_.end() ? 0 : last->second.value;
  if (!catching_up_ && batch.id.number.value > ordered + options_.proposals_max) return;
  BeginStage(batch, batch.proposer);
}

void Replica::OnFetched(const NodeId& from, const BatchId& id, const Digest& digest) {
  const OrderRecord* const needed = queue_.FindUndelivered(id);
  if (needed == nullptr || catching_up_) return;
  if (needed->digest != digest) return OnFetchFailed(from, id, FetchFailure::kNotNow);
  if (!staging_.Has(id, digest, /*durable=*/false)) BeginStage(*needed, NodeId());
}

void Replica::OnFetchFailed(const NodeId& from, const BatchId& id, FetchFailure failure) {
  std::vector<Fetch> ask;
  fetches_.Failed(id, from, failure == FetchFailure::kGone, now_us_, ask);
  DoAll(std::move(ask));
}

void Replica::DoAll(std::vector<Fetch> fetches) {
  for (Fetch& fetch : fetches) Do(std::move(fetch));
  if (fetches_.hopeless() && !catching_up_) CatchUp(queue_.Next()->revision);
}

void Replica::OnPeerApplied(const NodeId& node, Revision revision) {
  const auto found = peers_.find(node);
  if (found == peers_.end()) return;
  found->second.heard = true;
  found->second.heard_us = now_us_;
  if (revision <= found->second.applied) return;
  found->second.applied = revision;
  NoteProgress();
  SettleAndRemove();
}

// ---- Watch
// ------------------------------------------------------------------------------------------------------------

bool Replica::Advance(Revision revision) {
  if (revision <= watched_ || catching_up_) return false;
  watched_ = revision;
  return true;
}

void Replica::OnOrderRecord(Revision revision, const OrderRecord& record) {
  if (!Advance(revision)) return;
  sessions_.Seen(revision);
  // Ordered by number, each once: should etcd ever show one again, all nodes pass it over alike.
  if (Contains(ordered_numbers_, record.id)) return;
  Proposal* const own = proposals_.Find(record.id);
  if (own != nullptr ? own->record != record : session_ == record.id.session) {
    return HaltFor(absl::DataLossError(Text("the record at revision ", revision.value, " is under this node's session ",
                                            record.id.session.value, ", number ", record.id.number.value,
                                            ", but not what this node proposed")));
  }
  ordered_numbers_[record.id.session] = record.id.number;
  if (own != nullptr) own->ordered = true;
  queue_.Push({revision, record});
  DeliverAndFetch();
  RenewSessionWhenFull();
  TryOrder();
}

void Replica::OnSessionCreated(Revision revision) {
  if (!Advance(revision)) return;
  sessions_.Created(revision);
}

void Replica::OnSessionDeleted(Revision revision, SessionId session) {
  if (!Advance(revision)) return;
  sessions_.Deleted(revision, session);
  OnSessionLost(session);
  SettleAndRemove();
}

void Replica::OnMembersChanged(const Members& members) {
  if (!Advance(members.revision)) return;
  shown_members_ = members.revision;
  sessions_.Seen(members.revision);
  if (members.incarnation != members_.incarnation) {
    return HaltFor(absl::FailedPreconditionError(Text("members are of incarnation ", members.incarnation, ", not ",
                                                      members_.incarnation, "; rebuild the node")));
  }
  if (members.revision > members_.revision) {
    NoteMembers(members, members.revision);
    for (auto& [id, proposal] : proposals_.all()) {
      if (!proposal.ordered) Store(proposal);
    }
    if (members_.IsMember(self_)) {
      WantSession();
    } else if (session_state_ == SessionState::kOpen) {
      EndSession();
      Do(CloseSession{});
    }
  }
  queue_.Push({members.revision, members});
  DeliverAndFetch();
  TryOrder();
}

void Replica::NoteMembers(const Members& members, Revision now) {
  for (const Member* const member : members_.All()) {
    if (!members.IsMember(member->node)) former_.emplace_back(members.revision, *member);
  }
  std::erase_if(former_, [&](const auto& left) { return members.IsMember(left.second.node); });
  members_ = members;
  absl::btree_map<NodeId, Peer> peers;
  for (const Member* member : members.All()) {
    if (member->node == self_) continue;
    const auto found = peers_.find(member->node);
    peers[member->node] = found != peers_.end() ? found->second : Peer{.heard_us = now_us_, .known_at = now};
  }
  peers_ = std::move(peers);
}

void Replica::OnProgress(Revision revision) {
  if (!Advance(revision)) return;
  sessions_.Seen(revision);
  NoteProgress();
  SettleAndRemove();
}

void Replica::NoteProgress() {
  if (!queue_.empty() || catching_up_) return;
  Revision reached = watched_.value - applied_.value >= options_.progress_revisions ? watched_ : applied_;
  // Where another noted it: otherwise this node lacks, as far as that one can tell, what lies between, and while
  // nothing is ordered that one can't settle. All note the same revision, so that this ends.
  for (const auto& [node, peer] : peers_) {
    if (peer.applied <= watched_) reached = std::max(reached, peer.applied);
  }
  if (reached <= applied_) return;
  queue_.Push({reached, QueuedProgress()});
  DeliverAndFetch();
}

void Replica::OnCompacted(const Missed& missed, const EtcdSnapshot& now) {
  if (catching_up_) return;
  if (missed.lost > watched_) return CatchUp(missed.lost);
  // What was asked for was shown meanwhile, and of what follows nothing is said.
  if (missed.lost.value != 0) return Do(Watch{Revision(watched_.value + 1)});
  const bool is_later = now.revision > watched_;
  const bool changed = now.members.revision > watched_;
  // There may have been another change between.
  if (changed && now.members.replaces != shown_members_) return CatchUp(now.members.revision);
  for (const auto& [revision, record] : missed.records) {
    if (changed && revision > now.members.revision) OnMembersChanged(now.members);
    OnOrderRecord(revision, record);
  }
  if (changed) OnMembersChanged(now.members);
  if (is_later) {
    sessions_.Reset(now.revision, now.sessions, staging_.Sessions(), now.ordering);
    if (session_state_ == SessionState::kOpen && sessions_.HasEnded(session_)) EndSession();
    Advance(now.revision);
    NoteProgress();
    SettleAndRemove();
  }
  Do(Watch{Revision(watched_.value + 1)});
}

// ---- Deliver
// ----------------------------------------------------------------------------------------------------------

bool Replica::HasBytes(const OrderRecord& record) {
  return proposals_.Find(record.id) != nullptr || staging_.Has(record.id, record.digest, /*durable=*/true);
}

bool Replica::MayDeliver(const QueueEntry& entry) {
  if (queue_.delivered() >= options_.deliveries_max) return false;
  const auto* record = std::get_if<OrderRecord>(&entry.what);
  if (record == nullptr) return true;
  const bool room =
      queue_.delivered_bytes() == 0 || queue_.delivered_bytes() + record->size_bytes <= options_.delivered_bytes_max;
  return room && HasBytes(*record);
}

void Replica::Deliver(const QueueEntry& entry) {
  if (const auto* record = std::get_if<OrderRecord>(&entry.what)) {
    Do(DeliverBatch{entry.revision, *record});
    proposals_.Remove(record->id);
    fetches_.End(record->id);
  } else if (const auto* members = std::get_if<Members>(&entry.what)) {
    Do(DeliverMembers{*members});
  } else {
    Do(DeliverProgress{entry.revision});
  }
  queue_.Delivered();
}

void Replica::DeliverAndFetch() {
  if (catching_up_) return;
  while (const QueueEntry* const next = queue_.Next()) {
    if (!MayDeliver(*next)) break;
    Deliver(*next);
  }
  if (now_us_ < fetch_from_us_) return;
  std::vector<Fetch> ask;
  for (size_t ahead = 0; ahead < options_.fetches_max && fetches_.size() < options_.fetches_max; ++ahead) {
    const QueueEntry* const entry = queue_.At(ahead);
    if (entry == nullptr) break;
    const auto* record = std::get_if<OrderRecord>(&entry->what);
    if (record == nullptr || HasBytes(*record) || fetches_.Has(record->id)) continue;
    if (!staging_.Has(record->id, record->digest, /*durable=*/false)) fetches_.Begin(*record, now_us_, ask);
  }
  DoAll(std::move(ask));
}

void Replica::Do(Action action) {
  if (!halted_) actions_.push_back(std::move(action));
}

std::vector<NodeId> Replica::HoldersOf(const OrderRecord& record) const {
  std::vector<NodeId> holders{record.proposer};
  for (const Member* member : members_.All()) {
    if (member->node != record.proposer) holders.push_back(member->node);
  }
  for (const auto& [revision, member] : former_) {
    if (member.node != record.proposer) holders.push_back(member.node);
  }
  std::erase(holders, self_);
  // Each that does not answer costs as long as one waits for it.
  std::stable_partition(holders.begin(), holders.end(),
                        [this](const NodeId& node) { return HeardWithin(node, kHeardWithinUs); });
  return holders;
}

// ---- Settle, remove, trim
// ---------------------------------------------------------------------------------------------

Members Replica::reachable() const {
  Members reachable = members_;
  for (const auto& [revision, member] : former_) reachable.learners.push_back(member);
  return reachable;
}

absl::btree_map<NodeId, Revision> Replica::applied_by_members() const {
  absl::btree_map<NodeId, Revision> applied;
  for (const auto& [node, peer] : peers_) applied[node] = peer.applied;
  applied[self_] = applied_;
  return applied;
}

bool Replica::HeardWithin(const NodeId& node, int64_t us) const {
  if (node == self_) return true;
  const auto found = peers_.find(node);
  return found != peers_.end() && found->second.heard && now_us_ - found->second.heard_us <= us;
}

Revision Replica::Processed() const { return queue_.empty() ? watched_ : Revision(queue_.front().revision.value - 1); }

Revision Replica::LowestApplied() const {
  Revision lowest = applied_;
  for (const auto& [node, peer] : peers_) {
    const bool silent = now_us_ - peer.heard_us > options_.silent_us;
    const Revision has = peer.heard ? peer.applied : std::max(peer.applied, peer.known_at);
    const bool far_behind = has.value + options_.far_behind_revisions < watched_.value;
    if (!silent && !far_behind) lowest = std::min(lowest, peer.applied);
  }
  return lowest;
}

void Replica::SettleAndRemove() {
  // The members of the applied state, not newer ones: these are what a majority of the disks would tell a recovery.
  const Revision majority = ReachedByMajority(applied_members_, applied_by_members());
  // Between what is applied and what is processed there is nothing that the majority could lack.
  const Revision settled = majority >= applied_ ? Processed() : majority;
  if (settled > settled_ && majority.value != 0) {
    settled_ = settled;
    Do(Settled{settled_});
  }

  std::vector<BatchId> removed;
  for (const SessionId session : sessions_.TakeToCollect(Processed())) {
    for (const BatchId& id : staging_.TakeNotApplied(session)) removed.push_back(id);
  }
  // However far behind they are: with the only disk that has it, the order of what is trimmed would be lost.
  const Revision lowest = std::min(LowestApplied(), majority);
  for (const BatchId& id : staging_.TakeApplied(lowest, options_.retained_max, options_.retained_bytes_max)) {
    removed.push_back(id);
  }
  if (!removed.empty()) Do(RemoveStaged{std::move(removed)});

  std::vector<SessionId> trimmed = sessions_.TakeToTrim(lowest);
  if (!members_.IsVoter(self_)) return;
  if (!trimmed.empty()) Do(TrimSessions{std::move(trimmed), lowest});
  if (lowest.value >= compacted_.value + options_.compact_revisions) {
    compacted_ = lowest;
    Do(Compact{lowest});
  }
}

}  // namespace anamnesis
