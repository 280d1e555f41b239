#include "ledger/engine/log_piece.h"

#include <span>
#include <utility>

#include "ledger/commit/apply.h"
#include "ledger/commit/stored_tiles.h"
#include "ledger/event/body_check.h"
#include "ledger/event/leaf.h"
#include "ledger/event/vocabulary.h"
#include "ledger/merkle/tree_hash.h"
#include "ledger/state/erasures.h"
#include "ledger/state/recorded_event.h"
#include "ledger/store/store.h"

namespace anamnesis {
namespace {

constexpr absl::string_view kNobody = "there is no peer to fetch it from";
constexpr std::string_view kUnreadable =
    "the storage can't read the file that holds it; stop the node and run "
    "`anamnesis fsck DIR --repair --from ADDRESS`";

std::string BytesOf(std::span<const Digest> hashes) {
  std::string bytes;
  for (const Digest& hash : hashes) bytes += hash.view();
  return bytes;
}

// A failure that ends the whole work, not only what was asked for.
bool EndsAll(const Status& status) { return absl::IsCancelled(status); }

}  // namespace

LogPiece::LogPiece(const RowReader& rows, const TrustedTree& tree, uint64_t number)
    : rows_(rows),
      number_(number),
      first_(tree.First(number).value),
      expected_(tree.piece(number)),
      leaves_(tree.Width(number)) {}

size_t LogPiece::AddDamage(std::optional<uint64_t> leaf, std::string what) {
  Damage damage;
  if (leaf.has_value()) damage.leaf = LeafIndex(*leaf);
  damage.what = leaf.has_value() ? Text("leaf ", *leaf, ": ", what) : std::move(what);
  damage.outcome = "not tried";
  damage_.push_back(std::move(damage));
  return damage_.size() - 1;
}

void LogPiece::SetOutcome(const std::optional<size_t>& damage, bool mended, std::string_view outcome) {
  if (!damage.has_value() || damage_[*damage].mended) return;
  damage_[*damage].mended = mended;
  damage_[*damage].outcome = outcome;
}

const std::string* LogPiece::leaf(uint32_t place) const {
  return leaves_[place].right ? &*leaves_[place].bytes : nullptr;
}

std::vector<LeafIndex> LogPiece::OfType(std::string_view type) const {
  std::vector<LeafIndex> found;
  for (uint32_t place = 0; place < leaves_.size(); ++place) {
    const Leaf& leaf = leaves_[place];
    if (leaf.header.has_value() && leaf.header->fields.type() == type) found.emplace_back(Index(place));
  }
  return found;
}

// --- What is there ---

void LogPiece::ReadLeaf(uint32_t place) {
  Leaf& leaf = leaves_[place];
  StatusOr<std::optional<std::string>> row = rows_.Get(Family::kLeaves, LeafKey(LeafIndex(Index(place))));
  if (!row.ok()) {
    leaf.missing = Text("can't be read: ", MessageOf(row.status()));
    leaf.unreadable = unreadable_ = true;
  } else if (!row->has_value()) {
    leaf.missing = "is missing";
  } else {
    leaf.bytes = **std::move(row);
  }
}

void LogPiece::ReadLeaves() {
  // In one scan, which leaves caches alone; one by one where that fails or finds less.
  const uint64_t limit = first_ + leaves_.size();
  (void)rows_.Scan(Family::kLeaves, "", LeafKey(LeafIndex(first_)), [&](std::string_view key, std::string_view bytes) {
    ByteReader reader(key);
    const StatusOr<uint64_t> index = reader.BigEndian64();
    if (key.size() != sizeof(uint64_t) || !index.ok() || *index < first_ || *index >= limit) return false;
    leaves_[*index - first_].bytes = std::string(bytes);
    return true;
  });
  for (uint32_t place = 0; place < leaves_.size(); ++place) {
    Leaf& leaf = leaves_[place];
    if (!leaf.bytes.has_value()) ReadLeaf(place);
    if (!leaf.bytes.has_value()) continue;
    bytes_read_ += leaf.bytes->size();
    leaf.hash = LeafHash(*leaf.bytes);
  }
}

void LogPiece::FindHashes() {
  std::vector<Digest> own;
  for (const Leaf& leaf : leaves_) {
    if (leaf.bytes.has_value()) own.push_back(leaf.hash);
  }
  const StatusOr<std::string> tile = StoredTiles(rows_).Tile({0, number_});
  const std::vector<Digest> stored = StoredHashes(rows_, {0, number_}, static_cast<uint32_t>(leaves_.size()));
  tile_unreadable_ = !tile.ok() && !absl::IsNotFound(tile.status());
  unreadable_ = unreadable_ || tile_unreadable_;
  bytes_read_ += tile.ok() ? tile->size() : 0;
  if (own.size() == leaves_.size() && RootOfLeafHashes(own) == expected_) {
    hashes_ = std::move(own);
  } else if (!stored.empty() && RootOfLeafHashes(stored) == expected_) {
    hashes_ = stored;
  }
  if (hashes_.empty()) {
    tile_damage_ =
        AddDamage(std::nullopt, Text("leaves ", first_, " to ", first_ + leaves_.size() - 1,
                                     ": neither they nor tile 0/", number_, " are what the tree committed to"));
    return;
  }
  if (stored == hashes_) return;
  const std::string why =
      !tile.ok() ? (tile_unreadable_ ? Text("can't be read: ", MessageOf(tile.status())) : std::string("is missing"))
                 : "is not what the leaves hash to";
  tile_damage_ = AddDamage(std::nullopt, Text("tile 0/", number_, ": ", why));
}

void LogPiece::SetRight(Leaf& leaf) {
  leaf.right = true;
  const StatusOr<LeafView> view = ParseLeaf(*leaf.bytes);
  if (!view.ok()) return;
  StatusOr<ParsedHeader> header = ParseHeader(view->header);
  if (!header.ok()) return;
  leaf.header = *std::move(header);
  const EventType* const type =
      Vocabulary::Get().Find(leaf.header->fields.type(), leaf.header->fields.schema_version());
  leaf.erasable = type != nullptr && IsErasable(*type);
}

Status LogPiece::CheckBody(uint32_t place, const Erased& erased) {
  Leaf& leaf = leaves_[place];
  // What this program can't read it can't look below.
  if (!leaf.right || !leaf.header.has_value()) return OkStatus();
  const LeafIndex index(Index(place));
  const auto read = [&] { return rows_.Get(Family::kBodies, LeafKey(index)); };
  StatusOr<std::optional<std::string>> row = read();
  const bool present = row.ok() && row->has_value();
  std::string wrong;
  if (!row.ok()) {
    wrong = Text("its body can't be read: ", MessageOf(row.status()));
    leaf.body_unreadable = unreadable_ = true;
  } else if (present) {
    bytes_read_ += (*row)->size();
    wrong = WhyBodyIsWrong(*leaf.header, **row);
  }
  if (!leaf.erasable) {
    if (row.ok() && !present) wrong = "its body is missing";
  } else {
    // Asked after the body was read: an erasure that comes meanwhile takes the body in the same write.
    ASSIGN_OR_RETURN(const std::optional<bool> was_erased, erased(index));
    if (!was_erased.has_value()) {
      undecided_ = true;
      return OkStatus();
    }
    if (*was_erased && row.ok()) {
      row = read();
      if (row.ok() && !row->has_value()) return OkStatus();
      wrong = "its body was erased, and is still there";
    }
    leaf.erase = *was_erased;
    if (!*was_erased && row.ok() && !present) wrong = "its body is missing, and no event erased it";
  }
  if (!wrong.empty()) leaf.body_damage = AddDamage(index.value, std::move(wrong));
  return OkStatus();
}

Status LogPiece::Check(const Erased& erased) {
  ReadLeaves();
  FindHashes();
  for (uint32_t place = 0; place < leaves_.size() && !hashes_.empty(); ++place) {
    Leaf& leaf = leaves_[place];
    if (leaf.bytes.has_value() && leaf.hash == hashes_[place]) {
      SetRight(leaf);
      RETURN_IF_ERROR(CheckBody(place, erased));
      continue;
    }
    leaf.damage = AddDamage(Index(place), leaf.bytes.has_value()
                                              ? std::string("its bytes are not those that the tree committed to")
                                              : leaf.missing);
  }
  return OkStatus();
}

// --- Mending ---

Status LogPiece::FetchLeaves(RepairSource& source, std::vector<std::optional<std::string>>& fetched) {
  // All of them when it isn't known which are wrong, else each run of wrong ones.
  for (uint32_t place = 0; place < leaves_.size();) {
    uint32_t end = place;
    while (end < leaves_.size() && !leaves_[end].right) ++end;
    if (end == place) {
      ++place;
      continue;
    }
    const auto take = [&](uint64_t index, internal::CopiedEvent event) {
      const uint64_t at = index - first_;
      if (!hashes_.empty() && LeafHash(event.leaf()) != hashes_[at]) {
        SetOutcome(leaves_[at].damage, false,
                   Text(source.name(), " gave another leaf than the one that the tree committed to"));
      } else {
        fetched[at] = std::move(*event.mutable_leaf());
      }
      return OkStatus();
    };
    RETURN_IF_ERROR(ReadAll(source, LeafIndex(Index(place)), TreeSize(Index(end)), take));
    place = end;
  }
  if (!hashes_.empty()) return OkStatus();
  std::vector<Digest> hashes;
  for (const std::optional<std::string>& leaf : fetched) hashes.push_back(LeafHash(*leaf));
  if (RootOfLeafHashes(hashes) != expected_) {
    return absl::DataLossError(Text("the leaves ", first_, " to ", first_ + leaves_.size() - 1, " of ", source.name(),
                                    " are not those that the tree committed to"));
  }
  hashes_ = std::move(hashes);
  return OkStatus();
}

Status LogPiece::MendLeaves(RepairSource* source, bool unreadable_too, const Write& write) {
  std::vector<std::optional<std::string>> fetched(leaves_.size());
  bool any = hashes_.empty();
  for (const Leaf& leaf : leaves_) any = any || !leaf.right;
  if (any) {
    const Status got = source == nullptr ? absl::UnavailableError(kNobody) : FetchLeaves(*source, fetched);
    if (EndsAll(got)) return got;
    for (uint32_t place = 0; place < leaves_.size() && !got.ok(); ++place) {
      if (!fetched[place].has_value()) SetOutcome(leaves_[place].damage, false, MessageOf(got));
    }
    if (hashes_.empty()) {
      SetOutcome(tile_damage_, false, MessageOf(got));
      return OkStatus();
    }
  }
  Rows rows;
  std::vector<uint32_t> written;
  for (uint32_t place = 0; place < leaves_.size(); ++place) {
    Leaf& leaf = leaves_[place];
    if (!fetched[place].has_value()) continue;
    if (leaf.hash == hashes_[place] && leaf.bytes.has_value()) {
      SetRight(leaf);
      continue;
    }
    if (!leaf.damage.has_value())
      leaf.damage = AddDamage(Index(place), "its bytes are not those that the tree committed to");
    if (leaf.unreadable && !unreadable_too) {
      SetOutcome(leaf.damage, false, kUnreadable);
      continue;
    }
    rows.push_back({Family::kLeaves, LeafKey(LeafIndex(Index(place))), *fetched[place]});
    leaf.bytes = std::move(fetched[place]);
    leaf.hash = hashes_[place];
    written.push_back(place);
  }
  const bool tile = tile_damage_.has_value() && (!tile_unreadable_ || unreadable_too);
  if (tile_damage_.has_value() && !tile) SetOutcome(tile_damage_, false, kUnreadable);
  if (tile && StoredHashes(rows_, {0, number_}, static_cast<uint32_t>(leaves_.size())) != hashes_) {
    rows.push_back({Family::kTiles, TileKey({0, number_}), BytesOf(hashes_)});
  }
  if (!rows.empty()) RETURN_IF_ERROR(write(rows));
  if (tile) SetOutcome(tile_damage_, true, "computed again from the leaves");
  for (const uint32_t place : written) {
    SetRight(leaves_[place]);
    SetOutcome(leaves_[place].damage, true, Text("fetched from ", source->name()));
  }
  return OkStatus();
}

Status LogPiece::MendBody(uint32_t place, RepairSource* source, bool unreadable_too, const Write& write) {
  Leaf& leaf = leaves_[place];
  const LeafIndex index(Index(place));
  if (leaf.body_unreadable && !unreadable_too) {
    SetOutcome(leaf.body_damage, false, kUnreadable);
    return OkStatus();
  }
  if (leaf.erase) {
    RETURN_IF_ERROR(write({{Family::kBodies, LeafKey(index), ""}}));
    SetOutcome(leaf.body_damage, true, "removed");
    return OkStatus();
  }
  if (source == nullptr) {
    SetOutcome(leaf.body_damage, false, std::string(kNobody));
    return OkStatus();
  }
  std::string body;
  std::string wrong;
  const Status got =
      ReadAll(*source, index, TreeSize(index.value + 1), [&](uint64_t, const internal::CopiedEvent& event) {
        body = event.body();
        wrong = event.has_body() ? WhyBodyIsWrong(*leaf.header, body) : "it holds none: it may have erased it since";
        return OkStatus();
      });
  if (EndsAll(got)) return got;
  if (!got.ok() || !wrong.empty()) {
    SetOutcome(leaf.body_damage, false, got.ok() ? Text(source->name(), ": ", wrong) : std::string(MessageOf(got)));
    return OkStatus();
  }
  RETURN_IF_ERROR(write({{Family::kBodies, LeafKey(index), std::move(body)}}));
  SetOutcome(leaf.body_damage, true, Text("fetched from ", source->name()));
  return OkStatus();
}

Status LogPiece::Mend(RepairSource* source, const Erased& erased, bool unreadable_too, const Write& write) {
  if (damage_.empty()) return OkStatus();
  std::vector<bool> looked_at;
  for (const Leaf& leaf : leaves_) looked_at.push_back(leaf.right);
  RETURN_IF_ERROR(MendLeaves(source, unreadable_too, write));
  for (uint32_t place = 0; place < leaves_.size(); ++place) {
    if (leaves_[place].right && !looked_at[place]) RETURN_IF_ERROR(CheckBody(place, erased));
    if (leaves_[place].body_damage.has_value()) RETURN_IF_ERROR(MendBody(place, source, unreadable_too, write));
  }
  return OkStatus();
}

}  // namespace anamnesis
