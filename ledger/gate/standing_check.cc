#include "ledger/gate/standing_check.h"

#include <algorithm>
#include <array>
#include <map>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/event/names.h"
#include "ledger/gate/decisions.h"
#include "ledger/gate/judgement.h"
#include "ledger/gate/standing.h"
#include "ledger/gate/standing_targets.h"
#include "ledger/gate/subject.h"
#include "ledger/query/item_scope.h"
#include "ledger/state/broken_rules.h"
#include "ledger/state/policies.h"
#include "ledger/state/standing_rows.h"

namespace anamnesis {
namespace {

using gate::IsOfWhatWasRecorded;
using gate::RunningArtifact;
using internal::StandingUnit;
using RuleResult = v1::GateDecided::RuleResult;
using Causes = std::set<uint64_t>;

v1::EntityRef InRole(std::string_view role, const v1::EntityRef& entity) {
  v1::EntityRef ref = gate::Bare(entity);
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
std::string KeyOf(const v1::EntityRef& artifact, const std::vector<RuleResult>& failing) {
  std::string key = EntityKeyText(artifact);
  for (const RuleResult& result : failing) key += Text('\0', result.rule_id(), '\0', result.note());
  return key;
}

// One thing to be recorded about one unit. The leaves are kept apart: `running` outlives the facts that it points into.
struct Case {
  RunningArtifact running;
  std::vector<RuleResult> failing;
  std::set<uint64_t> late;
  // The unit was told before to take this activation back.
  bool instructed = false;
  uint64_t activated = 0;
  std::optional<uint64_t> decision;
  Timestamp activated_at;
};

Case CaseOf(const RunningArtifact& running, std::vector<RuleResult> failing) {
  Case made{running,      std::move(failing),       {}, false, running.since->event.index.value,
            std::nullopt, running.since->earliest()};
  if (running.decided != nullptr) made.decision = running.decided->event.index.value;
  made.running.since = nullptr;
  made.running.decided = nullptr;
  return made;
}

// Facts are read anew after so many units, so that what is kept of them is bounded.
constexpr size_t kUnitsPerFacts = 256;

class Check {
 public:
  Check(Facts& facts, const StandingBatch& batch) : facts_(facts), batch_(batch) {}

  Status Run();
  std::vector<StandingRecord> Take() { return std::move(records_); }

 private:
  Status AddTargetsOf(const Causes& causes, gate::StandingTargets& targets);
  Status Continue(const internal::StandingWork::Task& task);
  Status AddTargets(const Fact& cause, gate::StandingTargets& targets);
  Status CheckUnit(const std::string& unit, const Causes& causes);
  void CheckRunning(const RunningArtifact& running, const StandingUnit& row);
  Status CheckLate(Facts& facts, const RunningArtifact& running, const StandingUnit& row, const Causes& causes);
  StatusOr<bool> MayInstruct(const RunningArtifact& running, const std::vector<RuleResult>& failing);
  StatusOr<bool> StoppingIsWorse(const RunningArtifact& running);

  Status RecordHolds();
  Status RecordHold(const std::vector<Case>& cases);
  Status RecordRecertification(const Case& first, const std::string& hold_id, const v1::StandingHoldPlaced& hold);
  Status RecordInstructions(const std::vector<Case>& cases, const std::string& hold_id, LeafIndex hold);
  void RecordLifts();
  void RecordLate();
  void RecordContinued(const Causes& causes, const std::string& after, uint64_t units, bool complete);

  LeafIndex NextLeaf() const { return LeafIndex(facts_.size().value + records_.size()); }
  template <typename Body>
  void Record(std::string type, const Body& body, std::vector<v1::EntityRef> refs) {
    records_.push_back({std::move(type), body.SerializeAsString(), std::move(refs)});
  }

  Facts& facts_;
  const StandingBatch& batch_;
  std::vector<StandingRecord> records_;
  std::set<std::string> checked_;
  std::optional<Facts> facts_of_units_;
  size_t units_read_ = 0;
  std::map<std::string, Causes> causes_;
  std::map<std::string, std::vector<Case>> holds_;
  std::map<std::string, std::vector<Case>> late_;
  std::map<v1::StandingHoldLifted::Reason, std::vector<v1::StandingHoldLifted::Unit>> lifts_;
  std::set<std::string> required_;
};

Status Check::AddTargetsOf(const Causes& causes, gate::StandingTargets& targets) {
  for (const uint64_t cause : causes) {
    ASSIGN_OR_RETURN(const Fact* fact, facts_.At(LeafIndex(cause)));
    RETURN_IF_ERROR(AddTargets(*fact, targets));
  }
  return gate::Settle(facts_, targets);
}

Status Check::AddTargets(const Fact& cause, gate::StandingTargets& targets) {
  const Status added = gate::AddTargets(facts_, cause, targets);
  if (added.ok() || !IsOfWhatWasRecorded(added)) return added;
  // Too much is recorded of what it names to say whom it touches.
  targets.all = true;
  return OkStatus();
}

Status Check::Run() {
  ASSIGN_OR_RETURN(const std::optional<internal::StandingWork> work, StandingWorkOf(facts_.rows()));
  gate::StandingTargets targets;
  Causes touching;
  // Which units each event names itself, so that a record can say why.
  for (const LeafIndex cause : batch_.causes) {
    ASSIGN_OR_RETURN(const Fact* fact, facts_.At(cause));
    gate::StandingTargets own;
    RETURN_IF_ERROR(AddTargets(*fact, own));
    for (const std::string& unit : own.units) causes_[unit].insert(cause.value);
    const bool beyond = !own.artifacts.empty() || !own.items.empty() || !own.device_models.empty() ||
                        !own.producers.empty() || own.lineage || own.all || own.held || own.without_bytes;
    if (!beyond) continue;
    touching.insert(cause.value);
    targets.artifacts.merge(own.artifacts);
    targets.items.merge(own.items);
    targets.device_models.merge(own.device_models);
    targets.producers.merge(own.producers);
    targets.lineage |= own.lineage;
    targets.all |= own.all;
    targets.held |= own.held;
    targets.without_bytes |= own.without_bytes;
  }
  RETURN_IF_ERROR(gate::Settle(facts_, targets));
  ASSIGN_OR_RETURN(const gate::FoundUnits found, gate::FindUnits(facts_, targets, "", kStandingUnitsMax));
  for (const std::string& unit : found.units) causes_[unit].insert(touching.begin(), touching.end());
  // CheckUnit may not be called while causes_ still grows by what is left over.
  const std::map<std::string, Causes> now = causes_;
  for (const auto& [unit, causes] : now) RETURN_IF_ERROR(CheckUnit(unit, causes));
  if (work.has_value() && work->tasks_size() > 0) RETURN_IF_ERROR(Continue(work->tasks(0)));
  RETURN_IF_ERROR(RecordHolds());
  RecordLifts();
  RecordLate();
  if (found.after.has_value()) RecordContinued(touching, *found.after, found.units.size(), false);
  return OkStatus();
}

// The next units of what batches before left over.
Status Check::Continue(const internal::StandingWork::Task& task) {
  const Causes causes(task.causes().begin(), task.causes().end());
  gate::StandingTargets targets;
  RETURN_IF_ERROR(AddTargetsOf(causes, targets));
  ASSIGN_OR_RETURN(const gate::FoundUnits found, gate::FindUnits(facts_, targets, task.after(), kStandingUnitsMax));
  for (const std::string& unit : found.units) {
    causes_[unit].insert(causes.begin(), causes.end());
    RETURN_IF_ERROR(CheckUnit(unit, causes));
  }
  RecordContinued(causes, found.after.value_or(""), task.units() + found.units.size(), !found.after.has_value());
  return OkStatus();
}

Status Check::CheckUnit(const std::string& unit, const Causes& causes) {
  if (!checked_.insert(unit).second) return OkStatus();
  ASSIGN_OR_RETURN(const std::optional<StandingUnit> row, StandingUnitOf(facts_.rows(), unit));
  // Nothing that the gate decides about ever ran on it.
  if (!row.has_value()) return OkStatus();
  if (!facts_of_units_.has_value() || ++units_read_ % kUnitsPerFacts == 0) {
    facts_of_units_.emplace(facts_.rows(), facts_.size());
  }
  Facts& facts = *facts_of_units_;
  const StatusOr<std::vector<RunningArtifact>> running = gate::ArtifactsRunningOn(facts, unit, batch_.now);
  if (!running.ok()) {
    // Nothing is said of what can't be evaluated; the question says why.
    return IsOfWhatWasRecorded(running.status()) ? OkStatus() : running.status();
  }
  std::set<std::string> surfaces;
  for (const RunningArtifact& each : *running) {
    surfaces.insert(each.surface);
    CheckRunning(each, *row);
    const Status late = CheckLate(facts, each, *row, causes);
    if (!late.ok() && !IsOfWhatWasRecorded(late)) return late;
  }
  for (const StandingUnit::Hold& hold : row->holds()) {
    if (surfaces.count(hold.surface()) > 0) continue;
    v1::StandingHoldLifted::Unit& lifted = lifts_[v1::StandingHoldLifted::NO_LONGER_RUNS].emplace_back();
    lifted.set_unit(unit);
    lifted.set_surface(hold.surface());
    lifted.set_hold(hold.placed());
  }
  return OkStatus();
}

void Check::CheckRunning(const RunningArtifact& running, const StandingUnit& row) {
  const StandingUnit::Hold* hold = nullptr;
  for (const StandingUnit::Hold& each : row.holds()) {
    if (each.surface() == running.surface) hold = &each;
  }
  if (!running.denied()) {
    if (hold == nullptr) return;
    const bool same = hold->activated() == running.since->event.index.value;
    v1::StandingHoldLifted::Unit& lifted =
        lifts_[same ? v1::StandingHoldLifted::ALLOWED_AGAIN : v1::StandingHoldLifted::NO_LONGER_RUNS].emplace_back();
    lifted.set_unit(running.unit);
    lifted.set_surface(running.surface);
    lifted.set_hold(hold->placed());
    return;
  }
  std::vector<RuleResult> failing = FailingOf(running.now);
  const bool same_activation = hold != nullptr && hold->activated() == running.since->event.index.value;
  if (same_activation && ToSet(hold->rules()) == IdsOf(failing)) return;
  const std::string key = KeyOf(running.artifact, failing);
  Case& made = holds_[key].emplace_back(CaseOf(running, std::move(failing)));
  made.instructed = same_activation && hold->instructed() != 0;
}

// Of what came now, that which had effect before the decision on which the artifact was activated.
Status Check::CheckLate(Facts& facts, const RunningArtifact& running, const StandingUnit& row, const Causes& causes) {
  const auto* decision = running.decided == nullptr ? nullptr : running.decided->body<v1::GateDecided>();
  if (decision == nullptr || decision->verdict() != v1::GateDecided::ALLOW) return OkStatus();
  std::set<uint64_t> late;
  bool corrects = false;
  for (const uint64_t cause : causes) {
    if (cause <= running.since->event.index.value) continue;
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(LeafIndex(cause)));
    const bool is_correction = !fact->header().corrects().empty();
    if (!is_correction && gate::EffectOf(*fact).us > decision->at_us()) continue;
    late.insert(cause);
    corrects |= is_correction;
  }
  if (late.empty()) return OkStatus();
  // What did not conform was not lawful as known then either.
  ASSIGN_OR_RETURN(const std::vector<v1::Finding> findings, FindingsOf(facts.rows(), running.since->event.index));
  for (const v1::Finding& finding : findings) {
    if (finding.rule().starts_with("ACTIVATION-")) return OkStatus();
  }
  ASSIGN_OR_RETURN(const v1::GateDecided known_now, gate::DecideAsKnownNow(facts, running));
  if (known_now.verdict() == v1::GateDecided::ALLOW) return OkStatus();
  std::vector<RuleResult> failing = FailingOf(known_now);
  std::set<std::string> failed_before;
  for (const StandingUnit::Hold& hold : row.holds()) {
    if (hold.surface() == running.surface) failed_before = ToSet(hold.rules());
  }
  // What a rule failed for all the same is not what became known. A correction is no evidence: it is seen by the rules
  // that fail since.
  std::erase_if(failing, [&](const RuleResult& result) {
    const bool rests_on_it = std::any_of(result.evidence().begin(), result.evidence().end(),
                                         [&](uint64_t leaf) { return late.count(leaf) > 0; });
    return !rests_on_it && !(corrects && failed_before.count(result.rule_id()) == 0);
  });
  for (const StandingUnit::Late& each : row.late()) {
    if (each.surface() != running.surface || each.activated() != running.since->event.index.value) continue;
    const std::set<std::string> rules = ToSet(each.rules());
    std::erase_if(failing, [&](const RuleResult& result) { return rules.count(result.rule_id()) > 0; });
  }
  if (failing.empty()) return OkStatus();
  std::string key = KeyOf(running.artifact, failing);
  for (const uint64_t leaf : late) key += Text('\0', leaf);
  late_[key].emplace_back(CaseOf(running, std::move(failing))).late = std::move(late);
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
    for (const std::string& rule : each.running.not_evaluated) not_evaluated.insert(rule);
  }
  SetCauses(causes, *body.mutable_causes());
  body.set_tree_size(facts_.size().value);
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
  ASSIGN_OR_RETURN(const internal::StandingCertification open,
                   StandingCertificationOf(facts_.rows(), certification.id()));
  if (open.required() != 0 || !required_.insert(certification.id()).second) return OkStatus();
  body.set_reason(Utf8Prefix(reason, kReasonBytesMax));
  *body.mutable_causes() = hold.causes();
  for (const uint64_t leaf : evidence) body.add_evidence(leaf);
  std::vector<v1::EntityRef> refs = {InRole("certification", certification), InRole("artifact", first.running.artifact),
                                     InRole("standing_hold", ToEntity({"standing_hold", hold_id}))};
  std::set<std::string> named;
  for (const uint64_t cause : hold.causes()) {
    ASSIGN_OR_RETURN(const Fact* fact, facts_.At(LeafIndex(cause)));
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

StatusOr<bool> Check::StoppingIsWorse(const RunningArtifact& running) {
  std::vector<v1::EntityRef> about = {running.artifact, ToEntity({"device_unit", running.unit})};
  if (!running.item.empty()) about.push_back(ToEntity({"software_item", running.item}));
  ASSIGN_OR_RETURN(const Fact* decided, gate::LastDecisionFor(facts_, about, gate::kStoppingIsWorse,
                                                              gate::DecisionsAbout::kChoice, std::nullopt));
  return decided != nullptr;
}

StatusOr<bool> Check::MayInstruct(const RunningArtifact& running, const std::vector<RuleResult>& failing) {
  if (!running.automatic_deactivation || !running.policy.has_value() || !running.fallback.has_value()) return false;
  bool evaluated = false;
  for (const RuleResult& result : failing) {
    // The fallback is no better.
    if (result.rule_id() == "G20") return false;
    evaluated = evaluated || running.not_evaluated.count(result.rule_id()) == 0;
  }
  if (!evaluated) return false;
  const StatusOr<bool> passes = gate::FallbackPasses(facts_, running, batch_.now);
  if (!passes.ok()) return IsOfWhatWasRecorded(passes.status()) ? StatusOr<bool>(false) : passes;
  if (!*passes) return false;
  ASSIGN_OR_RETURN(const bool worse, StoppingIsWorse(running));
  return !worse;
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
      body.set_tree_size(facts_.size().value);
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
        unit.set_exposed_from_us(cases[u].activated_at.us);
        unit.set_exposed_until_us(std::max(cases[u].activated_at, batch_.now).us);
        if (named.insert(unit.unit()).second) refs.push_back(UnitRef(unit.unit()));
      }
      for (const uint64_t leaf : cases[i].late) body.add_late(leaf);
      for (const RuleResult& result : common.results()) *body.add_refused_as_known_now() = result;
      body.set_tree_size(facts_.size().value);
      Record("late_knowledge.found", body, std::move(refs));
    }
  }
}

void Check::RecordContinued(const Causes& causes, const std::string& after, uint64_t units, bool complete) {
  v1::StandingCheckContinued body;
  for (const uint64_t cause : causes) body.add_causes(cause);
  body.set_after(after);
  body.set_units(units);
  body.set_complete(complete);
  Record("standing_check.continued", body, {});
}

}  // namespace

bool CanChangeDecisions(const EventType& type) {
  // Beside those that are found by entity and type.
  static const auto* others = new std::set<std::string, std::less<>>{
      "artifact.deactivated",
      "artifact.produced",
      "artifact.rolled_back",
      "authority.delegated",
      "baseline.established",
      "configuration.attested",
      "device_unit.serviced",
      "model.registered",
      "policy.adopted",
      "record.corrected",
      "release.approved",
      "requirement.approved",
      "requirement.revised",
      "risk_control_set.versioned",
      "safety_class.assigned",
      "safety_class.lowered",
      "sandbox_protocol.approved",
      "sandbox_run.completed",
      "software_item.decomposed",
      "soup.identified",
      "training_run.started",
  };
  return type.options->gate_input() || others->count(type.name()) > 0;
}

StatusOr<bool> HasStandingWork(const RowFinder& rows, const StandingOutlook& outlook) {
  ASSIGN_OR_RETURN(const std::optional<internal::StandingWork> work, StandingWorkOf(rows));
  const bool any_unit = work.has_value() || outlook.activates_artifact;
  const bool anything = outlook.has_cause || (work.has_value() && work->tasks_size() > 0);
  if (!any_unit || !anything) return false;
  if (outlook.adopts_policy) return true;
  return HasPolicy(rows, v1::PolicyAdopted::GATE);
}

StatusOr<std::vector<StandingRecord>> CheckStanding(const RowReader& rows, TreeSize size, const StandingBatch& batch) {
  Facts facts(rows, size);
  Check check(facts, batch);
  RETURN_IF_ERROR(check.Run());
  return check.Take();
}

}  // namespace anamnesis
