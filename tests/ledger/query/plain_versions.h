#ifndef ANAMNESIS_TESTS_LEDGER_QUERY_PLAIN_VERSIONS_H_
#define ANAMNESIS_TESTS_LEDGER_QUERY_PLAIN_VERSIONS_H_

// Versions of models and datasets by looking at every event again: the reference for diff, explain, lint and the
// erasure report. Written for the histories of RandomDrafts: nothing recorded after the fact, so that of several
// records the last in the log is the newest; no code, SOUP or protocol of its own record, one file with a digest or
// none.

#include <gmock/gmock.h>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/strings/str_join.h"
#include "anamnesis/v1/question.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/message_fields.h"
#include "tests/ledger/query/plain_events.h"

namespace anamnesis {

using Leaves = std::set<uint64_t>;

inline Leaves LeavesOf(const v1::Answer& answer) { return {answer.leaves().begin(), answer.leaves().end()}; }

// The definition that counts last, or nullptr.
inline const Plain* DefinitionIn(const std::vector<Plain>& all, const v1::EntityRef& entity) {
  const Plain* last = nullptr;
  for (const Plain& event : all) {
    if (event.counts && event.Defines(entity, false)) last = &event;
  }
  return last;
}

// Those of a type that count and name the entity in a role, in log order.
inline std::vector<const Plain*> OfTypeIn(const std::vector<Plain>& all, const v1::EntityRef& entity,
                                          std::string_view role, std::string_view type) {
  std::vector<const Plain*> found;
  for (const Plain& event : all) {
    if (event.counts && event.type() == type && event.Names(entity, role)) found.push_back(&event);
  }
  return found;
}

inline v1::EntityRef WithoutRole(v1::EntityRef ref) {
  ref.clear_role();
  ref.clear_digest();
  return ref;
}

// --- What differs ---

// A version as "FACET PATH" -> text.
using PlainTexts = std::map<std::string, std::string>;

inline void AddFields(std::string_view prefix, const Plain& event, PlainTexts& texts) {
  for (const auto& [name, value] : FieldTextsOf(*event.event->draft.body)) {
    if (name != "change_text") texts[Text(prefix, name)] = value;
  }
}

// What a record names, in the facet of the role.
inline void AddNamed(const Plain& event, const v1::EntityRef& entity, PlainTexts& texts) {
  static const std::map<std::string, std::string> facets = {{"dataset", "data"}, {"source", "data"}, {"code", "code"}};
  static const std::set<std::string> about_itself = {"training_run", "previous_model", "parent"};
  for (const v1::EntityRef& ref : event.header().refs()) {
    if (about_itself.contains(ref.role()) || (ref.kind() == entity.kind() && ref.id() == entity.id())) continue;
    const auto facet = facets.find(ref.role());
    std::string& text =
        texts[Text(facet == facets.end() ? "record" : facet->second, " ", ref.role(), "[", ref.id(), "]")];
    const std::string version = ref.version().empty() ? "no version stated" : "version " + ref.version();
    if (Text(", ", text, ", ").find(Text(", ", version, ", ")) == std::string::npos) {
      text += (text.empty() ? "" : ", ") + version;
    }
  }
}

inline PlainTexts TextsOf(const std::vector<Plain>& all, const v1::EntityRef& entity, const Plain& record) {
  PlainTexts texts;
  AddFields("record ", record, texts);
  AddNamed(record, entity, texts);
  std::map<std::string, v1::EntityRef> datasets;
  const auto take_datasets = [&](const Plain& event) {
    for (const v1::EntityRef& ref : event.header().refs()) {
      if (ref.role() == "dataset") datasets.emplace(EntityKeyText(ref), WithoutRole(ref));
    }
  };
  if (entity.kind() == "dataset") {
    datasets.emplace("", entity);
  } else {
    take_datasets(record);
  }
  if (const v1::EntityRef* ref = FindReference(record.header(), "training_run")) {
    if (const Plain* run = DefinitionIn(all, WithoutRole(*ref))) {
      AddNamed(*run, entity, texts);
      take_datasets(*run);
      AddFields("parameters ", *run, texts);
      const auto ends = OfTypeIn(all, WithoutRole(*ref), "training_run", "training_run.completed");
      const uint64_t epochs = ends.empty() ? 0 : ends.back()->body<v1::TrainingRunCompleted>()->epochs_run();
      if (epochs > 0) texts["parameters epochs_run"] = Text(epochs);
    }
  }
  for (const auto& [key, dataset] : datasets) {
    const auto seals = OfTypeIn(all, dataset, "dataset", "dataset.sealed");
    if (!dataset.version().empty() && !seals.empty()) {
      AddFields(Text("members ", dataset.id(), ": "), *seals.front(), texts);
    }
  }
  for (const Plain* evaluation : OfTypeIn(all, entity, "model", "evaluation.completed")) {
    const v1::Metric& metric = evaluation->body<v1::EvaluationCompleted>()->metrics(0);
    const v1::EntityRef& on = *FindReference(evaluation->header(), "dataset");
    texts[Text("metrics ", metric.name(), " on ", EntityKeyText(on))] = metric.value();
  }
  std::map<std::string, std::vector<std::string>> documents;
  for (const Plain* document : OfTypeIn(all, entity, "about", "document.referenced")) {
    documents["documents " + document->body<v1::DocumentReferenced>()->title()].emplace_back("no digest");
  }
  for (const auto& [title, digests] : documents) texts[title] = absl::StrJoin(digests, ", ");
  return texts;
}

inline bool HasDigests(const std::vector<Plain>& all, const v1::EntityRef& entity, const Plain& record) {
  const auto* model = record.body<v1::ModelRegistered>();
  return model != nullptr ? model->files_size() > 0 : !OfTypeIn(all, entity, "dataset", "dataset.sealed").empty();
}

// Which two records are compared, every change between them, and what follows.
inline void CheckDiff(const std::vector<Plain>& all, const v1::DiffQuestion& question,
                      const StatusOr<v1::Answer>& answer) {
  const Plain* x = DefinitionIn(all, question.x());
  const Plain* y = DefinitionIn(all, question.y());
  ASSERT_EQ(answer.ok(), x != nullptr && y != nullptr) << answer.status();
  if (!answer.ok()) return;
  const v1::DiffAnswer& diff = answer->diff();
  EXPECT_EQ(diff.x_leaf().index(), x->index);
  EXPECT_EQ(diff.y_leaf().index(), y->index);
  const PlainTexts before = TextsOf(all, question.x(), *x);
  const PlainTexts after = TextsOf(all, question.y(), *y);
  std::set<std::string> expected;
  for (const auto& [path, text] : before) {
    const auto other = after.find(path);
    if (other == after.end() || other->second != text) {
      expected.insert(Text(path, ": ", text, " -> ", other == after.end() ? "-" : other->second));
    }
  }
  for (const auto& [path, text] : after) {
    if (!before.contains(path)) expected.insert(Text(path, ": - -> ", text));
  }
  std::set<std::string> found;
  for (const v1::DiffAnswer::Facet& facet : diff.facets()) {
    if (facet.name() == "reason") continue;
    for (const v1::DiffAnswer::Change& change : facet.changes()) {
      found.insert(Text(facet.name(), " ", change.path(), ": ", change.has_x() ? change.x() : "-", " -> ",
                        change.has_y() ? change.y() : "-"));
    }
  }
  EXPECT_EQ(found, expected);
  const bool shown = HasDigests(all, question.x(), *x) && HasDigests(all, question.y(), *y);
  EXPECT_EQ(diff.verdict(), !expected.empty() ? v1::DiffAnswer::DIFFERENT
                            : shown           ? v1::DiffAnswer::IDENTICAL
                                              : v1::DiffAnswer::NO_RECORDED_DIFFERENCE);
}

// --- How it came about ---

// Of the model itself, not of those that it was trained on from: its own record and evaluations, its run with the ends,
// and its datasets with what sealed and annotated them.
inline void CheckExplain(const std::vector<Plain>& all, const v1::ExplainQuestion& question,
                         const StatusOr<v1::Answer>& answer) {
  ASSERT_EQ(answer.ok(), AnyNames(all, question.entity())) << answer.status();
  if (!answer.ok()) return;
  using Explain = v1::ExplainAnswer;
  std::map<Explain::Section, Leaves> expected;
  const auto add = [&](Explain::Section section, const std::vector<const Plain*>& events) {
    for (const Plain* event : events) expected[section].insert(event->index);
  };
  add(Explain::EVALUATION, OfTypeIn(all, question.entity(), "model", "evaluation.completed"));
  if (const Plain* record = DefinitionIn(all, question.entity())) {
    std::vector<const Plain*> sources = {record};
    add(Explain::TRAINING, {record});
    const v1::EntityRef run = WithoutRole(*FindReference(record->header(), "training_run"));
    if (const Plain* started = DefinitionIn(all, run)) {
      sources.push_back(started);
      add(Explain::TRAINING, {started});
      for (const char* end : {"training_run.completed", "training_run.failed", "training_run.aborted"}) {
        add(Explain::TRAINING, OfTypeIn(all, run, "training_run", end));
      }
    }
    for (const Plain* source : sources) {
      for (const v1::EntityRef& ref : source->header().refs()) {
        if (ref.role() != "dataset" || ref.version().empty()) continue;
        if (const Plain* curated = DefinitionIn(all, WithoutRole(ref))) {
          add(Explain::DATA, {curated});
          add(Explain::SELECTION, {curated});
        }
        add(Explain::DATA, OfTypeIn(all, WithoutRole(ref), "dataset", "dataset.sealed"));
        add(Explain::ANNOTATION, OfTypeIn(all, WithoutRole(ref), "dataset", "annotation.completed"));
      }
    }
  }
  std::map<Explain::Section, Leaves> found;
  for (const Explain::Part& part : answer->explain().parts()) {
    for (const Explain::Evidence& evidence : part.evidence()) {
      if (evidence.generation() == 0) found[part.section()].insert(evidence.leaf().index());
    }
  }
  EXPECT_EQ(found, expected);
}

// --- Lints ---

// The bytes of a registration's one file; empty when it has none.
inline std::string WeightsIn(const Plain& registered) {
  const auto& files = registered.body<v1::ModelRegistered>()->files();
  return files.empty() ? "" : files[0].digest().value();
}

// By what it was measured on; of several the last.
inline std::map<std::string, std::string> MetricsIn(const std::vector<Plain>& all, const v1::EntityRef& model) {
  std::map<std::string, std::string> metrics;
  for (const Plain* evaluation : OfTypeIn(all, model, "model", "evaluation.completed")) {
    metrics[EntityKeyText(*FindReference(evaluation->header(), "dataset"))] =
        evaluation->body<v1::EvaluationCompleted>()->metrics(0).value();
  }
  return metrics;
}

// How many versions of how many models are registered, which lack any digest, which were used again for other bytes,
// and which changed only in what was measured; and files that were found with two digests in one place.
inline void CheckLint(const std::vector<Plain>& all, const v1::LintQuestion& question,
                      const StatusOr<v1::Answer>& answer) {
  if (question.has_entity() && !AnyNames(all, question.entity())) {
    EXPECT_TRUE(absl::IsNotFound(answer.status())) << answer.status();
    return;
  }
  ASSERT_TRUE(answer.ok()) << answer.status();
  std::set<std::string> models;
  std::map<std::string, std::vector<const Plain*>> versions;
  std::map<std::string, std::set<std::string>> locators;
  std::multiset<std::string> expected;
  for (const Plain& event : all) {
    const auto* body = event.body<v1::ModelRegistered>();
    if (body == nullptr || (question.has_entity() && !event.Names(question.entity(), "model"))) continue;
    const v1::EntityRef& model = *FindReference(event.header(), "model");
    models.insert(model.id());
    if (!event.counts) continue;
    versions[EntityKeyText(model)].push_back(&event);
    if (body->files().empty()) expected.insert(Text("DIGEST-MISSING ", event.index));
    for (const v1::FileRecord& file : body->files()) {
      if (!file.locator().empty()) locators[file.locator()].insert(file.digest().value());
    }
  }
  for (const auto& [locator, digests] : locators) {
    for (size_t i = 1; i < digests.size(); ++i) expected.insert("LOCATOR-TWO-DIGESTS");
  }
  for (const auto& [name, registered] : versions) {
    for (size_t i = 1; i < registered.size(); ++i) {
      const std::string was = WeightsIn(*registered[i - 1]);
      const std::string is = WeightsIn(*registered[i]);
      if (!was.empty() && !is.empty() && was != is) expected.insert("VERSION-REUSED " + name);
    }
    const v1::EntityRef* previous = FindReference(registered[0]->header(), "previous_model");
    if (previous == nullptr) continue;
    const Plain* before = DefinitionIn(all, WithoutRole(*previous));
    if (before == nullptr || WeightsIn(*before).empty() || WeightsIn(*before) != WeightsIn(*registered[0])) continue;
    const auto was = MetricsIn(all, WithoutRole(*previous));
    const auto is = MetricsIn(all, WithoutRole(*FindReference(registered[0]->header(), "model")));
    const bool moved = std::any_of(is.begin(), is.end(), [&](const auto& metric) {
      const auto old = was.find(metric.first);
      return old != was.end() && old->second != metric.second;
    });
    if (moved) expected.insert("METRIC-CHANGED-WEIGHTS-SAME " + name);
  }
  if (question.has_entity()) models = {question.entity().id()};
  EXPECT_EQ(answer->lint().models_examined(), models.size());
  EXPECT_EQ(answer->lint().versions_examined(), versions.size());
  std::multiset<std::string> found;
  for (const v1::LintAnswer::Found& one : answer->lint().found()) {
    if (one.lint() == "DIGEST-MISSING") {
      found.insert(Text(one.lint(), " ", one.leaves(0).index()));
    } else if (one.lint() == "LOCATOR-TWO-DIGESTS") {
      found.insert(one.lint());
    } else {
      found.insert(Text(one.lint(), " ", EntityKeyText(one.entity())));
    }
  }
  EXPECT_EQ(found, expected);
}

// --- Erasures ---

// Every act that names the subject, or every act.
inline void CheckErasureReport(const std::vector<Plain>& all, const v1::ErasureReportQuestion& question,
                               const StatusOr<v1::Answer>& answer) {
  ASSERT_EQ(answer.ok(), !question.has_about() || AnyNames(all, question.about())) << answer.status();
  if (!answer.ok()) return;
  std::map<uint64_t, Leaves> erased;
  Leaves refused;
  for (const Plain& event : all) {
    if (question.has_about() && !event.Names(question.about())) continue;
    if (event.type() == "erasure.refused") refused.insert(event.index);
    const auto* body = event.body<v1::SubjectDataErased>();
    if (body == nullptr) continue;
    Leaves& bodies = erased[event.index];
    for (const uint64_t leaf : body->erased_indexes()) {
      if (leaf < event.index) bodies.insert(leaf);
    }
  }
  std::map<uint64_t, Leaves> found;
  Leaves found_refused;
  for (const v1::ErasureReportAnswer::Erasure& act : answer->erasure_report().erasures()) {
    EXPECT_EQ(act.void_effect(), !all[act.leaf().index()].counts);
    Leaves& bodies = found[act.leaf().index()];
    for (const v1::ErasureReportAnswer::Body& body : act.bodies()) bodies.insert(body.leaf().index());
  }
  for (const v1::ErasureReportAnswer::Refusal& act : answer->erasure_report().refusals()) {
    found_refused.insert(act.leaf().index());
  }
  EXPECT_EQ(found, erased);
  EXPECT_EQ(found_refused, refused);
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_QUERY_PLAIN_VERSIONS_H_
