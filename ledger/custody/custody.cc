#include "ledger/custody/custody.h"

#include <algorithm>
#include <utility>

#include "ledger/note/cosignature.h"

namespace anamnesis {
namespace {

constexpr uint64_t kMicrosecondsPerSecond = 1'000'000;

bool IsBy(const NoteSignature& signature, const VerifierKey& key) {
  return signature.name == key.name() && signature.key_id == key.key_id();
}

// A policy that differs from `policy` in that `log` is its only log.
StatusOr<Policy> WithLog(const Policy& policy, const VerifierKey& log) {
  const std::string text = policy.Format();
  std::string_view rest = text;
  // Logs come first.
  while (rest.starts_with("log ")) rest.remove_prefix(rest.find('\n') + 1);
  return Policy::Parse(Text("log ", log.Format(), "\n", rest));
}

}  // namespace

std::vector<VerifierKey> KeyCustody::LogKeys() const {
  std::vector<VerifierKey> logs;
  for (const Key& key : keys_) {
    if (key.key.type() == KeyType::kEd25519) logs.push_back(key.key);
  }
  return logs;
}

const KeyCustody::Key* KeyCustody::Find(const VerifierKey& key) const {
  const auto found = std::find_if(keys_.begin(), keys_.end(), [&](const Key& own) { return own.key == key; });
  return found == keys_.end() ? nullptr : &*found;
}

bool KeyCustody::IsShown(const Checkpoint& checkpoint) const {
  return checkpoint == checkpoint_ || std::find(older_.begin(), older_.end(), checkpoint) != older_.end();
}

Status KeyCustody::CheckCounts(const VerifierKey& key, const Checkpoint& checkpoint) const {
  const Key* const own = Find(key);
  if (own == nullptr) {
    return absl::UnauthenticatedError(Text("the key history doesn't name the key ", key.Format()));
  }
  if (!own->end.has_value()) return OkStatus();
  const std::string what = Text("the key ", key.Format(), own->end->revoked ? " was revoked" : " was rotated out",
                                " (leaf ", own->end->leaf.value, ", from ", FormatTime(own->end->from), " on)");
  if (checkpoint.size > own->end->size) {
    return absl::UnauthenticatedError(Text(what, "; that a checkpoint over ", checkpoint.size.value,
                                           " events lies before is not shown, only up to ", own->end->size.value));
  }
  if (!own->end->revoked || IsShown(checkpoint)) return OkStatus();
  return absl::UnauthenticatedError(
      Text(what, " and may have signed anything; nothing shows its checkpoint over ", checkpoint.size.value,
           " events to be of this ledger: make the key history with --for RECEIPT, or refresh the receipt"));
}

StatusOr<SignedNote> KeyCustody::WithoutLateCosignatures(const SignedNote& note, const Policy& policy, bool shown,
                                                         std::optional<Timestamp> before) const {
  SignedNote kept{note.text, {}};
  for (const NoteSignature& signature : note.signatures) {
    bool late = false;
    for (const Policy::Witness& witness : policy.witnesses()) {
      if (!IsBy(signature, witness.key)) continue;
      ASSIGN_OR_RETURN(const uint64_t seconds, VerifyCosignature(note.text, signature, witness.key));
      const auto is_late = [&](Timestamp end) {
        return end.us <= 0 || seconds >= static_cast<uint64_t>(end.us) / kMicrosecondsPerSecond;
      };
      const Key* const own = Find(witness.key);
      late = before.has_value() && is_late(*before);
      if (own == nullptr || !own->end.has_value()) continue;
      // Whoever has a stolen key chooses the time as well.
      late = late || is_late(own->end->from) || (own->end->revoked && !shown);
    }
    if (!late) kept.signatures.push_back(signature);
  }
  return kept;
}

StatusOr<Checkpoint> KeyCustody::Open(const SignedNote& note, const Policy* policy) const {
  ASSIGN_OR_RETURN(Checkpoint checkpoint, ParseCheckpointText(note.text));
  if (checkpoint.origin != origin()) {
    return absl::NotFoundError(
        Text("the checkpoint is of \"", checkpoint.origin, "\", the key history of \"", origin(), "\""));
  }
  const std::vector<VerifierKey> logs = LogKeys();
  const auto is_by_log = [&](const NoteSignature& signature) {
    return std::any_of(logs.begin(), logs.end(), [&](const VerifierKey& key) { return IsBy(signature, key); });
  };
  if (std::none_of(note.signatures.begin(), note.signatures.end(), is_by_log)) {
    return absl::NotFoundError("the checkpoint is not signed by a key that the key history names");
  }
  // Each of these lines, also one that isn't needed.
  ASSIGN_OR_RETURN(const std::vector<VerifierKey> signers, VerifyNote(note, logs));
  Status status;
  for (const Key& key : keys_) {
    if (std::find(signers.begin(), signers.end(), key.key) == signers.end()) continue;
    Status counts = CheckCounts(key.key, checkpoint);
    const bool by_witnesses = !counts.ok() && key.end->revoked && checkpoint.size <= key.end->size &&
                              policy != nullptr && policy->quorum().has_value();
    if (!counts.ok() && !by_witnesses) {
      status = counts;
      continue;
    }
    if (policy == nullptr) return checkpoint;
    ASSIGN_OR_RETURN(const Policy with_log, WithLog(*policy, key.key));
    const std::optional<Timestamp> before = by_witnesses ? std::optional(key.end->from) : std::nullopt;
    ASSIGN_OR_RETURN(const SignedNote punctual, WithoutLateCosignatures(note, *policy, IsShown(checkpoint), before));
    const Status cosigned = with_log.Check(punctual);
    if (cosigned.ok()) return checkpoint;
    status = by_witnesses ? counts : cosigned;
  }
  return status;
}

}  // namespace anamnesis
