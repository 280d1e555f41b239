#ifndef ANAMNESIS_NODE_CHECKPOINT_ADD_CHECKPOINT_H_
#define ANAMNESIS_NODE_CHECKPOINT_ADD_CHECKPOINT_H_

// What is sent in a call of add-checkpoint (https://c2sp.org/tlog-witness) and what comes back. Pure; safe from any
// thread and for any input.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/digest.h"
#include "ledger/base/ids.h"
#include "ledger/base/status.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/signed_note.h"

namespace anamnesis {

inline constexpr size_t kAddCheckpointHashesMax = 63;
// Of a request: sixteen post-quantum signatures and the longest proof fit.
inline constexpr size_t kAddCheckpointBytesMax = 256 * 1024;
// Of an answer: cosignature lines.
inline constexpr size_t kAddCheckpointAnswerBytesMax = 64 * 1024;
// The content type of a 409's body.
inline constexpr std::string_view kTreeSizeContentType = "text/x.tlog.size";

struct AddCheckpointRequest {
  // The size of the checkpoint that the witness is thought to have cosigned last; 0 for none.
  TreeSize old_size;
  // That it is a prefix of the new one; empty from size 0.
  std::vector<Digest> proof;
  // The signed note, byte for byte.
  std::string note;

  friend bool operator==(const AddCheckpointRequest&, const AddCheckpointRequest&) = default;
};

// "old N\n", a line for each hash, a blank line, the note.
std::string FormatAddCheckpoint(const AddCheckpointRequest& request);
// INVALID_ARGUMENT, naming the line, unless `bytes` is a request within the limits above whose note and checkpoint text
// are well-formed. Verifies nothing.
StatusOr<AddCheckpointRequest> ParseAddCheckpoint(std::string_view bytes);

// An answer as HTTP has it.
struct AddCheckpointAnswer {
  int status = 0;
  std::string content_type = "text/plain";
  std::string body;
};

// The lines of a 200. INVALID_ARGUMENT when one is malformed or there are more than limits::kNoteSignaturesMax.
StatusOr<std::vector<NoteSignature>> ParseCosignatureLines(std::string_view body);
// The size that a 409 names. INVALID_ARGUMENT when it is not one number and a newline.
StatusOr<TreeSize> ParseConflictSize(std::string_view body);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_CHECKPOINT_ADD_CHECKPOINT_H_
