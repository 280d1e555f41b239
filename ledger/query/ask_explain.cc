#include <algorithm>
#include <deque>

#include "anamnesis/v1/vocabulary_data.pb.h"
#include "anamnesis/v1/vocabulary_origin.pb.h"
#include "anamnesis/v1/vocabulary_verification.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/ask.h"
#include "ledger/query/message_fields.h"
#include "ledger/query/place_in_time.h"

namespace anamnesis {
namespace {

using Explain = v1::ExplainAnswer;

constexpr size_t kFieldsMax = 200;
// Events of one type about one entity that are listed; more are counted.
constexpr size_t kEventsMax = 100;
constexpr size_t kModelsMax = 64;

class Explainer {
 public:
  Explainer(Facts& facts, Explain& answer) : facts_(facts), answer_(answer) {
    for (int section = Explain::DATA; section <= Explain::RELEASE; ++section) {
      answer_.add_parts()->set_section(static_cast<Explain::Section>(section));
    }
  }

  Status Run(const v1::EntityRef& entity);

 private:
  Explain::Part& part(Explain::Section section) { return *answer_.mutable_parts(section - Explain::DATA); }
  void Missing(Explain::Section section, std::string_view what, const v1::EntityRef& of);
  Status Add(Explain::Section section, const v1::EntityRef& entity, const Fact& fact);
  // Adds what defines `entity`, or says that nothing does; the fact, or nullptr.
  StatusOr<const Fact*> AddDefinition(Explain::Section section, const v1::EntityRef& entity);
  // The events of a type about `entity` that a section lists; those beyond are counted in it.
  StatusOr<std::vector<const Fact*>> Listed(Explain::Section section, const v1::EntityRef& entity,
                                            std::string_view role, std::string_view type);
  // Adds the events of a type about `entity`; how many there are in the list.
  StatusOr<size_t> AddOfType(Explain::Section section, const v1::EntityRef& entity, std::string_view role,
                             std::string_view type);
  Status ExplainOne(const v1::EntityRef& entity);
  Status ExplainUnrecorded(const v1::EntityRef& entity);
  Status ExplainDataset(const v1::EntityRef& dataset, bool split_named);
  Status ExplainSelection(const v1::EntityRef& dataset, const Fact& curated);
  Status ExplainAnnotation(const v1::EntityRef& dataset);
  Status ExplainRun(const v1::EntityRef& run, const Fact& started);
  Status ExplainCode(const v1::EntityRef& code);
  Status ExplainEvaluation(const v1::EntityRef& entity);
  Status ExplainRelease(const v1::EntityRef& entity);

  Facts& facts_;
  Explain& answer_;
  uint32_t generation_ = 0;
  std::set<std::string> explained_;
  // Events of which it was said what they lack.
  std::set<uint64_t> noted_;
  std::deque<v1::EntityRef> parents_;
};

std::vector<v1::EntityRef> RefsIn(const std::vector<const Fact*>& facts, std::string_view role) {
  std::vector<v1::EntityRef> found;
  std::set<std::string> known;
  for (const Fact* fact : facts) {
    if (fact == nullptr) continue;
    for (const v1::EntityRef& ref : fact->header().refs()) {
      if (ref.role() != role) continue;
      if (known.insert(EntityKeyText(ref)).second) {
        found.push_back(ref);
        continue;
      }
      // The same, of which another reference may know the digest.
      for (v1::EntityRef& other : found) {
        if (EntityKeyText(other) == EntityKeyText(ref) && !other.has_digest() && ref.has_digest()) other = ref;
      }
    }
  }
  return found;
}

// What an import or a person said that the record lacks: its field `missing`.
std::vector<std::string> SaidMissing(const Fact& fact) {
  std::vector<std::string> found;
  const google::protobuf::Message* body = fact.event.body.get();
  if (body == nullptr) return found;
  const auto* field = body->GetDescriptor()->FindFieldByName("missing");
  if (field == nullptr || !field->is_repeated()) return found;
  for (int i = 0; i < body->GetReflection()->FieldSize(*body, field); ++i) {
    found.push_back(body->GetReflection()->GetRepeatedString(*body, field, i));
  }
  return found;
}

const google::protobuf::RepeatedPtrField<v1::Metric>* MetricsOf(const Fact& fact) {
  if (const auto* body = fact.body<v1::EvaluationCompleted>()) return &body->metrics();
  if (const auto* body = fact.body<v1::TrainingRunCompleted>()) return &body->metrics();
  if (const auto* body = fact.body<v1::TrainingRunFailed>()) return &body->metrics();
  if (const auto* body = fact.body<v1::TestRunCompleted>()) return &body->metrics();
  if (const auto* body = fact.body<v1::ValidationCompleted>()) return &body->metrics();
  return nullptr;
}

// What an event's references say in a section, beside those that are explained themselves.
std::vector<std::string_view> RolesShown(Explain::Section section) {
  switch (section) {
    case Explain::SELECTION:
      return {"curator"};
    case Explain::ANNOTATION:
      return {"author", "annotator"};
    case Explain::PREPROCESSING:
      return {"code"};
    case Explain::TRAINING:
      return {"unit", "producer"};
    default:
      return {};
  }
}

void AddField(Explain::Evidence& evidence, std::string_view name, std::string value) {
  v1::NamedValue& field = *evidence.add_fields();
  field.set_name(std::string(name));
  field.set_value(std::move(value));
}

void Explainer::Missing(Explain::Section section, std::string_view what, const v1::EntityRef& of) {
  const std::string text = Text(what, " of ", EntityKeyText(of));
  for (const std::string& known : part(section).missing()) {
    if (known == text) return;
  }
  part(section).add_missing(text);
}

Status Explainer::Add(Explain::Section section, const v1::EntityRef& entity, const Fact& fact) {
  Explain::Evidence& evidence = *part(section).add_evidence();
  *evidence.mutable_entity() = entity;
  evidence.mutable_entity()->clear_role();
  evidence.set_generation(generation_);
  ASSIGN_OR_RETURN(*evidence.mutable_leaf(), facts_.Reference(fact.event.index));
  // What is shown in two sections lacks the same in both.
  if (noted_.insert(fact.event.index.value).second) {
    for (const std::string& symbol : SaidMissing(fact)) Missing(section, symbol, entity);
  }
  if (fact.event.body == nullptr) {
    Missing(section, Text("erased content of leaf ", fact.event.index.value), entity);
    return OkStatus();
  }
  for (const auto& [name, value] : FieldTextsOf(*fact.event.body)) {
    if (name.starts_with("metrics[") || name.starts_with("missing[")) continue;
    if (static_cast<size_t>(evidence.fields_size()) == kFieldsMax) {
      evidence.set_fields_left_out(evidence.fields_left_out() + 1);
      continue;
    }
    AddField(evidence, name, value);
  }
  for (const std::string_view role : RolesShown(section)) {
    for (const v1::EntityRef& ref : RefsIn({&fact}, role)) AddField(evidence, role, EntityKeyText(ref));
  }
  if (!fact.header().rationale().empty()) AddField(evidence, "rationale", fact.header().rationale());
  if (const auto* metrics = MetricsOf(fact); metrics != nullptr) *evidence.mutable_metrics() = *metrics;
  return OkStatus();
}

StatusOr<const Fact*> Explainer::AddDefinition(Explain::Section section, const v1::EntityRef& entity) {
  ASSIGN_OR_RETURN(const Fact* fact, facts_.Definition(entity));
  if (fact == nullptr) {
    Missing(section, entity.version().empty() ? "record (or version)" : "record", entity);
  } else {
    RETURN_IF_ERROR(Add(section, entity, *fact));
  }
  return fact;
}

StatusOr<size_t> Explainer::AddOfType(Explain::Section section, const v1::EntityRef& entity, std::string_view role,
                                      std::string_view type) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> found, Listed(section, entity, role, type));
  for (const Fact* fact : found) RETURN_IF_ERROR(Add(section, entity, *fact));
  return found.size();
}

StatusOr<std::vector<const Fact*>> Explainer::Listed(Explain::Section section, const v1::EntityRef& entity,
                                                     std::string_view role, std::string_view type) {
  ASSIGN_OR_RETURN(std::vector<const Fact*> found, facts_.OfType(entity, role, type, kQuestionEventsMax));
  const size_t left_out = KeepNewest(found, kEventsMax);
  part(section).set_evidence_left_out(part(section).evidence_left_out() + left_out);
  return found;
}

Status Explainer::ExplainSelection(const v1::EntityRef& dataset, const Fact& curated) {
  RETURN_IF_ERROR(Add(Explain::SELECTION, dataset, curated));
  const auto* body = curated.body<v1::DatasetCurated>();
  if (body == nullptr) return OkStatus();
  if (FindReference(curated.header(), "curator") == nullptr) Missing(Explain::SELECTION, "curator", dataset);
  if (body->inclusion_size() == 0) Missing(Explain::SELECTION, "inclusion criteria", dataset);
  if (body->exclusion_size() == 0) Missing(Explain::SELECTION, "exclusion criteria", dataset);
  if (body->selection_rationale().empty()) Missing(Explain::SELECTION, "rationale of the selection", dataset);
  if (body->period_from_us() == 0) Missing(Explain::SELECTION, "period", dataset);
  if (body->sampling() == v1::DataAcquired::SAMPLING_UNSPECIFIED) Missing(Explain::SELECTION, "sampling", dataset);
  return OkStatus();
}

Status Explainer::ExplainAnnotation(const v1::EntityRef& dataset) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> rounds,
                   Listed(Explain::ANNOTATION, dataset, "dataset", "annotation.completed"));
  if (rounds.empty()) Missing(Explain::ANNOTATION, "annotation (protocol, annotators, agreement)", dataset);
  for (const Fact* round : rounds) RETURN_IF_ERROR(Add(Explain::ANNOTATION, dataset, *round));
  for (const v1::EntityRef& protocol : RefsIn(rounds, "protocol")) {
    RETURN_IF_ERROR(AddDefinition(Explain::ANNOTATION, protocol).status());
  }
  return OkStatus();
}

Status Explainer::ExplainDataset(const v1::EntityRef& dataset, bool split_named) {
  // A dataset of which no version is named can't be told apart from its other versions.
  if (dataset.version().empty()) {
    Missing(Explain::DATA, "version", dataset);
    return OkStatus();
  }
  if (!explained_.insert(EntityKeyText(dataset)).second) return OkStatus();
  ASSIGN_OR_RETURN(const Fact* curated, AddDefinition(Explain::DATA, dataset));
  ASSIGN_OR_RETURN(const size_t seals, AddOfType(Explain::DATA, dataset, "dataset", "dataset.sealed"));
  if (seals == 0) Missing(Explain::DATA, "record count and members (dataset.sealed)", dataset);
  if (!split_named) {
    ASSIGN_OR_RETURN(const size_t splits, AddOfType(Explain::DATA, dataset, "dataset", "split.defined"));
    if (splits == 0) Missing(Explain::DATA, "split", dataset);
  }
  if (curated == nullptr) {
    Missing(Explain::SELECTION, "selection", dataset);
  } else {
    RETURN_IF_ERROR(ExplainSelection(dataset, *curated));
    for (const v1::EntityRef& source : RefsIn({curated}, "source")) {
      if (source.kind() == "acquisition") RETURN_IF_ERROR(AddDefinition(Explain::DATA, source).status());
    }
  }
  return ExplainAnnotation(dataset);
}

Status Explainer::ExplainRun(const v1::EntityRef& run, const Fact& started) {
  RETURN_IF_ERROR(Add(Explain::TRAINING, run, started));
  if (const auto* body = started.body<v1::TrainingRunStarted>(); body != nullptr) {
    if (body->hyperparameters_size() == 0) Missing(Explain::TRAINING, "hyperparameters", run);
    if (body->environment_size() == 0) Missing(Explain::TRAINING, "environment (packages)", run);
    if (body->hardware().empty()) Missing(Explain::TRAINING, "hardware", run);
  }
  size_t ends = 0;
  for (const std::string_view type : {"training_run.completed", "training_run.failed", "training_run.aborted"}) {
    ASSIGN_OR_RETURN(const size_t found, AddOfType(Explain::TRAINING, run, "training_run", type));
    ends += found;
  }
  if (ends == 0) Missing(Explain::TRAINING, "end", run);
  const std::vector<v1::EntityRef> transforms = RefsIn({&started}, "transform");
  if (transforms.empty()) Missing(Explain::PREPROCESSING, "preprocessing (transforms)", run);
  for (const v1::EntityRef& transform : transforms) {
    RETURN_IF_ERROR(AddDefinition(Explain::PREPROCESSING, transform).status());
  }
  for (const v1::EntityRef& split : RefsIn({&started}, "split")) {
    RETURN_IF_ERROR(AddDefinition(Explain::DATA, split).status());
  }
  return OkStatus();
}

Status Explainer::ExplainCode(const v1::EntityRef& code) {
  ASSIGN_OR_RETURN(const Fact* fact, AddDefinition(Explain::CODE, code));
  if (fact == nullptr) return OkStatus();
  const auto* body = fact->body<v1::CodeRevisionRecorded>();
  if (body != nullptr && body->dirty()) Missing(Explain::CODE, "changes that were not committed", code);
  return OkStatus();
}

Status Explainer::ExplainEvaluation(const v1::EntityRef& entity) {
  ASSIGN_OR_RETURN(size_t found, AddOfType(Explain::EVALUATION, entity, "model", "evaluation.completed"));
  if (found == 0) Missing(Explain::EVALUATION, "evaluation", entity);
  RETURN_IF_ERROR(AddOfType(Explain::EVALUATION, entity, "verified", "test_run.completed").status());
  ASSIGN_OR_RETURN(found, AddOfType(Explain::EVALUATION, entity, "subject", "validation.completed"));
  if (found == 0) Missing(Explain::EVALUATION, "validation", entity);
  for (const Explain::Evidence& evidence : part(Explain::EVALUATION).evidence()) {
    for (const v1::Metric& metric : evidence.metrics()) {
      if (!metric.subgroup().empty()) return OkStatus();
    }
  }
  Missing(Explain::EVALUATION, "metrics by subgroup", entity);
  return OkStatus();
}

Status Explainer::ExplainRelease(const v1::EntityRef& entity) {
  const bool artifact = entity.kind() == "artifact";
  ASSIGN_OR_RETURN(const std::vector<const Fact*> releases,
                   Listed(Explain::RELEASE, entity, artifact ? "artifact" : "model",
                          artifact ? "certification.issued" : "release.approved"));
  if (releases.empty()) Missing(Explain::RELEASE, artifact ? "certification" : "release", entity);
  for (const Fact* release : releases) {
    const v1::EntityRef* ref = FindReference(release->header(), artifact ? "certification" : "release");
    RETURN_IF_ERROR(Add(Explain::RELEASE, ref == nullptr ? entity : *ref, *release));
  }
  return OkStatus();
}

Status Explainer::ExplainUnrecorded(const v1::EntityRef& entity) {
  for (Explain::Part& each : *answer_.mutable_parts()) {
    if (each.section() == Explain::EVALUATION || each.section() == Explain::RELEASE) continue;
    Missing(each.section(), "record", entity);
  }
  return OkStatus();
}

// What one model or artifact was made of; what it was trained on from is explained after it.
Status Explainer::ExplainOne(const v1::EntityRef& entity) {
  ASSIGN_OR_RETURN(const Fact* record, facts_.Definition(entity));
  if (record == nullptr) return ExplainUnrecorded(entity);
  RETURN_IF_ERROR(Add(Explain::TRAINING, entity, *record));
  const std::vector<v1::EntityRef> runs = RefsIn({record}, "training_run");
  std::vector<const Fact*> sources = {record};
  for (const v1::EntityRef& run : runs) {
    ASSIGN_OR_RETURN(const Fact* started, facts_.Definition(run));
    sources.push_back(started);
    if (started != nullptr) {
      RETURN_IF_ERROR(ExplainRun(run, *started));
    } else {
      Missing(Explain::TRAINING, "record", run);
      Missing(Explain::PREPROCESSING, "record", run);
    }
  }
  if (runs.empty()) {
    Missing(Explain::TRAINING, "training run", entity);
    Missing(Explain::PREPROCESSING, "training run", entity);
  }
  const std::vector<v1::EntityRef> datasets = RefsIn(sources, "dataset");
  for (const Explain::Section section : {Explain::DATA, Explain::SELECTION, Explain::ANNOTATION}) {
    if (datasets.empty()) Missing(section, "dataset", entity);
  }
  const bool split_named = !RefsIn(sources, "split").empty();
  for (const v1::EntityRef& dataset : datasets) RETURN_IF_ERROR(ExplainDataset(dataset, split_named));
  const std::vector<v1::EntityRef> codes = RefsIn(sources, "code");
  if (codes.empty()) Missing(Explain::CODE, "code", entity);
  for (const v1::EntityRef& code : codes) RETURN_IF_ERROR(ExplainCode(code));
  const std::vector<v1::EntityRef> soups = RefsIn(sources, "soup");
  if (soups.empty()) Missing(Explain::CODE, "SOUP", entity);
  for (const v1::EntityRef& soup : soups) RETURN_IF_ERROR(AddDefinition(Explain::CODE, soup).status());
  for (const std::string_view role : {"parent_model", "model", "parent"}) {
    for (const v1::EntityRef& parent : RefsIn(sources, role)) {
      if (EntityKeyText(parent) != EntityKeyText(entity)) parents_.push_back(parent);
    }
  }
  return OkStatus();
}

Status Explainer::Run(const v1::EntityRef& entity) {
  *answer_.mutable_entity() = entity;
  RETURN_IF_ERROR(ExplainOne(entity));
  RETURN_IF_ERROR(ExplainEvaluation(entity));
  RETURN_IF_ERROR(ExplainRelease(entity));
  explained_.insert(EntityKeyText(entity));
  // Level by level, so that parents are listed from the nearest on.
  while (!parents_.empty()) {
    ++generation_;
    const std::deque<v1::EntityRef> level = std::exchange(parents_, {});
    for (v1::EntityRef parent : level) {
      if (!explained_.insert(EntityKeyText(parent)).second) continue;
      if (answer_.parents_size() == static_cast<int>(kModelsMax)) {
        Missing(Explain::DATA, Text("what lies beyond ", kModelsMax, " models that it was trained on from"), entity);
        return OkStatus();
      }
      parent.clear_role();
      *answer_.add_parents() = parent;
      RETURN_IF_ERROR(ExplainOne(parent));
    }
  }
  return OkStatus();
}

}  // namespace

Status AnswerExplain(Facts& facts, const v1::ExplainQuestion& question, v1::Answer& answer) {
  v1::EntityRef entity = question.entity();
  entity.clear_role();
  RETURN_IF_ERROR(facts.CheckNamed(entity));
  if (entity.kind() != "model" && entity.kind() != "artifact") {
    return absl::InvalidArgumentError(Text("entity.kind: is ", entity.kind(), "; it must be model or artifact"));
  }
  if (entity.version().empty()) {
    ASSIGN_OR_RETURN(const std::vector<std::string> versions, facts.VersionsOf(entity.kind(), entity.id(), 11));
    std::string listed;
    for (const std::string& version : versions) listed += Text(listed.empty() ? "" : ", ", version);
    if (versions.size() != 1) {
      return absl::InvalidArgumentError(Text("entity.version: is required; ", entity.id(), " has ", listed));
    }
    entity.set_version(versions.front());
  }
  return Explainer(facts, *answer.mutable_explain()).Run(entity);
}

}  // namespace anamnesis
