#include "client/cli/log_sources.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "client/cli/trust.h"
#include "ledger/event/leaf.h"
#include "ledger/event/seal.h"
#include "ledger/evidence/make.h"
#include "ledger/merkle/proof.h"
#include "ledger/merkle/tiles.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/signed_note.h"

namespace anamnesis::cli {
namespace {

constexpr std::string_view kFile = "file:";
constexpr std::string_view kTiles = "tiles:";
constexpr std::string_view kLeafEnding = ".leaf";

// A node, or a ledger in a directory.
class ServedLog : public LogSource {
 public:
  explicit ServedLog(std::unique_ptr<LedgerClient> client) : client_(std::move(client)) {}

  StatusOr<std::string> Checkpoint() override {
    ASSIGN_OR_RETURN(const v1::Checkpoint checkpoint, client_->GetCheckpoint());
    return checkpoint.note();
  }

  StatusOr<ProvenLeaf> LeafAt(LeafIndex index, TreeSize size) override {
    v1::GetReceiptRequest request;
    request.set_index(index.value);
    request.set_tree_size(size.value);
    ASSIGN_OR_RETURN(v1::Receipt receipt, client_->GetReceipt(request));
    ASSIGN_OR_RETURN(const TlogProof proof, ParseTlogProof(receipt.tlog_proof()));
    if (proof.index != index) return absl::UnauthenticatedError(Text("was asked for leaf ", index.value));
    return ProvenLeafOf(proof, std::move(*receipt.mutable_leaf()));
  }

 private:
  const std::unique_ptr<LedgerClient> client_;
};

// tlog-tiles in a directory.
class SavedTiles : public LogSource, private TileReader {
 public:
  static StatusOr<std::unique_ptr<LogSource>> Open(std::string dir) {
    ASSIGN_OR_RETURN(std::string note, ReadFile(dir + "/checkpoint"));
    ASSIGN_OR_RETURN(const SignedNote parsed, ParseSignedNote(note));
    ASSIGN_OR_RETURN(const anamnesis::Checkpoint checkpoint, ParseCheckpointText(parsed.text));
    return std::unique_ptr<LogSource>(new SavedTiles(std::move(dir), std::move(note), checkpoint.size));
  }

  StatusOr<std::string> Checkpoint() override { return note_; }

  StatusOr<ProvenLeaf> LeafAt(LeafIndex index, TreeSize size) override {
    if (size != size_) return absl::OutOfRangeError(Text("has a checkpoint over ", size_.value, " leaves only"));
    ProvenLeaf proven{{"", note_}, {}, {}, {}};
    ASSIGN_OR_RETURN(proven.path, InclusionProof(nodes_, index, size_));
    ASSIGN_OR_RETURN(proven.leaf_hash, nodes_.Node(0, index.value));
    return proven;
  }

 private:
  SavedTiles(std::string dir, std::string note, TreeSize size)
      : dir_(std::move(dir)), note_(std::move(note)), size_(size) {}

  // A log may drop a partial tile once the full one exists.
  StatusOr<std::string> Tile(TileId id) const override {
    const uint32_t width = TileWidthAt(id, size_);
    if (width == 0) return absl::NotFoundError("beyond the tree");
    const std::string partial = Text(dir_, "/", TilePath(id.level, id.index, width));
    std::error_code ignored;
    return ReadFile(std::filesystem::exists(partial, ignored) ? partial
                                                              : Text(dir_, "/", TilePath(id.level, id.index)));
  }

  const std::string dir_;
  const std::string note_;
  const TreeSize size_;
  const TileNodeReader nodes_{*this};
};

StatusOr<SealedHeader> SealedLeaf(const std::string& bytes) {
  ASSIGN_OR_RETURN(const LeafView leaf, ParseLeaf(bytes));
  if (!leaf.seal.has_value()) return absl::InvalidArgumentError("the leaf has no seal; its run's last leaf has it");
  ASSIGN_OR_RETURN(const ParsedSeal seal, ParseSealStatement(leaf.seal->statement));
  if (seal.statement.count() != 1) {
    return absl::InvalidArgumentError(
        Text("its seal is over ", seal.statement.count(), " events, and the others are not in the leaf"));
  }
  return SealedHeaderInRun({&leaf.header, 1}, 0, *leaf.seal);
}

Status OpenFile(const std::string& name, KeptOrServed& opened) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(name));
  if (name.ends_with(kProofEnding)) {
    ASSIGN_OR_RETURN(const TlogProof proof, ParseTlogProof(bytes));
    ASSIGN_OR_RETURN(std::string leaf, ReadFile(LeafPathOf(name)));
    opened.receipt_index = proof.index;
    opened.receipt = ProvenLeafOf(proof, std::move(leaf));
    return OkStatus();
  }
  if (name.ends_with(kLeafEnding)) {
    ASSIGN_OR_RETURN(opened.leaf, SealedLeaf(bytes));
    return OkStatus();
  }
  RETURN_IF_ERROR(ParseSignedNote(bytes).status());
  opened.note = bytes;
  return OkStatus();
}

// The signed note of what was kept.
const std::string& NoteOf(const KeptOrServed& kept) {
  return kept.receipt.has_value() ? kept.receipt->tree.note : *kept.note;
}

// The checkpoint of what was kept; what a receipt has of it, it must prove.
StatusOr<Checkpoint> OpenKept(const KeptOrServed& kept, std::span<const VerifierKey> keys) {
  if (kept.receipt.has_value()) return OpenProvenLeaf(kept.receipt_index, *kept.receipt, keys);
  return OpenCheckpoint(*kept.note, keys);
}

StatusOr<Compared> CompareKept(const KeptOrServed& one, const KeptOrServed& other, std::span<const VerifierKey> keys) {
  ASSIGN_OR_RETURN(const Checkpoint first, OpenKept(one, keys));
  ASSIGN_OR_RETURN(const Checkpoint second, OpenKept(other, keys));
  if (first.origin != second.origin) {
    return absl::InvalidArgumentError(Text("two logs: ", first.origin, " and ", second.origin));
  }
  Compared compared;
  LogComparison& found = compared.found;
  found.one_size = first.size;
  found.other_size = second.size;
  const bool same_index =
      one.receipt.has_value() && other.receipt.has_value() && one.receipt_index == other.receipt_index;
  if (first.size == second.size) {
    found.common = first.size;
    if (first.root == second.root) return compared;
    ASSIGN_OR_RETURN(found.evidence, MakeSplitView(NoteOf(one), NoteOf(other), keys));
  } else if (same_index && one.receipt->leaf_hash != other.receipt->leaf_hash) {
    ASSIGN_OR_RETURN(found.evidence, MakeReplacedLeaf(one.receipt_index, *one.receipt, *other.receipt, keys));
  } else {
    compared.why_not = "nothing can be said from these two alone; name a node, or a directory of tiles";
  }
  return compared;
}

StatusOr<Compared> CompareLeaves(const KeptOrServed& one, const KeptOrServed& other) {
  if (!one.leaf.has_value() || !other.leaf.has_value()) {
    return absl::InvalidArgumentError("a leaf is compared with a leaf: two events of one writer's stream");
  }
  ASSIGN_OR_RETURN(const ParsedSeal first, ParseSealStatement(one.leaf->statement));
  ASSIGN_OR_RETURN(const ParsedSeal second, ParseSealStatement(other.leaf->statement));
  if (first.statement.origin() != second.statement.origin() || first.statement.stream() != second.statement.stream() ||
      first.key != second.key) {
    return absl::InvalidArgumentError("the leaves are of two streams, or sealed with two keys");
  }
  Compared compared;
  if (one.leaf->header == other.leaf->header) return compared;
  StatusOr<Evidence> evidence = MakeForkedStream(*one.leaf, *other.leaf);
  if (absl::IsFailedPrecondition(evidence.status())) {
    compared.why_not = MessageOf(evidence.status());
    return compared;
  }
  ASSIGN_OR_RETURN(compared.found.evidence, std::move(evidence));
  return compared;
}

StatusOr<LogComparison> CompareWithLog(KeptOrServed& one, KeptOrServed& other, std::span<const VerifierKey> keys) {
  if (one.log != nullptr && other.log != nullptr) return CompareLogs(*one.log, *other.log, keys);
  const KeptOrServed& kept = one.log == nullptr ? one : other;
  LogSource& log = one.log == nullptr ? *other.log : *one.log;
  if (!kept.receipt.has_value()) return CompareWithNote(*kept.note, log, keys);
  return CompareWithReceipt(kept.receipt_index, *kept.receipt, log, keys);
}

}  // namespace

StatusOr<KeptOrServed> OpenKeptOrServed(const std::string& name, const Common& common) {
  KeptOrServed opened;
  opened.name = name;
  if (name.starts_with(kTiles)) {
    ASSIGN_OR_RETURN(opened.log, SavedTiles::Open(name.substr(kTiles.size())));
    return opened;
  }
  std::error_code ignored;
  if (!name.starts_with(kFile) && std::filesystem::exists(name, ignored)) {
    const Status read = OpenFile(name, opened);
    if (!read.ok()) return WithContext(read, name);
    return opened;
  }
  Common at = common;
  at.ledger = name;
  ASSIGN_OR_RETURN(std::unique_ptr<LedgerClient> client, Connect(at));
  opened.log = std::make_unique<ServedLog>(std::move(client));
  return opened;
}

StatusOr<Compared> Compare(KeptOrServed& one, KeptOrServed& other, std::span<const VerifierKey> keys) {
  if (one.leaf.has_value() || other.leaf.has_value()) return CompareLeaves(one, other);
  if (one.log == nullptr && other.log == nullptr) return CompareKept(one, other, keys);
  Compared compared;
  ASSIGN_OR_RETURN(compared.found, CompareWithLog(one, other, keys));
  const LogComparison& found = compared.found;
  const bool nothing = found.common.value == 0 && found.leaves_asked == 0 && !found.evidence.has_value();
  if (nothing && found.one_size != found.other_size) compared.why_not = "the shorter one has to catch up first";
  return compared;
}

}  // namespace anamnesis::cli
