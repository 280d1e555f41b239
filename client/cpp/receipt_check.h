#ifndef ANAMNESIS_CLIENT_CPP_RECEIPT_CHECK_H_
#define ANAMNESIS_CLIENT_CPP_RECEIPT_CHECK_H_

// What a verifier trusts, and receipts checked by it: offline, from bytes alone. Pure; safe for any input.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/cose/cose_receipt.h"
#include "ledger/custody/custody.h"
#include "ledger/event/header.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/policy.h"
#include "ledger/note/tlog_proof.h"

namespace anamnesis {

// Keys that the verifier has from a source of its own, or a policy; and the history of a ledger's keys, if there is
// one: then keys of other times count too, as far as it shows, and ended ones no further.
struct Trust {
  std::vector<VerifierKey> keys;
  std::optional<Policy> policy;
  std::shared_ptr<const KeyCustody> custody = nullptr;

  // Those of the keys, or of the policy's lines, that sign as logs.
  std::vector<VerifierKey> LogKeys() const;
  StatusOr<Checkpoint> Open(std::string_view note) const;
  StatusOr<Checkpoint> Check(const TlogProof& proof, std::string_view leaf) const;
  // FAILED_PRECONDITION also when the policy has a quorum: there are no cosignatures in a COSE receipt.
  StatusOr<Checkpoint> Check(const CoseReceipt& proof, std::string_view leaf, std::string_view subject) const;
  // The tree that `proof`, a receipt of consistency, shows to continue `older`, which is trusted. Fails as above.
  StatusOr<Checkpoint> Check(const CoseReceipt& proof, const Checkpoint& older) const;

 private:
  // Whose COSE receipts count.
  StatusOr<std::vector<VerifierKey>> CoseKeys() const;
  // UNAUTHENTICATED: by the key history, the key that signed the proof doesn't count at this checkpoint.
  Status CheckCounts(const CoseReceipt& proof, const Checkpoint& checkpoint) const;
};

// C2SP tlog-proof, or COSE (RFC 9942).
enum class ReceiptForm { kTlogProof, kCose };

struct CheckedReceipt {
  LeafIndex index;
  Checkpoint checkpoint;
  // The checkpoint as it stands in the receipt; empty for COSE, which has none.
  std::string checkpoint_note;
  ParsedHeader header;
  Timestamp recorded;
  // The key that sealed a run of this one event.
  std::optional<PublicKey> sealed_by;
  // The body's content, where a body was given.
  std::optional<std::string> body;
};

// That the leaf is under a trusted checkpoint, that its seal, if it has one, holds and is for this ledger and stream,
// and that `body` (nonce and content), if given, is what the leaf commits to. INVALID_ARGUMENT when something is
// malformed; UNAUTHENTICATED when something does not hold; FAILED_PRECONDITION below the policy's quorum.
StatusOr<CheckedReceipt> CheckReceipt(ReceiptForm form, std::string_view receipt, std::string_view leaf,
                                      std::optional<std::string_view> body, const Trust& trust);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_RECEIPT_CHECK_H_
