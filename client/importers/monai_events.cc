#include "client/importers/monai_events.h"

#include <algorithm>
#include <array>
#include <set>

#include "anamnesis/v1/vocabulary_data.pb.h"
#include "anamnesis/v1/vocabulary_model.pb.h"
#include "client/importers/change_text.h"
#include "client/importers/weight_files.h"
#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"
#include "ledger/event/header.h"
#include "ledger/event/vocabulary.h"

namespace anamnesis {
namespace {

constexpr std::string_view kDataset = "dataset.curated";
constexpr std::string_view kCode = "code.revision_recorded";
constexpr std::string_view kTrainingStarted = "training_run.started";
constexpr std::string_view kTrainingCompleted = "training_run.completed";
constexpr std::string_view kModel = "model.registered";
constexpr std::string_view kEvaluation = "evaluation.completed";
constexpr std::string_view kRelease = "release.approved";

// Enough of a commit's id to tell commits apart.
constexpr size_t kCommitDigits = 12;

// What a bundle never says.
constexpr const char* kDatasetMissing[] = {"selection_criteria", "annotators", "record_counts", "dataset_digest"};
constexpr const char* kTrainingStartedMissing[] = {"purpose", "hyperparameters", "hardware", "training_time"};
constexpr const char* kTrainingCompletedMissing[] = {"epochs", "training_metrics", "training_time"};
constexpr const char* kEvaluationMissing[] = {"thresholds", "test_data"};
constexpr const char* kReleaseMissing[] = {"approver", "residual_anomalies"};

void AppendField(std::string& out, std::string_view field) {
  AppendBigEndian64(out, field.size());
  out += field;
}

// A digest as hexadecimal digits of a named algorithm; with no name, the length tells.
std::optional<v1::ContentDigest> DigestOf(std::string_view algorithm, std::string_view hex) {
  struct Known {
    std::string_view name;
    v1::DigestAlgorithm algorithm;
    size_t bytes;
  };
  constexpr Known kKnown[] = {{"md5", v1::MD5, 16},
                              {"sha1", v1::SHA1, 20},
                              {"sha256", v1::SHA256, 32},
                              {"sha512", v1::SHA512, 64},
                              {"git", v1::GIT_SHA1, 20}};
  std::string name(algorithm);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const StatusOr<std::string> value = HexDecode(hex);
  if (!value.ok()) return std::nullopt;
  for (const Known& known : kKnown) {
    if (value->size() != known.bytes || (!name.empty() && name != known.name)) continue;
    v1::ContentDigest digest;
    digest.set_algorithm(known.algorithm);
    digest.set_value(*value);
    return digest;
  }
  return std::nullopt;
}

std::string SymbolOf(std::string_view text) {
  std::string symbol(text);
  for (char& c : symbol) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
    if (!allowed) c = '_';
  }
  return symbol;
}

std::string FileNameOf(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  const size_t slash = url.rfind('/');
  return std::string(slash == std::string_view::npos ? url : url.substr(slash + 1));
}

bool Present(const std::optional<std::string>& text) { return text.has_value() && !text->empty(); }

template <typename Body, size_t kCount>
void AddMissing(Body& body, const char* const (&symbols)[kCount]) {
  for (const char* symbol : symbols) body.add_missing(symbol);
}

// Makes the events of one version.
class VersionMapper {
 public:
  VersionMapper(const BundleVersion& version, std::string_view source, const BundleState& state)
      : version_(version), state_(state), defined_(state.defined) {
    reason_ = Text("imported from ", IsUtf8(source) ? source : std::string_view("a file"), ", commit ", version.commit);
  }

  StatusOr<MappedVersion> Map() {
    ASSIGN_OR_RETURN(const Timestamp author, DateOf("author_date", version_.author_date));
    ASSIGN_OR_RETURN(const Timestamp commit, DateOf("commit_date", version_.commit_date));
    // Clocks of author and committer are their own; an interval has its ends in order.
    earliest_ = std::min(author, commit);
    latest_ = std::max(author, commit);
    if (!IsStreamName(MonaiStream(version_.bundle))) {
      return absl::InvalidArgumentError("bundle: its name is too long for a stream's name");
    }
    tree_ = DigestOf("git", version_.tree);
    if (!version_.tree.empty() && !tree_.has_value()) Note("tree: is not a Git object id");
    training_version_ = VersionFor("training_run", IdOf(kTrainingStarted, "", earliest_), version_.commit);
    model_version_ = VersionFor("model", IdOf(kModel, "", earliest_), version_.commit);
    MapDataset();
    MapCode();
    MapTraining();
    MapModel();
    MapEvaluation();
    for (const ReleaseFact& release : version_.releases) MapRelease(release);
    return std::move(mapped_);
  }

  // The bundle's state after this version.
  BundleState StateAfter() && {
    BundleState after{state_.datasets, version_, std::move(model_version_), std::move(defined_)};
    after.datasets.try_emplace(DatasetKey(), dataset_version_);
    return after;
  }

 private:
  static StatusOr<Timestamp> DateOf(std::string_view field, std::string_view text) {
    const StatusOr<Timestamp> time = ParseTime(text);
    if (time.ok()) return *time;
    return absl::InvalidArgumentError(Text(field, ": ", MessageOf(time.status())));
  }

  void Note(std::string_view reason) { mapped_.unreadable.push_back({version_.place, std::string(reason)}); }

  EventDraft NewDraft(std::shared_ptr<const google::protobuf::Message> body) const {
    EventDraft draft;
    draft.body = std::move(body);
    draft.header.set_retrospective(true);
    draft.header.set_late_reason(reason_);
    SetOccurred(draft, earliest_, latest_);
    return draft;
  }

  EventId IdOf(std::string_view type, std::string_view which, Timestamp occurred) const {
    return MonaiEventId(version_, type, which, occurred);
  }

  // The version under which an event defines its dataset, training run, model or release. One number can stand for
  // several: an archive is replaced, a folder comes back. The first to have it keeps it, and what comes later has the
  // commit that brought it besides. What is recorded keeps the version that it has.
  std::string VersionFor(std::string_view role, const EventId& id, std::string_view commit) {
    std::string version;
    for (const std::string& more : {std::string(), Text("+", commit.substr(0, kCommitDigits)), Text("+", id.text())}) {
      version = version_.version + more;
      const auto [defined, added] = defined_.try_emplace({std::string(role), version}, id);
      if (added || defined->second == id) break;
    }
    return version;
  }

  // Adds the event and returns its id.
  EventId Emit(EventDraft draft, std::string_view type, std::string_view which = "") {
    const EventId id = IdOf(type, which, Timestamp(draft.header.occurred_earliest_us()));
    draft.header.set_type(std::string(type));
    mapped_.events.push_back({std::move(draft), id});
    return id;
  }

  // An element that breaks its own rules (a path of 2,000 bytes, say) is told of and left out; the rest is recorded.
  template <typename Message, typename List>
  bool AddIfValid(Message message, List& list) {
    const Status valid = ValidateBody(message);
    if (!valid.ok()) {
      Note(MessageOf(valid));
      return false;
    }
    *list.Add() = std::move(message);
    return true;
  }

  void ReferToDataset(EventDraft& draft) const {
    AddReference(draft, "dataset", "dataset", version_.bundle, dataset_version_);
  }
  // Without a digest: the commit says which tree it is, and the tree's id is to find one entity only, the model.
  void ReferToCode(EventDraft& draft) const {
    AddReference(draft, "code", "code_revision", version_.bundle, version_.commit);
  }
  void ReferToTraining(EventDraft& draft) const {
    AddReference(draft, "training_run", "training_run", version_.bundle, training_version_);
  }
  void ReferToModel(EventDraft& draft) const {
    AddReference(draft, "model", "model", version_.bundle, model_version_, tree_.has_value() ? &*tree_ : nullptr);
  }

  std::pair<std::string, std::string> DatasetKey() const {
    return {version_.data_source.value_or(""), version_.data_type.value_or("")};
  }

  void MapDataset() {
    if (const auto known = state_.datasets.find(DatasetKey()); known != state_.datasets.end()) {
      dataset_version_ = known->second;
      return;
    }
    dataset_version_ = VersionFor("dataset", IdOf(kDataset, "", earliest_), version_.commit);
    auto body = std::make_shared<v1::DatasetCurated>();
    body->set_source(version_.data_source.value_or(""));
    body->set_data_type(version_.data_type.value_or(""));
    if (!Present(version_.data_source)) body->add_missing("data_source");
    if (!Present(version_.data_type)) body->add_missing("data_type");
    AddMissing(*body, kDatasetMissing);
    EventDraft draft = NewDraft(std::move(body));
    ReferToDataset(draft);
    Emit(std::move(draft), kDataset);
  }

  void MapCode() {
    auto body = std::make_shared<v1::CodeRevisionRecorded>();
    body->set_vcs("git");
    body->set_commit_id(version_.commit);
    if (tree_.has_value()) *body->mutable_tree_digest() = *tree_;
    for (const FileFact& file : version_.files) {
      v1::FileRecord record;
      record.set_path(file.path);
      record.set_size_bytes(file.size_bytes.value_or(0));
      SetDigest(record, DigestOf("git", file.blob));
      AddIfValid(std::move(record), *body->mutable_files());
    }
    EventDraft draft = NewDraft(std::move(body));
    ReferToCode(draft);
    Emit(std::move(draft), kCode);
  }

  static void SetDigest(v1::FileRecord& record, const std::optional<v1::ContentDigest>& digest) {
    record.set_missing_digest(!digest.has_value());
    if (digest.has_value()) *record.mutable_digest() = *digest;
  }

  void MapTraining() {
    auto started = std::make_shared<v1::TrainingRunStarted>();
    started->set_purpose(v1::TrainingRunStarted::NOT_RECORDED);
    for (const PackageFact& package : version_.packages) {
      v1::NamedValue value;
      value.set_name(package.name);
      value.set_value(package.version);
      AddIfValid(std::move(value), *started->mutable_environment());
    }
    AddMissing(*started, kTrainingStartedMissing);
    if (version_.packages.empty()) started->add_missing("packages");
    EventDraft start = NewDraft(std::move(started));
    ReferToTraining(start);
    ReferToDataset(start);
    ReferToCode(start);
    const EventId started_id = Emit(std::move(start), kTrainingStarted);

    MapWeights();
    auto completed = std::make_shared<v1::TrainingRunCompleted>();
    *completed->mutable_outputs() = {weights_.begin(), weights_.end()};
    completed->set_stop_reason(TrainingNote());
    AddMissing(*completed, kTrainingCompletedMissing);
    AddMissingWeights(*completed);
    EventDraft completion = NewDraft(std::move(completed));
    ReferToTraining(completion);
    completion.header.add_causes(started_id.bytes());
    completed_id_ = Emit(std::move(completion), kTrainingCompleted);
  }

  // A version with the weights of the one before it records no training of its own, and must not read as if it did.
  std::string TrainingNote() const {
    if (!state_.previous.has_value() || CompareWeights(*state_.previous, version_) != SameWeights::kYes) return "";
    return Text("no training recorded for this version: its weights are those of ", state_.previous_model);
  }

  // The files that hold weights: first those that the bundle lists, then those in its folder.
  void MapWeights() {
    std::set<std::string_view> listed;
    for (const WeightFact& weight : version_.weights) {
      listed.insert(weight.path);
      std::optional<v1::ContentDigest> digest = DigestOf(weight.hash_type, weight.hash_val);
      if (!digest.has_value() && !weight.hash_val.empty()) {
        Note(Text(weight.path, ": \"", weight.hash_val, "\" is not a digest of type \"", weight.hash_type, "\""));
      }
      if (!digest.has_value()) digest = BlobDigest(weight.path);
      v1::FileRecord record;
      record.set_path(weight.path);
      record.set_locator(weight.url);
      record.set_size_bytes(weight.size_bytes.value_or(0));
      AddCounted(std::move(record), digest, weights_);
    }
    for (const FileFact& file : version_.files) {
      if (!IsWeightFile(file.path) || listed.count(file.path) != 0) continue;
      v1::FileRecord record;
      record.set_path(file.path);
      const std::optional<v1::ContentDigest> digest = BlobDigest(file.path);
      // The size of a pointer is not the size of the weights.
      if (digest.has_value()) record.set_size_bytes(file.size_bytes.value_or(0));
      AddCounted(std::move(record), digest, weights_);
    }
  }

  // The Git digest of a file in the bundle's folder, unless it can only be a pointer to bytes elsewhere.
  std::optional<v1::ContentDigest> BlobDigest(std::string_view path) const {
    for (const FileFact& file : version_.files) {
      if (file.path != path || file.size_bytes.value_or(0) < kLfsPointerBytesLimit) continue;
      return DigestOf("git", file.blob);
    }
    return std::nullopt;
  }

  void AddCounted(v1::FileRecord record, const std::optional<v1::ContentDigest>& digest,
                  std::vector<v1::FileRecord>& records) {
    SetDigest(record, digest);
    if (const Status valid = ValidateBody(record); !valid.ok()) {
      Note(MessageOf(valid));
      return;
    }
    if (!digest.has_value()) ++mapped_.missing_digests;
    if (digest.has_value() && (digest->algorithm() == v1::MD5 || digest->algorithm() == v1::SHA1)) {
      ++mapped_.weak_digests;
    }
    records.push_back(std::move(record));
  }

  template <typename Body>
  void AddMissingWeights(Body& body) const {
    if (weights_.empty()) body.add_missing("weights");
    const auto lacks = [](const v1::FileRecord& record) { return record.missing_digest(); };
    if (std::any_of(weights_.begin(), weights_.end(), lacks)) body.add_missing("weights_digest");
  }

  void MapModel() {
    auto body = std::make_shared<v1::ModelRegistered>();
    body->set_task(version_.task.value_or(""));
    *body->mutable_files() = {weights_.begin(), weights_.end()};
    AddMissingWeights(*body);
    if (!Present(version_.task)) body->add_missing("task");
    if (!Present(version_.data_source)) body->add_missing("data_source");
    const bool previous_known = state_.previous.has_value() && state_.previous->version == version_.prev_version;
    const std::string previous = previous_known ? state_.previous_model : version_.prev_version.value_or("");
    const bool has_previous = !previous.empty() && previous != model_version_;
    if (has_previous && previous_known) body->set_change_text(ChangeText(*state_.previous, version_));
    EventDraft draft = NewDraft(std::move(body));
    ReferToModel(draft);
    ReferToTraining(draft);
    ReferToDataset(draft);
    ReferToCode(draft);
    if (has_previous) {
      const std::optional<v1::ContentDigest> tree =
          previous_known ? DigestOf("git", state_.previous->tree) : std::nullopt;
      AddReference(draft, "previous_model", "model", version_.bundle, previous, tree.has_value() ? &*tree : nullptr);
    }
    draft.header.add_causes(completed_id_.bytes());
    model_id_ = Emit(std::move(draft), kModel);
  }

  void MapEvaluation() {
    auto body = std::make_shared<v1::EvaluationCompleted>();
    body->set_result(v1::EvaluationCompleted::NO_THRESHOLD);
    if (version_.eval_metrics.empty()) body->add_missing("metrics");
    AddMissing(*body, kEvaluationMissing);
    for (const MetricFact& fact : version_.eval_metrics) {
      v1::Metric metric;
      metric.set_name(fact.name);
      metric.set_value(fact.value.value_or(""));
      if (AddIfValid(std::move(metric), *body->mutable_metrics())) continue;
      const std::string symbol = Text("metrics.", SymbolOf(fact.name));
      body->add_missing(symbol.size() <= 128 ? symbol : "metrics");
    }
    EventDraft draft = NewDraft(std::move(body));
    ReferToModel(draft);
    ReferToCode(draft);
    draft.header.add_causes(model_id_.bytes());
    evaluation_id_ = Emit(std::move(draft), kEvaluation);
  }

  void MapRelease(const ReleaseFact& release) {
    const StatusOr<Timestamp> date = DateOf("released.date", release.date);
    if (!date.ok()) {
      Note(MessageOf(date.status()));
      return;
    }
    auto body = std::make_shared<v1::ReleaseApproved>();
    v1::FileRecord archive;
    archive.set_path(FileNameOf(release.source));
    if (archive.path().empty()) archive.set_path(Text(version_.bundle, "_v", version_.version));
    archive.set_locator(release.source);
    std::vector<v1::FileRecord> archives;
    const std::optional<v1::ContentDigest> digest = DigestOf("", release.checksum);
    if (!digest.has_value() && !release.checksum.empty()) {
      Note(Text("released.checksum: \"", release.checksum, "\" is not a digest"));
    }
    AddCounted(std::move(archive), digest, archives);
    *body->mutable_archive() = {archives.begin(), archives.end()};
    AddMissing(*body, kReleaseMissing);
    if (!digest.has_value()) body->add_missing("archive_digest");
    EventDraft draft = NewDraft(std::move(body));
    SetOccurred(draft, *date, *date);
    if (!release.commit.empty()) draft.header.set_late_reason(Text(reason_, ", released by commit ", release.commit));
    // The checksum is part of the id: another archive under the same version is another event.
    const std::string which = Text(release.commit, " ", release.checksum);
    const std::string& listed_by = release.commit.empty() ? version_.commit : release.commit;
    AddReference(draft, "release", "release", version_.bundle,
                 VersionFor("release", IdOf(kRelease, which, *date), listed_by));
    ReferToModel(draft);
    ReferToCode(draft);
    draft.header.add_causes(model_id_.bytes());
    draft.header.add_causes(evaluation_id_.bytes());
    Emit(std::move(draft), kRelease, which);
  }

  const BundleVersion& version_;
  const BundleState& state_;
  DefinedVersions defined_;
  std::string reason_;
  Timestamp earliest_;
  Timestamp latest_;
  std::optional<v1::ContentDigest> tree_;
  std::string dataset_version_;
  std::string training_version_;
  std::string model_version_;
  std::vector<v1::FileRecord> weights_;
  EventId completed_id_;
  EventId model_id_;
  EventId evaluation_id_;
  MappedVersion mapped_;
};

}  // namespace

StatusOr<MappedVersion> MapBundleVersion(const BundleVersion& version, std::string_view source, BundleState& state) {
  VersionMapper mapper(version, source, state);
  ASSIGN_OR_RETURN(MappedVersion mapped, mapper.Map());
  state = std::move(mapper).StateAfter();
  return mapped;
}

void AddDefined(const EventId& id, const v1::EventHeader& header, DefinedVersions& defined) {
  const EventType* type = Vocabulary::Get().Find(header.type(), header.schema_version());
  if (type == nullptr) return;
  for (const v1::ReferenceRule& rule : type->options->refs()) {
    const v1::EntityRef* ref = rule.defines() ? FindReference(header, rule.role()) : nullptr;
    if (ref != nullptr) defined.try_emplace({rule.role(), ref->version()}, id);
  }
}

std::string MonaiStream(std::string_view bundle) {
  std::string stream = "import/monai/";
  for (const char c : bundle) {
    // ":" marks what was replaced, so it is replaced itself and two bundles never share a stream.
    if (c != ':' && IsStreamName(std::string_view(&c, 1))) {
      stream.push_back(c);
    } else {
      stream += Text(":", HexEncode(std::string_view(&c, 1)));
    }
  }
  return stream;
}

EventId MonaiEventId(const BundleVersion& version, std::string_view type, std::string_view which, Timestamp occurred) {
  std::string input;
  for (const std::string_view field :
       {kMonaiImporter, std::string_view(version.bundle), std::string_view(version.version),
        std::string_view(version.commit), type, which}) {
    AppendField(input, field);
  }
  const Digest digest = Sha256(input);
  std::array<uint8_t, 10> random;
  std::copy_n(digest.data(), random.size(), random.begin());
  return EventId::MakeVersion7(occurred.us < 0 ? 0 : static_cast<uint64_t>(occurred.us) / 1000, random);
}

}  // namespace anamnesis
