#include "ledger/engine/receipts.h"

#include <optional>
#include <utility>
#include <vector>

#include "ledger/base/limits.h"
#include "ledger/commit/stored_tiles.h"
#include "ledger/cose/cose_receipt.h"
#include "ledger/engine/receipt.h"
#include "ledger/event/header.h"
#include "ledger/event/leaf.h"
#include "ledger/merkle/proof.h"
#include "ledger/note/signed_note.h"
#include "ledger/note/tlog_proof.h"
#include "ledger/state/recorded_event.h"
#include "ledger/store/store.h"

namespace anamnesis {
namespace {

constexpr int kReceiptsMax = 256;

Status CheckCount(std::string_view field, int count) {
  if (count <= kReceiptsMax) return OkStatus();
  return absl::InvalidArgumentError(Text(field, ": ", count, " are asked for; at most ", kReceiptsMax, " at a time"));
}

// The events that are asked for, each below `size`.
StatusOr<std::vector<LeafIndex>> FindLeaves(const RowReader& rows, const v1::GetReceiptsRequest& request,
                                            TreeSize size) {
  std::vector<LeafIndex> found;
  for (const uint64_t index : request.indexes()) {
    if (index >= size.value) {
      return absl::NotFoundError(Text("indexes: no event ", index, "; the ledger has ", size.value));
    }
    found.emplace_back(index);
  }
  for (const std::string& bytes : request.event_ids()) {
    ASSIGN_OR_RETURN(const EventId id, EventId::FromBytes(bytes, "event_ids"));
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, FindEvent(rows, id.view()));
    if (!index.has_value() || index->value >= size.value) {
      return absl::NotFoundError(Text("event_ids: no event ", id.text()));
    }
    found.push_back(*index);
  }
  return found;
}

// The same proof as in the tlog-proof, for the event that the leaf is; not signed yet.
StatusOr<CoseReceipt> DraftInclusion(const v1::Receipt& receipt) {
  ASSIGN_OR_RETURN(TlogProof proof, ParseTlogProof(receipt.tlog_proof()));
  ASSIGN_OR_RETURN(const LeafView leaf, ParseLeaf(receipt.leaf()));
  ASSIGN_OR_RETURN(const ParsedHeader header, ParseHeader(leaf.header));
  ASSIGN_OR_RETURN(const EventId id, EventId::FromBytes(header.fields.event_id()));
  CoseReceipt draft;
  draft.claims.subject = SubjectOfEvent(id);
  draft.proof = CoseInclusion{proof.index, std::move(proof.hashes)};
  return draft;
}

Status AddReceipts(const RowReader& rows, const Checkpointer& checkpointer, const std::vector<LeafIndex>& leaves,
                   const v1::GetReceiptsRequest& request, v1::GetReceiptsResponse& response) {
  size_t bytes = 0;
  std::vector<CoseReceipt> drafts;
  for (const LeafIndex index : leaves) {
    ASSIGN_OR_RETURN(v1::Receipt receipt, MakeReceipt(rows, index, response.checkpoint()));
    if (!request.include_bodies()) receipt.clear_body();
    bytes += receipt.ByteSizeLong() + (request.include_cose() ? kCoseReceiptBytesMax : 0);
    if (bytes > limits::kRequestBytesMax) {
      return absl::ResourceExhaustedError(Text("the receipts up to that of event ", index.value, " take more than ",
                                               limits::kRequestBytesMax,
                                               " bytes; ask for fewer at a time, or without bodies"));
    }
    if (request.include_cose()) {
      ASSIGN_OR_RETURN(drafts.emplace_back(), DraftInclusion(receipt));
    }
    *response.add_receipts()->mutable_receipt() = std::move(receipt);
  }
  RETURN_IF_ERROR(checkpointer.SignCose(response.checkpoint(), drafts));
  for (size_t i = 0; i < drafts.size(); ++i) {
    response.mutable_receipts(static_cast<int>(i))->set_cose(FormatCoseReceipt(drafts[i]));
  }
  return OkStatus();
}

Status AddOlder(const RowReader& rows, const Checkpointer& checkpointer, const Checkpoint& checkpoint,
                const v1::GetReceiptsRequest& request, v1::GetReceiptsResponse& response) {
  const StoredTiles tiles(rows);
  const TileNodeReader nodes(tiles);
  std::vector<CoseReceipt> drafts;
  for (const uint64_t size : request.older_sizes()) {
    if (size == 0 || size > checkpoint.size.value) {
      return absl::OutOfRangeError(
          Text("older_sizes: ", size, " is not in 1 to ", checkpoint.size.value, ", the checkpoint's size"));
    }
    v1::OlderCheckpoint& older = *response.add_older();
    older.set_size(size);
    ASSIGN_OR_RETURN(std::vector<Digest> hashes, ConsistencyProof(nodes, TreeSize(size), checkpoint.size));
    for (const Digest& hash : hashes) older.add_hashes(hash.bytes());
    if (!request.include_cose() || hashes.empty()) continue;
    CoseReceipt& draft = drafts.emplace_back();
    draft.claims.subject = checkpoint.origin;
    draft.proof = CoseConsistency{TreeSize(size), std::move(hashes)};
  }
  RETURN_IF_ERROR(checkpointer.SignCose(response.checkpoint(), drafts));
  for (const CoseReceipt& draft : drafts) {
    const uint64_t size = std::get<CoseConsistency>(draft.proof).older.value;
    for (v1::OlderCheckpoint& older : *response.mutable_older()) {
      if (older.size() == size) older.set_cose(FormatCoseReceipt(draft));
    }
  }
  return OkStatus();
}

}  // namespace

Status CheckReceiptsRequest(const v1::GetReceiptsRequest& request) {
  RETURN_IF_ERROR(CheckCount("indexes and event_ids", request.indexes_size() + request.event_ids_size()));
  return CheckCount("older_sizes", request.older_sizes_size());
}

StatusOr<v1::GetReceiptsResponse> MakeReceipts(const RowReader& rows, const Checkpointer& checkpointer,
                                               const std::string& checkpoint_note,
                                               const v1::GetReceiptsRequest& request) {
  ASSIGN_OR_RETURN(const SignedNote note, ParseSignedNote(checkpoint_note));
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, ParseCheckpointText(note.text));
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> leaves, FindLeaves(rows, request, checkpoint.size));
  v1::GetReceiptsResponse response;
  response.set_checkpoint(checkpoint_note);
  response.set_tree_size(checkpoint.size.value);
  response.set_verifier_key(checkpointer.verifier_key().Format());
  RETURN_IF_ERROR(AddReceipts(rows, checkpointer, leaves, request, response));
  RETURN_IF_ERROR(AddOlder(rows, checkpointer, checkpoint, request, response));
  return response;
}

}  // namespace anamnesis
