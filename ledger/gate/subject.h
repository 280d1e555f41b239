#ifndef ANAMNESIS_LEDGER_GATE_SUBJECT_H_
#define ANAMNESIS_LEDGER_GATE_SUBJECT_H_

// What the rules look at, found once: the artifact, the unit, the item, the envelopes, the certification, what the
// authorities allow, and the policy. Whatever was not found is null or empty, and the rules that need it fail. Private
// to the room; everything is borrowed from the facts.

#include <optional>
#include <string>
#include <vector>

#include "anamnesis/v1/ledger.pb.h"
#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/gate/decide.h"
#include "ledger/query/facts.h"
#include "ledger/state/policies.h"
#include "ledger/state/software_items.h"

namespace anamnesis::gate {

// An envelope that holds for the request: the manufacturer's, or an overlay for where the unit is.
struct EnvelopeInForce {
  const Fact* approved = nullptr;
  const v1::EnvelopeTerms* terms = nullptr;
  const v1::EntityRef* ref = nullptr;
  // As it is called in notes.
  std::string name;
};

struct Authorisation {
  const Fact* granted = nullptr;
  // As last supplemented or restricted by the time of the decision.
  const v1::AuthorisationTerms* terms = nullptr;
  const Fact* terms_from = nullptr;
  // Why it isn't in force at the time; empty when it is.
  std::string inactive_because;
  const Fact* inactive_fact = nullptr;
};

struct ChangePlan {
  const Fact* authorised = nullptr;
  const v1::ChangePlanTerms* terms = nullptr;
};

struct Subject {
  // Both must outlive it.
  Subject(Facts& facts_to_use, const GateRequest& request_to_answer)
      : facts(facts_to_use), request(request_to_answer) {}
  // Parts of it point to others.
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  Facts& facts;
  const GateRequest& request;

  std::optional<AdoptedPolicy> policy;
  // Of the item's class; the default when the policy has none.
  std::optional<v1::GatePolicy::ClassLimits> limits;
  // The jurisdiction and the larger ones whose law holds there.
  std::vector<std::string> jurisdictions;

  const Fact* produced = nullptr;
  // Another record of the same version that still counts and says something else of it.
  const Fact* produced_otherwise = nullptr;
  const v1::ArtifactProduced* artifact = nullptr;
  const v1::EntityRef* artifact_ref = nullptr;
  // SHA-256 of its bytes as recorded; empty when none is.
  std::string artifact_digest;

  const v1::EntityRef* item = nullptr;
  const Fact* item_identified = nullptr;
  ItemClass item_class;

  v1::Configuration configuration;
  const Fact* commissioned = nullptr;
  // The commissioning or relocation that says where it is.
  const Fact* placed = nullptr;
  std::string unit_jurisdiction;
  std::string site;
  const v1::EntityRef* device_model = nullptr;
  const v1::ConfigurationItem* baseline = nullptr;
  std::string baseline_digest;
  const Fact* baseline_fact = nullptr;
  const v1::ConfigurationItem* substrate = nullptr;
  std::string substrate_digest;
  const Fact* substrate_fact = nullptr;
  // Of artifact, unit's baseline and unit's substrate; empty while one of them is unknown.
  std::string candidate;

  // The artifact's own first; empty when it has none in force.
  std::vector<EnvelopeInForce> envelopes;
  // Why the artifact's own envelope is not in force.
  std::string no_envelope_because;
  // What ended or replaced it, where something did.
  const Fact* envelope_ended = nullptr;

  // The newest that is active at the time, whatever it certifies.
  const Fact* certified = nullptr;
  const v1::CertificationIssued* certification = nullptr;
  const Fact* sandbox_run = nullptr;
  std::string no_certification_because;
  // What took away the certification, where something did.
  const Fact* certification_ended = nullptr;

  std::vector<Authorisation> authorisations;
  std::optional<ChangePlan> plan;

  bool class_b_or_c() const { return item_class.safety_class != v1::SOFTWARE_SAFETY_CLASS_A; }
};

Status LoadSubject(Subject& subject);

// The time from which an event has effect: the one that it gives, or when it happened.
inline Timestamp EffectiveFrom(const Fact& fact, int64_t effective_from_us) {
  return effective_from_us == 0 ? fact.earliest() : Timestamp(effective_from_us);
}

// Why a certification doesn't hold at `at`, for a person to read after "the certification"; empty when it does. `ended`
// becomes the event that ended it, where one did.
StatusOr<std::string> WhyInactive(Facts& facts, const Fact& issued, const v1::CertificationIssued& body, Timestamp at,
                                  const Fact*& ended);

// The class of an item as of the facts.
StatusOr<ItemClass> ClassOf(Facts& facts, std::string_view item);

// An entity without its role and digest; without its version too, where `any`.
v1::EntityRef Bare(const v1::EntityRef& ref, bool any = false);

// The events of a type about exactly this version or about the entity as a whole, in log order.
StatusOr<std::vector<const Fact*>> TypedOfEither(Facts& facts, const v1::EntityRef& ref, std::string_view type);

// The same for what forbids: of an entity that is relied on without a version, those about any version too.
StatusOr<std::vector<const Fact*>> TypedOfAny(Facts& facts, const v1::EntityRef& ref, std::string_view type);

// The event that defines each version of the entity and still counts, versions ascending by bytes.
StatusOr<std::vector<const Fact*>> DefinitionsOfVersions(Facts& facts, const v1::EntityRef& entity);

// The newest of them; nullptr when there is none.
StatusOr<const Fact*> NewestDefinition(Facts& facts, const v1::EntityRef& entity);

// The newest event that says that the object with this SHA-256 is kept; nullptr when none does.
StatusOr<const Fact*> StoredObject(Facts& facts, std::string_view sha256);

bool SameEntity(const v1::EntityRef& a, const v1::EntityRef& b);
bool IsAmong(const std::vector<std::string>& list, std::string_view value);

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_SUBJECT_H_
