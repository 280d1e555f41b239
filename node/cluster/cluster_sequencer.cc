#include "node/cluster/cluster_sequencer.h"

#include <atomic>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <variant>

#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"
#include "node/cluster/barriers.h"
#include "node/cluster/catch_up_server.h"
#include "node/cluster/cluster_control.h"
#include "node/cluster/cluster_status.h"
#include "node/cluster/deliveries.h"
#include "node/cluster/digest_exchange.h"
#include "node/cluster/disk_state.h"
#include "node/cluster/etcd_order.h"
#include "node/cluster/held.h"
#include "node/cluster/members_record.h"
#include "node/cluster/order.h"
#include "node/cluster/peers.h"
#include "node/cluster/staging_writer.h"
#include "node/cluster/wire.h"
#include "node/cluster/worker.h"

namespace anamnesis {
namespace {

constexpr auto kTickInterval = std::chrono::milliseconds(100);
// How long a payload waits for a session before its callers are told that there is none.
constexpr int64_t kProposeWithinUs = 5000000;

using Bytes = std::shared_ptr<const std::string>;

int64_t NowUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::shared_ptr<internal::PeerMessage> NewMessage() { return std::make_shared<internal::PeerMessage>(); }

class ClusterSequencer : public Sequencer, public ClusterOperations {
 public:
  ClusterSequencer(ClusterOptions options, Staging& staging, ClusterParts parts)
      : options_(std::move(options)),
        staging_(staging),
        parts_(std::move(parts)),
        staged_(options_.held_bytes_max),
        catch_up_(options_.origin, staging_.store()),
        digests_(options_.node, [this](const NodeId& to, auto message) { peers_->Send(to, std::move(message)); }),
        writer_(staging_, options_.held_bytes_max,
                [this](const StagingWriter::Batches& batches, const Status& status) { OnWritten(batches, status); }),
        deliveries_(staging_,
                    {[this](const std::string& why) { NothingIsApplied(why); },
                     [this](const BatchId& id) { Post([id](Replica& replica) { replica.OnStagedLost(id); }); },
                     options_.log}) {}
  ~ClusterSequencer() override {
    Stop();
    // It calls back for the last time, which needs the workers to be there.
    order_.reset();
  }

  Status Start(Revision applied, Receiver receiver) override;
  Status Submit(std::shared_ptr<const Payload> payload) override;
  void Applied(Revision revision, const StateDigest& digest) override;
  bool order_is_final() const override { return true; }
  void Barrier(std::function<void(const Status&)> done) override;
  std::string refusing() const override;
  void Stop() override;

  void AskStatus(OnStatus done) override;
  void ChangeMembers(const v1::ChangeMembersRequest& request, const v1::Agent& requested_by, OnChanged done) override;

 private:
  // A payload that has no number yet.
  struct Waiting {
    std::shared_ptr<const Payload> payload;
    Bytes bytes;
    Digest digest;
    int64_t since_us;
  };

  // Calls `work` on the protocol's thread and then does what the replica wants.
  void Post(std::function<void(Replica&)> work);
  void AfterInput();
  void OnTick();
  // What follows from the digests of the others.
  void Judge();
  void Propose();
  void TakeSubmitted();
  // Why nothing that is submitted now would come to an end; empty when it would.
  std::string WhyNotProposed() const;
  void PutBarrier(uint64_t number);
  // When this node settles nothing any more, says why.
  Status CantSettle() const;
  void OnMessage(const NodeId& from, internal::PeerMessage message);
  void OnStore(const NodeId& from, internal::PeerMessage::Store store);
  void OnFetch(const NodeId& from, const internal::PeerMessage::Fetch& fetch);
  void OnFetchedMessage(const NodeId& from, internal::PeerMessage::Fetched fetched);
  // Parses and verifies bytes that have the record's digest; null, and said so, when they are no batch.
  std::shared_ptr<const Held> Verify(const NodeId& from, const OrderRecord& record, std::string bytes,
                                     Held::Origin origin);
  // Posts an input about a batch whose bytes came, and which is kept if the replica then wants it staged.
  void PostArrived(const std::shared_ptr<const Held>& held, std::function<void(Replica&)> input);
  void OnWritten(const StagingWriter::Batches& batches, const Status& status);
  void PutChange(const v1::ChangeMembersRequest& request, const v1::Agent& requested_by,
                 const std::shared_ptr<AnswerOnce<v1::ChangeMembersResponse>>& answer);
  // From now on nothing is ordered here, until the process is started again.
  void RefuseForGood(const std::string& why);
  // Nor is anything applied here, whatever is ordered.
  void NothingIsApplied(const std::string& why);
  void DropOwn(std::string_view why);
  void TakePart();

  void Do(const Watch& action) { order_->Do(action); }
  void Do(const OpenSession& action) { order_->Do(action); }
  void Do(const CloseSession& action) { order_->Do(action); }
  void Do(const OrderTransaction& action) { order_->Do(action); }
  void Do(const TrimSessions& action) { order_->Do(action); }
  void Do(const Compact& action) { order_->Do(action); }
  void Do(const SendStore& action);
  void Do(const Acknowledge& action);
  void Do(const Fetch& action);
  void Do(const PublishApplied& action);
  void Do(const Stage& action);
  void Do(const RemoveStaged& action);
  void Do(const DeliverBatch& action);
  void Do(const DeliverMembers& action);
  void Do(const DeliverProgress& action);
  void Do(const Settled& action);
  void Do(const Dropped& action);
  void Do(const NeedCatchUp& action);
  void Do(const Halt& action);

  const ClusterOptions options_;
  Staging& staging_;
  const ClusterParts parts_;
  Receiver receiver_;
  Revision applied_at_start_;
  std::atomic<bool> wants_watch_ = true;
  std::atomic<bool> stopped_ = false;

  mutable std::mutex refusing_mutex_;
  std::string refusing_ = "this node is joining its cluster";
  bool for_good_ = false;
  bool has_left_ = false;
  // Until a majority is known to agree with this node.
  std::string disagreement_;

  std::mutex submitted_mutex_;
  // Guarded by submitted_mutex_, as is the change of stopped_: whatever is submitted is here or in waiting_ until it
  // has a number or is dropped.
  std::deque<Waiting> submitted_;

  // Used by the protocol's thread only.
  std::unique_ptr<Replica> replica_;
  std::deque<Waiting> waiting_;
  Barriers barriers_{[this](uint64_t number) { PutBarrier(number); }};
  std::map<BatchId, std::shared_ptr<const Held>> own_;
  // Of peers: what came and is not staged yet, then what is staged.
  std::map<BatchId, std::shared_ptr<const Held>> arrived_;
  HeldBatches staged_;
  // What the peers were told of.
  Revision reachable_revision_;
  size_t reachable_count_ = 0;

  CatchUpServer catch_up_;
  // Used by the protocol's thread only.
  DigestExchange digests_;
  bool outvoted_ = false;

  // Their threads end in the order of Stop.
  std::unique_ptr<Order> order_;
  std::unique_ptr<Peers> peers_;
  StagingWriter writer_;
  Deliveries deliveries_;
  Worker protocol_{[this] { OnTick(); }, kTickInterval};
};

// --- Beginning and end ---

Status ClusterSequencer::Start(Revision applied, Receiver receiver) {
  receiver_ = std::move(receiver);
  applied_at_start_ = applied;
  ASSIGN_OR_RETURN(NodeReport disk, ReadDisk(staging_, options_.node, applied));
  // A node that was part of a cluster never founds one: its etcd has lost what it held, and that is to be recovered.
  const bool may_found = disk.members.revision.value == 0;
  Order::Driver driver;
  driver.post = [this](std::function<void(Replica&)> work) { Post(std::move(work)); };
  driver.wants_watch = [this] { return wants_watch_.load(); };
  order_ = parts_.make_order(options_, std::move(driver));
  DurableState durable{disk.node, disk.applied, std::move(disk.applied_numbers), std::move(disk.members),
                       std::move(disk.staged)};
  ASSIGN_OR_RETURN(const EtcdSnapshot snapshot, order_->Snapshot(durable, may_found));
  replica_ = std::make_unique<Replica>(std::move(durable), options_.replica);
  RETURN_IF_ERROR(replica_->Start(NowUs(), snapshot));
  ASSIGN_OR_RETURN(
      peers_,
      parts_.start_peers(
          options_, [this](const NodeId& from, internal::PeerMessage message) { OnMessage(from, std::move(message)); },
          &catch_up_));
  writer_.Start();
  deliveries_.Start(receiver_);
  protocol_.Start();
  if (options_.control != nullptr) options_.control->Attach(*this);
  return OkStatus();
}

void ClusterSequencer::Stop() {
  {
    const std::lock_guard lock(submitted_mutex_);
    if (stopped_.exchange(true)) return;
  }
  if (options_.control != nullptr) options_.control->Detach();
  // Whoever posts to another ends before it. The peers stay, since others send through them until they end.
  if (peers_ != nullptr) peers_->Stop();
  if (order_ != nullptr) order_->Stop();
  protocol_.Stop();
  writer_.Stop();
  deliveries_.Stop(absl::UnknownError("this node is stopping"));
  TakeSubmitted();
  for (const Waiting& waiting : waiting_) {
    receiver_.dropped(waiting.payload, absl::UnavailableError("this node is stopping"));
  }
  waiting_.clear();
  DropOwn("this node is stopping");
}

void ClusterSequencer::DropOwn(std::string_view why) {
  for (const auto& [id, held] : std::exchange(own_, {}))
    receiver_.dropped(held->payload, absl::UnknownError(Text(why)));
}

void ClusterSequencer::RefuseForGood(const std::string& why) {
  options_.log(why);
  const std::lock_guard lock(refusing_mutex_);
  refusing_ = why;
  for_good_ = true;
}

// The others apply what comes to be ordered; those who wait for it here are told that nobody knows.
void ClusterSequencer::NothingIsApplied(const std::string& why) {
  RefuseForGood(why);
  Post([this](Replica&) { DropOwn("nothing more is applied here"); });
}

void ClusterSequencer::TakePart() {
  const std::lock_guard lock(refusing_mutex_);
  if (!for_good_) refusing_.clear();
}

std::string ClusterSequencer::refusing() const {
  const std::lock_guard lock(refusing_mutex_);
  if (has_left_ && !for_good_) return "this node is no member of the cluster (any more)";
  if (!refusing_.empty()) return refusing_;
  const std::string refused = order_->refusing();
  return refused.empty() ? disagreement_ : refused;
}

// --- The protocol's thread ---

void ClusterSequencer::Post(std::function<void(Replica&)> work) {
  protocol_.Post([this, work = std::move(work)] {
    work(*replica_);
    AfterInput();
  });
}

void ClusterSequencer::OnTick() {
  replica_->Tick(NowUs());
  Judge();
  Propose();
  if (const Status failed = CantSettle(); !failed.ok()) barriers_.Fail(failed);
  barriers_.Tick(NowUs());
  AfterInput();
}

void ClusterSequencer::AfterInput() {
  if (replica_->members().revision != reachable_revision_ || replica_->reachable_count() != reachable_count_) {
    reachable_revision_ = replica_->members().revision;
    reachable_count_ = replica_->reachable_count();
    peers_->SetMembers(replica_->reachable());
    catch_up_.SetMembers(replica_->members());
    digests_.SetMembers(replica_->members());
    const std::lock_guard lock(refusing_mutex_);
    has_left_ = !replica_->members().IsMember(options_.node);
  }
  for (const Action& action : replica_->TakeActions()) {
    std::visit([this](const auto& one) { Do(one); }, action);
  }
  wants_watch_ = replica_->wants_watch();
}

Status ClusterSequencer::Submit(std::shared_ptr<const Payload> payload) {
  auto bytes = std::make_shared<const std::string>(payload->Serialize());
  const Digest digest = Sha256({*bytes});
  {
    const std::lock_guard lock(submitted_mutex_);
    if (stopped_) return absl::UnavailableError("this node is stopping");
    submitted_.push_back({std::move(payload), std::move(bytes), digest, NowUs()});
  }
  Post([this](Replica&) { Propose(); });
  return OkStatus();
}

void ClusterSequencer::TakeSubmitted() {
  const std::lock_guard lock(submitted_mutex_);
  for (Waiting& submitted : submitted_) waiting_.push_back(std::move(submitted));
  submitted_.clear();
}

std::string ClusterSequencer::WhyNotProposed() const {
  if (const Status failed = CantSettle(); !failed.ok()) return std::string(MessageOf(failed));
  const std::string refused = order_->refusing();
  return refused.empty() ? digests_.refusing() : refused;
}

void ClusterSequencer::Propose() {
  TakeSubmitted();
  while (!waiting_.empty()) {
    const Waiting& next = waiting_.front();
    if (const std::string why = WhyNotProposed(); !why.empty()) {
      receiver_.dropped(next.payload, absl::UnavailableError(Text("not ordered: ", why)));
      waiting_.pop_front();
      continue;
    }
    const StatusOr<BatchId> id = replica_->Propose(next.digest, next.bytes->size());
    if (id.ok()) {
      const OrderRecord record{*id, next.digest, next.bytes->size(), options_.node};
      own_[*id] = std::make_shared<const Held>(Held{record, next.bytes, next.payload, Held::Origin::kOwn});
    } else if (absl::IsUnavailable(id.status()) && NowUs() - next.since_us < kProposeWithinUs) {
      return;
    } else {
      receiver_.dropped(next.payload, absl::UnavailableError(Text("not ordered: ", MessageOf(id.status()))));
    }
    waiting_.pop_front();
  }
}

// --- Operators ---

void ClusterSequencer::AskStatus(OnStatus done) {
  const auto answer = std::make_shared<AnswerOnce<v1::ClusterStatus>>(std::move(done));
  protocol_.Post([this, answer] {
    v1::ClusterStatus status = ClusterStatusOf(options_, *replica_, order_->Health());
    status.set_refusing(refusing());
    answer->Give(status);
  });
}

void ClusterSequencer::ChangeMembers(const v1::ChangeMembersRequest& request, const v1::Agent& requested_by,
                                     OnChanged done) {
  const auto answer = std::make_shared<AnswerOnce<v1::ChangeMembersResponse>>(std::move(done));
  protocol_.Post([this, request, requested_by, answer] { PutChange(request, requested_by, answer); });
}

void ClusterSequencer::PutChange(const v1::ChangeMembersRequest& request, const v1::Agent& requested_by,
                                 const std::shared_ptr<AnswerOnce<v1::ChangeMembersResponse>>& answer) {
  const Members& current = replica_->members();
  const auto applied = replica_->applied_by_members();
  StatusOr<Members> next = NextMembers(current, request, requested_by, applied);
  if (next.ok() && !current.IsMember(options_.node)) {
    next = absl::FailedPreconditionError("this node is no member of the cluster; ask one that is");
  }
  if (!next.ok()) return answer->Give(next.status());
  order_->PutMembers(*next, current.revision, [answer](const StatusOr<Revision>& put) {
    if (!put.ok()) return answer->Give(put.status());
    v1::ChangeMembersResponse response;
    response.set_revision(put->value);
    answer->Give(response);
  });
}

// --- Barriers ---

void ClusterSequencer::Barrier(std::function<void(const Status&)> done) {
  if (stopped_) return done(absl::UnavailableError("this node is stopping"));
  Post([this, done = std::move(done)](Replica&) {
    const Status failed = CantSettle();
    failed.ok() ? barriers_.Begin(NowUs(), done) : done(failed);
  });
}

void ClusterSequencer::PutBarrier(uint64_t number) {
  order_->PutBarrier([this, number](const StatusOr<Revision>& outcome) {
    Post([this, number, outcome](Replica&) { barriers_.OnPut(number, outcome); });
  });
}

Status ClusterSequencer::CantSettle() const {
  const std::lock_guard lock(refusing_mutex_);
  return for_good_ ? absl::UnavailableError(refusing_) : OkStatus();
}

// --- Peers ---

void ClusterSequencer::OnMessage(const NodeId& from, internal::PeerMessage message) {
  switch (message.what_case()) {
    case internal::PeerMessage::kStore:
      OnStore(from, std::move(*message.mutable_store()));
      return;
    case internal::PeerMessage::kAcknowledged: {
      const auto& acknowledged = message.acknowledged();
      const BatchId id{SessionId(acknowledged.session()), BatchNumber(acknowledged.number())};
      const StatusOr<Digest> digest = Digest::FromBytes(acknowledged.digest());
      if (digest.ok())
        Post([from, id, digest = *digest](Replica& replica) { replica.OnAcknowledged(from, id, digest); });
      return;
    }
    case internal::PeerMessage::kFetch:
      OnFetch(from, message.fetch());
      return;
    case internal::PeerMessage::kFetched:
      OnFetchedMessage(from, std::move(*message.mutable_fetched()));
      return;
    case internal::PeerMessage::kApplied:
      Post([this, from, applied = message.applied()](Replica& replica) {
        replica.OnPeerApplied(from, Revision(applied.revision()));
        digests_.OnPeer(from, applied, NowUs());
        Judge();
      });
      return;
    case internal::PeerMessage::kDigestHistory:
      Post([this, from, history = std::move(*message.mutable_digest_history())](Replica&) {
        digests_.OnHistory(from, history);
        Judge();
      });
      return;
    default:
      return;
  }
}

std::shared_ptr<const Held> ClusterSequencer::Verify(const NodeId& from, const OrderRecord& record, std::string bytes,
                                                     Held::Origin origin) {
  StatusOr<std::shared_ptr<const Payload>> payload = receiver_.parse(bytes);
  if (!payload.ok()) {
    options_.log(Text("node ", from, " sent a batch that is not kept: ", MessageOf(payload.status())));
    return nullptr;
  }
  return std::make_shared<const Held>(
      Held{record, std::make_shared<const std::string>(std::move(bytes)), *std::move(payload), origin});
}

void ClusterSequencer::OnStore(const NodeId& from, internal::PeerMessage::Store store) {
  const StatusOr<OrderRecord> record = FromProto(store.record());
  if (!record.ok() || record->proposer != from) return;
  if (Sha256({store.batch()}) != record->digest || store.batch().size() != record->size_bytes) {
    options_.log(Text("node ", from, " sent a batch that is not what its record says"));
    return;
  }
  const std::shared_ptr<const Held> held =
      Verify(from, *record, std::move(*store.mutable_batch()), Held::Origin::kPeer);
  if (held == nullptr) return;
  PostArrived(held, [record = *record](Replica& replica) { replica.OnStoreRequest(record); });
}

void ClusterSequencer::PostArrived(const std::shared_ptr<const Held>& held, std::function<void(Replica&)> input) {
  protocol_.Post([this, held, input = std::move(input)] {
    arrived_[held->record.id] = held;
    input(*replica_);
    AfterInput();
    arrived_.erase(held->record.id);
  });
}

void ClusterSequencer::OnFetch(const NodeId& from, const internal::PeerMessage::Fetch& fetch) {
  const BatchName name{fetch.session(), fetch.number()};
  auto answer = NewMessage();
  internal::PeerMessage::Fetched& fetched = *answer->mutable_fetched();
  fetched.set_session(name.session);
  fetched.set_number(name.number);
  StatusOr<std::optional<std::string>> bytes = staging_.Get(name);
  if (bytes.ok() && bytes->has_value()) {
    fetched.set_batch(**std::move(bytes));
  } else {
    const StatusOr<bool> applied = staging_.IsApplied(name);
    fetched.set_outcome(applied.ok() && *applied ? internal::PeerMessage::Fetched::GONE
                                                 : internal::PeerMessage::Fetched::NOT_NOW);
  }
  peers_->Send(from, answer);
}

void ClusterSequencer::OnFetchedMessage(const NodeId& from, internal::PeerMessage::Fetched fetched) {
  const BatchId id{SessionId(fetched.session()), BatchNumber(fetched.number())};
  if (fetched.outcome() != internal::PeerMessage::Fetched::FOUND) {
    const FetchFailure failure =
        fetched.outcome() == internal::PeerMessage::Fetched::GONE ? FetchFailure::kGone : FetchFailure::kNotNow;
    Post([from, id, failure](Replica& replica) { replica.OnFetchFailed(from, id, failure); });
    return;
  }
  const OrderRecord record{id, Sha256({fetched.batch()}), fetched.batch().size(), ""};
  const std::shared_ptr<const Held> held =
      Verify(from, record, std::move(*fetched.mutable_batch()), Held::Origin::kFetched);
  if (held == nullptr) {
    Post([from, id](Replica& replica) { replica.OnFetchFailed(from, id, FetchFailure::kNotNow); });
    return;
  }
  PostArrived(held, [from, id, digest = record.digest](Replica& replica) { replica.OnFetched(from, id, digest); });
}

void ClusterSequencer::Do(const SendStore& action) {
  const auto own = own_.find(action.batch.id);
  if (own == own_.end()) return;
  auto message = NewMessage();
  *message->mutable_store()->mutable_record() = ToProto(action.batch);
  message->mutable_store()->set_batch(*own->second->bytes);
  peers_->Send(action.to, message);
}

void ClusterSequencer::Do(const Acknowledge& action) {
  auto message = NewMessage();
  message->mutable_acknowledged()->set_session(action.id.session.value);
  message->mutable_acknowledged()->set_number(action.id.number.value);
  message->mutable_acknowledged()->set_digest(action.digest.bytes());
  peers_->Send(action.to, message);
}

void ClusterSequencer::Do(const Fetch& action) {
  auto message = NewMessage();
  message->mutable_fetch()->set_session(action.batch.id.session.value);
  message->mutable_fetch()->set_number(action.batch.id.number.value);
  peers_->Send(action.from, message);
}

void ClusterSequencer::Do(const PublishApplied& action) {
  auto message = NewMessage();
  message->mutable_applied()->set_revision(action.revision.value);
  digests_.AddTo(*message->mutable_applied());
  for (const Member* member : replica_->members().All()) {
    if (member->node != options_.node) peers_->Send(member->node, message);
  }
}

// --- Disk ---

void ClusterSequencer::Do(const Stage& action) {
  const BatchId& id = action.batch.id;
  std::shared_ptr<const Held> held;
  if (const auto own = own_.find(id); own != own_.end()) held = own->second;
  if (const auto arrived = arrived_.find(id); arrived != arrived_.end()) held = arrived->second;
  if (held == nullptr || !writer_.Write(held)) replica_->OnStageFailed(id);
}

void ClusterSequencer::OnWritten(const StagingWriter::Batches& batches, const Status& status) {
  if (!status.ok() && !absl::IsResourceExhausted(status)) {
    RefuseForGood(Text("nothing more is stored here: ", MessageOf(status), "; open the ledger again"));
    return;
  }
  Post([this, batches, ok = status.ok()](Replica& replica) {
    for (const auto& held : batches) {
      const BatchId& id = held->record.id;
      if (!ok) {
        replica.OnStageFailed(id);
      } else if (replica.OnStaged(id) && !held->own()) {
        staged_.Keep(held);
      }
    }
  });
}

void ClusterSequencer::Do(const RemoveStaged& action) {
  std::vector<BatchName> names;
  for (const BatchId& id : action.ids) {
    (void)staged_.Take(id);
    names.push_back(NameOf(id));
  }
  writer_.Remove(std::move(names));
}

// --- The ledger ---

void ClusterSequencer::Do(const DeliverBatch& action) {
  // From here on only other nodes can ask for its bytes, and they get them from staging.
  std::shared_ptr<const Held> held = staged_.Take(action.record.id);
  if (auto own = own_.extract(action.record.id)) held = std::move(own.mapped());
  deliveries_.DeliverBatch(action.revision, action.record, std::move(held));
}

void ClusterSequencer::Do(const DeliverMembers& action) {
  // What changed was parsed when the watch showed it.
  StatusOr<std::optional<Ordered::OwnEvent>> event = EventOf(action.members);
  CHECK(event.ok());
  deliveries_.Deliver(
      {action.members.revision, 0, 0, nullptr, ToProto(action.members).SerializeAsString(), *std::move(event)});
}

void ClusterSequencer::Do(const DeliverProgress& action) {
  deliveries_.Deliver({action.revision, 0, 0, nullptr, std::nullopt});
}

void ClusterSequencer::Applied(Revision revision, const StateDigest& digest) {
  Post([this, revision, digest](Replica& replica) {
    digests_.OnOwn(digest);
    // What was applied before the start was never delivered by this replica.
    if (revision > applied_at_start_) replica.OnApplied(revision);
  });
}

void ClusterSequencer::Judge() {
  {
    const std::lock_guard lock(refusing_mutex_);
    disagreement_ = digests_.refusing();
  }
  const std::optional<std::string> outvoted = digests_.Outvoted(NowUs());
  if (!outvoted.has_value() || std::exchange(outvoted_, true)) return;
  RefuseForGood(*outvoted);
  options_.outvoted(*outvoted);
}

void ClusterSequencer::Do(const Settled& action) {
  TakePart();
  receiver_.settled(action.revision);
  barriers_.OnSettled(action.revision);
}

void ClusterSequencer::Do(const Dropped& action) {
  const auto own = own_.find(action.id);
  if (own == own_.end()) return;
  // Also of what is certainly not in this order: should etcd be lost, a recovery may find it on a disk and order it.
  receiver_.dropped(own->second->payload, absl::UnknownError("this node's session in etcd ended"));
  own_.erase(own);
}

void ClusterSequencer::Do(const NeedCatchUp& action) {
  RefuseForGood(Text("this node has missed too much; it has to copy from another, at revision ", action.at_least.value,
                     " or later"));
  options_.catch_up(action.at_least);
}

void ClusterSequencer::Do(const Halt& action) {
  const std::string why = Text("this node has stopped: ", MessageOf(action.reason));
  RefuseForGood(why);
  receiver_.ended(absl::UnavailableError(why));
}

}  // namespace

std::unique_ptr<Sequencer> MakeClusterSequencer(ClusterOptions options, Staging& staging, ClusterParts parts) {
  return std::make_unique<ClusterSequencer>(std::move(options), staging, std::move(parts));
}

StatusOr<std::unique_ptr<Sequencer>> MakeClusterSequencer(ClusterOptions options, Staging& staging) {
  ASSIGN_OR_RETURN(std::unique_ptr<EtcdClient> client, EtcdClient::Connect(options.etcd));
  ClusterParts parts;
  // Functions are copied; this one is called once.
  const auto taken = std::make_shared<std::unique_ptr<EtcdClient>>(std::move(client));
  parts.make_order = [taken](const ClusterOptions& of, Order::Driver driver) {
    return std::make_unique<EtcdOrder>(of, std::move(*taken), std::move(driver));
  };
  parts.start_peers = Peers::Start;
  return MakeClusterSequencer(std::move(options), staging, std::move(parts));
}

}  // namespace anamnesis
