#include "node/checkpoint/publisher.h"

#include <algorithm>
#include <utility>

#include "ledger/base/limits.h"
#include "ledger/engine/files.h"
#include "ledger/note/signed_note.h"

namespace anamnesis {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Longer than one request to a witness may take.
constexpr std::chrono::seconds kRoundMax(15);
constexpr size_t kWaitersMax = 1024;
// Leaves that are verified between two looks at everything else.
constexpr uint64_t kAuditLeaves = 8192;
// After something was found wrong.
constexpr std::chrono::seconds kAuditAgain(5);
constexpr std::chrono::seconds kSignAgain(1);
// How soon those that wait hear that their time is over.
constexpr std::chrono::milliseconds kTick(100);

bool IsHttpUrl(const std::string& url) { return url.starts_with("http://") || url.starts_with("https://"); }

Status NoPolicy() {
  return absl::FailedPreconditionError(
      "this node has no policy that says what is witnessed; start it with --witness-policy");
}

Status Stops() { return absl::UnavailableError("the node stops; ask another, or retry later"); }

Status NotYet(uint64_t reached, TreeSize size) {
  return absl::UnavailableError(
      Text("the ledger is witnessed up to ", reached, " events, not yet ", size.value, "; retry later"));
}

// Whether a witness of the policy is this node itself.
bool IsOwn(const PublisherOptions& options, const Policy::Witness& witness) {
  return options.witness != nullptr && witness.key == options.witness->verifier_key();
}

// What the policy calls this node as a witness; empty when it doesn't name it.
std::string OwnNameIn(const PublisherOptions& options) {
  if (!options.policy.has_value()) return "";
  for (const Policy::Witness& witness : options.policy->witnesses()) {
    if (IsOwn(options, witness)) return witness.name;
  }
  return "";
}

}  // namespace

// --- Beginning and end ---

StatusOr<std::unique_ptr<Publisher>> Publisher::Start(Ledger& ledger, PublisherOptions options) {
  auto publisher = std::unique_ptr<Publisher>(new Publisher(ledger, std::move(options)));
  RETURN_IF_ERROR(publisher->Load());
  publisher->AddClients();
  // The ledger doesn't wait: a call that is missed is made up for at the next tick.
  publisher->listener_ = ledger.AddListener([raw = publisher.get()](uint64_t) {
    raw->grown_ = true;
    raw->wake_.notify_all();
  });
  publisher->thread_ = std::thread([raw = publisher.get()] { raw->Run(); });
  return publisher;
}

Publisher::Publisher(Ledger& ledger, PublisherOptions options)
    : ledger_(ledger), options_(std::move(options)), origin_(ledger.GetStatus().origin()) {}

Publisher::~Publisher() {
  if (listener_ != 0) ledger_.RemoveListener(listener_);
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  clients_.clear();
  EndWaiting();
}

void Publisher::EndWaiting() {
  std::vector<Waiter> waiters;
  {
    const std::lock_guard lock(mutex_);
    no_waiting_ = true;
    waiters = std::exchange(waiters_, {});
  }
  for (const Waiter& waiter : waiters) waiter.ready(Stops());
}

Status Publisher::Load() {
  if (!options_.policy.has_value()) return OkStatus();
  ASSIGN_OR_RETURN(const std::vector<VerifierKey> keys, options_.log_keys(LogKeyUse::kKept));
  const auto& logs = options_.policy->logs();
  const auto is_ours = [&](const Policy::Log& log) {
    return std::find(keys.begin(), keys.end(), log.key) != keys.end();
  };
  if (std::none_of(logs.begin(), logs.end(), is_ours)) {
    return absl::InvalidArgumentError(
        Text("the policy doesn't name this ledger's key; it needs the line: log ", ledger_.GetStatus().verifier_key()));
  }
  for (const Policy::Witness& witness : options_.policy->witnesses()) {
    if (witness.url.empty() || IsHttpUrl(witness.url)) continue;
    return absl::InvalidArgumentError(
        Text("witness ", witness.name, ": ", witness.url, " does not begin with http:// or https://"));
  }
  StatusOr<std::string> note = ReadSmallFile(options_.file);
  if (absl::IsNotFound(note.status())) return OkStatus();
  RETURN_IF_ERROR(note.status());
  // Under another policy it may be worth nothing any more. After a rotation that names the log's former keys.
  StatusOr<Checkpoint> checkpoint = options_.policy->Open(*note, keys);
  if (!checkpoint.ok()) {
    options_.log(Text(options_.file, " does not satisfy the policy: ", MessageOf(checkpoint.status())));
    return OkStatus();
  }
  if (checkpoint->origin != origin_) {
    return absl::DataLossError(Text(options_.file, ": is of ", checkpoint->origin, ", not of ", origin_));
  }
  witnessed_ = PublishedCheckpoint{*std::move(checkpoint), *std::move(note)};
  return OkStatus();
}

void Publisher::AddClients() {
  if (!options_.policy.has_value()) return;
  for (const Policy::Witness& witness : options_.policy->witnesses()) {
    const bool own = IsOwn(options_, witness);
    if (own || !witness.url.empty()) reached_.insert(witness.name);
    if (own || witness.url.empty()) continue;
    WitnessClientOptions client{.witness = witness, .post = options_.post};
    client.prove = [this](TreeSize from, TreeSize to) -> StatusOr<std::vector<Digest>> {
      v1::GetConsistencyProofRequest request;
      request.set_from_size(from.value);
      request.set_to_size(to.value);
      ASSIGN_OR_RETURN(const v1::ConsistencyProof proof, ledger_.GetConsistencyProof(request));
      std::vector<Digest> hashes;
      for (const std::string& hash : proof.hashes()) {
        ASSIGN_OR_RETURN(const Digest digest, Digest::FromBytes(hash, "hash"));
        hashes.push_back(digest);
      }
      return hashes;
    };
    client.on_cosignature = [this](TreeSize size, const NoteSignature& signature) { AddCosignature(size, signature); };
    client.on_overtaken = [this, name = witness.name](TreeSize size) { Overtaken(size, name); };
    client.log = options_.log;
    clients_.push_back(std::make_unique<WitnessClient>(std::move(client)));
  }
}

// --- Rounds ---

void Publisher::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const bool next = RoundIsOver(SteadyClock::now());
    grown_ = false;
    lock.unlock();
    const bool due = next && SteadyClock::now() >= sign_again_;
    if (due && ledger_.tree_size() > published_size_) BeginRound();
    const bool more = Audit();
    CosignHere();
    AnswerWaiters();
    lock.lock();
    if (!more)
      wake_.wait_for(lock, std::min(kTick, options_.interval),
                     [this] { return stopping_ || (grown_ && RoundIsOver(SteadyClock::now())); });
  }
}

bool Publisher::RoundIsOver(SteadyClock::time_point now) const {
  if (!round_.has_value()) return true;
  const bool done = !options_.policy.has_value() || round_->witnessed || IsOvertaken(*round_);
  return (done || now >= round_->begun + kRoundMax) && now >= round_->begun + options_.interval;
}

bool Publisher::Audit() {
  const SteadyClock::time_point now = SteadyClock::now();
  // A node of a cluster that has just started doesn't know yet what it has.
  if (options_.audit == nullptr || now < audit_again_ || ledger_.tree_size() == 0) return false;
  const Status read = options_.audit->Advance(kAuditLeaves);
  if (!read.ok()) audit_again_ = now + kAuditAgain;
  std::string failing = read.ok() ? "" : std::string(MessageOf(read));
  {
    const std::lock_guard lock(mutex_);
    if (failing != audit_fails_) {
      options_.log(failing.empty() ? "this node verifies its leaves again, and cosigns"
                                   : Text("THIS NODE DOES NOT COSIGN: ", failing));
    }
    audit_fails_ = std::move(failing);
  }
  return read.ok() && options_.audit->size().value < ledger_.tree_size();
}

void Publisher::Note(const Status& status, std::string& failing, std::string_view what) {
  const std::string before = std::exchange(failing, status.ok() ? "" : status.ToString());
  if (failing == before) return;
  options_.log(failing.empty() ? Text(what, "s are made again") : Text("no ", what, ": ", failing));
}

void Publisher::BeginRound() {
  Round round;
  round.begun = SteadyClock::now();
  const StatusOr<v1::Checkpoint> signed_here = ledger_.GetCheckpoint();
  Note(signed_here.status(), signing_fails_, "checkpoint");
  // What fails reads the same leaves each time, so not at every batch.
  sign_again_ = round.begun + kSignAgain;
  if (!signed_here.ok()) return;
  // Made by the ledger just now.
  round.note = *ParseSignedNote(signed_here->note());
  round.checkpoint = *ParseCheckpointText(round.note.text);
  if (round.checkpoint.size.value <= published_size_) return;
  sign_again_ = round.begun;
  published_size_ = round.checkpoint.size.value;
  const PublishedCheckpoint offered{round.checkpoint, signed_here->note()};
  {
    const std::lock_guard lock(mutex_);
    round_ = std::move(round);
    TakeIfWitnessed();
  }
  for (const auto& client : clients_) client->Offer(offered);
}

void Publisher::CosignHere() {
  if (options_.witness == nullptr || options_.audit == nullptr) return;
  SignedNote note;
  TreeSize size;
  {
    const std::lock_guard lock(mutex_);
    if (!round_.has_value() || round_->cosigned_here || !audit_fails_.empty()) return;
    size = round_->checkpoint.size;
    note = round_->note;
  }
  const StatusOr<NoteSignature> signature = options_.witness->CosignOwn(origin_, FormatSignedNote(note));
  // It isn't verified that far yet, and will be; what is wrong with the leaves was said by Audit.
  if (absl::IsOutOfRange(signature.status()) || absl::IsDataLoss(signature.status())) return;
  // Another node's larger checkpoint was cosigned here meanwhile.
  if (absl::IsAlreadyExists(signature.status())) return Overtaken(size, OwnNameIn(options_));
  Note(signature.status(), cosigning_fails_, "cosignature");
  if (signature.ok()) AddCosignature(size, *signature);
}

void Publisher::Overtaken(TreeSize size, const std::string& witness) {
  const std::lock_guard lock(mutex_);
  if (round_.has_value() && round_->checkpoint.size == size) round_->overtaken_at.insert(witness);
}

bool Publisher::IsOvertaken(const Round& round) const {
  // The word of one witness ends no round that others can complete.
  if (round.overtaken_at.empty()) return false;
  std::set<std::string> left = reached_;
  for (const std::string& witness : round.overtaken_at) left.erase(witness);
  return !options_.policy->IsQuorum(left);
}

void Publisher::AddCosignature(TreeSize size, const NoteSignature& signature) {
  {
    const std::lock_guard lock(mutex_);
    if (!round_.has_value() || round_->checkpoint.size != size) return;
    auto& signatures = round_->note.signatures;
    const bool own = options_.witness != nullptr && signature.key_id == options_.witness->verifier_key().key_id() &&
                     signature.name == options_.witness->verifier_key().name();
    if (own) round_->cosigned_here = true;
    // A later cosignature by the same key takes the place of the earlier one.
    std::erase_if(signatures, [&](const NoteSignature& other) {
      return other.name == signature.name && other.key_id == signature.key_id;
    });
    if (signatures.size() >= limits::kNoteSignaturesMax) return;
    signatures.push_back(signature);
    TakeIfWitnessed();
  }
  AnswerWaiters();
}

void Publisher::TakeIfWitnessed() {
  if (!options_.policy.has_value()) return;
  const StatusOr<std::vector<VerifierKey>> keys = options_.log_keys(LogKeyUse::kTrusted);
  Note(keys.status(), policy_fails_, "witness policy");
  if (!keys.ok() || !options_.policy->Check(round_->note, *keys).ok()) return;
  round_->witnessed = true;
  witnessed_ = PublishedCheckpoint{round_->checkpoint, FormatSignedNote(round_->note)};
  // For the next start only; without it receipts have to wait for the next checkpoint.
  if (const Status kept = WriteSmallFile(options_.file, witnessed_->note); !kept.ok()) {
    options_.log(Text("the witnessed checkpoint can't be kept: ", MessageOf(kept)));
  }
}

// --- Answers ---

std::optional<PublishedCheckpoint> Publisher::Newest() const {
  const std::lock_guard lock(mutex_);
  if (options_.policy.has_value()) return witnessed_;
  if (!round_.has_value()) return std::nullopt;
  return PublishedCheckpoint{round_->checkpoint, FormatSignedNote(round_->note)};
}

void Publisher::AwaitWitnessed(TreeSize size, SteadyClock::time_point deadline, Ready ready) {
  if (!options_.policy.has_value()) return ready(NoPolicy());
  StatusOr<PublishedCheckpoint> answer = Stops();
  {
    const std::lock_guard lock(mutex_);
    if (witnessed_.has_value() && witnessed_->checkpoint.size >= size) {
      answer = *witnessed_;
    } else if (deadline <= SteadyClock::now()) {
      answer = NotYet(witnessed_.has_value() ? witnessed_->checkpoint.size.value : 0, size);
    } else if (waiters_.size() >= kWaitersMax) {
      answer = absl::ResourceExhaustedError("too many calls wait for witnesses; retry later");
    } else if (!no_waiting_) {
      waiters_.push_back({size, deadline, std::move(ready)});
      return;
    }
  }
  ready(answer);
}

void Publisher::AnswerWaiters() {
  const SteadyClock::time_point now = SteadyClock::now();
  std::vector<std::pair<Ready, StatusOr<PublishedCheckpoint>>> answers;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(waiters_, [&](Waiter& waiter) {
      const uint64_t reached = witnessed_.has_value() ? witnessed_->checkpoint.size.value : 0;
      if (witnessed_.has_value() && reached >= waiter.size.value) {
        answers.emplace_back(std::move(waiter.ready), *witnessed_);
      } else if (now >= waiter.deadline) {
        answers.emplace_back(std::move(waiter.ready), NotYet(reached, waiter.size));
      } else {
        return false;
      }
      return true;
    });
  }
  for (const auto& [ready, answer] : answers) ready(answer);
}

v1::WitnessStatus Publisher::GetStatus() const {
  v1::WitnessStatus status;
  status.set_origin(origin_);
  status.set_tree_size(ledger_.tree_size());
  if (options_.policy.has_value()) status.set_policy(options_.policy->Format());
  std::string audit_fails;
  {
    const std::lock_guard lock(mutex_);
    audit_fails = audit_fails_;
    if (round_.has_value()) status.set_published_size(round_->checkpoint.size.value);
    if (options_.policy.has_value()) {
      status.set_witnessed_size(witnessed_.has_value() ? witnessed_->checkpoint.size.value : 0);
    }
  }
  for (const auto& client : clients_) {
    const WitnessClient::State state = client->state();
    v1::WitnessStatus::Witness& witness = *status.add_witnesses();
    witness.set_name(state.name);
    witness.set_url(state.url);
    witness.set_cosigned_size(state.cosigned.value);
    witness.set_failing(state.failing);
  }
  if (options_.witness == nullptr) return status;
  status.set_cosigner_key(options_.witness->verifier_key().Format());
  if (options_.audit != nullptr) status.set_verified_size(options_.audit->size().value);
  for (const Witness::LogState& state : options_.witness->State()) {
    v1::WitnessStatus::Log& log = *status.add_logs();
    log.set_origin(state.origin);
    log.set_cosigned_size(state.cosigned.value);
    log.set_fork_evidence(state.fork_evidence);
    log.set_rollback_evidence(state.rollback_evidence);
    log.set_refused(state.origin == origin_ && !audit_fails.empty() ? audit_fails : state.refused);
  }
  return status;
}

std::string Publisher::Alarm() const {
  if (options_.witness == nullptr) return "";
  {
    const std::lock_guard lock(mutex_);
    if (!audit_fails_.empty()) return audit_fails_;
  }
  for (const Witness::LogState& state : options_.witness->State()) {
    if (!state.fork_evidence.empty()) return Text(state.origin, " has forked; see ", state.fork_evidence);
  }
  return "";
}

}  // namespace anamnesis
