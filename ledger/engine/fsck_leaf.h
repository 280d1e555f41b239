#ifndef ANAMNESIS_LEDGER_ENGINE_FSCK_LEAF_H_
#define ANAMNESIS_LEDGER_ENGINE_FSCK_LEAF_H_

// One leaf and its body, read and looked at alone: what of a check any thread can do.

#include <memory>
#include <optional>
#include <string>

#include "google/protobuf/message.h"
#include "ledger/base/digest.h"
#include "ledger/event/header.h"
#include "ledger/event/leaf.h"
#include "ledger/event/seal.h"
#include "ledger/event/vocabulary.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

struct CheckedLeaf {
  uint64_t index = 0;
  // Why nothing is known of the leaf: it is missing or can't be read.
  std::string unreadable;
  // What is wrong with the leaf, looked at alone.
  std::string defect;
  std::string body_defect;
  std::string leaf;
  LeafView view;
  Digest hash;
  std::optional<ParsedHeader> header;
  const EventType* type = nullptr;
  std::optional<ParsedSeal> seal;
  bool body_present = false;
  std::string nonce;
  std::unique_ptr<google::protobuf::Message> body;

  // Set where the leaf takes its place in the log.
  bool wrong = false;
  bool differs_from_tile = false;
  bool has_entry = false;
  Digest entry;

  const std::string& stream() const { return header->fields.stream(); }
  RecordedEvent event() const { return {LeafIndex(index), view.recorded, &*header, type, body.get()}; }
};

// Reads leaf `index` and its body and verifies all that they say of themselves, the seal's signature included.
std::unique_ptr<CheckedLeaf> CheckLeaf(const RowFinder& rows, uint64_t index);

// Whether an event of the ledger's own stream has what the ledger derives for it, and no seal. DATA_LOSS otherwise.
Status CheckDerived(const CheckedLeaf& leaf, std::string_view origin);

// Whether `key` may seal a run whose first event was recorded then, by the credentials in `rows`. DATA_LOSS otherwise.
Status CheckSealingKey(const RowFinder& rows, const PublicKey& key, Timestamp recorded);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_FSCK_LEAF_H_
