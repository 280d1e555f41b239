#include "ledger/gate/standing.h"

#include <algorithm>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/gate/fallback.h"
#include "ledger/gate/subject.h"
#include "ledger/query/configuration.h"
#include "ledger/query/item_scope.h"
#include "ledger/query/nonconformity.h"
#include "ledger/state/configuration.h"
#include "ledger/state/timeline.h"

namespace anamnesis::gate {
namespace {

std::optional<v1::EntityRef> FallbackOf(const Fact& since, const v1::Configuration& configuration) {
  if (const v1::EntityRef* target = FindReference(since.header(), "rollback_target"); target != nullptr) {
    return Bare(*target);
  }
  for (const v1::ConfigurationItem& item : configuration.items()) {
    if (item.surface() == "baseline" && item.has_item()) return Bare(item.item());
  }
  return std::nullopt;
}

bool RestsOn(const v1::GateDecided& decision, LeafIndex leaf) {
  return std::any_of(decision.results().begin(), decision.results().end(), [&](const auto& result) {
    return std::find(result.evidence().begin(), result.evidence().end(), leaf.value) != result.evidence().end();
  });
}

Status FindCertification(Facts& facts, const Subject* subject, RunningArtifact& running) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> issued, facts.Typed(running.artifact, "certification.issued"));
  const auto* decision = running.decided == nullptr ? nullptr : running.decided->body<v1::GateDecided>();
  int best = -1;
  for (const Fact* fact : issued) {
    const v1::CertifiedState& state = fact->body<v1::CertificationIssued>()->state();
    const bool fits = subject != nullptr && state.baseline_digest() == subject->baseline_digest &&
                      state.substrate_digest() == subject->substrate_digest;
    const bool relied_on = decision != nullptr && RestsOn(*decision, fact->event.index);
    const int rank = fits ? 2 : (relied_on ? 1 : 0);
    if (rank < best) continue;
    best = rank;
    running.certification = Bare(*FindReference(fact->header(), "certification"));
  }
  return OkStatus();
}

Status Decide(Facts& facts, Timestamp now, RunningArtifact& running) {
  GateRequest request;
  request.artifact = running.artifact;
  request.unit = running.unit;
  request.at = now;
  request.known_until = now;
  request.rollback_target = running.fallback;
  request.activated = running.since->event.index;
  Subject subject(facts, request);
  const Status loaded = LoadSubject(subject);
  if (loaded.ok()) {
    request.jurisdiction = subject.place.jurisdiction;
    request.artifact_digest = subject.artifact_digest;
    running.automatic_deactivation = subject.limits.has_value() && subject.limits->automatic_deactivation();
    if (subject.policy.has_value()) running.policy = Bare(subject.policy->name);
    if (subject.item != nullptr) running.item = subject.item->id();
  }
  RETURN_IF_ERROR(FindCertification(facts, loaded.ok() ? &subject : nullptr, running));
  // What can't be loaded, Decide denies, or fails for as loading did.
  ASSIGN_OR_RETURN(running.now, anamnesis::Decide(facts, request, &running.reservations));
  return OkStatus();
}

// Decisions have no versions, whatever is written where one is cited.
Status FindDecision(Facts& facts, RunningArtifact& running) {
  const v1::EntityRef* cited = FindReference(running.since->header(), "decision");
  if (cited == nullptr) return OkStatus();
  ASSIGN_OR_RETURN(const Fact* decided, facts.Definition(Bare(*cited, true)));
  const v1::EntityRef* artifact = decided == nullptr ? nullptr : FindReference(decided->header(), "artifact");
  if (artifact != nullptr && SameEntity(*artifact, running.artifact)) running.decided = decided;
  return OkStatus();
}

// When something else is recorded of the surface or of the unit as a whole, or `now`.
StatusOr<Timestamp> EndOf(Facts& facts, const RunningArtifact& ran, Timestamp now) {
  Timestamp end = now;
  for (const std::string_view timeline : {std::string_view(ran.surface), kWholeUnit}) {
    ASSIGN_OR_RETURN(const std::optional<TimelineEntry> next,
                     NextInTimeline(facts.rows(), TimelineId(ran.unit, timeline), ran.since->earliest(), facts.size()));
    if (next.has_value()) end = std::min(end, next->earliest);
  }
  return end;
}

}  // namespace

StatusOr<std::vector<RunningArtifact>> ArtifactsRunningOn(Facts& facts, const std::string& unit, Timestamp now) {
  std::vector<RunningArtifact> all;
  ASSIGN_OR_RETURN(const v1::Configuration configuration, ConfigurationAt(facts.rows(), unit, now, facts.size()));
  for (const v1::ConfigurationItem& item : configuration.items()) {
    const bool is_artifact = item.has_item() && item.item().kind() == "artifact" && !item.item().version().empty();
    if (!is_artifact || item.confidence() == v1::UNKNOWN) continue;
    RunningArtifact& running = all.emplace_back();
    running.unit = unit;
    running.surface = item.surface();
    running.artifact = Bare(item.item());
    ASSIGN_OR_RETURN(running.since, facts.At(LeafIndex(item.since().index())));
    running.until = now;
    RETURN_IF_ERROR(FindDecision(facts, running));
    running.fallback = FallbackOf(*running.since, configuration);
    RETURN_IF_ERROR(Decide(facts, now, running));
  }
  return all;
}

StatusOr<std::vector<RunningArtifact>> ArtifactsThatRan(Facts& facts, const std::string& unit, Timestamp from,
                                                        Timestamp now) {
  std::vector<const Fact*> activated;
  // Most often the last one tells that there is nothing to look at.
  for (size_t limit = 1;; limit *= 8) {
    ASSIGN_OR_RETURN(activated, facts.Typed(ToEntity({"device_unit", unit}), "artifact.activated", limit, true));
    const bool enough = !activated.empty() && activated.back()->event.recorded < from;
    if (enough || limit >= kRanMax) break;
  }
  std::vector<RunningArtifact> all;
  for (const Fact* fact : activated) {
    const v1::EntityRef* artifact = FindReference(fact->header(), "artifact");
    const auto* body = fact->body<v1::ArtifactActivated>();
    if (fact->event.recorded < from || body == nullptr || artifact == nullptr) continue;
    if (artifact->kind() != "artifact" || artifact->version().empty()) continue;
    RunningArtifact& ran = all.emplace_back();
    ran.unit = unit;
    ran.surface = body->surface();
    ran.artifact = Bare(*artifact);
    ran.since = fact;
    RETURN_IF_ERROR(FindDecision(facts, ran));
    ASSIGN_OR_RETURN(ran.until, EndOf(facts, ran, now));
  }
  return all;
}

StatusOr<v1::GateDecided> DecideAsKnownNow(Facts& facts, const RunningArtifact& ran) {
  const auto* decision = ran.decided == nullptr ? nullptr : ran.decided->body<v1::GateDecided>();
  if (decision == nullptr) return absl::InvalidArgumentError("the activation cites no decision");
  GateRequest request = RequestOfDecision(ran.decided->header(), *decision);
  request.activated = ran.since->event.index;
  return anamnesis::Decide(facts, request);
}

StatusOr<bool> FallbackPasses(Facts& facts, const RunningArtifact& running, Timestamp now) {
  if (!running.fallback.has_value()) return false;
  if (running.fallback->kind() != "artifact") return true;
  ASSIGN_OR_RETURN(const v1::GateDecided decision, DecideOnFallback(facts, *running.fallback, running.unit, now, now));
  return decision.verdict() == v1::GateDecided::ALLOW;
}

Timestamp EffectOf(const Fact& fact) {
  if (!fact.header().corrects().empty()) return kTimestampMin;
  const google::protobuf::Message* body = fact.event.body.get();
  if (body == nullptr) return fact.earliest();
  for (const char* name : {"effective_from_us", "lost_since_us", "initiated_at_us"}) {
    const auto* field = body->GetDescriptor()->FindFieldByName(name);
    if (field == nullptr || field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_INT64) continue;
    return EffectiveFrom(fact, body->GetReflection()->GetInt64(*body, field));
  }
  return fact.earliest();
}

StatusOr<LateKnowledge> KnownLate(Facts& facts, const Fact& activation, const std::set<uint64_t>& leaves,
                                  Timestamp by) {
  LateKnowledge late;
  late.from = kTimestampLimit;
  for (auto leaf = leaves.upper_bound(activation.event.index.value); leaf != leaves.end(); ++leaf) {
    ASSIGN_OR_RETURN(const Fact* fact, facts.At(LeafIndex(*leaf)));
    const Timestamp effect = EffectOf(*fact);
    if (effect > by) continue;
    late.leaves.insert(*leaf);
    late.corrects |= !fact->header().corrects().empty();
    late.from = std::min(late.from, effect);
  }
  late.from = std::max(late.from, activation.earliest());
  if (late.leaves.empty()) return late;
  ASSIGN_OR_RETURN(const FindingList nonconformity, NonconformityOf(facts.rows(), activation.event.index));
  return nonconformity.empty() ? late : LateKnowledge();
}

}  // namespace anamnesis::gate
