#include "ledger/state/dataset_rules.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/base/decimal.h"
#include "ledger/state/edges.h"
#include "ledger/state/entities.h"
#include "ledger/state/last_counting.h"
#include "ledger/state/place_in_time.h"
#include "ledger/state/rule_case.h"

namespace anamnesis {
namespace {

std::string ShortfallKey(const v1::EntityRef& dataset) { return Text('u', dataset.id(), '\0', dataset.version()); }

// The field of a seal by which it says something else of the version's members than another; empty when none does.
std::string_view SealDifference(const v1::DatasetSealed& one, const v1::DatasetSealed& other) {
  if (one.manifest_root() != other.manifest_root()) return "manifest_root";
  if (one.member_salt() != other.member_salt()) return "member_salt";
  return one.records() != other.records() ? "records" : "";
}

// A version commits to its members for good: what is a member under one root and none under another proves nothing.
Status CheckSealedBefore(const RuleCase& at, const v1::EntityRef& dataset, const v1::DatasetSealed& body) {
  const std::string prefix = TypedEdgesPrefix(dataset, at.event.type->name());
  // The seals of datasets that were made from it name it too. And where it was sealed twice alike, a correction of one
  // leaves the other.
  const auto seals_it = [&](const LoadedEvent& event) {
    if (at.header().corrects() == event.header.event_id.view()) return false;
    const v1::EntityRef& sealed = *FindReference(event.header.fields, "dataset");
    return sealed.id() == dataset.id() && sealed.version() == dataset.version();
  };
  ASSIGN_OR_RETURN(const std::optional<LeafIndex> index,
                   LastCounting(at.rows, prefix, LastEdge(prefix), TreeSize(UINT64_MAX), seals_it));
  if (!index.has_value()) return OkStatus();
  ASSIGN_OR_RETURN(const LoadedEvent earlier, LoadEvent(at.rows, *index));
  const auto* sealed = BodyAs<v1::DatasetSealed>(earlier.body.get());
  if (sealed == nullptr) return OkStatus();
  const std::string_view field = SealDifference(body, *sealed);
  if (field.empty()) return OkStatus();
  BrokenRule& broken =
      AddBroken(at.broken, {"SEALED-ONCE", Text("body.", field), v1::REFUSED, "IEC 62304 8.1.1",
                            Text("dataset \"", dataset.id(), "@", dataset.version(), "\" is sealed already at leaf ",
                                 index->value, ", with another ", field),
                            "seal a new version, or correct that seal"});
  broken.reason = v1::ENTITY_TAKEN;
  broken.existing = *index;
  broken.firmness = BrokenRule::Firmness::kAlways;
  return OkStatus();
}

// What was chosen, what was left out and why (A42).
Status CheckCriteria(const RuleCase& at, const v1::EntityRef& dataset) {
  ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, FindDefinition(at.rows, dataset));
  // Rule SEAL-CURATED says so.
  if (!index.has_value()) return OkStatus();
  ASSIGN_OR_RETURN(const LoadedEvent event, LoadEvent(at.rows, *index));
  const auto* curated = BodyAs<v1::DatasetCurated>(event.body.get());
  if (curated == nullptr) return OkStatus();
  std::string lacking;
  const auto ask = [&](bool there, std::string_view name) {
    if (!there) lacking += Text(lacking.empty() ? "" : ", ", name);
  };
  ask(curated->inclusion_size() > 0, "inclusion");
  ask(curated->exclusion_size() > 0, "exclusion");
  ask(!curated->selection_rationale().empty(), "selection_rationale");
  if (lacking.empty()) return OkStatus();
  AddBroken(at.broken, {"SEAL-CRITERIA", "header.refs", v1::REFUSED, "IEC PAS 63621:2026",
                        Text("the curation at leaf ", index->value, " lacks ", lacking),
                        "correct that dataset.curated; where nothing was excluded, give an exclusion that says so"})
      .since = *index;
  return OkStatus();
}

bool FallsShort(const v1::AnnotationCompleted& body) {
  const StatusOr<Decimal> achieved = Decimal::Parse(body.achieved());
  const StatusOr<Decimal> required = Decimal::Parse(body.required());
  return !achieved.ok() || !required.ok() || *achieved < *required;
}

constexpr std::string_view kDeviationApproved = "deviation_approved";

// Whether the decision lets the dataset's annotators agree less than they should.
bool ApprovesDeviation(const LoadedEvent& decision, const v1::EntityRef& dataset) {
  const auto* body = BodyAs<v1::DecisionRecorded>(decision.body.get());
  if (body == nullptr || body->choice() != kDeviationApproved) return false;
  const auto& refs = decision.header.fields.refs();
  return std::any_of(refs.begin(), refs.end(), [&](const v1::EntityRef& ref) {
    return ref.role() == "about" && ref.kind() == "dataset" && ref.id() == dataset.id() &&
           (ref.version().empty() || ref.version() == dataset.version());
  });
}

// Who is behind an event, as KIND "ID": its writer, whom it acts for, and who annotated. Nobody annotates or decides
// under a delegation.
std::set<std::string> Behind(const v1::EventHeader& header) {
  std::set<std::string> behind;
  const auto add = [&](const auto& who) { behind.insert(Text(who.kind(), " \"", who.id(), "\"")); };
  add(header.actor());
  if (!header.on_behalf_of().id().empty()) add(header.on_behalf_of());
  for (const v1::EntityRef& ref : header.refs()) {
    if (ref.role() == "annotator") add(ref);
  }
  return behind;
}

// Somebody who is behind the annotation and behind the decision that it names; empty when nobody is.
std::string BehindBoth(const LoadedEvent& decision, const v1::EventHeader& annotation) {
  const std::set<std::string> decided = Behind(decision.header.fields);
  const std::set<std::string> annotated = Behind(annotation);
  const auto found =
      std::find_if(decided.begin(), decided.end(), [&](const std::string& who) { return annotated.count(who) > 0; });
  return found == decided.end() ? std::string() : *found;
}

// The decision that an annotation names, when it counts; nullopt when there is none.
StatusOr<std::optional<LoadedEvent>> DecisionNamed(const RowFinder& rows, const v1::EventHeader& annotation) {
  const v1::EntityRef* approval = FindReference(annotation, "deviation_approval");
  if (approval == nullptr) return std::optional<LoadedEvent>();
  ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, FindDefinition(rows, *approval));
  if (!index.has_value()) return std::optional<LoadedEvent>();
  ASSIGN_OR_RETURN(LoadedEvent decision, LoadEvent(rows, *index));
  return std::optional<LoadedEvent>(std::move(decision));
}

// What was approved by whoever is behind an annotation that is less good than required was approved by nobody.
Status CheckAnnotation(const RuleCase& at, const v1::AnnotationCompleted& body) {
  ASSIGN_OR_RETURN(const std::optional<LoadedEvent> decision, DecisionNamed(at.rows, at.header()));
  // Rule EXISTS/deviation_approval says so, where one is named.
  if (!decision.has_value()) return OkStatus();
  const v1::EntityRef& dataset = *FindReference(at.header(), "dataset");
  const bool approves = ApprovesDeviation(*decision, dataset);
  const std::string who = FallsShort(body) ? BehindBoth(*decision, at.header()) : "";
  if (approves && who.empty()) return OkStatus();
  const std::string name =
      Text("decision \"", FindReference(at.header(), "deviation_approval")->id(), "\" at leaf ", decision->index.value);
  AddBroken(
      at.broken,
      {"ANNOTATION-DEVIATION", "header.refs", v1::REFUSED, "IEC PAS 63621:2026",
       approves ? Text(who, " is behind ", name, " and behind the annotation")
                : Text(name, " does not approve a deviation of dataset \"", dataset.id(), "@", dataset.version(), "\""),
       Text("name a decision.recorded about that dataset with the choice ", kDeviationApproved, ", by somebody else")})
      .since = decision->index;
  return OkStatus();
}

// The last annotation of the dataset that counts, of those that stand before the seal. Where none does, of all: a
// dataset is not annotated well enough by being sealed as of before that. nullopt when there is none.
StatusOr<std::optional<LoadedEvent>> LastAnnotation(const RuleCase& at, const v1::EntityRef& dataset) {
  const auto newest = [&](const std::optional<Place>& until) {
    const EventBefore before = EventsOfTypes(at.rows, RoleEdgesPrefix(dataset, "dataset"), {"annotation.completed"});
    return NewestCounting(at.rows, TreeSize(UINT64_MAX), before, until);
  };
  const Place here = PlaceInTime(at.event, Timestamp(at.header().occurred_latest_us()));
  ASSIGN_OR_RETURN(std::optional<LeafIndex> index, newest(here));
  if (!index.has_value()) {
    ASSIGN_OR_RETURN(index, newest(std::nullopt));
  }
  if (!index.has_value()) return std::optional<LoadedEvent>();
  ASSIGN_OR_RETURN(LoadedEvent annotation, LoadEvent(at.rows, *index));
  return std::optional<LoadedEvent>(std::move(annotation));
}

// Asked anew each time: an approval that was taken back since approves nothing any more.
Status CheckAgreement(const RuleCase& at, const v1::EntityRef& dataset) {
  ASSIGN_OR_RETURN(const std::optional<std::string> fell_short, at.rows.Get(Family::kEntities, ShortfallKey(dataset)));
  if (!fell_short.has_value()) return OkStatus();
  ASSIGN_OR_RETURN(const std::optional<LoadedEvent> last, LastAnnotation(at, dataset));
  const auto* body = last.has_value() ? BodyAs<v1::AnnotationCompleted>(last->body.get()) : nullptr;
  if (body == nullptr || !FallsShort(*body)) return OkStatus();
  const v1::EventHeader& annotation = last->header.fields;
  ASSIGN_OR_RETURN(const std::optional<LoadedEvent> decision, DecisionNamed(at.rows, annotation));
  const bool approved =
      decision.has_value() && ApprovesDeviation(*decision, dataset) && BehindBoth(*decision, annotation).empty();
  if (approved) return OkStatus();
  AddBroken(at.broken, {"ANNOTATION-AGREEMENT", "header.refs", v1::REFUSED, "IEC PAS 63621:2026",
                        Text("the annotation at leaf ", last->index.value, " reached less agreement than required"),
                        "annotate again, or have somebody else approve the deviation with decision.recorded and record "
                        "annotation.completed naming it"})
      .since = last->index;
  return OkStatus();
}

}  // namespace

Status CheckDatasetRules(const RecordedEvent& event, const RowFinder& rows, std::vector<BrokenRule>& broken) {
  const RuleCase at{event, rows, broken};
  if (const auto* body = BodyAs<v1::AnnotationCompleted>(event.body)) return CheckAnnotation(at, *body);
  const auto* sealed = BodyAs<v1::DatasetSealed>(event.body);
  if (sealed == nullptr) return OkStatus();
  const v1::EntityRef& dataset = *FindReference(at.header(), "dataset");
  RETURN_IF_ERROR(CheckSealedBefore(at, dataset, *sealed));
  RETURN_IF_ERROR(CheckCriteria(at, dataset));
  return CheckAgreement(at, dataset);
}

Status FoldAgreement(const RecordedEvent& event, RowOverlay& rows) {
  const auto* body = BodyAs<v1::AnnotationCompleted>(event.body);
  if (body == nullptr || !FallsShort(*body)) return OkStatus();
  rows.Put(Family::kEntities, ShortfallKey(*FindReference(event.header->fields, "dataset")), LeafKey(event.index));
  return OkStatus();
}

bool DatasetRulesReadBody(const EventType& type) {
  return type.body == v1::AnnotationCompleted::descriptor() || type.body == v1::DatasetSealed::descriptor();
}

}  // namespace anamnesis
