#ifndef ANAMNESIS_TESTS_LEDGER_QUERY_DRAFTS_H_
#define ANAMNESIS_TESTS_LEDGER_QUERY_DRAFTS_H_

// Drafts of events with what their types require and nothing else; a test adds what it is about.

#include <string>
#include <string_view>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/crypto/sha256.h"
#include "tests/support/test_run.h"

namespace anamnesis {

inline v1::ContentDigest DigestOfText(std::string_view text) {
  v1::ContentDigest digest;
  digest.set_algorithm(v1::SHA256);
  digest.set_value(Sha256(text).bytes());
  return digest;
}

inline v1::FileRecord File(std::string_view path, std::string_view content, std::string_view locator = "") {
  v1::FileRecord file;
  file.set_path(std::string(path));
  *file.mutable_digest() = DigestOfText(content);
  file.set_locator(std::string(locator));
  return file;
}

inline v1::NamedValue Named(std::string_view name, std::string_view value) {
  v1::NamedValue named;
  named.set_name(std::string(name));
  named.set_value(std::string(value));
  return named;
}

inline v1::Metric MetricOf(std::string_view name, std::string_view value, std::string_view subgroup = "") {
  v1::Metric metric;
  metric.set_name(std::string(name));
  metric.set_value(std::string(value));
  metric.set_subgroup(std::string(subgroup));
  return metric;
}

inline EventDraft CurateDataset(std::string_view id, std::string_view version, v1::DatasetCurated body = {}) {
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "dataset", "dataset", id, version);
  return draft;
}

inline EventDraft SealDataset(std::string_view id, std::string_view version, uint64_t records, std::string_view members,
                              uint64_t added = 0, uint64_t removed = 0) {
  v1::DatasetSealed body;
  body.set_records(records);
  body.set_manifest_root(Sha256(members).bytes());
  body.set_records_added(added);
  body.set_records_removed(removed);
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "dataset", "dataset", id, version);
  return draft;
}

inline EventDraft RecordCode(std::string_view id, std::string_view version, v1::CodeRevisionRecorded body = {}) {
  body.set_vcs("git");
  body.set_commit_id(std::string(version));
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "code", "code_revision", id, version);
  return draft;
}

// The caller adds at least one dataset and one code.
inline EventDraft StartRun(std::string_view id, v1::TrainingRunStarted body = {}) {
  if (body.purpose() == v1::TrainingRunStarted::PURPOSE_UNSPECIFIED) body.set_purpose(v1::TrainingRunStarted::INITIAL);
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "training_run", "training_run", id);
  return draft;
}

// The caller adds training_run, dataset and code.
inline EventDraft RegisterModel(std::string_view id, std::string_view version, v1::ModelRegistered body = {},
                                const v1::ContentDigest* digest = nullptr) {
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "model", "model", id, version, digest);
  return draft;
}

inline EventDraft Evaluate(std::string_view model, std::string_view version, v1::EvaluationCompleted body = {}) {
  body.set_result(v1::EvaluationCompleted::NO_THRESHOLD);
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "model", "model", model, version);
  return draft;
}

inline EventDraft ProduceArtifact(std::string_view id, std::string_view version, v1::ArtifactProduced body = {}) {
  body.set_kind(v1::ArtifactProduced::DELTA);
  body.set_mode(v1::ArtifactProduced::CANDIDATE);
  body.set_surface("threshold");
  if (body.files_size() == 0) *body.add_files() = File("delta", "delta");
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "artifact", "artifact", id, version);
  return draft;
}

inline EventDraft CompleteAnnotation(std::string_view id, std::string_view dataset, std::string_view version,
                                     std::string_view achieved = "94") {
  v1::AnnotationCompleted body;
  body.set_selection_basis("board certified");
  body.set_metric(v1::AnnotationCompleted::PERCENT);
  body.set_required("90");
  body.set_achieved(std::string(achieved));
  body.set_resolution("a third reader");
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "annotation", "annotation", id);
  AddReference(draft, "dataset", "dataset", dataset, version);
  AddReference(draft, "protocol", "annotation_protocol", "protocol", "1");
  return draft;
}

inline EventDraft RecordIncident(std::string_view id, std::string_view unit) {
  v1::IncidentRecorded body;
  body.set_harm(v1::IncidentRecorded::NEAR_MISS);
  body.set_description("missed alert");
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "incident", "incident", id);
  AddReference(draft, "unit", "device_unit", unit);
  return draft;
}

inline EventDraft ActivateItem(std::string_view unit, std::string_view surface, std::string_view kind,
                               std::string_view id, std::string_view version) {
  v1::ArtifactActivated body;
  body.set_surface(std::string(surface));
  EventDraft draft = Draft(std::move(body));
  AddReference(draft, "unit", "device_unit", unit);
  AddReference(draft, "artifact", kind, id, version);
  return draft;
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_QUERY_DRAFTS_H_
