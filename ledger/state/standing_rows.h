#ifndef ANAMNESIS_LEDGER_STATE_STANDING_ROWS_H_
#define ANAMNESIS_LEDGER_STATE_STANDING_ROWS_H_

// What the standing check (gate/standing_check.h) has to find again: the units that adapted artifacts run on, what the
// ledger recorded of them itself, and how far it came with what it could not look at at once. All of it follows from
// the events in the log, the ledger's own among them, so a rebuild has it too.
//
// Rows of kEntities; rows that hold no longer are empty:
//   "SW" -> StandingWork, there once any unit ran an adapted artifact
//   "SU" || unit -> StandingUnit
//   "SH" || unit -> "1" while it is under a standing hold; "SM" the same for one for want of an artifact's bytes
//   "SA" || 'i' item, 'd' device model, 'l' (lineage) or 'u' (unknown) -> "1": some unit's row says this; 'c' -> "1":
//   what was recorded of an artifact was replaced, so units' rows may not say it all
//   "SR" || certification -> StandingCertification
//   "SC" || substrate digest || certification -> be64 leaf: it was issued for an artifact on this substrate

#include <optional>
#include <string>
#include <string_view>

#include "anamnesis/internal/standing.pb.h"
#include "ledger/base/status.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"

namespace anamnesis {

inline constexpr std::string_view kStandingUnitRows = "SU";
inline constexpr std::string_view kStandingHeldRows = "SH";
inline constexpr std::string_view kStandingWithoutBytesRows = "SM";
inline constexpr std::string_view kStandingAnyRows = "SA";
inline constexpr std::string_view kCertifiedOnRows = "SC";

// nullopt: no unit ever ran an adapted artifact.
StatusOr<std::optional<internal::StandingWork>> StandingWorkOf(const RowFinder& rows);
StatusOr<bool> AnyStandingUnit(const RowFinder& rows);
// nullopt: none ever ran on it.
StatusOr<std::optional<internal::StandingUnit>> StandingUnitOf(const RowFinder& rows, std::string_view unit);
StatusOr<internal::StandingCertification> StandingCertificationOf(const RowFinder& rows,
                                                                  std::string_view certification);

// Whether the event puts an adapted artifact on a unit: one of kind artifact, with its version.
bool ActivatesArtifact(const v1::EventHeader& header, const EventType& type);

Status FoldStandingRows(const RecordedEvent& event, RowOverlay& rows);
bool StandingRowsReadBody(const EventType& type);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_STANDING_ROWS_H_
