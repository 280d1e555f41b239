#include "ledger/gate/decide.h"

#include <algorithm>
#include <array>
#include <map>

#include "ledger/event/names.h"
#include "ledger/gate/judgement.h"
#include "ledger/gate/rules.h"
#include "ledger/gate/subject.h"
#include "ledger/state/event_list.h"
#include "ledger/state/stream.h"

namespace anamnesis {
namespace {

using gate::Judgement;
using gate::Subject;

struct Rule {
  std::string_view id;
  // What it asks, in a word or two.
  std::string_view title;
  Status (*judge)(Subject&, Judgement&);
  std::string_view clause;
  // Who can supply what is missing.
  std::string_view supplied_by;
};

constexpr std::array<Rule, 20> kRules = {{
    {"G01", "known", gate::JudgeKnown, "IEC 62304 8.1.1", "whoever produced the artifact or commissioned the unit"},
    {"G02", "integrity", gate::JudgeIntegrity, "IEC 62304 8.1.1", "the producer of the artifact"},
    {"G03", "baseline", gate::JudgeBaseline, "IEC 62304 8.1.3", "the producer of the artifact"},
    {"G04", "substrate", gate::JudgeSubstrate, "IEC 62304 8.1.2", "the producer, then the certifier"},
    {"G05", "envelope", gate::JudgeEnvelope, "IEC 62304 5.2.2", "whoever approves envelopes, or the producer"},
    {"G06", "certification", gate::JudgeCertification, "IEC 62304 5.8.1", "the certifier"},
    {"G07", "risk controls", gate::JudgeRiskControls, "IEC 62304 7.3.1", "the verifier of risk controls"},
    {"G08", "class evidence", gate::JudgeClassEvidence, "IEC 62304 5.7.5", "the verifier"},
    {"G09", "anomalies", gate::JudgeAnomalies, "IEC 62304 5.8.3", "whoever evaluates anomalies and problems"},
    {"G10", "change control", gate::JudgeChangeControl, "IEC 62304 8.2.1", "whoever approves changes"},
    {"G11", "change plan", gate::JudgeChangePlan, "21 USC 360e-4", "the regulatory officer"},
    {"G12", "clearance", gate::JudgeClearance, "Regulation (EU) 2017/745 Annex XII", "the regulatory officer"},
    {"G13", "no hold", gate::JudgeNoHold, "IEC 62304 9.3", "whoever placed the hold"},
    {"G14", "separation", gate::JudgeSeparation, "21 CFR 11.10(g)", "a certifier who is independent of the producer"},
    {"G15", "signatures", gate::JudgeSignatures, "21 CFR 11.50", "whoever signed"},
    {"G16", "gate class", gate::JudgeGateClass, "IEC 62304 4.3", "whoever assigns safety classes"},
    {"G17", "freshness", gate::JudgeFreshness, "21 CFR 11.10(f)", "a connection to the ledger"},
    {"G18", "data lineage", gate::JudgeDataLineage, "IEC PAS 63621:2026", "whoever curates the data"},
    {"G19", "identification", gate::JudgeIdentification, "Regulation (EU) 2017/745 Annex VI C 6.5",
     "the regulatory officer"},
    {"G20", "fallback", gate::JudgeFallback, "IEC 62304 6.3.2", "whoever asks for the activation"},
}};

// Those that look at what the others rest on, in the order in which they are judged after these: by which keys it was
// sealed, and whether its streams are forked.
constexpr std::array<std::string_view, 2> kOfTheOthers = {"G15", "G17"};

const Rule* FindRule(std::string_view id) {
  const auto* rule = std::find_if(kRules.begin(), kRules.end(), [&](const Rule& each) { return each.id == id; });
  return rule == kRules.end() ? nullptr : rule;
}

constexpr size_t kNoteBytesMax = 2048;

void AddResult(std::string_view id, const Judgement& judgement, const Rule* rule, v1::GateDecided::RuleResult& result) {
  result.set_rule_id(std::string(id));
  result.set_outcome(judgement.outcome());
  result.set_note(Utf8Prefix(judgement.note(), kNoteBytesMax));
  std::set<uint64_t> evidence = judgement.evidence();
  evidence.insert(judgement.listed().begin(), judgement.listed().end());
  for (const uint64_t leaf : evidence) result.add_evidence(leaf);
  if (!judgement.failed() || rule == nullptr) return;
  result.set_clause(std::string(rule->clause));
  result.set_supplied_by(std::string(rule->supplied_by));
}

// Of the rules that the policy names, in the order of their ids.
struct Results {
  google::protobuf::RepeatedPtrField<v1::GateDecided::RuleResult> all;
  Reservations reservations;
  bool allow = true;

  void Add(const std::string& id, const Judgement& judgement, const Rule* rule) {
    AddResult(id, judgement, rule, *all.Add());
    if (!judgement.evaluated()) reservations.not_evaluated.insert(id);
    if (judgement.failed_by_tests_alone()) reservations.failed_tests.insert(id);
    for (const uint64_t leaf : judgement.listed()) {
      if (judgement.evidence().count(leaf) == 0) reservations.listed[id].insert(leaf);
    }
    allow = allow && !judgement.failed();
  }
};

// By the certification that the subject has in use.
StatusOr<Results> JudgeAll(Subject& subject) {
  const v1::GatePolicy& policy = subject.policy->body->document().gate();
  std::map<std::string, Judgement> judgements;
  subject.relied_on.clear();
  subject.passed_by.clear();
  const auto judge = [&](const std::string& id) -> Status {
    Judgement& judgement = judgements[id];
    const Rule* rule = FindRule(id);
    if (rule == nullptr) {
      judgement.FailToEvaluate("this version of the ledger doesn't know the rule");
      return OkStatus();
    }
    RETURN_IF_ERROR(gate::Settled(rule->judge(subject, judgement), judgement));
    subject.relied_on.insert(judgement.evidence().begin(), judgement.evidence().end());
    if (!judgement.failed()) subject.passed_by.insert(judgement.evidence().begin(), judgement.evidence().end());
    return OkStatus();
  };
  const auto is_of_the_others = [](std::string_view id) {
    return std::find(kOfTheOthers.begin(), kOfTheOthers.end(), id) != kOfTheOthers.end();
  };
  for (const std::string& id : policy.rules()) {
    if (!is_of_the_others(id) && judgements.count(id) == 0) RETURN_IF_ERROR(judge(id));
  }
  for (const std::string_view id : kOfTheOthers) {
    const bool asked = std::find(policy.rules().begin(), policy.rules().end(), id) != policy.rules().end();
    if (asked) RETURN_IF_ERROR(judge(std::string(id)));
  }
  Results results;
  for (const auto& [id, judgement] : judgements) results.Add(id, judgement, FindRule(id));
  return results;
}

// By the first certification that serves for all rules, so that taking one away never helps; where none does, by the
// newest.
StatusOr<Results> JudgeByEach(Subject& subject) {
  Results results;
  if (!subject.policy.has_value()) {
    Judgement none;
    none.FailToEvaluate("no gate policy is in force: anamnesis policy adopt");
    results.Add("POLICY", none, nullptr);
    return results;
  }
  ASSIGN_OR_RETURN(results, JudgeAll(subject));
  for (size_t i = 1; i < subject.certifications.size() && !results.allow; ++i) {
    subject.Use(subject.certifications[i]);
    ASSIGN_OR_RETURN(Results others, JudgeAll(subject));
    if (others.allow) results = std::move(others);
  }
  return results;
}

// The unit's own stream as of the size.
StatusOr<uint64_t> StreamPositionAt(Facts& facts, const std::string& unit) {
  uint64_t position = 0;
  std::optional<LeafIndex> last;
  if (facts.size().value > 0) {
    RETURN_IF_ERROR(VisitList(facts.rows(), Family::kStreamEvents, StreamOfUnit(unit),
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

}  // namespace

std::string_view TitleOfRule(std::string_view id) {
  const Rule* rule = FindRule(id);
  return rule == nullptr ? std::string_view() : rule->title;
}

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

StatusOr<v1::GateDecided> Decide(Facts& facts, const GateRequest& request, Reservations* reservations) {
  Reservations ignored;
  if (reservations == nullptr) reservations = &ignored;
  v1::GateDecided decision;
  decision.set_jurisdiction(request.jurisdiction);
  decision.set_at_us(request.at.us);
  decision.set_artifact_digest(request.artifact_digest);
  decision.set_known_until_us(request.known_until.us);
  decision.set_tree_size(facts.size().value);
  Subject subject(facts, request);
  if (const Status loaded = gate::LoadSubject(subject); !loaded.ok()) {
    Judgement judgement;
    RETURN_IF_ERROR(gate::Settled(loaded, judgement));
    AddResult("INPUT", judgement, nullptr, *decision.add_results());
    reservations->not_evaluated.insert("INPUT");
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
  ASSIGN_OR_RETURN(Results results, JudgeByEach(subject));
  *decision.mutable_results() = std::move(results.all);
  *reservations = std::move(results.reservations);
  decision.set_verdict(results.allow ? v1::GateDecided::ALLOW : v1::GateDecided::DENY);
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
