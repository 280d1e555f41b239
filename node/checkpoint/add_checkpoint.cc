#include "node/checkpoint/add_checkpoint.h"

#include "ledger/base/bytes.h"
#include "ledger/base/limits.h"
#include "ledger/note/text.h"
#include "ledger/note/tlog_proof.h"

namespace anamnesis {
namespace {

constexpr std::string_view kOldPrefix = "old ";

}  // namespace

std::string FormatAddCheckpoint(const AddCheckpointRequest& request) {
  std::string bytes = Text(kOldPrefix, request.old_size.value, '\n');
  for (const Digest& hash : request.proof) bytes += Text(Base64Encode(hash.view()), '\n');
  return Text(bytes, '\n', request.note);
}

StatusOr<AddCheckpointRequest> ParseAddCheckpoint(std::string_view bytes) {
  if (bytes.size() > kAddCheckpointBytesMax) {
    return absl::InvalidArgumentError(Text("request: ", bytes.size(), " bytes; at most ", kAddCheckpointBytesMax));
  }
  AddCheckpointRequest request;
  std::string_view rest = bytes;
  ASSIGN_OR_RETURN(const std::string_view line, TakeLine(rest, "old size"));
  if (!line.starts_with(kOldPrefix)) return absl::InvalidArgumentError("old size: the first line is not \"old N\"");
  ASSIGN_OR_RETURN(request.old_size.value, ParseDecimal(line.substr(kOldPrefix.size()), "old size"));
  ASSIGN_OR_RETURN(request.proof, TakeHashLines(rest, kAddCheckpointHashesMax));
  ASSIGN_OR_RETURN(const SignedNote note, ParseSignedNote(rest));
  RETURN_IF_ERROR(ParseCheckpointText(note.text).status());
  request.note = std::string(rest);
  return request;
}

StatusOr<std::vector<NoteSignature>> ParseCosignatureLines(std::string_view body) {
  std::vector<NoteSignature> signatures;
  while (!body.empty()) {
    if (signatures.size() == limits::kNoteSignaturesMax) {
      return absl::InvalidArgumentError(Text("more than ", limits::kNoteSignaturesMax, " cosignatures"));
    }
    ASSIGN_OR_RETURN(const std::string_view line, TakeLine(body, "cosignature"));
    ASSIGN_OR_RETURN(NoteSignature signature, ParseSignatureLine(line));
    signatures.push_back(std::move(signature));
  }
  return signatures;
}

StatusOr<TreeSize> ParseConflictSize(std::string_view body) {
  ASSIGN_OR_RETURN(const std::string_view line, TakeLine(body, "size"));
  if (!body.empty()) return absl::InvalidArgumentError("size: more than one line");
  ASSIGN_OR_RETURN(const uint64_t size, ParseDecimal(line, "size"));
  return TreeSize(size);
}

}  // namespace anamnesis
