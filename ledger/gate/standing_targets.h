#ifndef ANAMNESIS_LEDGER_GATE_STANDING_TARGETS_H_
#define ANAMNESIS_LEDGER_GATE_STANDING_TARGETS_H_

// Which units an event can touch: those for which the gate may decide otherwise than before about what runs on them.
// Never too few; where naming them exactly would cost more than looking at them, too many. Private to the room.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ledger/query/facts.h"

namespace anamnesis::gate {

struct StandingTargets {
  // These.
  std::set<std::string> units;
  // Those that ever ran one of these, with version.
  std::set<std::pair<std::string, std::string>> artifacts;
  // Those whose rows (state/standing_rows.h) name one of these.
  std::set<std::string> items;
  std::set<std::string> device_models;
  std::set<std::string> producers;
  bool lineage = false;
  // Those whose rows don't say it all, since one of the above was named. Set by Settle.
  bool unknown = false;
  // All; those under a standing hold; those under one for want of bytes.
  bool all = false;
  bool held = false;
  bool without_bytes = false;

  // Whether there is anything but `units`.
  bool beyond_units() const {
    return !artifacts.empty() || !items.empty() || !device_models.empty() || !producers.empty() || lineage || all ||
           held || without_bytes;
  }
  // Takes in all but the units of another.
  void Merge(StandingTargets other);
};

// Adds what the event can touch, by all that is recorded. Reads what the event names, not who runs it.
Status AddTargets(Facts& facts, const Fact& cause, StandingTargets& targets);
// The same of what it can touch when a time comes that it named: what it defines may end then.
Status AddTargetsByTime(Facts& facts, const Fact& cause, StandingTargets& targets);

// Turns the items into those that adapted artifacts on some unit are made for, and leaves out what no unit's row names.
Status Settle(Facts& facts, StandingTargets& targets);

struct FoundUnits {
  // Ascending, without those of targets.units.
  std::set<std::string> units;
  // Where to go on; nullopt: there are no more.
  std::optional<std::string> after;
};
// The units beside targets.units, from after `after`, at most about `units_max`, looking at no more than a bounded
// number of rows.
StatusOr<FoundUnits> FindUnits(Facts& facts, const StandingTargets& targets, const std::string& after,
                               size_t units_max);

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_STANDING_TARGETS_H_
