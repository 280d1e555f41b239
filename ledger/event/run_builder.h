#ifndef ANAMNESIS_LEDGER_EVENT_RUN_BUILDER_H_
#define ANAMNESIS_LEDGER_EVENT_RUN_BUILDER_H_

// What a writer does: turns drafts of events into a sealed run that continues its stream. Pure: ids, nonces and times
// are arguments. The bytes made here are final; send them as they are, and on a retry send the same bytes.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "anamnesis/v1/event.pb.h"
#include "google/protobuf/message.h"
#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/crypto/ed25519.h"

namespace anamnesis {

// An event as its author thinks of it. What the chain adds is filled in by RunBuilder.
struct EventDraft {
  // Everything but event_id, stream, stream_position, previous_header_digest, actor, body_size and body_commitment,
  // which RunBuilder sets, and type and schema_version, which it takes from the body when they are empty.
  v1::EventHeader header;
  // An event type's message.
  std::shared_ptr<const google::protobuf::Message> body;
};

// Sets both ends of the draft's occurred interval.
void SetOccurred(EventDraft& draft, Timestamp earliest, Timestamp latest);
// Adds a reference. `digest` may be null.
void AddReference(EventDraft& draft, std::string_view role, std::string_view kind, std::string_view id,
                  std::string_view version = "", const v1::ContentDigest* digest = nullptr);

class RunBuilder {
 public:
  // Continues `stream` of `actor` after `head` (position 0 and a zero digest for a new stream).
  RunBuilder(std::string origin, std::string stream, v1::Agent actor, StreamPosition head, const Digest& head_digest);

  // Adds an event. `nonce` has 32 random bytes. SCHEMA, OVER_LIMIT and MALFORMED refusals as the ledger would give
  // them, so that a mistake is found before anything is sent; the builder is unchanged then.
  Status Add(const EventDraft& draft, const EventId& id, std::string_view nonce);

  // The sealed run of all events added, at least one; the builder is empty afterwards and continues after it.
  v1::Run Seal(const PrivateKey& key, Timestamp sealed_at);

  size_t event_count() const { return static_cast<size_t>(run_.headers_size()); }
  // As limits count it, without the seal.
  size_t bytes() const { return bytes_; }
  StreamPosition head() const { return head_; }

 private:
  std::string origin_;
  std::string stream_;
  v1::Agent actor_;
  StreamPosition head_;
  Digest head_digest_;
  v1::Run run_;
  size_t bytes_ = 0;
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_EVENT_RUN_BUILDER_H_
