#ifndef ANAMNESIS_LEDGER_QUERY_ITEM_SCOPE_H_
#define ANAMNESIS_LEDGER_QUERY_ITEM_SCOPE_H_

// What belongs to a software item, found along the typed edges: the item and its parts; what events about them define
// (requirements, designs, code, models, tests, risks, changes, releases, …), and so on; what those were made from,
// without following it further; and every event about any of these. An event that names items, none of them this one or
// its parts, belongs to others; but the hazardous situations that causes in the item name are its own, whoever recorded
// them, and so are their hazards. Cost follows what belongs to the item. Pure.

#include <map>
#include <set>
#include <string>
#include <utility>

#include "ledger/query/facts.h"

namespace anamnesis {

// Kind and id: all versions of an entity belong to the same item.
using EntityName = std::pair<std::string, std::string>;

EntityName NameOf(const v1::EntityRef& entity);
v1::EntityRef ToEntity(const EntityName& name);

struct ItemScope {
  // Ids of the item and the parts below it.
  std::set<std::string> items;
  std::set<EntityName> entities;
  // By leaf, only those that count. Borrowed from Facts.
  std::map<uint64_t, const Fact*> events;
  // Likewise, those that were retracted or replaced.
  std::map<uint64_t, const Fact*> void_events;

  bool Has(const EntityName& entity) const { return entities.count(entity) > 0; }
};

// What belongs to `subject`, a software item or any entity whose events lead further, such as a hazard. NOT_FOUND when
// nothing is recorded of it; what was only recorded and taken back is.
StatusOr<ItemScope> ScopeOf(Facts& facts, const v1::EntityRef& subject);

// What corrects the scope's events, and what corrects that: it refers to nothing, so that nothing else finds it. By
// leaf.
StatusOr<std::map<uint64_t, const Fact*>> CorrectionsOf(Facts& facts, const ItemScope& scope);

// The reference that the event defines, or nullptr.
const v1::EntityRef* DefinedBy(const Fact& fact);

// The entity that the event gives a new content to, or nullptr: what it defines, or the control that it revises.
const v1::EntityRef* SubjectOf(const Fact& fact);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_QUERY_ITEM_SCOPE_H_
