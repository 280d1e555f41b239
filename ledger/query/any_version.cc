#include "ledger/query/any_version.h"

#include <map>
#include <optional>
#include <string>

#include "ledger/base/bytes.h"
#include "ledger/event/names.h"
#include "ledger/query/typed_facts.h"

namespace anamnesis {
namespace {

Status TooMany(std::string_view what, const v1::EntityRef& entity) {
  return absl::ResourceExhaustedError(
      Text("more than ", kTypedEventsMax, " ", what, " ", EntityKeyText(Bare(entity, true))));
}

}  // namespace

StatusOr<std::vector<const Fact*>> DefinitionsOfAnyVersion(Facts& facts, const v1::EntityRef& entity) {
  // Rows "d" kind id version be64 index: see state/edges.h.
  const std::string prefix = Text('d', entity.kind(), '\0', entity.id(), '\0');
  std::vector<LeafIndex> indexes;
  RETURN_IF_ERROR(facts.rows().Scan(Family::kEdges, prefix, prefix, [&](std::string_view key, std::string_view) {
    const size_t version_end = key.find('\0', prefix.size());
    if (version_end == std::string_view::npos || key.size() != version_end + 9) return true;
    ByteReader reader(key.substr(version_end + 1));
    const StatusOr<uint64_t> index = reader.BigEndian64();
    if (index.ok() && *index < facts.size().value) indexes.emplace_back(*index);
    return indexes.size() <= kTypedEventsMax;
  }));
  if (indexes.size() > kTypedEventsMax) return TooMany("events define", entity);
  std::vector<const Fact*> found;
  for (const LeafIndex index : indexes) {
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
    if (fact->counts()) found.push_back(fact);
  }
  return found;
}

StatusOr<std::vector<const Fact*>> TypedOfAnyVersion(Facts& facts, const v1::EntityRef& entity, std::string_view type) {
  // Rows "t" kind id version type be64 index, of all types: one row of each version, then on to the next version.
  const std::string prefix = Text('t', entity.kind(), '\0', entity.id(), '\0');
  std::string from = prefix;
  std::map<uint64_t, const Fact*> found;
  for (size_t versions = 0; versions <= kQuestionEventsMax; ++versions) {
    std::optional<std::string> version;
    RETURN_IF_ERROR(facts.rows().Scan(Family::kEdges, prefix, from, [&](std::string_view key, std::string_view) {
      const std::string_view rest = key.substr(prefix.size());
      version = std::string(rest.substr(0, rest.find('\0')));
      return false;
    }));
    if (!version.has_value()) {
      std::vector<const Fact*> facts_of_it;
      for (const auto& [leaf, fact] : found) facts_of_it.push_back(fact);
      return facts_of_it;
    }
    v1::EntityRef one = Bare(entity, true);
    one.set_version(*version);
    ASSIGN_OR_RETURN(const std::vector<const Fact*> typed, facts.Typed(one, type));
    for (const Fact* fact : typed) found.emplace(fact->event.index.value, fact);
    if (found.size() > kTypedEventsMax) return TooMany(Text(type, " events refer to"), entity);
    from = Text(prefix, *version, '\1');
  }
  return absl::ResourceExhaustedError(
      Text(EntityKeyText(Bare(entity, true)), " is named in more than ", kQuestionEventsMax, " versions"));
}

}  // namespace anamnesis
