#include "ledger/state/software_items.h"

#include <string>

#include "anamnesis/v1/vocabulary_software.pb.h"
#include "ledger/state/corrections.h"

namespace anamnesis {
namespace {

using internal::SoftwareItemState;

std::string ItemKey(std::string_view item) { return Text('i', item); }

StatusOr<SoftwareItemState> LoadItem(const RowFinder& rows, std::string_view item) {
  SoftwareItemState state;
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kEntities, ItemKey(item)));
  if (value.has_value() && !state.ParseFromString(*value)) {
    return absl::DataLossError("a row of a software item is damaged; rebuild the projections");
  }
  return state;
}

// The class that was last assigned to the item itself and still counts; UNSPECIFIED when none does.
StatusOr<SoftwareItemState::ClassChange> OwnClass(const RowFinder& rows, const SoftwareItemState& state,
                                                  TreeSize size) {
  for (auto change = state.classes().rbegin(); change != state.classes().rend(); ++change) {
    const LeafIndex index(change->index());
    if (index.value >= size.value) continue;
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> correctors, CorrectorsOf(rows, index));
    if (correctors.empty()) return *change;
    ASSIGN_OR_RETURN(const LoadedEvent event, LoadEvent(rows, index));
    ASSIGN_OR_RETURN(const Standing standing, StandingOf(rows, event.view()));
    if (!standing.void_effect || standing.evidence.value >= size.value) return *change;
  }
  return SoftwareItemState::ClassChange();
}

Status AddClass(const RecordedEvent& event, v1::SoftwareSafetyClass safety_class, RowOverlay& rows) {
  const v1::EntityRef* item = FindReference(event.header->fields, "item");
  ASSIGN_OR_RETURN(SoftwareItemState state, LoadItem(rows, item->id()));
  SoftwareItemState::ClassChange& change = *state.add_classes();
  change.set_index(event.index.value);
  change.set_safety_class(safety_class);
  rows.Put(Family::kEntities, ItemKey(item->id()), state.SerializeAsString());
  return OkStatus();
}

Status SetParent(std::string_view item, const std::string& parent, RowOverlay& rows) {
  if (item == parent) return OkStatus();
  ASSIGN_OR_RETURN(SoftwareItemState state, LoadItem(rows, item));
  state.set_parent(parent);
  rows.Put(Family::kEntities, ItemKey(item), state.SerializeAsString());
  return OkStatus();
}

}  // namespace

StatusOr<ItemClass> ClassOfItemAt(const RowFinder& rows, std::string_view item, TreeSize size) {
  ItemClass found;
  std::string at(item);
  for (size_t depth = 0; depth < kItemDepthMax && !at.empty(); ++depth) {
    ASSIGN_OR_RETURN(SoftwareItemState state, LoadItem(rows, at));
    ASSIGN_OR_RETURN(const SoftwareItemState::ClassChange own, OwnClass(rows, state, size));
    if (own.safety_class() != v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED) {
      return ItemClass{own.safety_class(), at, LeafIndex(own.index())};
    }
    at = state.parent();
  }
  return found;
}

StatusOr<ItemClass> ClassOfItem(const RowFinder& rows, std::string_view item) {
  return ClassOfItemAt(rows, item, TreeSize(UINT64_MAX));
}

StatusOr<std::vector<std::string>> ItemAndAbove(const RowFinder& rows, std::string_view item) {
  std::vector<std::string> items;
  std::string at(item);
  while (items.size() < kItemDepthMax && !at.empty()) {
    ASSIGN_OR_RETURN(const SoftwareItemState state, LoadItem(rows, at));
    items.push_back(std::move(at));
    at = state.parent();
  }
  return items;
}

StatusOr<v1::SoftwareSafetyClass> ClassOfEvent(const RowFinder& rows, const v1::EventHeader& header) {
  const v1::EntityRef* item = FindReference(header, "item");
  if (item == nullptr || item->kind() != "software_item") return v1::SOFTWARE_SAFETY_CLASS_C;
  ASSIGN_OR_RETURN(const ItemClass found, ClassOfItem(rows, item->id()));
  return found.safety_class;
}

bool AppliesFrom(v1::SafetyClass from, v1::SoftwareSafetyClass safety_class) {
  switch (from) {
    case v1::SAFETY_CLASS_B:
      return safety_class != v1::SOFTWARE_SAFETY_CLASS_A;
    case v1::SAFETY_CLASS_C:
      return safety_class != v1::SOFTWARE_SAFETY_CLASS_A && safety_class != v1::SOFTWARE_SAFETY_CLASS_B;
    default:
      return true;
  }
}

Status FoldSoftwareItems(const RecordedEvent& event, RowOverlay& rows) {
  const v1::EventHeader& header = event.header->fields;
  if (event.type->body == v1::SoftwareItemIdentified::descriptor()) {
    const v1::EntityRef* parent = FindReference(header, "parent");
    return parent == nullptr ? OkStatus() : SetParent(FindReference(header, "item")->id(), parent->id(), rows);
  }
  if (event.type->body == v1::SoftwareItemDecomposed::descriptor()) {
    for (const v1::EntityRef& ref : header.refs()) {
      if (ref.role() == "part") RETURN_IF_ERROR(SetParent(ref.id(), FindReference(header, "item")->id(), rows));
    }
    return OkStatus();
  }
  if (const auto* body = BodyAs<v1::SafetyClassAssigned>(event.body))
    return AddClass(event, body->safety_class(), rows);
  if (const auto* body = BodyAs<v1::SafetyClassLowered>(event.body)) return AddClass(event, body->safety_class(), rows);
  return OkStatus();
}

}  // namespace anamnesis
