#include "ledger/state/edges.h"

#include <set>

#include "anamnesis/v1/vocabulary_record.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/event/vocabulary.h"
#include "ledger/state/last_counting.h"

namespace anamnesis {
namespace {

std::string EntityPrefix(char table, std::string_view kind, std::string_view id, std::string_view version) {
  // What has no versions is the same thing whatever version somebody gave it.
  if (!version.empty() && !Vocabulary::Get().HasVersions(kind)) version = {};
  return Text(table, kind, '\0', id, '\0', version, '\0');
}

std::string RolePrefix(std::string_view kind, std::string_view id, std::string_view version, std::string_view role) {
  return Text(EntityPrefix('r', kind, id, version), role, '\0');
}

std::string TypePrefix(const v1::EntityRef& entity, std::string_view type) {
  return Text(EntityPrefix('t', entity.kind(), entity.id(), entity.version()), type, '\0');
}

std::string DigestPrefix(const v1::ContentDigest& digest) {
  return Text('h', static_cast<char>(digest.algorithm()), digest.value());
}

std::string ForkPrefix(std::string_view stream) { return Text('f', stream, '\0'); }

std::string WithIndex(std::string prefix, uint64_t index) {
  AppendBigEndian64(prefix, index);
  return prefix;
}

// The index at the end of an edge's key, when exactly an index follows the prefix.
std::optional<LeafIndex> IndexAfter(std::string_view prefix, std::string_view key) {
  if (key.size() != prefix.size() + 8) return std::nullopt;
  ByteReader reader(key.substr(prefix.size()));
  return LeafIndex(*reader.BigEndian64());
}

// The events below `size` of the rows that are nothing but the prefix and an index, ascending.
StatusOr<std::vector<LeafIndex>> IndexesAfter(const RowReader& rows, const std::string& prefix, TreeSize size,
                                              size_t limit) {
  std::vector<LeafIndex> found;
  RETURN_IF_ERROR(rows.Scan(Family::kEdges, prefix, prefix, [&](std::string_view key, std::string_view) {
    const std::optional<LeafIndex> index = IndexAfter(prefix, key);
    if (index.has_value() && index->value >= size.value) return false;
    if (index.has_value()) found.push_back(*index);
    return found.size() < limit;
  }));
  return found;
}

bool Defines(const EventType& type, std::string_view role) {
  for (const v1::ReferenceRule& rule : type.options->refs()) {
    if (rule.role() == role) return rule.defines();
  }
  return false;
}

// Whether the event is found by its type at this entity. The identifier of one unit says nothing of its model, which
// has as many units as there are.
bool IsFoundByType(const RecordedEvent& event, const v1::EntityRef& ref) {
  if (!event.type->options->gate_input()) return false;
  const bool of_a_unit = event.type->name() == "udi.assigned" && ref.role() == "device_model" &&
                         FindReference(event.header->fields, "unit") != nullptr;
  return !of_a_unit;
}

}  // namespace

StatusOr<std::optional<LeafIndex>> DefinitionOf(const RowFinder& rows, std::string_view kind, std::string_view id,
                                                std::string_view version, TreeSize size) {
  if (size.value == 0) return std::optional<LeafIndex>();
  const std::string prefix = EntityPrefix('d', kind, id, version);
  return LastCounting(rows, prefix, WithIndex(prefix, size.value - 1), size);
}

StatusOr<std::vector<LeafIndex>> ReferencesTo(const RowReader& rows, std::string_view kind, std::string_view id,
                                              std::string_view version, std::string_view role, TreeSize size,
                                              size_t limit) {
  return IndexesAfter(rows, RolePrefix(kind, id, version, role), size, limit);
}

StatusOr<std::vector<LeafIndex>> EventsOfType(const RowReader& rows, const v1::EntityRef& entity, std::string_view type,
                                              TreeSize size, size_t limit, bool newest_first) {
  std::vector<LeafIndex> found;
  if (size.value == 0 || limit == 0) return found;
  const std::string prefix = TypePrefix(entity, type);
  const auto visit = [&](std::string_view key, std::string_view) {
    const std::optional<LeafIndex> index = IndexAfter(prefix, key);
    if (index.has_value() && index->value >= size.value) return newest_first;
    if (index.has_value()) found.push_back(*index);
    return found.size() < limit;
  };
  if (newest_first) {
    RETURN_IF_ERROR(rows.ScanBackwards(Family::kEdges, prefix, WithIndex(prefix, size.value - 1), visit));
  } else {
    RETURN_IF_ERROR(rows.Scan(Family::kEdges, prefix, prefix, visit));
  }
  return found;
}

std::string TypedEdgesPrefix(const v1::EntityRef& entity, std::string_view type) { return TypePrefix(entity, type); }

std::string RoleEdgesPrefix(const v1::EntityRef& entity, std::string_view role) {
  return RolePrefix(entity.kind(), entity.id(), entity.version(), role);
}

std::optional<LeafIndex> EventOfEdge(std::string_view prefix, std::string_view key) { return IndexAfter(prefix, key); }

StatusOr<std::optional<LeafIndex>> FirstWithDigest(const RowReader& rows, const v1::ContentDigest& digest,
                                                   TreeSize size) {
  std::optional<LeafIndex> found;
  const std::string prefix = DigestPrefix(digest);
  RETURN_IF_ERROR(rows.Scan(Family::kEdges, prefix, prefix, [&](std::string_view key, std::string_view) {
    const std::optional<LeafIndex> index = IndexAfter(prefix, key);
    if (index.has_value() && index->value < size.value) found = index;
    return false;
  }));
  return found;
}

StatusOr<std::vector<LeafIndex>> ForksRecordedOf(const RowReader& rows, std::string_view stream, TreeSize size,
                                                 size_t limit) {
  return IndexesAfter(rows, ForkPrefix(stream), size, limit);
}

void FoldEdges(const RecordedEvent& event, RowOverlay& rows) {
  const auto* fork = BodyAs<v1::ForkDetected>(event.body);
  // No stream has a name with a zero byte.
  if (fork != nullptr && fork->stream().find('\0') == std::string::npos) {
    rows.PutUnread(Family::kEdges, WithIndex(ForkPrefix(fork->stream()), event.index.value), "");
  }
  // An entity can be named in several roles.
  std::set<std::string> typed;
  for (const v1::EntityRef& ref : event.header->fields.refs()) {
    if (IsFoundByType(event, ref)) {
      std::string key = WithIndex(TypePrefix(ref, event.type->name()), event.index.value);
      if (typed.insert(key).second) rows.PutUnread(Family::kEdges, std::move(key), "");
    }
    const uint64_t index = event.index.value;
    rows.PutUnread(Family::kEdges, WithIndex(RolePrefix(ref.kind(), ref.id(), ref.version(), ref.role()), index), "");
    if (Defines(*event.type, ref.role())) {
      rows.PutUnread(Family::kEdges, WithIndex(EntityPrefix('d', ref.kind(), ref.id(), ref.version()), index), "");
      if (Vocabulary::Get().HasVersions(ref.kind())) {
        rows.PutUnread(Family::kEdges, WithIndex(Text('v', ref.kind(), '\0', ref.id(), '\0'), index), "");
      }
    }
    if (ref.has_digest()) rows.PutUnread(Family::kEdges, WithIndex(DigestPrefix(ref.digest()), index), "");
  }
}

}  // namespace anamnesis
