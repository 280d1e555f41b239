#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/event/names.h"
#include "ledger/gate/ask_gate.h"
#include "ledger/gate/stale_certifications.h"
#include "ledger/gate/standing.h"
#include "ledger/gate/subject.h"
#include "ledger/query/configuration.h"
#include "ledger/query/events.h"
#include "ledger/query/nonconformity.h"
#include "ledger/query/place_in_time.h"
#include "ledger/state/event_list.h"
#include "ledger/state/standing_rows.h"

namespace anamnesis {
namespace {

constexpr size_t kUnitsDefault = 100;
constexpr size_t kUnitsMax = 1000;

class StandingCheck {
 public:
  StandingCheck(Facts& facts, Timestamp now, bool all, v1::StandingAnswer& answer)
      : facts_(facts), now_(now), all_(all), answer_(answer) {}

  Status AddUnit(const std::string& unit) {
    answer_.set_units(answer_.units() + 1);
    ASSIGN_OR_RETURN(const std::optional<internal::StandingUnit> row, StandingUnitOf(facts_.rows(), unit));
    ASSIGN_OR_RETURN(const std::vector<gate::RunningArtifact> all, gate::ArtifactsRunningOn(facts_, unit, now_));
    std::set<std::string> surfaces;
    for (const gate::RunningArtifact& running : all) {
      surfaces.insert(running.surface);
      RETURN_IF_ERROR(AddItem(running, row.value_or(internal::StandingUnit())));
    }
    return AddUndecidable(unit, surfaces);
  }

 private:
  // What was put where the gate decides and is nothing that it can decide about: an artifact without its version, or a
  // model. Without leave it is whatever the gate would say.
  Status AddUndecidable(const std::string& unit, const std::set<std::string>& decided) {
    ASSIGN_OR_RETURN(const v1::Configuration configuration, ConfigurationAt(facts_.rows(), unit, now_, facts_.size()));
    for (const v1::ConfigurationItem& item : configuration.items()) {
      if (!item.has_item() || item.confidence() == v1::UNKNOWN || decided.count(item.surface()) > 0) continue;
      ASSIGN_OR_RETURN(const Fact* since, facts_.At(LeafIndex(item.since().index())));
      v1::StandingAnswer::Entry entry;
      RETURN_IF_ERROR(AddNonconforming(*since, entry));
      if (entry.nonconforming().empty()) continue;
      entry.set_unit(unit);
      entry.set_surface(item.surface());
      *entry.mutable_artifact() = Bare(item.item());
      ASSIGN_OR_RETURN(*entry.mutable_since(), facts_.Reference(since->event.index));
      entry.mutable_now()->set_verdict(v1::GateDecided::DENY);
      v1::GateDecided::RuleResult& result = *entry.mutable_now()->add_results();
      result.set_rule_id("INPUT");
      result.set_outcome(v1::GateDecided::RuleResult::FAIL);
      result.set_note(
          Text(EntityKeyText(item.item()), " is no version of an artifact, and the gate decides about these"));
      result.add_evidence(since->event.index.value);
      *answer_.add_entries() = std::move(entry);
    }
    return OkStatus();
  }

  Status AddItem(const gate::RunningArtifact& running, const internal::StandingUnit& row) {
    v1::StandingAnswer::Entry entry;
    entry.set_unit(running.unit);
    entry.set_surface(running.surface);
    *entry.mutable_artifact() = running.artifact;
    ASSIGN_OR_RETURN(*entry.mutable_since(), facts_.Reference(running.since->event.index));
    if (running.decided != nullptr) {
      ASSIGN_OR_RETURN(*entry.mutable_decision(), facts_.Reference(running.decided->event.index));
    }
    if (running.fallback.has_value()) *entry.mutable_fallback() = *running.fallback;
    *entry.mutable_now() = running.now;
    entry.set_automatic_deactivation(running.automatic_deactivation);
    RETURN_IF_ERROR(AddNonconforming(*running.since, entry));
    RETURN_IF_ERROR(AddRecords(running, row, entry));
    RETURN_IF_ERROR(AddLate(*running.since, entry));
    const bool conforms = entry.now().verdict() == v1::GateDecided::ALLOW && entry.nonconforming().empty();
    if (all_ || !conforms || entry.has_late_knowledge()) *answer_.add_entries() = std::move(entry);
    return OkStatus();
  }

  // What the ledger recorded itself. Its rows are those of the whole log; of them, what is below the size.
  Status AddRecords(const gate::RunningArtifact& running, const internal::StandingUnit& row,
                    v1::StandingAnswer::Entry& entry) {
    const uint64_t since = running.since->event.index.value;
    const auto known = [&](uint64_t leaf) { return leaf < facts_.size().value; };
    for (const internal::StandingUnit::Hold& hold : row.holds()) {
      if (hold.surface() != running.surface || hold.activated() != since || !known(hold.placed())) continue;
      ASSIGN_OR_RETURN(*entry.mutable_hold(), facts_.Reference(LeafIndex(hold.placed())));
      if (hold.instructed() != 0 && known(hold.instructed() - 1)) {
        ASSIGN_OR_RETURN(*entry.mutable_instruction(), facts_.Reference(LeafIndex(hold.instructed() - 1)));
      }
      if (hold.certification().empty()) continue;
      ASSIGN_OR_RETURN(const internal::StandingCertification state,
                       StandingCertificationOf(facts_.rows(), hold.certification()));
      if (state.required() == 0 || !known(state.required())) continue;
      ASSIGN_OR_RETURN(*entry.mutable_recertification(), facts_.Reference(LeafIndex(state.required())));
    }
    for (const internal::StandingUnit::Late& late : row.late()) {
      if (late.surface() != running.surface || late.activated() != since || !known(late.found())) continue;
      ASSIGN_OR_RETURN(*entry.mutable_late_knowledge(), facts_.Reference(LeafIndex(late.found())));
    }
    return OkStatus();
  }

  Status AddNonconforming(const Fact& since, v1::StandingAnswer::Entry& entry) {
    ASSIGN_OR_RETURN(const FindingList findings, NonconformityOf(facts_.rows(), since.event.index));
    for (const v1::Finding& finding : findings) {
      entry.add_nonconforming(FindingText(finding));
    }
    return OkStatus();
  }

  // What became known after the activation: of what it would be denied for now, and what the ledger recorded of it.
  Status AddLate(const Fact& since, v1::StandingAnswer::Entry& entry) {
    std::set<uint64_t> leaves;
    for (const auto& result : entry.now().results()) {
      if (result.outcome() != v1::GateDecided::RuleResult::FAIL) continue;
      leaves.insert(result.evidence().begin(), result.evidence().end());
    }
    if (entry.now().verdict() == v1::GateDecided::ALLOW) return OkStatus();
    if (entry.has_late_knowledge()) {
      ASSIGN_OR_RETURN(const Fact* found, facts_.At(LeafIndex(entry.late_knowledge().index())));
      const auto* body = found->body<v1::LateKnowledgeFound>();
      if (body != nullptr) leaves.insert(body->late().begin(), body->late().end());
    }
    ASSIGN_OR_RETURN(const gate::LateKnowledge late, gate::KnownLate(facts_, since, leaves, now_));
    if (late.leaves.empty()) return OkStatus();
    for (const uint64_t leaf : late.leaves) {
      ASSIGN_OR_RETURN(*entry.add_late(), facts_.Reference(LeafIndex(leaf)));
    }
    *entry.mutable_exposed_from() = ToProtoTime(late.from);
    *entry.mutable_exposed_until() = ToProtoTime(now_);
    return OkStatus();
  }

  Facts& facts_;
  const Timestamp now_;
  const bool all_;
  v1::StandingAnswer& answer_;
};

// What SOUP changes leave to be certified again, whether it runs or not: after the last unit. Entries without a
// surface.
Status AddStaleCertifications(Facts& facts, Timestamp now, v1::Answer& answer) {
  ASSIGN_OR_RETURN(const gate::StaleCertifications stale, gate::FindStaleCertifications(facts, now));
  const auto& entries = answer.standing().entries();
  for (const gate::StaleCertification& each : stale.list) {
    // What runs and is denied is among the units' already.
    const auto is_listed = [&](const v1::StandingAnswer::Entry& entry) {
      return entry.unit() == each.runs_on && gate::SameEntity(entry.artifact(), each.artifact) &&
             entry.now().verdict() == v1::GateDecided::DENY;
    };
    if (std::any_of(entries.begin(), entries.end(), is_listed)) continue;
    v1::StandingAnswer::Entry& entry = *answer.mutable_standing()->add_entries();
    entry.set_unit(each.runs_on);
    *entry.mutable_artifact() = each.artifact;
    ASSIGN_OR_RETURN(*entry.mutable_since(), facts.Reference(each.issued));
    ASSIGN_OR_RETURN(*entry.add_late(), facts.Reference(each.changed));
    v1::GateDecided::RuleResult& result = *entry.mutable_now()->add_results();
    result.set_rule_id("G06");
    result.set_outcome(v1::GateDecided::RuleResult::FAIL);
    result.set_note(each.why);
    for (const LeafIndex leaf : {each.issued, each.changed}) result.add_evidence(leaf.value);
  }
  if (stale.more) {
    answer.add_notes(Text("more certifications than these ", stale.list.size(),
                          " may have to be done again: ask again when these are"));
  }
  return OkStatus();
}

// Of a unit that nobody recorded, nothing stands that would be denied: that is no answer about a unit.
Status CheckUnitNamed(const Facts& facts, const std::string& id) {
  ASSIGN_OR_RETURN(const std::string why, WhyUnrecorded(facts.rows(), facts.size(), id));
  return why.empty() ? OkStatus() : absl::NotFoundError(Text("standing.unit: ", why));
}

}  // namespace

Status AnswerStanding(Facts& facts, const v1::StandingQuestion& question, v1::Answer& answer) {
  v1::StandingAnswer& standing = *answer.mutable_standing();
  if (question.limit() > kUnitsMax) {
    return absl::InvalidArgumentError(Text("limit: ", question.limit(), " is more than ", kUnitsMax));
  }
  if (facts.size().value == 0) return OkStatus();
  ASSIGN_OR_RETURN(const Timestamp now, RecordedAt(facts.rows(), LeafIndex(facts.size().value - 1)));
  ASSIGN_OR_RETURN(const std::optional<internal::StandingWork> work, StandingWorkOf(facts.rows()));
  if (work.has_value()) {
    for (const internal::StandingWork::Task& task : work->tasks()) {
      for (const uint64_t cause : task.causes()) standing.add_being_checked(cause);
    }
  }
  StandingCheck check(facts, now, question.all(), standing);
  if (!question.unit().empty()) {
    RETURN_IF_ERROR(CheckUnitNamed(facts, question.unit()));
    return check.AddUnit(question.unit());
  }
  const size_t limit = question.limit() == 0 ? kUnitsDefault : question.limit();
  ASSIGN_OR_RETURN(const std::vector<std::string> units, facts.DefinedIds("device_unit", question.from(), limit + 1));
  for (size_t i = 0; i < std::min(limit, units.size()); ++i) RETURN_IF_ERROR(check.AddUnit(units[i]));
  if (units.size() > limit) {
    standing.set_next(units[limit - 1]);
    return OkStatus();
  }
  return AddStaleCertifications(facts, now, answer);
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
    const v1::EntityRef artifact = Bare(*FindReference(fact->header(), "artifact"));
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

// The item's envelope that is in force.
Status AddEnvelope(Facts& facts, const v1::EntityRef& item, Timestamp now, v1::AdoptionAnswer::Surface& surface) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> approved, facts.Typed(item, "envelope.approved"));
  for (const Fact* fact : approved) {
    // Not an overlay for one place.
    const v1::EnvelopeTerms& terms = fact->body<v1::EnvelopeApproved>()->terms();
    if (!terms.jurisdiction().empty() || !terms.site().empty()) continue;
    ASSIGN_OR_RETURN(const std::string why_not, gate::WhyEnvelopeNotInForce(facts, *fact, now));
    if (why_not.empty()) *surface.mutable_envelope() = Bare(*FindReference(fact->header(), "envelope"));
  }
  return OkStatus();
}

// What is proposed and nobody approved.
struct ProposedEnvelopes {
  // By item: the newest, by when it was proposed.
  std::map<std::string, v1::EntityRef, std::less<>> newest;
  // Not all proposals were looked at.
  bool more = false;
};

// Looks at the last in the log; what is told afterwards of a time before is among them.
StatusOr<ProposedEnvelopes> FindProposedEnvelopes(Facts& facts) {
  constexpr size_t kProposedMax = 10'000;
  std::vector<LeafIndex> indexes;
  ProposedEnvelopes found;
  RETURN_IF_ERROR(VisitList(facts.rows(), Family::kTypeEvents, "envelope.proposed", LeafIndex(facts.size().value - 1),
                            true, facts.size(), [&](LeafIndex index) {
                              found.more = indexes.size() == kProposedMax;
                              if (!found.more) indexes.push_back(index);
                              return !found.more;
                            }));
  std::vector<const Fact*> proposed;
  for (const LeafIndex index : indexes) {
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
    if (fact->counts()) proposed.push_back(fact);
  }
  std::sort(proposed.begin(), proposed.end(), StandsEarlier);
  for (auto fact = proposed.rbegin(); fact != proposed.rend(); ++fact) {
    const std::string& item = FindReference((*fact)->header(), "item")->id();
    if (found.newest.count(item) > 0) continue;
    const v1::EntityRef envelope = Bare(*FindReference((*fact)->header(), "envelope"));
    ASSIGN_OR_RETURN(const Fact* approved, facts.Definition(envelope));
    if (approved == nullptr) found.newest.emplace(item, envelope);
  }
  return found;
}

Status AddSurface(Facts& facts, const std::string& id, Timestamp now, const ProposedEnvelopes& proposed,
                  v1::AdoptionAnswer::Surface& surface) {
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
  *surface.mutable_item() = Bare(item, true);
  surface.set_kind(body->kind());
  if (const v1::EntityRef* owner = FindReference(identified->header(), "owner"))
    *surface.mutable_owner() = Bare(*owner);
  RETURN_IF_ERROR(AddEnvelope(facts, surface.item(), now, surface));
  const auto candidate = proposed.newest.find(surface.item().id());
  if (!surface.has_envelope() && candidate != proposed.newest.end()) {
    *surface.mutable_proposed_envelope() = candidate->second;
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
  if (ids.empty()) return OkStatus();
  ASSIGN_OR_RETURN(const Timestamp now, RecordedAt(facts.rows(), LeafIndex(facts.size().value - 1)));
  ASSIGN_OR_RETURN(const ProposedEnvelopes proposed, FindProposedEnvelopes(facts));
  if (proposed.more) answer.add_notes("only the last envelopes that were proposed are looked at; there are more");
  for (const std::string& id : ids) {
    RETURN_IF_ERROR(AddSurface(facts, id, now, proposed, *answer.mutable_adoption()->add_surfaces()));
  }
  return OkStatus();
}

}  // namespace anamnesis
