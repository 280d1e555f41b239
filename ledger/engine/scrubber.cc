#include "ledger/engine/scrubber.h"

#include <sys/resource.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include "ledger/commit/apply.h"
#include "ledger/commit/stored_tiles.h"
#include "ledger/engine/clock.h"
#include "ledger/engine/files.h"
#include "ledger/state/erasures.h"
#include "ledger/state/projection_damage.h"
#include "ledger/store/store.h"

namespace anamnesis {
namespace {

using std::chrono::steady_clock;

constexpr int kNice = 5;
// After a piece it rests so many times as long as reading it took, up to a bound.
constexpr int kRestTimes = 3;
constexpr std::chrono::milliseconds kRestMax(250);
constexpr std::chrono::seconds kKeepEvery(30);
constexpr size_t kDamagedMax = 100;
// So many damaged pieces are known again after a restart; others are found when the round comes to them.
constexpr size_t kKeptPiecesMax = 1000;
// What is damaged and belongs to no piece: tiles above them, or the tree as a whole.
constexpr uint64_t kNoPiece = UINT64_MAX;
constexpr std::string_view kHeading = "anamnesis-scrub-1";

Damage TreeDamage(const Status& status) {
  Damage damage;
  damage.what = std::string(MessageOf(status));
  damage.outcome = IsProjectionDamage(status) ? "NOT mended: they are rebuilt when the node is started again"
                                              : "stop the node and run `anamnesis fsck DIR --repair --from ADDRESS`";
  return damage;
}

}  // namespace

std::unique_ptr<Scrubber> Scrubber::Start(Ledger& ledger, ScrubberOptions options) {
  return std::unique_ptr<Scrubber>(new Scrubber(ledger, std::move(options)));
}

Scrubber::Scrubber(Ledger& ledger, ScrubberOptions options) : ledger_(ledger), options_(std::move(options)) {
  Load();
  thread_ = std::thread([this] { Run(); });
}

Scrubber::~Scrubber() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  Keep();
}

ScrubTally Scrubber::tally() const {
  const std::lock_guard lock(mutex_);
  ScrubTally tally = tally_;
  for (const auto& [piece, lines] : staying_) {
    for (const std::string& line : lines) {
      if (tally.damaged.size() < kDamagedMax) tally.damaged.push_back(line);
    }
  }
  return tally;
}

std::string Scrubber::Alarm() const {
  const ScrubTally now = tally();
  if (now.damaged.empty()) return "";
  return Text("damaged on this node's disk: ", now.damaged.front(),
              now.damaged.size() > 1 ? Text("; and ", now.damaged.size() - 1, " more") : "");
}

// --- Its place ---

void Scrubber::Load() {
  const StatusOr<std::string> kept = ReadSmallFile(options_.file);
  if (!kept.ok()) return;
  std::istringstream in(*kept);
  std::string heading;
  int64_t last_round = 0;
  ScrubTally tally;
  in >> heading >> tally.next_leaf >> tally.rounds >> last_round >> tally.found >> tally.mended;
  // One that isn't whole only means that a round begins anew.
  if (!in || heading != kHeading) return;
  if (tally.rounds > 0) tally.last_round = Timestamp(last_round);
  tally_ = tally;
  // Files from before have none of these.
  const uint64_t pieces = (ledger_.tree_size() + kTileWidth - 1) / kTileWidth;
  for (uint64_t number = 0; kept_pieces_.size() < kKeptPiecesMax && in >> number;) {
    if (number >= pieces) continue;
    kept_pieces_.insert(number);
    staying_[number] = {Text("leaves from ", number * kTileWidth, " on: NOT mended: damaged when the node ended")};
  }
}

std::string Scrubber::DamagedPieces() const {
  const std::lock_guard lock(mutex_);
  std::string lines;
  size_t count = 0;
  for (const auto& [number, damage] : staying_) {
    if (number == kNoPiece || ++count > kKeptPiecesMax) break;
    lines += Text(number, "\n");
  }
  return lines;
}

void Scrubber::Keep() {
  const ScrubTally now = tally();
  const Status kept = WriteSmallFile(options_.file, Text(kHeading, "\n", now.next_leaf, "\n", now.rounds, "\n",
                                                         now.last_round.value_or(Timestamp(0)).us, "\n", now.found,
                                                         "\n", now.mended, "\n", DamagedPieces()));
  if (!kept.ok()) options_.log(Text("the scrubber's place can't be kept: ", MessageOf(kept)));
  kept_at_ = steady_clock::now();
}

// --- Rounds ---

bool Scrubber::Sleep(steady_clock::duration time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, time, [this] { return stopping_; });
}

Status Scrubber::Rest(uint64_t bytes) {
  const auto worked = steady_clock::now() - worked_since_;
  const auto at_this_rate = std::chrono::duration_cast<steady_clock::duration>(
      std::chrono::duration<double>(static_cast<double>(bytes) / static_cast<double>(options_.bytes_per_second)));
  const auto rest = std::max<steady_clock::duration>(at_this_rate - worked,
                                                     std::min<steady_clock::duration>(kRestTimes * worked, kRestMax));
  {
    const std::lock_guard lock(mutex_);
    tally_.bytes_read += bytes;
  }
  if (!Sleep(rest)) return absl::CancelledError("the scrubber stops");
  worked_since_ = steady_clock::now();
  return OkStatus();
}

void Scrubber::Run() {
  (void)::setpriority(PRIO_PROCESS, 0, kNice);
  worked_since_ = kept_at_ = look_again_at_ = steady_clock::now();
  while (true) {
    const auto begun = steady_clock::now();
    const Status round = Round();
    if (absl::IsCancelled(round)) return;
    if (!round.ok()) Note(kNoPiece, {TreeDamage(round)});
    // A short ledger isn't read all the time.
    const auto left = begun + options_.round_min - steady_clock::now();
    if (!Sleep(std::max<steady_clock::duration>(left, std::chrono::milliseconds(1)))) return;
    worked_since_ = steady_clock::now();
  }
}

Status Scrubber::ReadTree(TreeSize size, const Digest& root) {
  const auto pace = [this](uint64_t bytes) { return Rest(bytes); };
  StatusOr<TrustedTree> tree = TrustedTree::Find(*ledger_.View(), size, root, nullptr, pace);
  if (absl::IsDataLoss(tree.status())) {
    const std::unique_ptr<RepairSource> source = FindSource();
    if (source != nullptr) tree = TrustedTree::Find(*ledger_.View(), size, root, source.get(), pace);
  }
  RETURN_IF_ERROR(tree.status());
  tree_ = *std::move(tree);
  return OkStatus();
}

Status Scrubber::Round() {
  const v1::LedgerStatus status = ledger_.GetStatus();
  const TreeSize size(status.tree_size());
  if (size.value == 0) return OkStatus();
  ASSIGN_OR_RETURN(const Digest root, Digest::FromBytes(status.root()));
  RETURN_IF_ERROR(ReadTree(size, root));
  RETURN_IF_ERROR(LookAgain());
  RETURN_IF_ERROR(ScrubTiles());
  uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    tally_.size = size.value;
    number = tally_.next_leaf / kTileWidth;
  }
  for (; number < tree_->pieces(); ++number) {
    RETURN_IF_ERROR(ScrubPiece(number));
    {
      const std::lock_guard lock(mutex_);
      tally_.next_leaf = tree_->First(number).value + tree_->Width(number);
    }
    if (steady_clock::now() - kept_at_ > kKeepEvery) Keep();
    RETURN_IF_ERROR(LookAgain());
  }
  {
    const std::lock_guard lock(mutex_);
    tally_.next_leaf = 0;
    ++tally_.rounds;
    tally_.last_round = options_.clock->Now();
  }
  Keep();
  return OkStatus();
}

// What stays damaged needn't wait for a whole round: a peer may be there again.
Status Scrubber::LookAgain() {
  if (steady_clock::now() < look_again_at_) return OkStatus();
  look_again_at_ = steady_clock::now() + options_.round_min;
  std::vector<uint64_t> numbers;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [number, lines] : staying_) {
      if (number < tree_->pieces()) numbers.push_back(number);
    }
  }
  for (const uint64_t number : numbers) RETURN_IF_ERROR(ScrubPiece(number));
  return OkStatus();
}

// --- Looking and mending ---

std::unique_ptr<RepairSource> Scrubber::FindSource() {
  if (!options_.find_source) return nullptr;
  StatusOr<std::unique_ptr<RepairSource>> source = options_.find_source();
  if (source.ok()) return *std::move(source);
  options_.log(Text("the scrubber has no peer to fetch from: ", MessageOf(source.status())));
  return nullptr;
}

Status Scrubber::WriteMended(const Rows& rows) {
  const Status written = ledger_.Mend(rows);
  // The ledger says by itself when it can't be written; here the round ends, and it is tried again.
  return written.ok() ? written : absl::UnavailableError(Text("not mended: ", MessageOf(written)));
}

Status Scrubber::ScrubTiles() {
  const std::unique_ptr<RowReader> rows = ledger_.View();
  const StoredTiles tiles(*rows);
  std::vector<Damage> found;
  const Status visited = tree_->VisitTiles([&](TileUpdate tile) -> Status {
    const StatusOr<std::string> stored = tiles.Tile(tile.id);
    // The stored one may have grown.
    if (stored.ok() && std::string_view(*stored).starts_with(tile.bytes)) return Rest(stored->size());
    Damage damage;
    damage.what = Text("tile ", tile.id.level, "/", tile.id.index, ": is not what the tiles below it hash to");
    if (stored.ok() || absl::IsNotFound(stored.status())) {
      RETURN_IF_ERROR(WriteMended({{Family::kTiles, TileKey(tile.id), std::move(tile.bytes)}}));
      damage.mended = true;
      damage.outcome = "computed again from the leaves";
    } else {
      damage = TreeDamage(stored.status());
    }
    found.push_back(std::move(damage));
    return OkStatus();
  });
  Note(kNoPiece, found);
  return visited;
}

Status Scrubber::ScrubPiece(uint64_t number) {
  const std::unique_ptr<RowReader> rows = ledger_.View();
  const auto erased = [&](LeafIndex index) -> StatusOr<std::optional<bool>> {
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> by, FindErasure(*rows, index));
    return std::optional<bool>(by.has_value());
  };
  LogPiece piece(*rows, *tree_, number);
  RETURN_IF_ERROR(piece.Check(erased));
  if (!piece.damage().empty()) {
    const std::unique_ptr<RepairSource> source = FindSource();
    RETURN_IF_ERROR(
        piece.Mend(source.get(), erased, false, [this](const Rows& mended) { return WriteMended(mended); }));
  }
  Note(number, piece.damage());
  return Rest(piece.bytes_read());
}

void Scrubber::Note(uint64_t number, const std::vector<Damage>& damage) {
  std::vector<std::string> to_say;
  {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> staying;
    const std::vector<std::string>& before = staying_[number];
    // The process before has counted what it knew.
    const bool counted = kept_pieces_.erase(number) > 0;
    for (const Damage& one : damage) {
      const std::string& what = one.what;
      const bool known = std::any_of(before.begin(), before.end(),
                                     [&](const std::string& line) { return line.starts_with(Text(what, ": ")); });
      if (!known && !counted) ++tally_.found;
      if (one.mended) ++tally_.mended;
      if (one.mended || !known) to_say.push_back(one.Line());
      if (!one.mended) staying.push_back(one.Line());
    }
    staying_[number] = std::move(staying);
    if (staying_[number].empty()) staying_.erase(number);
  }
  for (const std::string& line : to_say) options_.log(Text("scrubber: ", line));
  if (!to_say.empty()) Keep();
}

}  // namespace anamnesis
