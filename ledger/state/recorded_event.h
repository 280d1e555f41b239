#ifndef ANAMNESIS_LEDGER_STATE_RECORDED_EVENT_H_
#define ANAMNESIS_LEDGER_STATE_RECORDED_EVENT_H_

// What the folds are given: one event in its place in the log.

#include <memory>

#include "google/protobuf/message.h"
#include "ledger/base/ids.h"
#include "ledger/base/time.h"
#include "ledger/event/header.h"
#include "ledger/event/vocabulary.h"
#include "ledger/state/rows.h"

namespace anamnesis {

// Borrowed: valid while what it points to is.
struct RecordedEvent {
  LeafIndex index;
  Timestamp recorded;
  const ParsedHeader* header;
  const EventType* type;
  // The parsed body; null when it was erased, which only types with retention PERSONAL_DATA can be, and those no fold
  // reads.
  const google::protobuf::Message* body;
};

// The same, owning what it holds: an event read back from rows.
struct LoadedEvent {
  LeafIndex index;
  Timestamp recorded;
  ParsedHeader header;
  const EventType* type = nullptr;
  std::unique_ptr<google::protobuf::Message> body;

  RecordedEvent view() const { return {index, recorded, &header, type, body.get()}; }
};

// Keys of the log's own rows.
std::string LeafKey(LeafIndex index);

// Reads an event back. NOT_FOUND when there is no such leaf; DATA_LOSS when its bytes don't parse.
StatusOr<LoadedEvent> LoadEvent(const RowFinder& rows, LeafIndex index);

// The same without its body, which can be large, for what the header says alone. DATA_LOSS when there is no such leaf:
// for indexes that rows hold.
StatusOr<LoadedEvent> LoadWithoutBody(const RowFinder& rows, LeafIndex index);

// Takes a leaf and a stored body (nonce || content; empty when erased) apart, with DATA_LOSS when they don't parse.
StatusOr<LoadedEvent> ParseStoredEvent(LeafIndex index, std::string_view leaf, std::string_view stored_body);
// The same into `event`, whose memory is used again; see ParseHeader.
Status ParseStoredEvent(LeafIndex index, std::string_view leaf, std::string_view stored_body, LoadedEvent& event);

// Adds a stored body to an event that was read without one, as ParseStoredEvent does.
Status ParseStoredBody(std::string_view stored_body, LoadedEvent& event);

// The index of an event id; nullopt when the ledger doesn't have it.
StatusOr<std::optional<LeafIndex>> FindEvent(const RowFinder& rows, std::string_view event_id);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_RECORDED_EVENT_H_
