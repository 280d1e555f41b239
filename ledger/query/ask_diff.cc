#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "absl/strings/str_join.h"
#include "anamnesis/v1/vocabulary_data.pb.h"
#include "anamnesis/v1/vocabulary_model.pb.h"
#include "anamnesis/v1/vocabulary_record.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/decimal.h"
#include "ledger/event/names.h"
#include "ledger/query/ask.h"
#include "ledger/query/envelope_difference.h"
#include "ledger/query/item_history.h"
#include "ledger/query/message_fields.h"
#include "ledger/query/place_in_time.h"

namespace anamnesis {
namespace {

constexpr int kChangesMax = 10'000;
// Of evaluations and of documents about one version.
constexpr size_t kEventsMax = 1000;

// One side of a facet: what it says, by path.
using Texts = std::map<std::string, std::string>;

// What two versions are expected to say differently without being different: how they are told apart, and what was
// written about the difference.
constexpr std::array<std::string_view, 6> kOwnRoles = {"training_run", "previous_model", "previous",
                                                       "parent",       "evaluation",     "sandbox_run"};
bool IsAboutTheDifference(std::string_view field) { return field == "change_text"; }

std::string_view FacetOfRole(std::string_view role) {
  if (role == "dataset" || role == "source" || role == "split" || role == "transform") return "data";
  if (role == "code") return "code";
  if (role == "soup") return "soup";
  return "record";
}

// Everything that is compared about one version.
struct Side {
  v1::EntityRef entity;
  const Fact* record = nullptr;
  // The training run, where it has one.
  const Fact* run = nullptr;
  std::map<std::string_view, Texts> facets;
  std::map<std::string_view, std::vector<std::string>> missing;
  // By facet, how many events are recorded that nothing here was read from.
  std::map<std::string_view, size_t> left_out;
  // Whether digests say what its bytes are.
  bool digests = false;
  bool digest_missing = false;
  bool digest_weak = false;
};

class Describer {
 public:
  Describer(Facts& facts, Side& side) : facts_(facts), side_(side) {}

  Status Describe() {
    RETURN_IF_ERROR(DescribeRecord());
    RETURN_IF_ERROR(DescribeRun());
    RETURN_IF_ERROR(DescribeCode());
    RETURN_IF_ERROR(DescribeMembers());
    RETURN_IF_ERROR(DescribeMetrics());
    return DescribeDocuments();
  }

 private:
  void Missing(std::string_view facet, std::string_view what) {
    side_.missing[facet].push_back(Text(EntityKeyText(side_.entity), ": ", what));
  }

  void AddRefs(const Fact& fact) {
    for (const v1::EntityRef& ref : fact.header().refs()) {
      const bool own = std::find(kOwnRoles.begin(), kOwnRoles.end(), ref.role()) != kOwnRoles.end() ||
                       (ref.kind() == side_.entity.kind() && ref.id() == side_.entity.id());
      if (own) continue;
      Texts& texts = side_.facets[FacetOfRole(ref.role())];
      const std::string path = Text(ref.role(), "[", ref.id(), "]");
      std::string& value = texts[path];
      const std::string version = ref.version().empty() ? "no version stated" : Text("version ", ref.version());
      // A model's record and its run may both name it.
      if (value.empty()) {
        value = version;
      } else if (Text(", ", value, ", ").find(Text(", ", version, ", ")) == std::string::npos) {
        value += Text(", ", version);
      }
      if (ref.has_digest()) texts[Text(path, ".digest")] = DigestText(ref.digest());
    }
  }

  void NoteDigests(const google::protobuf::RepeatedPtrField<v1::FileRecord>& files) {
    for (const v1::FileRecord& file : files) {
      (file.has_digest() ? side_.digests : side_.digest_missing) = true;
      if (file.has_digest() && IsWeak(file.digest())) side_.digest_weak = true;
    }
  }

  Status DescribeRecord() {
    const Fact& record = *side_.record;
    for (const v1::EntityRef& ref : record.header().refs()) {
      const bool own =
          ref.kind() == side_.entity.kind() && ref.id() == side_.entity.id() && ref.version() == side_.entity.version();
      if (!own || !ref.has_digest()) continue;
      side_.facets["record"]["digest"] = DigestText(ref.digest());
      if (IsWeak(ref.digest())) side_.digest_weak = true;
      side_.digests = true;
    }
    AddRefs(record);
    if (record.event.body == nullptr) {
      Missing("record", "its content was erased");
      return OkStatus();
    }
    for (const auto& [name, value] : FieldTextsOf(*record.event.body)) {
      if (IsAboutTheDifference(name)) continue;
      side_.facets[name.starts_with("parameters[") ? "parameters" : "record"][name] = value;
    }
    if (const auto* model = record.body<v1::ModelRegistered>()) NoteDigests(model->files());
    if (const auto* artifact = record.body<v1::ArtifactProduced>()) NoteDigests(artifact->files());
    if (const auto* release = record.body<v1::ReleaseApproved>()) NoteDigests(release->archive());
    return OkStatus();
  }

  Status DescribeRun() {
    const v1::EntityRef* run = FindReference(side_.record->header(), "training_run");
    if (run == nullptr) return OkStatus();
    ASSIGN_OR_RETURN(side_.run, facts_.Definition(*run));
    if (side_.run == nullptr) {
      Missing("parameters", Text("nothing is recorded of ", EntityKeyText(*run)));
      return OkStatus();
    }
    facts_.Cite(side_.run->event.index);
    AddRefs(*side_.run);
    if (side_.run->event.body != nullptr) {
      for (const auto& [name, value] : FieldTextsOf(*side_.run->event.body)) side_.facets["parameters"][name] = value;
    }
    const auto* body = side_.run->body<v1::TrainingRunStarted>();
    if (body != nullptr && body->hyperparameters_size() == 0) Missing("parameters", "no hyperparameters are recorded");
    ASSIGN_OR_RETURN(const std::vector<const Fact*> ends,
                     facts_.OfType(*run, "training_run", "training_run.completed", kQuestionEventsMax));
    const Fact* newest = NewestOf(ends, StandsEarlier);
    if (newest == nullptr) return OkStatus();
    facts_.Cite(newest->event.index);
    if (const auto* end = newest->body<v1::TrainingRunCompleted>()) {
      Texts& parameters = side_.facets["parameters"];
      if (end->epochs_run() > 0) parameters["epochs_run"] = std::to_string(end->epochs_run());
      if (!end->stop_reason().empty()) parameters["stop_reason"] = end->stop_reason();
      for (const v1::Metric& metric : end->metrics()) AddMetric("training ", metric, "");
    }
    return OkStatus();
  }

  std::vector<v1::EntityRef> Named(std::string_view role) const {
    std::map<std::string, v1::EntityRef> found;
    for (const Fact* fact : {side_.record, side_.run}) {
      if (fact == nullptr) continue;
      for (const v1::EntityRef& ref : fact->header().refs()) {
        if (ref.role() == role) found.try_emplace(EntityKeyText(ref), ref);
      }
    }
    std::vector<v1::EntityRef> refs;
    for (auto& [key, ref] : found) refs.push_back(ref);
    return refs;
  }

  Status DescribeCode() {
    for (const v1::EntityRef& code : Named("code")) {
      ASSIGN_OR_RETURN(const Fact* fact, facts_.Definition(code));
      if (fact == nullptr || fact->event.body == nullptr) {
        Missing("code", Text("nothing is recorded of ", EntityKeyText(code)));
        continue;
      }
      facts_.Cite(fact->event.index);
      for (const auto& [name, value] : FieldTextsOf(*fact->event.body)) {
        side_.facets["code"][Text(code.id(), ": ", name)] = value;
      }
    }
    return OkStatus();
  }

  Status DescribeMembers() {
    std::vector<v1::EntityRef> datasets = Named("dataset");
    if (side_.entity.kind() == "dataset") datasets = {side_.entity};
    for (const v1::EntityRef& dataset : datasets) {
      if (dataset.version().empty()) {
        Missing("members", Text("no version of ", EntityKeyText(dataset), " is stated"));
        continue;
      }
      ASSIGN_OR_RETURN(const std::vector<const Fact*> seals,
                       facts_.OfType(dataset, "dataset", "dataset.sealed", kQuestionEventsMax));
      if (seals.empty()) {
        Missing("members", Text(EntityKeyText(dataset), " was not sealed, so its members are not known"));
        continue;
      }
      // The first seal is the one that fixed the members.
      const Fact* first = *std::min_element(seals.begin(), seals.end(), StandsEarlier);
      facts_.Cite(first->event.index);
      const auto* seal = first->body<v1::DatasetSealed>();
      if (seal == nullptr) continue;
      for (const auto& [name, value] : FieldTextsOf(*seal)) {
        side_.facets["members"][Text(dataset.id(), ": ", name)] = value;
      }
      if (side_.entity.kind() == "dataset") side_.digests = true;
    }
    return OkStatus();
  }

  void AddMetric(std::string_view prefix, const v1::Metric& metric, std::string_view on) {
    Texts& metrics = side_.facets["metrics"];
    const std::string path =
        Text(prefix, metric.name(), metric.subgroup().empty() ? "" : Text(" [", metric.subgroup(), "]"),
             metric.unit().empty() ? "" : Text(" in ", metric.unit()), on.empty() ? "" : Text(" on ", on));
    if (!metrics.try_emplace(path, metric.value()).second) {
      Missing("metrics", Text(path, " was measured more than once; the last is compared"));
      metrics[path] = metric.value();
    }
    if (!metric.ci_low().empty()) metrics[Text(path, ", interval from")] = metric.ci_low();
    if (!metric.ci_high().empty()) metrics[Text(path, ", interval to")] = metric.ci_high();
    if (metric.n() > 0) metrics[Text(path, ", n")] = std::to_string(metric.n());
  }

  Status DescribeMetrics() {
    if (side_.entity.kind() != "model" && side_.entity.kind() != "artifact") return OkStatus();
    ASSIGN_OR_RETURN(std::vector<const Fact*> evaluations,
                     facts_.OfType(side_.entity, "model", "evaluation.completed", kQuestionEventsMax));
    side_.left_out["metrics"] = KeepNewest(evaluations, kEventsMax);
    std::sort(evaluations.begin(), evaluations.end(), StandsEarlier);
    if (evaluations.empty()) Missing("metrics", "no evaluation is recorded");
    for (const Fact* evaluation : evaluations) {
      facts_.Cite(evaluation->event.index);
      const auto* body = evaluation->body<v1::EvaluationCompleted>();
      if (body == nullptr) continue;
      const v1::EntityRef* dataset = FindReference(evaluation->header(), "dataset");
      const std::string on = dataset == nullptr ? "" : EntityKeyText(*dataset);
      for (const v1::Metric& metric : body->metrics()) AddMetric("", metric, on);
    }
    return OkStatus();
  }

  Status DescribeDocuments() {
    ASSIGN_OR_RETURN(std::vector<const Fact*> documents,
                     facts_.OfType(side_.entity, "about", "document.referenced", kQuestionEventsMax));
    side_.left_out["documents"] = KeepNewest(documents, kEventsMax);
    // Several documents may have one title.
    std::map<std::string, std::multiset<std::string>> digests;
    for (const Fact* document : documents) {
      facts_.Cite(document->event.index);
      const auto* body = document->body<v1::DocumentReferenced>();
      if (body == nullptr) continue;
      digests[body->title()].insert(body->has_digest() ? DigestText(body->digest()) : "no digest");
    }
    for (const auto& [title, all] : digests) side_.facets["documents"][title] = absl::StrJoin(all, ", ");
    return OkStatus();
  }

  Facts& facts_;
  Side& side_;
};

void AddChange(v1::DiffAnswer::Facet& facet, const std::string& path, const std::string* x, const std::string* y) {
  if (facet.changes_size() == kChangesMax) {
    facet.set_changes_left_out(facet.changes_left_out() + 1);
    return;
  }
  v1::DiffAnswer::Change& change = *facet.add_changes();
  change.set_path(path);
  if (x != nullptr) change.set_x(*x);
  if (y != nullptr) change.set_y(*y);
  // Code and documents have numbers only in names.
  const bool counts = facet.name() != "code" && facet.name() != "documents";
  if (x == nullptr || y == nullptr || !counts) return;
  if (const StatusOr<std::string> delta = SubtractDecimals(*y, *x); delta.ok()) change.set_delta(*delta);
}

// Whether two texts say the same; numbers do however they are written.
bool SameText(std::string_view facet, const std::string& x, const std::string& y) {
  if (x == y) return true;
  if (facet != "metrics") return false;
  const StatusOr<Decimal> left = Decimal::Parse(x);
  const StatusOr<Decimal> right = Decimal::Parse(y);
  return left.ok() && right.ok() && *left == *right;
}

// `name` is one of the literals that the sides have as keys.
void CompareFacet(std::string_view name, Side& x, Side& y, v1::DiffAnswer::Facet& facet) {
  facet.set_name(std::string(name));
  const Texts& before = x.facets[name];
  const Texts& after = y.facets[name];
  for (const auto& [path, text] : before) {
    const auto found = after.find(path);
    if (found != after.end() && SameText(name, text, found->second)) {
      facet.set_same(facet.same() + 1);
    } else {
      AddChange(facet, path, &text, found == after.end() ? nullptr : &found->second);
    }
  }
  for (const auto& [path, text] : after) {
    if (before.count(path) == 0) AddChange(facet, path, nullptr, &text);
  }
  for (Side* side : {&x, &y}) {
    for (const std::string& text : side->missing[name]) facet.add_missing(text);
    facet.set_events_left_out(facet.events_left_out() + side->left_out[name]);
  }
}

// Why the one became the other, in the words of who recorded it; no difference by itself.
void AddReason(const Side& x, const Side& y, v1::DiffAnswer& answer) {
  if (x.record == y.record) return;
  v1::DiffAnswer::Facet facet;
  facet.set_name("reason");
  const auto* model = y.record->body<v1::ModelRegistered>();
  if (model != nullptr && !model->change_text().empty())
    AddChange(facet, "change_text", nullptr, &model->change_text());
  const std::string& rationale = y.record->header().rationale();
  if (!rationale.empty()) AddChange(facet, "rationale", nullptr, &rationale);
  if (facet.changes_size() > 0) *answer.add_facets() = std::move(facet);
}

StatusOr<Side> SideOf(Facts& facts, std::string_view argument, const v1::EntityRef& entity) {
  RETURN_IF_ERROR(facts.CheckNamed(entity));
  Side side;
  side.entity = entity;
  side.entity.clear_role();
  ASSIGN_OR_RETURN(side.record, facts.Definition(entity));
  if (side.record == nullptr) {
    return absl::NotFoundError(Text(argument, ": no event among the first ", facts.size().value, " defines ",
                                    EntityKeyText(entity), entity.version().empty() ? "; name a version" : ""));
  }
  RETURN_IF_ERROR(Describer(facts, side).Describe());
  return side;
}

}  // namespace

Status AnswerDiff(Facts& facts, const v1::DiffQuestion& question, v1::Answer& answer) {
  if (question.x().kind() != question.y().kind()) {
    return absl::InvalidArgumentError(
        Text("y.kind: is ", question.y().kind(), " and x is a ", question.x().kind(), "; they must be of one kind"));
  }
  ASSIGN_OR_RETURN(Side x, SideOf(facts, "x", question.x()));
  ASSIGN_OR_RETURN(Side y, SideOf(facts, "y", question.y()));
  v1::DiffAnswer& filled = *answer.mutable_diff();
  *filled.mutable_x() = x.entity;
  *filled.mutable_y() = y.entity;
  ASSIGN_OR_RETURN(*filled.mutable_x_leaf(), facts.Reference(x.record->event.index));
  ASSIGN_OR_RETURN(*filled.mutable_y_leaf(), facts.Reference(y.record->event.index));
  bool different = false;
  for (const char* name : {"record", "parameters", "data", "members", "code", "soup", "metrics", "documents"}) {
    CompareFacet(name, x, y, *filled.add_facets());
    different = different || filled.facets().rbegin()->changes_size() > 0;
  }
  different |= AddEnvelopeFacet(*x.record, *y.record, filled);
  AddReason(x, y, filled);
  const bool shown = x.digests && y.digests && !x.digest_missing && !y.digest_missing;
  filled.set_verdict(different ? v1::DiffAnswer::DIFFERENT
                     : shown   ? v1::DiffAnswer::IDENTICAL
                               : v1::DiffAnswer::NO_RECORDED_DIFFERENCE);
  if (!different && shown && (x.digest_weak || y.digest_weak)) {
    answer.add_notes("that the bytes are identical rests on weak digests (MD5 or SHA-1), which a forger can match");
  }
  return OkStatus();
}

}  // namespace anamnesis
