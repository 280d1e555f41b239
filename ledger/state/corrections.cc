#include "ledger/state/corrections.h"

#include "anamnesis/internal/state.pb.h"
#include "anamnesis/v1/vocabulary_record.pb.h"
#include "ledger/base/limits.h"
#include "ledger/state/projection_damage.h"

namespace anamnesis {
namespace {

using v1::RecordCorrected;

const RecordCorrected* AsCorrection(const RecordedEvent& event) { return BodyAs<RecordCorrected>(event.body); }

// The correction that decides what `event` counts for: the last in the log that changes state and is not itself
// retracted; nullopt: none. A correction that was replaced or moved still counts as one: only its own effect changes.
StatusOr<std::optional<LoadedEvent>> DeciderOf(const RowFinder& rows, const RecordedEvent& event, TreeSize size,
                                               size_t depth) {
  if (depth > limits::kCorrectionDepthMax) return absl::InternalError("corrections of corrections nest too deep");
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> correctors, CorrectorsOf(rows, event.index));
  for (auto it = correctors.rbegin(); it != correctors.rend(); ++it) {
    if (it->value >= size.value) continue;
    ASSIGN_OR_RETURN(LoadedEvent corrector, LoadEvent(rows, *it));
    if (const RecordCorrected* correction = AsCorrection(corrector.view())) {
      if (correction->kind() == RecordCorrected::ANNOTATED) continue;
      if (correction->kind() == RecordCorrected::OCCURRED_AT && AsCorrection(event) != nullptr) continue;
    }
    ASSIGN_OR_RETURN(const std::optional<LoadedEvent> over, DeciderOf(rows, corrector.view(), size, depth + 1));
    if (over.has_value()) {
      const RecordCorrected* correction = AsCorrection(over->view());
      if (correction != nullptr && correction->kind() == RecordCorrected::RETRACTED) continue;
    }
    return std::optional<LoadedEvent>(std::move(corrector));
  }
  return std::optional<LoadedEvent>();
}

}  // namespace

StatusOr<std::vector<LeafIndex>> CorrectorsOf(const RowFinder& rows, LeafIndex index) {
  std::vector<LeafIndex> indexes;
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kCorrections, LeafKey(index)));
  if (!value.has_value()) return indexes;
  internal::Correctors correctors;
  if (!correctors.ParseFromString(*value)) {
    return ProjectionDamage("a corrections row is damaged");
  }
  for (uint64_t corrector : correctors.indexes()) indexes.emplace_back(corrector);
  return indexes;
}

StatusOr<Standing> StandingOf(const RowFinder& rows, const RecordedEvent& event, TreeSize size) {
  Standing standing;
  standing.earliest = event.header->occurred_earliest();
  standing.latest = event.header->occurred_latest();
  standing.evidence = event.index;
  ASSIGN_OR_RETURN(const std::optional<LoadedEvent> decider, DeciderOf(rows, event, size, 0));
  if (!decider.has_value()) return standing;
  standing.evidence = decider->index;
  const RecordCorrected* correction = AsCorrection(decider->view());
  if (correction != nullptr && correction->kind() == RecordCorrected::OCCURRED_AT) {
    standing.moved = true;
    standing.earliest = Timestamp(correction->occurred_earliest_us());
    standing.latest = Timestamp(correction->occurred_latest_us());
  } else {
    standing.void_effect = true;
  }
  return standing;
}

StatusOr<bool> StillCounts(const RowFinder& rows, LeafIndex index, TreeSize size) {
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> correctors, CorrectorsOf(rows, index));
  if (correctors.empty()) return true;
  ASSIGN_OR_RETURN(const LoadedEvent event, LoadEvent(rows, index));
  ASSIGN_OR_RETURN(const Standing standing, StandingOf(rows, event.view(), size));
  return !standing.void_effect;
}

StatusOr<std::vector<LoadedEvent>> CorrectedChain(const RowFinder& rows, const RecordedEvent& event) {
  std::vector<LoadedEvent> chain;
  std::string corrects = event.header->fields.corrects();
  while (!corrects.empty()) {
    if (chain.size() >= limits::kCorrectionDepthMax) {
      return absl::InternalError("corrections of corrections nest too deep");
    }
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, FindEvent(rows, corrects));
    if (!index.has_value()) return absl::InternalError("a correction names an event that is not in the ledger");
    ASSIGN_OR_RETURN(LoadedEvent corrected, LoadEvent(rows, *index));
    corrects = corrected.header.fields.corrects();
    chain.push_back(std::move(corrected));
  }
  return chain;
}

Status FoldCorrection(const RecordedEvent& event, RowOverlay& rows) {
  const std::string& corrects = event.header->fields.corrects();
  if (corrects.empty()) return OkStatus();
  ASSIGN_OR_RETURN(const std::optional<LeafIndex> corrected, FindEvent(rows, corrects));
  if (!corrected.has_value()) return absl::InternalError("a correction names an event that is not in the ledger");
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> before, CorrectorsOf(rows, *corrected));
  internal::Correctors correctors;
  for (LeafIndex index : before) correctors.add_indexes(index.value);
  correctors.add_indexes(event.index.value);
  rows.Put(Family::kCorrections, LeafKey(*corrected), correctors.SerializeAsString());
  return OkStatus();
}

}  // namespace anamnesis
