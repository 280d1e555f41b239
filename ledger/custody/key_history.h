#ifndef ANAMNESIS_LEDGER_CUSTODY_KEY_HISTORY_H_
#define ANAMNESIS_LEDGER_CUSTODY_KEY_HISTORY_H_

// The history of a ledger's checkpoint keys as one file that verifies offline: the events that name, rotate and revoke
// them, those that gave their writers the authority to, each with its proof under one checkpoint, and older checkpoints
// that this one is shown to continue. What it proves is judged in custody.h. Pure; safe from any thread and any input.
//
//     anamnesis-key-history@v1
//     leaf <index>                   in the order of the log
//     <base64 leaf>
//     <base64 nonce and body, or "-" where only the leaf matters>
//     <base64 hash>                  its audit path, line by line
//
//     older                          by size, then by their bytes
//     <base64 signed note>
//     <base64 hash>                  consistency from there to the checkpoint
//
//     checkpoint
//     <the signed note, to the end of the file>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"

namespace anamnesis {

inline constexpr size_t kKeyHistoryBytesMax = 16 * 1024 * 1024;
inline constexpr size_t kKeyHistoryEntriesMax = 4096;

struct KeyHistory {
  struct Leaf {
    LeafIndex index;
    std::string leaf;
    // Nonce and content.
    std::optional<std::string> body;
    std::vector<Digest> hashes;
    friend bool operator==(const Leaf&, const Leaf&) = default;
  };
  struct Older {
    std::string note;
    std::vector<Digest> hashes;
    friend bool operator==(const Older&, const Older&) = default;
  };
  std::vector<Leaf> leaves;
  std::vector<Older> older;
  std::string checkpoint_note;

  friend bool operator==(const KeyHistory&, const KeyHistory&) = default;
};

std::string FormatKeyHistory(const KeyHistory& history);
// INVALID_ARGUMENT, naming the line, for anything that FormatKeyHistory would not write, entries that are out of order
// or there twice, malformed checkpoints, and more than the bounds above allow. Verifies nothing.
StatusOr<KeyHistory> ParseKeyHistory(std::string_view bytes);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_CUSTODY_KEY_HISTORY_H_
