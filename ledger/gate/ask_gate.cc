#include "ledger/gate/ask_gate.h"

#include <algorithm>
#include <set>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/gate/decide.h"
#include "ledger/gate/subject.h"
#include "ledger/query/events.h"

namespace anamnesis {
namespace {

v1::GateQuestion AsQuestion(const GateRequest& request) {
  v1::GateQuestion question;
  *question.mutable_artifact() = Bare(request.artifact);
  question.set_unit(request.unit);
  question.set_jurisdiction(request.jurisdiction);
  question.set_artifact_digest(request.artifact_digest);
  *question.mutable_at() = ToProtoTime(request.at);
  if (request.rollback_target.has_value()) *question.mutable_rollback_target() = *request.rollback_target;
  return question;
}

}  // namespace

Status CheckArtifact(std::string_view field, const v1::EntityRef& artifact) {
  if (artifact.kind() != "artifact") return absl::InvalidArgumentError(Text(field, ".kind: must be artifact"));
  if (artifact.id().empty()) return absl::InvalidArgumentError(Text(field, ".id: is required"));
  if (artifact.version().empty()) return absl::InvalidArgumentError(Text(field, ".version: is required"));
  return OkStatus();
}

std::optional<Status> AskGate(Facts& facts, const v1::Question& question, v1::Answer& answer) {
  switch (question.about_case()) {
    case v1::Question::kGate:
      return AnswerGate(facts, question.gate(), question.consistency().linearizable() && question.known_size() == 0,
                        answer);
    case v1::Question::kGateReplay:
      return AnswerGateReplay(facts, question.gate_replay(), answer);
    case v1::Question::kStanding:
      return AnswerStanding(facts, question.standing(), answer);
    case v1::Question::kAdoption:
      return AnswerAdoption(facts, question.adoption(), answer);
    case v1::Question::kArtifact:
      return AnswerArtifact(facts, question.artifact(), answer);
    default:
      return std::nullopt;
  }
}

Status AnswerGate(Facts& facts, const v1::GateQuestion& question, bool complete, v1::Answer& answer) {
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
  if (complete) request.known_until = std::max(request.known_until, request.at);
  request.jurisdiction = question.jurisdiction();
  request.artifact_digest = question.artifact_digest();
  if (question.has_rollback_target()) request.rollback_target = question.rollback_target();
  if (request.jurisdiction.empty() || request.artifact_digest.empty()) {
    gate::Subject subject(facts, request);
    RETURN_IF_ERROR(gate::LoadSubject(subject));
    if (request.jurisdiction.empty()) request.jurisdiction = subject.place.jurisdiction;
    if (request.artifact_digest.empty()) request.artifact_digest = subject.artifact_digest;
  }
  ASSIGN_OR_RETURN(*answer.mutable_gate()->mutable_decision(), Decide(facts, request));
  *answer.mutable_gate()->mutable_asked() = AsQuestion(request);
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
  const GateRequest request = RequestOfDecision(decided->header(), *recorded);
  Facts then(facts.rows(), TreeSize(recorded->tree_size()));
  ASSIGN_OR_RETURN(*replay.mutable_computed(), Decide(then, request));
  *replay.mutable_asked() = AsQuestion(request);
  ASSIGN_OR_RETURN(const Fact* produced, then.Definition(Bare(request.artifact)));
  const auto* artifact = produced == nullptr ? nullptr : produced->body<v1::ArtifactProduced>();
  if (artifact != nullptr) replay.set_surface(artifact->surface());
  replay.set_identical(replay.computed().SerializeAsString() == recorded->SerializeAsString());
  std::set<uint64_t> slice = then.looked_at();
  // What the unit runs is as known when the last of the leaves was recorded.
  if (recorded->tree_size() > 0) slice.insert(recorded->tree_size() - 1);
  for (const uint64_t leaf : slice) replay.add_slice(leaf);
  for (const uint64_t leaf : then.cited()) facts.Cite(LeafIndex(leaf));
  return OkStatus();
}

}  // namespace anamnesis
