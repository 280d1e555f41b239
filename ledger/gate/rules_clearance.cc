// Whether an authorisation covers the unit: G12.

#include <algorithm>
#include <optional>

#include "ledger/crypto/sha256.h"
#include "ledger/event/names.h"
#include "ledger/gate/leave.h"
#include "ledger/gate/rules.h"
#include "ledger/gate/seal_key.h"
#include "ledger/query/device_model_at.h"
#include "ledger/query/place_in_time.h"

namespace anamnesis::gate {
namespace {

// What the device model is at the time, and rests on what says so.
StatusOr<DeviceModelAt> LoadDeviceModel(Subject& s, Judgement& j) {
  ASSIGN_OR_RETURN(DeviceModelAt model, DeviceModelAsOf(s.facts, *s.place.device_model, s.request.at));
  j.Rest(model.registered);
  for (const Fact* fact : model.revised) j.Rest(fact);
  for (const DeviceModelAt::Identifier* each : {&model.udi_di, &model.basic_udi_di}) j.Rest(each->by);
  return model;
}

// The place of a class on a scale, from 0; nullopt when it has none there.
std::optional<int> RankOn(const v1::GatePolicy::ClassScale& scale, const std::string& regulatory_class) {
  for (int i = 0; i < scale.steps_size(); ++i) {
    const auto& classes = scale.steps(i).classes();
    if (std::find(classes.begin(), classes.end(), regulatory_class) != classes.end()) return i;
  }
  return std::nullopt;
}

// Whether one class is at least the other, on the scale of the jurisdiction that has both; nullopt when none has.
std::optional<bool> IsAtLeast(const v1::GatePolicy& policy, const std::string& jurisdiction, const std::string& has,
                              const std::string& needs) {
  for (const v1::GatePolicy::ClassScale& scale : policy.scales()) {
    if (scale.jurisdiction() != jurisdiction) continue;
    const std::optional<int> rank = RankOn(scale, has);
    const std::optional<int> least = RankOn(scale, needs);
    if (rank.has_value() && least.has_value()) return *rank >= *least;
  }
  return std::nullopt;
}

// The newest declaration for the jurisdiction of the authorisation.
StatusOr<const Fact*> DeclarationFor(Subject& s, const std::string& jurisdiction) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> declared,
                   TypedOfEither(s.facts, *s.place.device_model, "regulatory_commitment.declared"));
  const Fact* newest = nullptr;
  for (const Fact* fact : declared) {
    const bool here = fact->body<v1::RegulatoryCommitmentDeclared>()->jurisdiction() == jurisdiction;
    if (!here || fact->earliest() > s.request.at) continue;
    if (newest == nullptr || StandsEarlier(newest, fact)) newest = fact;
  }
  return newest;
}

class ClearanceCheck {
 public:
  ClearanceCheck(Subject& s, const Authorisation& authorisation, const DeviceModelAt& model, Judgement& j)
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
    if (terms_.intended_purpose_digest() != Sha256(model_.intended_purpose).bytes()) {
      j_.Fail(Text(terms_.number(), " is not for the intended purpose of ", EntityKeyText(*s_.place.device_model)));
    }
    RETURN_IF_ERROR(CheckClass());
    for (const v1::AuthorisationCondition& condition : terms_.conditions()) {
      RETURN_IF_ERROR(CheckCondition(condition));
    }
    return OkStatus();
  }

 private:
  void CheckScope() {
    const auto& scope = terms_.udi_di();
    const bool covered = std::any_of(scope.begin(), scope.end(), [&](const std::string& each) {
      return !each.empty() && (each == model_.udi_di.value || each == model_.basic_udi_di.value);
    });
    if (covered) return;
    j_.Fail(Text("the scope of ", terms_.number(), " has no identifier of ", EntityKeyText(*s_.place.device_model)));
  }

  Status CheckClass() {
    ASSIGN_OR_RETURN(const Fact* declared, DeclarationFor(s_, terms_.jurisdiction()));
    if (declared == nullptr) {
      j_.Fail(Text("no regulatory class is declared for ", terms_.jurisdiction()));
      return OkStatus();
    }
    j_.Rest(declared);
    const std::string& wanted = declared->body<v1::RegulatoryCommitmentDeclared>()->regulatory_class();
    const v1::GatePolicy& policy = s_.policy->body->document().gate();
    const std::string& has = terms_.regulatory_class();
    const std::optional<bool> enough = IsAtLeast(policy, terms_.jurisdiction(), has, wanted);
    if (!enough.has_value()) {
      j_.Fail(Text("the policy has no scale of ", terms_.jurisdiction(), " on which both class ", has, " and class ",
                   wanted, " have a place"));
    } else if (!*enough) {
      j_.Fail(Text(terms_.number(), " is for class ", has, ", the device is declared ", wanted));
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
    return model->id() == s_.place.device_model->id() &&
           (model->version().empty() || model->version() == s_.place.device_model->version());
  }

  // The first terms of the authorisation that ask for exactly this: whoever confirmed something before confirmed
  // something else, be it under the same id.
  StatusOr<const Fact*> AskedFirstBy(const v1::AuthorisationCondition& condition, const v1::EntityRef& ref) {
    const auto asks = [&](const v1::AuthorisationTerms& terms) {
      return std::any_of(terms.conditions().begin(), terms.conditions().end(), [&](const auto& each) {
        return each.id() == condition.id() && each.text() == condition.text() && each.fact() == condition.fact();
      });
    };
    const Fact* first = authorisation_.terms_from;
    const auto take = [&](const Fact* fact, const v1::AuthorisationTerms& terms) {
      if (asks(terms) && StandsEarlier(fact, first)) first = fact;
    };
    take(authorisation_.granted, authorisation_.granted->body<v1::AuthorisationGranted>()->terms());
    ASSIGN_OR_RETURN(const std::vector<const Fact*> more, s_.facts.Typed(Bare(ref), "authorisation.supplemented"));
    for (const Fact* fact : more) take(fact, fact->body<v1::AuthorisationSupplemented>()->terms());
    ASSIGN_OR_RETURN(const std::vector<const Fact*> less, s_.facts.Typed(Bare(ref), "authorisation.restricted"));
    for (const Fact* fact : less) take(fact, fact->body<v1::AuthorisationRestricted>()->terms());
    return first;
  }

  Status CheckCondition(const v1::AuthorisationCondition& condition) {
    const std::optional<bool> holds = Holds(condition.fact());
    if (holds.has_value()) {
      if (!*holds)
        j_.Fail(Text("condition ", condition.id(), " of ", terms_.number(), " doesn't hold: ", condition.fact()));
      return OkStatus();
    }
    const v1::EntityRef& ref = *FindReference(authorisation_.granted->header(), "authorisation");
    ASSIGN_OR_RETURN(const Fact* asked, AskedFirstBy(condition, ref));
    ASSIGN_OR_RETURN(const std::vector<const Fact*> confirmed,
                     s_.facts.Typed(Bare(ref), "authorisation.condition_confirmed"));
    // What a key confirmed that was lost before, nobody did.
    Judgement doubtful;
    for (const Fact* fact : confirmed) {
      const auto* body = fact->body<v1::AuthorisationConditionConfirmed>();
      const bool in_time = fact->earliest() <= s_.request.at &&
                           (body->valid_until_us() == 0 || s_.request.at < Timestamp(body->valid_until_us()));
      if (body->condition() != condition.id() || !in_time || !IsForTheModel(*fact)) continue;
      if (!StandsEarlier(asked, fact)) continue;
      const Fact* ended = nullptr;
      ASSIGN_OR_RETURN(const std::string why, WhyKeyIsDoubtful(s_.facts, *fact, s_.request.at, &ended));
      if (why.empty()) {
        j_.Rest(fact);
        return OkStatus();
      }
      doubtful.Fail(Text("the key that confirmed it ", why));
      doubtful.Rest(fact);
      doubtful.Rest(ended);
    }
    j_.Fail(Text("nobody confirmed condition ", condition.id(), " of ", terms_.number(), ": ", condition.text()));
    j_.FailAs(doubtful);
    return OkStatus();
  }

  Subject& s_;
  const Authorisation& authorisation_;
  const v1::AuthorisationTerms& terms_;
  const DeviceModelAt& model_;
  Judgement& j_;
};

}  // namespace

Status JudgeClearanceBy(Subject& s, const Leave& leave, Judgement& j) {
  if (s.place.device_model == nullptr) {
    j.Fail("nothing says of which model the unit is");
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const DeviceModelAt model, LoadDeviceModel(s, j));
  if (model.registered == nullptr) {
    j.Fail(Text(EntityKeyText(*s.place.device_model), " is not recorded"));
    return OkStatus();
  }
  if (leave.authorisation == nullptr) {
    j.Fail(Text("no authorisation of ", EntityKeyText(*s.place.device_model), " in ", s.request.jurisdiction,
                " is recorded"));
    return OkStatus();
  }
  return ClearanceCheck(s, *leave.authorisation, model, j).Check();
}

}  // namespace anamnesis::gate
