#include "ledger/state/entities.h"

#include <algorithm>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ledger/base/bytes.h"
#include "ledger/event/vocabulary.h"
#include "ledger/state/corrections.h"
#include "ledger/state/last_counting.h"

namespace anamnesis {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// One of Precondition.events, with the role that the entity has there.
struct Named {
  std::string what;
  std::string condition;
  std::string role;
  friend bool operator==(const Named&, const Named&) = default;
};

using NamedByType = std::unordered_map<const Descriptor*, std::vector<Named>>;

NamedByType CollectNamed() {
  NamedByType named;
  for (const EventType* type : Vocabulary::Get().All()) {
    for (const v1::Precondition& rule : type->options->preconditions()) {
      for (const std::string& what : rule.events()) {
        const size_t mark = what.find('?');
        const EventType* other = Vocabulary::Get().FindNewest(what.substr(0, mark));
        if (other == nullptr) continue;
        std::vector<Named>& list = named[other->body];
        const Named entry{what, mark == std::string::npos ? "" : what.substr(mark + 1),
                          rule.as().empty() ? rule.role() : rule.as()};
        if (std::find(list.begin(), list.end(), entry) == list.end()) list.push_back(entry);
      }
    }
  }
  return named;
}

const std::vector<Named>& NamedBy(const EventType& type) {
  static const NamedByType* named = new NamedByType(CollectNamed());
  static const std::vector<Named>* none = new std::vector<Named>();
  const auto found = named->find(type.body);
  return found == named->end() ? *none : found->second;
}

std::string EntityKey(char table, const v1::EntityRef& entity, bool with_version) {
  std::string key = Text(table, entity.kind(), '\0', entity.id(), '\0');
  return with_version ? Text(key, VersionOf(entity), '\0') : key;
}

std::string NamedKey(std::string_view what, std::string_view role, const v1::EntityRef& entity, bool any_version) {
  return Text(any_version ? 'a' : 'n', what, '\0', role, EntityKey('\0', entity, !any_version));
}

// The event that a row names, and whether it still counts; nullopt when there is no row.
struct Latest {
  LeafIndex index;
  bool counts = false;
};
StatusOr<std::optional<Latest>> FindLatest(const RowFinder& rows, const std::string& key) {
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kEntities, key));
  if (!value.has_value()) return std::optional<Latest>();
  ByteReader reader(*value);
  ASSIGN_OR_RETURN(const uint64_t number, reader.BigEndian64());
  const LeafIndex index(number);
  ASSIGN_OR_RETURN(const bool counts, StillCounts(rows, index));
  return std::optional<Latest>({index, counts});
}

// What a row of kEntities says; when that was taken back, one before it that still counts, found along the edges
// (edges.h) of `entity`, with or without its version. Without, that is the last in the log only along "v".
StatusOr<std::optional<LeafIndex>> Counting(const RowFinder& rows, const std::string& key, char edges,
                                            const v1::EntityRef& entity, bool with_version,
                                            const std::function<bool(const LoadedEvent&)>& accept = nullptr) {
  ASSIGN_OR_RETURN(const std::optional<Latest> latest, FindLatest(rows, key));
  if (!latest.has_value()) return std::optional<LeafIndex>();
  if (latest->counts) return std::optional<LeafIndex>(latest->index);
  const std::string prefix = EntityKey(edges, entity, with_version);
  // Names hold no such bytes, and indexes are shorter.
  return LastCounting(rows, prefix, LastEdge(prefix), TreeSize(UINT64_MAX), accept);
}

// Of "FIELD=VALUE".
bool HasOne(const Message* body, std::string_view condition) {
  const size_t equals = condition.find('=');
  std::string_view path = condition.substr(0, equals);
  const std::string_view wanted = condition.substr(equals + 1);
  while (body != nullptr) {
    const size_t dot = path.find('.');
    const FieldDescriptor* field = body->GetDescriptor()->FindFieldByName(std::string(path.substr(0, dot)));
    if (field == nullptr || field->is_repeated()) return false;
    const google::protobuf::Reflection& reflection = *body->GetReflection();
    if (dot == std::string_view::npos) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_ENUM) return reflection.GetEnum(*body, field)->name() == wanted;
      return field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL &&
             reflection.GetBool(*body, field) == (wanted == "true");
    }
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || !reflection.HasField(*body, field)) return false;
    body = &reflection.GetMessage(*body, field);
    path.remove_prefix(dot + 1);
  }
  return false;
}

}  // namespace

StatusOr<std::optional<LeafIndex>> FindDefinition(const RowFinder& rows, const v1::EntityRef& entity) {
  if (VersionOf(entity).empty()) {
    const char edges = Vocabulary::Get().HasVersions(entity.kind()) ? 'v' : 'd';
    return Counting(rows, EntityKey('v', entity, false), edges, entity, false);
  }
  ASSIGN_OR_RETURN(const std::optional<LeafIndex> exact,
                   Counting(rows, EntityKey('d', entity, true), 'd', entity, true));
  if (exact.has_value()) return exact;
  // Defined as a whole, without versions.
  v1::EntityRef whole = entity;
  whole.clear_version();
  return Counting(rows, EntityKey('d', whole, true), 'd', whole, true);
}

StatusOr<std::optional<LeafIndex>> FindDefinitionBefore(const RowFinder& rows, const v1::EntityRef& entity,
                                                        LeafIndex before) {
  const std::string prefix = EntityKey('v', entity, false);
  return LastCounting(rows, prefix, prefix + LeafKey(before), TreeSize(UINT64_MAX),
                      [&](const LoadedEvent& event) { return event.index < before; });
}

StatusOr<std::optional<LeafIndex>> LastDefinition(const RowFinder& rows, const v1::EntityRef& entity) {
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kEntities, EntityKey('d', entity, true)));
  if (!value.has_value()) return std::optional<LeafIndex>();
  ByteReader reader(*value);
  ASSIGN_OR_RETURN(const uint64_t index, reader.BigEndian64());
  return std::optional<LeafIndex>(LeafIndex(index));
}

StatusOr<std::optional<LeafIndex>> FindNaming(const RowFinder& rows, std::string_view what, std::string_view role,
                                              const v1::EntityRef& entity, bool any_version) {
  const bool any = any_version || VersionOf(entity).empty();
  const size_t mark = what.find('?');
  const auto accept = [&](const LoadedEvent& event) {
    const auto& refs = event.header.fields.refs();
    return event.type->name() == what.substr(0, mark) &&
           (mark == std::string_view::npos || BodyHas(event.body.get(), what.substr(mark + 1))) &&
           std::any_of(refs.begin(), refs.end(), [&](const v1::EntityRef& ref) {
             return ref.role() == role && ref.kind() == entity.kind() && ref.id() == entity.id() &&
                    (any || VersionOf(ref) == VersionOf(entity));
           });
  };
  return Counting(rows, NamedKey(what, role, entity, any), 'r', entity, !any, accept);
}

bool BodyHas(const Message* body, std::string_view conditions) {
  while (true) {
    const size_t end = conditions.find('&');
    if (!HasOne(body, conditions.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    conditions.remove_prefix(end + 1);
  }
}

bool ConditionsReadBody(const EventType& type) {
  const std::vector<Named>& named = NamedBy(type);
  return std::any_of(named.begin(), named.end(), [](const Named& entry) { return !entry.condition.empty(); });
}

void FoldEntities(const RecordedEvent& event, RowOverlay& rows) {
  const std::string value = LeafKey(event.index);
  for (const v1::ReferenceRule& rule : event.type->options->refs()) {
    if (!rule.defines()) continue;
    for (const v1::EntityRef& ref : event.header->fields.refs()) {
      if (ref.role() != rule.role()) continue;
      rows.Put(Family::kEntities, EntityKey('d', ref, true), value);
      rows.Put(Family::kEntities, EntityKey('v', ref, false), value);
    }
  }
  for (const Named& named : NamedBy(*event.type)) {
    if (!named.condition.empty() && !BodyHas(event.body, named.condition)) continue;
    for (const v1::EntityRef& ref : event.header->fields.refs()) {
      if (ref.role() != named.role) continue;
      rows.Put(Family::kEntities, NamedKey(named.what, named.role, ref, false), value);
      rows.Put(Family::kEntities, NamedKey(named.what, named.role, ref, true), value);
    }
  }
}

}  // namespace anamnesis
