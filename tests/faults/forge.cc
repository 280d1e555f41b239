// Changes the log in DIR, which no process has open, as somebody could who owns the machine: the storage's own
// checksums are right afterwards, only the log isn't.
//
//   forge body DIR LEAF            flips a bit of the event's body
//   forge drop DIR LEAF            removes the leaf and its body
//   forge swap DIR LEAF OTHER      exchanges two leaves
//   forge recorded DIR LEAF        makes it recorded an hour earlier
//   forge seal DIR LEAF OTHER      gives the leaf the seal of the other one
//   forge rewrite DIR LEAF         makes it recorded a microsecond earlier and builds the tree anew over all leaves,
//                                  as a leader does that rewrites history; its newest checkpoint is removed
//   forge fork DIR KEY STREAM      two writers with one key continue the stream at the same place; prints what the
//   ledger
//                                  says to the second
//
// Exit status 1: it couldn't be done, or, of a fork, the second was refused.

#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "anamnesis/internal/state.pb.h"
#include "anamnesis/v1/vocabulary.pb.h"
#include "client/cli/embedded_client.h"
#include "client/cpp/writer.h"
#include "ledger/base/status.h"
#include "ledger/commit/apply.h"
#include "ledger/engine/files.h"
#include "ledger/engine/layout.h"
#include "ledger/engine/ledger.h"
#include "ledger/event/leaf.h"
#include "ledger/keys/key_file.h"
#include "ledger/merkle/frontier.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/state/recorded_event.h"
#include "ledger/store/store.h"

namespace anamnesis {
namespace {

constexpr int64_t kHourUs = int64_t{3'600} * 1'000'000;

// A row that is there.
StatusOr<std::string> Get(const Store& store, Family family, LeafIndex leaf) {
  ASSIGN_OR_RETURN(std::optional<std::string> row, store.Get(family, LeafKey(leaf)));
  if (!row.has_value()) return absl::NotFoundError(Text("no row of leaf ", leaf.value));
  return *std::move(row);
}

Status Put(Store& store, Family family, LeafIndex leaf, std::string bytes) {
  return store.Write({{family, LeafKey(leaf), std::move(bytes)}}, true);
}

Status FlipBody(Store& store, LeafIndex leaf) {
  ASSIGN_OR_RETURN(std::string body, Get(store, Family::kBodies, leaf));
  body.back() = static_cast<char>(body.back() ^ 1);
  return Put(store, Family::kBodies, leaf, std::move(body));
}

Status Drop(Store& store, LeafIndex leaf) {
  RETURN_IF_ERROR(store.Remove(Family::kLeaves, {LeafKey(leaf)}));
  RETURN_IF_ERROR(store.Remove(Family::kBodies, {LeafKey(leaf)}));
  return store.Flush();
}

Status Swap(Store& store, LeafIndex leaf, LeafIndex other) {
  for (const Family family : {Family::kLeaves, Family::kBodies}) {
    ASSIGN_OR_RETURN(const std::string one, Get(store, family, leaf));
    ASSIGN_OR_RETURN(const std::string two, Get(store, family, other));
    RETURN_IF_ERROR(Put(store, family, leaf, two));
    RETURN_IF_ERROR(Put(store, family, other, one));
  }
  return OkStatus();
}

Status MoveRecorded(Store& store, LeafIndex leaf) {
  ASSIGN_OR_RETURN(const std::string row, Get(store, Family::kLeaves, leaf));
  ASSIGN_OR_RETURN(const LeafView view, ParseLeaf(row));
  return Put(store, Family::kLeaves, leaf, EncodeLeaf(Timestamp(view.recorded.us - kHourUs), view.header, view.seal));
}

Status TakeSeal(Store& store, LeafIndex leaf, LeafIndex other) {
  ASSIGN_OR_RETURN(const std::string row, Get(store, Family::kLeaves, leaf));
  ASSIGN_OR_RETURN(const std::string sealed, Get(store, Family::kLeaves, other));
  ASSIGN_OR_RETURN(const LeafView view, ParseLeaf(row));
  ASSIGN_OR_RETURN(const LeafView from, ParseLeaf(sealed));
  if (!view.seal.has_value() || !from.seal.has_value()) return absl::NotFoundError("one of the leaves has no seal");
  return Put(store, Family::kLeaves, leaf, EncodeLeaf(view.recorded, view.header, from.seal));
}

// Tiles and root over the leaves as they are now.
Status BuildTreeAnew(Store& store) {
  ASSIGN_OR_RETURN(std::optional<std::string> row, store.Get(Family::kMeta, kAppliedKey));
  internal::AppliedState applied;
  if (!row.has_value() || !applied.ParseFromString(*row)) return absl::DataLossError("no applied state");
  Frontier frontier;
  for (uint64_t i = 0; i < applied.tree_size(); ++i) {
    ASSIGN_OR_RETURN(const std::string leaf, Get(store, Family::kLeaves, LeafIndex(i)));
    frontier.Append(LeafHash(leaf));
  }
  Rows rows;
  for (TileUpdate& tile : frontier.TakeChangedTiles()) {
    rows.push_back({Family::kTiles, TileKey(tile.id), std::move(tile.bytes)});
  }
  applied.set_root(frontier.Root().bytes());
  rows.push_back({Family::kMeta, std::string(kAppliedKey), applied.SerializeAsString()});
  return store.Write(rows, true);
}

Status Rewrite(const std::string& dir, Store& store, LeafIndex leaf) {
  ASSIGN_OR_RETURN(const std::string row, Get(store, Family::kLeaves, leaf));
  ASSIGN_OR_RETURN(const LeafView view, ParseLeaf(row));
  RETURN_IF_ERROR(
      Put(store, Family::kLeaves, leaf, EncodeLeaf(Timestamp(view.recorded.us - 1), view.header, view.seal)));
  RETURN_IF_ERROR(BuildTreeAnew(store));
  return RemoveSmallFile(CheckpointPath(dir));
}

Status Fork(const std::string& dir, const std::string& key_file, const std::string& stream) {
  ASSIGN_OR_RETURN(const NamedKey key, ReadKeyFile(key_file));
  ASSIGN_OR_RETURN(const auto client, OpenEmbedded(dir, {}, {}));
  ASSIGN_OR_RETURN(const auto one, StreamWriter::Open(*client, key, stream));
  ASSIGN_OR_RETURN(const auto other, StreamWriter::Open(*client, key, stream));
  for (const auto& [writer, title] : {std::pair(one.get(), "one history"), std::pair(other.get(), "another history")}) {
    v1::DocumentReferenced body;
    body.set_title(title);
    EventDraft draft;
    draft.body = std::make_shared<const v1::DocumentReferenced>(body);
    const Timestamp now = SystemClock().Now();
    SetOccurred(draft, now, now);
    AddReference(draft, "document", "document", title);
    RETURN_IF_ERROR(writer->Append({{draft, EventId()}}).status());
  }
  return OkStatus();
}

StatusOr<LeafIndex> ParseLeafIndex(const std::string& text) {
  uint64_t value = 0;
  if (!absl::SimpleAtoi(text, &value)) return absl::InvalidArgumentError(Text("\"", text, "\" is no leaf"));
  return LeafIndex(value);
}

Status Run(const std::vector<std::string>& arguments) {
  const std::string& verb = arguments[0];
  const std::string& dir = arguments[1];
  if (verb == "fork") return Fork(dir, arguments.at(2), arguments.at(3));
  ASSIGN_OR_RETURN(const LeafIndex leaf, ParseLeafIndex(arguments[2]));
  ASSIGN_OR_RETURN(const LeafIndex other, ParseLeafIndex(arguments.back()));
  ASSIGN_OR_RETURN(const auto store, OpenRocksStore(DatabasePath(dir), {}));
  if (verb == "body") return FlipBody(*store, leaf);
  if (verb == "drop") return Drop(*store, leaf);
  if (verb == "swap") return Swap(*store, leaf, other);
  if (verb == "recorded") return MoveRecorded(*store, leaf);
  if (verb == "seal") return TakeSeal(*store, leaf, other);
  if (verb == "rewrite") return Rewrite(dir, *store, leaf);
  return absl::InvalidArgumentError(Text("no verb ", verb));
}

}  // namespace
}  // namespace anamnesis

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: forge VERB DIR LEAF|KEY [OTHER|STREAM]\n";
    return 2;
  }
  const anamnesis::Status done = anamnesis::Run(std::vector<std::string>(argv + 1, argv + argc));
  if (!done.ok()) std::cerr << "forge: " << anamnesis::MessageOf(done) << "\n";
  return done.ok() ? 0 : 1;
}
