#include "client/exports/design_history.h"

#include "client/cli/exports.h"
#include "client/cli/question.h"

namespace anamnesis::cli {
namespace {

struct Options : ExportOptions {
  std::string item;
};

StatusOr<ExitStatus> Export(const Options& options) {
  ASSIGN_OR_RETURN(const v1::EntityRef item, ParseEntity("ITEM", options.item, "software_item"));
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  ASSIGN_OR_RETURN(const exports::LedgerView view, exports::LedgerView::Open(*client, options.known_size));
  ASSIGN_OR_RETURN(exports::Document document, exports::DesignHistory(view, item));
  ASSIGN_OR_RETURN(exports::ExportWriter writer, exports::ExportWriter::Open(options.out));
  return FinishExport(options, view, writer, std::move(document));
}

}  // namespace

void AddDesignHistory(CLI::App& app) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand(
      "dhf", "the design history of a software item: seven sections, what is missing, every record with its proof");
  verb.footer(
      "Examples: anamnesis dhf segmentation --out dhf --as ada.key\n"
      "          anamnesis dhf model:spleen_ct_segmentation --out dhf --as ada.key --archive --pdf\n"
      "index.html is for people, export.json for machines, with the same content; anamnesis verify checks it offline. "
      "Made\n"
      "again with the same --known-size and --as it has the same content, and by the same keys the same bytes; "
      "anamnesis compare\ntells two apart.");
  verb.add_option("ITEM", options->item, "a software item's id, or KIND:ID of anything whose records lead further")
      ->required();
  AddExportOptions(verb, *options);
  SetAction(verb, [options] { return Export(*options); });
}

}  // namespace anamnesis::cli
