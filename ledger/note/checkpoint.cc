#include "ledger/note/checkpoint.h"

#include <algorithm>
#include <vector>

#include "ledger/base/bytes.h"
#include "ledger/base/limits.h"
#include "ledger/note/signed_note.h"
#include "ledger/note/text.h"

namespace anamnesis {

std::string FormatCheckpointText(const Checkpoint& checkpoint) {
  return Text(checkpoint.origin, '\n', checkpoint.size.value, '\n', Base64Encode(checkpoint.root.view()), '\n');
}

StatusOr<Checkpoint> ParseCheckpointText(std::string_view text) {
  if (!IsNoteText(text)) return absl::InvalidArgumentError("checkpoint: not UTF-8, or with control characters");
  Checkpoint checkpoint;
  std::string_view rest = text;
  ASSIGN_OR_RETURN(std::string_view origin, TakeLine(rest, "checkpoint: origin"));
  if (origin.empty() || origin.size() > limits::kOriginBytesMax) {
    return absl::InvalidArgumentError(
        Text("checkpoint: origin: ", origin.size(), " bytes; 1 to ", limits::kOriginBytesMax, " are allowed"));
  }
  checkpoint.origin = origin;
  ASSIGN_OR_RETURN(std::string_view size, TakeLine(rest, "checkpoint: size"));
  ASSIGN_OR_RETURN(uint64_t size_value, ParseDecimal(size, "checkpoint: size"));
  checkpoint.size = TreeSize(size_value);
  ASSIGN_OR_RETURN(std::string_view root, TakeLine(rest, "checkpoint: root"));
  StatusOr<std::string> root_bytes = Base64Decode(root);
  if (!root_bytes.ok()) return WithContext(root_bytes.status(), "checkpoint: root");
  ASSIGN_OR_RETURN(checkpoint.root, Digest::FromBytes(*root_bytes, "checkpoint: root"));
  while (!rest.empty()) {
    ASSIGN_OR_RETURN(std::string_view extension, TakeLine(rest, "checkpoint: extension line"));
    if (extension.empty()) return absl::InvalidArgumentError("checkpoint: extension line: empty");
  }
  return checkpoint;
}

StatusOr<Checkpoint> OpenCheckpoint(std::string_view note, std::span<const VerifierKey> keys) {
  ASSIGN_OR_RETURN(SignedNote parsed, ParseSignedNote(note));
  ASSIGN_OR_RETURN(std::vector<VerifierKey> verified, VerifyNote(parsed, keys));
  ASSIGN_OR_RETURN(Checkpoint checkpoint, ParseCheckpointText(parsed.text));
  const bool by_origin = std::any_of(verified.begin(), verified.end(), [&](const VerifierKey& key) {
    return key.type() == KeyType::kEd25519 && key.name() == checkpoint.origin;
  });
  if (!by_origin) {
    return absl::UnauthenticatedError(Text("the checkpoint of \"", checkpoint.origin, "\" is not signed by its log"));
  }
  return checkpoint;
}

}  // namespace anamnesis
