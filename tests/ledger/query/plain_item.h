#ifndef ANAMNESIS_TESTS_LEDGER_QUERY_PLAIN_ITEM_H_
#define ANAMNESIS_TESTS_LEDGER_QUERY_PLAIN_ITEM_H_

// What belongs to a software item, what of a process profile it shows and in which order it came, by looking at every
// event again and again: the reference for completeness, clause index and sequencing. Written for the histories of
// RandomDrafts: items without parts and without a class (so class C), nothing recorded after the fact, no causes.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "anamnesis/v1/policy.pb.h"
#include "anamnesis/v1/question.pb.h"
#include "ledger/event/vocabulary.h"
#include "tests/ledger/query/plain_events.h"

namespace anamnesis {

struct PlainScope {
  // In log order; only those that count.
  std::vector<const Plain*> events;
  // Something was recorded of the item, though it may all have been taken back.
  bool recorded = false;
};

inline std::pair<std::string, std::string> PlainName(const v1::EntityRef& ref) { return {ref.kind(), ref.id()}; }

// Roles in which an event says what it comes after or relies on.
inline bool PlainPointsElsewhere(const v1::EntityRef& ref) {
  static const std::set<std::string> roles = {"depends_on", "previous_model",  "parent_model",
                                              "parent",     "rollback_target", "element"};
  return roles.count(ref.role()) > 0;
}

inline bool PlainBelongsToOthers(const Plain& event, const std::string& item) {
  bool others = false;
  for (const v1::EntityRef& ref : event.header().refs()) {
    if (ref.kind() != "software_item" || PlainPointsElsewhere(ref)) continue;
    if (ref.id() == item) return false;
    others = true;
  }
  return others;
}

inline const v1::EntityRef* PlainDefined(const Plain& event) {
  for (const v1::ReferenceRule& rule :
       event.event->draft.body->GetDescriptor()->options().GetExtension(v1::event).refs()) {
    if (rule.defines()) return FindReference(event.header(), rule.role());
  }
  return nullptr;
}

// Grows the set of what belongs to the item until nothing is added, then adds what it was made from.
inline PlainScope ScopeOfItem(const std::vector<Plain>& all, const std::string& item) {
  static const std::set<std::string> not_followed = {"dataset",     "annotation",  "split",
                                                     "transform",   "document",    "person",
                                                     "device_unit", "acquisition", "software_item"};
  std::set<std::pair<std::string, std::string>> entities = {{"software_item", item}};
  std::set<std::pair<std::string, std::string>> made_from;
  std::set<uint64_t> inside;
  const auto about = [&](const Plain& event, const auto& names) {
    return std::any_of(event.header().refs().begin(), event.header().refs().end(), [&](const v1::EntityRef& ref) {
      return !PlainPointsElsewhere(ref) && names.count(PlainName(ref)) > 0;
    });
  };
  for (bool grown = true; grown;) {
    grown = false;
    for (const Plain& event : all) {
      if (!event.counts || !about(event, entities) || PlainBelongsToOthers(event, item)) continue;
      grown = inside.insert(event.index).second || grown;
      const v1::EntityRef* defined = PlainDefined(event);
      if (defined != nullptr && not_followed.count(defined->kind()) == 0) {
        grown = entities.insert(PlainName(*defined)).second || grown;
      }
      for (const v1::EntityRef& ref : event.header().refs()) {
        const bool maker = event.type() == "model.registered" || event.type() == "training_run.started" ||
                           event.type() == "artifact.produced";
        const bool material = ref.kind() == "dataset" || ref.kind() == "training_run" || ref.kind() == "code_revision";
        if (maker && material) made_from.insert(PlainName(ref));
        if (event.type() != "trace.linked" || not_followed.count(ref.kind()) > 0) continue;
        const Plain* definition = nullptr;
        for (const Plain& other : all) {
          if (other.counts && other.Defines(ref, false)) definition = &other;
        }
        if (definition != nullptr && PlainBelongsToOthers(*definition, item)) continue;
        grown = entities.insert(PlainName(ref)).second || grown;
      }
    }
  }
  for (const auto& name : made_from) {
    if (entities.count(name) > 0) continue;
    for (const Plain& event : all) {
      if (!event.counts || PlainBelongsToOthers(event, item)) continue;
      for (const v1::EntityRef& ref : event.header().refs()) {
        if (PlainPointsElsewhere(ref) || PlainName(ref) != name) continue;
        const auto& options = event.event->draft.body->GetDescriptor()->options().GetExtension(v1::event);
        const v1::EntityRef* defined = PlainDefined(event);
        const bool own = options.refs(0).role() == ref.role();
        if (own || (defined != nullptr && (defined->kind() == "annotation" || defined->kind() == "split"))) {
          inside.insert(event.index);
        }
      }
    }
  }
  PlainScope scope;
  for (const Plain& event : all) {
    const bool taken_back = !event.counts && about(event, entities) && !PlainBelongsToOthers(event, item);
    scope.recorded = scope.recorded || taken_back || inside.count(event.index) > 0;
    if (inside.count(event.index) > 0) scope.events.push_back(&event);
  }
  return scope;
}

// --- A profile small enough to be judged by hand ---

// "TYPE" or "TYPE?FIELD=VALUE" with a plain enum field.
inline bool PlainMatches(const Plain& event, const std::string& pattern) {
  const size_t mark = pattern.find('?');
  if (event.type() != pattern.substr(0, mark)) return false;
  if (mark == std::string::npos) return true;
  const size_t equals = pattern.find('=', mark);
  const google::protobuf::Message& body = *event.event->draft.body;
  const auto* field = body.GetDescriptor()->FindFieldByName(pattern.substr(mark + 1, equals - mark - 1));
  CHECK(field != nullptr);
  return body.GetReflection()->GetEnum(body, field)->name() == pattern.substr(equals + 1);
}

template <typename Patterns>
bool PlainMatchesAny(const Plain& event, const Patterns& patterns) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return PlainMatches(event, pattern); });
}

inline v1::PolicyDocument PlainProfile() {
  v1::PolicyDocument document;
  v1::ProcessProfile& profile = *document.mutable_process_profile();
  profile.set_standard("small");
  auto& level = *profile.add_levels();
  level.set_name("C");
  level.add_classes(v1::SOFTWARE_SAFETY_CLASS_C);
  const auto add = [&](const std::string& clause, const std::vector<std::string>& events) -> auto& {
    v1::ProcessProfile::Evidence& line = *profile.add_evidence();
    line.set_clause(clause);
    line.set_title(clause);
    line.add_classes(v1::SOFTWARE_SAFETY_CLASS_C);
    for (const std::string& event : events) line.add_events(event);
    return line;
  };
  add("S 1", {"requirement.approved"});
  add("S 2", {"test_run.completed?result=PASS"}).add_when("test_case.approved");
  add("S 3", {"requirement.approved"}).add_before("test_run.completed");
  add("S 4", {"risk_control.verified", "hazard.identified"}).set_policy_only(true);
  add("S 5", {"incident.recorded", "problem.reported"}).set_ledger_wide(true);
  add("S 6", {"code.revision_recorded"}).add_before("test_case.approved");
  add("S 8", {"requirement.approved"}).add_before("test_case.approved");
  auto& each = add("S 9", {"test_run.completed?result=PASS"});
  each.add_each("test_case.approved");
  auto& other = add("S 7", {"test_run.completed?result=FAIL"});
  other.clear_classes();
  other.add_classes(v1::SOFTWARE_SAFETY_CLASS_A);
  return document;
}

struct PlainVerdict {
  v1::EvidenceState state = v1::EVIDENCE_STATE_UNSPECIFIED;
  std::vector<uint64_t> evidence;
};

// Whether what the events that should come later name was on record before, in that version.
inline bool PlainNamedInOrder(const std::vector<const Plain*>& own, const v1::ProcessProfile::Evidence& line) {
  for (const Plain* later : own) {
    if (!PlainMatchesAny(*later, line.before())) continue;
    for (const v1::EntityRef& ref : later->header().refs()) {
      bool known = false;
      bool before = false;
      for (const Plain* other : own) {
        const v1::EntityRef* defined = PlainDefined(*other);
        if (!PlainMatchesAny(*other, line.events()) || defined == nullptr || PlainName(*defined) != PlainName(ref)) {
          continue;
        }
        known = true;
        const bool same = ref.version().empty() || defined->version() == ref.version();
        before = before || (same && other->index < later->index);
      }
      if (known && !before) return false;
    }
  }
  return true;
}

// Whether the last run of each test case that the line asks for passed. The drafts' test cases have one version.
inline bool PlainShownForEach(const std::vector<const Plain*>& own, const v1::ProcessProfile::Evidence& line) {
  std::map<std::pair<std::string, std::string>, bool> shown;
  for (const Plain* event : own) {
    if (PlainMatchesAny(*event, line.each())) shown.emplace(PlainName(*PlainDefined(*event)), false);
  }
  for (const Plain* event : own) {
    if (event->type() != "test_run.completed") continue;
    for (const v1::EntityRef& ref : event->header().refs()) {
      const auto found = shown.find(PlainName(ref));
      if (found != shown.end()) found->second = PlainMatchesAny(*event, line.events());
    }
  }
  return std::all_of(shown.begin(), shown.end(), [](const auto& one) { return one.second; });
}

// What is to be said of a line: of the item whose scope is given, or of the whole ledger and any class. nullopt: the
// profile has no such line.
inline std::optional<PlainVerdict> JudgeLine(const std::vector<Plain>& all, const std::string& clause,
                                             const PlainScope* scope) {
  constexpr size_t kShownMax = 20;
  const v1::PolicyDocument document = PlainProfile();
  for (const v1::ProcessProfile::Evidence& line : document.process_profile().evidence()) {
    if (line.clause() != clause) continue;
    PlainVerdict verdict;
    if (scope != nullptr && line.classes(0) != v1::SOFTWARE_SAFETY_CLASS_C) {
      verdict.state = v1::NOT_REQUIRED;
      return verdict;
    }
    std::vector<const Plain*> everything;
    for (const Plain& event : all) {
      if (event.counts) everything.push_back(&event);
    }
    const std::vector<const Plain*>& own = scope != nullptr ? scope->events : everything;
    const std::vector<const Plain*>& looked_at = line.ledger_wide() ? everything : own;
    std::optional<uint64_t> first;
    for (const Plain* event : looked_at) {
      if (!PlainMatchesAny(*event, line.events())) continue;
      if (!first.has_value()) first = event->index;
      if (verdict.evidence.size() < kShownMax) verdict.evidence.push_back(event->index);
    }
    bool shown = first.has_value();
    bool due = line.when().empty();
    for (const Plain* event : own) {
      if (first.has_value() && event->index < *first && PlainMatchesAny(*event, line.before())) shown = false;
      due = due || PlainMatchesAny(*event, line.when());
    }
    // Of the whole ledger one event is enough.
    if (scope != nullptr && !line.ledger_wide()) {
      shown = shown && PlainNamedInOrder(own, line) && PlainShownForEach(own, line);
    }
    verdict.state = shown                ? v1::PRESENT
                    : !due               ? v1::NOT_DUE
                    : line.policy_only() ? v1::MISSING_BY_POLICY
                                         : v1::MISSING_BY_CLAUSE;
    return verdict;
  }
  return std::nullopt;
}

// --- Order ---

// Rule, later, the first that should stand before it, and whether it does.
using PlainStep = std::tuple<std::string, uint64_t, std::optional<uint64_t>, v1::SequencingAnswer::State>;

inline PlainStep StepOf(const std::string& rule, uint64_t later, std::optional<uint64_t> earlier) {
  const auto state = !earlier.has_value() ? v1::SequencingAnswer::NOTHING_BEFORE
                     : *earlier < later   ? v1::SequencingAnswer::IN_ORDER
                                          : v1::SequencingAnswer::OUT_OF_ORDER;
  return {rule, later, earlier, state};
}

inline std::multiset<PlainStep> StepsOf(const std::vector<Plain>& all, const PlainScope& scope) {
  std::multiset<PlainStep> steps;
  for (const Plain* later : scope.events) {
    const auto& options = later->event->draft.body->GetDescriptor()->options().GetExtension(v1::event);
    for (const v1::Precondition& rule : options.preconditions()) {
      if (!rule.when().empty() && !PlainMatches(*later, later->type() + "?" + rule.when())) continue;
      for (v1::EntityRef entity : later->header().refs()) {
        if (entity.role() != rule.role()) continue;
        if (rule.any_version()) entity.clear_version();
        std::optional<uint64_t> earlier;
        for (const Plain& event : all) {
          const bool names = event.Names(entity, rule.as().empty() ? rule.role() : rule.as());
          if (earlier.has_value() || !event.counts || event.index == later->index || !names) continue;
          if (PlainMatchesAny(event, rule.events())) earlier = event.index;
        }
        steps.insert(StepOf(rule.rule(), later->index, earlier));
      }
    }
  }
  const v1::PolicyDocument document = PlainProfile();
  for (const v1::ProcessProfile::Evidence& line : document.process_profile().evidence()) {
    if (line.before().empty()) continue;
    std::optional<uint64_t> later;
    std::optional<uint64_t> earlier;
    for (const Plain* event : scope.events) {
      if (!later.has_value() && PlainMatchesAny(*event, line.before())) later = event->index;
      if (!earlier.has_value() && PlainMatchesAny(*event, line.events())) earlier = event->index;
    }
    if (!later.has_value()) continue;
    steps.insert(StepOf("PROFILE/" + line.clause(), *later, earlier));
    // Besides, each thing that is named later, in the version that is named.
    for (const Plain* event : scope.events) {
      if (!PlainMatchesAny(*event, line.before())) continue;
      for (const v1::EntityRef& ref : event->header().refs()) {
        bool known = false;
        std::optional<uint64_t> record;
        for (const Plain* other : scope.events) {
          const v1::EntityRef* defined = PlainDefined(*other);
          if (!PlainMatchesAny(*other, line.events()) || defined == nullptr || PlainName(*defined) != PlainName(ref)) {
            continue;
          }
          known = true;
          const bool same = ref.version().empty() || defined->version() == ref.version();
          if (same && !record.has_value()) record = other->index;
        }
        if (known) steps.insert(StepOf("PROFILE/" + line.clause(), event->index, record));
      }
    }
  }
  return steps;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_QUERY_PLAIN_ITEM_H_
