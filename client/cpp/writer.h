#ifndef ANAMNESIS_CLIENT_CPP_WRITER_H_
#define ANAMNESIS_CLIENT_CPP_WRITER_H_

// Writes one stream: takes drafts, makes ids, nonces, chain and seals, sends runs and, when an outcome is unknown,
// sends the same bytes again. Not safe for concurrent use; one writer a stream and process.

#include <memory>
#include <string>
#include <vector>

#include "anamnesis/v1/ledger.pb.h"
#include "client/cpp/ledger_client.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/event/run_builder.h"
#include "ledger/keys/key_file.h"

namespace anamnesis {

// One appended event.
struct Appended {
  EventId id;
  LeafIndex index;
  Timestamp recorded;
};

// A draft with the id to give it. The default id (all zero) means a fresh UUIDv7.
struct IdentifiedDraft {
  EventDraft draft;
  EventId id;
};

class StreamWriter {
 public:
  // Asks the ledger for its origin, who holds the key, and where the stream stands. `client` and `key` must outlive the
  // writer. FAILED_PRECONDITION when the ledger has no credential for the key.
  static StatusOr<std::unique_ptr<StreamWriter>> Open(LedgerClient& client, const NamedKey& key, std::string stream);

  // Appends the drafts in order, as few runs as limits allow; a run is whole or not at all. Returns a place for each.
  // On a refusal nothing of that run and those after it is written; the Status carries the ledger's RefusalDetail.
  StatusOr<std::vector<Appended>> Append(const std::vector<IdentifiedDraft>& drafts);
  StatusOr<Appended> AppendOne(const EventDraft& draft);

  const v1::Agent& actor() const { return actor_; }
  const std::string& origin() const { return origin_; }
  const std::string& stream() const { return stream_; }

 private:
  StreamWriter(LedgerClient& client, const NamedKey& key, std::string stream);
  Status Refresh();
  StatusOr<v1::RunResult> SendUntilKnown(const v1::Run& run);

  LedgerClient& client_;
  const NamedKey& key_;
  const std::string stream_;
  std::string origin_;
  v1::Agent actor_;
  StreamPosition head_;
  Digest head_digest_;
};

// The wall clock, as a writer stamps it.
Timestamp WallClockNow();
// A UUIDv7 of the present and fresh randomness.
EventId NewEventId();
// 32 fresh random bytes.
std::string NewNonce();

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_CPP_WRITER_H_
