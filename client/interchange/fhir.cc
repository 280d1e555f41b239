#include "client/interchange/fhir.h"

#include <optional>
#include <utility>

#include "client/interchange/citation.h"
#include "client/interchange/names.h"
#include "ledger/event/vocabulary.h"
#include "ledger/query/events.h"
#include "ledger/query/item_history.h"

namespace anamnesis::interchange {
namespace {

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

// Who acted. R5 lists the types that one may be of, and a Location is none.
Json AgentReference(const LedgerView& view, const v1::Agent& agent) {
  Json reference = LogicalReference(view.origin(), agent.kind(), agent.id(), "");
  if (agent.kind() == "site") reference.erase("type");
  return reference;
}

Json AgentOf(const LedgerView& view, const v1::EventHeader& header) {
  Json agent;
  Json type;
  type["system"] = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
  type["code"] = "enterer";
  agent["type"]["coding"] = Json::array({std::move(type)});
  agent["who"] = AgentReference(view, header.actor());
  if (header.has_on_behalf_of()) agent["onBehalfOf"] = AgentReference(view, header.on_behalf_of());
  return agent;
}

StatusOr<Json> ProvenanceOf(LedgerView& view, const v1::Event& event, const InBundle& in_bundle) {
  const v1::EventHeader& header = event.header();
  ASSIGN_OR_RETURN(const Standing standing, view.StandingOf(event));
  Json provenance;
  provenance["resourceType"] = "Provenance";
  provenance["id"] = EventIdText(header.event_id());
  provenance["extension"] = Json::array({LeafExtension(view, &event)});
  provenance["extension"].push_back(
      {{"url", "anamnesis:extension/standing"}, {"valueString", standing.counts ? "COUNTS" : "RETRACTED_OR_REPLACED"}});
  if (const std::string recorded = OccurredAsRecorded(event, standing); !recorded.empty()) {
    // The period below is the corrected one.
    provenance["extension"].push_back({{"url", "anamnesis:extension/occurred-as-recorded"}, {"valueString", recorded}});
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
  provenance["occurredPeriod"]["start"] = FormatTime(standing.earliest);
  provenance["occurredPeriod"]["end"] = FormatTime(standing.latest);
  provenance["recorded"] = TimeText(event.recorded());
  if (!header.rationale().empty())
    provenance["authorization"] = Json::array({{{"concept", TextConcept(header.rationale())}}});
  provenance["activity"] = Concept("event-type", header.type());
  provenance["agent"] = Json::array({AgentOf(view, header)});
  if (!entities.empty()) provenance["entity"] = std::move(entities);
  return provenance;
}

// --- Device ---

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

void AddIdentifier(const v1::Circumstances::Identifier& udi, Json& device) {
  if (udi.kind() == "udi_di") {
    Json carrier;
    carrier["deviceIdentifier"] = FhirText(udi.value());
    carrier["issuer"] = IssuerUri(udi.issuing_entity());
    device["udiCarrier"] = Json::array({std::move(carrier)});
  } else if (udi.kind() == "udi_pi") {
    Json identifier;
    identifier["type"]["text"] = udi.has_release() ? FhirText(Text("UDI-PI of ", EntityText(udi.release()))) : "UDI-PI";
    identifier["value"] = FhirText(udi.value());
    device["identifier"].push_back(std::move(identifier));
  }
}

void AddIdentity(const LedgerView& view, const std::string& unit, const v1::Circumstances& circumstances,
                 Json& device) {
  device["identifier"] = Json::array({EntityIdentifier(view.origin(), "device_unit", unit, "")});
  if (circumstances.has_device_model()) {
    const v1::EntityRef& model = circumstances.device_model();
    device["definition"]["reference"] = LogicalReference(view.origin(), model.kind(), model.id(), model.version());
  }
  for (const v1::Circumstances::Identifier& udi : circumstances.identifiers()) AddIdentifier(udi, device);
  SetText(device, "serialNumber", circumstances.serial_number());
  if (device.contains("serialNumber")) device["serialNumber"] = FhirText(circumstances.serial_number());
  if (!circumstances.device_name().empty()) {
    Json name;
    name["value"] = FhirText(circumstances.device_name());
    name["type"] = "registered-name";
    device["name"] = Json::array({std::move(name)});
  }
}

void AddCircumstances(const v1::Circumstances& circumstances, Json& device) {
  if (!circumstances.jurisdiction().empty()) AddProperty(device, "jurisdiction", "", circumstances.jurisdiction());
  for (const v1::Circumstances::Identifier& udi : circumstances.identifiers()) {
    if (udi.kind() == "basic_udi_di") AddProperty(device, "basic-udi-di", "", udi.value());
  }
  for (const v1::Circumstances::Authorisation& one : circumstances.authorisations()) {
    AddProperty(device, "authorisation", one.jurisdiction(),
                Text(one.kind(), " ", one.number(), " ",
                     one.inactive_because().empty() ? "is in force" : one.inactive_because()));
  }
}

Json DeviceOf(const LedgerView& view, const std::string& unit, const std::string& id,
              const v1::Configuration& configuration, Timestamp at) {
  Json device;
  device["resourceType"] = "Device";
  device["id"] = id;
  device["extension"] = Json::array({LeafExtension(view, nullptr)});
  AddIdentity(view, unit, configuration.circumstances(), device);
  if (configuration.unit_state() == v1::UNIT_IN_SERVICE) device["status"] = "active";
  if (configuration.unit_state() == v1::UNIT_DECOMMISSIONED) device["status"] = "inactive";
  AddProperty(device, "configuration-at", "", FormatTime(at));
  AddProperty(device, "unit-state", "", v1::UnitState_Name(configuration.unit_state()));
  if (!configuration.configuration_digest().empty()) {
    AddProperty(device, "configuration-digest", "", "sha256:" + HexEncode(configuration.configuration_digest()));
  }
  for (const std::string& note : configuration.notes()) AddProperty(device, "note", "", note);
  for (const v1::ConfigurationItem& item : configuration.items()) AddItem(view, item, device);
  AddCircumstances(configuration.circumstances(), device);
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
  v1::EntityRef entity;
  entity.set_kind("device_unit");
  entity.set_id(unit);
  // NOT_FOUND of a unit that the ledger knows nothing of.
  RETURN_IF_ERROR(view.EventsAbout(entity, "device_unit.commissioned").status());
  v1::GetConfigurationRequest request;
  request.set_unit(unit);
  *request.mutable_at() = ToProtoTime(time);
  request.set_known_size(view.size());
  ASSIGN_OR_RETURN(const v1::ConfigurationAnswer answer, view.client().GetConfiguration(request));
  const InBundle device{unit, DerivedUuid(Text("anamnesis/fhir/device ", LedgerUri(view.origin()), " ", unit))};
  Bundle bundle(view, Text("device_unit/", PercentEncoded(unit), " ", time.us));
  bundle.Add(DeviceOf(view, unit, device.device, answer.now_known(), time));
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
