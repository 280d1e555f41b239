#ifndef ANAMNESIS_LEDGER_EVENT_CHECKPOINT_KEY_NAME_H_
#define ANAMNESIS_LEDGER_EVENT_CHECKPOINT_KEY_NAME_H_

// Which of a ledger's CHECKPOINT credentials sign as the log: the id of the node that holds one is the key's name in
// C2SP's sense. The ledger's origin, and "founding-node", as foundings have it, sign as the log; any other name
// cosigns.

#include <string>
#include <string_view>

namespace anamnesis {

inline constexpr std::string_view kFoundingNode = "founding-node";

// The name that the key held by such a node signs under.
inline std::string CheckpointKeyName(std::string_view holder_id, std::string_view origin) {
  return std::string(holder_id == kFoundingNode ? origin : holder_id);
}

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_EVENT_CHECKPOINT_KEY_NAME_H_
