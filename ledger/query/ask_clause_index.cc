#include <algorithm>

#include "ledger/query/adopted_policy.h"
#include "ledger/query/ask.h"
#include "ledger/query/clause_evidence.h"
#include "ledger/query/event_pattern.h"

namespace anamnesis {
namespace {

// Whether the clause is asked for, by its whole name or by its number alone.
bool IsClause(std::string_view clause, std::string_view asked) {
  if (clause == asked) return true;
  const size_t space = clause.rfind(' ');
  return space != std::string_view::npos && clause.substr(space + 1) == asked;
}

// The clauses that are asked for: as they are written, and what they mean by the map's aliases.
std::vector<std::string> AskedClauses(const std::string& clause, const v1::ClauseMap* map,
                                      v1::ClauseIndexAnswer& answer) {
  std::vector<std::string> asked = {clause};
  if (map == nullptr || clause.empty()) return asked;
  for (const v1::ClauseMap::Alias& alias : map->aliases()) {
    if (!IsClause(alias.clause(), clause)) continue;
    v1::ClauseIndexAnswer::Alias& named = *answer.add_aliases();
    named.set_clause(alias.clause());
    *named.mutable_means() = alias.means();
    named.set_note(alias.note());
    asked.insert(asked.end(), alias.means().begin(), alias.means().end());
  }
  return asked;
}

bool IsAsked(const std::vector<std::string>& asked, std::string_view clause) {
  return asked[0].empty() ||
         std::any_of(asked.begin(), asked.end(), [&](const std::string& one) { return IsClause(clause, one); });
}

// Adds the first `count` events of the whole ledger that are like each pattern.
Status AddFirst(Facts& facts, const google::protobuf::RepeatedPtrField<std::string>& patterns, size_t count,
                ItemScope& scope) {
  for (const std::string& text : patterns) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> found, FirstMatching(facts, ParsePattern(text), count));
    for (const Fact* fact : found) scope.events.emplace(fact->event.index.value, fact);
  }
  return OkStatus();
}

// A clause of another standard, as a line of a profile that every class has.
v1::ProcessProfile::Evidence AsEvidence(const v1::ClauseMap::Mapping& mapping) {
  v1::ProcessProfile::Evidence evidence;
  evidence.set_clause(mapping.clause());
  evidence.set_title(mapping.title());
  for (const auto safety_class :
       {v1::SOFTWARE_SAFETY_CLASS_A, v1::SOFTWARE_SAFETY_CLASS_B, v1::SOFTWARE_SAFETY_CLASS_C}) {
    evidence.add_classes(safety_class);
  }
  *evidence.mutable_events() = mapping.events();
  return evidence;
}

std::string_view TypeOf(std::string_view pattern) { return pattern.substr(0, pattern.find('?')); }

// Clauses of other standards whose records have a type of this line.
void AddOtherStandards(const v1::ClauseMap* map, v1::ClauseEvidence& evidence) {
  if (map == nullptr) return;
  for (const v1::ClauseMap::Mapping& mapping : map->mappings()) {
    const bool shared = std::any_of(evidence.events().begin(), evidence.events().end(), [&](const std::string& own) {
      return std::any_of(mapping.events().begin(), mapping.events().end(),
                         [&](const std::string& other) { return TypeOf(other) == TypeOf(own); });
    });
    if (shared && mapping.clause() != evidence.clause()) evidence.add_other_standards(mapping.clause());
  }
}

class Index {
 public:
  Index(Facts& facts, const v1::ClauseIndexQuestion& question, v1::ClauseIndexAnswer& answer)
      : facts_(facts), question_(question), answer_(answer) {}

  Status Fill(const v1::ProcessProfile* profile, const v1::ClauseMap* map) {
    if (question_.has_item()) {
      RETURN_IF_ERROR(CheckIsItem("clause_index.item", question_.item()));
      ASSIGN_OR_RETURN(scope_, ScopeOf(facts_, question_.item()));
    }
    if (question_.has_item() || question_.safety_class() != v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED) {
      std::string unused;
      ASSIGN_OR_RETURN(class_, ClassFor(facts_, question_.item(), question_.safety_class(), unused));
    }
    const std::vector<std::string> asked = AskedClauses(question_.clause(), map, answer_);
    if (profile != nullptr) {
      *answer_.mutable_levels() = LevelsOf(*profile, class_);
      for (const v1::ProcessProfile::Evidence& line : profile->evidence()) {
        if (IsAsked(asked, line.clause())) RETURN_IF_ERROR(Add(line, map));
      }
    }
    if (map != nullptr) {
      for (const v1::ClauseMap::Mapping& mapping : map->mappings()) {
        // A number alone means the profile's standard.
        const bool is_asked = std::find(asked.begin(), asked.end(), mapping.clause()) != asked.end();
        if (is_asked) RETURN_IF_ERROR(Add(AsEvidence(mapping), map));
      }
    }
    return OkStatus();
  }

  // Whether a line asks for each of several things, and was judged without an item's to look for.
  bool one_is_enough() const { return one_is_enough_; }

 private:
  Status Add(v1::ProcessProfile::Evidence line, const v1::ClauseMap* map) {
    if (!question_.has_item()) {
      one_is_enough_ = one_is_enough_ || line.each_unit() || !line.each().empty();
      line.set_ledger_wide(true);
      RETURN_IF_ERROR(AddForWholeLedger(line));
    }
    // Without a class a line counts when any class has it.
    const bool any_class = class_ == v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED && !line.classes().empty();
    const v1::SoftwareSafetyClass safety_class = any_class ? v1::SoftwareSafetyClass(line.classes(0)) : class_;
    ASSIGN_OR_RETURN(v1::ClauseEvidence evidence,
                     JudgeEvidence(facts_, scope_, line, safety_class,
                                   question_.safety_class() == v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED));
    if (IsMissing(evidence.state())) answer_.add_missing(evidence.clause());
    AddOtherStandards(map, evidence);
    *answer_.add_clauses() = std::move(evidence);
    return OkStatus();
  }

  // What the line is judged by besides its own events: of each that it asks for the first is enough, and all plans.
  Status AddForWholeLedger(const v1::ProcessProfile::Evidence& line) {
    RETURN_IF_ERROR(AddFirst(facts_, line.when(), 1, scope_));
    RETURN_IF_ERROR(AddFirst(facts_, line.before(), 1, scope_));
    google::protobuf::RepeatedPtrField<std::string> types;
    if (!line.item_is().empty()) *types.Add() = "software_item.identified?" + line.item_is();
    RETURN_IF_ERROR(AddFirst(facts_, types, 1, scope_));
    if (line.plan_sections().empty()) return OkStatus();
    types.Clear();
    *types.Add() = "plan.approved";
    *types.Add() = "plan.revised";
    return AddFirst(facts_, types, kQuestionEventsMax, scope_);
  }

  Facts& facts_;
  const v1::ClauseIndexQuestion& question_;
  v1::ClauseIndexAnswer& answer_;
  ItemScope scope_;
  v1::SoftwareSafetyClass class_ = v1::SOFTWARE_SAFETY_CLASS_UNSPECIFIED;
  bool one_is_enough_ = false;
};

// What an event serves: by its type's annotations, the profile and the map.
Status FillForLeaf(Facts& facts, LeafIndex index, const v1::ProcessProfile* profile, const v1::ClauseMap* map,
                   v1::ClauseIndexAnswer& answer) {
  ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
  facts.Cite(index);
  std::set<std::string> clauses(fact->event.type->options->clauses().begin(),
                                fact->event.type->options->clauses().end());
  if (profile != nullptr) {
    for (const v1::ProcessProfile::Evidence& line : profile->evidence()) {
      if (EventPatterns(line.events()).Match(*fact)) clauses.insert(line.clause());
    }
  }
  if (map != nullptr) {
    for (const v1::ClauseMap::Mapping& mapping : map->mappings()) {
      if (EventPatterns(mapping.events()).Match(*fact)) clauses.insert(mapping.clause());
    }
  }
  for (const std::string& clause : clauses) answer.add_clauses_of_leaf(clause);
  return OkStatus();
}

}  // namespace

Status AnswerClauseIndex(Facts& facts, const v1::ClauseIndexQuestion& question, v1::Answer& answer) {
  v1::ClauseIndexAnswer& filled = *answer.mutable_clause_index();
  v1::LeafReference leaf;
  ASSIGN_OR_RETURN(const std::optional<AdoptedPolicy> profile,
                   FindPolicy(facts, v1::PolicyAdopted::PROCESS_PROFILE, answer, &leaf));
  if (profile.has_value()) *filled.mutable_profile() = leaf;
  ASSIGN_OR_RETURN(const std::optional<AdoptedPolicy> map,
                   FindPolicy(facts, v1::PolicyAdopted::CLAUSE_MAP, answer, &leaf));
  if (map.has_value()) *filled.mutable_clause_map() = leaf;
  const v1::ProcessProfile* asked = profile.has_value() ? &profile->body->document().process_profile() : nullptr;
  const v1::ClauseMap* mapped = map.has_value() ? &map->body->document().clause_map() : nullptr;
  if (question.has_leaf()) return FillForLeaf(facts, LeafIndex(question.leaf()), asked, mapped, filled);
  Index index(facts, question, filled);
  RETURN_IF_ERROR(index.Fill(asked, mapped));
  if (index.one_is_enough()) {
    answer.add_notes(
        "of the whole ledger one record is enough to show a clause: whether each problem, test, SOUP or unit has its "
        "own, "
        "only the clause index or the completeness of an item says");
  }
  if (filled.clauses().empty() && !question.clause().empty() && (asked != nullptr || mapped != nullptr)) {
    return absl::NotFoundError(
        Text("clause_index.clause: \"", question.clause(), "\" is in neither the profile nor the clause map"));
  }
  return OkStatus();
}

}  // namespace anamnesis
