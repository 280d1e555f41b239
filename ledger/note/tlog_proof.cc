#include "ledger/note/tlog_proof.h"

#include <utility>

#include "ledger/base/bytes.h"
#include "ledger/base/limits.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/merkle/verify.h"
#include "ledger/note/signed_note.h"
#include "ledger/note/text.h"

namespace anamnesis {
namespace {

constexpr std::string_view kFirstLine = "c2sp.org/tlog-proof@v1";
constexpr std::string_view kExtraPrefix = "extra ";
constexpr std::string_view kIndexPrefix = "index ";

}  // namespace

std::string FormatTlogProof(const TlogProof& proof) {
  std::string bytes = Text(kFirstLine, '\n');
  if (!proof.extra.empty()) bytes += Text(kExtraPrefix, Base64Encode(proof.extra), '\n');
  bytes += Text(kIndexPrefix, proof.index.value, '\n');
  for (const Digest& hash : proof.hashes) bytes += Text(Base64Encode(hash.view()), '\n');
  return Text(bytes, '\n', proof.checkpoint_note);
}

StatusOr<std::vector<Digest>> TakeHashLines(std::string_view& rest, size_t hashes_max) {
  std::vector<Digest> hashes;
  while (true) {
    ASSIGN_OR_RETURN(const std::string_view line, TakeLine(rest, "blank line"));
    if (line.empty()) return hashes;
    const std::string field = Text("hash ", hashes.size());
    if (hashes.size() == hashes_max) {
      return absl::InvalidArgumentError(Text(field, ": at most ", hashes_max, " hashes"));
    }
    const StatusOr<std::string> hash = Base64Decode(line);
    if (!hash.ok()) return WithContext(hash.status(), field);
    ASSIGN_OR_RETURN(hashes.emplace_back(), Digest::FromBytes(*hash, field));
  }
}

StatusOr<TlogProof> ParseTlogProof(std::string_view bytes) {
  if (bytes.size() > limits::kProofBytesMax) {
    return absl::InvalidArgumentError(Text("proof: ", bytes.size(), " bytes; at most ", limits::kProofBytesMax));
  }
  TlogProof proof;
  std::string_view rest = bytes;
  ASSIGN_OR_RETURN(std::string_view line, TakeLine(rest, "proof: first line"));
  if (line != kFirstLine) {
    return absl::InvalidArgumentError(Text("proof: does not start with the line \"", kFirstLine, "\""));
  }
  ASSIGN_OR_RETURN(line, TakeLine(rest, "proof: index"));
  if (line.starts_with(kExtraPrefix)) {
    StatusOr<std::string> extra = Base64Decode(line.substr(kExtraPrefix.size()));
    if (!extra.ok()) return WithContext(extra.status(), "proof: extra");
    if (extra->empty()) return absl::InvalidArgumentError("proof: extra: empty; the line is to be left out");
    proof.extra = *std::move(extra);
    ASSIGN_OR_RETURN(line, TakeLine(rest, "proof: index"));
  }
  if (!line.starts_with(kIndexPrefix)) return absl::InvalidArgumentError("proof: index: the line is missing");
  ASSIGN_OR_RETURN(proof.index.value, ParseDecimal(line.substr(kIndexPrefix.size()), "proof: index"));
  StatusOr<std::vector<Digest>> hashes = TakeHashLines(rest, limits::kProofHashesMax);
  if (!hashes.ok()) return WithContext(hashes.status(), "proof");
  proof.hashes = *std::move(hashes);
  ASSIGN_OR_RETURN(SignedNote note, ParseSignedNote(rest));
  RETURN_IF_ERROR(ParseCheckpointText(note.text).status());
  proof.checkpoint_note = rest;
  return proof;
}

StatusOr<Checkpoint> VerifyTlogProofUnder(const TlogProof& proof, std::string_view leaf, StatusOr<Checkpoint> opened) {
  RETURN_IF_ERROR(opened.status());
  RETURN_IF_ERROR(VerifyInclusion(LeafHash(leaf), proof.index, opened->size, proof.hashes, opened->root));
  return opened;
}

StatusOr<Checkpoint> VerifyTlogProof(const TlogProof& proof, std::string_view leaf, std::span<const VerifierKey> keys) {
  return VerifyTlogProofUnder(proof, leaf, OpenCheckpoint(proof.checkpoint_note, keys));
}

}  // namespace anamnesis
