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
#include "ledger/query/named_records.h"
#include "ledger/query/place_in_time.h"
#include "ledger/query/plans_in_force.h"
#include "ledger/query/test_results.h"
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
      } else if (const std::optional<NamedRecords> late = NamedBeforeRecorded()) {
        facts_.Cite(late->later->event.index);
        answer_.set_text(Text("leaf ", late->later->event.index.value, " ", late->later->type(), " names ",
                              EntityKeyText(late->named), ", which was not on record before it"));
        shown = false;
      } else {
        ASSIGN_OR_RETURN(shown, ShownForEach());
      }
    }
    ASSIGN_OR_RETURN(const bool planned, SectionsShown());
    return shown && planned;
  }

  // What should have been on record before it was named, and wasn't.
  std::optional<NamedRecords> NamedBeforeRecorded() const {
    // Of the whole ledger the scope holds a few events only.
    if (asked_.before().empty() || asked_.ledger_wide()) return std::nullopt;
    for (NamedRecords& one : NamedRecordsOf(scope_, asked_)) {
      const bool before = std::any_of(one.records.begin(), one.records.end(),
                                      [&](const Fact* record) { return StandsEarlier(record, one.later); });
      if (!before) return std::move(one);
    }
    return std::nullopt;
  }

  // What the line asks for of each, and of which version.
  struct Asked {
    // The newest record of it; of what the line asks for by what happened to it alone, the newest event that says so.
    const Fact* newest = nullptr;
    std::string version;
    size_t records = 0;
    // The newest event that the line asks for it by without being a record of it, such as its resolution.
    const Fact* happened = nullptr;
  };

  // What an event is the record of; failing that, what it happened to, which its type names first.
  static const v1::EntityRef* RecordOf(const Fact& fact) {
    const v1::EntityRef* subject = SubjectOf(fact);
    return subject != nullptr ? subject : FindReference(fact.header(), fact.event.type->options->refs(0).role());
  }

  // Whether the line asks for something of what the event is the record of.
  StatusOr<bool> IsAskedFor(const EventPatterns& each, const Fact& fact) const {
    static const auto* is_unit = new EventPattern(ParsePattern("software_item.identified?level=UNIT"));
    if (each.Match(fact)) return true;
    if (!asked_.each_unit() || !Matches(*is_unit, fact)) return false;
    const std::string& unit = FindReference(fact.header(), "item")->id();
    ASSIGN_OR_RETURN(const ItemClass unit_class, ClassOfItemAt(facts_.rows(), unit, facts_.size()));
    return !own_classes_ || HoldsForClass(asked_.classes(), unit_class.safety_class);
  }

  StatusOr<std::map<EntityName, Asked>> AskedForEach() const {
    std::map<EntityName, Asked> asked;
    if ((!asked_.each_unit() && asked_.each().empty()) || asked_.ledger_wide()) return asked;
    const EventPatterns each(asked_.each());
    std::set<EntityName> recorded;
    const std::vector<const Fact*> events = EarliestFirst(scope_.events);
    for (const Fact* fact : events) {
      ASSIGN_OR_RETURN(const bool is_asked_for, IsAskedFor(each, *fact));
      const v1::EntityRef* of = is_asked_for ? RecordOf(*fact) : nullptr;
      if (of == nullptr) continue;
      Asked& one = asked[NameOf(*of)];
      one.newest = fact;
      one.version = of->version();
      if (SubjectOf(*fact) == nullptr) {
        one.happened = fact;
      } else {
        recorded.insert(NameOf(*of));
      }
    }
    for (const Fact* fact : events) {
      const v1::EntityRef* subject = SubjectOf(*fact);
      if (subject == nullptr || recorded.count(NameOf(*subject)) == 0) continue;
      Asked& one = asked[NameOf(*subject)];
      one.newest = fact;
      one.version = subject->version();
      ++one.records;
    }
    return asked;
  }

  // Whether the event is about that: its newest version, or, where there are no versions, what the last record says of
  // it. A reference without a version means the one that there was. A unit is one thing, however often it is
  // identified. What shows that a resolution held says nothing of the next one.
  static bool IsAbout(const Fact& fact, const EntityName& name, const Asked& asked) {
    if (asked.happened != nullptr && StandsEarlier(&fact, asked.happened)) return false;
    const bool since = asked.records < 2 || &fact == asked.newest || StandsEarlier(asked.newest, &fact);
    const auto& refs = fact.header().refs();
    return std::any_of(refs.begin(), refs.end(), [&](const v1::EntityRef& ref) {
      if (NameOf(ref) != name) return false;
      if (name.first == "software_item") return true;
      return ref.version().empty() || asked.version.empty() ? since : ref.version() == asked.version;
    });
  }

  // A condition on how it came out, and not on what it is.
  static bool AsksForOutcome(const EventPattern::Condition& condition) {
    const bool is_verdict = condition.value == "true" || condition.value == "false";
    return condition.path == "result" || (is_verdict && condition.path.find('.') == std::string::npos);
  }

  // Of what is asked for, whatever an event like the pattern is about, by the last event of each of its tests: one that
  // came out well hides no other that did not.
  std::set<EntityName> ShownBy(const EventPattern& pattern, const std::map<EntityName, Asked>& asked) const {
    EventPattern any_outcome = pattern;
    std::erase_if(any_outcome.conditions, AsksForOutcome);
    std::map<EntityName, std::vector<const Fact*>> results;
    for (const auto& [leaf, fact] : scope_.events) {
      if (!Matches(any_outcome, *fact) || !NamesEnough(*fact, asked_.references())) continue;
      for (const v1::EntityRef& ref : fact->header().refs()) {
        const auto one = asked.find(NameOf(ref));
        if (one != asked.end() && IsAbout(*fact, one->first, one->second)) results[one->first].push_back(fact);
      }
    }
    std::set<EntityName> shown;
    for (const auto& [name, of_it] : results) {
      const std::map<std::string, const Fact*> last = LastOfEachTest(of_it);
      const bool all =
          std::all_of(last.begin(), last.end(), [&](const auto& one) { return Matches(pattern, *one.second); });
      if (all) shown.insert(name);
    }
    return shown;
  }

  StatusOr<bool> ShownForEach() {
    ASSIGN_OR_RETURN(const auto asked, AskedForEach());
    if (asked.empty()) return true;
    const EventPatterns patterns(asked_.events());
    std::set<EntityName> shown;
    for (const EventPattern& pattern : patterns.all()) shown.merge(ShownBy(pattern, asked));
    std::string missing;
    for (const auto& [name, one] : asked) {
      if (shown.count(name) > 0) continue;
      facts_.Cite(one.newest->event.index);
      v1::EntityRef entity = ToEntity(name);
      entity.set_version(one.version);
      missing += Text(missing.empty() ? "" : ", ", asked_.each_unit() ? name.second : EntityKeyText(entity));
    }
    if (!missing.empty()) answer_.set_text(Text(asked_.each_unit() ? "not of the unit " : "not of ", missing));
    return missing.empty();
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
