#ifndef ANAMNESIS_LEDGER_STATE_SIGNATURES_H_
#define ANAMNESIS_LEDGER_STATE_SIGNATURES_H_

// Electronic signatures and their sessions (21 CFR 11.50, 11.200(a)(1)): the first signature of a period of controlled
// access takes all components, at least two; later ones of the same period at least one. A period ends with a pause, by
// the times at which the signer says to have signed and by those at which it was recorded: who was cut off for longer
// begins a new one.
//
// Rows of kAuthority: "e" || session id -> SignatureSession.

#include <string>

#include "anamnesis/v1/signature.pb.h"
#include "ledger/base/status.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// The signature that the event's body carries in its field `signature`; nullptr when it carries none.
const v1::ElectronicSignature* SignatureOf(const RecordedEvent& event);

// A session without a signature for so long is over.
inline constexpr int64_t kSignatureSessionPauseMaxUs = int64_t{30} * 60 * 1'000'000;
// signed_at may lie so far from when the event occurred.
inline constexpr int64_t kSignedAtDistanceMaxUs = int64_t{60} * 1'000'000;

// What is wrong with the event's signature, for a person to read; empty when nothing is, or when the event neither
// needs nor has one.
StatusOr<std::string> WhyNotSigned(const RowFinder& rows, const RecordedEvent& event);

Status FoldSignatures(const RecordedEvent& event, RowOverlay& rows);
bool SignaturesReadBody(const EventType& type);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_SIGNATURES_H_
