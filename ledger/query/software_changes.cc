#include "ledger/query/software_changes.h"

#include <set>

#include "ledger/query/item_tree.h"
#include "ledger/query/place_in_time.h"

namespace anamnesis {
namespace {

bool ChangesSoftware(const Fact& fact) {
  static const auto* types = new std::set<std::string_view>{"code.revision_recorded", "model.registered",
                                                            "build.completed", "soup.version_changed"};
  return types->count(fact.type()) > 0;
}

std::string ItemOf(const Fact& fact) {
  const v1::EntityRef* item = FindReference(fact.header(), "item");
  return item == nullptr || item->kind() != "software_item" ? "" : item->id();
}

const Fact* Later(const Fact* a, const Fact* b) {
  if (a == nullptr || b == nullptr) return a == nullptr ? b : a;
  return StandsEarlier(a, b) ? b : a;
}

}  // namespace

SoftwareChanges::SoftwareChanges(Facts& facts, const ItemScope& scope) : facts_(facts), scope_(scope) {
  for (const auto& [leaf, fact] : scope.events) {
    if (!ChangesSoftware(*fact)) continue;
    last_ = Later(last_, fact);
    const Fact*& of_item = last_of_[ItemOf(*fact)];
    of_item = Later(of_item, fact);
  }
}

StatusOr<const Fact*> SoftwareChanges::LastConcerning(const Fact& result) {
  const std::string item = ItemOf(result);
  const Fact* last = last_;
  if (!item.empty()) {
    ASSIGN_OR_RETURN(last, LastOf(item));
  }
  if (last != nullptr && StandsEarlier(&result, last)) facts_.Cite(last->event.index);
  return last;
}

StatusOr<const Fact*> SoftwareChanges::LastOf(const std::string& item) {
  const auto [place, is_new] = concerning_.emplace(item, nullptr);
  if (!is_new) return place->second;
  ASSIGN_OR_RETURN(std::set<std::string> related, ItemAndContaining(facts_, item));
  ASSIGN_OR_RETURN(std::set<std::string> parts, ItemAndParts(facts_, item));
  related.merge(parts);
  const auto unsaid = last_of_.find("");
  if (unsaid != last_of_.end()) place->second = unsaid->second;
  for (const std::string& one : related) {
    ASSIGN_OR_RETURN(const Fact* last, LastNaming(one));
    place->second = Later(place->second, last);
  }
  return place->second;
}

// The scope holds all of its own items' changes, and of others' only some.
StatusOr<const Fact*> SoftwareChanges::LastNaming(const std::string& item) {
  const auto known = last_of_.find(item);
  const Fact* last = known == last_of_.end() ? nullptr : known->second;
  if (scope_.items.count(item) > 0) return last;
  ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes,
                   facts_.About(ToEntity({"software_item", item}), "item", kQuestionEventsMax));
  for (const LeafIndex index : indexes) {
    ASSIGN_OR_RETURN(const Fact* fact, facts_.At(index));
    if (fact->counts() && ChangesSoftware(*fact)) last = Later(last, fact);
  }
  return last;
}

}  // namespace anamnesis
