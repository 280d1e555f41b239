#include "ledger/engine/checkpointer.h"

#include <algorithm>
#include <utility>

#include "ledger/commit/stored_tiles.h"
#include "ledger/engine/files.h"
#include "ledger/engine/handovers.h"
#include "ledger/engine/layout.h"
#include "ledger/merkle/proof.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/merkle/verify.h"
#include "ledger/note/signed_note.h"
#include "ledger/state/recorded_event.h"

namespace anamnesis {

Checkpointer::Checkpointer(Store& store, std::unique_ptr<CheckpointSigners> signers, std::string origin,
                           std::string dir)
    : store_(store), signers_(std::move(signers)), origin_(std::move(origin)), dir_(std::move(dir)) {}

StatusOr<std::vector<VerifierKey>> Checkpointer::KnownKeys() const {
  return LogKeys(store_, origin_, signers_->Held(), LogKeyUse::kKept);
}

Status Checkpointer::Load(TreeSize size) {
  const std::lock_guard lock(mutex_);
  const std::string file = CheckpointPath(dir_);
  StatusOr<std::string> note = ReadSmallFile(file);
  if (absl::IsNotFound(note.status())) return OkStatus();
  RETURN_IF_ERROR(note.status());
  const StatusOr<Checkpoint> checkpoint = OpenKeptCheckpoint(store_, origin_, signers_->Held(), *note);
  if (!checkpoint.ok()) return absl::DataLossError(Text(file, ": ", MessageOf(checkpoint.status())));
  if (checkpoint->size > size) {
    return absl::DataLossError(Text("the ledger holds ", size.value, " events, but its checkpoint in ", file,
                                    " was signed over ", checkpoint->size.value, ": it was cut off; restore it"));
  }
  const StoredTiles tiles(store_);
  ASSIGN_OR_RETURN(verified_, Frontier::Load(tiles, checkpoint->size));
  if (verified_.Root() != checkpoint->root) {
    return absl::DataLossError(Text("the first ", checkpoint->size.value,
                                    " events are not those that the checkpoint in ", file,
                                    " was signed over; run fsck"));
  }
  note_ = *std::move(note);
  note_size_ = checkpoint->size;
  return OkStatus();
}

Status Checkpointer::ReadBack(TreeSize size) {
  const std::unique_ptr<RowReader> rows = store_.View();
  uint64_t next = verified_.size().value;
  if (next >= size.value) return OkStatus();
  // A copy, so that a failure half-way leaves the verified part as it was.
  Frontier frontier = verified_;
  bool in_order = true;
  RETURN_IF_ERROR(
      rows->Scan(Family::kLeaves, "", LeafKey(LeafIndex(next)), [&](std::string_view key, std::string_view leaf) {
        in_order = key == LeafKey(LeafIndex(next));
        if (!in_order) return false;
        frontier.Append(LeafHash(leaf));
        return ++next < size.value;
      }));
  if (!in_order || next != size.value) return absl::DataLossError(Text("leaf ", next, " is missing; run fsck"));
  (void)frontier.TakeChangedTiles();
  const StoredTiles tiles(*rows);
  const TileNodeReader nodes(tiles);
  ASSIGN_OR_RETURN(const Digest stored_root, RootAt(nodes, size));
  if (frontier.Root() != stored_root) {
    return absl::DataLossError(
        Text("the leaves read back up to ", size.value, " don't hash to the root that was committed; run fsck"));
  }
  verified_ = std::move(frontier);
  return OkStatus();
}

std::string Checkpointer::NoteOver(const Signers& signers, TreeSize size, const Digest& root) const {
  SignedNote note;
  note.text = FormatCheckpointText({origin_, size, root});
  for (const auto& signer : signers) note.signatures.push_back(SignNote(note.text, signer->name, signer->key));
  return FormatSignedNote(note);
}

Status Checkpointer::KeepHandover(const Signers& signers) const {
  if (note_.empty()) return OkStatus();
  ASSIGN_OR_RETURN(const SignedNote last, ParseSignedNote(note_));
  const bool same = std::equal(last.signatures.begin(), last.signatures.end(), signers.begin(), signers.end(),
                               [](const NoteSignature& signature, const auto& signer) {
                                 return signature.key_id == VerifierKeyOf(*signer).key_id();
                               });
  if (same) return OkStatus();
  ASSIGN_OR_RETURN(std::vector<std::string> handovers, ReadHandovers(dir_));
  if (!handovers.empty() && handovers.back() == note_) return OkStatus();
  handovers.push_back(note_);
  return WriteHandovers(dir_, handovers);
}

StatusOr<std::string> Checkpointer::Sign(TreeSize size) {
  const std::lock_guard lock(mutex_);
  if (size.value == 0) return absl::OutOfRangeError("the ledger is empty; there is nothing to sign");
  // By what is kept: what was read back may be further, where a note over it could not be signed or written.
  if (!note_.empty() && size <= note_size_) return note_;
  RETURN_IF_ERROR(ReadBack(size));
  const TreeSize signed_size = verified_.size();
  ASSIGN_OR_RETURN(const Signers signers, signers_->For(signed_size));
  std::string bytes = NoteOver(signers, signed_size, verified_.Root());
  Status kept = KeepHandover(signers);
  // Kept before it is given away: a checkpoint that someone has must never be news to the ledger.
  if (kept.ok()) kept = WriteSmallFile(CheckpointPath(dir_), bytes);
  // With a full disk the last one stays the newest, and stays good.
  if (absl::IsResourceExhausted(kept) && !note_.empty()) return note_;
  RETURN_IF_ERROR(kept);
  note_ = std::move(bytes);
  note_size_ = signed_size;
  RETURN_IF_ERROR(signers_->Kept(signers));
  return note_;
}

StatusOr<std::string> Checkpointer::SignExactly(TreeSize size, TreeSize shown) {
  RETURN_IF_ERROR(Sign(shown).status());
  const std::lock_guard lock(mutex_);
  if (size > note_size_) {
    return absl::UnavailableError(Text("no checkpoint over ", size.value, " events could be signed yet; retry later"));
  }
  ASSIGN_OR_RETURN(const Digest root, VerifiedRootAt(size));
  ASSIGN_OR_RETURN(const Signers signers, signers_->For(note_size_));
  return NoteOver(signers, size, root);
}

// Tiles may have changed since they were written: those that make the root must make the consistency proof as well.
StatusOr<Digest> Checkpointer::VerifiedRootAt(TreeSize size) const {
  const StoredTiles tiles(store_);
  const TileNodeReader nodes(tiles);
  ASSIGN_OR_RETURN(const Digest root, RootAt(nodes, size));
  ASSIGN_OR_RETURN(const std::vector<Digest> proof, ConsistencyProof(nodes, size, verified_.size()));
  const Status part = VerifyConsistency(size, verified_.size(), proof, root, verified_.Root());
  if (part.ok()) return root;
  return absl::DataLossError(
      Text("the stored tree of the first ", size.value, " events is not part of the one that was read back; run fsck"));
}

Status Checkpointer::SignCose(const std::string& checkpoint_note, std::span<CoseReceipt> receipts) const {
  if (receipts.empty()) return OkStatus();
  ASSIGN_OR_RETURN(const std::vector<VerifierKey> known, KnownKeys());
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, OpenCheckpoint(checkpoint_note, known));
  const std::lock_guard lock(mutex_);
  if (checkpoint.size > note_size_) {
    return absl::UnavailableError(Text("the checkpoint is over ", checkpoint.size.value, " events, of which ",
                                       note_size_.value, " were read back and signed; retry later"));
  }
  ASSIGN_OR_RETURN(const Digest root, VerifiedRootAt(checkpoint.size));
  if (root != checkpoint.root) {
    return absl::UnauthenticatedError(Text("the checkpoint over ", checkpoint.size.value,
                                           " events is of another tree than this node holds, whose root is ",
                                           root.hex()));
  }
  ASSIGN_OR_RETURN(const Signers signers, signers_->For(note_size_));
  const NamedKey& signer = *signers.back();
  const uint32_t key_id = VerifierKeyOf(signer).key_id();
  for (CoseReceipt& receipt : receipts) {
    receipt.claims = {key_id, checkpoint.origin, std::move(receipt.claims.subject), checkpoint.size};
    receipt.signature = signer.key.Sign(CoseSignedBytes(receipt.claims, checkpoint.root));
  }
  return OkStatus();
}

}  // namespace anamnesis
