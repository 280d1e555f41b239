#include "ledger/engine/checkpoint_signers.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "ledger/engine/files.h"
#include "ledger/engine/layout.h"
#include "ledger/event/checkpoint_key_name.h"
#include "ledger/objects/file_io.h"
#include "ledger/state/authority.h"
#include "ledger/state/checkpoint_keys.h"

namespace anamnesis {
namespace {

StatusOr<CheckpointSigners::Signer> ReadKeyOf(const std::string& path, const std::string& origin) {
  ASSIGN_OR_RETURN(NamedKey key, ReadKeyFile(path));
  if (key.name == origin) return std::make_shared<const NamedKey>(std::move(key));
  return absl::FailedPreconditionError(Text(path, " is the key of \"", key.name, "\", the ledger is \"", origin, "\""));
}

// Revoked or lost, not just rotated out.
bool WasRevoked(const internal::CredentialState& credential) {
  return credential.has_revoked_index() && credential.revoked_because() != "rotated";
}

}  // namespace

StatusOr<std::vector<VerifierKey>> LogKeys(const RowReader& rows, const std::string& origin,
                                           std::span<const VerifierKey> unnamed, LogKeyUse use) {
  ASSIGN_OR_RETURN(const std::vector<CheckpointCredential> credentials, ListCheckpointCredentials(rows));
  std::vector<VerifierKey> keys;
  for (const CheckpointCredential& credential : credentials) {
    if (CheckpointKeyName(credential.state.holder().id(), origin) != origin) continue;
    if (use == LogKeyUse::kTrusted && WasRevoked(credential.state)) continue;
    ASSIGN_OR_RETURN(const PublicKey key, PublicKey::FromBytes(credential.public_key));
    ASSIGN_OR_RETURN(VerifierKey made, VerifierKey::Make(origin, KeyType::kEd25519, key));
    keys.push_back(std::move(made));
  }
  for (const VerifierKey& key : unnamed) {
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
    // Whatever it was named for: who has it may sign with it.
    ASSIGN_OR_RETURN(const std::optional<internal::CredentialState> named,
                     FindCredential(rows, key.public_key().view()));
    if (use == LogKeyUse::kTrusted && named.has_value() && WasRevoked(*named)) continue;
    keys.push_back(key);
  }
  return keys;
}

StatusOr<std::unique_ptr<CheckpointSigners>> CheckpointSigners::Open(const Store& store, std::string dir,
                                                                     const std::string& origin, const Clock& clock) {
  ASSIGN_OR_RETURN(Signer key, ReadKeyOf(CheckpointKeyPath(dir), origin));
  auto signers =
      std::unique_ptr<CheckpointSigners>(new CheckpointSigners(store, std::move(dir), origin, clock, std::move(key)));
  const std::lock_guard lock(signers->mutex_);
  // What is wrong with it is said when it is needed.
  (void)signers->LookForNext();
  return signers;
}

Status CheckpointSigners::LookForNext() {
  if (next_ != nullptr) return OkStatus();
  StatusOr<Signer> next = ReadKeyOf(NextCheckpointKeyPath(dir_), origin_);
  if (absl::IsNotFound(next.status())) return OkStatus();
  RETURN_IF_ERROR(next.status());
  next_ = *std::move(next);
  return OkStatus();
}

StatusOr<std::vector<CheckpointSigners::Signer>> CheckpointSigners::For(TreeSize size) {
  const std::lock_guard lock(mutex_);
  // A next key that can't be read, or is being written just now, must not keep the one that signs from signing.
  const Status looked = LookForNext();
  const Timestamp now = clock_.Now();
  std::vector<Signer> signers;
  std::string why;
  const auto consider = [&](const Signer& key, bool unnamed_signs) -> Status {
    ASSIGN_OR_RETURN(const std::optional<internal::CredentialState> credential,
                     FindCredential(store_, key->key.public_key().view()));
    std::string not_because;
    if (credential.has_value()) {
      not_because = WhyCannotSignCheckpoint(*credential, size, now);
    } else if (!unnamed_signs) {
      not_because = "is not named by any event yet";
    }
    if (not_because.empty()) {
      signers.push_back(key);
    } else {
      why += Text(why.empty() ? "" : "; ", "its key ", VerifierKeyOf(*key).Format(), " ", not_because);
    }
    return OkStatus();
  };
  RETURN_IF_ERROR(consider(key_, true));
  if (next_ != nullptr) RETURN_IF_ERROR(consider(next_, false));
  if (signers.empty()) {
    if (!looked.ok()) why += Text("; ", MessageOf(looked));
    return absl::FailedPreconditionError(Text("this node has no key that may sign checkpoints: ", why,
                                              "; make one with: anamnesis key rotate --dir ", dir_));
  }
  newest_ = VerifierKeyOf(*signers.back());
  return signers;
}

Status CheckpointSigners::Kept(const std::vector<Signer>& signers) {
  const std::lock_guard lock(mutex_);
  if (next_ == nullptr || signers.size() != 1 || signers.front() != next_) return OkStatus();
  const std::string path = CheckpointKeyPath(dir_);
  if (::rename(NextCheckpointKeyPath(dir_).c_str(), path.c_str()) != 0) return SystemError(path, "replacing");
  key_ = std::exchange(next_, nullptr);
  return SyncDirectory(dir_);
}

std::vector<VerifierKey> CheckpointSigners::Held() const {
  const std::lock_guard lock(mutex_);
  std::vector<VerifierKey> keys = {VerifierKeyOf(*key_)};
  if (next_ != nullptr) keys.push_back(VerifierKeyOf(*next_));
  return keys;
}

VerifierKey CheckpointSigners::Newest() const {
  const std::lock_guard lock(mutex_);
  return newest_.has_value() ? *newest_ : VerifierKeyOf(*key_);
}

}  // namespace anamnesis
