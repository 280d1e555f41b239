#include "ledger/gate/standing_check.h"

#include <algorithm>
#include <array>
#include <map>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/event/names.h"
#include "ledger/gate/decisions.h"
#include "ledger/gate/judgement.h"
#include "ledger/gate/renewed_facts.h"
#include "ledger/gate/standing.h"
#include "ledger/gate/standing_targets.h"
#include "ledger/gate/subject.h"
#include "ledger/query/item_scope.h"
#include "ledger/state/broken_rules.h"
#include "ledger/state/policies.h"
#include "ledger/state/standing_rows.h"
#include "ledger/state/standing_times.h"

namespace anamnesis {
namespace {

using gate::IsOfWhatWasRecorded;
using gate::RunningArtifact;
using internal::StandingUnit;
using RuleResult = v1::GateDecided::RuleResult;
using Causes = std::set<uint64_t>;

v1::EntityRef InRole(std::string_view role, const v1::EntityRef& entity) {
  v1::EntityRef ref = Bare(entity);
  ref.set_role(std::string(role));
  return ref;
}

v1::EntityRef UnitRef(const std::string& unit) { return InRole("unit", ToEntity({"device_unit", unit})); }

std::vector<RuleResult> FailingOf(const v1::GateDecided& decision) {
  std::vector<RuleResult> failing;
  for (const RuleResult& result : decision.results()) {
    if (result.outcome() == RuleResult::FAIL) failing.push_back(result);
  }
  return failing;
}

std::set<std::string> IdsOf(const std::vector<RuleResult>& results) {
  std::set<std::string> ids;
  for (const RuleResult& result : results) ids.insert(result.rule_id());
  return ids;
}

template <typename List>
std::set<std::string> ToSet(const List& list) {
  return {list.begin(), list.end()};
}

template <typename List>
void SetCauses(const Causes& causes, List& list) {
  size_t skip = causes.size() <= kStandingCausesMax ? 0 : causes.size() - kStandingCausesMax;
  for (const uint64_t cause : causes) {
    if (skip > 0) {
      --skip;
    } else {
      list.Add(cause);
    }
  }
}

// What the results of several units have in common, and what each rests on beside.
class CommonResults {
 public:
  void Add(const std::vector<RuleResult>& results) {
    if (results_.empty()) {
      results_ = results;
      return;
    }
    for (size_t i = 0; i < results_.size(); ++i) {
      google::protobuf::RepeatedField<uint64_t> common;
      const auto& other = results[i].evidence();
      for (const uint64_t leaf : results_[i].evidence()) {
        if (std::find(other.begin(), other.end(), leaf) != other.end()) common.Add(leaf);
      }
      *results_[i].mutable_evidence() = common;
    }
  }
  const std::vector<RuleResult>& results() const { return results_; }
  std::set<uint64_t> Beside(const std::vector<RuleResult>& results) const {
    std::set<uint64_t> beside;
    for (size_t i = 0; i < results.size(); ++i) {
      beside.insert(results[i].evidence().begin(), results[i].evidence().end());
    }
    for (const RuleResult& result : results_) {
      for (const uint64_t leaf : result.evidence()) beside.erase(leaf);
    }
    return beside;
  }

 private:
  std::vector<RuleResult> results_;
};

// Names the reasons without the leaves: units with the same key share a record.
std::string KeyOf(const RunningArtifact& running, const std::vector<RuleResult>& failing) {
  std::string key = EntityKeyText(running.artifact);
  key += Text('\0', running.certification.has_value() ? EntityKeyText(*running.certification) : std::string());
  for (const RuleResult& result : failing) key += Text('\0', result.rule_id(), '\0', result.note());
  return key;
}

// One thing to be recorded about one unit. The leaves are kept apart: `running` outlives the facts that it points into.
struct Case {
  RunningArtifact running;
  std::vector<RuleResult> failing;
  gate::LateKnowledge late;
  // The unit was told before to take this activation back.
  bool instructed = false;
  uint64_t activated = 0;
  std::optional<uint64_t> decision;
};

Case CaseOf(const RunningArtifact& running, std::vector<RuleResult> failing) {
  Case made{running, std::move(failing), {}, false, running.since->event.index.value, std::nullopt};
  if (running.decided != nullptr) made.decision = running.decided->event.index.value;
  made.running.since = nullptr;
  made.running.decided = nullptr;
  return made;
}

bool IsOfTimes(const internal::StandingWork::Task& task) { return task.after().starts_with(kTimesCursor); }

class Check {
 public:
  Check(const RowReader& rows, TreeSize size, const StandingBatch& batch)
      : rows_(rows),
        size_(size),
        batch_(batch),
        facts_(rows, size, batch.events_max),
        facts_of_units_(rows, size, batch.events_max),
        facts_of_late_(rows, size, batch.events_max) {}

  Status Run();
  std::vector<StandingRecord> Take() { return std::move(records_); }

 private:
  // Units that are found over several batches.
  struct Portion {
    Causes causes;
    gate::FoundUnits found;
    // Looked at in batches before.
    uint64_t units_before = 0;
    bool of_times = false;
  };

  Status Find(const internal::StandingWork& work);
  StatusOr<Causes> TimesThatCame(const internal::StandingWork& work);
  Status Touch(const Causes& causes, gate::StandingTargets& beyond, Causes& touching);
  Status AddTargets(uint64_t cause, gate::StandingTargets& targets);
  Status Continue(const internal::StandingWork::Task& task);

  Status CheckUnit(const std::string& unit, const Causes& causes);
  Status CheckRunning(const RunningArtifact& running, const StandingUnit& row);
  StatusOr<bool> SaysTheSame(const StandingUnit::Hold& hold, const std::vector<RuleResult>& failing);
  Status CheckLate(Facts& facts, const std::string& unit, const StandingUnit& row, const Causes& causes,
                   const std::vector<RunningArtifact>& running);
  Status CheckLateOf(const RunningArtifact& ran, const StandingUnit& row, const Causes& causes);
  StatusOr<bool> MayInstruct(const RunningArtifact& running, const std::vector<RuleResult>& failing);
  StatusOr<bool> MayBeTakenBack(const RunningArtifact& running);

  Status RecordHolds();
  Status RecordHold(const std::vector<Case>& cases);
  Status RecordInstructionsAgain();
  Status RecordRecertification(const Case& first, const std::string& hold_id, const v1::StandingHoldPlaced& hold);
  Status RecordInstructions(const std::vector<Case>& cases, const std::string& hold_id, LeafIndex hold);
  void RecordLifts();
  void RecordLate();
  void RecordContinued(const Portion& portion);

  LeafIndex NextLeaf() const { return LeafIndex(size_.value + records_.size()); }
  template <typename Body>
  void Record(std::string type, const Body& body, std::vector<v1::EntityRef> refs) {
    records_.push_back({std::move(type), body.SerializeAsString(), std::move(refs)});
  }

  const RowReader& rows_;
  const TreeSize size_;
  const StandingBatch& batch_;
  // For one cause or one record; for what runs and ran on one unit; for one activation as known now.
  gate::RenewedFacts facts_;
  gate::RenewedFacts facts_of_units_;
  gate::RenewedFacts facts_of_late_;
  std::vector<StandingRecord> records_;
  // By unit, all that is known to touch it before any is looked at.
  std::map<std::string, Causes> causes_;
  std::vector<Portion> portions_;
  std::map<std::string, std::vector<Case>> holds_;
  // By the leaf of the hold that stands already.
  std::map<uint64_t, std::vector<Case>> held_;
  std::map<std::string, std::vector<Case>> late_;
  std::map<v1::StandingHoldLifted::Reason, std::vector<v1::StandingHoldLifted::Unit>> lifts_;
  std::set<std::string> required_;
};

// --- Whom to look at ---

Status Check::AddTargets(uint64_t cause, gate::StandingTargets& targets) {
  Facts& facts = facts_.Next();
  ASSIGN_OR_RETURN(const Fact* fact, facts.At(LeafIndex(cause)));
  const std::vector<Timestamp> ahead = TimesAhead(fact->event.view());
  const bool by_time = !ahead.empty() && ahead.front() <= batch_.now;
  const Status added =
      by_time ? gate::AddTargetsByTime(facts, *fact, targets) : gate::AddTargets(facts, *fact, targets);
  if (added.ok() || !IsOfWhatWasRecorded(added)) return added;
  // Too much is recorded of what it names to say whom it touches.
  targets.all = true;
  return OkStatus();
}

// Which units each event names itself, so that a record can say why; whom it touches beyond goes to `beyond`.
Status Check::Touch(const Causes& causes, gate::StandingTargets& beyond, Causes& touching) {
  for (const uint64_t cause : causes) {
    gate::StandingTargets own;
    RETURN_IF_ERROR(AddTargets(cause, own));
    for (const std::string& unit : own.units) causes_[unit].insert(cause);
    if (!own.beyond_units()) continue;
    touching.insert(cause);
    beyond.Merge(std::move(own));
  }
  return OkStatus();
}

// The events that named times which came since, a bounded number; where there are more, how far this came is recorded.
StatusOr<Causes> Check::TimesThatCame(const internal::StandingWork& work) {
  StandingTime after{batch_.since, LeafIndex(UINT64_MAX)};
  const auto task = std::find_if(work.tasks().begin(), work.tasks().end(), IsOfTimes);
  if (task != work.tasks().end()) {
    ASSIGN_OR_RETURN(after, DecodeStandingTime(std::string_view(task->after()).substr(kTimesCursor.size())));
  }
  ASSIGN_OR_RETURN(const std::vector<StandingTime> times,
                   StandingTimesUntil(rows_, after, batch_.now, kStandingTimesMax + 1));
  const size_t taken = std::min(times.size(), kStandingTimesMax);
  Causes causes;
  for (size_t i = 0; i < taken; ++i) {
    ASSIGN_OR_RETURN(const Fact* fact, facts_.Next().At(times[i].leaf));
    // Whatever took it away was looked at when it came.
    if (fact->counts()) causes.insert(times[i].leaf.value);
  }
  const bool more = taken < times.size();
  if (more || task != work.tasks().end()) {
    Portion portion;
    portion.of_times = true;
    portion.causes = {(taken > 0 ? times[taken - 1] : after).leaf.value};
    if (more) portion.found.after = Text(kTimesCursor, EncodeStandingTime(times[taken - 1]));
    portions_.push_back(std::move(portion));
  }
  return causes;
}

// The next units of what batches before left over.
Status Check::Continue(const internal::StandingWork::Task& task) {
  Portion portion;
  portion.causes = {task.causes().begin(), task.causes().end()};
  portion.units_before = task.units();
  gate::StandingTargets targets;
  for (const uint64_t cause : portion.causes) RETURN_IF_ERROR(AddTargets(cause, targets));
  RETURN_IF_ERROR(gate::Settle(facts_.Next(), targets));
  ASSIGN_OR_RETURN(portion.found, gate::FindUnits(facts_.Next(), targets, task.after(), kStandingUnitsMax));
  portions_.push_back(std::move(portion));
  return OkStatus();
}

Status Check::Find(const internal::StandingWork& work) {
  gate::StandingTargets beyond;
  Portion now;
  Causes arrived;
  for (const LeafIndex cause : batch_.causes) arrived.insert(cause.value);
  ASSIGN_OR_RETURN(const Causes came, TimesThatCame(work));
  arrived.insert(came.begin(), came.end());
  RETURN_IF_ERROR(Touch(arrived, beyond, now.causes));
  RETURN_IF_ERROR(gate::Settle(facts_.Next(), beyond));
  ASSIGN_OR_RETURN(now.found, gate::FindUnits(facts_.Next(), beyond, "", kStandingUnitsMax));
  const Causes& causes = now.causes;
  // What these causes left over is begun again, if they are looked at anew.
  const auto task = std::find_if(work.tasks().begin(), work.tasks().end(), [&](const auto& each) {
    return !IsOfTimes(each) && !std::equal(each.causes().begin(), each.causes().end(), causes.begin(), causes.end());
  });
  if (task != work.tasks().end()) RETURN_IF_ERROR(Continue(*task));
  portions_.push_back(std::move(now));
  for (const Portion& portion : portions_) {
    for (const std::string& unit : portion.found.units) {
      causes_[unit].insert(portion.causes.begin(), portion.causes.end());
    }
  }
  return OkStatus();
}

Status Check::Run() {
  ASSIGN_OR_RETURN(const std::optional<internal::StandingWork> work, StandingWorkOf(rows_));
  RETURN_IF_ERROR(Find(work.value_or(internal::StandingWork())));
  for (const auto& [unit, causes] : causes_) RETURN_IF_ERROR(CheckUnit(unit, causes));
  RETURN_IF_ERROR(RecordHolds());
  RETURN_IF_ERROR(RecordInstructionsAgain());
  RecordLifts();
  RecordLate();
  for (const Portion& portion : portions_) {
    // What began and ended in this batch needs no trace.
    const bool is_new = &portion == &portions_.back();
    if (!is_new || portion.found.after.has_value()) RecordContinued(portion);
  }
  return OkStatus();
}

// --- Looking at a unit ---

Status Check::CheckUnit(const std::string& unit, const Causes& causes) {
  ASSIGN_OR_RETURN(const std::optional<StandingUnit> row, StandingUnitOf(rows_, unit));
  // Nothing that the gate decides about ever ran on it.
  if (!row.has_value()) return OkStatus();
  Facts& facts = facts_of_units_.Next();
  const StatusOr<std::vector<RunningArtifact>> running = gate::ArtifactsRunningOn(facts, unit, batch_.now);
  if (!running.ok()) {
    // Nothing is said of what can't be evaluated; the question says why.
    return IsOfWhatWasRecorded(running.status()) ? OkStatus() : running.status();
  }
  std::set<std::string> surfaces;
  for (const RunningArtifact& each : *running) {
    surfaces.insert(each.surface);
    RETURN_IF_ERROR(CheckRunning(each, *row));
  }
  for (const StandingUnit::Hold& hold : row->holds()) {
    if (surfaces.count(hold.surface()) > 0) continue;
    v1::StandingHoldLifted::Unit& lifted = lifts_[v1::StandingHoldLifted::NO_LONGER_RUNS].emplace_back();
    lifted.set_unit(unit);
    lifted.set_surface(hold.surface());
    lifted.set_hold(hold.placed());
  }
  return CheckLate(facts, unit, *row, causes, *running);
}

// What ran, and what runs without having been activated: what was restored.
Status Check::CheckLate(Facts& facts, const std::string& unit, const StandingUnit& row, const Causes& causes,
                        const std::vector<RunningArtifact>& running) {
  Timestamp from = kTimestampLimit;
  for (const uint64_t cause : causes) {
    ASSIGN_OR_RETURN(const Fact* fact, facts_.Next().At(LeafIndex(cause)));
    from = std::min(from, gate::EffectOf(*fact));
  }
  // No decision is later than the activation that cites it was recorded.
  StatusOr<std::vector<RunningArtifact>> ran = gate::ArtifactsThatRan(facts, unit, from, batch_.now);
  if (!ran.ok()) return IsOfWhatWasRecorded(ran.status()) ? OkStatus() : ran.status();
  for (const RunningArtifact& each : running) {
    const auto same = [&](const RunningArtifact& other) { return other.since == each.since; };
    if (std::none_of(ran->begin(), ran->end(), same)) ran->push_back(each);
  }
  for (const RunningArtifact& each : *ran) {
    const Status late = CheckLateOf(each, row, causes);
    if (!late.ok() && !IsOfWhatWasRecorded(late)) return late;
  }
  return OkStatus();
}

Status Check::CheckRunning(const RunningArtifact& running, const StandingUnit& row) {
  const StandingUnit::Hold* hold = nullptr;
  for (const StandingUnit::Hold& each : row.holds()) {
    if (each.surface() == running.surface) hold = &each;
  }
  const bool same_activation = hold != nullptr && hold->activated() == running.since->event.index.value;
  if (!running.denied()) {
    if (hold == nullptr) return OkStatus();
    v1::StandingHoldLifted::Unit& lifted =
        lifts_[same_activation ? v1::StandingHoldLifted::ALLOWED_AGAIN : v1::StandingHoldLifted::NO_LONGER_RUNS]
            .emplace_back();
    lifted.set_unit(running.unit);
    lifted.set_surface(running.surface);
    lifted.set_hold(hold->placed());
    return OkStatus();
  }
  std::vector<RuleResult> failing = FailingOf(running.now);
  const std::string key = KeyOf(running, failing);
  if (same_activation) {
    ASSIGN_OR_RETURN(const bool said, SaysTheSame(*hold, failing));
    if (said) {
      // The reason not to instruct may be gone: a better fallback, another policy, a decision that was taken back.
      if (hold->instructed() == 0) held_[hold->placed()].push_back(CaseOf(running, std::move(failing)));
      return OkStatus();
    }
  }
  Case& made = holds_[key].emplace_back(CaseOf(running, std::move(failing)));
  made.instructed = same_activation && hold->instructed() != 0;
  return OkStatus();
}

// Whether the hold that stands gives these reasons: a second cause under the same rule is another one.
StatusOr<bool> Check::SaysTheSame(const StandingUnit::Hold& hold, const std::vector<RuleResult>& failing) {
  ASSIGN_OR_RETURN(const Fact* fact, facts_.Next().At(LeafIndex(hold.placed())));
  const auto* body = fact->body<v1::StandingHoldPlaced>();
  if (body == nullptr) return ToSet(hold.rules()) == IdsOf(failing);
  return std::equal(
      body->results().begin(), body->results().end(), failing.begin(), failing.end(),
      [](const RuleResult& a, const RuleResult& b) { return a.rule_id() == b.rule_id() && a.note() == b.note(); });
}

// Of what came now, that which had effect before the decision on which the artifact was activated, whether it still
// runs or not.
Status Check::CheckLateOf(const RunningArtifact& ran, const StandingUnit& row, const Causes& causes) {
  const auto* decision = ran.decided == nullptr ? nullptr : ran.decided->body<v1::GateDecided>();
  if (decision == nullptr || decision->verdict() != v1::GateDecided::ALLOW) return OkStatus();
  Facts& facts = facts_of_late_.Next();
  ASSIGN_OR_RETURN(const gate::LateKnowledge late,
                   gate::KnownLate(facts, *ran.since, causes, Timestamp(decision->at_us())));
  if (late.leaves.empty()) return OkStatus();
  ASSIGN_OR_RETURN(const v1::GateDecided known_now, gate::DecideAsKnownNow(facts, ran));
  if (known_now.verdict() == v1::GateDecided::ALLOW) return OkStatus();
  std::vector<RuleResult> failing = FailingOf(known_now);
  // A correction is no evidence: it is seen by the rules that fail since.
  std::set<std::string> failed_before;
  if (late.corrects) {
    Facts before(rows_, TreeSize(*late.leaves.begin()), batch_.events_max);
    ASSIGN_OR_RETURN(const v1::GateDecided known_before, gate::DecideAsKnownNow(before, ran));
    failed_before = IdsOf(FailingOf(known_before));
  }
  // What a rule failed for all the same is not what became known.
  std::erase_if(failing, [&](const RuleResult& result) {
    const bool rests_on_it = std::any_of(result.evidence().begin(), result.evidence().end(),
                                         [&](uint64_t leaf) { return late.leaves.count(leaf) > 0; });
    return !rests_on_it && !(late.corrects && failed_before.count(result.rule_id()) == 0);
  });
  for (const StandingUnit::Late& each : row.late()) {
    if (each.surface() != ran.surface || each.activated() != ran.since->event.index.value) continue;
    const std::set<std::string> rules = ToSet(each.rules());
    std::erase_if(failing, [&](const RuleResult& result) { return rules.count(result.rule_id()) > 0; });
  }
  if (failing.empty()) return OkStatus();
  std::string key = KeyOf(ran, failing);
  for (const uint64_t leaf : late.leaves) key += Text('\0', leaf);
  late_[key].emplace_back(CaseOf(ran, std::move(failing))).late = late;
  return OkStatus();
}

// --- Recording ---

Status Check::RecordHolds() {
  for (const auto& [key, cases] : holds_) {
    for (size_t i = 0; i < cases.size(); i += kStandingUnitsPerRecord) {
      const size_t end = std::min(cases.size(), i + kStandingUnitsPerRecord);
      RETURN_IF_ERROR(
          RecordHold({cases.begin() + static_cast<ptrdiff_t>(i), cases.begin() + static_cast<ptrdiff_t>(end)}));
    }
  }
  return OkStatus();
}

// To the units that were not told when their hold was placed.
Status Check::RecordInstructionsAgain() {
  for (const auto& [placed, cases] : held_) {
    const LeafIndex hold(placed);
    RETURN_IF_ERROR(RecordInstructions(cases, batch_.id_at(hold), hold));
  }
  return OkStatus();
}

Status Check::RecordHold(const std::vector<Case>& cases) {
  const RunningArtifact& first = cases.front().running;
  v1::StandingHoldPlaced body;
  CommonResults common;
  Causes causes;
  std::set<std::string> not_evaluated;
  for (const Case& each : cases) {
    common.Add(each.failing);
    const Causes& own = causes_[each.running.unit];
    causes.insert(own.begin(), own.end());
    for (const std::string& rule : each.running.reservations.not_evaluated) not_evaluated.insert(rule);
  }
  SetCauses(causes, *body.mutable_causes());
  body.set_tree_size(size_.value);
  body.set_at_us(batch_.now.us);
  for (const RuleResult& result : common.results()) *body.add_results() = result;
  for (const std::string& rule : not_evaluated) body.add_not_evaluated(rule);
  const LeafIndex leaf = NextLeaf();
  const std::string id = batch_.id_at(leaf);
  std::vector<v1::EntityRef> refs = {InRole("standing_hold", ToEntity({"standing_hold", id})),
                                     InRole("artifact", first.artifact)};
  if (first.certification.has_value()) refs.push_back(InRole("certification", *first.certification));
  if (first.policy.has_value()) refs.push_back(InRole("policy", *first.policy));
  for (const Case& each : cases) {
    v1::StandingHoldPlaced::Unit& unit = *body.add_units();
    unit.set_unit(each.running.unit);
    unit.set_surface(each.running.surface);
    unit.set_activated(each.activated);
    if (each.decision.has_value()) unit.set_decision(*each.decision);
    for (const uint64_t evidence : common.Beside(each.failing)) unit.add_evidence(evidence);
    const bool named = body.units_size() > 1 && body.units(body.units_size() - 2).unit() == unit.unit();
    if (!named) refs.push_back(UnitRef(each.running.unit));
  }
  Record("standing_hold.placed", body, std::move(refs));
  RETURN_IF_ERROR(RecordRecertification(cases.front(), id, body));
  return RecordInstructions(cases, id, leaf);
}

Status Check::RecordRecertification(const Case& first, const std::string& hold_id, const v1::StandingHoldPlaced& hold) {
  constexpr std::array<std::string_view, 4> kRules = {"G04", "G06", "G07", "G08"};
  constexpr std::array<std::string_view, 9> kKinds = {
      "soup",     "substrate",        "risk_control",  "envelope",     "risk_control_set",
      "baseline", "sandbox_protocol", "authorisation", "certification"};
  constexpr size_t kReasonBytesMax = 4096;
  constexpr size_t kCauseEntitiesMax = 24;
  if (!first.running.certification.has_value()) return OkStatus();
  const v1::EntityRef& certification = *first.running.certification;
  v1::RecertificationRequired body;
  std::set<uint64_t> evidence;
  std::string reason;
  for (const RuleResult& result : hold.results()) {
    if (std::find(kRules.begin(), kRules.end(), result.rule_id()) == kRules.end()) continue;
    reason += Text(reason.empty() ? "" : "; ", result.rule_id(), ": ", result.note());
    evidence.insert(result.evidence().begin(), result.evidence().end());
  }
  if (reason.empty()) return OkStatus();
  ASSIGN_OR_RETURN(const internal::StandingCertification open, StandingCertificationOf(rows_, certification.id()));
  if (open.required() != 0 || !required_.insert(certification.id()).second) return OkStatus();
  body.set_reason(Utf8Prefix(reason, kReasonBytesMax));
  *body.mutable_causes() = hold.causes();
  for (const uint64_t leaf : evidence) body.add_evidence(leaf);
  std::vector<v1::EntityRef> refs = {InRole("certification", certification), InRole("artifact", first.running.artifact),
                                     InRole("standing_hold", ToEntity({"standing_hold", hold_id}))};
  std::set<std::string> named;
  for (const uint64_t cause : hold.causes()) {
    ASSIGN_OR_RETURN(const Fact* fact, facts_.Next().At(LeafIndex(cause)));
    for (const v1::EntityRef& ref : fact->header().refs()) {
      const bool is_cause = std::find(kKinds.begin(), kKinds.end(), ref.kind()) != kKinds.end();
      if (is_cause && named.size() < kCauseEntitiesMax && named.insert(EntityKeyText(ref)).second) {
        refs.push_back(InRole("cause_entity", ref));
      }
    }
  }
  Record("recertification.required", body, std::move(refs));
  return OkStatus();
}

// Whether the fallback is good, and nobody decided that stopping is worse.
StatusOr<bool> Check::MayBeTakenBack(const RunningArtifact& running) {
  Facts& facts = facts_.Next();
  ASSIGN_OR_RETURN(const bool passes, gate::FallbackPasses(facts, running, batch_.now));
  if (!passes) return false;
  std::vector<v1::EntityRef> about = {running.artifact, ToEntity({"device_unit", running.unit})};
  if (!running.item.empty()) about.push_back(ToEntity({"software_item", running.item}));
  ASSIGN_OR_RETURN(const Fact* decided, gate::LastDecisionFor(facts, about, running.item, gate::kStoppingIsWorse,
                                                              gate::DecisionsAbout::kChoice, std::nullopt));
  return decided == nullptr;
}

StatusOr<bool> Check::MayInstruct(const RunningArtifact& running, const std::vector<RuleResult>& failing) {
  if (!running.automatic_deactivation || !running.policy.has_value() || !running.fallback.has_value()) return false;
  bool reason = false;
  for (const RuleResult& result : failing) {
    // The fallback is no better.
    if (result.rule_id() == "G20") return false;
    reason = reason || !running.reservations.Has(result.rule_id());
  }
  if (!reason) return false;
  const StatusOr<bool> may = MayBeTakenBack(running);
  // What nobody can say is no leave to take anything back.
  return !may.ok() && IsOfWhatWasRecorded(may.status()) ? StatusOr<bool>(false) : may;
}

Status Check::RecordInstructions(const std::vector<Case>& cases, const std::string& hold_id, LeafIndex hold) {
  std::map<std::string, std::vector<const Case*>> by_fallback;
  for (const Case& each : cases) {
    // Said before of this activation.
    if (each.instructed) continue;
    ASSIGN_OR_RETURN(const bool may, MayInstruct(each.running, each.failing));
    if (may) by_fallback[EntityKeyText(*each.running.fallback)].push_back(&each);
  }
  for (const auto& [name, units] : by_fallback) {
    const RunningArtifact& first = units.front()->running;
    v1::DeactivationInstructed body;
    body.set_hold(hold.value);
    std::vector<v1::EntityRef> refs = {InRole("standing_hold", ToEntity({"standing_hold", hold_id})),
                                       InRole("artifact", first.artifact), InRole("fallback", *first.fallback),
                                       InRole("policy", *first.policy)};
    std::set<std::string> named;
    for (const Case* each : units) {
      v1::DeactivationInstructed::Unit& unit = *body.add_units();
      unit.set_unit(each->running.unit);
      unit.set_surface(each->running.surface);
      unit.set_activated(each->activated);
      if (each->decision.has_value()) unit.set_decision(*each->decision);
      if (named.insert(unit.unit()).second) refs.push_back(UnitRef(unit.unit()));
    }
    Record("deactivation.instructed", body, std::move(refs));
  }
  return OkStatus();
}

void Check::RecordLifts() {
  for (const auto& [reason, units] : lifts_) {
    for (size_t i = 0; i < units.size(); i += kStandingUnitsPerRecord) {
      v1::StandingHoldLifted body;
      Causes causes;
      std::vector<v1::EntityRef> refs;
      std::set<std::string> named;
      for (size_t u = i; u < std::min(units.size(), i + kStandingUnitsPerRecord); ++u) {
        const Causes& own = causes_[units[u].unit()];
        causes.insert(own.begin(), own.end());
        *body.add_units() = units[u];
        if (named.insert(units[u].unit()).second) refs.push_back(UnitRef(units[u].unit()));
      }
      SetCauses(causes, *body.mutable_causes());
      body.set_tree_size(size_.value);
      body.set_at_us(batch_.now.us);
      body.set_reason(reason);
      Record("standing_hold.lifted", body, std::move(refs));
    }
  }
}

void Check::RecordLate() {
  for (const auto& [key, cases] : late_) {
    for (size_t i = 0; i < cases.size(); i += kStandingUnitsPerRecord) {
      v1::LateKnowledgeFound body;
      CommonResults common;
      std::vector<v1::EntityRef> refs = {InRole("artifact", cases[i].running.artifact)};
      std::set<std::string> named;
      for (size_t u = i; u < std::min(cases.size(), i + kStandingUnitsPerRecord); ++u) {
        const RunningArtifact& running = cases[u].running;
        common.Add(cases[u].failing);
        v1::LateKnowledgeFound::Unit& unit = *body.add_units();
        unit.set_unit(running.unit);
        unit.set_surface(running.surface);
        unit.set_decision(cases[u].decision.value_or(0));
        unit.set_activated(cases[u].activated);
        unit.set_exposed_from_us(cases[u].late.from.us);
        unit.set_exposed_until_us(std::max(cases[u].late.from, running.until).us);
        if (named.insert(unit.unit()).second) refs.push_back(UnitRef(unit.unit()));
      }
      for (const uint64_t leaf : cases[i].late.leaves) body.add_late(leaf);
      for (const RuleResult& result : common.results()) *body.add_refused_as_known_now() = result;
      body.set_tree_size(size_.value);
      Record("late_knowledge.found", body, std::move(refs));
    }
  }
}

void Check::RecordContinued(const Portion& portion) {
  v1::StandingCheckContinued body;
  for (const uint64_t cause : portion.causes) body.add_causes(cause);
  body.set_after(portion.found.after.value_or(std::string(portion.of_times ? kTimesCursor : "")));
  body.set_units(portion.units_before + portion.found.units.size());
  body.set_complete(!portion.found.after.has_value());
  Record("standing_check.continued", body, {});
}

}  // namespace

StatusOr<bool> HasStandingWork(const RowFinder& rows, const StandingOutlook& outlook) {
  ASSIGN_OR_RETURN(const std::optional<internal::StandingWork> work, StandingWorkOf(rows));
  const bool any_unit = work.has_value() || outlook.activates_artifact;
  if (!any_unit) return false;
  bool anything = outlook.has_cause || (work.has_value() && work->tasks_size() > 0);
  if (!anything) {
    ASSIGN_OR_RETURN(const std::optional<Timestamp> next, NextStandingTime(rows, outlook.since, outlook.size));
    anything = next.has_value() && *next <= outlook.until;
  }
  if (!anything) return false;
  if (outlook.adopts_policy) return true;
  return HasPolicy(rows, v1::PolicyAdopted::GATE);
}

StatusOr<std::vector<StandingRecord>> CheckStanding(const RowReader& rows, TreeSize size, const StandingBatch& batch) {
  Check check(rows, size, batch);
  RETURN_IF_ERROR(check.Run());
  return check.Take();
}

}  // namespace anamnesis
