#include "ledger/gate/subject.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "ledger/base/bytes.h"
#include "ledger/envelope/candidate.h"
#include "ledger/event/names.h"
#include "ledger/event/vocabulary.h"
#include "ledger/query/adopted_policy.h"
#include "ledger/query/any_version.h"
#include "ledger/query/configuration.h"
#include "ledger/query/item_scope.h"
#include "ledger/query/place_in_time.h"
#include "ledger/state/broken_rules.h"
#include "ledger/state/configuration.h"

namespace anamnesis::gate {
namespace {

// So many certifications of an artifact for one ground are tried, the newest ones.
constexpr size_t kCertificationsMax = 16;

std::string Sha256Of(const v1::ContentDigest& digest) {
  return digest.algorithm() == v1::SHA256 ? digest.value() : std::string();
}

bool SameProduction(const Fact& a, const Fact& b) {
  const auto same_agent = [](const v1::Agent& x, const v1::Agent& y) {
    return x.kind() == y.kind() && x.id() == y.id();
  };
  return SaySame(a.event.view(), b.event) && same_agent(a.header().actor(), b.header().actor()) &&
         same_agent(a.header().on_behalf_of(), b.header().on_behalf_of());
}

class Loader {
 public:
  explicit Loader(Subject& subject) : s_(subject), facts_(subject.facts), at_(subject.request.at) {}

  Status Load() {
    RETURN_IF_ERROR(LoadPolicy());
    RETURN_IF_ERROR(LoadArtifact());
    RETURN_IF_ERROR(LoadUnit());
    RETURN_IF_ERROR(LoadGround());
    RETURN_IF_ERROR(LoadEnvelopes());
    RETURN_IF_ERROR(LoadCertification());
    return LoadAuthorisations();
  }

 private:
  Status LoadPolicy() {
    ASSIGN_OR_RETURN(s_.policy, PolicyInForceAt(facts_.rows(), v1::PolicyAdopted::GATE, facts_.size()));
    s_.jurisdictions = {s_.request.jurisdiction};
    if (!s_.policy.has_value()) return OkStatus();
    RETURN_IF_ERROR(LookAt(s_.policy->index.value));
    s_.jurisdictions = WithLargerOnes(s_.policy->body->document().gate(), s_.request.jurisdiction);
    return OkStatus();
  }

  Status LoadArtifact() {
    ASSIGN_OR_RETURN(std::vector<const Fact*> produced, facts_.AllDefinitions(Bare(s_.request.artifact)));
    const auto counts = [](const Fact* fact) { return fact->counts(); };
    const auto first = std::find_if(produced.begin(), produced.end(), counts);
    if (first == produced.end()) return OkStatus();
    s_.produced_anew = first != produced.begin() || !(*first)->header().corrects().empty();
    std::erase_if(produced, std::not_fn(counts));
    // Told twice it is one thing; told otherwise, nothing says which of the two was verified and certified.
    s_.produced = produced.front();
    for (const Fact* again : produced) {
      if (!SameProduction(*again, *s_.produced)) s_.produced_otherwise = again;
    }
    s_.artifact = s_.produced->body<v1::ArtifactProduced>();
    if (s_.artifact == nullptr) {
      s_.produced = nullptr;
      return OkStatus();
    }
    s_.artifact_ref = FindReference(s_.produced->header(), "artifact");
    s_.artifact_digest = DigestOfArtifact(*s_.artifact_ref, *s_.artifact);
    s_.item = FindReference(s_.produced->header(), "item");
    if (s_.item == nullptr) return OkStatus();
    ASSIGN_OR_RETURN(s_.item_identified, facts_.Definition(Bare(*s_.item, true)));
    ASSIGN_OR_RETURN(s_.item_class, ClassOf(facts_, s_.item->id()));
    return OkStatus();
  }

  Status LoadUnit() {
    if (s_.policy.has_value()) {
      for (const v1::GatePolicy::ClassLimits& limits : s_.policy->body->document().gate().limits()) {
        if (limits.safety_class() == s_.item_class.safety_class) s_.limits = limits;
      }
    }
    ASSIGN_OR_RETURN(s_.place, PlaceOfUnit(facts_, s_.request.unit, at_));
    ASSIGN_OR_RETURN(s_.configuration, ConfigurationAt(facts_.rows(), s_.request.unit, at_, facts_.size()));
    for (const uint64_t leaf : s_.configuration.leaves()) RETURN_IF_ERROR(LookAt(leaf));
    return OkStatus();
  }

  // What was read around the facts, so that they know it.
  Status LookAt(uint64_t leaf) { return facts_.At(LeafIndex(leaf)).status(); }

  // What the unit's software stands on.
  Status LoadGround() {
    for (const v1::ConfigurationItem& item : s_.configuration.items()) {
      if (!item.has_item() || item.confidence() == v1::UNKNOWN) continue;
      if (item.surface() == kBaselineSurface) s_.baseline = &item;
      if (item.surface() == kSubstrateSurface) s_.substrate = &item;
    }
    if (s_.baseline != nullptr) {
      ASSIGN_OR_RETURN(s_.baseline_fact, facts_.Definition(Bare(s_.baseline->item())));
      const auto* body = s_.baseline_fact == nullptr ? nullptr : s_.baseline_fact->body<v1::BaselineEstablished>();
      s_.baseline_digest = body != nullptr ? body->baseline_digest() : Sha256Of(s_.baseline->item().digest());
    }
    if (s_.substrate != nullptr) {
      ASSIGN_OR_RETURN(s_.substrate_fact, facts_.Definition(Bare(s_.substrate->item())));
      const auto* body = s_.substrate_fact == nullptr ? nullptr : s_.substrate_fact->body<v1::SubstrateDefined>();
      if (body != nullptr) s_.substrate_digest = body->substrate_digest();
    }
    if (!s_.artifact_digest.empty() && !s_.baseline_digest.empty() && !s_.substrate_digest.empty()) {
      s_.candidate = CandidateDigest(s_.artifact_digest, s_.baseline_digest, s_.substrate_digest);
    }
    return OkStatus();
  }

  Status LoadEnvelopes() {
    if (s_.produced == nullptr) return OkStatus();
    const v1::EntityRef* named = FindReference(s_.produced->header(), "envelope");
    if (named == nullptr || named->version().empty()) {
      s_.no_envelope_because = "the artifact names no version of an envelope";
      return OkStatus();
    }
    ASSIGN_OR_RETURN(const Fact* approved, facts_.Definition(Bare(*named)));
    const auto* body = approved == nullptr ? nullptr : approved->body<v1::EnvelopeApproved>();
    if (body == nullptr) {
      s_.no_envelope_because = Text(EntityKeyText(*named), " is not approved");
      return OkStatus();
    }
    ASSIGN_OR_RETURN(const std::string why, WhyEnvelopeNotInForce(facts_, *approved, at_, &s_.envelope_ended));
    const v1::EntityRef* item = FindReference(approved->header(), "item");
    if (!why.empty()) {
      s_.no_envelope_because = Text(EntityKeyText(*named), " ", why);
    } else if (s_.item == nullptr || item == nullptr || item->id() != s_.item->id()) {
      s_.no_envelope_because = Text(EntityKeyText(*named), " is for another item");
    } else if (!body->terms().jurisdiction().empty() || !body->terms().site().empty()) {
      s_.no_envelope_because = Text(EntityKeyText(*named), " is an overlay, not the manufacturer's envelope");
    } else {
      s_.envelopes.push_back({approved, &body->terms(), named, EntityKeyText(*named)});
      return LoadOverlays();
    }
    return OkStatus();
  }

  // Those for the same item where the unit is.
  Status LoadOverlays() {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> approvals, facts_.Typed(Bare(*s_.item, true), "envelope.approved"));
    for (const Fact* fact : approvals) {
      const auto* body = fact->body<v1::EnvelopeApproved>();
      const v1::EntityRef* ref = FindReference(fact->header(), "envelope");
      const std::string& jurisdiction = body->terms().jurisdiction();
      const std::string& site = body->terms().site();
      if (jurisdiction.empty() && site.empty()) continue;
      if (!jurisdiction.empty() && !IsAmong(s_.jurisdictions, jurisdiction)) continue;
      if (!site.empty() && (s_.place.site == nullptr || site != s_.place.site->id())) continue;
      ASSIGN_OR_RETURN(const std::string why, WhyEnvelopeNotInForce(facts_, *fact, at_));
      if (!why.empty()) continue;
      s_.envelopes.push_back(
          {fact, &body->terms(), ref, Text(EntityKeyText(*ref), " for ", jurisdiction.empty() ? site : jurisdiction)});
    }
    return OkStatus();
  }

  Status LoadCertification() {
    s_.no_certification_because = "the artifact has no certification";
    ASSIGN_OR_RETURN(const std::vector<const Fact*> issued,
                     facts_.Typed(Bare(s_.request.artifact), "certification.issued"));
    std::vector<Certification> others;
    for (auto each = issued.rbegin(); each != issued.rend(); ++each) {
      const Fact& fact = **each;
      const auto* body = fact.body<v1::CertificationIssued>();
      const Fact* ended = nullptr;
      ASSIGN_OR_RETURN(const std::string why, WhyInactive(facts_, fact, *body, at_, ended));
      if (!why.empty()) {
        if (each != issued.rbegin()) continue;
        s_.no_certification_because = Text("the certification of leaf ", fact.event.index.value, " ", why);
        s_.certification_ended = ended;
        continue;
      }
      const bool fits = body->state().baseline_digest() == s_.baseline_digest &&
                        body->state().substrate_digest() == s_.substrate_digest;
      // One for another ground can't serve; the newest of them says so.
      if (!fits && !others.empty()) continue;
      std::vector<Certification>& list = fits ? s_.certifications : others;
      if (list.size() >= kCertificationsMax) continue;
      Certification& made = list.emplace_back(Certification{&fact, body, nullptr});
      ASSIGN_OR_RETURN(made.sandbox_run, facts_.Definition(Bare(*FindReference(fact.header(), "sandbox_run"))));
    }
    s_.certifications.insert(s_.certifications.end(), others.begin(), others.end());
    if (s_.certifications.empty()) return OkStatus();
    s_.no_certification_because.clear();
    s_.Use(s_.certifications.front());
    return OkStatus();
  }

  Status LoadAuthorisations() {
    if (s_.place.device_model == nullptr) return OkStatus();
    ASSIGN_OR_RETURN(std::vector<DeviceAuthorisation> found,
                     AuthorisationsOf(facts_, *s_.place.device_model, s_.jurisdictions, at_));
    for (DeviceAuthorisation& one : found) {
      Authorisation& authorisation = s_.authorisations.emplace_back(Authorisation{std::move(one), {}});
      RETURN_IF_ERROR(LoadPlans(*FindReference(authorisation.granted->header(), "authorisation"), authorisation));
    }
    return OkStatus();
  }

  // Whatever is newest of a plan is the plan: when that ends, none of those that it followed comes back.
  Status LoadPlans(const v1::EntityRef& ref, Authorisation& authorisation) {
    std::set<std::string> ids;
    for (const std::string_view type : {"change_plan.authorised", "change_plan.amended"}) {
      ASSIGN_OR_RETURN(const std::vector<const Fact*> facts, TypedOfEither(facts_, ref, type));
      for (const Fact* fact : facts) ids.insert(FindReference(fact->header(), "change_plan")->id());
    }
    for (const std::string& id : ids) {
      ASSIGN_OR_RETURN(const Fact* newest, NewestPlan(id));
      if (newest == nullptr) continue;
      const v1::EntityRef& under = *FindReference(newest->header(), "authorisation");
      if (under.id() != ref.id() || (!under.version().empty() && under.version() != ref.version())) continue;
      ASSIGN_OR_RETURN(const Fact* ended, EndOfPlan(*newest));
      const auto* authorised = newest->body<v1::ChangePlanAuthorised>();
      authorisation.plans.push_back(
          {newest, authorised != nullptr ? &authorised->terms() : &newest->body<v1::ChangePlanAmended>()->terms(),
           ended});
    }
    return OkStatus();
  }

  // By the time; nullptr when there was none.
  StatusOr<const Fact*> NewestPlan(const std::string& id) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> versions,
                     DefinitionsOfVersions(facts_, ToEntity({"change_plan", id})));
    const Fact* newest = nullptr;
    for (const Fact* fact : versions) {
      if (fact->earliest() > at_) continue;
      if (newest == nullptr || StandsEarlier(newest, fact)) newest = fact;
    }
    return newest;
  }

  // What withdrew this version by the time; nullptr when nothing did.
  StatusOr<const Fact*> EndOfPlan(const Fact& plan) {
    ASSIGN_OR_RETURN(const std::vector<const Fact*> withdrawn,
                     facts_.Typed(Bare(*FindReference(plan.header(), "change_plan")), "change_plan.withdrawn"));
    for (const Fact* end : withdrawn) {
      if (EffectiveFrom(*end) <= at_) return end;
    }
    return nullptr;
  }

  Subject& s_;
  Facts& facts_;
  const Timestamp at_;
};

}  // namespace

StatusOr<std::string> WhyInactive(Facts& facts, const Fact& issued, const v1::CertificationIssued& body, Timestamp at,
                                  const Fact*& ended) {
  if (!HappenedBy(issued, at)) return std::string("was issued later only");
  if (Timestamp(body.valid_from_us()) > at) return std::string("is valid later only");
  if (body.valid_until_us() != 0 && Timestamp(body.valid_until_us()) <= at) return std::string("has expired");
  const v1::EntityRef* ref = FindReference(issued.header(), "certification");
  ASSIGN_OR_RETURN(const std::vector<const Fact*> withdrawn, facts.Typed(Bare(*ref), "certification.withdrawn"));
  for (const Fact* fact : withdrawn) {
    if (EffectiveFrom(*fact, fact->body<v1::CertificationWithdrawn>()->effective_from_us()) <= at) {
      ended = fact;
      return Text("was withdrawn (leaf ", fact->event.index.value, ")");
    }
  }
  return std::string();
}

Status LoadSubject(Subject& subject) { return Loader(subject).Load(); }

StatusOr<std::string> WhyEnvelopeNotInForce(Facts& facts, const Fact& approved, Timestamp at, const Fact** ended) {
  if (approved.earliest() > at) return std::string("is approved later only");
  const v1::EntityRef& ref = *FindReference(approved.header(), "envelope");
  ASSIGN_OR_RETURN(const std::vector<const Fact*> retired, TypedOfEither(facts, ref, "envelope.retired"));
  for (const Fact* fact : retired) {
    if (EffectiveFrom(*fact, fact->body<v1::EnvelopeRetired>()->effective_from_us()) <= at) {
      if (ended != nullptr) *ended = fact;
      return Text("was retired (leaf ", fact->event.index.value, ")");
    }
  }
  ASSIGN_OR_RETURN(const std::vector<const Fact*> others, DefinitionsOfVersions(facts, ref));
  for (const Fact* newer : others) {
    if (!StandsEarlier(&approved, newer) || newer->earliest() > at) continue;
    if (ended != nullptr) *ended = newer;
    return Text("was followed by version ", FindReference(newer->header(), "envelope")->version(), " (leaf ",
                newer->event.index.value, ")");
  }
  return std::string();
}

StatusOr<ItemClass> ClassOf(Facts& facts, std::string_view item) {
  ASSIGN_OR_RETURN(const ItemClass item_class, ClassOfItemAt(facts.rows(), item, facts.size()));
  if (!item_class.assigned_to.empty()) RETURN_IF_ERROR(facts.At(item_class.evidence).status());
  for (const LeafIndex part : item_class.parts) RETURN_IF_ERROR(facts.At(part).status());
  return item_class;
}

StatusOr<std::vector<const Fact*>> TypedOfAny(Facts& facts, const v1::EntityRef& ref, std::string_view type) {
  if (!ref.version().empty() || !Vocabulary::Get().HasVersions(ref.kind())) return TypedOfEither(facts, ref, type);
  return TypedOfAnyVersion(facts, ref, type);
}

StatusOr<std::vector<const Fact*>> DefinitionsOfVersions(Facts& facts, const v1::EntityRef& entity) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> all, DefinitionsOfAnyVersion(facts, entity));
  const auto version_of = [&](const Fact& fact) {
    const v1::EntityRef* defined = DefinedBy(fact);
    return defined == nullptr ? std::string() : defined->version();
  };
  std::vector<const Fact*> last;
  for (const Fact* fact : all) {
    if (!last.empty() && version_of(*last.back()) == version_of(*fact)) last.pop_back();
    last.push_back(fact);
  }
  return last;
}

StatusOr<const Fact*> NewestDefinition(Facts& facts, const v1::EntityRef& entity) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> found, DefinitionsOfVersions(facts, entity));
  const Fact* newest = nullptr;
  for (const Fact* fact : found) {
    if (newest == nullptr || StandsEarlier(newest, fact)) newest = fact;
  }
  return newest;
}

StatusOr<const Fact*> StoredObject(Facts& facts, std::string_view sha256) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> stored,
                   facts.Typed(ToEntity({"object", HexEncode(sha256)}), "object.stored"));
  return stored.empty() ? nullptr : stored.back();
}

bool SameEntity(const v1::EntityRef& a, const v1::EntityRef& b) {
  return a.kind() == b.kind() && a.id() == b.id() && a.version() == b.version();
}

bool MayBeSame(const v1::EntityRef& a, const v1::EntityRef& b) {
  const bool unsaid = a.version().empty() || b.version().empty();
  return SameEntity(Bare(a, unsaid), Bare(b, unsaid));
}

bool IsAmong(const std::vector<std::string>& list, std::string_view value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace anamnesis::gate
