#include "ledger/query/unit_place.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "anamnesis/v1/vocabulary_device.pb.h"
#include "anamnesis/v1/vocabulary_regulatory.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/item_scope.h"

namespace anamnesis {
namespace {

// Of a commissioning and a move at one time, the move is the later one.
bool BeganLast(const Fact& fact, const Fact* so_far) {
  const auto began = [](const Fact& of) {
    return std::tuple(of.earliest(), of.type() == "device_unit.relocated", of.event.index);
  };
  return so_far == nullptr || began(*so_far) < began(fact);
}

}  // namespace

StatusOr<UnitPlace> PlaceOfUnit(Facts& facts, std::string_view unit, Timestamp at) {
  UnitPlace place;
  const v1::EntityRef entity = ToEntity({"device_unit", std::string(unit)});
  std::vector<const Fact*> begun;
  for (const std::string_view type : {"device_unit.commissioned", "device_unit.relocated"}) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> found, facts.Typed(entity, type));
    for (const Fact* fact : found) {
      if (fact->earliest() > at) continue;
      if (fact->type() == "device_unit.commissioned" && BeganLast(*fact, place.commissioned)) place.commissioned = fact;
      if (BeganLast(*fact, place.placed)) place.placed = fact;
      begun.push_back(fact);
    }
  }
  if (place.commissioned != nullptr) place.device_model = FindReference(place.commissioned->header(), "device_model");
  if (place.placed == nullptr) return place;
  place.site = FindReference(place.placed->header(), "site");
  place.uncertain = place.placed->latest() > at || std::any_of(begun.begin(), begun.end(), [&](const Fact* other) {
                      return other != place.placed && other->latest() > place.placed->earliest();
                    });
  const auto* commissioned = place.placed->body<v1::DeviceUnitCommissioned>();
  const auto* relocated = place.placed->body<v1::DeviceUnitRelocated>();
  if (commissioned != nullptr) place.jurisdiction = commissioned->jurisdiction();
  if (relocated != nullptr) place.jurisdiction = relocated->jurisdiction();
  return place;
}

}  // namespace anamnesis
