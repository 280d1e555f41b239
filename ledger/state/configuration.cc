#include "ledger/state/configuration.h"

#include <algorithm>

#include "anamnesis/v1/vocabulary_adaptation.pb.h"
#include "anamnesis/v1/vocabulary_device.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/state/corrections.h"

namespace anamnesis {
namespace {

// An entry of one timeline of one unit.
struct Placed {
  std::string unit;
  std::string surface;
  TimelineEntry entry;
  friend bool operator==(const Placed&, const Placed&) = default;
};

std::string SurfaceKey(std::string_view unit, std::string_view surface) { return Text("s", unit, '\0', surface); }

// What the event contributes to timelines, corrections in the log considered.
StatusOr<std::vector<Placed>> Contribution(const RowFinder& rows, const RecordedEvent& event) {
  std::vector<Placed> placed;
  std::vector<ConfigurationEffect> effects = EffectsOf(event);
  if (effects.empty()) return placed;
  ASSIGN_OR_RETURN(const Standing standing, StandingOf(rows, event));
  if (standing.void_effect) return placed;
  TimelineEntry entry{standing.earliest, event.index, standing.latest, Effect::kSet, standing.evidence};
  for (ConfigurationEffect& effect : effects) {
    entry.effect = effect.effect;
    placed.push_back({std::move(effect.unit), std::move(effect.surface), entry});
  }
  return placed;
}

// Moves a timeline from what an event contributed before to what it contributes now.
Status Replace(const std::vector<Placed>& before, const std::vector<Placed>& after, LeafIndex version,
               RowOverlay& rows) {
  const auto in = [](const std::vector<Placed>& list, const Placed& placed) {
    return std::find(list.begin(), list.end(), placed) != list.end();
  };
  for (const Placed& placed : before) {
    if (in(after, placed)) continue;
    RETURN_IF_ERROR(TimelineWriter(rows, TimelineId(placed.unit, placed.surface), version).Erase(placed.entry));
  }
  for (const Placed& placed : after) {
    if (in(before, placed)) continue;
    const std::string key = SurfaceKey(placed.unit, placed.surface);
    ASSIGN_OR_RETURN(const std::optional<std::string> known, rows.Get(Family::kTimelines, key));
    if (!known.has_value()) rows.Put(Family::kTimelines, key, LeafKey(version));
    RETURN_IF_ERROR(TimelineWriter(rows, TimelineId(placed.unit, placed.surface), version).Insert(placed.entry));
  }
  return OkStatus();
}

// The surfaces of a unit first named below `size`, the two special ones included, to `visit`.
Status VisitSurfaces(const RowReader& rows, std::string_view unit, TreeSize size,
                     const std::function<void(std::string_view)>& visit) {
  const std::string prefix = SurfaceKey(unit, "");
  return rows.Scan(Family::kTimelines, prefix, prefix, [&](std::string_view key, std::string_view value) {
    ByteReader reader(value);
    const StatusOr<uint64_t> first = reader.BigEndian64();
    if (first.ok() && *first < size.value) visit(key.substr(prefix.size()));
    return true;
  });
}

}  // namespace

std::vector<ConfigurationEffect> EffectsOf(const RecordedEvent& event) {
  std::vector<ConfigurationEffect> effects;
  const v1::EventHeader& header = event.header->fields;
  const v1::EntityRef* unit = FindReference(header, "unit");
  if (unit == nullptr) return effects;
  const auto add = [&](std::string_view surface, Effect effect) {
    effects.push_back({unit->id(), std::string(surface), effect});
  };
  const bool names_baseline = FindReference(header, "baseline") != nullptr;
  if (const auto* activated = BodyAs<v1::ArtifactActivated>(event.body)) {
    add(activated->surface(), Effect::kSet);
  } else if (const auto* rolled_back = BodyAs<v1::ArtifactRolledBack>(event.body)) {
    add(rolled_back->surface(), Effect::kSet);
  } else if (const auto* deactivated = BodyAs<v1::ArtifactDeactivated>(event.body)) {
    add(deactivated->surface(), Effect::kCleared);
  } else if (BodyAs<v1::DeviceUnitCommissioned>(event.body) != nullptr) {
    add(kWholeUnit, Effect::kInService);
    if (names_baseline) add(kBaselineSurface, Effect::kSet);
  } else if (BodyAs<v1::DeviceUnitDecommissioned>(event.body) != nullptr) {
    add(kWholeUnit, Effect::kDecommissioned);
  } else if (const auto* serviced = BodyAs<v1::DeviceUnitServiced>(event.body)) {
    if (serviced->storage() == v1::DeviceUnitServiced::NOT_PRESERVED) add(kWholeUnit, Effect::kWiped);
    if (names_baseline) add(kBaselineSurface, Effect::kSet);
  } else if (BodyAs<v1::SubstrateInstalled>(event.body) != nullptr) {
    add(kSubstrateSurface, Effect::kSet);
  } else if (BodyAs<v1::ConfigurationAttested>(event.body) != nullptr) {
    add(kMeasurements, Effect::kMeasured);
  }
  return effects;
}

const v1::EntityRef* ItemSetBy(const v1::EventHeader& header, std::string_view surface) {
  if (surface == kBaselineSurface) {
    if (const v1::EntityRef* baseline = FindReference(header, "baseline"); baseline != nullptr) return baseline;
  }
  if (surface == kSubstrateSurface) {
    if (const v1::EntityRef* substrate = FindReference(header, "substrate"); substrate != nullptr) return substrate;
  }
  // A roll-back names what it takes back as the artifact, and what runs afterwards as what it restored.
  if (const v1::EntityRef* restored = FindReference(header, "restored"); restored != nullptr) return restored;
  return FindReference(header, "artifact");
}

Status FoldConfiguration(const RecordedEvent& event, RowOverlay& rows) {
  ASSIGN_OR_RETURN(const std::vector<LoadedEvent> chain, CorrectedChain(rows, event));
  std::vector<std::vector<Placed>> before;
  for (const LoadedEvent& corrected : chain) {
    ASSIGN_OR_RETURN(before.emplace_back(), Contribution(rows, corrected.view()));
  }
  RETURN_IF_ERROR(FoldCorrection(event, rows));
  for (size_t i = 0; i < chain.size(); ++i) {
    ASSIGN_OR_RETURN(const std::vector<Placed> after, Contribution(rows, chain[i].view()));
    RETURN_IF_ERROR(Replace(before[i], after, event.index, rows));
  }
  ASSIGN_OR_RETURN(const std::vector<Placed> own, Contribution(rows, event));
  return Replace({}, own, event.index, rows);
}

StatusOr<std::vector<std::string>> SurfacesOf(const RowReader& rows, std::string_view unit, TreeSize size) {
  std::vector<std::string> surfaces;
  RETURN_IF_ERROR(VisitSurfaces(rows, unit, size, [&](std::string_view surface) {
    if (surface != kWholeUnit && surface != kMeasurements) surfaces.emplace_back(surface);
  }));
  return surfaces;
}

StatusOr<bool> UnitKnown(const RowReader& rows, std::string_view unit, TreeSize size) {
  bool known = false;
  RETURN_IF_ERROR(VisitSurfaces(rows, unit, size, [&](std::string_view) { known = true; }));
  return known;
}

}  // namespace anamnesis
