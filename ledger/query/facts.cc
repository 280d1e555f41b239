#include "ledger/query/facts.h"

#include <algorithm>

#include "ledger/base/bytes.h"
#include "ledger/event/names.h"
#include "ledger/event/vocabulary.h"
#include "ledger/query/events.h"
#include "ledger/state/edges.h"

namespace anamnesis {
namespace {

// Edge rows "r" kind id version role index: see state/edges.h.
struct Edge {
  std::string_view version;
  std::string_view role;
  LeafIndex index;
};

std::optional<Edge> ParseEdge(std::string_view prefix, std::string_view key) {
  key.remove_prefix(prefix.size());
  const size_t version_end = key.find('\0');
  if (version_end == std::string_view::npos) return std::nullopt;
  const size_t role_end = key.find('\0', version_end + 1);
  if (role_end == std::string_view::npos || key.size() != role_end + 9) return std::nullopt;
  ByteReader reader(key.substr(role_end + 1));
  return Edge{key.substr(0, version_end), key.substr(version_end + 1, role_end - version_end - 1),
              LeafIndex(*reader.BigEndian64())};
}

}  // namespace

StatusOr<const Fact*> Facts::At(LeafIndex index) {
  const auto found = loaded_.find(index.value);
  if (found != loaded_.end()) return &found->second;
  if (index.value >= size_.value) {
    return absl::NotFoundError(Text("leaf ", index.value, " is not among the first ", size_.value));
  }
  if (loaded_.size() >= events_max_) {
    return absl::ResourceExhaustedError(
        Text("the answer rests on more than ", events_max_, " events; ask for a part of it"));
  }
  Fact fact;
  ASSIGN_OR_RETURN(fact.event, LoadEvent(rows_, index));
  ASSIGN_OR_RETURN(fact.standing, StandingOf(rows_, fact.event.view(), size_));
  return &loaded_.emplace(index.value, std::move(fact)).first->second;
}

StatusOr<std::vector<LeafIndex>> Facts::About(const v1::EntityRef& entity, std::string_view role, size_t limit,
                                              LeafIndex from) const {
  const std::string entity_prefix = Text('r', entity.kind(), '\0', entity.id(), '\0');
  const std::string prefix = VersionOf(entity).empty() ? entity_prefix : Text(entity_prefix, VersionOf(entity), '\0');
  std::set<uint64_t> indexes;
  RETURN_IF_ERROR(rows_.Scan(Family::kEdges, prefix, prefix, [&](std::string_view key, std::string_view) {
    const std::optional<Edge> edge = ParseEdge(entity_prefix, key);
    const bool wanted = edge.has_value() && edge->index.value < size_.value && edge->index.value >= from.value &&
                        (role.empty() || edge->role == role);
    if (wanted) indexes.insert(edge->index.value);
    // Versions and roles come one after another, so the first in the log may come last.
    if (indexes.size() > limit) indexes.erase(std::prev(indexes.end()));
    return true;
  }));
  std::vector<LeafIndex> found;
  for (const uint64_t index : indexes) found.emplace_back(index);
  return found;
}

StatusOr<bool> Facts::IsNamed(const v1::EntityRef& entity) const {
  const std::string entity_prefix = Text('r', entity.kind(), '\0', entity.id(), '\0');
  const std::string prefix = VersionOf(entity).empty() ? entity_prefix : Text(entity_prefix, VersionOf(entity), '\0');
  bool named = false;
  // The first edge of each role tells, so the others are jumped over.
  for (std::optional<std::string> from = prefix; from.has_value() && !named;) {
    std::optional<std::string> next;
    RETURN_IF_ERROR(rows_.Scan(Family::kEdges, prefix, *from, [&](std::string_view key, std::string_view) {
      const std::optional<Edge> edge = ParseEdge(entity_prefix, key);
      if (!edge.has_value()) return true;
      named = edge->index.value < size_.value;
      next = Text(key.substr(0, key.size() - sizeof(uint64_t)), std::string(sizeof(uint64_t) + 1, '\xff'));
      return false;
    }));
    from = std::move(next);
  }
  return named;
}

Status Facts::CheckNamed(const v1::EntityRef& entity) const {
  constexpr size_t kVersionsListed = 10;
  if (entity.kind().empty()) return absl::InvalidArgumentError("entity.kind: is required, for example model");
  if (entity.id().empty()) return absl::InvalidArgumentError("entity.id: is required");
  ASSIGN_OR_RETURN(const bool named, IsNamed(entity));
  if (named) return OkStatus();
  std::string message = Text("entity: none of the first ", size_.value, " events refers to ", EntityKeyText(entity));
  ASSIGN_OR_RETURN(const std::vector<std::string> versions, VersionsOf(entity.kind(), entity.id(), kVersionsListed));
  for (size_t i = 0; i < versions.size(); ++i) {
    message += Text(i == 0 ? "; versions that they do refer to: " : ", ", versions[i]);
  }
  return absl::NotFoundError(message);
}

StatusOr<std::vector<LeafIndex>> Facts::Naming(const v1::EntityRef& entity) const {
  const std::string entity_prefix = Text('r', entity.kind(), '\0', entity.id(), '\0');
  const std::string prefix = Text(entity_prefix, VersionOf(entity), '\0');
  std::set<uint64_t> indexes;
  RETURN_IF_ERROR(rows_.Scan(Family::kEdges, prefix, prefix, [&](std::string_view key, std::string_view) {
    const std::optional<Edge> edge = ParseEdge(entity_prefix, key);
    if (edge.has_value() && edge->index.value < size_.value) indexes.insert(edge->index.value);
    return indexes.size() <= kQuestionEventsMax;
  }));
  if (indexes.size() > kQuestionEventsMax) {
    return absl::ResourceExhaustedError(
        Text("more than ", kQuestionEventsMax, " events refer to ", EntityKeyText(entity), "; ask for a part of it"));
  }
  std::vector<LeafIndex> found;
  for (const uint64_t index : indexes) found.emplace_back(index);
  return found;
}

StatusOr<std::vector<const Fact*>> Facts::AllDefinitions(const v1::EntityRef& entity) {
  const std::string prefix = Text('d', entity.kind(), '\0', entity.id(), '\0', VersionOf(entity), '\0');
  std::vector<LeafIndex> indexes;
  RETURN_IF_ERROR(rows_.Scan(Family::kEdges, prefix, prefix, [&](std::string_view key, std::string_view) {
    ByteReader reader(key.substr(prefix.size()));
    const StatusOr<uint64_t> index = reader.BigEndian64();
    if (index.ok() && *index < size_.value) indexes.emplace_back(*index);
    return true;
  }));
  std::vector<const Fact*> found;
  for (const LeafIndex index : indexes) {
    ASSIGN_OR_RETURN(const Fact* fact, At(index));
    found.push_back(fact);
  }
  return found;
}

StatusOr<std::vector<const Fact*>> Facts::Definitions(const v1::EntityRef& entity) {
  ASSIGN_OR_RETURN(std::vector<const Fact*> found, AllDefinitions(entity));
  std::erase_if(found, [](const Fact* fact) { return !fact->counts(); });
  return found;
}

StatusOr<const Fact*> Facts::Definition(const v1::EntityRef& entity) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> found, Definitions(entity));
  return found.empty() ? nullptr : found.back();
}

StatusOr<std::vector<std::string>> Facts::DefinedIds(std::string_view kind, std::string_view after,
                                                     size_t limit) const {
  const std::string prefix = Text('d', kind, '\0');
  std::vector<std::string> ids;
  // Past all rows of an id: its rows go on with a zero byte.
  std::string from = after.empty() ? prefix : Text(prefix, after, '\1');
  while (ids.size() < limit) {
    std::optional<std::string> id;
    bool below_size = false;
    RETURN_IF_ERROR(rows_.Scan(Family::kEdges, prefix, from, [&](std::string_view key, std::string_view) {
      const std::string_view rest = key.substr(prefix.size());
      const std::string_view its_id = rest.substr(0, rest.find('\0'));
      if (id.has_value() && its_id != *id) return false;
      id = std::string(its_id);
      ByteReader reader(key.substr(key.size() - std::min<size_t>(key.size(), 8)));
      const StatusOr<uint64_t> index = reader.BigEndian64();
      below_size = below_size || (index.ok() && *index < size_.value);
      return !below_size;
    }));
    if (!id.has_value()) break;
    if (below_size) ids.push_back(*id);
    from = Text(prefix, *id, '\1');
  }
  return ids;
}

StatusOr<std::vector<const Fact*>> Facts::OfType(const v1::EntityRef& entity, std::string_view role,
                                                 std::string_view type, size_t limit) {
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, About(entity, role, kQuestionEventsMax));
  std::vector<const Fact*> found;
  for (const LeafIndex index : indexes) {
    ASSIGN_OR_RETURN(const Fact* fact, At(index));
    if (fact->type() == type && fact->counts()) found.push_back(fact);
    if (found.size() >= limit) break;
  }
  return found;
}

StatusOr<std::vector<const Fact*>> Facts::Typed(const v1::EntityRef& entity, std::string_view type, size_t limit,
                                                bool newest_first) {
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, EventsOfType(rows_, entity, type, size_, limit, newest_first));
  if (indexes.size() >= kTypedEventsMax) {
    return absl::ResourceExhaustedError(
        Text("more than ", kTypedEventsMax, " ", type, " events refer to ", EntityKeyText(entity)));
  }
  std::vector<const Fact*> found;
  for (const LeafIndex index : indexes) {
    ASSIGN_OR_RETURN(const Fact* fact, At(index));
    if (fact->counts()) found.push_back(fact);
  }
  return found;
}

StatusOr<std::vector<std::string>> Facts::VersionsOf(std::string_view kind, std::string_view id, size_t limit) const {
  const std::string prefix = Text('r', kind, '\0', id, '\0');
  std::vector<std::string> versions;
  std::string from = prefix;
  while (versions.size() < limit) {
    // One row of each version, then on to the next version.
    std::optional<std::string> version;
    bool below_size = false;
    RETURN_IF_ERROR(rows_.Scan(Family::kEdges, prefix, from, [&](std::string_view key, std::string_view) {
      const std::optional<Edge> edge = ParseEdge(prefix, key);
      if (!edge.has_value()) return true;
      if (version.has_value() && edge->version != *version) return false;
      version = std::string(edge->version);
      below_size = below_size || edge->index.value < size_.value;
      return !below_size;
    }));
    if (!version.has_value()) break;
    if (below_size) versions.push_back(*version);
    from = Text(prefix, *version, '\1');
  }
  return versions;
}

std::set<uint64_t> Facts::looked_at() const {
  std::set<uint64_t> leaves;
  for (const auto& [index, fact] : loaded_) {
    leaves.insert(index);
    leaves.insert(fact.standing.evidence.value);
  }
  return leaves;
}

StatusOr<v1::LeafReference> Facts::Reference(LeafIndex index) {
  Cite(index);
  ASSIGN_OR_RETURN(v1::LeafReference reference, CiteEvent(rows_, index));
  ASSIGN_OR_RETURN(const Fact* fact, At(index));
  if (!fact->standing.moved) return reference;
  *reference.mutable_occurred_earliest() = ToProtoTime(fact->earliest());
  *reference.mutable_occurred_latest() = ToProtoTime(fact->latest());
  return reference;
}

}  // namespace anamnesis
