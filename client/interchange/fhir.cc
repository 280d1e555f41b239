#include "client/interchange/fhir.h"

#include <utility>

#include "anamnesis/v1/vocabulary_device.pb.h"
#include "anamnesis/v1/vocabulary_regulatory.pb.h"
#include "client/interchange/citation.h"
#include "client/interchange/names.h"
#include "ledger/event/vocabulary.h"
#include "ledger/query/events.h"
#include "ledger/query/item_history.h"

namespace anamnesis::interchange {
namespace {

using google::protobuf::Message;

constexpr char kVocabulary[] = "anamnesis:vocabulary/";

// FHIR's strings have no control characters but tab, line feed and carriage return, and none is empty.
std::string FhirText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r';
    if (control) {
      out += "\xEF\xBF\xBD";
    } else {
      out.push_back(c);
    }
  }
  return out.empty() ? "-" : out;
}

// A code: no white space but single spaces within.
Json Coding(std::string_view system, std::string_view code) {
  Json coding;
  coding["system"] = Text(kVocabulary, system);
  coding["code"] = std::string(code);
  return coding;
}

Json Concept(std::string_view system, std::string_view code) {
  Json concept_json;
  concept_json["coding"] = Json::array({Coding(system, code)});
  return concept_json;
}

Json TextConcept(std::string_view text) {
  Json concept_json;
  concept_json["text"] = FhirText(text);
  return concept_json;
}

Json Identifier(std::string system, std::string_view value) {
  Json identifier;
  identifier["system"] = std::move(system);
  identifier["value"] = FhirText(value);
  return identifier;
}

Json EntityIdentifier(std::string_view origin, std::string_view kind, std::string_view id, std::string_view version) {
  return Identifier(Text(LedgerUri(origin), "/", PercentEncoded(kind)),
                    version.empty() ? std::string(id) : Text(id, "@", version));
}

// FHIR's type of what is referred to, where it has one that fits.
std::string_view ResourceTypeOf(std::string_view kind) {
  if (kind == "person") return "Practitioner";
  if (kind == "organisation") return "Organization";
  if (kind == "device_unit" || kind == "software" || kind == "node") return "Device";
  if (kind == "site") return "Location";
  if (kind == "document") return "DocumentReference";
  return "";
}

Json LogicalReference(std::string_view origin, std::string_view kind, std::string_view id, std::string_view version) {
  Json reference;
  SetText(reference, "type", ResourceTypeOf(kind));
  reference["identifier"] = EntityIdentifier(origin, kind, id, version);
  reference["display"] = FhirText(Text(kind, " ", id, version.empty() ? "" : "@", version));
  return reference;
}

void AddToExtension(Json& extension, std::string_view url, std::string_view value) {
  Json part;
  part["url"] = std::string(url);
  part["valueString"] = std::string(value);
  extension["extension"].push_back(std::move(part));
}

// The way back to the receipt; without an event only to the ledger and its size.
Json LeafExtension(const LedgerView& view, const v1::Event* event) {
  Json extension;
  extension["url"] = "anamnesis:extension/leaf";
  AddToExtension(extension, "origin", view.origin());
  AddToExtension(extension, "treeSize", std::to_string(view.size()));
  if (event == nullptr) return extension;
  const Json citation = CitationOf(*event);
  AddToExtension(extension, "index", std::to_string(event->index()));
  AddToExtension(extension, "eventId", citation["eventId"].get<std::string>());
  AddToExtension(extension, "leafSha256", citation["leafSha256"].get<std::string>());
  return extension;
}

// --- Provenance ---

// `device` is the Device in the Bundle that stands for `unit`; both empty where there is none.
struct InBundle {
  std::string unit;
  std::string device;
};

Json ReferenceTo(const LedgerView& view, const v1::EntityRef& ref, const InBundle& in_bundle) {
  if (ref.kind() != "device_unit" || ref.id() != in_bundle.unit || in_bundle.unit.empty()) {
    return LogicalReference(view.origin(), ref.kind(), ref.id(), ref.version());
  }
  Json reference;
  reference["reference"] = "urn:uuid:" + in_bundle.device;
  reference["type"] = "Device";
  return reference;
}

// What the event is about: what it defines, and units, whose record it is.
bool IsTarget(const v1::Event& event, const v1::EntityRef& ref) {
  return Defines(event, ref.role()) || ref.kind() == "device_unit";
}

Json AgentOf(const LedgerView& view, const v1::EventHeader& header) {
  Json agent;
  Json type;
  type["system"] = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
  type["code"] = "enterer";
  agent["type"]["coding"] = Json::array({std::move(type)});
  agent["who"] = LogicalReference(view.origin(), header.actor().kind(), header.actor().id(), "");
  if (header.has_on_behalf_of()) {
    agent["onBehalfOf"] = LogicalReference(view.origin(), header.on_behalf_of().kind(), header.on_behalf_of().id(), "");
  }
  return agent;
}

// When it happened as last corrected, and whether it still counts, by the history of what it refers to.
struct EventStanding {
  bool counts = true;
  std::string earliest;
  std::string latest;
};

StatusOr<EventStanding> StandingOf(LedgerView& view, const v1::Event& event) {
  EventStanding standing = {true, TimeText(event.header().occurred_earliest_us()),
                            TimeText(event.header().occurred_latest_us())};
  ASSIGN_OR_RETURN(const std::optional<v1::StatusAnswer::HistoryEvent> entry, view.corrections().HistoryEntry(event));
  if (!entry.has_value()) {
    ASSIGN_OR_RETURN(standing.counts, view.corrections().Counts(event));
    return standing;
  }
  standing.counts = !entry->void_effect();
  standing.earliest = TimeText(entry->leaf().occurred_earliest());
  standing.latest = TimeText(entry->leaf().occurred_latest());
  return standing;
}

StatusOr<Json> ProvenanceOf(LedgerView& view, const v1::Event& event, const InBundle& in_bundle) {
  const v1::EventHeader& header = event.header();
  ASSIGN_OR_RETURN(const EventStanding standing, StandingOf(view, event));
  Json provenance;
  provenance["resourceType"] = "Provenance";
  provenance["id"] = EventIdText(header.event_id());
  provenance["extension"] = Json::array({LeafExtension(view, &event)});
  provenance["extension"].push_back(
      {{"url", "anamnesis:extension/standing"}, {"valueString", standing.counts ? "COUNTS" : "RETRACTED_OR_REPLACED"}});
  if (standing.earliest != TimeText(header.occurred_earliest_us()) ||
      standing.latest != TimeText(header.occurred_latest_us())) {
    // The period below is the corrected one.
    provenance["extension"].push_back({{"url", "anamnesis:extension/occurred-as-recorded"},
                                       {"valueString", Text(TimeText(header.occurred_earliest_us()), " .. ",
                                                            TimeText(header.occurred_latest_us()))}});
  }
  provenance["target"] = Json::array();
  Json entities = Json::array();
  for (const v1::EntityRef& ref : header.refs()) {
    Json reference = ReferenceTo(view, ref, in_bundle);
    if (IsTarget(event, ref)) {
      provenance["target"].push_back(std::move(reference));
      continue;
    }
    Json entity;
    entity["extension"] = Json::array({{{"url", "anamnesis:extension/role"}, {"valueString", FhirText(ref.role())}}});
    entity["role"] = "source";
    entity["what"] = std::move(reference);
    entities.push_back(std::move(entity));
  }
  // A Provenance has a target: of an event that defines nothing it is the event.
  if (provenance["target"].empty()) {
    provenance["target"].push_back(LogicalReference(view.origin(), "leaf", std::to_string(event.index()), ""));
  }
  provenance["occurredPeriod"]["start"] = standing.earliest;
  provenance["occurredPeriod"]["end"] = standing.latest;
  provenance["recorded"] = TimeText(event.recorded());
  if (!header.rationale().empty())
    provenance["authorization"] = Json::array({{{"concept", TextConcept(header.rationale())}}});
  provenance["activity"] = Concept("event-type", header.type());
  provenance["agent"] = Json::array({AgentOf(view, header)});
  if (!entities.empty()) provenance["entity"] = std::move(entities);
  return provenance;
}

// --- Device ---

struct UnitRecords {
  v1::DeviceUnitCommissioned commissioned;
  v1::DeviceModelRegistered model;
  v1::EntityRef model_ref;
  // Where it is at the time asked about; empty where that isn't recorded.
  std::string jurisdiction;
};

template <typename Body>
Status ReadLast(const std::vector<const v1::Event*>& events, Body& out) {
  if (events.empty()) return OkStatus();
  ASSIGN_OR_RETURN(const std::unique_ptr<Message> body, BodyOf(*events.back()));
  if (const auto* typed = BodyAs<Body>(body.get())) out = *typed;
  return OkStatus();
}

// By its commissionings and moves up to `at`.
Status FindJurisdiction(LedgerView& view, const v1::EntityRef& unit, Timestamp at, UnitRecords& records) {
  std::optional<std::pair<Timestamp, uint64_t>> last;
  for (const char* type : {"device_unit.commissioned", "device_unit.relocated"}) {
    ASSIGN_OR_RETURN(const std::vector<const v1::Event*> events, view.EventsAbout(unit, type));
    for (const v1::Event* event : events) {
      ASSIGN_OR_RETURN(const std::optional<v1::StatusAnswer::HistoryEvent> entry,
                       view.corrections().HistoryEntry(*event));
      if (!entry.has_value()) continue;
      ASSIGN_OR_RETURN(const Timestamp occurred, FromProtoTime(entry->leaf().occurred_latest(), "occurred_latest"));
      const std::pair place(occurred, event->index());
      if (occurred > at || (last.has_value() && place < *last)) continue;
      ASSIGN_OR_RETURN(const std::unique_ptr<Message> body, BodyOf(*event));
      if (const auto* moved = BodyAs<v1::DeviceUnitRelocated>(body.get())) records.jurisdiction = moved->jurisdiction();
      if (const auto* began = BodyAs<v1::DeviceUnitCommissioned>(body.get()))
        records.jurisdiction = began->jurisdiction();
      last = place;
    }
  }
  return OkStatus();
}

StatusOr<UnitRecords> RecordsOf(LedgerView& view, const std::string& unit, Timestamp at) {
  UnitRecords records;
  v1::EntityRef entity;
  entity.set_kind("device_unit");
  entity.set_id(unit);
  RETURN_IF_ERROR(FindJurisdiction(view, entity, at, records));
  ASSIGN_OR_RETURN(const std::vector<const v1::Event*> commissioned,
                   view.EventsAbout(entity, "device_unit.commissioned"));
  RETURN_IF_ERROR(ReadLast(commissioned, records.commissioned));
  if (commissioned.empty()) return records;
  const v1::EntityRef* model = FindReference(commissioned.back()->header(), "device_model");
  if (model == nullptr) return records;
  records.model_ref.set_kind(model->kind());
  records.model_ref.set_id(model->id());
  const StatusOr<std::vector<const v1::Event*>> registered =
      view.EventsAbout(records.model_ref, "device_model.registered");
  RETURN_IF_ERROR(registered.status());
  RETURN_IF_ERROR(ReadLast(*registered, records.model));
  return records;
}

// FHIR's names of those who issue UDIs; another one stays as it was recorded.
std::string IssuerUri(std::string_view issuer) {
  if (issuer == "GS1") return "http://hl7.org/fhir/NamingSystem/gs1-di";
  if (issuer == "HIBCC") return "http://hl7.org/fhir/NamingSystem/hibcc-diI";
  if (issuer == "ICCBBA") return "http://hl7.org/fhir/NamingSystem/iccbba-other-di";
  return Text("anamnesis:udi-issuer/", issuer.empty() ? "not-recorded" : PercentEncoded(issuer));
}

void AddProperty(Json& device, std::string_view code, std::string_view surface, std::string_view value) {
  Json property;
  property["type"] = Concept("device-property", code);
  if (!surface.empty()) property["type"]["text"] = FhirText(Text(code, " of ", surface));
  property["valueString"] = FhirText(value);
  device["property"].push_back(std::move(property));
}

void AddItem(const LedgerView& view, const v1::ConfigurationItem& item, Json& device) {
  AddProperty(device, "confidence", item.surface(), v1::Confidence_Name(item.confidence()));
  if (item.empty()) AddProperty(device, "nothing-runs", item.surface(), "true");
  if (!item.unknown_because().empty()) AddProperty(device, "unknown-because", item.surface(), item.unknown_because());
  for (const v1::Possibility& possibility : item.possibilities()) {
    AddProperty(device, "possibly", item.surface(),
                possibility.has_item() ? EntityText(possibility.item())
                : possibility.empty()  ? "nothing"
                                       : "unknown");
  }
  if (!item.has_item()) return;
  Json version;
  version["type"]["text"] = FhirText(item.surface());
  version["component"] = EntityIdentifier(view.origin(), item.item().kind(), item.item().id(), item.item().version());
  if (item.has_since()) version["installDate"] = TimeText(item.since().occurred_latest());
  version["value"] = FhirText(EntityText(item.item()));
  device["version"].push_back(std::move(version));
  if (item.item().has_digest()) AddProperty(device, "digest", item.surface(), DigestText(item.item().digest()));
  for (const v1::FileDigest& file : item.history().files()) {
    if (file.digest().value().empty()) continue;
    AddProperty(device, file.weak() ? "file-digest-weak" : "file-digest", item.surface(),
                Text(file.path(), " ", DigestText(file.digest())));
  }
}

void AddIdentity(const LedgerView& view, const std::string& unit, const UnitRecords& records, Json& device) {
  device["identifier"] = Json::array({EntityIdentifier(view.origin(), "device_unit", unit, "")});
  if (!records.commissioned.udi_pi().empty()) {
    Json identifier;
    identifier["type"]["text"] = "UDI-PI";
    identifier["value"] = FhirText(records.commissioned.udi_pi());
    device["identifier"].push_back(std::move(identifier));
  }
  if (!records.model_ref.id().empty()) {
    device["definition"]["reference"] =
        LogicalReference(view.origin(), records.model_ref.kind(), records.model_ref.id(), "");
  }
  if (!records.model.udi_di().empty()) {
    Json carrier;
    carrier["deviceIdentifier"] = FhirText(records.model.udi_di());
    carrier["issuer"] = IssuerUri(records.model.issuing_entity());
    device["udiCarrier"] = Json::array({std::move(carrier)});
  }
  SetText(device, "serialNumber", records.commissioned.serial_number());
  if (device.contains("serialNumber")) device["serialNumber"] = FhirText(records.commissioned.serial_number());
  if (!records.model.name().empty()) {
    Json name;
    name["value"] = FhirText(records.model.name());
    name["type"] = "registered-name";
    device["name"] = Json::array({std::move(name)});
  }
}

Json DeviceOf(const LedgerView& view, const std::string& unit, const std::string& id, const UnitRecords& records,
              const v1::Configuration& configuration, Timestamp at) {
  Json device;
  device["resourceType"] = "Device";
  device["id"] = id;
  device["extension"] = Json::array({LeafExtension(view, nullptr)});
  AddIdentity(view, unit, records, device);
  if (configuration.unit_state() == v1::UNIT_IN_SERVICE) device["status"] = "active";
  if (configuration.unit_state() == v1::UNIT_DECOMMISSIONED) device["status"] = "inactive";
  AddProperty(device, "configuration-at", "", FormatTime(at));
  AddProperty(device, "unit-state", "", v1::UnitState_Name(configuration.unit_state()));
  if (!configuration.configuration_digest().empty()) {
    AddProperty(device, "configuration-digest", "", "sha256:" + HexEncode(configuration.configuration_digest()));
  }
  for (const std::string& note : configuration.notes()) AddProperty(device, "note", "", note);
  for (const v1::ConfigurationItem& item : configuration.items()) AddItem(view, item, device);
  if (!records.jurisdiction.empty()) AddProperty(device, "jurisdiction", "", records.jurisdiction);
  if (!records.model.basic_udi_di().empty()) AddProperty(device, "basic-udi-di", "", records.model.basic_udi_di());
  return device;
}

// --- Bundle ---

class Bundle {
 public:
  Bundle(const LedgerView& view, std::string_view about) {
    json_["resourceType"] = "Bundle";
    json_["id"] = DerivedUuid(Text("anamnesis/fhir/v1 ", LedgerUri(view.origin()), " ", view.size(), " ", about));
    json_["identifier"] = Identifier(LedgerUri(view.origin()) + "/tree", std::to_string(view.size()));
    json_["type"] = "collection";
  }

  void Add(Json resource) {
    Json entry;
    entry["fullUrl"] = "urn:uuid:" + resource["id"].get<std::string>();
    entry["resource"] = std::move(resource);
    json_["entry"].push_back(std::move(entry));
  }

  std::string Write(const google::protobuf::Timestamp& newest) {
    json_["timestamp"] = TimeText(newest);
    return DocumentText(json_);
  }

 private:
  Json json_;
};

}  // namespace

StatusOr<std::string> FhirOfUnit(LedgerView& view, const std::string& unit, std::optional<Timestamp> at) {
  if (view.size() == 0) return absl::NotFoundError("the ledger is empty");
  ASSIGN_OR_RETURN(const v1::Event* last, view.At(view.size() - 1));
  // By value: reading more events may replace it.
  const google::protobuf::Timestamp newest = last->recorded();
  ASSIGN_OR_RETURN(const Timestamp recorded, FromProtoTime(newest, "recorded"));
  const Timestamp time = at.value_or(recorded);
  ASSIGN_OR_RETURN(const UnitRecords records, RecordsOf(view, unit, time));
  v1::GetConfigurationRequest request;
  request.set_unit(unit);
  *request.mutable_at() = ToProtoTime(time);
  request.set_known_size(view.size());
  ASSIGN_OR_RETURN(const v1::ConfigurationAnswer answer, view.client().GetConfiguration(request));
  const InBundle device{unit, DerivedUuid(Text("anamnesis/fhir/device ", LedgerUri(view.origin()), " ", unit))};
  Bundle bundle(view, Text("device_unit/", PercentEncoded(unit), " ", time.us));
  bundle.Add(DeviceOf(view, unit, device.device, records, answer.now_known(), time));
  for (const uint64_t leaf : answer.now_known().leaves()) {
    ASSIGN_OR_RETURN(const v1::Event* event, view.At(leaf));
    ASSIGN_OR_RETURN(Json provenance, ProvenanceOf(view, *event, device));
    bundle.Add(std::move(provenance));
  }
  return bundle.Write(newest);
}

StatusOr<std::string> FhirOfEvent(LedgerView& view, const v1::Event& event) {
  Bundle bundle(view, Text("leaf/", event.index()));
  ASSIGN_OR_RETURN(Json provenance, ProvenanceOf(view, event, {}));
  bundle.Add(std::move(provenance));
  return bundle.Write(event.recorded());
}

}  // namespace anamnesis::interchange
