#ifndef ANAMNESIS_LEDGER_ENGINE_CHECKPOINTER_H_
#define ANAMNESIS_LEDGER_ENGINE_CHECKPOINTER_H_

// Signs checkpoints, and only over bytes that were read back from the store and hashed again, off the commit path: a
// transparency log was once retired because a stored leaf differed from the one that had been hashed. With which keys
// is the ledger's to say: checkpoint_signers.h. Where they change, the last note by those before is kept as a handover,
// so that whoever trusts them can follow.

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/cose/cose_receipt.h"
#include "ledger/engine/checkpoint_signers.h"
#include "ledger/merkle/frontier.h"
#include "ledger/note/checkpoint.h"
#include "ledger/store/store.h"

namespace anamnesis {

// Safe for concurrent use.
class Checkpointer {
 public:
  // `store` must outlive it. The newest note and the handovers are kept in `dir`.
  Checkpointer(Store& store, std::unique_ptr<CheckpointSigners> signers, std::string origin, std::string dir);

  // Takes up the newest checkpoint kept in the file, if any: leaves below it were read back before it was signed.
  // DATA_LOSS: the ledger of `size` leaves doesn't hold what the checkpoint says, so it was cut off or changed.
  Status Load(TreeSize size);

  // A note over the first `size` leaves, at least as many as in any note before. Reads the leaves since the last one.
  // OUT_OF_RANGE: the ledger is empty. DATA_LOSS: a stored leaf is not the one that was hashed. FAILED_PRECONDITION: no
  // key of this node may sign.
  StatusOr<std::string> Sign(TreeSize size);

  // A note over exactly the first `size` leaves, of the `shown` ones that the ledger has: the same bytes as long as the
  // same keys sign. It is not kept. Fails as Sign does, with UNAVAILABLE when no checkpoint reaches so far yet.
  StatusOr<std::string> SignExactly(TreeSize size, TreeSize shown);

  // Signs receipts of the tree of `checkpoint_note`, a checkpoint by any of the ledger's keys, ended ones too, whose
  // root the leaves that were read back here have: so these signatures too are only over such. There is one signature
  // in each, by the newest key that signs now. Fills in the claims but their subjects, and the signatures.
  // UNAUTHENTICATED or INVALID_ARGUMENT: the note is no such checkpoint; nothing is signed then. UNAVAILABLE: so many
  // leaves were not read back here yet. FAILED_PRECONDITION: no key of this node may sign.
  Status SignCose(const std::string& checkpoint_note, std::span<CoseReceipt> receipts) const;

  // The newest key that signs.
  VerifierKey verifier_key() const { return signers_->Newest(); }
  // The held keys, and those that the ledger's events name. Fails as reading rows does.
  StatusOr<std::vector<VerifierKey>> KnownKeys() const;

 private:
  using Signers = std::vector<CheckpointSigners::Signer>;

  std::string NoteOver(const Signers& signers, TreeSize size, const Digest& root) const;
  Status ReadBack(TreeSize size);
  // The root of the first `size` of the leaves read back, by the stored tiles.
  StatusOr<Digest> VerifiedRootAt(TreeSize size) const;
  // Keeps the note that was newest so far when others sign the next one.
  Status KeepHandover(const Signers& signers) const;

  Store& store_;
  const std::unique_ptr<CheckpointSigners> signers_;
  const std::string origin_;
  const std::string dir_;
  mutable std::mutex mutex_;
  // Guarded by mutex_: the leaves read back, and the note over them.
  Frontier verified_;
  std::string note_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_CHECKPOINTER_H_
