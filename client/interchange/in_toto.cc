#include "client/interchange/in_toto.h"

#include <charconv>
#include <optional>
#include <set>

#include "anamnesis/v1/vocabulary_adaptation.pb.h"
#include "anamnesis/v1/vocabulary_model.pb.h"
#include "anamnesis/v1/vocabulary_software.pb.h"
#include "anamnesis/v1/vocabulary_verification.pb.h"
#include "client/interchange/citation.h"
#include "client/interchange/names.h"
#include "ledger/base/ids.h"
#include "ledger/event/vocabulary.h"

namespace anamnesis::interchange {
namespace {

using google::protobuf::Message;

constexpr char kVerificationSummary[] = "https://slsa.dev/verification_summary/v1";
constexpr char kProvenance[] = "https://slsa.dev/provenance/v1";
constexpr char kTestResult[] = "https://in-toto.io/attestation/test-result/v0.1";
constexpr char kExtension[] = "anamnesis_ledger";

std::string Statement(std::string_view predicate_type, Json subjects, Json predicate) {
  Json statement;
  statement["_type"] = std::string(kStatementType);
  statement["subject"] = std::move(subjects);
  statement["predicateType"] = std::string(predicate_type);
  statement["predicate"] = std::move(predicate);
  return CompactText(statement);
}

Json Subject(std::string name, Json digests) {
  Json subject;
  subject["name"] = std::move(name);
  subject["digest"] = std::move(digests);
  return subject;
}

// The way back to the receipt, whether the event counts, and the time that was recorded where that was corrected.
StatusOr<Json> CitedWith(LedgerView& view, const v1::Event& event, const Standing& standing) {
  ASSIGN_OR_RETURN(Json cited, Citations(view, {event.index()}));
  cited["standing"] = standing.counts ? "COUNTS" : "RETRACTED_OR_REPLACED";
  SetText(cited, "occurredAsRecorded", OccurredAsRecorded(event, standing));
  return cited;
}

// --- Decisions ---

StatusOr<Json> InputsOf(LedgerView& view, const v1::GateDecided& decision) {
  std::set<uint64_t> leaves;
  for (const auto& result : decision.results()) leaves.insert(result.evidence().begin(), result.evidence().end());
  Json inputs = Json::array();
  for (const uint64_t leaf : leaves) {
    ASSIGN_OR_RETURN(const v1::Event* event, view.At(leaf));
    Json input = CitationOf(*event);
    Json descriptor;
    descriptor["uri"] = LeafUri(view.origin(), leaf);
    descriptor["digest"]["sha256"] = input["leafSha256"];
    inputs.push_back(std::move(descriptor));
  }
  return inputs;
}

// The rules that were checked and hold: one that did not apply shows nothing, and nothing is verified of what failed.
Json VerifiedLevels(const v1::GateDecided& decision) {
  if (decision.verdict() != v1::GateDecided::ALLOW) return Json::array({"FAILED"});
  Json levels = Json::array();
  for (const auto& result : decision.results()) {
    if (result.outcome() == v1::GateDecided::RuleResult::PASS) levels.push_back("ANAMNESIS_GATE_" + result.rule_id());
  }
  return levels;
}

StatusOr<std::string> VerificationSummary(LedgerView& view, const v1::GateReplayAnswer& replay) {
  const v1::GateDecided& decision = replay.recorded();
  const std::string ledger = LedgerUri(view.origin());
  Json predicate;
  predicate["verifier"]["id"] = ledger;
  predicate["timeVerified"] = TimeText(decision.at_us());
  predicate["resourceUri"] = Text(ledger, "/device_unit/", PercentEncoded(replay.asked().unit()),
                                  "?jurisdiction=", PercentEncoded(decision.jurisdiction()));
  predicate["policy"]["uri"] = Text(ledger, "/", PercentEncoded(decision.policy_version(), ":@/"));
  ASSIGN_OR_RETURN(predicate["inputAttestations"], InputsOf(view, decision));
  const bool allowed = decision.verdict() == v1::GateDecided::ALLOW;
  predicate["verificationResult"] = allowed ? "PASSED" : "FAILED";
  predicate["verifiedLevels"] = VerifiedLevels(decision);
  ASSIGN_OR_RETURN(const v1::Event* event, view.At(replay.leaf().index()));
  ASSIGN_OR_RETURN(const Standing standing, view.StandingOf(*event));
  ASSIGN_OR_RETURN(Json cited, CitedWith(view, *event, standing));
  const auto live_us = static_cast<int64_t>(decision.time_to_live_s()) * 1'000'000;
  if (live_us > 0 && allowed) cited["validUntil"] = TimeText(decision.at_us() + live_us);
  predicate[kExtension] = std::move(cited);
  return Statement(kVerificationSummary,
                   Json::array({Subject(EntityPath(replay.asked().artifact()), Sha256Set(decision.artifact_digest()))}),
                   std::move(predicate));
}

StatusOr<v1::GateReplayAnswer> Replay(LedgerView& view, const std::string& decision) {
  v1::Question question;
  question.mutable_gate_replay()->set_decision(decision);
  ASSIGN_OR_RETURN(v1::Answer answer, view.Ask(std::move(question)));
  if (answer.gate_replay().identical()) return std::move(*answer.mutable_gate_replay());
  return absl::DataLossError(Text("decision ", decision, ": computed again it is another decision; see gate replay"));
}

// --- Events in a form of the field ---

struct Typed {
  std::string predicate_type;
  Json subjects;
  Json predicate;
};

using Files = google::protobuf::RepeatedPtrField<v1::FileRecord>;

// nullptr where it makes no files.
const Files* FilesOf(const Message& body) {
  if (const auto* model = BodyAs<v1::ModelRegistered>(&body)) return &model->files();
  if (const auto* artifact = BodyAs<v1::ArtifactProduced>(&body)) return &artifact->files();
  const auto* build = BodyAs<v1::BuildCompleted>(&body);
  return build == nullptr ? nullptr : &build->outputs();
}

// A subject is named by a digest: files without one are told apart, so that nobody takes them for not there.
void AddFiles(const Files& files, Json& subjects, Json& without_digest) {
  for (const v1::FileRecord& file : files) {
    if (file.digest().value().empty()) {
      without_digest.push_back(file.path());
    } else {
      subjects.push_back(Subject(file.path(), DigestSetOf(file.digest(), true)));
    }
  }
}

// What the references in these roles are by digest.
Json SubjectsIn(const v1::EventHeader& header, const std::set<std::string_view>& roles) {
  Json subjects = Json::array();
  for (const v1::EntityRef& ref : header.refs()) {
    if (roles.count(ref.role()) == 0 || ref.digest().value().empty()) continue;
    subjects.push_back(Subject(EntityPath(ref), DigestSetOf(ref.digest(), false)));
  }
  return subjects;
}

// How a model was trained, as `explain` says of it and not of its parents.
StatusOr<Json> TrainingOf(LedgerView& view, const v1::EntityRef& model) {
  Json training = Json::object();
  v1::Question question;
  v1::EntityRef& entity = *question.mutable_explain()->mutable_entity();
  entity.set_kind(model.kind());
  entity.set_id(model.id());
  entity.set_version(model.version());
  ASSIGN_OR_RETURN(const v1::Answer answer, view.Ask(std::move(question)));
  for (const v1::ExplainAnswer::Part& part : answer.explain().parts()) {
    if (part.section() != v1::ExplainAnswer::TRAINING) continue;
    for (const v1::ExplainAnswer::Evidence& evidence : part.evidence()) {
      if (evidence.generation() > 0 || evidence.leaf().type() != "training_run.started") continue;
      training["uri"] = LeafUri(view.origin(), evidence.leaf().index());
      for (const v1::NamedValue& field : evidence.fields()) training["fields"][field.name()] = field.value();
    }
  }
  return training;
}

StatusOr<std::optional<Typed>> Provenance(LedgerView& view, const v1::Event& event, const Standing& standing,
                                          const Message& body) {
  Typed typed{kProvenance, Json::array(), Json::object()};
  const v1::EventHeader& header = event.header();
  Json without_digest = Json::array();
  if (const Files* files = FilesOf(body); files != nullptr) AddFiles(*files, typed.subjects, without_digest);
  if (typed.subjects.empty()) typed.subjects = SubjectsIn(header, {"model", "artifact", "build"});
  if (typed.subjects.empty()) return std::optional<Typed>();
  Json parameters = Json::object();
  if (!without_digest.empty()) parameters["filesWithoutDigest"] = std::move(without_digest);
  Json dependencies = Json::array();
  for (const v1::EntityRef& ref : header.refs()) {
    if (Defines(event, ref.role())) {
      parameters["product"] = EntityUri(view.origin(), ref);
      if (ref.kind() != "model") continue;
      ASSIGN_OR_RETURN(parameters["training"], TrainingOf(view, ref));
      continue;
    }
    Json dependency = DescriptorOf(view.origin(), ref);
    dependency["annotations"]["role"] = ref.role();
    dependencies.push_back(std::move(dependency));
  }
  Json& definition = typed.predicate["buildDefinition"];
  definition["buildType"] = Text("anamnesis:build-type/", header.type(), "/v", header.schema_version());
  definition["externalParameters"] = std::move(parameters);
  definition["resolvedDependencies"] = std::move(dependencies);
  Json& run = typed.predicate["runDetails"];
  run["builder"]["id"] = AgentUri(view.origin(), header.actor());
  run["metadata"]["invocationId"] = LeafUri(view.origin(), event.index());
  run["metadata"]["startedOn"] = FormatTime(standing.earliest);
  run["metadata"]["finishedOn"] = FormatTime(standing.latest);
  return std::optional<Typed>(std::move(typed));
}

struct Tested {
  bool known = false;
  bool passed = false;
  std::set<std::string_view> subject_roles;
  std::string_view name_role;
};

Tested TestedBy(const Message& body) {
  if (const auto* run = BodyAs<v1::TestRunCompleted>(&body)) {
    const bool known = run->result() == v1::TestRunCompleted::PASS || run->result() == v1::TestRunCompleted::FAIL;
    return {known, run->result() == v1::TestRunCompleted::PASS, {"verified"}, "test_case"};
  }
  if (const auto* evaluation = BodyAs<v1::EvaluationCompleted>(&body)) {
    const auto result = evaluation->result();
    const bool known = result == v1::EvaluationCompleted::PASS || result == v1::EvaluationCompleted::FAIL;
    return {known, result == v1::EvaluationCompleted::PASS, {"model"}, "evaluation"};
  }
  if (const auto* run = BodyAs<v1::SandboxRunCompleted>(&body)) {
    const bool known = run->result() == v1::SandboxRunCompleted::PASS || run->result() == v1::SandboxRunCompleted::FAIL;
    return {known, run->result() == v1::SandboxRunCompleted::PASS, {"artifact"}, "protocol"};
  }
  return {};
}

std::optional<Typed> TestResult(std::string_view origin, const v1::Event& event, const Message& body) {
  const Tested tested = TestedBy(body);
  if (!tested.known) return std::nullopt;
  Typed typed{kTestResult, SubjectsIn(event.header(), tested.subject_roles), Json::object()};
  const auto* run = BodyAs<v1::TestRunCompleted>(&body);
  if (typed.subjects.empty() && run != nullptr) {
    typed.subjects.push_back(Subject("configuration", Sha256Set(run->configuration_digest())));
  }
  if (typed.subjects.empty()) return std::nullopt;
  typed.predicate["result"] = tested.passed ? "PASSED" : "FAILED";
  typed.predicate["configuration"] = Json::array();
  Json names = Json::array();
  for (const v1::EntityRef& ref : event.header().refs()) {
    if (ref.role() == tested.name_role) names.push_back(EntityPath(ref));
    if (tested.subject_roles.count(ref.role()) > 0) continue;
    Json descriptor = DescriptorOf(origin, ref);
    descriptor["annotations"]["role"] = ref.role();
    typed.predicate["configuration"].push_back(std::move(descriptor));
  }
  typed.predicate["url"] = LeafUri(origin, event.index());
  typed.predicate[tested.passed ? "passedTests" : "failedTests"] = std::move(names);
  return typed;
}

StatusOr<std::optional<Typed>> InAFormOfTheField(LedgerView& view, const v1::Event& event, const Standing& standing,
                                                 const Message& body) {
  const std::set<std::string_view> made = {"model.registered", "artifact.produced", "build.completed"};
  if (made.count(event.header().type()) > 0) return Provenance(view, event, standing, body);
  return TestResult(view.origin(), event, body);
}

// --- Every other event ---

Json ReferencesOf(std::string_view origin, const v1::EventHeader& header) {
  Json references = Json::array();
  for (const v1::EntityRef& ref : header.refs()) {
    Json reference;
    reference["role"] = ref.role();
    reference["uri"] = EntityUri(origin, ref);
    if (ref.has_digest()) reference["digest"] = DigestSetOf(ref.digest(), false);
    references.push_back(std::move(reference));
  }
  return references;
}

Json HeaderOf(std::string_view origin, const v1::Event& event, const Standing& standing) {
  const v1::EventHeader& header = event.header();
  Json facts;
  facts["type"] = header.type();
  facts["schemaVersion"] = header.schema_version();
  facts["stream"] = header.stream();
  facts["streamPosition"] = header.stream_position();
  facts["occurredEarliest"] = FormatTime(standing.earliest);
  facts["occurredLatest"] = FormatTime(standing.latest);
  facts["recorded"] = TimeText(event.recorded());
  facts["actor"] = AgentUri(origin, header.actor());
  if (header.has_on_behalf_of()) facts["onBehalfOf"] = AgentUri(origin, header.on_behalf_of());
  SetText(facts, "rationale", header.rationale());
  SetText(facts, "lateReason", header.late_reason());
  SetText(facts, "corrects", EventIdText(header.corrects()));
  facts["retrospective"] = header.retrospective();
  for (const std::string& cause : header.causes()) facts["causes"].push_back(EventIdText(cause));
  facts["references"] = ReferencesOf(origin, header);
  return facts;
}

StatusOr<std::string> EventStatement(LedgerView& view, const v1::Event& event) {
  ASSIGN_OR_RETURN(const Standing standing, view.StandingOf(event));
  ASSIGN_OR_RETURN(const std::unique_ptr<Message> body, BodyOf(event));
  std::optional<Typed> typed;
  if (standing.counts && body != nullptr) {
    ASSIGN_OR_RETURN(typed, InAFormOfTheField(view, event, standing, *body));
  }
  if (!typed.has_value()) {
    Json digest = Json::object();
    digest["sha256"] = CitationOf(event)["leafSha256"];
    typed = Typed{std::string(kEventPredicate),
                  Json::array({Subject(LeafUri(view.origin(), event.index()), std::move(digest))}), Json::object()};
    typed->predicate["event"] = HeaderOf(view.origin(), event, standing);
    typed->predicate["body"] = body == nullptr ? "ERASED" : "PRESENT";
    if (body != nullptr) typed->predicate["fields"] = FieldsOf(*body);
  }
  ASSIGN_OR_RETURN(typed->predicate[kExtension], CitedWith(view, event, standing));
  return Statement(typed->predicate_type, std::move(typed->subjects), std::move(typed->predicate));
}

StatusOr<std::string> DecisionStatement(LedgerView& view, const v1::GateReplayAnswer& replay) {
  // A Verification Summary is about bytes; a decision on an artifact that nobody knew is told as an event.
  if (!replay.recorded().artifact_digest().empty()) return VerificationSummary(view, replay);
  ASSIGN_OR_RETURN(const v1::Event* event, view.At(replay.leaf().index()));
  return EventStatement(view, *event);
}

StatusOr<std::string> StatementOfEvent(LedgerView& view, const v1::Event& event) {
  const v1::EntityRef* decision = FindReference(event.header(), "decision");
  if (event.header().type() != "gate.decided" || decision == nullptr) return EventStatement(view, event);
  ASSIGN_OR_RETURN(const v1::GateReplayAnswer replay, Replay(view, decision->id()));
  return DecisionStatement(view, replay);
}

}  // namespace

StatusOr<std::string> StatementOf(LedgerView& view, std::string_view name) {
  uint64_t index = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), index);
  if (parsed.ec == std::errc() && parsed.ptr == name.data() + name.size()) {
    ASSIGN_OR_RETURN(const v1::Event* event, view.At(index));
    return StatementOfEvent(view, *event);
  }
  const StatusOr<v1::GateReplayAnswer> replay = Replay(view, std::string(name));
  if (replay.ok()) return DecisionStatement(view, *replay);
  if (!absl::IsNotFound(replay.status())) return replay.status();
  const StatusOr<EventId> id = EventId::FromText(name);
  if (!id.ok()) {
    return absl::NotFoundError(Text("\"", name, "\" is no leaf's index, no event's id and no decision among the first ",
                                    view.size(), " events of the ledger"));
  }
  ASSIGN_OR_RETURN(const v1::Event* event, view.ById(id->view()));
  return StatementOfEvent(view, *event);
}

}  // namespace anamnesis::interchange
