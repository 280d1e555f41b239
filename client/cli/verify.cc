#include "client/exports/verify.h"

#include <iostream>

#include "client/cli/context.h"
#include "client/cli/event_text.h"
#include "client/cli/trust.h"
#include "client/interchange/evidence.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

constexpr std::string_view kStatementEnding = ".json";

std::string ReceiptText(const CheckedReceipt& receipt) {
  const v1::EventHeader& header = receipt.header.fields;
  std::string text =
      Text("leaf ", receipt.index.value, " of ", receipt.checkpoint.origin, " under its checkpoint over ",
           receipt.checkpoint.size.value, " events\n    ", header.type(), " of ", header.stream(), ", occurred ",
           IntervalText(Timestamp(header.occurred_earliest_us()), Timestamp(header.occurred_latest_us())),
           ", recorded ", FormatTime(receipt.recorded));
  if (receipt.sealed_by.has_value()) text += Text("\n    sealed by key ", receipt.sealed_by->hex());
  if (receipt.body.has_value()) text += "\n    the body is the one that was committed to";
  return text;
}

std::string ExportText(const exports::VerifiedExport& verified) {
  return Text(verified.manifest.kind, " of ", verified.manifest.subject, " in ", verified.checkpoint.origin,
              ", over its first ", verified.checkpoint.size.value, " events\n    ", verified.document.records.size(),
              " records and ", verified.manifest.files.size() + 2, " files, signed by ", verified.signer,
              "\n    both forms have the content sha256:", verified.manifest.content_sha256.hex(),
              verified.told_otherwise == 0 ? ""
                                           : Text("\n    ", verified.told_otherwise,
                                                  " records are told in other words than this version's: their bodies, "
                                                  "in records/, are what is proven"));
}

StatusOr<std::string> VerifyStatement(const std::string& path, const Trust& trust) {
  if (trust.policy.has_value()) {
    return absl::InvalidArgumentError("an in-toto Statement is signed by a person or a node; give their --key");
  }
  std::vector<interchange::AttestorKey> keys;
  for (const VerifierKey& key : trust.keys) {
    ASSIGN_OR_RETURN(interchange::AttestorKey attestor, interchange::AttestorKey::FromVerifierKey(key.Format()));
    keys.push_back(std::move(attestor));
  }
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  ASSIGN_OR_RETURN(const interchange::Evidence evidence, interchange::ReadOwnEvidence(bytes, keys));
  std::string text = Text("in-toto Statement ", evidence.predicate_type, "\n    signed by ", evidence.signer, " (",
                          evidence.fingerprint, ")");
  for (const interchange::Evidence::Subject& subject : evidence.subjects) text += Text("\n    about ", subject.name);
  return text;
}

StatusOr<std::string> VerifyFile(const std::string& path, const Trust& trust) {
  if (exports::LooksLikeExport(path)) {
    ASSIGN_OR_RETURN(const exports::VerifiedExport verified, exports::VerifyExport(path, trust));
    return ExportText(verified);
  }
  if (IsConsistencyReceipt(path)) {
    ASSIGN_OR_RETURN(const CheckedConsistency checked, CheckConsistencyReceipt(path, trust));
    return Text("checkpoint of ", checked.newer.origin, " over ", checked.newer.size.value, " events, root ",
                checked.newer.root.hex(), "\n    continues the one over ", checked.older.size.value, " events, root ",
                checked.older.root.hex());
  }
  if (IsReceiptPath(path)) {
    ASSIGN_OR_RETURN(const CheckedReceipt receipt, CheckReceipt(path, trust));
    return ReceiptText(receipt);
  }
  if (path.ends_with(kStatementEnding)) return VerifyStatement(path, trust);
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
  CLI::App& verb =
      *app.add_subcommand("verify", "receipts, checkpoints, statements and exports, offline, without the ledger");
  verb.footer(
      "Example: anamnesis verify activation.tlog-proof --key \"$(cat ledger.vkey)\"\n"
      "         anamnesis verify dhf/ incident.tar --key \"$(cat ledger.vkey)\"\n"
      "         anamnesis verify 2026.tlog-proof --policy policy.txt --key-history keys.history\n"
      "A receipt NAME.tlog-proof or NAME.cose (RFC 9942) needs NAME.leaf beside it; NAME.body is checked where it "
      "exists.\nNAME.cose by `checkpoint --consistency` needs NAME.older, the older checkpoint.\nOf an export every "
      "file, every record and who signed it are checked. A Statement NAME.json (in-toto in DSSE), as `anamnesis "
      "export\n"
      "in-toto` and `anamnesis gate export` write it, needs the --key of who signed it.");
  verb.add_option("FILE", options->files,
                  "NAME.tlog-proof, NAME.cose, NAME.json, a checkpoint, or an export: its directory or .tar")
      ->required();
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
