#include "client/exports/incident.h"

#include <optional>

#include "client/cli/exports.h"
#include "client/cli/objects.h"
#include "client/cli/question.h"
#include "client/cli/utc_offset.h"

namespace anamnesis::cli {
namespace {

struct Options : ExportOptions {
  std::string incident;
  std::string objects;
  size_t activations = 20;
  int32_t utc_offset_minutes = 0;
};

StatusOr<ExitStatus> Export(const Options& options) {
  ASSIGN_OR_RETURN(const v1::EntityRef incident, ParseEntity("INCIDENT", options.incident, "incident"));
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  ASSIGN_OR_RETURN(const exports::LedgerView view, exports::LedgerView::Open(*client, options.known_size));
  ASSIGN_OR_RETURN(const std::unique_ptr<ObjectClient> store, ConnectObjectStore(options.common, options.objects));
  // Not before the incident is found: without one nothing is left behind.
  std::optional<exports::ExportWriter> writer;
  const auto open = [&]() -> Status {
    if (writer.has_value()) return OkStatus();
    ASSIGN_OR_RETURN(writer, exports::ExportWriter::Open(options.out));
    return OkStatus();
  };
  exports::IncidentOptions what;
  what.activations = options.activations;
  what.utc_offset_minutes = options.utc_offset_minutes;
  what.include = [&](const Digest& digest) -> Status {
    RETURN_IF_ERROR(open());
    return writer->AddObject(*store, digest);
  };
  ASSIGN_OR_RETURN(exports::Document document, exports::IncidentBundle(view, incident, what));
  RETURN_IF_ERROR(open());
  RETURN_IF_ERROR(writer->Add("anamnesis_verify.py", PythonVerifier()));
  return FinishExport(options, view, *writer, std::move(document));
}

}  // namespace

void AddIncident(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand(
      "incident", "all that an investigation of an incident needs, in one directory that verifies offline");
  verb.footer(
      "Example: anamnesis incident IR-2026-04 --out bundle --as ada.key --archive\n"
      "What the units ran as known then and now, how it came there and what it was made of, the risks, where else it "
      "runs,\n"
      "who must be told until when; the bytes that ran, where an object store has them; anamnesis verify checks it "
      "offline.");
  verb.add_option("INCIDENT", options->incident, "the incident's id")->required();
  verb.add_option("--activations", options->activations, "how many of the last before the incident, of each unit")
      ->capture_default_str();
  AddUtcOffsetOption(verb, options->utc_offset_minutes,
                     "of the days on which reports are due, east of UTC, such as +02:00; default: Z");
  AddExportOptions(verb, *options);
  AddObjectsOptions(verb, options->common, options->objects);
  SetAction(verb, [options] { return Export(*options); });
}

}  // namespace anamnesis::cli
