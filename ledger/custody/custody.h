#ifndef ANAMNESIS_LEDGER_CUSTODY_CUSTODY_H_
#define ANAMNESIS_LEDGER_CUSTODY_CUSTODY_H_

// The chain of custody of a ledger's checkpoint keys, judged offline from a key history (key_history.h): which keys the
// ledger named, by whose authority, until when each counts, and so which checkpoints count. It leads in both
// directions: from a key that was trusted years ago to the checkpoints of today, and from a key that is trusted today
// to what older ones signed. A history speaks for the time of its checkpoint: what came later it doesn't know.
//
// A key that was rotated out counts for the checkpoints that lie before its end: every event below their size was
// recorded before it, as the history shows. A key that was revoked or lost may be in other hands, and whoever has it
// can sign anything of any size: its checkpoints count only when they lie before its end and are also shown to be of
// this ledger, by a checkpoint of a good key that continues them (one of the history's older ones), or by the quorum of
// the policy's witnesses, who cosigned them before that time. A cosignature says itself when it was given, so those of
// a witness's key that was revoked or lost show nothing: they count only for what is shown without them.
//
// Constant after judging, so safe from any thread; any input is safe.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/custody/key_history.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/policy.h"
#include "ledger/note/signed_note.h"
#include "ledger/note/verifier_key.h"

namespace anamnesis {

class KeyCustody {
 public:
  struct Key {
    // Of the type that the name calls for: the origin's signs as the log, others cosign.
    VerifierKey key;
    LeafIndex named_at;
    // The event that ended it, or named it for a time that has an end, since when, and the largest size that is shown
    // to lie before; nothing while it counts.
    struct End {
      LeafIndex leaf;
      Timestamp from;
      TreeSize size;
      // It was revoked or lost, not just rotated out.
      bool revoked = false;
    };
    std::optional<End> end;
  };

  // `trusted` are the keys that the verifier has from elsewhere; those of other logs don't matter here.
  // An event whose writer is not shown to have been an administrator, over everything, names no key and gives no role;
  // the key that it ends ends. UNAUTHENTICATED, naming the leaf, when an event is not included, out of order or not
  // sealed; when a key ends that no event names; when the history's checkpoint is not signed by a key that counts, or
  // nothing in it is signed by a trusted key that does. INVALID_ARGUMENT: something is malformed.
  static StatusOr<KeyCustody> Judge(const KeyHistory& history, std::span<const VerifierKey> trusted);

  // What the history is under.
  const Checkpoint& checkpoint() const { return checkpoint_; }
  const std::string& origin() const { return checkpoint_.origin; }
  // In the order in which they were named.
  const std::vector<Key>& keys() const { return keys_; }
  // Those that sign as the log, ended or not.
  std::vector<VerifierKey> LogKeys() const;

  // The checkpoint in a note that counts; with a policy, also cosigned as its quorum wants, by witnesses whose keys had
  // not ended. NOT_FOUND: no key of this history signed it, or it is of another ledger. UNAUTHENTICATED: it doesn't
  // count, and why. FAILED_PRECONDITION: it is below the quorum.
  StatusOr<Checkpoint> Open(const SignedNote& note, const Policy* policy) const;

  // Whether the signature of a checkpoint by `key`, which verified, counts. UNAUTHENTICATED: it doesn't, and why.
  Status CheckCounts(const VerifierKey& key, const Checkpoint& checkpoint) const;

 private:
  friend class CustodyJudge;
  KeyCustody() = default;

  const Key* Find(const VerifierKey& key) const;
  bool IsShown(const Checkpoint& checkpoint) const;
  // Without cosignatures given at or after `before`, or when their key had ended; `shown`: the checkpoint is of this
  // ledger by other signs than theirs. Late ones must hold too: UNAUTHENTICATED otherwise.
  StatusOr<SignedNote> WithoutLateCosignatures(const SignedNote& note, const Policy& policy, bool shown,
                                               std::optional<Timestamp> before) const;

  Checkpoint checkpoint_;
  std::vector<Key> keys_;
  // What the checkpoint is shown to continue.
  std::vector<Checkpoint> older_;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_CUSTODY_CUSTODY_H_
