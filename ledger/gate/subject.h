#ifndef ANAMNESIS_LEDGER_GATE_SUBJECT_H_
#define ANAMNESIS_LEDGER_GATE_SUBJECT_H_

// What the rules look at, found once: the artifact, the unit, the item, the envelopes, the certification, what the
// authorities allow, and the policy. Whatever was not found is null or empty, and the rules that need it fail. Private
// to the room; everything is borrowed from the facts.

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "anamnesis/v1/ledger.pb.h"
#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/gate/decide.h"
#include "ledger/gate/judgement.h"
#include "ledger/query/device_authorisations.h"
#include "ledger/query/facts.h"
#include "ledger/query/typed_facts.h"
#include "ledger/query/unit_place.h"
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

struct ChangePlan {
  const Fact* authorised = nullptr;
  const v1::ChangePlanTerms* terms = nullptr;
  // What withdrew it; null while it is in force.
  const Fact* ended = nullptr;
};

struct Authorisation : DeviceAuthorisation {
  // The plans under it, each in its newest version by the time.
  std::vector<ChangePlan> plans;
};

// G10 to G12, judged by one authorisation and one plan under it.
struct AuthorisationJudged {
  Judgement change_control;
  Judgement change_plan;
  Judgement clearance;
};

// A certification that is active at the time.
struct Certification {
  const Fact* issued = nullptr;
  const v1::CertificationIssued* body = nullptr;
  const Fact* sandbox_run = nullptr;
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
  // The version had been recorded before, and that was replaced or taken back.
  bool produced_anew = false;
  const v1::ArtifactProduced* artifact = nullptr;
  const v1::EntityRef* artifact_ref = nullptr;
  // SHA-256 of its bytes as recorded; empty when none is.
  std::string artifact_digest;

  const v1::EntityRef* item = nullptr;
  const Fact* item_identified = nullptr;
  ItemClass item_class;

  v1::Configuration configuration;
  UnitPlace place;
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

  // Those that are active at the time, the newest first and those for the ground that the unit stands on before others.
  std::vector<Certification> certifications;
  // The one that the rules look at (Use), the first to begin with: one has to serve for all of them.
  const Fact* certified = nullptr;
  const v1::CertificationIssued* certification = nullptr;
  const Fact* sandbox_run = nullptr;
  std::string no_certification_because;
  // What took away the certification, where something did.
  const Fact* certification_ended = nullptr;

  std::vector<Authorisation> authorisations;
  // The leaves that the other rules rest on, for G17, which is judged last; and those of them that rules rest on which
  // pass, for G15, which is judged before it.
  std::set<uint64_t> relied_on;
  std::set<uint64_t> passed_by;
  // By the authorisation that passes all three, or else fails the fewest; what rules_authorised.cc remembers.
  std::optional<AuthorisationJudged> judged_by_authorisation;

  // Makes the rules look at another certification.
  void Use(const Certification& other) {
    certified = other.issued;
    certification = other.body;
    sandbox_run = other.sandbox_run;
    judged_by_authorisation.reset();
  }

  bool class_b_or_c() const { return item_class.safety_class != v1::SOFTWARE_SAFETY_CLASS_A; }
};

Status LoadSubject(Subject& subject);

// Whether it happened by then. What was recorded by then did, whatever the writer's clock says.
inline bool HappenedBy(const Fact& fact, Timestamp at) { return fact.earliest() <= at || fact.event.recorded <= at; }

// Why a certification doesn't hold at `at`, for a person to read after "the certification"; empty when it does. `ended`
// becomes the event that ended it, where one did.
StatusOr<std::string> WhyInactive(Facts& facts, const Fact& issued, const v1::CertificationIssued& body, Timestamp at,
                                  const Fact*& ended);

// Why an approved version of an envelope doesn't hold at `at`, for a person to read after its name; empty when it does.
// `ended` becomes the event that ended it, where one did and it is asked for.
StatusOr<std::string> WhyEnvelopeNotInForce(Facts& facts, const Fact& approved, Timestamp at,
                                            const Fact** ended = nullptr);

// The class of an item as of the facts.
StatusOr<ItemClass> ClassOf(Facts& facts, std::string_view item);

// TypedOfEither (query/typed_facts.h) for what forbids: of an entity that is relied on without a version, those about
// any version too.
StatusOr<std::vector<const Fact*>> TypedOfAny(Facts& facts, const v1::EntityRef& ref, std::string_view type);

// The event that defines each version of the entity and still counts, versions ascending by bytes.
StatusOr<std::vector<const Fact*>> DefinitionsOfVersions(Facts& facts, const v1::EntityRef& entity);

// The newest of them; nullptr when there is none.
StatusOr<const Fact*> NewestDefinition(Facts& facts, const v1::EntityRef& entity);

// The newest event that says that the object with this SHA-256 is kept; nullptr when none does.
StatusOr<const Fact*> StoredObject(Facts& facts, std::string_view sha256);

bool SameEntity(const v1::EntityRef& a, const v1::EntityRef& b);
// The same where one that is given no version may be any.
bool MayBeSame(const v1::EntityRef& a, const v1::EntityRef& b);
bool IsAmong(const std::vector<std::string>& list, std::string_view value);

}  // namespace anamnesis::gate

#endif  // ANAMNESIS_LEDGER_GATE_SUBJECT_H_
