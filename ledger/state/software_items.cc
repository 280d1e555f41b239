#include "ledger/state/software_items.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "anamnesis/v1/vocabulary_software.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/state/place_in_time.h"
#include "ledger/state/projection_damage.h"

namespace anamnesis {
namespace {

using internal::SoftwareItemState;

constexpr size_t kIndexBytes = 8;

std::string ItemKey(std::string_view item) { return Text('i', item); }

StatusOr<SoftwareItemState> LoadItem(const RowFinder& rows, std::string_view item) {
  SoftwareItemState state;
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kEntities, ItemKey(item)));
  if (value.has_value() && !state.ParseFromString(*value)) {
    return ProjectionDamage("a row of a software item is damaged");
  }
  return state;
}

std::string ParentsKey(std::string_view item) { return Text('p', item); }

// The newest that counts at `size` of `list`, which is in log order; nullptr when none does.
template <typename List, typename IndexOf>
StatusOr<const typename List::value_type*> NewestOf(const RowFinder& rows, const List& list, IndexOf index_of,
                                                    TreeSize size) {
  auto last = list.rbegin();
  const EventBefore before = [&]() -> StatusOr<std::optional<LeafIndex>> {
    return last == list.rend() ? std::nullopt : std::optional<LeafIndex>(index_of(*last++));
  };
  ASSIGN_OR_RETURN(const std::optional<LeafIndex> newest, NewestCounting(rows, size, before));
  if (!newest.has_value()) return nullptr;
  return &*std::find_if(list.begin(), list.end(), [&](const auto& one) { return index_of(one) == *newest; });
}

struct Parent {
  std::string id;
  LeafIndex said_by;
};

// All that were ever said of the item, in log order.
StatusOr<std::vector<Parent>> ParentsOf(const RowFinder& rows, std::string_view item) {
  std::vector<Parent> parents;
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kEntities, ParentsKey(item)));
  std::string_view rest = value.has_value() ? std::string_view(*value) : std::string_view();
  while (!rest.empty()) {
    ByteReader reader(rest);
    const StatusOr<uint64_t> index = reader.BigEndian64();
    const size_t end = rest.find('\0', kIndexBytes);
    if (!index.ok() || end == std::string_view::npos) {
      return ProjectionDamage("a row of a software item is damaged");
    }
    parents.push_back({std::string(rest.substr(kIndexBytes, end - kIndexBytes)), LeafIndex(*index)});
    rest.remove_prefix(end + 1);
  }
  return parents;
}

// The newest that counts; nullopt: the item is part of none.
StatusOr<std::optional<Parent>> ParentAt(const RowFinder& rows, std::string_view item, TreeSize size) {
  ASSIGN_OR_RETURN(const std::vector<Parent> parents, ParentsOf(rows, item));
  ASSIGN_OR_RETURN(const Parent* newest, NewestOf(
                                             rows, parents, [](const Parent& parent) { return parent.said_by; }, size));
  return newest == nullptr ? std::nullopt : std::optional<Parent>(*newest);
}

// The newest class that was assigned to the item itself and still counts; UNSPECIFIED when none does.
StatusOr<SoftwareItemState::ClassChange> OwnClass(const RowFinder& rows, const SoftwareItemState& state,
                                                  TreeSize size) {
  using Change = SoftwareItemState::ClassChange;
  ASSIGN_OR_RETURN(const Change* newest,
                   NewestOf(
                       rows, state.classes(), [](const Change& change) { return LeafIndex(change.index()); }, size));
  return newest == nullptr ? Change() : *newest;
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

Status AddParent(const RecordedEvent& event, std::string_view item, std::string_view parent, RowOverlay& rows) {
  if (item == parent) return OkStatus();
  ASSIGN_OR_RETURN(const std::optional<std::string> before, rows.Get(Family::kEntities, ParentsKey(item)));
  rows.Put(Family::kEntities, ParentsKey(item), Text(before.value_or(""), LeafKey(event.index), parent, '\0'));
  return OkStatus();
}

}  // namespace

StatusOr<ItemPath> ItemAndAbove(const RowFinder& rows, std::string_view item, TreeSize size) {
  ItemPath path;
  std::string at(item);
  while (path.items.size() < kItemDepthMax && !at.empty()) {
    path.items.push_back(at);
    ASSIGN_OR_RETURN(std::optional<Parent> parent, ParentAt(rows, at, size));
    if (!parent.has_value()) break;
    path.parts.push_back(parent->said_by);
    at = std::move(parent->id);
  }
  return path;
}

StatusOr<ItemClass> ClassOfItemAt(const RowFinder& rows, std::string_view item, TreeSize size) {
  ItemClass found;
  ASSIGN_OR_RETURN(const ItemPath path, ItemAndAbove(rows, item, size));
  for (size_t i = 0; i < path.items.size(); ++i) {
    if (i > 0) found.parts.push_back(path.parts[i - 1]);
    ASSIGN_OR_RETURN(const SoftwareItemState state, LoadItem(rows, path.items[i]));
    ASSIGN_OR_RETURN(const SoftwareItemState::ClassChange own, OwnClass(rows, state, size));
    if (own.safety_class() == v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED) continue;
    found.safety_class = own.safety_class();
    found.assigned_to = path.items[i];
    found.evidence = LeafIndex(own.index());
    break;
  }
  return found;
}

StatusOr<ItemClass> ClassOfItem(const RowFinder& rows, std::string_view item) {
  return ClassOfItemAt(rows, item, TreeSize(UINT64_MAX));
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
    return parent == nullptr ? OkStatus() : AddParent(event, FindReference(header, "item")->id(), parent->id(), rows);
  }
  if (event.type->body == v1::SoftwareItemDecomposed::descriptor()) {
    for (const v1::EntityRef& ref : header.refs()) {
      if (ref.role() != "part") continue;
      RETURN_IF_ERROR(AddParent(event, ref.id(), FindReference(header, "item")->id(), rows));
    }
    return OkStatus();
  }
  if (const auto* body = BodyAs<v1::SafetyClassAssigned>(event.body))
    return AddClass(event, body->safety_class(), rows);
  if (const auto* body = BodyAs<v1::SafetyClassLowered>(event.body)) return AddClass(event, body->safety_class(), rows);
  return OkStatus();
}

}  // namespace anamnesis
