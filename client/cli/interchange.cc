#include "client/cli/interchange.h"

#include <charconv>
#include <iostream>
#include <optional>

#include "client/cli/plain_text.h"
#include "client/cli/verb_of.h"
#include "client/interchange/cyclonedx.h"
#include "client/interchange/dsse.h"
#include "client/interchange/fhir.h"
#include "client/interchange/in_toto.h"
#include "client/interchange/prov.h"
#include "ledger/base/ids.h"
#include "ledger/keys/key_file.h"

namespace anamnesis::cli {
namespace {

using interchange::LedgerView;

struct Options : QuestionOptions {
  std::vector<std::string> names;
  std::string name;
  bool up = false;
  bool down = false;
  uint32_t depth = 0;
  std::string at;
};

// A connection and the view of the ledger through it.
struct Connected {
  std::unique_ptr<LedgerClient> client;
  std::unique_ptr<LedgerView> view;
};

StatusOr<Connected> ConnectView(const QuestionOptions& options) {
  Connected connected;
  ASSIGN_OR_RETURN(connected.client, Connect(options.common));
  connected.view = std::make_unique<LedgerView>(*connected.client, options.known_size);
  RETURN_IF_ERROR(connected.view->Open());
  return connected;
}

void PrintDocument(const std::string& document) {
  WriteRawOutput();
  std::cout << document;
}

// Nothing is printed unless all of them can be told.
Status PrintAttestations(const QuestionOptions& options, const std::vector<std::string>& names) {
  ASSIGN_OR_RETURN(const NamedKey key, ReadKeyFile(options.common.key_file));
  ASSIGN_OR_RETURN(const Connected connected, ConnectView(options));
  std::string envelopes;
  for (const std::string& name : names) {
    const StatusOr<std::string> statement = interchange::StatementOf(*connected.view, name);
    if (!statement.ok()) return names.size() == 1 ? statement.status() : WithContext(statement.status(), name);
    envelopes += interchange::SignEnvelope(interchange::kInTotoPayloadType, *statement, key);
  }
  PrintDocument(envelopes);
  return OkStatus();
}

// --- Verbs ---

StatusOr<ExitStatus> ExportInToto(const Options& options) {
  RETURN_IF_ERROR(PrintAttestations(options, options.names));
  return kDone;
}

StatusOr<ExitStatus> ExportProv(const Options& options) {
  v1::LineageQuestion question;
  ASSIGN_OR_RETURN(*question.mutable_entity(), ParseEntity("ENTITY", options.name, "model"));
  question.set_direction(options.down ? v1::LineageQuestion::DOWN : v1::LineageQuestion::UP);
  question.set_depth_max(options.depth);
  ASSIGN_OR_RETURN(const Connected connected, ConnectView(options));
  ASSIGN_OR_RETURN(const std::string document, interchange::ProvOf(*connected.view, question));
  PrintDocument(document);
  return kDone;
}

StatusOr<ExitStatus> ExportCycloneDx(const Options& options) {
  ASSIGN_OR_RETURN(const v1::EntityRef entity, ParseEntity("MODEL@VERSION", options.name, "model"));
  ASSIGN_OR_RETURN(const Connected connected, ConnectView(options));
  ASSIGN_OR_RETURN(const std::string document, interchange::CycloneDxOf(*connected.view, entity));
  PrintDocument(document);
  return kDone;
}

// The event that the argument names; nullptr when it names a unit.
StatusOr<const v1::Event*> NamedEvent(LedgerView& view, const std::string& name) {
  uint64_t index = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), index);
  if (parsed.ec == std::errc() && parsed.ptr == name.data() + name.size()) return view.At(index);
  const StatusOr<EventId> id = EventId::FromText(name);
  if (id.ok()) return view.ById(id->view());
  return nullptr;
}

StatusOr<ExitStatus> ExportFhir(const Options& options) {
  std::optional<Timestamp> at;
  if (!options.at.empty()) {
    const StatusOr<Timestamp> time = ParseTime(options.at);
    if (!time.ok()) return WithContext(time.status(), "--at");
    at = *time;
  }
  ASSIGN_OR_RETURN(const Connected connected, ConnectView(options));
  LedgerView& view = *connected.view;
  ASSIGN_OR_RETURN(const v1::Event* event, NamedEvent(view, options.name));
  if (event != nullptr) {
    ASSIGN_OR_RETURN(const std::string document, interchange::FhirOfEvent(view, *event));
    PrintDocument(document);
    return kDone;
  }
  ASSIGN_OR_RETURN(const v1::EntityRef unit, ParseEntity("UNIT|EVENT", options.name, "device_unit"));
  if (unit.kind() != "device_unit" || !unit.version().empty()) {
    return absl::InvalidArgumentError(Text("UNIT|EVENT: \"", options.name, "\" is neither a unit nor an event"));
  }
  ASSIGN_OR_RETURN(const std::string document, interchange::FhirOfUnit(view, unit.id(), at));
  PrintDocument(document);
  return kDone;
}

using Action = StatusOr<ExitStatus> (*)(const Options&);
using Verb = VerbOf<Options>;

Verb AddVerb(CLI::App& parent, const std::string& name, const std::string& what, const std::string& footer,
             Action action) {
  const Verb verb = AddVerbOf(parent, name, what, footer, action);
  AddLedgerOption(verb.app, verb.options.common);
  AddConsistencyOptions(verb.app, verb.options.common);
  verb.app.add_option("--known-size", verb.options.known_size, "as known over the first N events; default: all");
  verb.app.add_flag("--json", verb.options.common.json, "no difference: the formats are JSON");
  return verb;
}

}  // namespace

Status PrintAttestation(const QuestionOptions& options, const std::string& name) {
  return PrintAttestations(options, {name});
}

void AddExport(CLI::App& app) {
  CLI::App& parent = *app.add_subcommand(
      "export", "events, decisions, lineage, models and units in the field's own formats; the same at one tree size");
  parent.require_subcommand(1);

  const Verb in_toto =
      AddVerb(parent, "in-toto", "events and decisions as in-toto Statements in DSSE, signed by the key given",
              "Example: anamnesis export in-toto 12 --as ada.key > model.dsse.json\n"
              "Decisions are SLSA Verification Summaries, models, artifacts and builds SLSA Provenance, test runs and "
              "evaluations test results; other events have a predicate of ours. One JSON document an envelope.",
              ExportInToto);
  in_toto.app.add_option("EVENT|DECISION", in_toto.options.names, "a leaf's index, an event's id or a decision's")
      ->required();
  AddKeyOption(in_toto.app, in_toto.options.common);

  const Verb prov =
      AddVerb(parent, "prov", "lineage as W3C PROV-JSON",
              "Example: anamnesis export prov spleen_ct_segmentation@0.2.0 --up > spleen.prov.json", ExportProv);
  prov.app.add_option("ENTITY", prov.options.name, "KIND:ID[@VERSION]; without a kind, a model")->required();
  CLI::Option* up = prov.app.add_flag("--up", prov.options.up, "to data, code, SOUP and people; the default");
  prov.app.add_flag("--down", prov.options.down, "to models, artifacts, units and incidents")->excludes(up);
  prov.app.add_option("--depth", prov.options.depth, "at most so many events far (16; the most is 64)");

  const Verb cyclonedx =
      AddVerb(parent, "cyclonedx", "a model or artifact as a CycloneDX 1.6 ML-BOM",
              "Example: anamnesis export cyclonedx spleen_ct_segmentation@0.2.0 > spleen.cdx.json", ExportCycloneDx);
  cyclonedx.app.add_option("MODEL@VERSION", cyclonedx.options.name, "MODEL@VERSION, or artifact:ID@VERSION")
      ->required();

  const Verb fhir =
      AddVerb(parent, "fhir", "a unit and what runs on it, or an event, as a FHIR R5 Bundle",
              "Example: anamnesis export fhir ICU-7 --at 2026-11-21T14:03:07Z > icu-7.fhir.json", ExportFhir);
  fhir.app
      .add_option("UNIT|EVENT", fhir.options.name,
                  "a unit (device_unit:7 where it looks like a number); an index or event id")
      ->required();
  fhir.app.add_option("--at", fhir.options.at, "of a unit: when (RFC 3339); default: when the last event was recorded");
}

}  // namespace anamnesis::cli
