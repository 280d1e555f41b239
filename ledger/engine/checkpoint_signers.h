#ifndef ANAMNESIS_LEDGER_ENGINE_CHECKPOINT_SIGNERS_H_
#define ANAMNESIS_LEDGER_ENGINE_CHECKPOINT_SIGNERS_H_

// The keys with which this node signs checkpoints as the log, by what the ledger's events say of them:
// DIR/checkpoint.key and, while it is being rotated, DIR/checkpoint.key.next (`anamnesis key rotate` makes it). A key
// that was rotated out, revoked or lost doesn't sign; one that no event names signs as it did before there were such
// events, but a next one only from the checkpoint that covers the event naming it. Once the old key has ended and a
// checkpoint without it is kept, the next one takes its file, and the old private key is gone.

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/engine/clock.h"
#include "ledger/keys/key_file.h"
#include "ledger/note/verifier_key.h"
#include "ledger/store/store.h"

namespace anamnesis {

// Which keys are the log's depends on what for; which of them may sign now, CheckpointSigners::For says.
enum class LogKeyUse {
  // To verify what this node has kept: ended ones too, whatever ended them.
  kKept,
  // To verify what somebody else brings, and to be handed out for that: not those that were revoked or lost, with which
  // somebody else may sign.
  kTrusted,
};
// The keys that sign as the log: those that the events in `rows` name, and of `unnamed` (which this node holds, or a
// policy names) those that no event needs to name. Each once. Fails as reading rows does.
StatusOr<std::vector<VerifierKey>> LogKeys(const RowReader& rows, const std::string& origin,
                                           std::span<const VerifierKey> unnamed, LogKeyUse use);

// Safe for concurrent use; a call reads rows and small files.
class CheckpointSigners {
 public:
  using Signer = std::shared_ptr<const NamedKey>;

  // The keys beside the database in `dir`, of a ledger with this origin; those of `store` and `clock` outlive it.
  // FAILED_PRECONDITION: a key is another ledger's. Otherwise fails as ReadKeyFile does.
  static StatusOr<std::unique_ptr<CheckpointSigners>> Open(const Store& store, std::string dir,
                                                           const std::string& origin, const Clock& clock);

  // Those that sign a checkpoint over the first `size` leaves now, the newest last; at least one. FAILED_PRECONDITION:
  // none may, and why.
  StatusOr<std::vector<Signer>> For(TreeSize size);

  // A note by `signers` is kept: files of keys that ended are replaced. Fails as renaming does; nothing is lost then.
  Status Kept(const std::vector<Signer>& signers);

  // The public halves of all that are held.
  std::vector<VerifierKey> Held() const;
  // The newest that signed last; before any did, the first one held.
  VerifierKey Newest() const;

 private:
  CheckpointSigners(const Store& store, std::string dir, std::string origin, const Clock& clock, Signer key)
      : store_(store), dir_(std::move(dir)), origin_(std::move(origin)), clock_(clock), key_(std::move(key)) {}
  // With mutex_ held: takes up a next key that was made meanwhile.
  Status LookForNext();

  const Store& store_;
  const std::string dir_;
  const std::string origin_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  Signer key_;
  // Null while there is none.
  Signer next_;
  std::optional<VerifierKey> newest_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_CHECKPOINT_SIGNERS_H_
