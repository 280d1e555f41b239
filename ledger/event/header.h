#ifndef ANAMNESIS_LEDGER_EVENT_HEADER_H_
#define ANAMNESIS_LEDGER_EVENT_HEADER_H_

// The permanent part of an event, read strictly. The bytes are what counts (format.md section 2): a ParsedHeader keeps
// their digest and a parsed copy for reading, and nothing is ever re-serialised. Pure; safe from any thread.

#include <string_view>

#include "anamnesis/v1/event.pb.h"
#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"

namespace anamnesis {

// The stream of the events that the ledger itself decides.
inline constexpr std::string_view kLedgerStream = "ledger";

struct ParsedHeader {
  v1::EventHeader fields;
  EventId event_id;
  // SHA-256 of the header's bytes.
  Digest digest;
  Digest previous_digest;
  Digest body_commitment;

  StreamPosition position() const { return StreamPosition(fields.stream_position()); }
  Timestamp occurred_earliest() const { return Timestamp(fields.occurred_earliest_us()); }
  Timestamp occurred_latest() const { return Timestamp(fields.occurred_latest_us()); }
};

// Parses `bytes` and checks everything that a header must be by itself: sizes, ranges, names, unknown fields. Whether
// the type exists and its rules hold is the vocabulary's business (vocabulary.h), whether it continues its stream the
// state's. Fails with MALFORMED or OVER_LIMIT refusals that name the field.
StatusOr<ParsedHeader> ParseHeader(std::string_view bytes);
// The same into `header`, whose memory is used again: for who parses many, one after the other. When it fails, what is
// in `header` means nothing.
Status ParseHeader(std::string_view bytes, ParsedHeader& header);

// True when `name` is 1 to 255 characters of A-Z a-z 0-9 . _ / @ : + - .
bool IsStreamName(std::string_view name);
// True when `origin` is a C2SP checkpoint origin that we accept: 1 to 255 visible ASCII characters without "+".
bool IsOrigin(std::string_view origin);

// A body's nonce, in front of its content where both are stored together.
inline constexpr size_t kNonceBytes = 32;

// SHA-256(0x02 || nonce || content).
Digest BodyCommitment(std::string_view nonce, std::string_view content);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_EVENT_HEADER_H_
