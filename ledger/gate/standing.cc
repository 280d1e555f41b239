#include "ledger/gate/standing.h"

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/gate/subject.h"
#include "ledger/query/configuration.h"

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
    request.jurisdiction = subject.unit_jurisdiction;
    request.artifact_digest = subject.artifact_digest;
    running.automatic_deactivation = subject.limits.has_value() && subject.limits->automatic_deactivation();
    if (subject.policy.has_value()) running.policy = Bare(subject.policy->name);
    if (subject.item != nullptr) running.item = subject.item->id();
  }
  // What can't be loaded, Decide denies, or fails for as loading did.
  ASSIGN_OR_RETURN(running.now, anamnesis::Decide(facts, request, &running.not_evaluated));
  return OkStatus();
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
    if (const v1::EntityRef* cited = FindReference(running.since->header(), "decision"); cited != nullptr) {
      ASSIGN_OR_RETURN(running.decided, facts.Definition(Bare(*cited)));
    }
    running.fallback = FallbackOf(*running.since, configuration);
    ASSIGN_OR_RETURN(const std::vector<const Fact*> issued, facts.Typed(running.artifact, "certification.issued"));
    if (!issued.empty()) running.certification = Bare(*FindReference(issued.back()->header(), "certification"));
    RETURN_IF_ERROR(Decide(facts, now, running));
  }
  return all;
}

StatusOr<v1::GateDecided> DecideAsKnownNow(Facts& facts, const RunningArtifact& running) {
  const auto* decision = running.decided == nullptr ? nullptr : running.decided->body<v1::GateDecided>();
  if (decision == nullptr) return absl::InvalidArgumentError("the activation cites no decision");
  GateRequest request = RequestOfDecision(running.decided->header(), *decision);
  request.activated = running.since->event.index;
  return anamnesis::Decide(facts, request);
}

StatusOr<bool> FallbackPasses(Facts& facts, const RunningArtifact& running, Timestamp now) {
  if (!running.fallback.has_value()) return false;
  if (running.fallback->kind() != "artifact") return true;
  GateRequest request;
  request.artifact = *running.fallback;
  request.unit = running.unit;
  request.at = now;
  request.known_until = now;
  Subject subject(facts, request);
  RETURN_IF_ERROR(LoadSubject(subject));
  request.jurisdiction = subject.unit_jurisdiction;
  request.artifact_digest = subject.artifact_digest;
  if (subject.baseline != nullptr) request.rollback_target = Bare(subject.baseline->item());
  ASSIGN_OR_RETURN(const v1::GateDecided decision, anamnesis::Decide(facts, request));
  return decision.verdict() == v1::GateDecided::ALLOW;
}

Timestamp EffectOf(const Fact& fact) {
  const google::protobuf::Message* body = fact.event.body.get();
  const auto* field = body == nullptr ? nullptr : body->GetDescriptor()->FindFieldByName("effective_from_us");
  if (field == nullptr || field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_INT64) return fact.earliest();
  return EffectiveFrom(fact, body->GetReflection()->GetInt64(*body, field));
}

}  // namespace anamnesis::gate
