#include <algorithm>
#include <deque>
#include <map>

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

// What may have to stand before something, by place in time. Made once for a rule and a name, however many events are
// held against it: which of them is the first in order costs a search, not a look at each.
class Candidates {
 public:
  // `but_itself`: no event is held against itself.
  Candidates(std::vector<const Fact*> facts, bool but_itself) : facts_(std::move(facts)), but_itself_(but_itself) {
    std::sort(facts_.begin(), facts_.end(), StandsEarlier);
    for (size_t i = 0; i < facts_.size(); ++i) {
      const Fact& fact = *facts_[i];
      places_.emplace(fact.event.index.value, i);
      by_latest_.Add(fact.latest().us, i);
      if (fact.header().retrospective()) {
        told_afterwards_.Add(fact.latest().us, i);
      } else {
        by_leaf_.Add(static_cast<int64_t>(fact.event.index.value), i);
      }
    }
  }

  // The first that is in order before `later`, whose causes are given: recorded before it, or where one of the two was
  // recorded after the fact, over before it began. Failing that the first that there is; nullptr when there is none.
  const Fact* BestFor(const Fact& later, const std::set<uint64_t>& causes) const {
    size_t best = facts_.size();
    for (const uint64_t cause : causes) {
      const auto place = places_.find(cause);
      if (place != places_.end()) best = std::min(best, place->second);
    }
    const int64_t began = later.earliest().us;
    if (later.header().retrospective()) {
      best = std::min(best, FirstOther(by_latest_.FirstUpTo(began), began, later));
    } else {
      best = std::min(best, by_leaf_.FirstUpTo(static_cast<int64_t>(later.event.index.value) - 1));
      best = std::min(best, told_afterwards_.FirstUpTo(began));
    }
    if (best < facts_.size()) return facts_[best];
    const auto other =
        std::find_if(facts_.begin(), facts_.end(), [&](const Fact* fact) { return !IsExcluded(*fact, later); });
    return other == facts_.end() ? nullptr : *other;
  }

  bool empty() const { return facts_.empty(); }

 private:
  // Of numbers in a row the places of those that are lower than all before them: the first that is not above a bound
  // is always one of these.
  class Lows {
   public:
    void Add(int64_t number, size_t place) {
      if (lows_.empty() || number < lows_.back().first) lows_.emplace_back(number, place);
    }
    size_t FirstUpTo(int64_t bound) const {
      const auto found =
          std::partition_point(lows_.begin(), lows_.end(), [&](const auto& low) { return low.first > bound; });
      return found == lows_.end() ? SIZE_MAX : found->second;
    }

   private:
    std::vector<std::pair<int64_t, size_t>> lows_;
  };

  bool IsExcluded(const Fact& fact, const Fact& later) const {
    return but_itself_ && fact.event.index == later.event.index;
  }

  size_t FirstOther(size_t place, int64_t began, const Fact& later) const {
    if (place >= facts_.size() || !IsExcluded(*facts_[place], later)) return place;
    do {
      ++place;
    } while (place < facts_.size() && facts_[place]->latest().us > began);
    return place;
  }

  std::vector<const Fact*> facts_;
  bool but_itself_;
  std::map<uint64_t, size_t> places_;
  Lows by_leaf_;
  Lows told_afterwards_;
  Lows by_latest_;
};

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
        ASSIGN_OR_RETURN(const Candidates* candidates, CandidatesFor(rule, ref));
        RETURN_IF_ERROR(AddStep(rule.rule(), rule.clause(), rule.remedy(), later, *candidates));
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
    RETURN_IF_ERROR(AddStep(rule, line.clause(), Text("record ", line.title(), " first"), *later,
                            Candidates(std::move(candidates), false)));
    for (const NamedRecords& one : NamedRecordsOf(scope, line)) {
      const std::string remedy = Text("record ", EntityKeyText(one.named), " first");
      RETURN_IF_ERROR(AddStep(rule, line.clause(), remedy, *one.later, Candidates(one.records, false)));
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
  StatusOr<const Candidates*> CandidatesFor(const v1::Precondition& rule, v1::EntityRef entity) {
    if (rule.any_version()) entity.clear_version();
    const auto known = candidates_.find({&rule, EntityKeyText(entity)});
    if (known != candidates_.end()) return &known->second;
    const EventPatterns patterns(rule.events());
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes,
                     facts_.About(entity, rule.as().empty() ? rule.role() : rule.as(), kQuestionEventsMax));
    std::vector<const Fact*> found;
    for (const LeafIndex index : indexes) {
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(index));
      if (fact->counts() && patterns.Match(*fact)) found.push_back(fact);
    }
    return &candidates_.emplace(std::pair(&rule, EntityKeyText(entity)), Candidates(std::move(found), true))
                .first->second;
  }

  // What `later` names among its causes, directly or over others.
  StatusOr<std::set<uint64_t>> CausesOf(const Fact& later) {
    std::set<uint64_t> seen;
    std::deque<const Fact*> queue = {&later};
    while (!queue.empty() && seen.size() < kCausesMax) {
      const Fact* at = queue.front();
      queue.pop_front();
      for (const std::string& id : at->header().causes()) {
        ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, FindEvent(facts_.rows(), id));
        if (!index.has_value() || index->value >= facts_.size().value || !seen.insert(index->value).second) continue;
        ASSIGN_OR_RETURN(const Fact* cause, facts_.At(*index));
        queue.push_back(cause);
      }
    }
    return seen;
  }

  struct Order {
    Answer::State state;
    Answer::Basis basis;
  };

  // What was recorded after the fact has no place of its own in the log: there only stated times can order it.
  static Order OrderOf(const Fact& earlier, const Fact& later, const std::set<uint64_t>& causes) {
    if (causes.contains(earlier.event.index.value)) return Order{Answer::IN_ORDER, Answer::CAUSAL};
    if (earlier.header().retrospective() || later.header().retrospective()) {
      const bool before = earlier.latest() <= later.earliest();
      return Order{before ? Answer::IN_ORDER : Answer::OUT_OF_ORDER, Answer::WALL_CLOCK};
    }
    const bool before = earlier.event.index < later.event.index;
    return Order{before ? Answer::IN_ORDER : Answer::OUT_OF_ORDER, Answer::LOG_ORDER};
  }

  Status AddStep(std::string_view rule, const std::string& clause, std::string_view remedy, const Fact& later,
                 const Candidates& candidates) {
    Answer::Step& step = *answer_.add_steps();
    step.set_rule(std::string(rule));
    step.set_clause(clause);
    step.set_remedy(std::string(remedy));
    ASSIGN_OR_RETURN(*step.mutable_later(), facts_.Reference(later.event.index));
    step.set_state(Answer::NOTHING_BEFORE);
    std::set<uint64_t> causes;
    if (!candidates.empty()) {
      ASSIGN_OR_RETURN(causes, CausesOf(later));
    }
    const Fact* earlier = candidates.BestFor(later, causes);
    if (earlier != nullptr) {
      const Order order = OrderOf(*earlier, later, causes);
      ASSIGN_OR_RETURN(*step.mutable_earlier(), facts_.Reference(earlier->event.index));
      step.set_state(order.state);
      step.set_basis(order.basis);
    }
    if (step.state() != Answer::IN_ORDER) answer_.set_out_of_order(answer_.out_of_order() + 1);
    return OkStatus();
  }

  Facts& facts_;
  Answer& answer_;
  // By rule and name.
  std::map<std::pair<const v1::Precondition*, std::string>, Candidates> candidates_;
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
