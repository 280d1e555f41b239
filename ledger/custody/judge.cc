#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "anamnesis/v1/vocabulary_authority.pb.h"
#include "anamnesis/v1/vocabulary_delegation.pb.h"
#include "ledger/custody/custody.h"
#include "ledger/custody/key_events.h"
#include "ledger/event/body_check.h"
#include "ledger/event/checkpoint_key_name.h"
#include "ledger/event/header.h"
#include "ledger/event/leaf.h"
#include "ledger/event/scope.h"
#include "ledger/event/seal.h"
#include "ledger/event/vocabulary.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/merkle/verify.h"

namespace anamnesis {
namespace {

// Who a credential or a role is of, as "kind:id".
std::string Name(std::string_view kind, std::string_view id) { return Text(kind, ':', id); }

struct Entry {
  LeafIndex index;
  LeafView view;
  ParsedHeader header;
  // Null where only the leaf was given, and for types that don't matter here.
  std::unique_ptr<google::protobuf::Message> body;

  std::string actor() const { return Name(header.fields.actor().kind(), header.fields.actor().id()); }
  std::string holder() const {
    const v1::EntityRef* ref = FindReference(header.fields, "holder");
    return ref == nullptr ? "" : Name(ref->kind(), ref->id());
  }
};

struct Interval {
  int64_t from_us = 0;
  // 0: without end.
  int64_t until_us = 0;

  bool Holds(Timestamp at) const { return at.us >= from_us && (until_us == 0 || at.us < until_us); }
  void EndAt(int64_t us) { until_us = until_us == 0 ? us : std::min(until_us, us); }
};

Interval IntervalOf(const KeyEvent::Named& named) {
  return {named.from.us, named.until.has_value() ? named.until->us : 0};
}

struct Sealer {
  std::string holder;
  Interval valid;
};

Status Refuse(LeafIndex leaf, std::string_view why) {
  return absl::UnauthenticatedError(Text("key history: leaf ", leaf.value, ": ", why));
}

bool IsAuthority(const google::protobuf::Message* body) {
  return BodyAs<v1::CredentialIssued>(body) != nullptr || BodyAs<v1::CredentialRotated>(body) != nullptr ||
         BodyAs<v1::CredentialRevoked>(body) != nullptr || BodyAs<v1::CredentialReportedLost>(body) != nullptr ||
         BodyAs<v1::RoleGranted>(body) != nullptr || BodyAs<v1::RoleWithdrawn>(body) != nullptr;
}

}  // namespace

// Goes through a history once; what it finds is the custody.
class CustodyJudge {
 public:
  explicit CustodyJudge(const KeyHistory& history) : history_(history) {}

  StatusOr<KeyCustody> Run(std::span<const VerifierKey> trusted) {
    ASSIGN_OR_RETURN(note_, ParseSignedNote(history_.checkpoint_note));
    ASSIGN_OR_RETURN(custody_.checkpoint_, ParseCheckpointText(note_.text));
    RETURN_IF_ERROR(ReadLeaves());
    RETURN_IF_ERROR(ReadOlder());
    RETURN_IF_ERROR(ReplayRuns());
    MeasureEnds();
    RETURN_IF_ERROR(CheckSigned());
    RETURN_IF_ERROR(CheckTrusted(trusted));
    return std::move(custody_);
  }

 private:
  using Key = KeyCustody::Key;
  using Entries = std::span<const Entry>;

  Status ReadLeaves();
  Status ReadOlder();
  Status ReplayRuns();
  Status ReplayRun(Entries run);
  Status CheckFounding(Entries run, const PublicKey& key);
  // Why the event is not shown to be an administrator's; empty when it is. `first`: the first of its run.
  std::string WhyUnauthorised(const Entry& event, const Entry& first, const PublicKey& key) const;
  // `why` is empty for an administrator's.
  Status Apply(const Entry& event, const std::string& why);
  Status AddKey(const Entry& event, std::string_view public_key, std::string name);
  Status Issue(const Entry& event, const v1::CredentialIssued& body, const KeyEvent::Named& named,
               const std::string& why);
  Status Rotate(const Entry& event, const KeyEvent& rotated, const std::string& why);
  // What ends a key ends it, whoever says so: that gives nobody anything.
  Status End(const Entry& event, const KeyEvent::Ended& ended);
  Status Expire(const Entry& event, const KeyEvent::Named& named);
  void MeasureEnds();
  Status CheckSigned() const;
  Status CheckTrusted(std::span<const VerifierKey> trusted) const;
  // That `key`, trusted, signed something here that the history's checkpoint is or continues.
  Status CheckRoot(const Key& key) const;

  Key* Find(std::string_view public_key) {
    for (Key& key : custody_.keys_) {
      if (key.key.public_key().view() == public_key) return &key;
    }
    return nullptr;
  }
  bool Signed(const SignedNote& note, const VerifierKey& key) const { return VerifyNote(note, {&key, 1}).ok(); }

  const KeyHistory& history_;
  KeyCustody custody_;
  SignedNote note_;
  std::vector<Entry> entries_;
  std::vector<SignedNote> older_;
  // The leaves of the first run.
  uint64_t founding_size_ = 0;
  std::map<std::string, Sealer, std::less<>> sealers_;
  // Grants stand beside one another.
  std::map<std::string, std::vector<Interval>, std::less<>> administrators_;
  // Keys that an event names and that count for nothing, and why.
  std::map<std::string, std::string, std::less<>> ignored_;
};

// --- What is under the checkpoint ---

Status CustodyJudge::ReadLeaves() {
  const Checkpoint& head = custody_.checkpoint_;
  for (const KeyHistory::Leaf& leaf : history_.leaves) {
    const std::string place = Text("key history: leaf ", leaf.index.value);
    const Status included = VerifyInclusion(LeafHash(leaf.leaf), leaf.index, head.size, leaf.hashes, head.root);
    if (!included.ok()) return Refuse(leaf.index, MessageOf(included));
    Entry entry{leaf.index, {}, {}, nullptr};
    StatusOr<LeafView> view = ParseLeaf(leaf.leaf);
    if (!view.ok()) return WithContext(view.status(), place);
    entry.view = *view;
    StatusOr<ParsedHeader> header = ParseHeader(view->header);
    if (!header.ok()) return WithContext(header.status(), place);
    entry.header = *std::move(header);
    if (!entries_.empty() && entries_.back().index >= entry.index) return Refuse(leaf.index, "is out of order");
    if (!entries_.empty() && entries_.back().view.recorded.us >= entry.view.recorded.us) {
      return Refuse(leaf.index, "was recorded before a leaf that comes before it");
    }
    if (leaf.body.has_value()) {
      const std::string_view body = *leaf.body;
      const std::string wrong = WhyBodyIsWrong(entry.header, body);
      if (!wrong.empty()) return Refuse(leaf.index, wrong);
      const v1::EventHeader& fields = entry.header.fields;
      const EventType* type = Vocabulary::Get().Find(fields.type(), fields.schema_version());
      if (type == nullptr) return Refuse(leaf.index, "is of a type that this version doesn't know");
      const Status valid = ValidateHeader(*type, fields);
      if (!valid.ok()) return WithContext(valid, place);
      StatusOr<std::unique_ptr<google::protobuf::Message>> parsed = ParseBody(*type, body.substr(kNonceBytes));
      if (!parsed.ok()) return WithContext(parsed.status(), place);
      if (IsAuthority(parsed->get())) entry.body = *std::move(parsed);
    }
    entries_.push_back(std::move(entry));
  }
  return OkStatus();
}

Status CustodyJudge::ReadOlder() {
  const Checkpoint& head = custody_.checkpoint_;
  for (const KeyHistory::Older& older : history_.older) {
    ASSIGN_OR_RETURN(older_.emplace_back(), ParseSignedNote(older.note));
    ASSIGN_OR_RETURN(Checkpoint checkpoint, ParseCheckpointText(older_.back().text));
    const std::string place = Text("key history: the older checkpoint over ", checkpoint.size.value, " events");
    if (checkpoint.origin != head.origin) {
      return absl::UnauthenticatedError(
          Text(place, " is of \"", checkpoint.origin, "\", not of \"", head.origin, "\""));
    }
    const Status continued = VerifyConsistency(checkpoint.size, head.size, older.hashes, checkpoint.root, head.root);
    if (!continued.ok()) {
      return absl::UnauthenticatedError(
          Text(place, ", root ", checkpoint.root.hex(), ", is not shown to be continued: ", MessageOf(continued)));
    }
    custody_.older_.push_back(std::move(checkpoint));
  }
  return OkStatus();
}

// --- Runs: who sealed what ---

Status CustodyJudge::ReplayRuns() {
  size_t begin = 0;
  for (size_t i = 0; i < entries_.size(); ++i) {
    const bool last = i + 1 == entries_.size() || entries_[i].view.seal.has_value() ||
                      entries_[i + 1].index.value != entries_[i].index.value + 1 ||
                      entries_[i + 1].header.fields.stream() != entries_[i].header.fields.stream();
    if (!last) continue;
    RETURN_IF_ERROR(ReplayRun(Entries(entries_).subspan(begin, i + 1 - begin)));
    begin = i + 1;
  }
  if (founding_size_ > 0) return OkStatus();
  return absl::UnauthenticatedError("key history: the founding run, from leaf 0 on, is missing");
}

Status CustodyJudge::ReplayRun(Entries run) {
  // Leaves that only mark a time need not be whole runs.
  const bool matters = std::any_of(run.begin(), run.end(), [](const Entry& entry) { return entry.body != nullptr; });
  if (!matters) return OkStatus();
  const Entry& first = run.front();
  if (!run.back().view.seal.has_value()) return Refuse(run.back().index, "the rest of its run is missing");
  const StatusOr<ParsedSeal> seal = VerifySeal(*run.back().view.seal);
  if (!seal.ok()) return Refuse(run.back().index, MessageOf(seal.status()));
  std::vector<std::string_view> headers;
  for (const Entry& entry : run) headers.push_back(entry.view.header);
  const Status fits =
      CheckSealFitsRun(*seal, custody_.origin(), first.header.fields.stream(), first.header.position().value, headers);
  if (!fits.ok()) return Refuse(run.back().index, MessageOf(fits));
  if (first.index.value == 0) RETURN_IF_ERROR(CheckFounding(run, seal->key));
  for (const Entry& event : run) {
    if (event.body != nullptr) RETURN_IF_ERROR(Apply(event, WhyUnauthorised(event, first, seal->key)));
  }
  return OkStatus();
}

std::string CustodyJudge::WhyUnauthorised(const Entry& event, const Entry& first, const PublicKey& key) const {
  const std::string what = Text("leaf ", event.index.value, ": ", event.header.fields.type(), " by ", event.actor());
  const auto sealer = sealers_.find(key.view());
  if (sealer == sealers_.end()) return Text(what, ": nothing says whose the key is that sealed it, ", key.hex());
  if (event.actor() != sealer->second.holder) return Text(what, " is sealed by the key of ", sealer->second.holder);
  if (!sealer->second.valid.Holds(first.view.recorded)) {
    return Text(what, ": the key that sealed it was not in force: ", key.hex());
  }
  // A role within a scope, and what somebody does for another, is judged by more than a history holds.
  const auto role = administrators_.find(event.actor());
  const auto holds = [&](const Interval& granted) { return granted.Holds(event.view.recorded); };
  if (role != administrators_.end() && std::any_of(role->second.begin(), role->second.end(), holds)) return "";
  return Text(what, ", who was no administrator as far as the history shows");
}

// The first run says itself who the first administrator is.
Status CustodyJudge::CheckFounding(Entries run, const PublicKey& key) {
  const std::string actor = run.front().actor();
  bool issued = false;
  bool administrator = false;
  for (const Entry& event : run) {
    if (event.actor() != actor) return Refuse(event.index, "the founding run has more than one actor");
    if (event.holder() != actor) continue;
    if (const auto* body = BodyAs<v1::CredentialIssued>(event.body.get())) {
      issued = issued || (body->public_key() == key.view() && body->purpose() == v1::CredentialIssued::SEAL);
    }
    if (const auto* body = BodyAs<v1::RoleGranted>(event.body.get())) {
      administrator = administrator || body->role() == v1::ADMINISTRATOR;
    }
  }
  if (!issued || !administrator) return Refuse(run.front().index, "is no founding run of an administrator");
  founding_size_ = run.size();
  sealers_[std::string(key.view())] = {actor, {}};
  administrators_[actor] = {Interval()};
  return OkStatus();
}

// --- Events ---

Status CustodyJudge::Apply(const Entry& event, const std::string& why) {
  const google::protobuf::Message* const body = event.body.get();
  const KeyEvent keys = KeyEventOf(*body, event.view.recorded);
  if (const auto* issued = BodyAs<v1::CredentialIssued>(body)) return Issue(event, *issued, *keys.named, why);
  if (keys.ended.has_value()) {
    RETURN_IF_ERROR(End(event, *keys.ended));
    return keys.named.has_value() ? Rotate(event, keys, why) : OkStatus();
  }
  if (const auto* granted = BodyAs<v1::RoleGranted>(body)) {
    if (granted->role() != v1::ADMINISTRATOR) return OkStatus();
    // Who administers within limits names no keys.
    if (why.empty() && IsUnlimited(granted->scope())) {
      administrators_[event.holder()].push_back({granted->valid_from_us(), granted->valid_until_us()});
    }
  } else if (const auto* withdrawn = BodyAs<v1::RoleWithdrawn>(body)) {
    if (withdrawn->role() == v1::ADMINISTRATOR) administrators_.erase(event.holder());
  }
  return OkStatus();
}

Status CustodyJudge::AddKey(const Entry& event, std::string_view public_key, std::string name) {
  if (Find(public_key) != nullptr) return Refuse(event.index, "names a key that was named before");
  ASSIGN_OR_RETURN(const PublicKey key, PublicKey::FromBytes(public_key));
  const KeyType type = name == custody_.origin() ? KeyType::kEd25519 : KeyType::kCosignature;
  StatusOr<VerifierKey> made = VerifierKey::Make(name, type, key);
  if (!made.ok()) return WithContext(made.status(), Text("key history: leaf ", event.index.value));
  custody_.keys_.push_back({*std::move(made), event.index, std::nullopt});
  return OkStatus();
}

Status CustodyJudge::Issue(const Entry& event, const v1::CredentialIssued& body, const KeyEvent::Named& named,
                           const std::string& why) {
  if (!why.empty()) {
    ignored_.emplace(body.public_key(), why);
    return OkStatus();
  }
  if (body.purpose() == v1::CredentialIssued::SEAL) {
    const Sealer sealer{event.holder(), IntervalOf(named)};
    const auto [place, added] = sealers_.emplace(body.public_key(), sealer);
    // The founder's key is known already.
    if (added || place->second.holder == sealer.holder) return OkStatus();
    return Refuse(event.index, "names a key that was named before");
  }
  const v1::EntityRef& holder = *FindReference(event.header.fields, "holder");
  if (body.purpose() != v1::CredentialIssued::CHECKPOINT || holder.kind() != "node") {
    ignored_.emplace(body.public_key(), Text("leaf ", event.index.value, ": is no key of checkpoints of a node"));
    return OkStatus();
  }
  RETURN_IF_ERROR(AddKey(event, body.public_key(), CheckpointKeyName(holder.id(), custody_.origin())));
  return Expire(event, named);
}

// What isn't valid for ever ends as if it were rotated out then.
Status CustodyJudge::Expire(const Entry& event, const KeyEvent::Named& named) {
  return named.until.has_value() ? End(event, {named.public_key, *named.until, false}) : OkStatus();
}

Status CustodyJudge::Rotate(const Entry& event, const KeyEvent& rotated, const std::string& why) {
  const KeyEvent::Named& named = *rotated.named;
  const std::string& old_key = rotated.ended->public_key;
  if (!why.empty()) {
    ignored_.emplace(named.public_key, why);
    return OkStatus();
  }
  if (const Key* old = Find(old_key)) {
    const std::string name = old->key.name();
    RETURN_IF_ERROR(AddKey(event, named.public_key, name));
    return Expire(event, named);
  }
  const auto sealer = sealers_.find(old_key);
  if (sealer == sealers_.end()) {
    // End found it here: whose key the old one is was never shown, so it isn't of the new one.
    ignored_.emplace(named.public_key, ignored_.find(old_key)->second);
    return OkStatus();
  }
  const std::string holder = sealer->second.holder;
  if (!sealers_.emplace(named.public_key, Sealer{holder, IntervalOf(named)}).second) {
    return Refuse(event.index, "names a key that was named before");
  }
  return OkStatus();
}

Status CustodyJudge::End(const Entry& event, const KeyEvent::Ended& ended) {
  const auto& [public_key, from, revoked] = ended;
  if (Key* key = Find(public_key)) {
    if (!key->end.has_value()) {
      key->end = Key::End{event.index, from, TreeSize(0), revoked};
      return OkStatus();
    }
    // The worse of two reasons, from the earlier of two times on.
    const bool worse = revoked && !key->end->revoked;
    if (worse || (revoked == key->end->revoked && from < key->end->from)) key->end->leaf = event.index;
    key->end->revoked = key->end->revoked || revoked;
    key->end->from = std::min(key->end->from, from);
    return OkStatus();
  }
  const auto sealer = sealers_.find(public_key);
  if (sealer == sealers_.end() && ignored_.contains(public_key)) return OkStatus();
  if (sealer == sealers_.end()) return Refuse(event.index, "ends a key that nothing before it names");
  sealer->second.valid.EndAt(from.us);
  return OkStatus();
}

// --- What counts ---

void CustodyJudge::MeasureEnds() {
  for (Key& key : custody_.keys_) {
    if (!key.end.has_value()) continue;
    for (const Entry& entry : entries_) {
      if (entry.view.recorded < key.end->from) key.end->size = TreeSize(entry.index.value + 1);
    }
  }
}

Status CustodyJudge::CheckSigned() const {
  std::string why = "it is not signed by a key that it names";
  for (const Key& key : custody_.keys_) {
    if (key.key.type() != KeyType::kEd25519 || !Signed(note_, key.key)) continue;
    // A revoked key doesn't vouch for a history that says so.
    const bool ended = key.end.has_value() && (key.end->revoked || custody_.checkpoint_.size > key.end->size);
    // One good signature doesn't make up for a wrong one.
    if (!ended) return VerifyNote(note_, custody_.LogKeys()).status();
    why = Text("it is signed by ", key.key.Format(), ", which leaf ", key.end->leaf.value, " ended");
  }
  for (const auto& [public_key, because] : ignored_) {
    ASSIGN_OR_RETURN(const PublicKey key, PublicKey::FromBytes(public_key));
    ASSIGN_OR_RETURN(const VerifierKey log, VerifierKey::Make(custody_.origin(), KeyType::kEd25519, key));
    if (Signed(note_, log)) why = Text("it is signed by ", log.Format(), ", which counts for nothing: ", because);
  }
  return absl::UnauthenticatedError(Text("key history: the checkpoint doesn't count: ", why));
}

Status CustodyJudge::CheckRoot(const Key& key) const {
  if (key.end.has_value() && key.end->revoked) {
    return absl::UnauthenticatedError(Text("the key that you trust, ", key.key.Format(), ", was revoked by leaf ",
                                           key.end->leaf.value, "; take a newer key from a source that you trust"));
  }
  const auto lies_before = [&](const Checkpoint& checkpoint) {
    return !key.end.has_value() || checkpoint.size <= key.end->size;
  };
  if (lies_before(custody_.checkpoint_) && Signed(note_, key.key)) return OkStatus();
  for (size_t i = 0; i < older_.size(); ++i) {
    const Checkpoint& checkpoint = custody_.older_[i];
    // Below that the founders aren't in it yet.
    if (checkpoint.size.value < founding_size_ || !lies_before(checkpoint)) continue;
    if (Signed(older_[i], key.key)) return OkStatus();
  }
  return absl::UnauthenticatedError(Text("nothing in the key history that counts is signed by the key that you trust, ",
                                         key.key.Format(), "; make it with --for and a receipt or checkpoint that is"));
}

Status CustodyJudge::CheckTrusted(std::span<const VerifierKey> trusted) const {
  Status status = absl::UnauthenticatedError(
      Text("none of the keys that you trust is named by the key history of ", custody_.origin()));
  for (const VerifierKey& key : trusted) {
    const KeyCustody::Key* const named = custody_.Find(key);
    if (named == nullptr || key.type() != KeyType::kEd25519) continue;
    status = CheckRoot(*named);
    if (status.ok()) return OkStatus();
  }
  return status;
}

StatusOr<KeyCustody> KeyCustody::Judge(const KeyHistory& history, std::span<const VerifierKey> trusted) {
  return CustodyJudge(history).Run(trusted);
}

}  // namespace anamnesis
