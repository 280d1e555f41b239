#include "ledger/state/standing_rows.h"

#include <algorithm>

#include "anamnesis/v1/vocabulary.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/event/names.h"
#include "ledger/state/entities.h"
#include "ledger/state/projection_damage.h"
#include "ledger/state/standing_times.h"

namespace anamnesis {
namespace {

using internal::StandingCertification;
using internal::StandingUnit;
using internal::StandingWork;

constexpr std::string_view kWorkRow = "SW";
// Activations of a unit whose late knowledge is remembered, the first found is forgotten first; more than the check
// looks at.
constexpr int kLateMax = 128;

std::string UnitKey(std::string_view unit) { return Text(kStandingUnitRows, unit); }
std::string CertificationKey(std::string_view id) { return Text("SR", id); }

// Empty rows hold no longer.
template <typename Message>
StatusOr<std::optional<Message>> Read(const RowFinder& rows, const std::string& key, std::string_view what) {
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kEntities, key));
  if (!value.has_value()) return std::optional<Message>();
  Message message;
  if (!message.ParseFromString(*value)) return ProjectionDamage(Text("the row of ", what, " is damaged"));
  return std::optional<Message>(std::move(message));
}

void PutIfChanged(RowOverlay& rows, std::string key, const std::optional<std::string>& before, std::string_view value) {
  if (before.has_value() ? *before != value : !value.empty())
    rows.Put(Family::kEntities, std::move(key), std::string(value));
}

Status PutMark(RowOverlay& rows, std::string key, bool holds) {
  ASSIGN_OR_RETURN(const std::optional<std::string> before, rows.Get(Family::kEntities, key));
  PutIfChanged(rows, std::move(key), before, holds ? "1" : "");
  return OkStatus();
}

void AddOnce(google::protobuf::RepeatedPtrField<std::string>& list, const std::string& value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) *list.Add() = value;
}

StatusOr<std::optional<LoadedEvent>> LoadDefinition(const RowFinder& rows, const v1::EntityRef& entity) {
  ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, LastDefinition(rows, entity));
  if (!index.has_value()) return std::optional<LoadedEvent>();
  ASSIGN_OR_RETURN(LoadedEvent event, LoadEvent(rows, *index));
  return std::optional<LoadedEvent>(std::move(event));
}

// --- Units ---

Status AddArtifact(const RowFinder& rows, const v1::EntityRef& artifact, StandingUnit& unit) {
  ASSIGN_OR_RETURN(const std::optional<LoadedEvent> produced, LoadDefinition(rows, artifact));
  const v1::EntityRef* item = produced.has_value() ? FindReference(produced->header.fields, "item") : nullptr;
  if (item == nullptr) {
    unit.set_unknown(true);
    return OkStatus();
  }
  AddOnce(*unit.mutable_items(), item->id());
  const v1::EventHeader& header = produced->header.fields;
  AddOnce(*unit.mutable_producers(), AgentText(header.actor()));
  for (const v1::EntityRef& ref : header.refs()) {
    const bool made_from = ref.kind() == "dataset" || ref.kind() == "training_run" || ref.kind() == "model";
    if (made_from || ref.role() == "parent") unit.set_has_lineage(true);
  }
  return OkStatus();
}

void AddDeviceModel(const v1::EventHeader& commissioned, StandingUnit& unit) {
  const v1::EntityRef* model = FindReference(commissioned, "device_model");
  if (model != nullptr) AddOnce(*unit.mutable_device_models(), model->id());
}

Status MarkAny(const StandingUnit& unit, RowOverlay& rows) {
  for (const std::string& item : unit.items()) RETURN_IF_ERROR(PutMark(rows, Text(kStandingAnyRows, "i", item), true));
  for (const std::string& model : unit.device_models()) {
    RETURN_IF_ERROR(PutMark(rows, Text(kStandingAnyRows, "d", model), true));
  }
  if (unit.has_lineage()) RETURN_IF_ERROR(PutMark(rows, Text(kStandingAnyRows, "l"), true));
  if (unit.unknown()) RETURN_IF_ERROR(PutMark(rows, Text(kStandingAnyRows, "u"), true));
  return OkStatus();
}

Status FoldActivation(const RecordedEvent& event, RowOverlay& rows) {
  const v1::EventHeader& header = event.header->fields;
  const v1::EntityRef* named = FindReference(header, "unit");
  if (named == nullptr || !ActivatesArtifact(header, *event.type)) return OkStatus();
  const std::string key = UnitKey(named->id());
  ASSIGN_OR_RETURN(const std::optional<std::string> before, rows.Get(Family::kEntities, key));
  StandingUnit unit;
  if (before.has_value() && !unit.ParseFromString(*before)) {
    return ProjectionDamage(Text("the row of unit ", named->id(), " is damaged"));
  }
  for (const v1::EntityRef& ref : header.refs()) {
    if (ref.kind() == "artifact" && !ref.version().empty()) RETURN_IF_ERROR(AddArtifact(rows, ref, unit));
  }
  if (unit.device_models().empty()) {
    v1::EntityRef entity;
    entity.set_kind("device_unit");
    entity.set_id(named->id());
    ASSIGN_OR_RETURN(const std::optional<LoadedEvent> commissioned, LoadDefinition(rows, entity));
    if (commissioned.has_value()) AddDeviceModel(commissioned->header.fields, unit);
    if (unit.device_models().empty()) unit.set_unknown(true);
  }
  const std::string after = unit.SerializeAsString();
  if (before.has_value() && *before == after) return OkStatus();
  rows.Put(Family::kEntities, key, after);
  RETURN_IF_ERROR(MarkAny(unit, rows));
  ASSIGN_OR_RETURN(const bool any, AnyStandingUnit(rows));
  if (!any) rows.Put(Family::kEntities, std::string(kWorkRow), StandingWork().SerializeAsString());
  return OkStatus();
}

// What was kept of an artifact is of its first record: one that takes its place, or comes after it was taken back, may
// say otherwise.
Status FoldProduced(const RecordedEvent& event, RowOverlay& rows) {
  bool anew = !event.header->fields.corrects().empty();
  const v1::EntityRef* artifact = FindReference(event.header->fields, "artifact");
  if (!anew && artifact != nullptr) {
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> before, LastDefinition(rows, *artifact));
    anew = before.has_value();
  }
  return anew ? PutMark(rows, Text(kStandingAnyRows, "c"), true) : OkStatus();
}

Status FoldCommissioning(const RecordedEvent& event, RowOverlay& rows) {
  const std::string& id = FindReference(event.header->fields, "unit")->id();
  ASSIGN_OR_RETURN(std::optional<StandingUnit> unit, StandingUnitOf(rows, id));
  if (!unit.has_value()) return OkStatus();
  AddDeviceModel(event.header->fields, *unit);
  RETURN_IF_ERROR(MarkAny(*unit, rows));
  rows.Put(Family::kEntities, UnitKey(id), unit->SerializeAsString());
  return OkStatus();
}

// --- What the ledger recorded ---

// Changes one unit's row.
template <typename Change>
Status EditUnit(const std::string& id, RowOverlay& rows, const Change& change) {
  ASSIGN_OR_RETURN(std::optional<StandingUnit> unit, StandingUnitOf(rows, id));
  if (!unit.has_value()) unit.emplace();
  RETURN_IF_ERROR(change(*unit));
  rows.Put(Family::kEntities, UnitKey(id), unit->SerializeAsString());
  bool without_bytes = false;
  for (const StandingUnit::Hold& hold : unit->holds()) {
    for (const std::string& rule : hold.rules()) without_bytes = without_bytes || rule == "G02" || rule == "G20";
  }
  RETURN_IF_ERROR(PutMark(rows, Text(kStandingHeldRows, id), !unit->holds().empty()));
  return PutMark(rows, Text(kStandingWithoutBytesRows, id), without_bytes);
}

Status CountHold(const std::string& certification, bool placed, RowOverlay& rows) {
  if (certification.empty()) return OkStatus();
  ASSIGN_OR_RETURN(StandingCertification state, StandingCertificationOf(rows, certification));
  if (placed) {
    state.set_holds(state.holds() + 1);
  } else if (state.holds() > 0) {
    state.set_holds(state.holds() - 1);
    // The worklist's entry is done.
    if (state.holds() == 0) state.clear_required();
  }
  rows.Put(Family::kEntities, CertificationKey(certification), state.SerializeAsString());
  return OkStatus();
}

Status RemoveHold(const std::string& surface, StandingUnit& unit, RowOverlay& rows) {
  auto& holds = *unit.mutable_holds();
  for (int i = 0; i < holds.size(); ++i) {
    if (holds[i].surface() != surface) continue;
    RETURN_IF_ERROR(CountHold(holds[i].certification(), false, rows));
    holds.DeleteSubrange(i, 1);
    break;
  }
  return OkStatus();
}

Status FoldPlaced(const RecordedEvent& event, const v1::StandingHoldPlaced& body, RowOverlay& rows) {
  const v1::EntityRef* certification = FindReference(event.header->fields, "certification");
  for (const v1::StandingHoldPlaced::Unit& placed : body.units()) {
    const auto place = [&](StandingUnit& unit) -> Status {
      uint64_t instructed = 0;
      for (const StandingUnit::Hold& hold : unit.holds()) {
        const bool same = hold.surface() == placed.surface() && hold.activated() == placed.activated();
        if (same) instructed = hold.instructed();
      }
      StandingUnit::Hold hold;
      hold.set_surface(placed.surface());
      hold.set_placed(event.index.value);
      hold.set_activated(placed.activated());
      hold.set_instructed(instructed);
      for (const auto& result : body.results()) hold.add_rules(result.rule_id());
      if (certification != nullptr) hold.set_certification(certification->id());
      // Counted before the one that it takes the place of goes, so that the worklist's entry stays.
      RETURN_IF_ERROR(CountHold(hold.certification(), true, rows));
      RETURN_IF_ERROR(RemoveHold(placed.surface(), unit, rows));
      *unit.add_holds() = std::move(hold);
      return OkStatus();
    };
    RETURN_IF_ERROR(EditUnit(placed.unit(), rows, place));
  }
  return OkStatus();
}

Status FoldLifted(const v1::StandingHoldLifted& body, RowOverlay& rows) {
  for (const v1::StandingHoldLifted::Unit& lifted : body.units()) {
    RETURN_IF_ERROR(
        EditUnit(lifted.unit(), rows, [&](StandingUnit& unit) { return RemoveHold(lifted.surface(), unit, rows); }));
  }
  return OkStatus();
}

Status FoldInstructed(const RecordedEvent& event, const v1::DeactivationInstructed& body, RowOverlay& rows) {
  for (const v1::DeactivationInstructed::Unit& instructed : body.units()) {
    RETURN_IF_ERROR(EditUnit(instructed.unit(), rows, [&](StandingUnit& unit) {
      for (StandingUnit::Hold& hold : *unit.mutable_holds()) {
        if (hold.surface() == instructed.surface()) hold.set_instructed(event.index.value + 1);
      }
      return OkStatus();
    }));
  }
  return OkStatus();
}

Status FoldLate(const RecordedEvent& event, const v1::LateKnowledgeFound& body, RowOverlay& rows) {
  for (const v1::LateKnowledgeFound::Unit& found : body.units()) {
    RETURN_IF_ERROR(EditUnit(found.unit(), rows, [&](StandingUnit& unit) {
      StandingUnit::Late* late = nullptr;
      for (StandingUnit::Late& each : *unit.mutable_late()) {
        if (each.surface() == found.surface() && each.activated() == found.activated()) late = &each;
      }
      if (late == nullptr) late = unit.add_late();
      late->set_surface(found.surface());
      late->set_activated(found.activated());
      late->set_found(event.index.value);
      for (const auto& result : body.refused_as_known_now()) AddOnce(*late->mutable_rules(), result.rule_id());
      if (unit.late_size() > kLateMax) unit.mutable_late()->DeleteSubrange(0, 1);
      return OkStatus();
    }));
  }
  return OkStatus();
}

Status FoldContinued(const v1::StandingCheckContinued& body, RowOverlay& rows) {
  ASSIGN_OR_RETURN(std::optional<StandingWork> work, StandingWorkOf(rows));
  if (!work.has_value()) work.emplace();
  auto& tasks = *work->mutable_tasks();
  const bool of_times = body.after().starts_with(kTimesCursor);
  auto task = std::find_if(tasks.begin(), tasks.end(), [&](const StandingWork::Task& each) {
    const bool each_of_times = each.after().starts_with(kTimesCursor);
    if (of_times || each_of_times) return of_times && each_of_times;
    return std::equal(each.causes().begin(), each.causes().end(), body.causes().begin(), body.causes().end());
  });
  if (body.complete()) {
    if (task != tasks.end()) tasks.erase(task);
  } else {
    StandingWork::Task& changed = task != tasks.end() ? *task : *tasks.Add();
    *changed.mutable_causes() = body.causes();
    changed.set_after(body.after());
    changed.set_units(body.units());
  }
  rows.Put(Family::kEntities, std::string(kWorkRow), work->SerializeAsString());
  return OkStatus();
}

void FoldCertification(const RecordedEvent& event, const v1::CertificationIssued& body, RowOverlay& rows) {
  const std::string& id = FindReference(event.header->fields, "certification")->id();
  rows.Put(Family::kEntities, Text(kCertifiedOnRows, body.state().substrate_digest(), id), LeafKey(event.index));
}

Status FoldRequired(const RecordedEvent& event, RowOverlay& rows) {
  const std::string& id = FindReference(event.header->fields, "certification")->id();
  ASSIGN_OR_RETURN(StandingCertification state, StandingCertificationOf(rows, id));
  state.set_required(event.index.value);
  rows.Put(Family::kEntities, CertificationKey(id), state.SerializeAsString());
  return OkStatus();
}

}  // namespace

StatusOr<std::optional<StandingWork>> StandingWorkOf(const RowFinder& rows) {
  return Read<StandingWork>(rows, std::string(kWorkRow), "the standing check");
}

StatusOr<bool> AnyStandingUnit(const RowFinder& rows) {
  ASSIGN_OR_RETURN(const std::optional<std::string> work, rows.Get(Family::kEntities, kWorkRow));
  return work.has_value();
}

StatusOr<std::optional<StandingUnit>> StandingUnitOf(const RowFinder& rows, std::string_view unit) {
  return Read<StandingUnit>(rows, UnitKey(unit), Text("unit ", unit));
}

StatusOr<StandingCertification> StandingCertificationOf(const RowFinder& rows, std::string_view certification) {
  ASSIGN_OR_RETURN(
      std::optional<StandingCertification> state,
      Read<StandingCertification>(rows, CertificationKey(certification), Text("certification ", certification)));
  return state.has_value() ? *std::move(state) : StandingCertification();
}

bool ActivatesArtifact(const v1::EventHeader& header, const EventType& type) {
  if (type.body != v1::ArtifactActivated::descriptor() && type.body != v1::ArtifactRolledBack::descriptor())
    return false;
  return std::any_of(header.refs().begin(), header.refs().end(), [](const v1::EntityRef& ref) {
    return ref.kind() == "artifact" && !ref.version().empty() && (ref.role() == "artifact" || ref.role() == "restored");
  });
}

bool StandingRowsReadBody(const EventType& type) {
  return type.body == v1::CertificationIssued::descriptor() || type.body == v1::StandingHoldPlaced::descriptor() ||
         type.body == v1::StandingHoldLifted::descriptor() || type.body == v1::DeactivationInstructed::descriptor() ||
         type.body == v1::LateKnowledgeFound::descriptor() || type.body == v1::StandingCheckContinued::descriptor();
}

Status FoldStandingRows(const RecordedEvent& event, RowOverlay& rows) {
  if (event.type->body == v1::ArtifactActivated::descriptor() ||
      event.type->body == v1::ArtifactRolledBack::descriptor()) {
    return FoldActivation(event, rows);
  }
  if (event.type->body == v1::DeviceUnitCommissioned::descriptor()) return FoldCommissioning(event, rows);
  if (event.type->body == v1::ArtifactProduced::descriptor()) return FoldProduced(event, rows);
  if (event.type->body == v1::RecertificationRequired::descriptor()) return FoldRequired(event, rows);
  if (const auto* body = BodyAs<v1::CertificationIssued>(event.body)) {
    FoldCertification(event, *body, rows);
    return OkStatus();
  }
  if (const auto* body = BodyAs<v1::StandingHoldPlaced>(event.body)) return FoldPlaced(event, *body, rows);
  if (const auto* body = BodyAs<v1::StandingHoldLifted>(event.body)) return FoldLifted(*body, rows);
  if (const auto* body = BodyAs<v1::DeactivationInstructed>(event.body)) return FoldInstructed(event, *body, rows);
  if (const auto* body = BodyAs<v1::LateKnowledgeFound>(event.body)) return FoldLate(event, *body, rows);
  if (const auto* body = BodyAs<v1::StandingCheckContinued>(event.body)) return FoldContinued(*body, rows);
  return OkStatus();
}

}  // namespace anamnesis
