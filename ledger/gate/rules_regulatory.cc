// Where and when it may run: G12, G13, G17, G19.

#include <algorithm>

#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"
#include "ledger/event/names.h"
#include "ledger/gate/rules.h"
#include "ledger/gate/seal_key.h"
#include "ledger/query/item_scope.h"

namespace anamnesis::gate {
namespace {

// The device model as last revised by the time.
struct DeviceModel {
  const Fact* registered = nullptr;
  std::string purpose;
  std::vector<std::string> identifiers;
};

StatusOr<DeviceModel> LoadDeviceModel(Subject& s, Judgement& j) {
  DeviceModel model;
  ASSIGN_OR_RETURN(model.registered, s.facts.Definition(Bare(*s.device_model)));
  if (model.registered == nullptr) return model;
  j.Rest(model.registered);
  const auto* body = model.registered->body<v1::DeviceModelRegistered>();
  std::string di = body->udi_di();
  std::string basic = body->basic_udi_di();
  model.purpose = body->intended_purpose();
  ASSIGN_OR_RETURN(const std::vector<const Fact*> revised,
                   TypedOfEither(s.facts, *s.device_model, "device_model.revised"));
  for (const Fact* fact : revised) {
    if (fact->earliest() > s.request.at) continue;
    const auto* revision = fact->body<v1::DeviceModelRevised>();
    if (!revision->intended_purpose().empty()) model.purpose = revision->intended_purpose();
    if (!revision->udi_di().empty()) di = revision->udi_di();
    if (!revision->basic_udi_di().empty()) basic = revision->basic_udi_di();
    j.Rest(fact);
  }
  ASSIGN_OR_RETURN(const std::vector<const Fact*> assigned, TypedOfEither(s.facts, *s.device_model, "udi.assigned"));
  for (const Fact* fact : assigned) {
    if (fact->earliest() > s.request.at) continue;
    const auto* assignment = fact->body<v1::UdiAssigned>();
    if (assignment->kind() == v1::UdiAssigned::UDI_DI) di = assignment->value();
    if (assignment->kind() == v1::UdiAssigned::BASIC_UDI_DI) basic = assignment->value();
  }
  for (std::string& identifier : {std::ref(di), std::ref(basic)}) {
    if (!identifier.empty()) model.identifiers.push_back(identifier);
  }
  return model;
}

// The place of a class on the scale of its jurisdiction, from 0; -1 when the policy has no such class there.
int RankOf(const v1::GatePolicy& policy, const std::string& jurisdiction, const std::string& regulatory_class) {
  for (const v1::GatePolicy::ClassScale& scale : policy.scales()) {
    if (scale.jurisdiction() != jurisdiction) continue;
    for (int i = 0; i < scale.steps_size(); ++i) {
      const auto& classes = scale.steps(i).classes();
      if (std::find(classes.begin(), classes.end(), regulatory_class) != classes.end()) return i;
    }
  }
  return -1;
}

// The newest declaration for the jurisdiction of the authorisation.
StatusOr<const Fact*> DeclarationFor(Subject& s, const std::string& jurisdiction) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> declared,
                   TypedOfEither(s.facts, *s.device_model, "regulatory_commitment.declared"));
  const Fact* newest = nullptr;
  for (const Fact* fact : declared) {
    const bool here = fact->body<v1::RegulatoryCommitmentDeclared>()->jurisdiction() == jurisdiction;
    if (here && fact->earliest() <= s.request.at) newest = fact;
  }
  return newest;
}

class ClearanceCheck {
 public:
  ClearanceCheck(Subject& s, const Authorisation& authorisation, const DeviceModel& model, Judgement& j)
      : s_(s), authorisation_(authorisation), terms_(*authorisation.terms), model_(model), j_(j) {}

  Status Check() {
    j_.Rest(authorisation_.granted);
    j_.Rest(authorisation_.terms_from);
    if (!authorisation_.inactive_because.empty()) {
      j_.Rest(authorisation_.inactive_fact);
      j_.Fail(Text(terms_.number(), " ", authorisation_.inactive_because,
                   authorisation_.inactive_fact == nullptr
                       ? std::string()
                       : Text(" (leaf ", authorisation_.inactive_fact->event.index.value, ")")));
    }
    CheckScope();
    if (terms_.intended_purpose_digest() != Sha256(model_.purpose).bytes()) {
      j_.Fail(Text(terms_.number(), " is not for the intended purpose of ", EntityKeyText(*s_.device_model)));
    }
    RETURN_IF_ERROR(CheckClass());
    for (const v1::AuthorisationCondition& condition : terms_.conditions()) {
      RETURN_IF_ERROR(CheckCondition(condition));
    }
    return OkStatus();
  }

 private:
  void CheckScope() {
    if (terms_.udi_di().empty()) return;
    const bool covered =
        std::any_of(model_.identifiers.begin(), model_.identifiers.end(), [&](const std::string& each) {
          return std::find(terms_.udi_di().begin(), terms_.udi_di().end(), each) != terms_.udi_di().end();
        });
    if (!covered)
      j_.Fail(Text("the scope of ", terms_.number(), " has no identifier of ", EntityKeyText(*s_.device_model)));
  }

  Status CheckClass() {
    ASSIGN_OR_RETURN(const Fact* declared, DeclarationFor(s_, terms_.jurisdiction()));
    if (declared == nullptr) {
      j_.Fail(Text("no regulatory class is declared for ", terms_.jurisdiction()));
      return OkStatus();
    }
    j_.Rest(declared);
    const std::string& wanted = declared->body<v1::RegulatoryCommitmentDeclared>()->regulatory_class();
    const v1::GatePolicy& policy = s_.policy->body.document().gate();
    const int has = RankOf(policy, terms_.jurisdiction(), terms_.regulatory_class());
    const int needs = RankOf(policy, terms_.jurisdiction(), wanted);
    if (has < 0 || needs < 0) {
      j_.Fail(Text("the policy has no place for class ", has < 0 ? terms_.regulatory_class() : wanted,
                   " on the scale of ", terms_.jurisdiction()));
    } else if (has < needs) {
      j_.Fail(Text(terms_.number(), " is for class ", terms_.regulatory_class(), ", the device is declared ", wanted));
    }
    return OkStatus();
  }

  // The facts that are checked here; all other conditions are confirmed by a person.
  std::optional<bool> Holds(const std::string& fact) const {
    if (fact == "human_certification") return s_.certification != nullptr && s_.certification->has_signature();
    if (fact == "local_adaptation_only") {
      return s_.produced != nullptr && FindReference(s_.produced->header(), "unit") != nullptr;
    }
    return std::nullopt;
  }

  Status CheckCondition(const v1::AuthorisationCondition& condition) {
    const std::optional<bool> holds = Holds(condition.fact());
    if (holds.has_value()) {
      if (!*holds)
        j_.Fail(Text("condition ", condition.id(), " of ", terms_.number(), " doesn't hold: ", condition.fact()));
      return OkStatus();
    }
    const v1::EntityRef& ref = *FindReference(authorisation_.granted->header(), "authorisation");
    ASSIGN_OR_RETURN(const std::vector<const Fact*> confirmed,
                     s_.facts.Typed(Bare(ref), "authorisation.condition_confirmed"));
    for (const Fact* fact : confirmed) {
      const auto* body = fact->body<v1::AuthorisationConditionConfirmed>();
      const bool in_time = fact->earliest() <= s_.request.at &&
                           (body->valid_until_us() == 0 || s_.request.at < Timestamp(body->valid_until_us()));
      if (body->condition() != condition.id() || !in_time) continue;
      j_.Rest(fact);
      return OkStatus();
    }
    j_.Fail(Text("nobody confirmed condition ", condition.id(), " of ", terms_.number(), ": ", condition.text()));
    return OkStatus();
  }

  Subject& s_;
  const Authorisation& authorisation_;
  const v1::AuthorisationTerms& terms_;
  const DeviceModel& model_;
  Judgement& j_;
};

}  // namespace

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

Status JudgeClearance(Subject& s, Judgement& j) {
  if (s.device_model == nullptr) {
    j.Fail("nothing says of which model the unit is");
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const DeviceModel model, LoadDeviceModel(s, j));
  if (model.registered == nullptr) {
    j.Fail(Text(EntityKeyText(*s.device_model), " is not recorded"));
    return OkStatus();
  }
  if (s.authorisations.empty()) {
    j.Fail(
        Text("no authorisation of ", EntityKeyText(*s.device_model), " in ", s.request.jurisdiction, " is recorded"));
    return OkStatus();
  }
  // One that holds is enough; where none does, each says why.
  std::vector<Judgement> each;
  for (const Authorisation& authorisation : s.authorisations) {
    Judgement own = j;
    RETURN_IF_ERROR(ClearanceCheck(s, authorisation, model, own).Check());
    if (!own.failed()) {
      j = own;
      return OkStatus();
    }
    each.push_back(std::move(own));
  }
  for (const Judgement& own : each) {
    j.Fail(own.note());
    for (const uint64_t leaf : own.evidence()) j.RestOn(leaf);
  }
  return OkStatus();
}

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
  return OkStatus();
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
