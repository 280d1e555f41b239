#ifndef ANAMNESIS_LEDGER_ENGINE_FSCK_LEAF_H_
#define ANAMNESIS_LEDGER_ENGINE_FSCK_LEAF_H_

// One leaf and its body, read and looked at alone: what of a check any thread can do; and what is asked of a run's seal
// wherever logs are checked.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

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

// A run as it lies in the log. Borrowed: valid while what it points to is.
struct RunInLog {
  std::string_view stream;
  uint64_t first_leaf = 0;
  uint64_t first_position = 0;
  Timestamp first_recorded;
  std::span<const std::string_view> headers;
};

// Whether the seal, which verified, is of this run, and its key one that might seal then by the credentials in
// `before`: as the events before the run left them, since what ends a key later, however far back, doesn't unseal what
// is recorded (it is a finding). The founding run issues the credential of its own key. Null `before`: the credentials
// aren't known. SEAL_INVALID refusal, or DATA_LOSS for the key.
Status CheckSealOfRun(const ParsedSeal& seal, std::string_view origin, const RunInLog& run, const RowFinder* before);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENGINE_FSCK_LEAF_H_
