#include "ledger/gate/ask_gate.h"

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/gate/decide.h"
#include "ledger/gate/subject.h"
#include "ledger/query/events.h"

namespace anamnesis {
namespace {

Status CheckArtifact(std::string_view field, const v1::EntityRef& artifact) {
  if (artifact.kind() != "artifact") return absl::InvalidArgumentError(Text(field, ".kind: must be artifact"));
  if (artifact.id().empty()) return absl::InvalidArgumentError(Text(field, ".id: is required"));
  if (artifact.version().empty()) return absl::InvalidArgumentError(Text(field, ".version: is required"));
  return OkStatus();
}

}  // namespace

std::optional<Status> AskGate(Facts& facts, const v1::Question& question, v1::Answer& answer) {
  switch (question.about_case()) {
    case v1::Question::kGate:
      return AnswerGate(facts, question.gate(), answer);
    case v1::Question::kGateReplay:
      return AnswerGateReplay(facts, question.gate_replay(), answer);
    case v1::Question::kStanding:
      return AnswerStanding(facts, question.standing(), answer);
    case v1::Question::kAdoption:
      return AnswerAdoption(facts, question.adoption(), answer);
    default:
      return std::nullopt;
  }
}

Status AnswerGate(Facts& facts, const v1::GateQuestion& question, v1::Answer& answer) {
  RETURN_IF_ERROR(CheckArtifact("artifact", question.artifact()));
  if (question.unit().empty()) return absl::InvalidArgumentError("unit: is required");
  if (!question.artifact_digest().empty() && question.artifact_digest().size() != 32) {
    return absl::InvalidArgumentError("artifact_digest: must be the 32 bytes of a SHA-256");
  }
  GateRequest request;
  request.artifact = question.artifact();
  request.unit = question.unit();
  if (facts.size().value > 0) {
    ASSIGN_OR_RETURN(request.known_until, RecordedAt(facts.rows(), LeafIndex(facts.size().value - 1)));
  }
  request.at = request.known_until;
  if (question.has_at()) {
    ASSIGN_OR_RETURN(request.at, FromProtoTime(question.at(), "at"));
  }
  request.jurisdiction = question.jurisdiction();
  request.artifact_digest = question.artifact_digest();
  if (question.has_rollback_target()) request.rollback_target = question.rollback_target();
  if (request.jurisdiction.empty() || request.artifact_digest.empty()) {
    gate::Subject subject(facts, request);
    RETURN_IF_ERROR(gate::LoadSubject(subject));
    if (request.jurisdiction.empty()) request.jurisdiction = subject.unit_jurisdiction;
    if (request.artifact_digest.empty()) request.artifact_digest = subject.artifact_digest;
  }
  ASSIGN_OR_RETURN(*answer.mutable_gate()->mutable_decision(), Decide(facts, request));
  answer.add_notes("a dry run: nothing was recorded, and nothing may be activated on it");
  return OkStatus();
}

Status AnswerGateReplay(Facts& facts, const v1::GateReplayQuestion& question, v1::Answer& answer) {
  v1::EntityRef entity;
  entity.set_kind("gate_decision");
  entity.set_id(question.decision());
  if (question.decision().empty()) return absl::InvalidArgumentError("decision: is required");
  ASSIGN_OR_RETURN(const Fact* decided, facts.Definition(entity));
  const auto* recorded = decided == nullptr ? nullptr : decided->body<v1::GateDecided>();
  if (recorded == nullptr) return absl::NotFoundError(Text("no decision ", question.decision(), " is recorded"));
  v1::GateReplayAnswer& replay = *answer.mutable_gate_replay();
  ASSIGN_OR_RETURN(*replay.mutable_leaf(), facts.Reference(decided->event.index));
  *replay.mutable_recorded() = *recorded;
  GateRequest request;
  request.artifact = *FindReference(decided->header(), "artifact");
  request.unit = FindReference(decided->header(), "unit")->id();
  request.jurisdiction = recorded->jurisdiction();
  request.artifact_digest = recorded->artifact_digest();
  if (const v1::EntityRef* target = FindReference(decided->header(), "rollback_target"); target != nullptr) {
    request.rollback_target = *target;
  }
  request.at = Timestamp(recorded->at_us());
  request.known_until = Timestamp(recorded->known_until_us());
  Facts then(facts.rows(), TreeSize(recorded->tree_size()));
  ASSIGN_OR_RETURN(*replay.mutable_computed(), Decide(then, request));
  replay.set_identical(replay.computed().SerializeAsString() == recorded->SerializeAsString());
  for (const uint64_t leaf : then.cited()) facts.Cite(LeafIndex(leaf));
  return OkStatus();
}

}  // namespace anamnesis
