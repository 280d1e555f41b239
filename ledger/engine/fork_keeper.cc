#include "ledger/engine/fork_keeper.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "ledger/base/bytes.h"
#include "ledger/base/limits.h"
#include "ledger/crypto/sha256.h"
#include "ledger/engine/files.h"
#include "ledger/event/refusal.h"
#include "ledger/event/seal.h"
#include "ledger/evidence/make.h"
#include "ledger/objects/file_io.h"
#include "ledger/state/event_list.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/stream.h"

namespace anamnesis {
namespace {

// Events of a stream that are passed over to find one: a fork further back than this is refused and not looked into.
constexpr uint64_t kStreamEventsBackMax = 100'000;
// How long further runs of a stream are passed over after one that proved nothing: writers who contend for a stream are
// refused all the time.
constexpr std::chrono::seconds kNothingProvenFor(1);
constexpr size_t kNothingProvenMax = 1024;
constexpr std::string_view kEnding = ".evidence";

StatusOr<std::string> LeafBytes(const RowReader& rows, LeafIndex index) {
  ASSIGN_OR_RETURN(std::optional<std::string> leaf, rows.Get(Family::kLeaves, LeafKey(index)));
  if (!leaf.has_value()) return absl::DataLossError(Text("leaf ", index.value, " is missing"));
  return *std::move(leaf);
}

// The leaves of a stream's events from `first` to `last`, which is not beyond its head; empty when they are too far
// back.
StatusOr<std::vector<LeafIndex>> LeavesOf(const RowReader& rows, std::string_view stream, uint64_t first, uint64_t last,
                                          uint64_t head_position) {
  std::vector<LeafIndex> found;
  if (head_position - first > kStreamEventsBackMax) return found;
  uint64_t position = head_position;
  RETURN_IF_ERROR(VisitList(rows, Family::kStreamEvents, stream, LeafIndex(UINT64_MAX), true, TreeSize(UINT64_MAX),
                            [&](LeafIndex index) {
                              if (position <= last) found.push_back(index);
                              return position-- > first;
                            }));
  std::reverse(found.begin(), found.end());
  return found;
}

// A recorded event with its run's seal, which is in the run's last leaf. nullopt for events without one.
StatusOr<std::optional<SealedHeader>> RecordedAt(const RowReader& rows, LeafIndex index, uint64_t position) {
  std::string last;
  std::optional<SealView> seal;
  for (uint64_t i = 0; i < limits::kRunEventsMax && !seal.has_value(); ++i) {
    ASSIGN_OR_RETURN(last, LeafBytes(rows, LeafIndex(index.value + i)));
    ASSIGN_OR_RETURN(const LeafView view, ParseLeaf(last));
    seal = view.seal;
  }
  if (!seal.has_value()) return std::optional<SealedHeader>();
  ASSIGN_OR_RETURN(const ParsedSeal parsed, ParseSealStatement(seal->statement));
  const uint64_t place = position - parsed.statement.first_position();
  if (place >= parsed.statement.count() || place > index.value) {
    return absl::DataLossError(Text("leaf ", index.value, " is under the seal of another run"));
  }
  std::vector<std::string> leaves;
  std::vector<std::string_view> headers;
  for (uint64_t i = 0; i < parsed.statement.count(); ++i) {
    ASSIGN_OR_RETURN(std::string leaf, LeafBytes(rows, LeafIndex(index.value - place + i)));
    leaves.push_back(std::move(leaf));
  }
  for (const std::string& leaf : leaves) {
    ASSIGN_OR_RETURN(const LeafView view, ParseLeaf(leaf));
    headers.push_back(view.header);
  }
  ASSIGN_OR_RETURN(SealedHeader sealed, SealedHeaderInRun(headers, place, *seal));
  return std::optional<SealedHeader>(std::move(sealed));
}

StatusOr<SealedHeader> InRun(const AdmittedRun& run, size_t place) {
  const std::vector<std::string_view> headers(run.run.headers().begin(), run.run.headers().end());
  return SealedHeaderInRun(headers, place, {run.run.seal().statement(), run.run.seal().signature()});
}

}  // namespace

StatusOr<std::optional<Evidence>> FindStreamFork(const RowReader& rows, const AdmittedRun& run) {
  std::optional<Evidence> nothing;
  ASSIGN_OR_RETURN(const internal::StreamHead head, FindStreamHead(rows, run.stream()));
  const uint64_t first = run.events.front().header.position().value;
  if (first > head.position()) return nothing;
  const uint64_t last = std::min(first + run.events.size() - 1, head.position());
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> leaves, LeavesOf(rows, run.stream(), first, last, head.position()));
  for (size_t i = 0; i < leaves.size(); ++i) {
    ASSIGN_OR_RETURN(const LoadedEvent recorded, LoadEvent(rows, leaves[i]));
    if (recorded.header.digest == run.events[i].header.digest) continue;
    ASSIGN_OR_RETURN(std::optional<SealedHeader> sealed, RecordedAt(rows, leaves[i], first + i));
    if (!sealed.has_value()) break;
    ASSIGN_OR_RETURN(SealedHeader refused, InRun(run, i));
    StatusOr<Evidence> evidence = MakeForkedStream(*std::move(sealed), std::move(refused));
    // Another key of the same writer sealed the other one: each key did what it may.
    if (!evidence.ok()) return nothing;
    return std::optional<Evidence>(*std::move(evidence));
  }
  return nothing;
}

ForkKeeper::ForkKeeper(const Store& store, std::string dir, std::function<void(std::string_view)> log)
    : store_(store), dir_(std::move(dir)), log_(std::move(log)), thread_([this] { Work(); }) {}

ForkKeeper::~ForkKeeper() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ForkKeeper::Refused(const std::shared_ptr<const AdmittedRun>& run, const Status& why) {
  const std::optional<v1::RefusalDetail> detail = RefusalDetailOf(why);
  if (!detail.has_value()) return;
  if (detail->reason() != v1::CHAIN_BROKEN && detail->reason() != v1::EVENT_ID_TAKEN) return;
  const std::lock_guard lock(mutex_);
  if (waiting_.size() == kRefusedRunsMax || kept_.contains(run->stream())) return;
  const auto looked = nothing_proven_.find(run->stream());
  if (looked != nothing_proven_.end() && std::chrono::steady_clock::now() < looked->second + kNothingProvenFor) return;
  waiting_.push_back(run);
  changed_.notify_all();
}

void ForkKeeper::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::shared_ptr<const AdmittedRun> run = std::move(waiting_.front());
    waiting_.pop_front();
    const std::string& stream = run->stream();
    if (kept_.contains(stream)) continue;
    lock.unlock();
    const StatusOr<bool> kept = Keep(*run);
    if (!kept.ok()) {
      log_(Text("stream ", stream, " may be forked; what proves it can't be kept: ", MessageOf(kept.status())));
    }
    lock.lock();
    if (kept.ok() && *kept) {
      kept_.insert(stream);
      continue;
    }
    if (nothing_proven_.size() >= kNothingProvenMax) nothing_proven_.clear();
    nothing_proven_[stream] = std::chrono::steady_clock::now();
  }
}

StatusOr<bool> ForkKeeper::Keep(const AdmittedRun& run) {
  const std::string path = Text(dir_, "/", HexEncode(Sha256(run.stream()).view().substr(0, 8)), kEnding);
  std::error_code failed;
  if (std::filesystem::exists(path, failed)) return true;
  // Those of earlier processes count too.
  size_t there = 0;
  for (std::filesystem::directory_iterator entry(dir_, failed), end; !failed && entry != end; entry.increment(failed)) {
    there += entry->path().extension() == kEnding ? 1 : 0;
  }
  if (there >= kForkedStreamsMax) return false;
  ASSIGN_OR_RETURN(const std::optional<Evidence> evidence, FindStreamFork(*store_.View(), run));
  if (!evidence.has_value()) return false;
  RETURN_IF_ERROR(MakeDirectory(dir_));
  RETURN_IF_ERROR(WriteSmallFile(path, FormatEvidence(*evidence)));
  log_(Text("FORKED STREAM ", run.stream(), ": its writer sealed two events for one place; what proves it is in ",
            path));
  return true;
}

}  // namespace anamnesis
