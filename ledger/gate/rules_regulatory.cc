// Where and when it may run: G13, G17, G19.

#include <algorithm>
#include <set>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/event/names.h"
#include "ledger/gate/rules.h"
#include "ledger/gate/seal_key.h"
#include "ledger/query/item_scope.h"
#include "ledger/state/event_list.h"

namespace anamnesis::gate {

Status FindHolds(Subject& s, const v1::EntityRef& entity, Judgement& j) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> holds, TypedOfAny(s.facts, entity, "hold.placed"));
  for (const Fact* fact : holds) {
    if (EffectiveFrom(*fact, fact->body<v1::HoldPlaced>()->effective_from_us()) > s.request.at) continue;
    ASSIGN_OR_RETURN(const std::vector<const Fact*> lifted,
                     s.facts.Typed(Bare(*FindReference(fact->header(), "hold")), "hold.lifted"));
    const auto is_lifted = [&](const Fact* lift) {
      return EffectiveFrom(*lift, lift->body<v1::HoldLifted>()->effective_from_us()) <= s.request.at;
    };
    if (std::any_of(lifted.begin(), lifted.end(), is_lifted)) continue;
    j.Rest(fact);
    j.Fail(Text(EntityKeyText(entity), " is under hold (leaf ", fact->event.index.value, ")"));
  }
  ASSIGN_OR_RETURN(const std::vector<const Fact*> actions, TypedOfAny(s.facts, entity, "field_action.initiated"));
  for (const Fact* fact : actions) {
    const auto* body = fact->body<v1::FieldActionInitiated>();
    if (Timestamp(body->initiated_at_us()) > s.request.at) continue;
    if (!body->jurisdiction().empty() && !IsAmong(s.jurisdictions, body->jurisdiction())) continue;
    ASSIGN_OR_RETURN(const std::vector<const Fact*> completed,
                     s.facts.Typed(Bare(*FindReference(fact->header(), "field_action")), "field_action.completed"));
    if (!completed.empty()) continue;
    j.Rest(fact);
    j.Fail(Text("a field action on ", EntityKeyText(entity), " is under way (leaf ", fact->event.index.value, ")"));
  }
  return OkStatus();
}

namespace {

Status FindRevocations(Subject& s, const v1::EntityRef& artifact, Judgement& j) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> revoked, TypedOfEither(s.facts, artifact, "artifact.revoked"));
  for (const Fact* fact : revoked) {
    const auto* body = fact->body<v1::ArtifactRevoked>();
    if (EffectiveFrom(*fact, body->effective_from_us()) > s.request.at) continue;
    const bool here = body->jurisdictions().empty() ||
                      std::any_of(body->jurisdictions().begin(), body->jurisdictions().end(),
                                  [&](const std::string& each) { return IsAmong(s.jurisdictions, each); });
    if (!here) continue;
    j.Rest(fact);
    j.Fail(Text(EntityKeyText(artifact), " is revoked (leaf ", fact->event.index.value, ")"));
  }
  return OkStatus();
}

// Everything that the activation would rest on.
std::vector<v1::EntityRef> ReliedOn(Subject& s) {
  std::vector<v1::EntityRef> entities = {Bare(s.request.artifact), ToEntity({"device_unit", s.request.unit})};
  const auto add = [&](const v1::EntityRef* ref) {
    if (ref != nullptr) entities.push_back(Bare(*ref));
  };
  add(s.item);
  add(s.device_model);
  if (!s.site.empty()) entities.push_back(ToEntity({"site", s.site}));
  for (const EnvelopeInForce& envelope : s.envelopes) add(envelope.ref);
  if (s.baseline != nullptr) add(&s.baseline->item());
  if (s.substrate_fact != nullptr) {
    for (const v1::EntityRef& ref : s.substrate_fact->header().refs()) {
      if (ref.role() == "soup") add(&ref);
    }
  }
  if (s.certified != nullptr) {
    add(FindReference(s.certified->header(), "certification"));
    add(FindReference(s.certified->header(), "protocol"));
  }
  if (s.produced != nullptr) add(FindReference(s.produced->header(), "model"));
  return entities;
}

}  // namespace

Status JudgeNoHold(Subject& s, Judgement& j) {
  for (const v1::EntityRef& entity : ReliedOn(s)) RETURN_IF_ERROR(FindHolds(s, entity, j));
  RETURN_IF_ERROR(FindRevocations(s, Bare(s.request.artifact), j));
  for (const Fact* fact : {s.produced, s.certified}) {
    if (fact == nullptr) continue;
    ASSIGN_OR_RETURN(const std::string key, SealKeyOf(s.facts, fact->event.index));
    if (!key.empty()) RETURN_IF_ERROR(FindHolds(s, ToEntity({"credential", HexEncode(key)}), j));
  }
  if (s.certified != nullptr) {
    const Fact* end = nullptr;
    ASSIGN_OR_RETURN(const std::string why, WhyKeyIsNotInForce(s.facts, *s.certified, s.request.at, &end));
    if (!why.empty()) j.Fail(Text("the certifier's key ", why));
    j.Rest(end);
  }
  return OkStatus();
}

namespace {

constexpr size_t kForksMax = 1000;

// The streams that the other rules rest on, and the unit's, in which its own events have to be all there are.
StatusOr<std::set<std::string>> StreamsReliedOn(Subject& s) {
  std::set<std::string> streams = {Text("device_unit/", s.request.unit)};
  for (const uint64_t leaf : s.relied_on) {
    ASSIGN_OR_RETURN(const Fact* fact, s.facts.At(LeafIndex(leaf)));
    streams.insert(fact->header().stream());
  }
  return streams;
}

// What a stream holds is in doubt while somebody has seen two histories of it, or of the log, and nobody took that
// back.
Status FindForks(Subject& s, Judgement& j) {
  std::vector<LeafIndex> found;
  RETURN_IF_ERROR(VisitList(s.facts.rows(), Family::kTypeEvents, "fork.detected", LeafIndex(0), false, s.facts.size(),
                            [&](LeafIndex index) {
                              found.push_back(index);
                              return found.size() <= kForksMax;
                            }));
  if (found.empty()) return OkStatus();
  if (found.size() > kForksMax)
    return absl::ResourceExhaustedError(Text("more than ", kForksMax, " forks are recorded"));
  ASSIGN_OR_RETURN(const std::set<std::string> streams, StreamsReliedOn(s));
  for (const LeafIndex index : found) {
    ASSIGN_OR_RETURN(const Fact* fact, s.facts.At(index));
    const auto* fork = fact->body<v1::ForkDetected>();
    if (!fact->counts() || (fork != nullptr && !fork->stream().empty() && streams.count(fork->stream()) == 0)) continue;
    j.Rest(fact);
    j.Fail(Text(fork == nullptr || fork->stream().empty() ? "the log" : Text("stream ", fork->stream()),
                " has two histories (leaf ", index.value, ")"));
  }
  return OkStatus();
}

}  // namespace

Status JudgeFreshness(Subject& s, Judgement& j) {
  if (!s.limits.has_value() || s.limits->freshness_s() == 0) {
    j.Fail(Text("the policy has no limit of freshness for ", v1::SoftwareSafetyClass_Name(s.item_class.safety_class)));
    return OkStatus();
  }
  const int64_t behind_us = s.request.at.us - s.request.known_until.us;
  if (behind_us > static_cast<int64_t>(s.limits->freshness_s()) * 1'000'000) {
    j.Fail(Text("what was recorded in the last ", behind_us / 1'000'000, " s is not known here; at most ",
                s.limits->freshness_s(), " s are allowed"));
  }
  return FindForks(s, j);
}

Status JudgeIdentification(Subject& s, Judgement& j) {
  if (s.envelopes.empty()) {
    j.Fail("no envelope in force says what a change means for the UDI");
    return OkStatus();
  }
  const EnvelopeInForce& envelope = s.envelopes.front();
  // An overlay can say otherwise for where the unit is.
  std::string rule = envelope.terms->udi_rule();
  const Fact* from = envelope.approved;
  for (const EnvelopeInForce& each : s.envelopes) {
    if (each.terms->udi_rule().empty() || &each == &envelope) continue;
    rule = each.terms->udi_rule();
    from = each.approved;
  }
  j.Rest(from);
  if (rule.empty()) {
    const auto& required = s.policy->body.document().gate().udi_rule_required_in();
    const bool needed = std::any_of(required.begin(), required.end(),
                                    [&](const std::string& each) { return IsAmong(s.jurisdictions, each); });
    if (needed) {
      j.Fail("the envelope doesn't say what a change inside it means for the UDI (udi_rule: none, new_pi or new_di)");
    } else {
      j.NotApplicable("no rule is asked for here");
    }
    return OkStatus();
  }
  if (rule == "none") return OkStatus();
  if (rule != "new_pi" && rule != "new_di") {
    j.Fail(Text("udi_rule \"", rule, "\" is none of none, new_pi, new_di"));
    return OkStatus();
  }
  const bool new_pi = rule == "new_pi";
  const v1::EntityRef subject = new_pi ? ToEntity({"device_unit", s.request.unit})
                                       : (s.device_model == nullptr ? v1::EntityRef() : Bare(*s.device_model));
  ASSIGN_OR_RETURN(const std::vector<const Fact*> assigned, TypedOfEither(s.facts, subject, "udi.assigned"));
  for (const Fact* fact : assigned) {
    const bool kind =
        fact->body<v1::UdiAssigned>()->kind() == (new_pi ? v1::UdiAssigned::UDI_PI : v1::UdiAssigned::UDI_DI);
    const bool since = s.produced != nullptr && s.produced->event.index < fact->event.index;
    if (!kind || !since || fact->earliest() > s.request.at) continue;
    j.Rest(fact);
    return OkStatus();
  }
  j.Fail(Text("the envelope asks for a new ", new_pi ? "UDI-PI of the unit" : "UDI-DI of the device model",
              " and none was assigned since the artifact was produced"));
  return OkStatus();
}

}  // namespace anamnesis::gate
