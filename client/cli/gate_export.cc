#include "client/cli/gate_slice.h"
#include "client/cli/interchange.h"

namespace anamnesis::cli {

void AddGateExport(CLI::App& gate) {
  struct Options : QuestionOptions {
    std::string decision;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *gate.add_subcommand(
      "export", "a decision as a SLSA Verification Summary: an in-toto Statement in DSSE, signed by the key given");
  verb.footer("Example: anamnesis gate export 0197... --as ada.key > decision.dsse.json");
  verb.add_option("DECISION", options->decision, "the decision's id")->required();
  AddKeyOption(verb, options->common);
  AddLedgerOption(verb, options->common);
  verb.add_flag("--json", options->common.json, "no difference: the format is JSON");
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    RETURN_IF_ERROR(PrintAttestation(*options, options->decision));
    return kDone;
  });
}

}  // namespace anamnesis::cli
