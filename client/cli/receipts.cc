#include "client/cli/receipts.h"

#include <iostream>

#include "client/cli/context.h"
#include "client/cli/trust.h"

namespace anamnesis::cli {

StatusOr<std::string> WriteReceipt(LedgerClient& client, uint64_t index, std::string proof_path) {
  v1::GetReceiptRequest request;
  request.set_index(index);
  ASSIGN_OR_RETURN(const v1::Receipt receipt, client.GetReceipt(request));
  if (!proof_path.ends_with(kProofEnding)) proof_path += kProofEnding;
  const std::string name = proof_path.substr(0, proof_path.size() - kProofEnding.size());
  RETURN_IF_ERROR(WriteFile(name + ".leaf", receipt.leaf()));
  if (receipt.has_body()) {
    RETURN_IF_ERROR(WriteFile(name + ".body", receipt.body().nonce() + receipt.body().content()));
  }
  RETURN_IF_ERROR(WriteFile(proof_path, receipt.tlog_proof()));
  return proof_path;
}

void AddReceipt(CLI::App& app) {
  struct Options {
    uint64_t index = 0;
    std::string out;
    Common common;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("receipt", "the proof that one leaf is in the ledger (C2SP tlog-proof)");
  verb.footer(
      "Example: anamnesis receipt 12 --out activation.tlog-proof --ledger 127.0.0.1:7420\n"
      "Writes also activation.leaf and activation.body. Without --out: the proof on stdout.");
  verb.add_option("INDEX", options->index, "the leaf's index")->required();
  verb.add_option("--out", options->out, "where to write the proof");
  AddLedgerOption(verb, options->common);
  AddConsistencyOptions(verb, options->common);
  AddJsonOption(verb, options->common);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options->common));
    if (!options->out.empty()) {
      ASSIGN_OR_RETURN(const std::string path, WriteReceipt(*client, options->index, options->out));
      std::cout << path << "\n";
      return kDone;
    }
    v1::GetReceiptRequest request;
    request.set_index(options->index);
    ASSIGN_OR_RETURN(const v1::Receipt receipt, client->GetReceipt(request));
    if (options->common.json) {
      RETURN_IF_ERROR(PrintJson(receipt));
    } else {
      std::cout << receipt.tlog_proof();
    }
    return kDone;
  });
}

void AddCheckpoint(CLI::App& app) {
  auto options = std::make_shared<Common>();
  CLI::App& verb = *app.add_subcommand("checkpoint", "the ledger's size and root as a C2SP signed note");
  verb.footer("Example: anamnesis checkpoint --ledger 127.0.0.1:7420 > checkpoint");
  AddLedgerOption(verb, *options);
  AddConsistencyOptions(verb, *options);
  AddJsonOption(verb, *options);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(*options));
    ASSIGN_OR_RETURN(const v1::Checkpoint checkpoint, client->GetCheckpoint());
    if (options->json) {
      RETURN_IF_ERROR(PrintJson(checkpoint));
    } else {
      std::cout << checkpoint.note();
    }
    return kDone;
  });
}

}  // namespace anamnesis::cli
