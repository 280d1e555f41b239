#ifndef ANAMNESIS_LEDGER_CUSTODY_KEY_EVENTS_H_
#define ANAMNESIS_LEDGER_CUSTODY_KEY_EVENTS_H_

// What an event says of keys: the one that it names, and the one that it ends. For whoever judges keys from records
// alone, without the state of a ledger. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "google/protobuf/message.h"
#include "ledger/base/time.h"

namespace anamnesis {

struct KeyEvent {
  struct Named {
    std::string public_key;
    Timestamp from;
    // Nothing for a key that is valid for ever.
    std::optional<Timestamp> until;
  };
  struct Ended {
    std::string public_key;
    Timestamp from;
    // It was revoked or lost, not just rotated out.
    bool revoked = false;
  };
  std::optional<Named> named;
  std::optional<Ended> ended;
};

// Of a body of any type; both are empty for one that says nothing of keys. `recorded`: when the event was.
KeyEvent KeyEventOf(const google::protobuf::Message& body, Timestamp recorded);

// The same of a body's bytes, whose event may be of a later schema version. Empty for what can't be read.
KeyEvent ReadKeyEvent(std::string_view type, std::string_view body, Timestamp recorded);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_CUSTODY_KEY_EVENTS_H_
