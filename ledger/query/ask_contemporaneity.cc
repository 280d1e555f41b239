#include <algorithm>
#include <map>

#include "ledger/query/adopted_policy.h"
#include "ledger/query/ask.h"
#include "ledger/query/events.h"
#include "ledger/query/recording_gap.h"
#include "ledger/state/corrections.h"
#include "ledger/state/event_list.h"

namespace anamnesis {
namespace {

using Judgement = v1::ContemporaneityAnswer::Judgement;

constexpr uint32_t kEventsMax = 10'000;
constexpr int64_t kSecondUs = 1'000'000;

// An event can't be later than this many microseconds of a policy's seconds, whatever a policy says.
int64_t ToUs(uint64_t seconds) {
  constexpr uint64_t kSecondsMax = uint64_t{400} * 366 * 86'400;
  return static_cast<int64_t>(std::min(seconds, kSecondsMax)) * kSecondUs;
}

// The events that are asked about, from `from` on: at most one more than `limit`.
StatusOr<std::vector<LeafIndex>> Asked(Facts& facts, const v1::ContemporaneityQuestion& question, size_t limit) {
  const LeafIndex from(question.from());
  if (question.has_entity()) return facts.About(question.entity(), "", limit + 1, from);
  std::vector<LeafIndex> found;
  if (!question.stream().empty()) {
    RETURN_IF_ERROR(VisitList(facts.rows(), Family::kStreamEvents, question.stream(), from, false, facts.size(),
                              [&](LeafIndex index) {
                                found.push_back(index);
                                return found.size() <= limit;
                              }));
    return found;
  }
  for (uint64_t i = from.value; i < facts.size().value && found.size() <= limit; ++i) found.emplace_back(i);
  return found;
}

// Whoever corrects the time of a late record says when it happened, not that it was recorded then: it stays what it was
// when it was written. A correction can make it worse, and never better.
int Badness(Judgement judgement) {
  switch (judgement) {
    case v1::ContemporaneityAnswer::ON_TIME:
      return 0;
    case v1::ContemporaneityAnswer::NO_THRESHOLD:
      return 1;
    case v1::ContemporaneityAnswer::BOUNDED_ONLY:
      return 2;
    case v1::ContemporaneityAnswer::LATE:
      return 3;
    default:
      return 4;
  }
}

// When it had happened by, as written or as last corrected: that which leaves the longer until it was recorded.
Timestamp EarlierLatest(const Fact& fact) {
  return std::min(fact.latest(), Timestamp(fact.header().occurred_latest_us()));
}

class Judge {
 public:
  Judge(Facts& facts, const v1::ContemporaneityPolicy* policy, bool all, v1::ContemporaneityAnswer& answer)
      : facts_(facts), policy_(policy), all_(all), answer_(answer) {}

  Status Add(LeafIndex index) {
    ASSIGN_OR_RETURN(const Fact* fact, facts_.At(index));
    facts_.Cite(index);
    if (!fact->counts()) {
      answer_.set_events_without_effect(answer_.events_without_effect() + 1);
      return OkStatus();
    }
    RETURN_IF_ERROR(Count(*fact));
    RETURN_IF_ERROR(FindConflicts(*fact));
    streams_[fact->header().stream()].push_back(fact);
    return OkStatus();
  }

  void Finish() {
    for (auto& [name, type] : types_) *answer_.add_types() = std::move(type);
    for (const auto& [stream, events] : streams_) FindBursts(events);
  }
  // The time of an event was corrected since.
  bool any_moved() const { return any_moved_; }
  // An event is judged by the one that it replaced.
  bool any_replaced() const { return any_replaced_; }

 private:
  std::optional<uint64_t> ThresholdOf(const Fact& fact) const {
    return policy_ == nullptr ? std::nullopt : LateAfterSeconds(*policy_, *fact.event.type);
  }

  // What takes the place of another event is judged by the worse of both: to record it again is no way to have recorded
  // it in time.
  StatusOr<Judgement> JudgementOf(const Fact& fact) {
    Judgement worst = OwnJudgement(fact);
    if (fact.type() == "record.corrected") return worst;
    ASSIGN_OR_RETURN(const std::vector<LoadedEvent> chain, CorrectedChain(facts_.rows(), fact.event.view()));
    for (const LoadedEvent& replaced : chain) {
      ASSIGN_OR_RETURN(const Fact* before, facts_.At(replaced.index));
      if (Badness(OwnJudgement(*before)) <= Badness(worst)) continue;
      worst = OwnJudgement(*before);
      facts_.Cite(replaced.index);
      any_replaced_ = true;
    }
    return worst;
  }

  Judgement OwnJudgement(const Fact& fact) const {
    if (fact.header().retrospective()) return v1::ContemporaneityAnswer::DECLARED_RETROSPECTIVE;
    const Judgement corrected = JudgementAt(fact, fact.earliest(), fact.latest());
    if (!fact.standing.moved) return corrected;
    const Judgement written = JudgementAt(fact, Timestamp(fact.header().occurred_earliest_us()),
                                          Timestamp(fact.header().occurred_latest_us()));
    return Badness(written) > Badness(corrected) ? written : corrected;
  }

  Judgement JudgementAt(const Fact& fact, Timestamp earliest, Timestamp latest) const {
    const int64_t recorded = fact.event.recorded.us;
    const int64_t future = policy_ == nullptr ? 0 : ToUs(policy_->future_s());
    if (earliest.us > recorded + future) return v1::ContemporaneityAnswer::FUTURE_DATED;
    const std::optional<uint64_t> threshold = ThresholdOf(fact);
    if (!threshold.has_value()) return v1::ContemporaneityAnswer::NO_THRESHOLD;
    const int64_t late_after = ToUs(*threshold);
    if (recorded - latest.us > late_after) return v1::ContemporaneityAnswer::LATE;
    const bool bounded = latest.us > recorded + future || recorded - earliest.us > late_after;
    return bounded ? v1::ContemporaneityAnswer::BOUNDED_ONLY : v1::ContemporaneityAnswer::ON_TIME;
  }

  Status Count(const Fact& fact) {
    ASSIGN_OR_RETURN(const Judgement judgement, JudgementOf(fact));
    any_moved_ = any_moved_ || fact.standing.moved;
    const int64_t gap = fact.event.recorded.us - EarlierLatest(fact).us;
    v1::ContemporaneityAnswer::OfType& type = types_[fact.type()];
    type.set_type(fact.type());
    while (type.histogram_size() < static_cast<int>(kGapBins)) type.add_histogram(0);
    const int bin = static_cast<int>(GapBinOf(gap));
    type.set_histogram(bin, type.histogram(bin) + 1);
    auto count = std::find_if(type.mutable_counts()->begin(), type.mutable_counts()->end(),
                              [&](const auto& one) { return one.judgement() == judgement; });
    v1::ContemporaneityAnswer::Count& counted = count == type.mutable_counts()->end() ? *type.add_counts() : *count;
    counted.set_judgement(judgement);
    counted.set_events(counted.events() + 1);
    if (judgement == v1::ContemporaneityAnswer::ON_TIME && !fact.standing.moved && !all_) return OkStatus();
    v1::ContemporaneityAnswer::OfEvent& event = *answer_.add_events();
    ASSIGN_OR_RETURN(*event.mutable_leaf(), facts_.Reference(fact.event.index));
    event.set_judgement(judgement);
    event.set_gap_us(fact.event.recorded.us - fact.latest().us);
    event.set_threshold_s(ThresholdOf(fact).value_or(0));
    event.set_late_reason(fact.header().late_reason());
    event.set_corrected(fact.standing.moved);
    event.set_seen_tree_size(fact.header().seen_tree_size());
    return OkStatus();
  }

  // An effect that ended before its cause began: whatever the true times, one of them is wrong.
  Status FindConflicts(const Fact& fact) {
    for (const std::string& id : fact.header().causes()) {
      ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, FindEvent(facts_.rows(), id));
      if (!index.has_value() || index->value >= facts_.size().value) continue;
      ASSIGN_OR_RETURN(const Fact* cause, facts_.At(*index));
      if (!cause->counts() || fact.latest() >= cause->earliest()) continue;
      v1::ContemporaneityAnswer::Conflict& conflict = *answer_.add_conflicts();
      ASSIGN_OR_RETURN(*conflict.mutable_effect(), facts_.Reference(fact.event.index));
      ASSIGN_OR_RETURN(*conflict.mutable_cause(), facts_.Reference(*index));
    }
    return OkStatus();
  }

  struct Spread {
    int64_t occurred_us;
    int64_t recorded_us;
  };

  // Of events[first, last].
  static Spread SpreadOf(const std::vector<const Fact*>& events, size_t first, size_t last) {
    Timestamp low = EarlierLatest(*events[first]);
    Timestamp high = low;
    for (size_t i = first; i <= last; ++i) {
      low = std::min(low, EarlierLatest(*events[i]));
      high = std::max(high, EarlierLatest(*events[i]));
    }
    return {high.us - low.us, events[last]->event.recorded.us - events[first]->event.recorded.us};
  }

  // As many events in a row as the policy asks for, that happened over far longer than they took to be recorded, and
  // over longer than a record may be late: what one batch of a device sends is no burst.
  bool IsBurst(const std::vector<const Fact*>& events, size_t first, size_t last) const {
    const Spread spread = SpreadOf(events, first, last);
    const std::optional<uint64_t> threshold = ThresholdOf(*events[first]);
    return threshold.has_value() && spread.occurred_us > ToUs(*threshold) &&
           spread.occurred_us / policy_->burst_ratio() > spread.recorded_us;
  }

  void FindBursts(const std::vector<const Fact*>& events) {
    if (policy_ == nullptr || policy_->burst_events() < 2 || policy_->burst_ratio() == 0) return;
    const size_t least = policy_->burst_events();
    for (size_t first = 0; first + least <= events.size();) {
      if (!IsBurst(events, first, first + least - 1)) {
        ++first;
        continue;
      }
      size_t last = first + least - 1;
      while (last + 1 < events.size() && IsBurst(events, last + 2 - least, last + 1)) ++last;
      const Spread spread = SpreadOf(events, first, last);
      v1::ContemporaneityAnswer::Burst& burst = *answer_.add_bursts();
      *burst.mutable_actor() = events[first]->header().actor();
      burst.set_stream(events[first]->header().stream());
      burst.set_first_leaf(events[first]->event.index.value);
      burst.set_last_leaf(events[last]->event.index.value);
      burst.set_events(last - first + 1);
      burst.set_occurred_spread_us(spread.occurred_us);
      burst.set_recorded_spread_us(spread.recorded_us);
      first = last + 1;
    }
  }

  Facts& facts_;
  const v1::ContemporaneityPolicy* policy_;
  const bool all_;
  v1::ContemporaneityAnswer& answer_;
  std::map<std::string, v1::ContemporaneityAnswer::OfType> types_;
  std::map<std::string, std::vector<const Fact*>> streams_;
  bool any_moved_ = false;
  bool any_replaced_ = false;
};

}  // namespace

Status AnswerContemporaneity(Facts& facts, const v1::ContemporaneityQuestion& question, v1::Answer& answer) {
  if (question.has_entity() && !question.stream().empty()) {
    return absl::InvalidArgumentError("contemporaneity.stream: give an entity or a stream, not both");
  }
  v1::ContemporaneityAnswer& filled = *answer.mutable_contemporaneity();
  v1::LeafReference adoption;
  ASSIGN_OR_RETURN(const std::optional<AdoptedPolicy> policy,
                   FindPolicy(facts, v1::PolicyAdopted::CONTEMPORANEITY, answer, &adoption));
  if (policy.has_value()) *filled.mutable_policy() = std::move(adoption);
  const size_t limit = question.limit() == 0 ? kEventsMax : std::min(question.limit(), kEventsMax);
  ASSIGN_OR_RETURN(std::vector<LeafIndex> indexes, Asked(facts, question, limit));
  if (indexes.size() > limit) {
    filled.set_next(indexes.back().value);
    indexes.pop_back();
    answer.add_notes("this is one page: bursts that reach over its end are shown in parts or not at all");
  }
  Judge judge(facts, policy.has_value() ? &policy->body->document().contemporaneity() : nullptr, question.all(),
              filled);
  for (const LeafIndex index : indexes) RETURN_IF_ERROR(judge.Add(index));
  judge.Finish();
  if (judge.any_moved()) {
    answer.add_notes(
        "what was corrected in time since is listed and judged by the worse of both times, the written and the "
        "corrected; its gap is that of the corrected");
  }
  if (judge.any_replaced()) {
    answer.add_notes("what replaces an event that was worse is judged by that one; its gap is its own");
  }
  filled.set_events_looked_at(indexes.size());
  return OkStatus();
}

}  // namespace anamnesis
