#include "ledger/query/configuration.h"

#include <algorithm>
#include <map>
#include <set>

#include "anamnesis/v1/vocabulary_device.pb.h"
#include "ledger/crypto/sha256.h"
#include "ledger/query/events.h"
#include "ledger/query/item_history.h"
#include "ledger/state/configuration.h"
#include "ledger/state/corrections.h"
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
    result_.add_notes(Text("the time of leaf ", entry.source.value, " is the one that leaf ", entry.evidence.value,
                           " corrected it to"));
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

// --- The difference of two views ---

std::string ItemText(const v1::ConfigurationItem* item) {
  if (item == nullptr) return "not known to exist";
  if (item->confidence() == v1::UNKNOWN) return Text("unknown: ", item->unknown_because());
  if (!item->has_item()) return "nothing";
  std::string text = item->item().kind().empty() ? "unnamed item" : EntityText(item->item());
  if (item->item().has_digest()) text += Text(" ", DigestText(item->item().digest()));
  if (item->confidence() == v1::ATTESTED) text += " (attested)";
  if (item->confidence() == v1::INFERRED) text += " (inferred from a measurement)";
  return text;
}

const v1::ConfigurationItem* FindItem(const v1::Configuration& configuration, const std::string& surface) {
  for (const v1::ConfigurationItem& item : configuration.items()) {
    if (item.surface() == surface) return &item;
  }
  return nullptr;
}

// The leaves recorded between the two views that either view's statement about the surface rests on or was changed by.
StatusOr<std::set<uint64_t>> Because(const RowReader& rows, const v1::Configuration& then_view,
                                     const v1::Configuration& now_view, const v1::ConfigurationItem* then_item,
                                     const v1::ConfigurationItem* now_item) {
  std::set<uint64_t> because;
  const auto add = [&](uint64_t index) {
    if (index >= then_view.tree_size() && index < now_view.tree_size()) because.insert(index);
  };
  const auto add_with_corrections = [&](const v1::LeafReference& leaf) -> Status {
    if (leaf.event_id().empty()) return OkStatus();
    add(leaf.index());
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> correctors, CorrectorsOf(rows, LeafIndex(leaf.index())));
    for (LeafIndex corrector : correctors) {
      add(corrector.value);
      ASSIGN_OR_RETURN(const std::vector<LeafIndex> nested, CorrectorsOf(rows, corrector));
      for (LeafIndex index : nested) add(index.value);
    }
    return OkStatus();
  };
  for (const v1::ConfigurationItem* item : {then_item, now_item}) {
    if (item == nullptr) continue;
    RETURN_IF_ERROR(add_with_corrections(item->since()));
    for (const v1::Possibility& possibility : item->possibilities()) {
      RETURN_IF_ERROR(add_with_corrections(possibility.since()));
    }
  }
  for (const v1::Configuration* view : {&then_view, &now_view}) {
    RETURN_IF_ERROR(add_with_corrections(view->unit_since()));
    RETURN_IF_ERROR(add_with_corrections(view->attestation().leaf()));
  }
  return because;
}

Status AddDifferences(const RowReader& rows, v1::ConfigurationAnswer& answer) {
  const v1::Configuration& then_view = answer.then_known();
  const v1::Configuration& now_view = answer.now_known();
  std::set<std::string> surfaces;
  for (const auto& item : then_view.items()) surfaces.insert(item.surface());
  for (const auto& item : now_view.items()) surfaces.insert(item.surface());
  for (const std::string& surface : surfaces) {
    const v1::ConfigurationItem* then_item = FindItem(then_view, surface);
    const v1::ConfigurationItem* now_item = FindItem(now_view, surface);
    const std::string then_text = ItemText(then_item);
    const std::string now_text = ItemText(now_item);
    if (then_text == now_text) continue;
    v1::ConfigurationDifference& difference = *answer.add_differences();
    difference.set_surface(surface);
    difference.set_then_text(then_text);
    difference.set_now_text(now_text);
    ASSIGN_OR_RETURN(const std::set<uint64_t> because, Because(rows, then_view, now_view, then_item, now_item));
    for (uint64_t index : because) {
      ASSIGN_OR_RETURN(*difference.add_because(), CiteEvent(rows, LeafIndex(index)));
    }
  }
  return OkStatus();
}

}  // namespace

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
  ASSIGN_OR_RETURN(const Timestamp at, FromProtoTime(request.at(), "at"));
  v1::ConfigurationAnswer answer;
  answer.set_origin(std::string(origin));
  answer.set_unit(request.unit());
  *answer.mutable_at() = request.at();
  TreeSize known = size;
  if (request.has_known_size()) {
    if (request.known_size() > size.value) {
      return absl::OutOfRangeError(
          Text("known_size: ", request.known_size(), " is more than the ledger's ", size.value, " events"));
    }
    known = TreeSize(request.known_size());
  } else if (request.has_known_time()) {
    ASSIGN_OR_RETURN(const Timestamp time, FromProtoTime(request.known_time(), "known_time"));
    ASSIGN_OR_RETURN(known, SizeKnownAt(rows, size, time));
  } else {
    ASSIGN_OR_RETURN(const TreeSize then_size, SizeKnownAt(rows, size, at));
    ASSIGN_OR_RETURN(*answer.mutable_then_known(), ConfigurationAt(rows, request.unit(), at, then_size));
  }
  ASSIGN_OR_RETURN(*answer.mutable_now_known(), ConfigurationAt(rows, request.unit(), at, known));
  if (answer.has_then_known()) RETURN_IF_ERROR(AddDifferences(rows, answer));
  return answer;
}

}  // namespace anamnesis
