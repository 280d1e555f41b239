#include <algorithm>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/gate/ask_gate.h"
#include "ledger/gate/decide.h"
#include "ledger/gate/subject.h"
#include "ledger/query/configuration.h"
#include "ledger/query/events.h"
#include "ledger/state/broken_rules.h"

namespace anamnesis {
namespace {

constexpr size_t kUnitsDefault = 100;
constexpr size_t kUnitsMax = 1000;

// From when on the fact has effect: its field effective_from_us, or when it happened.
Timestamp EffectOf(const Fact& fact) {
  const google::protobuf::Message* body = fact.event.body.get();
  const auto* field = body == nullptr ? nullptr : body->GetDescriptor()->FindFieldByName("effective_from_us");
  if (field == nullptr || field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_INT64) return fact.earliest();
  return gate::EffectiveFrom(fact, body->GetReflection()->GetInt64(*body, field));
}

class StandingCheck {
 public:
  StandingCheck(Facts& facts, Timestamp now, bool all, v1::StandingAnswer& answer)
      : facts_(facts), now_(now), all_(all), answer_(answer) {}

  Status AddUnit(const std::string& unit) {
    answer_.set_units(answer_.units() + 1);
    ASSIGN_OR_RETURN(const v1::Configuration configuration, ConfigurationAt(facts_.rows(), unit, now_, facts_.size()));
    for (const v1::ConfigurationItem& item : configuration.items()) {
      const bool is_artifact = item.has_item() && item.item().kind() == "artifact" && !item.item().version().empty();
      if (is_artifact && item.confidence() != v1::UNKNOWN) RETURN_IF_ERROR(AddItem(unit, configuration, item));
    }
    return OkStatus();
  }

 private:
  Status AddItem(const std::string& unit, const v1::Configuration& configuration, const v1::ConfigurationItem& item) {
    ASSIGN_OR_RETURN(const Fact* since, facts_.At(LeafIndex(item.since().index())));
    v1::StandingAnswer::Entry entry;
    entry.set_unit(unit);
    entry.set_surface(item.surface());
    *entry.mutable_artifact() = gate::Bare(item.item());
    *entry.mutable_since() = item.since();
    RETURN_IF_ERROR(AddDecision(*since, entry));
    GateRequest request;
    request.artifact = entry.artifact();
    request.unit = unit;
    request.at = now_;
    request.known_until = now_;
    request.rollback_target = Fallback(*since, configuration);
    gate::Subject subject(facts_, request);
    RETURN_IF_ERROR(gate::LoadSubject(subject));
    request.jurisdiction = subject.unit_jurisdiction;
    request.artifact_digest = subject.artifact_digest;
    ASSIGN_OR_RETURN(*entry.mutable_now(), Decide(facts_, request));
    entry.set_automatic_deactivation(subject.limits.has_value() && subject.limits->automatic_deactivation());
    RETURN_IF_ERROR(AddLate(*since, entry));
    const bool conforms = entry.now().verdict() == v1::GateDecided::ALLOW && entry.nonconforming().empty();
    if (all_ || !conforms) *answer_.add_entries() = std::move(entry);
    return OkStatus();
  }

  // What the activation named, or else what the unit has below it.
  static std::optional<v1::EntityRef> Fallback(const Fact& since, const v1::Configuration& configuration) {
    if (const v1::EntityRef* target = FindReference(since.header(), "rollback_target"); target != nullptr)
      return *target;
    for (const v1::ConfigurationItem& item : configuration.items()) {
      if (item.surface() == "baseline" && item.has_item()) return item.item();
    }
    return std::nullopt;
  }

  Status AddDecision(const Fact& since, v1::StandingAnswer::Entry& entry) {
    if (const v1::EntityRef* cited = FindReference(since.header(), "decision"); cited != nullptr) {
      ASSIGN_OR_RETURN(const Fact* decided, facts_.Definition(gate::Bare(*cited)));
      if (decided != nullptr) {
        ASSIGN_OR_RETURN(*entry.mutable_decision(), facts_.Reference(decided->event.index));
      }
    }
    ASSIGN_OR_RETURN(const std::vector<v1::Finding> findings, FindingsOf(facts_.rows(), since.event.index));
    for (const v1::Finding& finding : findings) {
      if (finding.rule().starts_with("ACTIVATION-"))
        entry.add_nonconforming(Text(finding.field(), " ", finding.message()));
    }
    return OkStatus();
  }

  Status AddLate(const Fact& since, v1::StandingAnswer::Entry& entry) {
    std::set<uint64_t> late;
    for (const auto& result : entry.now().results()) {
      if (result.outcome() != v1::GateDecided::RuleResult::FAIL) continue;
      for (const uint64_t leaf : result.evidence()) {
        if (leaf > since.event.index.value) late.insert(leaf);
      }
    }
    std::optional<Timestamp> from;
    for (const uint64_t leaf : late) {
      ASSIGN_OR_RETURN(const Fact* fact, facts_.At(LeafIndex(leaf)));
      ASSIGN_OR_RETURN(*entry.add_late(), facts_.Reference(LeafIndex(leaf)));
      const Timestamp effect = std::max(EffectOf(*fact), since.earliest());
      from = from.has_value() ? std::min(*from, effect) : effect;
    }
    if (!from.has_value()) return OkStatus();
    *entry.mutable_exposed_from() = ToProtoTime(*from);
    *entry.mutable_exposed_until() = ToProtoTime(now_);
    return OkStatus();
  }

  Facts& facts_;
  const Timestamp now_;
  const bool all_;
  v1::StandingAnswer& answer_;
};

}  // namespace

Status AnswerStanding(Facts& facts, const v1::StandingQuestion& question, v1::Answer& answer) {
  v1::StandingAnswer& standing = *answer.mutable_standing();
  if (question.limit() > kUnitsMax) {
    return absl::InvalidArgumentError(Text("limit: ", question.limit(), " is more than ", kUnitsMax));
  }
  if (facts.size().value == 0) return OkStatus();
  ASSIGN_OR_RETURN(const Timestamp now, RecordedAt(facts.rows(), LeafIndex(facts.size().value - 1)));
  StandingCheck check(facts, now, question.all(), standing);
  if (!question.unit().empty()) return check.AddUnit(question.unit());
  const size_t limit = question.limit() == 0 ? kUnitsDefault : question.limit();
  ASSIGN_OR_RETURN(const std::vector<std::string> units, facts.DefinedIds("device_unit", question.from(), limit + 1));
  for (size_t i = 0; i < std::min(limit, units.size()); ++i) RETURN_IF_ERROR(check.AddUnit(units[i]));
  if (units.size() > limit) standing.set_next(units[limit - 1]);
  return OkStatus();
}

namespace {

// The first event of the type that names the entity; absent when none does.
Status SetFirst(Facts& facts, const v1::EntityRef& entity, std::string_view role, std::string_view type,
                v1::LeafReference* (*of)(v1::AdoptionAnswer::Surface&), v1::AdoptionAnswer::Surface& surface) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> found, facts.OfType(entity, role, type, 1));
  if (found.empty()) return OkStatus();
  ASSIGN_OR_RETURN(*of(surface), facts.Reference(found.front()->event.index));
  return OkStatus();
}

// How far the artifacts of a surface came.
Status AddArtifacts(Facts& facts, const v1::EntityRef& entity, v1::AdoptionAnswer::Surface& surface) {
  constexpr size_t kArtifactsMax = 1000;
  ASSIGN_OR_RETURN(const std::vector<const Fact*> produced,
                   facts.OfType(entity, "surface", "artifact.produced", kArtifactsMax));
  for (const Fact* fact : produced) {
    if (!surface.has_instrumented()) {
      ASSIGN_OR_RETURN(*surface.mutable_instrumented(), facts.Reference(fact->event.index));
    }
    const v1::EntityRef artifact = gate::Bare(*FindReference(fact->header(), "artifact"));
    if (!surface.has_sandboxed()) {
      RETURN_IF_ERROR(SetFirst(
          facts, artifact, "artifact", "sandbox_run.completed",
          [](v1::AdoptionAnswer::Surface& s) { return s.mutable_sandboxed(); }, surface));
    }
    if (!surface.has_gated()) {
      RETURN_IF_ERROR(SetFirst(
          facts, artifact, "artifact", "gate.decided", [](v1::AdoptionAnswer::Surface& s) { return s.mutable_gated(); },
          surface));
    }
    if (surface.has_sandboxed() && surface.has_gated()) break;
  }
  return OkStatus();
}

Status AddSurface(Facts& facts, const std::string& id, v1::AdoptionAnswer::Surface& surface) {
  v1::EntityRef entity;
  entity.set_kind("adaptation_surface");
  entity.set_id(id);
  *surface.mutable_surface() = entity;
  ASSIGN_OR_RETURN(const Fact* identified, facts.Definition(entity));
  const auto* body = identified == nullptr ? nullptr : identified->body<v1::AdaptationSurfaceIdentified>();
  if (body == nullptr) return OkStatus();
  surface.set_name(body->surface());
  ASSIGN_OR_RETURN(*surface.mutable_inventoried(), facts.Reference(identified->event.index));
  const v1::EntityRef& item = *FindReference(identified->header(), "item");
  *surface.mutable_item() = gate::Bare(item, true);
  ASSIGN_OR_RETURN(const std::vector<const Fact*> approved, facts.Typed(gate::Bare(item, true), "envelope.approved"));
  for (const Fact* fact : approved) {
    // Not an overlay for one place.
    const v1::EnvelopeTerms& terms = fact->body<v1::EnvelopeApproved>()->terms();
    if (!terms.jurisdiction().empty() || !terms.site().empty()) continue;
    *surface.mutable_envelope() = gate::Bare(*FindReference(fact->header(), "envelope"));
  }
  RETURN_IF_ERROR(AddArtifacts(facts, entity, surface));
  RETURN_IF_ERROR(SetFirst(
      facts, entity, "", "document.referenced", [](v1::AdoptionAnswer::Surface& s) { return s.mutable_documented(); },
      surface));
  return OkStatus();
}

}  // namespace

Status AnswerAdoption(Facts& facts, const v1::AdoptionQuestion&, v1::Answer& answer) {
  constexpr size_t kSurfacesMax = 10'000;
  ASSIGN_OR_RETURN(const std::vector<std::string> ids, facts.DefinedIds("adaptation_surface", "", kSurfacesMax));
  for (const std::string& id : ids) RETURN_IF_ERROR(AddSurface(facts, id, *answer.mutable_adoption()->add_surfaces()));
  return OkStatus();
}

}  // namespace anamnesis
