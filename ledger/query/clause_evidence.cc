#include "ledger/query/clause_evidence.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "absl/strings/str_join.h"
#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/event_pattern.h"
#include "ledger/query/place_in_time.h"
#include "ledger/query/plans_in_force.h"
#include "ledger/state/software_items.h"

namespace anamnesis {
namespace {

bool NamesEnough(const Fact& fact, const google::protobuf::RepeatedPtrField<v1::ProcessProfile::NamedAtLeast>& asked) {
  return std::all_of(asked.begin(), asked.end(), [&](const v1::ProcessProfile::NamedAtLeast& rule) {
    std::set<EntityName> named;
    for (const v1::EntityRef& ref : fact.header().refs()) {
      if (ref.role() == rule.role()) named.insert(NameOf(ref));
    }
    for (const v1::EntityRef& ref : fact.header().refs()) {
      if (!rule.other_than().empty() && ref.role() == rule.other_than()) named.erase(NameOf(ref));
    }
    return named.size() >= rule.count();
  });
}

// The item's events that match, in log order; of the whole ledger where the line says so.
StatusOr<std::vector<const Fact*>> Matching(Facts& facts, const ItemScope& scope,
                                            const v1::ProcessProfile::Evidence& asked) {
  const EventPatterns patterns(asked.events());
  std::vector<const Fact*> found;
  if (!asked.ledger_wide()) {
    for (const auto& [leaf, fact] : scope.events) {
      if (patterns.Match(*fact) && NamesEnough(*fact, asked.references())) found.push_back(fact);
    }
    return found;
  }
  // One more than is shown tells that there are more.
  const auto enough = [&](const Fact& fact) { return NamesEnough(fact, asked.references()); };
  std::set<uint64_t> seen;
  for (const EventPattern& pattern : patterns.all()) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> matching,
                     FirstMatching(facts, pattern, kEvidenceShownMax + 1, enough));
    for (const Fact* fact : matching) {
      if (seen.insert(fact->event.index.value).second) found.push_back(fact);
    }
  }
  std::sort(found.begin(), found.end(), [](const Fact* a, const Fact* b) { return a->event.index < b->event.index; });
  return found;
}

bool AnyMatches(const ItemScope& scope, const google::protobuf::RepeatedPtrField<std::string>& texts) {
  const EventPatterns patterns(texts);
  return std::any_of(scope.events.begin(), scope.events.end(),
                     [&](const auto& event) { return patterns.Match(*event.second); });
}

// The first event of the item that should have come after `first` but stands before it; nullptr when none does.
const Fact* StandsBefore(const ItemScope& scope, const google::protobuf::RepeatedPtrField<std::string>& texts,
                         const Fact* first) {
  const EventPatterns patterns(texts);
  const Fact* before = nullptr;
  for (const auto& [leaf, fact] : scope.events) {
    const bool earlier = StandsEarlier(fact, before == nullptr ? first : before);
    if (earlier && patterns.Match(*fact)) before = fact;
  }
  return before;
}

// Topics of the item's plans, each with the leaf of the newest version of a plan that has it.
std::map<std::string, const Fact*> PlanSections(const ItemScope& scope) {
  std::map<std::string, const Fact*> sections;
  for (const auto& [plan, fact] : PlansInForce(scope)) {
    const v1::PlanContent* content = PlanOf(*fact);
    if (content == nullptr) continue;
    for (const v1::PlanContent::Section& section : content->sections()) {
      const bool says_something = !section.text().empty() || section.has_document();
      if (says_something) sections.emplace(section.topic(), fact);
    }
  }
  return sections;
}

// The asked item's own identification has the value.
bool ItemIs(const ItemScope& scope, const std::string& condition) {
  const EventPattern pattern = ParsePattern("software_item.identified?" + condition);
  return std::any_of(scope.events.begin(), scope.events.end(),
                     [&](const auto& event) { return Matches(pattern, *event.second); });
}

class Judge {
 public:
  Judge(Facts& facts, const ItemScope& scope, const v1::ProcessProfile::Evidence& asked, bool own_classes)
      : facts_(facts), scope_(scope), asked_(asked), own_classes_(own_classes) {}

  StatusOr<v1::ClauseEvidence> Run(v1::SoftwareSafetyClass safety_class) {
    answer_.set_clause(asked_.clause());
    answer_.set_title(asked_.title());
    answer_.set_policy_only(asked_.policy_only());
    *answer_.mutable_events() = asked_.events();
    const bool concerns =
        HoldsForClass(asked_.classes(), safety_class) && (asked_.item_is().empty() || ItemIs(scope_, asked_.item_is()));
    if (!concerns) {
      answer_.set_state(v1::NOT_REQUIRED);
      return answer_;
    }
    if (asked_.ledger_itself()) {
      answer_.set_state(v1::PRESENT);
      answer_.set_text("the ledger keeps every event in its place");
      return answer_;
    }
    ASSIGN_OR_RETURN(const bool shown, Shown());
    if (shown) {
      answer_.set_state(v1::PRESENT);
    } else if (!asked_.when().empty() && !AnyMatches(scope_, asked_.when())) {
      answer_.set_state(v1::NOT_DUE);
      answer_.set_text("nothing was recorded yet that calls for it");
    } else {
      answer_.set_state(asked_.policy_only() ? v1::MISSING_BY_POLICY : v1::MISSING_BY_CLAUSE);
    }
    return answer_;
  }

 private:
  StatusOr<bool> Shown() {
    bool shown = true;
    if (!asked_.events().empty()) {
      ASSIGN_OR_RETURN(const std::vector<const Fact*> found, Matching(facts_, scope_, asked_));
      for (const Fact* fact : found) RETURN_IF_ERROR(Cite(*fact));
      if (found.empty()) {
        answer_.set_text("no event of the item like " + absl::StrJoin(asked_.events(), " or "));
        shown = false;
      } else if (const Fact* before = StandsBefore(scope_, asked_.before(),
                                                   *std::min_element(found.begin(), found.end(), StandsEarlier))) {
        facts_.Cite(before->event.index);
        answer_.set_text(Text("stands only after leaf ", before->event.index.value, " ", before->type()));
        shown = false;
      } else if (asked_.each_unit()) {
        ASSIGN_OR_RETURN(shown, ShownForEachUnit(found));
      }
    }
    ASSIGN_OR_RETURN(const bool planned, SectionsShown());
    return shown && planned;
  }

  // Whether each unit that the line concerns is the item of one of the events.
  StatusOr<bool> ShownForEachUnit(const std::vector<const Fact*>& found) {
    static const auto* is_unit = new EventPattern(ParsePattern("software_item.identified?level=UNIT"));
    std::set<std::string> missing;
    for (const auto& [leaf, fact] : scope_.events) {
      if (!Matches(*is_unit, *fact)) continue;
      const std::string& unit = FindReference(fact->header(), "item")->id();
      ASSIGN_OR_RETURN(const ItemClass unit_class, ClassOfItemAt(facts_.rows(), unit, facts_.size()));
      if (!own_classes_ || HoldsForClass(asked_.classes(), unit_class.safety_class)) missing.insert(unit);
    }
    for (const Fact* fact : found) {
      for (const v1::EntityRef& ref : fact->header().refs()) {
        if (ref.role() == "item") missing.erase(ref.id());
      }
    }
    if (missing.empty()) return true;
    std::string names;
    for (const std::string& unit : missing) names += Text(names.empty() ? "" : ", ", unit);
    answer_.set_text(Text("not of the unit ", names));
    return false;
  }

  StatusOr<bool> SectionsShown() {
    if (asked_.plan_sections().empty()) return true;
    const std::map<std::string, const Fact*> sections = PlanSections(scope_);
    std::string missing;
    std::set<const Fact*> plans;
    for (const std::string& topic : asked_.plan_sections()) {
      const auto found = sections.find(topic);
      if (found == sections.end()) {
        missing += Text(missing.empty() ? "" : ", ", topic);
      } else if (plans.insert(found->second).second) {
        RETURN_IF_ERROR(Cite(*found->second));
      }
    }
    if (!missing.empty()) answer_.set_text(Text("no plan of the item has the section ", missing));
    return missing.empty();
  }

  Status Cite(const Fact& fact) {
    if (answer_.evidence_size() == kEvidenceShownMax) {
      answer_.set_more(true);
      return OkStatus();
    }
    ASSIGN_OR_RETURN(*answer_.add_evidence(), facts_.Reference(fact.event.index));
    return OkStatus();
  }

  Facts& facts_;
  const ItemScope& scope_;
  const v1::ProcessProfile::Evidence& asked_;
  const bool own_classes_;
  v1::ClauseEvidence answer_;
};

}  // namespace

StatusOr<v1::SoftwareSafetyClass> ClassFor(Facts& facts, const v1::EntityRef& item, v1::SoftwareSafetyClass asked,
                                           std::string& assigned_to) {
  if (asked != v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED) {
    if (v1::SoftwareSafetyClass_IsValid(asked)) return asked;
    return absl::InvalidArgumentError(Text("safety_class: ", static_cast<int>(asked), " is none of A, B and C"));
  }
  ASSIGN_OR_RETURN(const ItemClass item_class, ClassOfItemAt(facts.rows(), item.id(), facts.size()));
  assigned_to = item_class.assigned_to;
  if (!assigned_to.empty()) facts.Cite(item_class.evidence);
  return item_class.safety_class;
}

Status CheckIsItem(std::string_view field, const v1::EntityRef& item) {
  if (item.kind() == "software_item" && !item.id().empty()) return OkStatus();
  return absl::InvalidArgumentError(
      Text(field, ": \"", EntityKeyText(item), "\" is no software item; give software_item:ID"));
}

bool HoldsForClass(const google::protobuf::RepeatedField<int>& classes, v1::SoftwareSafetyClass safety_class) {
  return std::find(classes.begin(), classes.end(), static_cast<int>(safety_class)) != classes.end();
}

StatusOr<v1::ClauseEvidence> JudgeEvidence(Facts& facts, const ItemScope& scope,
                                           const v1::ProcessProfile::Evidence& asked,
                                           v1::SoftwareSafetyClass safety_class, bool own_classes) {
  return Judge(facts, scope, asked, own_classes).Run(safety_class);
}

}  // namespace anamnesis
