#include "ledger/engine/checkpointer.h"

#include "ledger/engine/files.h"
#include "ledger/merkle/proof.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/note/signed_note.h"
#include "ledger/state/recorded_event.h"

namespace anamnesis {

Checkpointer::Checkpointer(Store& store, NamedKey key, std::string file)
    : store_(store), key_(std::move(key)), file_(std::move(file)) {}

Status Checkpointer::Load(TreeSize size) {
  const std::lock_guard lock(mutex_);
  StatusOr<std::string> note = ReadSmallFile(file_);
  if (absl::IsNotFound(note.status())) return OkStatus();
  RETURN_IF_ERROR(note.status());
  const VerifierKey key = VerifierKeyOf(key_);
  const StatusOr<Checkpoint> checkpoint = OpenCheckpoint(*note, {&key, 1});
  if (!checkpoint.ok()) return absl::DataLossError(Text(file_, ": ", MessageOf(checkpoint.status())));
  if (checkpoint->size > size) {
    return absl::DataLossError(Text("the ledger holds ", size.value, " events, but its checkpoint in ", file_,
                                    " was signed over ", checkpoint->size.value, ": it was cut off; restore it"));
  }
  const StoredTiles tiles(store_);
  ASSIGN_OR_RETURN(verified_, Frontier::Load(tiles, checkpoint->size));
  if (verified_.Root() != checkpoint->root) {
    return absl::DataLossError(Text("the first ", checkpoint->size.value,
                                    " events are not those that the checkpoint in ", file_,
                                    " was signed over; run fsck"));
  }
  note_ = *std::move(note);
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

Status Checkpointer::Keep(const std::string& note) const { return WriteSmallFile(file_, note); }

StatusOr<std::string> Checkpointer::Sign(TreeSize size) {
  const std::lock_guard lock(mutex_);
  if (size.value == 0) return absl::OutOfRangeError("the ledger is empty; there is nothing to sign");
  if (!note_.empty() && size <= verified_.size()) return note_;
  RETURN_IF_ERROR(ReadBack(size));
  SignedNote note;
  note.text = FormatCheckpointText({key_.name, verified_.size(), verified_.Root()});
  note.signatures.push_back(SignNote(note.text, key_.name, key_.key));
  std::string bytes = FormatSignedNote(note);
  // Kept before it is given away: a checkpoint that someone has must never be news to the ledger.
  const Status kept = Keep(bytes);
  // With a full disk the last one stays the newest, and stays good.
  if (absl::IsResourceExhausted(kept) && !note_.empty()) return note_;
  RETURN_IF_ERROR(kept);
  note_ = std::move(bytes);
  return note_;
}

}  // namespace anamnesis
