#include <algorithm>
#include <deque>

#include "ledger/event/names.h"
#include "ledger/query/adopted_policy.h"
#include "ledger/query/ask.h"
#include "ledger/query/clause_evidence.h"
#include "ledger/query/event_pattern.h"
#include "ledger/query/item_scope.h"
#include "ledger/query/named_records.h"
#include "ledger/query/place_in_time.h"
#include "ledger/state/software_items.h"

namespace anamnesis {
namespace {

using Answer = v1::SequencingAnswer;

// How many causes are followed for one event.
constexpr size_t kCausesMax = 1000;

class Judge {
 public:
  Judge(Facts& facts, Answer& answer) : facts_(facts), answer_(answer) {}

  // The order that the vocabulary asks for of one event.
  Status AddPreconditions(const Fact& later) {
    for (const v1::Precondition& rule : later.event.type->options->preconditions()) {
      ASSIGN_OR_RETURN(const bool applies, Applies(rule, later));
      if (!applies) continue;
      for (const v1::EntityRef& ref : later.header().refs()) {
        if (ref.role() != rule.role()) continue;
        ASSIGN_OR_RETURN(const std::vector<const Fact*> candidates, Candidates(rule, ref, later));
        RETURN_IF_ERROR(AddStep(rule.rule(), rule.clause(), rule.remedy(), later, candidates));
      }
    }
    return OkStatus();
  }

  // The order that a line of the profile asks for: of the first event, and of all that later ones name.
  Status AddProfileLine(const ItemScope& scope, const v1::ProcessProfile::Evidence& line) {
    const EventPatterns later_patterns(line.before());
    const EventPatterns earlier_patterns(line.events());
    const Fact* later = nullptr;
    std::vector<const Fact*> candidates;
    for (const auto& [leaf, fact] : scope.events) {
      const bool first = later == nullptr || StandsEarlier(fact, later);
      if (first && later_patterns.Match(*fact)) later = fact;
      if (earlier_patterns.Match(*fact)) candidates.push_back(fact);
    }
    if (later == nullptr) return OkStatus();
    const std::string rule = Text("PROFILE/", line.clause());
    RETURN_IF_ERROR(AddStep(rule, line.clause(), Text("record ", line.title(), " first"), *later, candidates));
    for (const NamedRecords& one : NamedRecordsOf(scope, line)) {
      const std::string remedy = Text("record ", EntityKeyText(one.named), " first");
      RETURN_IF_ERROR(AddStep(rule, line.clause(), remedy, *one.later, one.records));
    }
    return OkStatus();
  }

 private:
  StatusOr<bool> Applies(const v1::Precondition& rule, const Fact& later) {
    if (!rule.when().empty()) {
      const EventPattern when = ParsePattern(Text(later.type(), "?", rule.when()));
      if (!Matches(when, later)) return false;
    }
    if (rule.from() == v1::SAFETY_CLASS_ALL) return true;
    const v1::EntityRef* item = FindReference(later.header(), "item");
    if (item == nullptr) return true;
    ASSIGN_OR_RETURN(const ItemClass item_class, ClassOfItemAt(facts_.rows(), item->id(), facts_.size()));
    return AppliesFrom(rule.from(), item_class.safety_class);
  }

  // Events that would satisfy the rule for the entity.
  StatusOr<std::vector<const Fact*>> Candidates(const v1::Precondition& rule, v1::EntityRef entity, const Fact& later) {
    if (rule.any_version()) entity.clear_version();
    const EventPatterns patterns(rule.events());
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes,
                     facts_.About(entity, rule.as().empty() ? rule.role() : rule.as(), kQuestionEventsMax));
    std::vector<const Fact*> found;
    for (const LeafIndex index : indexes) {
      if (index == later.event.index) continue;
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(index));
      if (fact->counts() && patterns.Match(*fact)) found.push_back(fact);
    }
    return found;
  }

  // Whether `later` names `earlier` among its causes, directly or over others.
  StatusOr<bool> IsCausal(const Fact& earlier, const Fact& later) {
    std::set<uint64_t> seen;
    std::deque<const Fact*> queue = {&later};
    while (!queue.empty() && seen.size() < kCausesMax) {
      const Fact* at = queue.front();
      queue.pop_front();
      for (const std::string& id : at->header().causes()) {
        ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, FindEvent(facts_.rows(), id));
        if (!index.has_value() || index->value >= facts_.size().value || !seen.insert(index->value).second) continue;
        if (*index == earlier.event.index) return true;
        ASSIGN_OR_RETURN(const Fact* cause, facts_.At(*index));
        queue.push_back(cause);
      }
    }
    return false;
  }

  struct Order {
    Answer::State state;
    Answer::Basis basis;
  };

  // What was recorded after the fact has no place of its own in the log: there only stated times can order it.
  StatusOr<Order> OrderOf(const Fact& earlier, const Fact& later) {
    ASSIGN_OR_RETURN(const bool causal, IsCausal(earlier, later));
    if (causal) return Order{Answer::IN_ORDER, Answer::CAUSAL};
    if (earlier.header().retrospective() || later.header().retrospective()) {
      const bool before = earlier.latest() <= later.earliest();
      return Order{before ? Answer::IN_ORDER : Answer::OUT_OF_ORDER, Answer::WALL_CLOCK};
    }
    const bool before = earlier.event.index < later.event.index;
    return Order{before ? Answer::IN_ORDER : Answer::OUT_OF_ORDER, Answer::LOG_ORDER};
  }

  Status AddStep(std::string_view rule, const std::string& clause, std::string_view remedy, const Fact& later,
                 std::vector<const Fact*> candidates) {
    std::sort(candidates.begin(), candidates.end(), StandsEarlier);
    Answer::Step& step = *answer_.add_steps();
    step.set_rule(std::string(rule));
    step.set_clause(clause);
    step.set_remedy(std::string(remedy));
    ASSIGN_OR_RETURN(*step.mutable_later(), facts_.Reference(later.event.index));
    step.set_state(Answer::NOTHING_BEFORE);
    // The first that stands before it; failing that, the first that should.
    for (const Fact* candidate : candidates) {
      ASSIGN_OR_RETURN(const Order order, OrderOf(*candidate, later));
      if (step.has_earlier() && order.state != Answer::IN_ORDER) continue;
      ASSIGN_OR_RETURN(*step.mutable_earlier(), facts_.Reference(candidate->event.index));
      step.set_state(order.state);
      step.set_basis(order.basis);
      if (order.state == Answer::IN_ORDER) break;
    }
    if (step.state() != Answer::IN_ORDER) answer_.set_out_of_order(answer_.out_of_order() + 1);
    return OkStatus();
  }

  Facts& facts_;
  Answer& answer_;
};

}  // namespace

Status AnswerSequencing(Facts& facts, const v1::SequencingQuestion& question, v1::Answer& answer) {
  RETURN_IF_ERROR(CheckIsItem("sequencing.item", question.item()));
  ASSIGN_OR_RETURN(const ItemScope scope, ScopeOf(facts, question.item()));
  Answer& filled = *answer.mutable_sequencing();
  Judge judge(facts, filled);
  for (const auto& [leaf, fact] : scope.events) RETURN_IF_ERROR(judge.AddPreconditions(*fact));
  v1::LeafReference adoption;
  ASSIGN_OR_RETURN(const std::optional<AdoptedPolicy> policy,
                   FindPolicy(facts, v1::PolicyAdopted::PROCESS_PROFILE, answer, &adoption));
  if (policy.has_value()) {
    ASSIGN_OR_RETURN(const ItemClass item_class, ClassOfItemAt(facts.rows(), question.item().id(), facts.size()));
    for (const v1::ProcessProfile::Evidence& line : policy->body->document().process_profile().evidence()) {
      if (line.before().empty() || !HoldsForClass(line.classes(), item_class.safety_class)) continue;
      RETURN_IF_ERROR(judge.AddProfileLine(scope, line));
    }
  }
  const bool by_clock = std::any_of(filled.steps().begin(), filled.steps().end(),
                                    [](const Answer::Step& step) { return step.basis() == Answer::WALL_CLOCK; });
  if (by_clock)
    answer.add_notes("steps on WALL_CLOCK rest on stated times only: one of the events was recorded after the fact");
  return OkStatus();
}

}  // namespace anamnesis
