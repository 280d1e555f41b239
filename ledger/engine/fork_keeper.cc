#include "ledger/engine/fork_keeper.h"

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
#include "ledger/state/event_list.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/stream.h"

namespace anamnesis {
namespace {

// Events of a stream that are passed over to find one: a fork further back than this is refused and not looked into.
constexpr uint64_t kStreamEventsBackMax = 100'000;

StatusOr<std::string> LeafBytes(const RowReader& rows, LeafIndex index) {
  ASSIGN_OR_RETURN(std::optional<std::string> leaf, rows.Get(Family::kLeaves, LeafKey(index)));
  if (!leaf.has_value()) return absl::DataLossError(Text("leaf ", index.value, " is missing"));
  return *std::move(leaf);
}

// The leaf of a stream's event; nullopt when it is too far back.
StatusOr<std::optional<LeafIndex>> LeafOf(const RowReader& rows, std::string_view stream, uint64_t position,
                                          uint64_t head_position) {
  const uint64_t back = head_position - position;
  std::optional<LeafIndex> found;
  if (back > kStreamEventsBackMax) return found;
  uint64_t passed = 0;
  RETURN_IF_ERROR(VisitList(rows, Family::kStreamEvents, stream, LeafIndex(UINT64_MAX), true, TreeSize(UINT64_MAX),
                            [&](LeafIndex index) {
                              if (passed++ < back) return true;
                              found = index;
                              return false;
                            }));
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
  for (size_t i = 0; i < run.events.size(); ++i) {
    const uint64_t position = run.events[i].header.position().value;
    if (position > head.position()) break;
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, LeafOf(rows, run.stream(), position, head.position()));
    if (!index.has_value()) break;
    ASSIGN_OR_RETURN(const LoadedEvent recorded, LoadEvent(rows, *index));
    if (recorded.header.digest == run.events[i].header.digest) continue;
    ASSIGN_OR_RETURN(std::optional<SealedHeader> sealed, RecordedAt(rows, *index, position));
    if (!sealed.has_value()) break;
    ASSIGN_OR_RETURN(SealedHeader refused, InRun(run, i));
    StatusOr<Evidence> evidence = MakeForkedStream(*std::move(sealed), std::move(refused));
    // Another key of the same writer sealed the other one: each key did what it may.
    if (!evidence.ok()) return nothing;
    return std::optional<Evidence>(*std::move(evidence));
  }
  return nothing;
}

void ForkKeeper::Refused(const AdmittedRun& run, const Status& why) {
  const std::optional<v1::RefusalDetail> detail = RefusalDetailOf(why);
  if (!detail.has_value()) return;
  if (detail->reason() != v1::CHAIN_BROKEN && detail->reason() != v1::EVENT_ID_TAKEN) return;
  const std::string& stream = run.stream();
  const std::lock_guard lock(mutex_);
  if (kept_.contains(stream) || kept_.size() >= kForkedStreamsMax) return;
  const std::string path = Text(dir_, "/", HexEncode(Sha256(stream).view().substr(0, 8)), ".evidence");
  const Status kept = Keep(run, path);
  if (!kept.ok()) log_(Text("stream ", stream, " may be forked; what proves it can't be kept: ", MessageOf(kept)));
}

Status ForkKeeper::Keep(const AdmittedRun& run, const std::string& path) {
  ASSIGN_OR_RETURN(const std::optional<Evidence> evidence, FindStreamFork(*store_.View(), run));
  if (!evidence.has_value()) return OkStatus();
  std::error_code failed;
  std::filesystem::create_directories(dir_, failed);
  if (failed) return absl::InternalError(Text(dir_, ": can't be made: ", failed.message()));
  if (!std::filesystem::exists(path, failed)) {
    RETURN_IF_ERROR(WriteSmallFile(path, FormatEvidence(*evidence)));
    log_(Text("FORKED STREAM ", run.stream(), ": its writer sealed two events for one place; what proves it is in ",
              path));
  }
  kept_.insert(run.stream());
  return OkStatus();
}

}  // namespace anamnesis
