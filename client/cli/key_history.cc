#include "client/cli/key_history.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "anamnesis/v1/vocabulary_authority.pb.h"
#include "anamnesis/v1/vocabulary_delegation.pb.h"
#include "client/cli/context.h"
#include "client/cli/trust.h"
#include "ledger/event/vocabulary.h"
#include "ledger/merkle/verify.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/signed_note.h"
#include "ledger/note/tlog_proof.h"

namespace anamnesis::cli {
namespace {

constexpr uint64_t kPage = 1000;

std::string HolderOf(const v1::EventHeader& header) {
  const v1::EntityRef* holder = FindReference(header, "holder");
  return holder == nullptr ? "" : Text(holder->kind(), ":", holder->id());
}

Timestamp RecordedOf(const v1::Event& event) {
  return Timestamp(event.recorded().seconds() * 1'000'000 + event.recorded().nanos() / 1000);
}

class Gatherer {
 public:
  Gatherer(LedgerClient& client, TreeSize size, Checkpoint checkpoint)
      : client_(client), size_(size), checkpoint_(std::move(checkpoint)) {}

  Status Gather(KeyHistory& history);
  StatusOr<KeyHistory::Older> Prove(const std::string& note);

 private:
  Status ReadType(std::string_view type);
  Status TakeRoles();
  // Whoever sealed an event that reports a key of a node or an administrator lost, which anybody may, and so on for the
  // keys of those: their credentials belong into the history too.
  void FindReporters();
  Status TakeCredentials();
  Status TakeRun(const v1::Event& event);
  Status MarkBefore(Timestamp end);
  StatusOr<v1::Event> Get(uint64_t index);
  bool Matters(const std::string& holder) const { return holder.starts_with("node:") || holders_.contains(holder); }
  template <typename Body>
  StatusOr<Body> BodyOf(const v1::Event& event) const;

  LedgerClient& client_;
  const TreeSize size_;
  const Checkpoint checkpoint_;
  // Those that may matter, in the order of the log.
  std::map<uint64_t, v1::Event> events_;
  // Whose credentials belong into the history, beside those of nodes.
  std::set<std::string> holders_;
  // The leaves to be given, and whether with their bodies.
  std::map<uint64_t, bool> leaves_;
};

template <typename Body>
StatusOr<Body> Gatherer::BodyOf(const v1::Event& event) const {
  Body body;
  if (event.has_body() && body.ParseFromString(event.body().content())) return body;
  return absl::InternalError(Text("the ledger gave leaf ", event.index(), " without its body"));
}

Status Gatherer::ReadType(std::string_view type) {
  uint64_t from = 0;
  while (from < size_.value) {
    v1::ReadRequest request;
    request.set_type(std::string(type));
    request.set_from(from);
    request.set_limit(kPage);
    request.set_include_bodies(true);
    uint64_t count = 0;
    RETURN_IF_ERROR(client_.Read(request, [&](const v1::ReadResponse& response) {
      if (!response.has_event()) return true;
      ++count;
      from = response.event().index() + 1;
      if (response.event().index() < size_.value) events_[response.event().index()] = response.event();
      return true;
    }));
    if (count < kPage) return OkStatus();
  }
  return OkStatus();
}

StatusOr<v1::Event> Gatherer::Get(uint64_t index) {
  if (const auto found = events_.find(index); found != events_.end()) return found->second;
  v1::GetEventRequest request;
  request.set_index(index);
  return client_.GetEvent(request);
}

Status Gatherer::TakeRun(const v1::Event& event) {
  uint64_t last = event.index();
  ASSIGN_OR_RETURN(v1::Event sealed, Get(last));
  while (!sealed.has_seal()) {
    if (++last >= size_.value) return absl::InternalError(Text("the run of leaf ", event.index(), " has no seal"));
    ASSIGN_OR_RETURN(sealed, Get(last));
  }
  const uint64_t count = sealed.seal().count();
  if (count == 0 || count > last + 1) return absl::InternalError(Text("leaf ", last, " has an impossible seal"));
  for (uint64_t index = last + 1 - count; index <= last; ++index) leaves_.emplace(index, false);
  leaves_[event.index()] = true;
  return OkStatus();
}

// The last leaf that was recorded before that time: how far the log had come.
Status Gatherer::MarkBefore(Timestamp end) {
  uint64_t low = 0;
  uint64_t high = size_.value;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    ASSIGN_OR_RETURN(const v1::Event event, Get(middle));
    if (RecordedOf(event) < end) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low > 0) leaves_.emplace(low - 1, false);
  return OkStatus();
}

Status Gatherer::TakeRoles() {
  for (const auto& [index, event] : events_) {
    const std::string& type = event.header().type();
    v1::Role role = v1::ROLE_UNSPECIFIED;
    if (type == "role.granted") {
      ASSIGN_OR_RETURN(const v1::RoleGranted body, BodyOf<v1::RoleGranted>(event));
      role = body.role();
    } else if (type == "role.withdrawn") {
      ASSIGN_OR_RETURN(const v1::RoleWithdrawn body, BodyOf<v1::RoleWithdrawn>(event));
      role = body.role();
    }
    if (role != v1::ADMINISTRATOR) continue;
    holders_.insert(HolderOf(event.header()));
    RETURN_IF_ERROR(TakeRun(event));
  }
  return OkStatus();
}

void Gatherer::FindReporters() {
  for (bool more = true; more;) {
    more = false;
    for (const auto& [index, event] : events_) {
      if (event.header().type() != "credential.reported_lost" || !Matters(HolderOf(event.header()))) continue;
      const v1::Agent& actor = event.header().actor();
      more = holders_.insert(Text(actor.kind(), ":", actor.id())).second || more;
    }
  }
}

Status Gatherer::TakeCredentials() {
  for (const auto& [index, event] : events_) {
    const std::string& type = event.header().type();
    if (!type.starts_with("credential.")) continue;
    const std::string holder = HolderOf(event.header());
    const bool of_node = holder.starts_with("node:");
    if (!Matters(holder)) continue;
    RETURN_IF_ERROR(TakeRun(event));
    int64_t end_us = 0;
    int64_t valid_until_us = 0;
    if (type == "credential.rotated") {
      ASSIGN_OR_RETURN(const v1::CredentialRotated body, BodyOf<v1::CredentialRotated>(event));
      end_us = body.old_key_until_us();
      valid_until_us = body.valid_until_us();
    } else if (type == "credential.revoked") {
      ASSIGN_OR_RETURN(const v1::CredentialRevoked body, BodyOf<v1::CredentialRevoked>(event));
      end_us = body.effective_from_us();
    } else if (type == "credential.reported_lost") {
      ASSIGN_OR_RETURN(const v1::CredentialReportedLost body, BodyOf<v1::CredentialReportedLost>(event));
      end_us = body.lost_since_us();
    } else {
      ASSIGN_OR_RETURN(const v1::CredentialIssued body, BodyOf<v1::CredentialIssued>(event));
      end_us = body.valid_until_us();
      if (end_us == 0) continue;
    }
    if (of_node && valid_until_us != 0) RETURN_IF_ERROR(MarkBefore(Timestamp(valid_until_us)));
    if (of_node) RETURN_IF_ERROR(MarkBefore(end_us == 0 ? RecordedOf(event) : Timestamp(end_us)));
  }
  return OkStatus();
}

Status Gatherer::Gather(KeyHistory& history) {
  for (const char* type : {"role.granted", "role.withdrawn", "credential.issued", "credential.rotated",
                           "credential.revoked", "credential.reported_lost"}) {
    RETURN_IF_ERROR(ReadType(type));
  }
  RETURN_IF_ERROR(TakeRoles());
  FindReporters();
  RETURN_IF_ERROR(TakeCredentials());
  for (const auto& [index, with_body] : leaves_) {
    v1::GetReceiptRequest request;
    request.set_index(index);
    request.set_tree_size(size_.value);
    ASSIGN_OR_RETURN(const v1::Receipt receipt, client_.GetReceipt(request));
    ASSIGN_OR_RETURN(TlogProof proof, ParseTlogProof(receipt.tlog_proof()));
    KeyHistory::Leaf& leaf =
        history.leaves.emplace_back(KeyHistory::Leaf{LeafIndex(index), receipt.leaf(), std::nullopt, proof.hashes});
    if (!with_body) continue;
    if (!receipt.has_body()) return absl::InternalError(Text("the ledger gave leaf ", index, " without its body"));
    leaf.body = receipt.body().nonce() + receipt.body().content();
  }
  return OkStatus();
}

StatusOr<KeyHistory::Older> Gatherer::Prove(const std::string& note) {
  ASSIGN_OR_RETURN(const SignedNote parsed, ParseSignedNote(note));
  ASSIGN_OR_RETURN(const Checkpoint older, ParseCheckpointText(parsed.text));
  if (older.origin != checkpoint_.origin) {
    return absl::UnauthenticatedError(
        Text("a checkpoint of \"", older.origin, "\" is not of this ledger, \"", checkpoint_.origin, "\""));
  }
  KeyHistory::Older entry{note, {}};
  v1::GetConsistencyProofRequest request;
  request.set_from_size(older.size.value);
  request.set_to_size(size_.value);
  ASSIGN_OR_RETURN(const v1::ConsistencyProof proof, client_.GetConsistencyProof(request));
  for (const std::string& hash : proof.hashes()) {
    ASSIGN_OR_RETURN(entry.hashes.emplace_back(), Digest::FromBytes(hash, "hashes"));
  }
  const Status continued = VerifyConsistency(older.size, size_, entry.hashes, older.root, checkpoint_.root);
  if (continued.ok()) return entry;
  return absl::UnauthenticatedError(Text("the ledger is not shown to continue a checkpoint over ", older.size.value,
                                         " events, root ", older.root.hex(), ": ", MessageOf(continued),
                                         "; keep that checkpoint, it is evidence"));
}

}  // namespace

StatusOr<KeyHistory> GatherKeyHistory(LedgerClient& client, const std::vector<std::string>& older) {
  KeyHistory history;
  ASSIGN_OR_RETURN(const v1::Checkpoint newest, client.GetCheckpoint());
  history.checkpoint_note = newest.note();
  ASSIGN_OR_RETURN(const SignedNote note, ParseSignedNote(newest.note()));
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, ParseCheckpointText(note.text));
  Gatherer gatherer(client, checkpoint.size, checkpoint);
  RETURN_IF_ERROR(gatherer.Gather(history));
  // By size and bytes, each once, as the file has them.
  std::map<std::pair<uint64_t, std::string>, KeyHistory::Older> proven;
  for (const std::string& one : older) {
    ASSIGN_OR_RETURN(KeyHistory::Older entry, gatherer.Prove(one));
    const uint64_t size = ParseCheckpointText(ParseSignedNote(one)->text)->size.value;
    proven.insert_or_assign({size, one}, std::move(entry));
  }
  for (auto& [place, entry] : proven) history.older.push_back(std::move(entry));
  return history;
}

StatusOr<KeyCustody> JudgeAsGathered(LedgerClient& client, const KeyHistory& history) {
  ASSIGN_OR_RETURN(const v1::LedgerStatus status, client.GetStatus());
  ASSIGN_OR_RETURN(const VerifierKey key, VerifierKey::Parse(status.verifier_key()));
  return KeyCustody::Judge(history, {&key, 1});
}

StatusOr<std::string> ReadNoteOf(const std::string& path) {
  ASSIGN_OR_RETURN(std::string bytes, ReadFile(path));
  if (!IsReceiptPath(path)) return bytes;
  if (FormOf(path) == ReceiptForm::kCose) {
    return absl::InvalidArgumentError(
        Text("--for: ", path, ": a COSE receipt has no checkpoint in it; give one of the same time as tlog-proof"));
  }
  StatusOr<TlogProof> proof = ParseTlogProof(bytes);
  if (!proof.ok()) return WithContext(proof.status(), path);
  return std::move(proof->checkpoint_note);
}

}  // namespace anamnesis::cli
