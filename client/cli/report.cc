#include "client/cli/exports.h"
#include "client/cli/question.h"
#include "client/exports/reports.h"

namespace anamnesis::cli {
namespace {

struct Options : ExportOptions {
  std::string kind;
  std::string item;
};

StatusOr<ExitStatus> Export(const Options& options) {
  ASSIGN_OR_RETURN(const v1::EntityRef item, ParseEntity("ITEM", options.item, "software_item"));
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  ASSIGN_OR_RETURN(const exports::LedgerView view, exports::LedgerView::Open(*client, options.known_size));
  ASSIGN_OR_RETURN(exports::Document document, exports::Report(view, options.kind, item));
  ASSIGN_OR_RETURN(exports::ExportWriter writer, exports::ExportWriter::Open(options.out));
  return FinishExport(options, view, writer, std::move(document));
}

}  // namespace

void AddReport(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("report",
                                       "of a software item: risk management file, medical device file, clause index, "
                                       "draft of a change plan, package for a Notified Body");
  verb.footer(
      "Example: anamnesis report risk-file segmentation --out risk-file --as ada.key\n"
      "reviewer-questions answers: where is your design history file, where are your verification and validation "
      "records,\n"
      "how do you manage configuration. device-file is also of a device type: device_model:ID. All have the shape of "
      "dhf, and verify, compare the same way.");
  verb.add_option("KIND", options->kind, "which report")->required()->check(CLI::IsMember(exports::ReportKinds()));
  verb.add_option("ITEM", options->item, "a software item's id, or KIND:ID")->required();
  AddExportOptions(verb, *options);
  SetAction(verb, [options] { return Export(*options); });
}

}  // namespace anamnesis::cli
