#include <iostream>

#include "client/cli/context.h"
#include "client/cli/event_text.h"
#include "client/cli/trust.h"

namespace anamnesis::cli {
namespace {

std::string ReceiptText(const CheckedReceipt& receipt) {
  const v1::EventHeader& header = receipt.header.fields;
  std::string text =
      Text("leaf ", receipt.index.value, " of ", receipt.checkpoint.origin, " under its checkpoint over ",
           receipt.checkpoint.size.value, " events\n    ", header.type(), " of ", header.stream(), ", occurred ",
           OccurredText(header.occurred_earliest_us(), header.occurred_latest_us()), ", recorded ",
           FormatTime(receipt.recorded));
  if (receipt.sealed_by.has_value()) text += Text("\n    sealed by key ", receipt.sealed_by->hex());
  if (receipt.body.has_value()) text += "\n    the body is the one that was committed to";
  return text;
}

StatusOr<std::string> VerifyFile(const std::string& path, const Trust& trust) {
  if (path.ends_with(kProofEnding)) {
    ASSIGN_OR_RETURN(const CheckedReceipt receipt, CheckReceipt(path, trust));
    return ReceiptText(receipt);
  }
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, trust.Open(bytes));
  return Text("checkpoint of ", checkpoint.origin, " over ", checkpoint.size.value, " events, root ",
              checkpoint.root.hex());
}

}  // namespace

void AddVerify(CLI::App& app) {
  struct Options {
    std::vector<std::string> files;
    TrustOptions trust;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("verify", "receipts and checkpoints, offline, without the ledger");
  verb.footer(
      "Example: anamnesis verify activation.tlog-proof --key \"$(cat ledger.vkey)\"\n"
      "A receipt NAME.tlog-proof needs NAME.leaf beside it; NAME.body is checked where it exists.");
  verb.add_option("FILE", options->files, "NAME.tlog-proof, or a checkpoint")->required();
  AddTrustOptions(verb, options->trust);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const Trust trust, ReadTrust(options->trust));
    ExitStatus exit_status = kDone;
    for (const std::string& file : options->files) {
      const StatusOr<std::string> verified = VerifyFile(file, trust);
      if (verified.ok()) {
        std::cout << Good("verified ") << " " << file << "\n    " << *verified << "\n";
      } else {
        std::cout << Bad("NOT VERIFIED") << " " << file << "\n    " << MessageOf(verified.status()) << "\n";
        exit_status = kAnswerIsNo;
      }
    }
    return exit_status;
  });
}

}  // namespace anamnesis::cli
