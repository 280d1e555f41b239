#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "anamnesis/v1/vocabulary_model.pb.h"
#include "ledger/base/decimal.h"
#include "ledger/event/names.h"
#include "ledger/query/ask.h"
#include "ledger/query/item_history.h"
#include "ledger/query/message_fields.h"
#include "ledger/query/place_in_time.h"
#include "ledger/query/registrations.h"

namespace anamnesis {
namespace {

using Files = google::protobuf::RepeatedPtrField<v1::FileRecord>;

constexpr std::array<std::string_view, 7> kLints = {
    "METRIC-CHANGED-WEIGHTS-SAME", "VERSION-REUSED", "DIGEST-WEAK", "DIGEST-MISSING", "LOCATOR-TWO-DIGESTS",
    "FILES-CHANGED-SAME-VERSION",  "VERSION-ONLY"};
constexpr uint32_t kModelsMax = 100;
constexpr size_t kVersionsMax = 1000;
constexpr size_t kPathsShown = 5;

// A metric as it was measured on something, and the event that says so.
struct Measured {
  std::string value;
  const Fact* fact;
};

std::string Listed(const std::vector<std::string>& paths) {
  std::string text;
  for (size_t i = 0; i < paths.size() && i < kPathsShown; ++i) text += Text(i == 0 ? "" : ", ", paths[i]);
  if (paths.size() > kPathsShown) text += Text(" and ", paths.size() - kPathsShown, " more");
  return text;
}

bool SameNumber(const std::string& a, const std::string& b) {
  const StatusOr<Decimal> left = Decimal::Parse(a);
  const StatusOr<Decimal> right = Decimal::Parse(b);
  return left.ok() && right.ok() ? *left == *right : a == b;
}

std::string FieldsText(const Fact* fact) {
  std::string text;
  if (fact == nullptr || fact->event.body == nullptr) return text;
  for (const auto& [name, value] : FieldTextsOf(*fact->event.body)) text += Text(name, "=", value, "\n");
  return text;
}

class Linter {
 public:
  Linter(Facts& facts, const v1::LintQuestion& question, v1::LintAnswer& answer)
      : facts_(facts), only_(question.lint()), answer_(answer) {}

  Status LintModel(const std::string& id);

 private:
  StatusOr<std::map<std::string, Measured>> MetricsOf(const v1::EntityRef& model);
  Status LintVersion(const v1::EntityRef& model, const std::vector<Registration>& registrations);
  Status LintAgainst(const v1::EntityRef& model, const Registration& now, const v1::EntityRef& previous,
                     const Registration& before);
  Status LintReleases(const v1::EntityRef& model);
  Status LintDigests(const v1::EntityRef& entity, const Fact& fact, const Files& files, bool identified);
  Status LintLocators(const v1::EntityRef& entity, const Fact& fact, const Files& files);
  Status Found(std::string_view lint, const v1::EntityRef& entity, const v1::EntityRef* against,
               std::string_view message, const std::vector<const Fact*>& facts);

  struct Located {
    v1::EntityRef entity;
    const Fact* fact;
  };

  Facts& facts_;
  const std::string only_;
  v1::LintAnswer& answer_;
  // By locator and algorithm: who said which digest first.
  std::map<std::pair<std::string, int>, std::map<std::string, Located>> locators_;
};

Status Linter::Found(std::string_view lint, const v1::EntityRef& entity, const v1::EntityRef* against,
                     std::string_view message, const std::vector<const Fact*>& facts) {
  if (!only_.empty() && only_ != lint) return OkStatus();
  v1::LintAnswer::Found& found = *answer_.add_found();
  found.set_lint(std::string(lint));
  *found.mutable_entity() = entity;
  if (against != nullptr) *found.mutable_against() = *against;
  found.set_message(std::string(message));
  std::set<uint64_t> indexes;
  for (const Fact* fact : facts) indexes.insert(fact->event.index.value);
  for (const uint64_t index : indexes) {
    ASSIGN_OR_RETURN(*found.add_leaves(), facts_.Reference(LeafIndex(index)));
  }
  return OkStatus();
}

StatusOr<std::map<std::string, Measured>> Linter::MetricsOf(const v1::EntityRef& model) {
  std::map<std::string, Measured> metrics;
  ASSIGN_OR_RETURN(std::vector<const Fact*> evaluations,
                   facts_.OfType(model, "model", "evaluation.completed", kQuestionEventsMax));
  // The last that measured it counts.
  std::sort(evaluations.begin(), evaluations.end(), StandsEarlier);
  for (const Fact* evaluation : evaluations) {
    const auto* body = evaluation->body<v1::EvaluationCompleted>();
    if (body == nullptr) continue;
    const v1::EntityRef* dataset = FindReference(evaluation->header(), "dataset");
    for (const v1::Metric& metric : body->metrics()) {
      const std::string name = Text(metric.name(), metric.subgroup().empty() ? "" : Text(" [", metric.subgroup(), "]"),
                                    metric.unit().empty() ? "" : Text(" in ", metric.unit()),
                                    dataset == nullptr ? "" : Text(" on ", EntityKeyText(*dataset)));
      metrics[name] = {metric.value(), evaluation};
    }
  }
  return metrics;
}

Status Linter::LintDigests(const v1::EntityRef& entity, const Fact& fact, const Files& files, bool identified) {
  std::vector<std::string> weak;
  std::vector<std::string> missing;
  for (const v1::FileRecord& file : files) {
    if (!file.has_digest()) {
      missing.push_back(file.path());
    } else if (IsWeak(file.digest())) {
      const std::string digest = DigestText(file.digest());
      weak.push_back(Text(file.path(), " (", digest.substr(0, digest.find(':')), ")"));
    }
  }
  if (!weak.empty()) {
    RETURN_IF_ERROR(Found("DIGEST-WEAK", entity, nullptr,
                          Text(weak.size(), " of ", files.size(),
                               " files are identified by a digest that a forger can "
                               "match: ",
                               Listed(weak)),
                          {&fact}));
  }
  if (!missing.empty()) {
    return Found("DIGEST-MISSING", entity, nullptr,
                 Text(missing.size(), " of ", files.size(), " files have no digest: ", Listed(missing)), {&fact});
  }
  if (files.empty() && !identified) {
    return Found("DIGEST-MISSING", entity, nullptr, "neither a file nor a digest is recorded", {&fact});
  }
  return OkStatus();
}

Status Linter::LintLocators(const v1::EntityRef& entity, const Fact& fact, const Files& files) {
  for (const v1::FileRecord& file : files) {
    if (file.locator().empty() || !file.has_digest()) continue;
    std::map<std::string, Located>& known = locators_[{file.locator(), static_cast<int>(file.digest().algorithm())}];
    const std::string digest = DigestText(file.digest());
    if (!known.try_emplace(digest, Located{entity, &fact}).second || known.size() == 1) continue;
    // Against one of the others; they were found against one another already.
    const auto other = known.begin()->first == digest ? std::next(known.begin()) : known.begin();
    RETURN_IF_ERROR(Found("LOCATOR-TWO-DIGESTS", entity, &other->second.entity,
                          Text(file.locator(), " is recorded with ", digest, " and with ", other->first),
                          {&fact, other->second.fact}));
  }
  return OkStatus();
}

// The same version recorded more than once.
Status Linter::LintVersion(const v1::EntityRef& model, const std::vector<Registration>& registrations) {
  for (const Registration& registration : registrations) {
    RETURN_IF_ERROR(LintDigests(model, *registration.fact, registration.body->files(), registration.ref->has_digest()));
    RETURN_IF_ERROR(LintLocators(model, *registration.fact, registration.body->files()));
  }
  for (size_t i = 1; i < registrations.size(); ++i) {
    const Registration& before = registrations[i - 1];
    const Registration& after = registrations[i];
    std::vector<const Fact*> facts = before.facts();
    for (const Fact* fact : after.facts()) facts.push_back(fact);
    if (SameBytes(WeightsOf(before), WeightsOf(after)) == false) {
      const std::vector<std::string> changed =
          ChangedPaths(DigestsOf(before.body->files()), DigestsOf(after.body->files()));
      RETURN_IF_ERROR(
          Found("VERSION-REUSED", model, &model, Text("registered again with other bytes: ", Listed(changed)), facts));
      continue;
    }
    const bool other_tree = before.ref->has_digest() && after.ref->has_digest() &&
                            before.ref->digest().SerializeAsString() != after.ref->digest().SerializeAsString();
    const std::vector<std::string> changed = ChangedPaths(CodeFiles(before), CodeFiles(after));
    if (!other_tree && changed.empty()) continue;
    RETURN_IF_ERROR(Found(
        "FILES-CHANGED-SAME-VERSION", model, &model,
        Text("registered again under the same version with other files", changed.empty() ? "" : ": ", Listed(changed)),
        facts));
  }
  return OkStatus();
}

// A version and the one that it says came before.
Status Linter::LintAgainst(const v1::EntityRef& model, const Registration& now, const v1::EntityRef& previous,
                           const Registration& before) {
  ASSIGN_OR_RETURN(const auto old_metrics, MetricsOf(previous));
  ASSIGN_OR_RETURN(const auto new_metrics, MetricsOf(model));
  const std::optional<bool> same_weights = SameBytes(WeightsOf(before), WeightsOf(now));
  std::vector<const Fact*> facts = before.facts();
  for (const Fact* fact : now.facts()) facts.push_back(fact);
  std::vector<const Fact*> with_metrics = facts;
  std::vector<std::string> moved;
  bool same_metrics = old_metrics.size() == new_metrics.size();
  for (const auto& [name, metric] : new_metrics) {
    const auto old = old_metrics.find(name);
    if (old == old_metrics.end()) {
      same_metrics = false;
      continue;
    }
    with_metrics.push_back(old->second.fact);
    with_metrics.push_back(metric.fact);
    if (SameNumber(old->second.value, metric.value)) continue;
    same_metrics = false;
    moved.push_back(Text(name, " ", old->second.value, " to ", metric.value));
  }
  if (same_weights == true && !moved.empty()) {
    RETURN_IF_ERROR(Found("METRIC-CHANGED-WEIGHTS-SAME", model, &previous,
                          Text("the weights are those of ", previous.version(), ", and yet: ", Listed(moved)),
                          with_metrics));
  }
  const Digests old_code = CodeFiles(before);
  const Digests new_code = CodeFiles(now);
  if (old_code.empty() || new_code.empty() || same_weights == false || !same_metrics) return OkStatus();
  const bool same_record = FieldsText(before.run) == FieldsText(now.run) &&
                           NamedBy(before, "dataset") == NamedBy(now, "dataset") &&
                           NamedBy(before, "soup") == NamedBy(now, "soup") && before.body->task() == now.body->task();
  // One file has to say the new version.
  const std::vector<std::string> changed = ChangedPaths(old_code, new_code);
  if (!same_record || changed.size() > 1) return OkStatus();
  return Found("VERSION-ONLY", model, &previous,
               Text("nothing that is recorded differs from ", previous.version(),
                    changed.empty() ? "" : ", but one file: ", Listed(changed)),
               with_metrics);
}

Status Linter::LintReleases(const v1::EntityRef& model) {
  ASSIGN_OR_RETURN(const std::vector<const Fact*> releases,
                   facts_.OfType(model, "model", "release.approved", kQuestionEventsMax));
  std::map<std::string, const Fact*> first;
  for (const Fact* release : releases) {
    const auto* body = release->body<v1::ReleaseApproved>();
    const v1::EntityRef* ref = FindReference(release->header(), "release");
    if (body == nullptr || ref == nullptr) continue;
    v1::EntityRef entity = *ref;
    entity.clear_role();
    RETURN_IF_ERROR(LintDigests(entity, *release, body->archive(), false));
    RETURN_IF_ERROR(LintLocators(entity, *release, body->archive()));
    const auto [known, is_first] = first.try_emplace(EntityKeyText(entity), release);
    if (is_first) continue;
    const Files& before = known->second->body<v1::ReleaseApproved>()->archive();
    const std::optional<Digests> old_digests = DigestsOf(before);
    const std::optional<Digests> new_digests = DigestsOf(body->archive());
    if (SameBytes(old_digests, new_digests) != false) continue;
    RETURN_IF_ERROR(Found("VERSION-REUSED", entity, &entity,
                          Text("released again with other bytes: ", Listed(ChangedPaths(*old_digests, *new_digests))),
                          {known->second, release}));
  }
  return OkStatus();
}

Status Linter::LintModel(const std::string& id) {
  v1::EntityRef model;
  model.set_kind("model");
  model.set_id(id);
  ASSIGN_OR_RETURN(const std::vector<std::string> versions, facts_.VersionsOf("model", id, kVersionsMax));
  answer_.set_models_examined(answer_.models_examined() + 1);
  for (const std::string& version : versions) {
    model.set_version(version);
    ASSIGN_OR_RETURN(const std::vector<Registration> registrations, RegistrationsOf(facts_, model));
    if (registrations.empty()) continue;
    answer_.set_versions_examined(answer_.versions_examined() + 1);
    RETURN_IF_ERROR(LintVersion(model, registrations));
    RETURN_IF_ERROR(LintReleases(model));
    const v1::EntityRef* named = FindReference(registrations.front().fact->header(), "previous_model");
    if (named == nullptr) continue;
    v1::EntityRef previous = *named;
    previous.clear_role();
    previous.clear_digest();
    ASSIGN_OR_RETURN(const std::vector<Registration> before, RegistrationsOf(facts_, previous));
    // What was first called this version against what was last called the one before.
    if (!before.empty()) {
      RETURN_IF_ERROR(LintAgainst(model, registrations.front(), previous, before.back()));
    }
  }
  return OkStatus();
}

}  // namespace

Status AnswerLint(Facts& facts, const v1::LintQuestion& question, v1::Answer& answer) {
  if (!question.lint().empty() && std::find(kLints.begin(), kLints.end(), question.lint()) == kLints.end()) {
    std::string names;
    for (const std::string_view name : kLints) names += Text(names.empty() ? "" : ", ", name);
    return absl::InvalidArgumentError(Text("lint: \"", question.lint(), "\" is none of ", names));
  }
  v1::LintAnswer& filled = *answer.mutable_lint();
  Linter linter(facts, question, filled);
  if (question.has_entity()) {
    if (question.entity().kind() != "model") {
      return absl::InvalidArgumentError(Text("entity.kind: is ", question.entity().kind(), "; it must be model"));
    }
    RETURN_IF_ERROR(facts.CheckNamed(question.entity()));
    return linter.LintModel(question.entity().id());
  }
  const uint32_t limit = question.limit() == 0 ? kModelsMax : std::min(question.limit(), kModelsMax);
  ASSIGN_OR_RETURN(const std::vector<std::string> ids, facts.DefinedIds("model", question.from(), limit + 1));
  for (size_t i = 0; i < ids.size() && i < limit; ++i) RETURN_IF_ERROR(linter.LintModel(ids[i]));
  if (ids.size() > limit) filled.set_next(ids[limit - 1]);
  return OkStatus();
}

}  // namespace anamnesis
