#include <algorithm>
#include <functional>

#include "absl/strings/str_join.h"
#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/event/names.h"
#include "ledger/query/ask.h"
#include "ledger/query/message_fields.h"
#include "ledger/query/place_in_time.h"
#include "ledger/query/vague_text.h"

namespace anamnesis {
namespace {

// What was recorded of a dataset version: each fact with what states it.
class DatasetFacts {
 public:
  static StatusOr<DatasetFacts> Load(Facts& facts, const v1::EntityRef& dataset) {
    DatasetFacts loaded;
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> indexes, facts.About(dataset, "dataset", kQuestionEventsMax));
    std::vector<const Fact*> events;
    for (const LeafIndex index : indexes) {
      ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
      if (fact->counts()) events.push_back(fact);
    }
    // The last that was curated, sealed or annotated is what holds.
    std::sort(events.begin(), events.end(), StandsEarlier);
    for (const Fact* fact : events) RETURN_IF_ERROR(loaded.Take(facts, *fact));
    return loaded;
  }

  bool empty() const { return curated_ == nullptr && sealed_ == nullptr && annotated_.empty(); }

  void Answer(v1::SpecificityAnswer& answer) const {
    AddFact(answer, "site", Sites(), acquired_.empty() ? Of(curated_) : acquired_);
    AddFact(answer, "period", Period(), acquired_.empty() ? Of(curated_) : acquired_);
    AddFact(answer, "sampling", Sampling(), acquired_.empty() ? Of(curated_) : acquired_);
    AddFact(answer, "inclusion_criteria", Inclusion(), Of(curated_));
    AddFact(answer, "exclusion_criteria_with_counts", Exclusion(), Of(curated_));
    AddFact(answer, "record_count", Records(), sealed_ != nullptr ? Of(sealed_) : Of(curated_));
    AddFact(answer, "curator", Curator(), Of(curated_));
    AddFact(answer, "annotators", Annotators(), annotated_);
    AddFact(answer, "agreement_achieved", Agreement(), annotated_);
    answer.set_specific(answer.missing().empty());
  }

 private:
  // A fact as text, or why it is none.
  struct Found {
    std::string text;
    bool present = false;
  };
  static Found Yes(std::string text) { return {std::move(text), true}; }
  static Found No(std::string why) { return {std::move(why), false}; }

  Status Take(Facts& facts, const Fact& fact) {
    if (fact.body<v1::DatasetCurated>() != nullptr) {
      curated_ = &fact;
      RETURN_IF_ERROR(TakeSources(facts, fact));
    }
    if (fact.body<v1::DatasetSealed>() != nullptr) sealed_ = &fact;
    if (fact.body<v1::AnnotationCompleted>() != nullptr) annotated_.push_back(&fact);
    return OkStatus();
  }

  // What the acquisitions say that the curated data comes from.
  Status TakeSources(Facts& facts, const Fact& fact) {
    acquired_.clear();
    unrecorded_.clear();
    for (const v1::EntityRef& ref : fact.header().refs()) {
      if (ref.kind() != "acquisition") continue;
      ASSIGN_OR_RETURN(const std::vector<const Fact*> found,
                       facts.OfType(ref, "acquisition", "data.acquired", kQuestionEventsMax));
      acquired_.insert(acquired_.end(), found.begin(), found.end());
      if (found.empty()) unrecorded_ = EntityKeyText(ref);
    }
    return OkStatus();
  }

  const v1::DatasetCurated* curated() const {
    return curated_ == nullptr ? nullptr : curated_->body<v1::DatasetCurated>();
  }

  static std::vector<const Fact*> Of(const Fact* fact) {
    return fact == nullptr ? std::vector<const Fact*>() : std::vector<const Fact*>{fact};
  }

  // The data's own: of a curation, or of every acquisition that it comes from. What only some of them state says
  // nothing of the rest.
  template <typename State>
  Found OfEachAcquisition(std::string_view what, const State& state) const {
    std::set<std::string> stated;
    for (const Fact* fact : acquired_) {
      const std::string text = state(*fact);
      if (text.empty()) return No(Text(Name(*fact), " states no ", what));
      stated.insert(text);
    }
    if (!unrecorded_.empty()) return No(Text("nothing is recorded of ", unrecorded_));
    return stated.empty() ? No("") : Yes(absl::StrJoin(stated, ", "));
  }

  static std::string Name(const Fact& acquired) {
    return EntityKeyText(*FindReference(acquired.header(), "acquisition"));
  }

  static std::string SiteOf(const Fact& fact) {
    for (const v1::EntityRef& ref : fact.header().refs()) {
      if (ref.kind() == "site") return ref.id();
    }
    return "";
  }

  Found Sites() const {
    Found found = OfEachAcquisition("site", SiteOf);
    if (found.present) return found;
    const std::string own = curated_ == nullptr ? "" : SiteOf(*curated_);
    if (!own.empty()) return Yes(own);
    if (!found.text.empty()) return found;
    const bool vague = curated() != nullptr && IsVague(curated()->source());
    if (vague) return No(Text("\"", curated()->source(), "\" names no site"));
    return No("no reference to a site, of the curation or of its acquisitions");
  }

  Found Period() const {
    const Found found = OfEachAcquisition("period", [](const Fact& fact) -> std::string {
      const auto* body = fact.body<v1::DataAcquired>();
      return body == nullptr ? "" : PeriodText(body->period_from_us(), body->period_until_us());
    });
    if (found.present) return found;
    if (curated() != nullptr && curated()->period_from_us() != 0 && curated()->period_until_us() != 0) {
      return Yes(PeriodText(curated()->period_from_us(), curated()->period_until_us()));
    }
    return found.text.empty() ? No("no period that the data is from") : found;
  }

  static std::string PeriodText(int64_t from_us, int64_t until_us) {
    return Text("from ", FormatTime(Timestamp(from_us)), " until ", FormatTime(Timestamp(until_us)));
  }

  Found Sampling() const {
    const Found found = OfEachAcquisition("sampling", [](const Fact& fact) -> std::string {
      const auto* body = fact.body<v1::DataAcquired>();
      return body == nullptr ? "" : v1::DataAcquired::Sampling_Name(body->sampling());
    });
    if (found.present) return found;
    const bool stated = curated() != nullptr && curated()->sampling() != v1::DataAcquired::SAMPLING_UNSPECIFIED;
    if (stated) return Yes(v1::DataAcquired::Sampling_Name(curated()->sampling()));
    return found.text.empty() ? No("neither consecutive, random nor purposive") : found;
  }

  Found Inclusion() const {
    if (curated() == nullptr || curated()->inclusion().empty()) return No("no inclusion criterion");
    for (const std::string& text : curated()->inclusion()) {
      if (IsVague(text)) return No(Text("\"", text, "\" states no criterion"));
    }
    return Yes(Text(curated()->inclusion_size(), " criteria, the first: ", curated()->inclusion(0)));
  }

  Found Exclusion() const {
    if (curated() == nullptr || curated()->exclusion().empty()) return No("no exclusion criterion");
    uint64_t excluded = 0;
    for (const v1::ExclusionCriterion& criterion : curated()->exclusion()) {
      if (IsVague(criterion.text())) return No(Text("\"", criterion.text(), "\" states no criterion"));
      excluded += criterion.excluded();
    }
    if (excluded == 0 && curated()->records_in() == 0) {
      return No("criteria without counts: neither how many records there were nor how many each excluded");
    }
    const bool counted = curated()->records_in() == 0 || curated()->records_in() == curated()->records_out() + excluded;
    if (!counted) {
      return No(Text(curated()->records_in(), " records in and ", curated()->records_out(), " out, but ", excluded,
                     " excluded"));
    }
    return Yes(Text(curated()->exclusion_size(), " criteria, ", excluded, " excluded"));
  }

  Found Records() const {
    const auto* sealed = sealed_ == nullptr ? nullptr : sealed_->body<v1::DatasetSealed>();
    if (sealed != nullptr) return Yes(Text(sealed->records(), " records, sealed"));
    const bool counted = curated() != nullptr && curated()->records_out() > 0;
    return counted ? Yes(Text(curated()->records_out(), " records")) : No("no number of records");
  }

  Found Curator() const {
    const v1::EntityRef* curator = curated_ == nullptr ? nullptr : FindReference(curated_->header(), "curator");
    return curator != nullptr ? Yes(EntityKeyText(*curator)) : No("nobody is named who selected the data");
  }

  Found Annotators() const {
    std::set<std::string> names;
    for (const Fact* fact : annotated_) {
      for (const v1::EntityRef& ref : fact->header().refs()) {
        if (ref.role() == "annotator") names.insert(EntityKeyText(ref));
      }
    }
    std::string text;
    for (const std::string& name : names) text += Text(text.empty() ? "" : ", ", name);
    return names.empty() ? No("no annotation round names its annotators") : Yes(std::move(text));
  }

  Found Agreement() const {
    if (annotated_.empty()) return No("no annotation round states what agreement was achieved");
    const auto* body = annotated_.back()->body<v1::AnnotationCompleted>();
    return Yes(Text(body->achieved(), " ", v1::AnnotationCompleted::AgreementMetric_Name(body->metric()),
                    body->target_finding().empty() ? "" : " on ", body->target_finding(), ", required ",
                    body->required()));
  }

  static void AddFact(v1::SpecificityAnswer& answer, std::string_view name, const Found& found,
                      const std::vector<const Fact*>& from) {
    v1::SpecificityAnswer::RequiredFact& fact = *answer.add_facts();
    fact.set_name(std::string(name));
    fact.set_present(found.present);
    fact.set_text(found.text);
    for (const Fact* one : from) fact.add_leaves(one->event.index.value);
    if (!found.present) answer.add_missing(std::string(name));
  }

  const Fact* curated_ = nullptr;
  const Fact* sealed_ = nullptr;
  std::vector<const Fact*> acquired_;
  // An acquisition of which nothing is recorded; empty when there is none.
  std::string unrecorded_;
  std::vector<const Fact*> annotated_;
};

// Within what an event's time must be known to say when it happened.
constexpr int64_t kWhenMax = int64_t{24} * 3600 * 1'000'000;

void AddFactOfEvent(std::string_view name, bool present, std::string text, const Fact& fact,
                    v1::SpecificityAnswer& answer) {
  v1::SpecificityAnswer::RequiredFact& added = *answer.add_facts();
  added.set_name(std::string(name));
  added.set_present(present);
  added.set_text(std::move(text));
  added.add_leaves(fact.event.index.value);
  if (!present) answer.add_missing(std::string(name));
}

// One event of whatever type: when, about what, by whom, why where its type asks why, and no text that only sounds like
// a statement.
Status AnswerForLeaf(Facts& facts, LeafIndex index, v1::SpecificityAnswer& answer) {
  ASSIGN_OR_RETURN(const Fact* fact, facts.At(index));
  facts.Cite(index);
  const bool when = fact->latest().us - fact->earliest().us <= kWhenMax;
  AddFactOfEvent(
      "time", when,
      Text(when ? "" : "only ", "from ", FormatTime(fact->earliest()), " until ", FormatTime(fact->latest())), *fact,
      answer);
  const auto& refs = fact->header().refs();
  AddFactOfEvent("subject", !refs.empty(), refs.empty() ? "it names nothing" : EntityKeyText(refs[0]), *fact, answer);
  const v1::Agent& actor = fact->header().actor();
  AddFactOfEvent("author", true, Text(actor.kind(), ":", actor.id()), *fact, answer);
  const std::string& rationale = fact->header().rationale();
  if (fact->event.type->options->rationale_required() || !rationale.empty()) {
    const bool says_why = !rationale.empty() && !IsVague(rationale);
    AddFactOfEvent("rationale", says_why, rationale.empty() ? "none" : rationale, *fact, answer);
  }
  if (fact->event.body == nullptr) {
    AddFactOfEvent("body", false, "its content was erased", *fact, answer);
  } else {
    for (const auto& [name, value] : FieldTextsOf(*fact->event.body)) {
      if (IsVague(value)) {
        AddFactOfEvent(Text("body.", name), false, Text("\"", value, "\" states nothing"), *fact, answer);
      }
    }
  }
  answer.set_specific(answer.missing().empty());
  return OkStatus();
}

}  // namespace

Status AnswerSpecificity(Facts& facts, const v1::SpecificityQuestion& question, v1::Answer& answer) {
  if (question.has_leaf()) return AnswerForLeaf(facts, LeafIndex(question.leaf()), *answer.mutable_specificity());
  if (question.record().kind() != "dataset" || question.record().id().empty()) {
    return absl::InvalidArgumentError(Text("specificity.record: \"", EntityKeyText(question.record()),
                                           "\" is no dataset; give dataset:ID@VERSION, or the leaf of one event"));
  }
  if (question.record().version().empty()) {
    return absl::InvalidArgumentError(Text("specificity.record: of ", EntityKeyText(question.record()),
                                           " each version states its own facts; give dataset:ID@VERSION"));
  }
  ASSIGN_OR_RETURN(const DatasetFacts dataset, DatasetFacts::Load(facts, question.record()));
  if (dataset.empty()) {
    return absl::NotFoundError(
        Text("no curation, annotation or sealing is recorded of ", EntityKeyText(question.record())));
  }
  dataset.Answer(*answer.mutable_specificity());
  for (const v1::SpecificityAnswer::RequiredFact& fact : answer.specificity().facts()) {
    for (const uint64_t leaf : fact.leaves()) facts.Cite(LeafIndex(leaf));
  }
  return OkStatus();
}

}  // namespace anamnesis
