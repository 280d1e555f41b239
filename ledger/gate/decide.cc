#include "ledger/gate/decide.h"

#include <algorithm>
#include <array>

#include "ledger/event/names.h"
#include "ledger/gate/judgement.h"
#include "ledger/gate/rules.h"
#include "ledger/gate/subject.h"
#include "ledger/state/event_list.h"

namespace anamnesis {
namespace {

using gate::Judgement;
using gate::Subject;

struct Rule {
  std::string_view id;
  Status (*judge)(Subject&, Judgement&);
  std::string_view clause;
  // Who can supply what is missing.
  std::string_view supplied_by;
};

constexpr std::array<Rule, 20> kRules = {{
    {"G01", gate::JudgeKnown, "IEC 62304 8.1.1", "whoever produced the artifact or commissioned the unit"},
    {"G02", gate::JudgeIntegrity, "IEC 62304 8.1.1", "the producer of the artifact"},
    {"G03", gate::JudgeBaseline, "IEC 62304 8.1.3", "the producer of the artifact"},
    {"G04", gate::JudgeSubstrate, "IEC 62304 8.1.2", "the producer, then the certifier"},
    {"G05", gate::JudgeEnvelope, "IEC 62304 5.2.2", "whoever approves envelopes, or the producer"},
    {"G06", gate::JudgeCertification, "IEC 62304 5.8.1", "the certifier"},
    {"G07", gate::JudgeRiskControls, "IEC 62304 7.3.1", "the verifier of risk controls"},
    {"G08", gate::JudgeClassEvidence, "IEC 62304 5.7.5", "the verifier"},
    {"G09", gate::JudgeAnomalies, "IEC 62304 5.8.3", "whoever evaluates anomalies and problems"},
    {"G10", gate::JudgeChangeControl, "IEC 62304 8.2.1", "whoever approves changes"},
    {"G11", gate::JudgeChangePlan, "21 USC 360e-4", "the regulatory officer"},
    {"G12", gate::JudgeClearance, "Regulation (EU) 2017/745 Annex XII", "the regulatory officer"},
    {"G13", gate::JudgeNoHold, "IEC 62304 9.3", "whoever placed the hold"},
    {"G14", gate::JudgeSeparation, "21 CFR 11.10(g)", "a certifier who is independent of the producer"},
    {"G15", gate::JudgeSignatures, "21 CFR 11.50", "whoever signed"},
    {"G16", gate::JudgeGateClass, "IEC 62304 4.3", "whoever assigns safety classes"},
    {"G17", gate::JudgeFreshness, "21 CFR 11.10(f)", "a connection to the ledger"},
    {"G18", gate::JudgeDataLineage, "IEC PAS 63621:2026", "whoever curates the data"},
    {"G19", gate::JudgeIdentification, "Regulation (EU) 2017/745 Annex VI C 6.5", "the regulatory officer"},
    {"G20", gate::JudgeFallback, "IEC 62304 6.3.2", "whoever asks for the activation"},
}};

constexpr size_t kNoteBytesMax = 2048;

void AddResult(std::string_view id, const Judgement& judgement, const Rule* rule, v1::GateDecided& decision) {
  v1::GateDecided::RuleResult& result = *decision.add_results();
  result.set_rule_id(std::string(id));
  result.set_outcome(judgement.outcome());
  result.set_note(judgement.note().size() <= kNoteBytesMax ? judgement.note()
                                                           : judgement.note().substr(0, kNoteBytesMax - 3) + "...");
  for (const uint64_t leaf : judgement.evidence()) result.add_evidence(leaf);
  if (!judgement.failed() || rule == nullptr) return;
  result.set_clause(std::string(rule->clause));
  result.set_supplied_by(std::string(rule->supplied_by));
}

// Whether what somebody recorded can't be decided on, rather than that rows can't be read: then the gate denies, and
// the ledger goes on.
bool IsOfWhatWasRecorded(const Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsOutOfRange(status) || absl::IsResourceExhausted(status);
}

// The rules that the policy names, in the order of their ids.
Status AddResults(Subject& subject, v1::GateDecided& decision, std::set<std::string>& not_evaluated) {
  if (!subject.policy.has_value()) {
    Judgement none;
    none.Fail("no gate policy is in force: anamnesis policy adopt");
    AddResult("POLICY", none, nullptr, decision);
    not_evaluated.insert("POLICY");
    return OkStatus();
  }
  const v1::GatePolicy& policy = subject.policy->body.document().gate();
  const std::set<std::string> ids(policy.rules().begin(), policy.rules().end());
  for (const std::string& id : ids) {
    Judgement judgement;
    const auto* rule = std::find_if(kRules.begin(), kRules.end(), [&](const Rule& each) { return each.id == id; });
    if (rule == kRules.end()) {
      judgement.Fail("this version of the ledger doesn't know the rule");
      not_evaluated.insert(id);
      AddResult(id, judgement, nullptr, decision);
      continue;
    }
    if (const Status judged = rule->judge(subject, judgement); !judged.ok()) {
      if (!IsOfWhatWasRecorded(judged)) return judged;
      judgement.Fail(MessageOf(judged));
      not_evaluated.insert(id);
    }
    AddResult(id, judgement, rule, decision);
  }
  return OkStatus();
}

// The unit's own stream as of the size.
StatusOr<uint64_t> StreamPositionAt(Facts& facts, const std::string& unit) {
  uint64_t position = 0;
  std::optional<LeafIndex> last;
  if (facts.size().value > 0) {
    RETURN_IF_ERROR(VisitList(facts.rows(), Family::kStreamEvents, Text("device_unit/", unit),
                              LeafIndex(facts.size().value - 1), true, facts.size(), [&](LeafIndex index) {
                                last = index;
                                return false;
                              }));
  }
  if (last.has_value()) {
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(*last));
    position = fact->header().stream_position();
  }
  return position;
}

bool Allows(const v1::GateDecided& decision) {
  return std::none_of(decision.results().begin(), decision.results().end(),
                      [](const auto& result) { return result.outcome() == v1::GateDecided::RuleResult::FAIL; });
}

}  // namespace

GateRequest RequestOf(const v1::EventHeader& header, const v1::GateRequested& body, Timestamp recorded) {
  GateRequest request;
  request.artifact = *FindReference(header, "artifact");
  request.unit = FindReference(header, "unit")->id();
  request.jurisdiction = body.jurisdiction();
  request.artifact_digest = body.artifact_digest();
  if (const v1::EntityRef* target = FindReference(header, "rollback_target"); target != nullptr) {
    request.rollback_target = *target;
  }
  request.at = recorded;
  // The order is one: all that was recorded by then stands before it.
  request.known_until = recorded;
  return request;
}

GateRequest RequestOfDecision(const v1::EventHeader& header, const v1::GateDecided& decision) {
  GateRequest request;
  request.artifact = *FindReference(header, "artifact");
  request.unit = FindReference(header, "unit")->id();
  request.jurisdiction = decision.jurisdiction();
  request.artifact_digest = decision.artifact_digest();
  if (const v1::EntityRef* target = FindReference(header, "rollback_target"); target != nullptr) {
    request.rollback_target = *target;
  }
  request.at = Timestamp(decision.at_us());
  request.known_until = Timestamp(decision.known_until_us());
  return request;
}

StatusOr<v1::GateDecided> Decide(Facts& facts, const GateRequest& request, std::set<std::string>* not_evaluated) {
  std::set<std::string> ignored;
  if (not_evaluated == nullptr) not_evaluated = &ignored;
  v1::GateDecided decision;
  decision.set_jurisdiction(request.jurisdiction);
  decision.set_at_us(request.at.us);
  decision.set_artifact_digest(request.artifact_digest);
  decision.set_known_until_us(request.known_until.us);
  decision.set_tree_size(facts.size().value);
  Subject subject(facts, request);
  if (const Status loaded = gate::LoadSubject(subject); !loaded.ok()) {
    if (!IsOfWhatWasRecorded(loaded)) return loaded;
    Judgement judgement;
    judgement.Fail(MessageOf(loaded));
    AddResult("INPUT", judgement, nullptr, decision);
    not_evaluated->insert("INPUT");
    decision.set_verdict(v1::GateDecided::DENY);
    return decision;
  }
  decision.set_configuration_digest(subject.configuration.configuration_digest());
  ASSIGN_OR_RETURN(const uint64_t position, StreamPositionAt(facts, request.unit));
  decision.set_unit_stream_position(position);
  if (subject.policy.has_value()) {
    decision.set_policy_version(EntityKeyText(subject.policy->name));
    facts.Cite(subject.policy->index);
  }
  if (subject.limits.has_value()) decision.set_time_to_live_s(subject.limits->decision_time_to_live_s());
  RETURN_IF_ERROR(AddResults(subject, decision, *not_evaluated));
  decision.set_verdict(Allows(decision) ? v1::GateDecided::ALLOW : v1::GateDecided::DENY);
  for (const auto& result : decision.results()) {
    for (const uint64_t leaf : result.evidence()) facts.Cite(LeafIndex(leaf));
  }
  return decision;
}

std::vector<v1::EntityRef> DecisionReferences(const std::string& id, const GateRequest& request,
                                              const v1::EntityRef* policy) {
  std::vector<v1::EntityRef> refs;
  const auto add = [&](std::string_view role, std::string_view kind, const std::string& entity_id,
                       const std::string& version) {
    v1::EntityRef& ref = refs.emplace_back();
    ref.set_role(std::string(role));
    ref.set_kind(std::string(kind));
    ref.set_id(entity_id);
    ref.set_version(version);
  };
  add("decision", "gate_decision", id, "");
  add("artifact", "artifact", request.artifact.id(), request.artifact.version());
  add("unit", "device_unit", request.unit, "");
  if (policy != nullptr) add("policy", "policy", policy->id(), policy->version());
  if (request.rollback_target.has_value()) {
    const v1::EntityRef& target = *request.rollback_target;
    add("rollback_target", target.kind(), target.id(), target.version());
  }
  return refs;
}

}  // namespace anamnesis
