#ifndef ANAMNESIS_LEDGER_BASE_LIMITS_H_
#define ANAMNESIS_LEDGER_BASE_LIMITS_H_

// Every limit of the ledger, in one file. Those marked "format" bound bytes that live for ever and can only grow;
// the others bound one process and may be tuned. Outside a limit an append is INVALID_ARGUMENT, naming the field,
// the limit and the value; it is never cut off silently.

#include <cstddef>
#include <cstdint>

namespace anamnesis::limits {

// Format: tlog-tiles frames an entry with 16 bits (https://c2sp.org/tlog-tiles).
inline constexpr size_t kLeafBytesMax = 65535;
// Format: with framing (1 + 8 + 4 + 4 bytes) and a seal, a leaf stays below kLeafBytesMax.
inline constexpr size_t kHeaderBytesMax = 16 * 1024;
inline constexpr size_t kBodyBytesMax = 4 * 1024 * 1024;
inline constexpr size_t kRunEventsMax = 4096;
inline constexpr size_t kRunBytesMax = 8 * 1024 * 1024;
inline constexpr size_t kSealStatementBytesMax = 1024;

// Strings and lists in a header. Together they stay below kHeaderBytesMax; each is bounded for a clear error.
inline constexpr size_t kOriginBytesMax = 255;
inline constexpr size_t kStreamNameBytesMax = 255;
inline constexpr size_t kTypeBytesMax = 100;
inline constexpr size_t kEntityKindBytesMax = 64;
inline constexpr size_t kEntityIdBytesMax = 255;
inline constexpr size_t kEntityVersionBytesMax = 128;
inline constexpr size_t kReferencesMax = 256;
inline constexpr size_t kCausesMax = 64;
inline constexpr size_t kRationaleBytesMax = 4096;
inline constexpr size_t kLateReasonBytesMax = 1024;

// How many corrections may follow each other on one event (a correction of a correction of ...).
inline constexpr size_t kCorrectionDepthMax = 32;
// How many corrections may name one event.
inline constexpr size_t kCorrectionsPerEventMax = 256;

// Signed notes, proofs and policies from elsewhere. C2SP asks for at least 16 signatures and 32 of each kind of policy
// line; a post-quantum signature takes nearly 5 kB. An audit path is never longer than 64 hashes.
inline constexpr size_t kNoteBytesMax = 1024 * 1024;
inline constexpr size_t kNoteSignaturesMax = 100;
inline constexpr size_t kProofHashesMax = 64;
inline constexpr size_t kProofBytesMax = 2 * kNoteBytesMax;
inline constexpr size_t kPolicyBytesMax = 1024 * 1024;
inline constexpr size_t kPolicyLinesOfAKindMax = 256;

// One process: runs in one append request, and what may wait for the sequencer before callers are pushed back.
inline constexpr size_t kRequestRunsMax = 256;
inline constexpr size_t kRequestBytesMax = 16 * 1024 * 1024;
inline constexpr size_t kQueuedBytesMax = 64 * 1024 * 1024;
inline constexpr size_t kBatchBytesMax = 8 * 1024 * 1024;
inline constexpr size_t kBatchEventsMax = 8192;
// So many waiting events are applied while the batch before them is still being written; fewer go into a larger batch.
inline constexpr size_t kBatchEventsWorthAhead = 512;
// How long stopping waits for what was submitted, when the order is made elsewhere and can't be had.
inline constexpr int64_t kStopWaitUs = 5000000;
// One read call answers at most this many events unless it follows.
inline constexpr uint64_t kReadEventsDefault = 1000;

// A proposed recorded time this far behind the last recorded one is noticed as a stepped clock.
inline constexpr int64_t kClockStepNoticedUs = 1000000;

}  // namespace anamnesis::limits

#endif  // ANAMNESIS_LEDGER_BASE_LIMITS_H_
