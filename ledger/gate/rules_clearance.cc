// Whether an authorisation covers the unit: G12.

#include <algorithm>
#include <functional>
#include <optional>

#include "ledger/crypto/sha256.h"
#include "ledger/event/names.h"
#include "ledger/gate/leave.h"
#include "ledger/gate/rules.h"

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

  // One that names no device model is for all that the authorisation covers.
  bool IsForTheModel(const Fact& confirmed) const {
    const v1::EntityRef* model = FindReference(confirmed.header(), "device_model");
    if (model == nullptr) return true;
    return model->id() == s_.device_model->id() &&
           (model->version().empty() || model->version() == s_.device_model->version());
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
      if (body->condition() != condition.id() || !in_time || !IsForTheModel(*fact)) continue;
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

Status JudgeClearanceBy(Subject& s, const Leave& leave, Judgement& j) {
  if (s.device_model == nullptr) {
    j.Fail("nothing says of which model the unit is");
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const DeviceModel model, LoadDeviceModel(s, j));
  if (model.registered == nullptr) {
    j.Fail(Text(EntityKeyText(*s.device_model), " is not recorded"));
    return OkStatus();
  }
  if (leave.authorisation == nullptr) {
    j.Fail(
        Text("no authorisation of ", EntityKeyText(*s.device_model), " in ", s.request.jurisdiction, " is recorded"));
    return OkStatus();
  }
  return ClearanceCheck(s, *leave.authorisation, model, j).Check();
}

}  // namespace anamnesis::gate
