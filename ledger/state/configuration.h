#ifndef ANAMNESIS_LEDGER_STATE_CONFIGURATION_H_
#define ANAMNESIS_LEDGER_STATE_CONFIGURATION_H_

// What events do to the configuration of a device unit, and the timelines that remember it (domain.md C.2, C.6).
//
// A unit has surfaces ("baseline" and the adaptation surfaces), each with a timeline of what was set and cleared there,
// one timeline for the unit as a whole (commissioned, wiped, decommissioned), and one for its own measurements.

#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/state/recorded_event.h"
#include "ledger/state/rows.h"
#include "ledger/state/timeline.h"

namespace anamnesis {

// Surfaces are symbols, so these two, which are not, can't collide with one.
inline constexpr std::string_view kWholeUnit = "";
inline constexpr std::string_view kMeasurements = "#measured";
// The surface of the approved baseline that a unit was commissioned or restored with.
inline constexpr std::string_view kBaselineSurface = "baseline";
// The surface of the SOUP and runtime that the unit's software runs on.
inline constexpr std::string_view kSubstrateSurface = "substrate";

// One thing that an event does to one timeline.
struct ConfigurationEffect {
  std::string unit;
  std::string surface;
  Effect effect;
  friend bool operator==(const ConfigurationEffect&, const ConfigurationEffect&) = default;
};

// What the event does by itself, corrections left aside. At most one effect for each timeline.
std::vector<ConfigurationEffect> EffectsOf(const RecordedEvent& event);

// The item that a kSet event puts on a surface: its reference with role "artifact", or "restored" where
// there is one, or "baseline" for that surface.
const v1::EntityRef* ItemSetBy(const v1::EventHeader& header, std::string_view surface);

// Applies the event to the timelines: its own effects, and what it changes as a correction, which it records too (the
// effect of what is corrected must be known from before and after).
Status FoldConfiguration(const RecordedEvent& event, RowOverlay& rows);

// The adaptation surfaces of a unit that any event below `size` named, in byte order.
StatusOr<std::vector<std::string>> SurfacesOf(const RowReader& rows, std::string_view unit, TreeSize size);

// Whether any event below `size` has an effect on the unit.
StatusOr<bool> UnitKnown(const RowReader& rows, std::string_view unit, TreeSize size);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_STATE_CONFIGURATION_H_
