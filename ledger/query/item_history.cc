#include "ledger/query/item_history.h"

#include <algorithm>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/query/events.h"
#include "ledger/query/wording.h"
#include "ledger/state/corrections.h"
#include "ledger/state/edges.h"
#include "ledger/state/event_list.h"
#include "ledger/state/recorded_event.h"

namespace anamnesis {
namespace {

using Part = v1::ItemHistory::Part;
using Parts = google::protobuf::RepeatedPtrField<Part>;

// More evaluations or releases of one model than this are not listed; `missing` says so.
constexpr size_t kPartsMax = 32;

std::string MetricsText(const google::protobuf::RepeatedPtrField<v1::Metric>& metrics) {
  std::string text;
  for (const v1::Metric& metric : metrics) {
    text += Text(text.empty() ? "" : ", ", metric.name(), " ", QuantityText(metric.value(), metric.unit()));
  }
  return text.empty() ? "no metric recorded" : text;
}

// One line about an event, for a reader.
std::string Summary(const LoadedEvent& event) {
  const google::protobuf::Message* body = event.body.get();
  if (const auto* dataset = BodyAs<v1::DatasetCurated>(body)) return dataset->source();
  if (const auto* code = BodyAs<v1::CodeRevisionRecorded>(body)) {
    return Text(code->vcs(), " commit ", code->commit_id(), code->dirty() ? " (dirty work tree)" : "");
  }
  if (const auto* run = BodyAs<v1::TrainingRunStarted>(body)) {
    std::string text;
    for (const v1::NamedValue& item : run->environment())
      text += Text(text.empty() ? "" : ", ", item.name(), " ", item.value());
    return text;
  }
  if (const auto* evaluation = BodyAs<v1::EvaluationCompleted>(body)) return MetricsText(evaluation->metrics());
  if (const auto* model = BodyAs<v1::ModelRegistered>(body)) return model->task();
  if (const auto* release = BodyAs<v1::ReleaseApproved>(body)) {
    return release->archive_size() > 0 ? release->archive(0).locator() : "";
  }
  return "";
}

class Collector {
 public:
  Collector(const RowReader& rows, TreeSize size, std::set<uint64_t>& leaves)
      : rows_(rows), size_(size), leaves_(leaves) {}

  Status Collect(const v1::EntityRef& entity);
  v1::ItemHistory Take();

 private:
  Parts* PartsOf(const std::string& kind) {
    if (kind == "model") return history_.mutable_models();
    if (kind == "training_run") return history_.mutable_training_runs();
    if (kind == "dataset") return history_.mutable_datasets();
    if (kind == "code_revision") return history_.mutable_code();
    if (kind == "release") return history_.mutable_releases();
    if (kind == "artifact") return history_.mutable_artifacts();
    return nullptr;
  }
  Status AddPart(Parts& parts, const v1::EntityRef& entity, const LoadedEvent& event);
  StatusOr<std::optional<LeafIndex>> NextReferring(const v1::EntityRef& model, std::string_view type,
                                                   LeafIndex from) const;
  Status AddReferring(const v1::EntityRef& model, std::string_view type, Parts& parts);
  void AddFiles(const google::protobuf::RepeatedPtrField<v1::FileRecord>& files);
  void AddMissing(std::string_view what) { missing_.insert(std::string(what)); }

  const RowReader& rows_;
  TreeSize size_;
  std::set<uint64_t>& leaves_;
  v1::ItemHistory history_;
  std::set<std::string> seen_;
  std::set<std::string> missing_;
};

Status Collector::AddPart(Parts& parts, const v1::EntityRef& entity, const LoadedEvent& event) {
  Part& part = *parts.Add();
  *part.mutable_entity() = entity;
  ASSIGN_OR_RETURN(*part.mutable_leaf(), CiteEvent(rows_, event.index));
  part.set_summary(Summary(event));
  leaves_.insert(event.index.value);
  return OkStatus();
}

void Collector::AddFiles(const google::protobuf::RepeatedPtrField<v1::FileRecord>& files) {
  for (const v1::FileRecord& file : files) {
    v1::FileDigest& digest = *history_.add_files();
    digest.set_path(file.path());
    digest.set_size_bytes(file.size_bytes());
    digest.set_locator(file.locator());
    digest.set_missing(!file.has_digest());
    if (!file.has_digest()) continue;
    *digest.mutable_digest() = file.digest();
    digest.set_weak(IsWeak(file.digest()));
  }
}

// The first event of the type at or after `from` that refers to the model as such. Of both there may be many and of
// what is both few, so each list is asked for its first from where the other has come to.
StatusOr<std::optional<LeafIndex>> Collector::NextReferring(const v1::EntityRef& model, std::string_view type,
                                                            LeafIndex from) const {
  const std::string prefix = RoleEdgesPrefix(model, "model");
  for (;;) {
    std::optional<LeafIndex> referring;
    RETURN_IF_ERROR(
        rows_.Scan(Family::kEdges, prefix, prefix + LeafKey(from), [&](std::string_view key, std::string_view) {
          referring = EventOfEdge(prefix, key);
          return !referring.has_value();
        }));
    if (!referring.has_value() || referring->value >= size_.value) return std::optional<LeafIndex>();
    std::optional<LeafIndex> of_type;
    RETURN_IF_ERROR(VisitList(rows_, Family::kTypeEvents, type, *referring, false, size_, [&](LeafIndex index) {
      of_type = index;
      return false;
    }));
    if (!of_type.has_value() || *of_type == *referring) return of_type;
    from = *of_type;
  }
}

Status Collector::AddReferring(const v1::EntityRef& model, std::string_view type, Parts& parts) {
  for (LeafIndex from(0);;) {
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, NextReferring(model, type, from));
    if (!index.has_value()) return OkStatus();
    from = LeafIndex(index->value + 1);
    ASSIGN_OR_RETURN(const bool counts, StillCounts(rows_, *index, size_));
    if (!counts) continue;
    if (static_cast<size_t>(parts.size()) >= kPartsMax) {
      AddMissing(Text("further_", type));
      return OkStatus();
    }
    ASSIGN_OR_RETURN(const LoadedEvent event, LoadEvent(rows_, *index));
    const v1::EntityRef* release = FindReference(event.header.fields, "release");
    RETURN_IF_ERROR(AddPart(parts, release != nullptr ? *release : model, event));
  }
}

Status Collector::Collect(const v1::EntityRef& entity) {
  Parts* parts = PartsOf(entity.kind());
  if (parts == nullptr || !seen_.insert(EntityText(entity)).second || seen_.size() > 8 * kPartsMax) return OkStatus();
  ASSIGN_OR_RETURN(const std::optional<LeafIndex> definition,
                   DefinitionOf(rows_, entity.kind(), entity.id(), entity.version(), size_));
  if (!definition.has_value()) {
    AddMissing(Text("record of ", EntityText(entity)));
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const LoadedEvent event, LoadEvent(rows_, *definition));
  RETURN_IF_ERROR(AddPart(*parts, entity, event));
  const google::protobuf::Message* body = event.body.get();
  if (const auto* model = BodyAs<v1::ModelRegistered>(body)) {
    AddFiles(model->files());
    for (const std::string& fact : model->missing()) AddMissing(Text("model: ", fact));
    RETURN_IF_ERROR(AddReferring(entity, "evaluation.completed", *history_.mutable_evaluations()));
    if (history_.releases_size() == 0) {
      RETURN_IF_ERROR(AddReferring(entity, "release.approved", *history_.mutable_releases()));
    }
  }
  if (const auto* artifact = BodyAs<v1::ArtifactProduced>(body)) AddFiles(artifact->files());
  if (const auto* dataset = BodyAs<v1::DatasetCurated>(body)) {
    for (const std::string& fact : dataset->missing()) AddMissing(Text("dataset: ", fact));
  }
  if (const auto* run = BodyAs<v1::TrainingRunStarted>(body)) {
    for (const std::string& fact : run->missing()) AddMissing(Text("training run: ", fact));
  }
  for (const v1::EntityRef& ref : event.header.fields.refs()) {
    // Versions that came before are history of another item.
    if (ref.role() == "previous_model" || ref.role() == "parent") continue;
    RETURN_IF_ERROR(Collect(ref));
  }
  return OkStatus();
}

v1::ItemHistory Collector::Take() {
  if (history_.models_size() > 0 && history_.evaluations_size() == 0) AddMissing("evaluation of the model");
  if (history_.models_size() > 0 && history_.releases_size() == 0) AddMissing("release of the model");
  for (const std::string& fact : missing_) history_.add_missing(fact);
  return std::move(history_);
}

std::string_view AlgorithmText(v1::DigestAlgorithm algorithm) {
  switch (algorithm) {
    case v1::SHA256:
      return "sha256";
    case v1::SHA512:
      return "sha512";
    case v1::GIT_SHA1:
      return "git-sha1";
    case v1::SHA1:
      return "sha1";
    case v1::MD5:
      return "md5";
    default:
      return "unknown";
  }
}

}  // namespace

StatusOr<v1::ItemHistory> HistoryOf(const RowReader& rows, const v1::EntityRef& item, TreeSize size,
                                    std::set<uint64_t>& leaves) {
  Collector collector(rows, size, leaves);
  RETURN_IF_ERROR(collector.Collect(item));
  return collector.Take();
}

std::string EntityText(const v1::EntityRef& entity) {
  std::string text = Text(entity.kind(), " ", entity.id());
  if (!entity.version().empty()) text += Text("@", entity.version());
  return text;
}

std::string DigestText(const v1::ContentDigest& digest) {
  return Text(AlgorithmText(digest.algorithm()), ":", HexEncode(digest.value()));
}

bool IsWeak(const v1::ContentDigest& digest) {
  return digest.algorithm() == v1::MD5 || digest.algorithm() == v1::SHA1 || digest.algorithm() == v1::GIT_SHA1;
}

}  // namespace anamnesis
