#include "ledger/query/configuration.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "anamnesis/v1/vocabulary_device.pb.h"
#include "ledger/crypto/sha256.h"
#include "ledger/query/circumstances.h"
#include "ledger/query/citation.h"
#include "ledger/query/configuration_difference.h"
#include "ledger/query/events.h"
#include "ledger/query/facts.h"
#include "ledger/query/item_history.h"
#include "ledger/query/nonconformity.h"
#include "ledger/state/configuration.h"
#include "ledger/state/edges.h"
#include "ledger/state/timeline.h"

namespace anamnesis {
namespace {

// The measurement that an answer uses, and when it holds.
struct Measurement {
  TimelineEntry entry;
  v1::ConfigurationAttested body;
  bool covers = false;
};

bool Covers(const Measurement& measurement, Timestamp at) {
  const v1::ConfigurationAttested& body = measurement.body;
  if (body.covered_until_us() == 0) return measurement.entry.earliest == at && measurement.entry.latest == at;
  return body.covered_from_us() <= at.us && at.us < body.covered_until_us();
}

class Builder {
 public:
  Builder(const RowReader& rows, std::string_view unit, Timestamp at, TreeSize size)
      : rows_(rows), unit_(unit), at_(at), size_(size) {}

  StatusOr<v1::Configuration> Build(bool with_histories);

 private:
  StatusOr<TimelineAnswer> Ask(std::string_view surface) const {
    return AskTimeline(rows_, TimelineId(unit_, surface), at_, size_);
  }
  StatusOr<v1::LeafReference> Cite(const TimelineEntry& entry);
  void SetUnitState(const TimelineAnswer& whole);
  Status AddSurface(const std::string& surface, const TimelineAnswer& whole);
  Status SettleCertain(const TimelineEntry& entry, v1::ConfigurationItem& item);
  Status ListPossibilities(const TimelineAnswer& answer, v1::ConfigurationItem& item);
  StatusOr<v1::EntityRef> ItemOf(const TimelineEntry& entry, std::string_view surface) const;
  StatusOr<std::optional<Measurement>> FindMeasurement() const;
  StatusOr<Measurement> LoadMeasurement(const TimelineEntry& entry) const;
  Status Compare(const Measurement& measurement);
  Status CompareSurface(const Measurement& measurement, const v1::MeasuredItem& measured, v1::MeasuredSurface& result);
  // What has the measured digest; with a note, and no kind, when the ledger knows nothing that has.
  StatusOr<v1::EntityRef> Identify(const v1::MeasuredItem& measured);
  Status Infer(const v1::MeasuredItem& measured, v1::ConfigurationItem& item);
  Status AddItems(bool with_histories);
  void SetDigest();

  const RowReader& rows_;
  const std::string unit_;
  const Timestamp at_;
  const TreeSize size_;
  v1::Configuration result_;
  // By surface; what each item's place in the timeline is.
  std::map<std::string, v1::ConfigurationItem> items_;
  std::map<std::string, TimelineEntry> certain_;
  std::set<uint64_t> leaves_;
};

StatusOr<v1::LeafReference> Builder::Cite(const TimelineEntry& entry) {
  leaves_.insert(entry.source.value);
  ASSIGN_OR_RETURN(v1::LeafReference reference, CiteEvent(rows_, entry.source));
  if (entry.evidence != entry.source) {
    leaves_.insert(entry.evidence.value);
    *reference.mutable_occurred_earliest() = ToProtoTime(entry.earliest);
    *reference.mutable_occurred_latest() = ToProtoTime(entry.latest);
    result_.add_notes(CorrectedTimeNote(entry.source, entry.evidence));
  }
  return reference;
}

void Builder::SetUnitState(const TimelineAnswer& whole) {
  bool in_service = false;
  bool decommissioned = false;
  for (const TimelineEntry& entry : whole.candidates) {
    (entry.effect == Effect::kDecommissioned ? decommissioned : in_service) = true;
  }
  if (in_service == decommissioned) {
    result_.set_unit_state(in_service ? v1::UNIT_UNCERTAIN : v1::UNIT_UNKNOWN);
  } else if (!whole.certain.has_value()) {
    result_.set_unit_state(v1::UNIT_UNCERTAIN);
  } else {
    result_.set_unit_state(in_service ? v1::UNIT_IN_SERVICE : v1::UNIT_DECOMMISSIONED);
  }
}

StatusOr<v1::EntityRef> Builder::ItemOf(const TimelineEntry& entry, std::string_view surface) const {
  ASSIGN_OR_RETURN(const v1::Event event, ReadEvent(rows_, entry.source, false));
  const v1::EntityRef* item = ItemSetBy(event.header(), surface);
  if (item == nullptr) return absl::DataLossError(Text("leaf ", entry.source.value, " names no item; run fsck"));
  return *item;
}

Status Builder::SettleCertain(const TimelineEntry& entry, v1::ConfigurationItem& item) {
  item.set_confidence(v1::RECORDED);
  ASSIGN_OR_RETURN(*item.mutable_since(), Cite(entry));
  certain_[item.surface()] = entry;
  if (entry.effect == Effect::kSet) {
    ASSIGN_OR_RETURN(*item.mutable_item(), ItemOf(entry, item.surface()));
    ASSIGN_OR_RETURN(*item.mutable_nonconforming(), NonconformityOf(rows_, entry.source));
  } else if (entry.effect == Effect::kWiped) {
    item.set_confidence(v1::UNKNOWN);
    item.set_unknown_because(Text("the service recorded in leaf ", entry.source.value,
                                  " did not preserve storage, and nothing recorded since says what is there"));
  } else {
    item.set_empty(true);
  }
  return OkStatus();
}

Status Builder::ListPossibilities(const TimelineAnswer& answer, v1::ConfigurationItem& item) {
  item.set_confidence(v1::UNKNOWN);
  if (answer.candidates.empty()) {
    item.set_unknown_because("nothing known by then says what was there at that time");
    return OkStatus();
  }
  item.set_unknown_because(answer.certain.has_value()
                               ? "records overlap in time: any of the possibilities may have been the last"
                               : "what happened may have happened before or after that time");
  for (const TimelineEntry& entry : answer.candidates) {
    v1::Possibility& possibility = *item.add_possibilities();
    ASSIGN_OR_RETURN(*possibility.mutable_since(), Cite(entry));
    if (entry.effect == Effect::kSet) {
      ASSIGN_OR_RETURN(*possibility.mutable_item(), ItemOf(entry, item.surface()));
      ASSIGN_OR_RETURN(*possibility.mutable_nonconforming(), NonconformityOf(rows_, entry.source));
    } else {
      possibility.set_unknown(entry.effect == Effect::kWiped);
      possibility.set_empty(entry.effect != Effect::kWiped);
    }
  }
  if (!answer.certain.has_value()) item.add_possibilities()->set_unknown(true);
  return OkStatus();
}

Status Builder::AddSurface(const std::string& surface, const TimelineAnswer& whole) {
  ASSIGN_OR_RETURN(const TimelineAnswer part, Ask(surface));
  const TimelineAnswer answer = MergeAnswers(whole, part);
  v1::ConfigurationItem& item = items_[surface];
  item.set_surface(surface);
  const bool settled = answer.candidates.size() == 1 && answer.certain.has_value();
  return settled ? SettleCertain(*answer.certain, item) : ListPossibilities(answer, item);
}

StatusOr<Measurement> Builder::LoadMeasurement(const TimelineEntry& entry) const {
  ASSIGN_OR_RETURN(const LoadedEvent event, LoadEvent(rows_, entry.source));
  const auto* body = BodyAs<v1::ConfigurationAttested>(event.body.get());
  if (body == nullptr) return absl::DataLossError(Text("leaf ", entry.source.value, " is no measurement; run fsck"));
  Measurement measurement{entry, *body, false};
  measurement.covers = Covers(measurement, at_);
  return measurement;
}

StatusOr<std::optional<Measurement>> Builder::FindMeasurement() const {
  // A later measurement that says it covers the time is better evidence than an earlier one that doesn't.
  ASSIGN_OR_RETURN(const std::optional<TimelineEntry> next,
                   NextInTimeline(rows_, TimelineId(unit_, kMeasurements), at_, size_));
  if (next.has_value()) {
    ASSIGN_OR_RETURN(Measurement measurement, LoadMeasurement(*next));
    if (measurement.covers) return std::optional<Measurement>(std::move(measurement));
  }
  ASSIGN_OR_RETURN(const TimelineAnswer answer, Ask(kMeasurements));
  if (!answer.certain.has_value()) return std::optional<Measurement>();
  ASSIGN_OR_RETURN(Measurement measurement, LoadMeasurement(*answer.certain));
  return std::optional<Measurement>(std::move(measurement));
}

StatusOr<v1::EntityRef> Builder::Identify(const v1::MeasuredItem& measured) {
  ASSIGN_OR_RETURN(const std::optional<LeafIndex> known, FirstWithDigest(rows_, measured.digest(), size_));
  if (known.has_value()) {
    ASSIGN_OR_RETURN(const LoadedEvent event, LoadEvent(rows_, *known));
    for (const v1::EntityRef& ref : event.header.fields.refs()) {
      if (!ref.has_digest() || ref.digest().algorithm() != measured.digest().algorithm() ||
          ref.digest().value() != measured.digest().value()) {
        continue;
      }
      leaves_.insert(known->value);
      return ref;
    }
  }
  v1::EntityRef unknown;
  *unknown.mutable_digest() = measured.digest();
  result_.add_notes(Text("surface ", measured.surface(), ": the measured digest ", DigestText(measured.digest()),
                         " names nothing that the ledger knows"));
  return unknown;
}

Status Builder::Infer(const v1::MeasuredItem& measured, v1::ConfigurationItem& item) {
  item.set_confidence(v1::INFERRED);
  item.clear_unknown_because();
  ASSIGN_OR_RETURN(*item.mutable_item(), Identify(measured));
  return OkStatus();
}

Status Builder::CompareSurface(const Measurement& measurement, const v1::MeasuredItem& measured,
                               v1::MeasuredSurface& result) {
  result.set_surface(measured.surface());
  *result.mutable_digest() = measured.digest();
  result.set_comparison(v1::MeasuredSurface::NOT_COMPARABLE);
  v1::ConfigurationItem& item = items_[measured.surface()];
  if (item.surface().empty()) {
    item.set_surface(measured.surface());
    item.set_confidence(v1::UNKNOWN);
  }
  const auto certain = certain_.find(measured.surface());
  // A measurement from before the last change says nothing about what came after it, unless it covers the time.
  const bool fresh =
      measurement.covers || certain == certain_.end() || measurement.entry.earliest >= certain->second.latest;
  if (!fresh) return OkStatus();
  if (item.confidence() == v1::UNKNOWN) {
    const bool overlapping = item.possibilities_size() > 0 && !measurement.covers;
    return overlapping ? OkStatus() : Infer(measured, item);
  }
  if (!item.has_item() || !item.item().has_digest() ||
      item.item().digest().algorithm() != measured.digest().algorithm()) {
    if (!item.empty()) return OkStatus();
  } else if (item.item().digest().value() == measured.digest().value()) {
    result.set_comparison(v1::MeasuredSurface::AGREES);
    item.set_confidence(v1::ATTESTED);
    return OkStatus();
  }
  result.set_comparison(v1::MeasuredSurface::DISAGREES);
  item.set_confidence(v1::UNKNOWN);
  item.set_unknown_because(Text("the unit measured ", DigestText(measured.digest()), " (leaf ",
                                measurement.entry.source.value, "), which is not what is recorded"));
  v1::Possibility& recorded = *item.add_possibilities();
  if (item.has_item()) *recorded.mutable_item() = item.item();
  recorded.mutable_nonconforming()->Swap(item.mutable_nonconforming());
  recorded.set_empty(item.empty());
  *recorded.mutable_since() = item.since();
  ASSIGN_OR_RETURN(*item.add_possibilities()->mutable_item(), Identify(measured));
  item.clear_item();
  item.set_empty(false);
  return OkStatus();
}

Status Builder::Compare(const Measurement& measurement) {
  v1::Attestation& attestation = *result_.mutable_attestation();
  ASSIGN_OR_RETURN(*attestation.mutable_leaf(), Cite(measurement.entry));
  attestation.set_method(measurement.body.method());
  attestation.set_covers_time(measurement.covers);
  for (const v1::MeasuredItem& measured : measurement.body.measured()) {
    RETURN_IF_ERROR(CompareSurface(measurement, measured, *attestation.add_measured()));
  }
  return OkStatus();
}

Status Builder::AddItems(bool with_histories) {
  for (auto& [surface, item] : items_) {
    if (with_histories && item.has_item() && !item.item().kind().empty()) {
      ASSIGN_OR_RETURN(*item.mutable_history(), HistoryOf(rows_, item.item(), size_, leaves_));
    }
    *result_.add_items() = item;
  }
  return OkStatus();
}

void Builder::SetDigest() {
  Sha256Hasher hasher;
  const std::string_view zero("\0", 1);
  for (const v1::ConfigurationItem& item : result_.items()) {
    if (item.confidence() == v1::UNKNOWN) return;
    if (!item.has_item()) continue;
    const v1::EntityRef& ref = item.item();
    const std::string digest = ref.has_digest() ? DigestText(ref.digest()) : "";
    for (std::string_view part :
         {std::string_view(item.surface()), std::string_view(ref.kind()), std::string_view(ref.id()),
          std::string_view(ref.version()), std::string_view(digest)}) {
      hasher.Update(part);
      hasher.Update(zero);
    }
  }
  result_.set_configuration_digest(hasher.Finish().bytes());
}

StatusOr<v1::Configuration> Builder::Build(bool with_histories) {
  result_.set_tree_size(size_.value);
  if (size_.value > 0) {
    ASSIGN_OR_RETURN(const Timestamp known, RecordedAt(rows_, LeafIndex(size_.value - 1)));
    *result_.mutable_known() = ToProtoTime(known);
  }
  ASSIGN_OR_RETURN(const TimelineAnswer whole, Ask(kWholeUnit));
  SetUnitState(whole);
  if (whole.certain.has_value()) {
    ASSIGN_OR_RETURN(*result_.mutable_unit_since(), Cite(*whole.certain));
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> surfaces, SurfacesOf(rows_, unit_, size_));
  for (const std::string& surface : surfaces) RETURN_IF_ERROR(AddSurface(surface, whole));
  ASSIGN_OR_RETURN(const std::optional<Measurement> measurement, FindMeasurement());
  if (measurement.has_value()) RETURN_IF_ERROR(Compare(*measurement));
  if (whole.candidates.empty()) {
    result_.add_notes("nothing known by then says that the unit was commissioned by that time");
  }
  RETURN_IF_ERROR(AddItems(with_histories));
  if (!whole.candidates.empty()) SetDigest();
  for (uint64_t leaf : leaves_) result_.add_leaves(leaf);
  return std::move(result_);
}

// What was known at a time lacks nothing once something was recorded since: whatever comes now was not known then.
bool IsClosed(TreeSize size, const ViewPoint& point) {
  return point.known_at.has_value() && *point.known_at >= point.at && point.known < size;
}

// With all that is said of it. Of a time after everything that is known, a view says only what nothing has changed so
// far; of a size it says the same however much was recorded since, so that an export can be made again.
StatusOr<v1::Configuration> ViewAt(const RowReader& rows, TreeSize size, const std::string& unit,
                                   const ViewPoint& point) {
  ASSIGN_OR_RETURN(v1::Configuration view, ConfigurationAt(rows, unit, point.at, point.known));
  RETURN_IF_ERROR(AddCircumstances(rows, unit, point.at, view));
  if (point.known.value == 0 || IsClosed(size, point)) return view;
  ASSIGN_OR_RETURN(const Timestamp last, RecordedAt(rows, LeafIndex(point.known.value - 1)));
  if (point.at > last) {
    view.add_notes(Text("the last event known was recorded at ", FormatTime(last),
                        ", before the time asked about: what happens in between is not known yet"));
  }
  return view;
}

Status SetKnownSize(uint64_t known, TreeSize size, std::string_view field, ViewPoint& point) {
  if (known > size.value) {
    return absl::OutOfRangeError(Text(field, ": ", known, " is more than the ledger's ", size.value, " events"));
  }
  point.known = TreeSize(known);
  point.known_at.reset();
  return OkStatus();
}

Status SetKnownAt(const RowReader& rows, Timestamp time, TreeSize size, ViewPoint& point) {
  ASSIGN_OR_RETURN(point.known, SizeKnownAt(rows, size, time));
  point.known_at = time;
  return OkStatus();
}

StatusOr<ViewPoint> PointAskedFor(const RowReader& rows, TreeSize size, const v1::GetConfigurationRequest& request) {
  ViewPoint point{kTimestampMin, size, std::nullopt};
  ASSIGN_OR_RETURN(point.at, FromProtoTime(request.at(), "at"));
  if (request.has_known_size()) {
    RETURN_IF_ERROR(SetKnownSize(request.known_size(), size, "known_size", point));
  } else if (request.has_known_time()) {
    ASSIGN_OR_RETURN(const Timestamp time, FromProtoTime(request.known_time(), "known_time"));
    RETURN_IF_ERROR(SetKnownAt(rows, time, size, point));
  }
  return point;
}

bool IsComparison(const v1::GetConfigurationRequest& request) {
  return request.has_compare_at() || request.compare_known_case() != v1::GetConfigurationRequest::COMPARE_KNOWN_NOT_SET;
}

// Without anything said: as known at the time asked about, unless the request says what was known.
StatusOr<std::optional<ViewPoint>> PointToCompareWith(const RowReader& rows, TreeSize size,
                                                      const v1::GetConfigurationRequest& request, ViewPoint now) {
  if (IsComparison(request)) {
    if (request.has_compare_at()) {
      ASSIGN_OR_RETURN(now.at, FromProtoTime(request.compare_at(), "compare_at"));
    }
    if (request.has_compare_known_size()) {
      RETURN_IF_ERROR(SetKnownSize(request.compare_known_size(), size, "compare_known_size", now));
    } else if (request.has_compare_known_time()) {
      ASSIGN_OR_RETURN(const Timestamp time, FromProtoTime(request.compare_known_time(), "compare_known_time"));
      RETURN_IF_ERROR(SetKnownAt(rows, time, size, now));
    }
    return now;
  }
  if (request.known_case() != v1::GetConfigurationRequest::KNOWN_NOT_SET) return std::nullopt;
  RETURN_IF_ERROR(SetKnownAt(rows, now.at, size, now));
  return now;
}

}  // namespace

StatusOr<std::string> WhyUnrecorded(const RowReader& rows, TreeSize size, const std::string& unit) {
  v1::EntityRef entity;
  entity.set_kind("device_unit");
  entity.set_id(unit);
  ASSIGN_OR_RETURN(const bool recorded, Facts(rows, size).IsNamed(entity));
  if (recorded) return std::string();
  return Text("nothing is recorded of device_unit:", unit,
              "; see that its id is right: `anamnesis where` lists the units of what runs on them");
}

StatusOr<v1::Configuration> ConfigurationAt(const RowReader& rows, std::string_view unit, Timestamp at, TreeSize size) {
  return Builder(rows, unit, at, size).Build(true);
}

StatusOr<v1::Configuration> RunningAt(const RowReader& rows, std::string_view unit, Timestamp at, TreeSize size) {
  return Builder(rows, unit, at, size).Build(false);
}

StatusOr<v1::ConfigurationAnswer> AnswerConfiguration(const RowReader& rows, std::string_view origin, TreeSize size,
                                                      const v1::GetConfigurationRequest& request) {
  if (request.unit().empty()) return absl::InvalidArgumentError("unit: is required");
  if (!request.has_at()) return absl::InvalidArgumentError("at: is required, for example 2026-11-21T14:03:07Z");
  ASSIGN_OR_RETURN(const ViewPoint now, PointAskedFor(rows, size, request));
  ASSIGN_OR_RETURN(const std::optional<ViewPoint> then, PointToCompareWith(rows, size, request, now));
  v1::ConfigurationAnswer answer;
  answer.set_origin(std::string(origin));
  answer.set_unit(request.unit());
  *answer.mutable_at() = request.at();
  ASSIGN_OR_RETURN(*answer.mutable_now_known(), ViewAt(rows, size, request.unit(), now));
  ASSIGN_OR_RETURN(const std::string unrecorded, WhyUnrecorded(rows, size, request.unit()));
  if (!unrecorded.empty()) answer.mutable_now_known()->add_notes(unrecorded);
  if (!then.has_value()) return answer;
  ASSIGN_OR_RETURN(*answer.mutable_then_known(), ViewAt(rows, size, request.unit(), *then));
  if (!unrecorded.empty()) answer.mutable_then_known()->add_notes(unrecorded);
  if (IsComparison(request)) *answer.mutable_compared_at() = ToProtoTime(then->at);
  RETURN_IF_ERROR(AddDifferences(rows, *then, now, answer));
  return answer;
}

}  // namespace anamnesis
