#include "client/interchange/cyclonedx.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "anamnesis/v1/vocabulary_data.pb.h"
#include "anamnesis/v1/vocabulary_model.pb.h"
#include "anamnesis/v1/vocabulary_software.pb.h"
#include "client/interchange/citation.h"
#include "client/interchange/names.h"
#include "ledger/base/bytes.h"
#include "ledger/event/vocabulary.h"
#include "ledger/query/item_history.h"
#include "ledger/query/wording.h"

namespace anamnesis::interchange {
namespace {

using google::protobuf::Message;
using google::protobuf::RepeatedPtrField;

constexpr std::string_view kWeak = "; as found elsewhere, and no proof against a forger";

void AddProperty(Json& object, std::string_view name, std::string_view value) {
  Json property;
  property["name"] = Text("anamnesis:", name);
  property["value"] = std::string(value);
  object["properties"].push_back(std::move(property));
}

// CycloneDX's name of an algorithm whose digests are over a file's bytes as they are.
std::string_view HashName(v1::DigestAlgorithm algorithm) {
  switch (algorithm) {
    case v1::SHA256:
      return "SHA-256";
    case v1::SHA512:
      return "SHA-512";
    case v1::SHA1:
      return "SHA-1";
    case v1::MD5:
      return "MD5";
    default:
      return "";
  }
}

void AddDigest(Json& component, const v1::ContentDigest& digest, bool of_file) {
  const std::string hex = HexEncode(digest.value());
  const std::string_view name = HashName(digest.algorithm());
  if (hex.empty()) return;
  if (!name.empty()) {
    Json hash;
    hash["alg"] = std::string(name);
    hash["content"] = hex;
    component["hashes"].push_back(std::move(hash));
  } else if (of_file) {
    component["swhid"].push_back("swh:1:cnt:" + hex);
  } else {
    AddProperty(component, Text("digest:", DigestSetName(digest.algorithm(), of_file)), hex);
  }
  if (IsWeak(digest)) AddProperty(component, "weakDigest", Text(DigestText(digest), kWeak));
}

// Where bytes are or were, or a list of anomalies is, as CycloneDX's type of reference says: a link where it is one.
void AddLocator(Json& component, std::string_view type, std::string_view locator) {
  if (locator.empty()) return;
  if (!locator.starts_with("https://") && !locator.starts_with("http://")) {
    AddProperty(component, type, locator);
    return;
  }
  Json reference;
  reference["type"] = std::string(type);
  reference["url"] = PercentEncoded(locator, ":/?#@!$&'()*+,;=%");
  component["externalReferences"].push_back(std::move(reference));
}

Json Component(std::string_view type, std::string reference, std::string_view name, std::string_view version) {
  Json component;
  component["type"] = std::string(type);
  component["bom-ref"] = std::move(reference);
  component["name"] = std::string(name);
  SetText(component, "version", version);
  return component;
}

class Bom {
 public:
  Bom(LedgerView& view, const v1::Answer& answer)
      : view_(view), answer_(answer), explain_(answer.explain()), uri_(EntityUri(view.origin(), explain_.entity())) {
    model_ = Component("machine-learning-model", uri_, explain_.entity().id(), explain_.entity().version());
  }

  StatusOr<std::string> Write() {
    for (const v1::ExplainAnswer::Part& part : explain_.parts()) {
      for (const v1::ExplainAnswer::Evidence& evidence : part.evidence()) RETURN_IF_ERROR(Add(evidence));
    }
    for (const v1::EntityRef& parent : explain_.parents()) {
      model_["pedigree"]["ancestors"].push_back(
          Component("machine-learning-model", EntityUri(view_.origin(), parent), parent.id(), parent.version()));
    }
    RETURN_IF_ERROR(Cite());
    return DocumentText(Finish());
  }

 private:
  Status Add(const v1::ExplainAnswer::Evidence& evidence) {
    // What is shown in two sections is one record.
    if (!added_.insert(evidence.leaf().index()).second) return OkStatus();
    ASSIGN_OR_RETURN(const v1::Event* event, view_.At(evidence.leaf().index()));
    ASSIGN_OR_RETURN(const std::unique_ptr<Message> body, BodyOf(*event));
    if (evidence.entity().kind() == "dataset") AddDataset(evidence, *event, body.get());
    if (evidence.generation() > 0) return OkStatus();
    if (const auto* model = BodyAs<v1::ModelRegistered>(body.get())) AddModel(*event, *model);
    if (const auto* artifact = BodyAs<v1::ArtifactProduced>(body.get())) AddArtifact(*event, *artifact);
    if (const auto* run = BodyAs<v1::TrainingRunStarted>(body.get())) AddTraining(*run);
    if (const auto* code = BodyAs<v1::CodeRevisionRecorded>(body.get())) AddCode(*code);
    if (const auto* soup = BodyAs<v1::SoupIdentified>(body.get())) AddSoup(evidence.entity(), soup->soup());
    if (const auto* soup = BodyAs<v1::SoupVersionChanged>(body.get())) AddSoup(evidence.entity(), soup->soup());
    if (event->header().type() == "evaluation.completed") AddMetrics(evidence.metrics());
    return OkStatus();
  }

  Json& Dependency(std::string_view type, const std::string& reference, std::string_view name,
                   std::string_view version) {
    const auto [place, is_new] = places_.emplace(reference, components_.size());
    if (is_new) components_.push_back(Component(type, reference, name, version));
    return components_[place->second];
  }

  void AddFiles(const RepeatedPtrField<v1::FileRecord>& files) {
    for (const v1::FileRecord& file : files) {
      Json& component = Dependency("file", Text(uri_, "/files/", ++files_), file.path(), "");
      AddDigest(component, file.digest(), true);
      AddLocator(component, "distribution", file.locator());
      if (file.size_bytes() > 0) AddProperty(component, "sizeBytes", std::to_string(file.size_bytes()));
      if (file.missing_digest()) AddProperty(component, "missing", "digest");
    }
  }

  void AddModel(const v1::Event& event, const v1::ModelRegistered& body) {
    AddOwnDigest(event, "model");
    AddFiles(body.files());
    SetText(parameters_, "task", body.task());
    if (!body.input_schema().empty()) parameters_["inputs"].push_back({{"format", body.input_schema()}});
    if (!body.output_schema().empty()) parameters_["outputs"].push_back({{"format", body.output_schema()}});
    if (!body.change_text().empty()) model_["pedigree"]["notes"] = body.change_text();
  }

  void AddArtifact(const v1::Event& event, const v1::ArtifactProduced& body) {
    AddOwnDigest(event, "artifact");
    AddFiles(body.files());
    AddProperty(model_, "artifactKind", v1::ArtifactProduced::Kind_Name(body.kind()));
    is_model_ = body.kind() != v1::ArtifactProduced::THRESHOLD_TABLE && body.kind() != v1::ArtifactProduced::CONFIG;
    AddProperty(model_, "surface", body.surface());
  }

  void AddOwnDigest(const v1::Event& event, std::string_view role) {
    const v1::EntityRef* ref = FindReference(event.header(), role);
    if (ref != nullptr && ref->has_digest()) AddDigest(model_, ref->digest(), false);
  }

  void AddDataset(const v1::ExplainAnswer::Evidence& evidence, const v1::Event& event, const Message* body) {
    const v1::EntityRef& entity = evidence.entity();
    Json& component = Dependency("data", EntityUri(view_.origin(), entity), entity.id(), entity.version());
    if (!component.contains("data")) {
      component["data"] = Json::array({{{"type", "dataset"}, {"name", entity.id()}}});
      if (evidence.generation() == 0) datasets_.push_back({{"ref", component["bom-ref"]}});
      if (evidence.generation() > 0) AddProperty(component, "ofParentGeneration", Text(evidence.generation()));
    }
    AddProperty(component, "record", Text(LeafUri(view_.origin(), event.index()), " ", event.header().type()));
    if (const v1::EntityRef* ref = FindReference(event.header(), "dataset"); ref != nullptr && ref->has_digest()) {
      AddDigest(component, ref->digest(), false);
    }
    if (const auto* curated = BodyAs<v1::DatasetCurated>(body)) {
      SetText(component["data"][0], "description", curated->source());
      if (!curated->data_type().empty()) AddProperty(component, "dataType", curated->data_type());
      if (curated->records_out() > 0) AddProperty(component, "records", std::to_string(curated->records_out()));
    }
    if (const auto* sealed = BodyAs<v1::DatasetSealed>(body)) {
      AddProperty(component, "manifestRoot", HexEncode(sealed->manifest_root()));
      AddProperty(component, "records", std::to_string(sealed->records()));
    }
  }

  void AddTraining(const v1::TrainingRunStarted& run) {
    for (const v1::NamedValue& value : run.hyperparameters()) {
      AddProperty(model_, Text("hyperparameter:", value.name()), value.value());
    }
    if (!run.hardware().empty()) AddProperty(model_, "trainingHardware", run.hardware());
    for (const v1::NamedValue& package : run.environment()) {
      Json& component = Dependency("library", Text(uri_, "/environment/", PercentEncoded(package.name())),
                                   package.name(), package.value());
      AddProperty(component, "role", "package of the training environment");
    }
  }

  void AddCode(const v1::CodeRevisionRecorded& code) {
    Json commit;
    commit["uid"] = code.commit_id();
    if (code.dirty()) commit["message"] = "the work tree had changes that the commit does not hold";
    model_["pedigree"]["commits"].push_back(std::move(commit));
  }

  void AddSoup(const v1::EntityRef& entity, const v1::SoupDescription& soup) {
    Json& component = Dependency("library", EntityUri(view_.origin(), entity), soup.title(), soup.designator());
    component["supplier"]["name"] = soup.manufacturer();
    if (!soup.licence().empty()) component["licenses"].push_back({{"license", {{"name", soup.licence()}}}});
    AddProperty(component, "role", "SOUP");
    if (soup.has_digest()) AddDigest(component, soup.digest(), false);
    AddLocator(component, "issue-tracker", soup.anomaly_list());
  }

  void AddMetrics(const RepeatedPtrField<v1::Metric>& metrics) {
    for (const v1::Metric& metric : metrics) {
      Json out;
      out["type"] = metric.name();
      out["value"] = QuantityText(metric.value(), metric.unit());
      SetText(out, "slice", metric.subgroup());
      if (!metric.ci_low().empty()) {
        out["confidenceInterval"] = {{"lowerBound", metric.ci_low()}, {"upperBound", metric.ci_high()}};
      }
      metrics_.push_back(std::move(out));
    }
  }

  // What the document says of itself.
  Status Cite() {
    AddProperty(model_, "origin", view_.origin());
    AddProperty(model_, "treeSize", std::to_string(view_.size()));
    for (const uint64_t leaf : answer_.leaves()) {
      ASSIGN_OR_RETURN(const v1::Event* event, view_.At(leaf));
      if (event->recorded().seconds() > newest_.seconds() || newest_.seconds() == 0) newest_ = event->recorded();
      AddProperty(model_, "leaf",
                  Text(leaf, " ", EventIdText(event->header().event_id()), " ", event->header().type()));
    }
    for (const v1::ExplainAnswer::Part& part : explain_.parts()) {
      for (const std::string& missing : part.missing()) {
        AddProperty(model_, "missing", Text(v1::ExplainAnswer::Section_Name(part.section()), ": ", missing));
      }
    }
    return OkStatus();
  }

  Json Finish() {
    if (!datasets_.empty()) parameters_["datasets"] = datasets_;
    if (!is_model_) {
      // A table or a configuration: CycloneDX gives only models a card.
      model_["type"] = "data";
      model_["data"] = Json::array({{{"type", "configuration"}, {"name", explain_.entity().id()}}});
    } else {
      if (!parameters_.empty()) model_["modelCard"]["modelParameters"] = parameters_;
      if (!metrics_.empty()) model_["modelCard"]["quantitativeAnalysis"]["performanceMetrics"] = metrics_;
    }
    Json bom;
    bom["$schema"] = "http://cyclonedx.org/schema/bom-1.6.schema.json";
    bom["bomFormat"] = "CycloneDX";
    bom["specVersion"] = "1.6";
    bom["serialNumber"] = "urn:uuid:" + DerivedUuid(Text("anamnesis/cyclonedx/v1 ", uri_, " ", view_.size()));
    bom["version"] = 1;
    Json metadata;
    SetText(metadata, "timestamp", TimeText(newest_.seconds() * 1'000'000));
    metadata["tools"]["components"] = Json::array({{{"type", "application"}, {"name", "anamnesis"}}});
    metadata["component"] = model_;
    bom["metadata"] = std::move(metadata);
    Json dependency;
    dependency["ref"] = uri_;
    for (const Json& component : components_) dependency["dependsOn"].push_back(component["bom-ref"]);
    bom["components"] = Json(components_);
    bom["dependencies"] = Json::array({std::move(dependency)});
    return bom;
  }

  LedgerView& view_;
  const v1::Answer& answer_;
  const v1::ExplainAnswer& explain_;
  const std::string uri_;
  Json model_;
  std::vector<Json> components_;
  // By bom-ref.
  std::map<std::string, size_t> places_;
  std::set<uint64_t> added_;
  Json datasets_ = Json::array();
  Json parameters_ = Json::object();
  Json metrics_ = Json::array();
  uint64_t files_ = 0;
  // When the last of the leaves was recorded, told to the second.
  google::protobuf::Timestamp newest_;
  bool is_model_ = true;
};

}  // namespace

StatusOr<std::string> CycloneDxOf(LedgerView& view, const v1::EntityRef& entity) {
  v1::Question question;
  *question.mutable_explain()->mutable_entity() = entity;
  ASSIGN_OR_RETURN(const v1::Answer answer, view.Ask(std::move(question)));
  return Bom(view, answer).Write();
}

}  // namespace anamnesis::interchange
