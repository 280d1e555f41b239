#include "ledger/engine/receipt.h"

#include <utility>

#include "ledger/commit/stored_tiles.h"
#include "ledger/merkle/proof.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/signed_note.h"
#include "ledger/note/tlog_proof.h"
#include "ledger/query/events.h"
#include "ledger/store/store.h"

namespace anamnesis {

StatusOr<v1::Receipt> MakeReceipt(const RowReader& rows, LeafIndex index, std::string checkpoint_note) {
  TlogProof proof;
  proof.index = index;
  proof.checkpoint_note = std::move(checkpoint_note);
  ASSIGN_OR_RETURN(const SignedNote note, ParseSignedNote(proof.checkpoint_note));
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, ParseCheckpointText(note.text));
  if (index.value >= checkpoint.size.value) {
    return absl::UnavailableError("no checkpoint over this event could be signed yet; retry later");
  }
  const StoredTiles tiles(rows);
  const TileNodeReader nodes(tiles);
  ASSIGN_OR_RETURN(proof.hashes, InclusionProof(nodes, index, checkpoint.size));
  ASSIGN_OR_RETURN(v1::Event event, ReadEvent(rows, index, true));
  v1::Receipt receipt;
  receipt.set_index(index.value);
  receipt.set_leaf(std::move(*event.mutable_leaf()));
  if (event.has_body()) *receipt.mutable_body() = std::move(*event.mutable_body());
  receipt.set_tlog_proof(FormatTlogProof(proof));
  receipt.set_tree_size(checkpoint.size.value);
  return receipt;
}

}  // namespace anamnesis
