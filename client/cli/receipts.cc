#include "client/cli/receipts.h"

#include <filesystem>
#include <iostream>
#include <system_error>
#include <vector>

#include "absl/strings/numbers.h"
#include "client/cli/context.h"
#include "client/cli/json_text.h"
#include "client/cli/receipt_requests.h"
#include "client/cli/trust.h"

namespace anamnesis::cli {
namespace {

// `path` without an ending that it may have.
std::string NameWithout(const std::string& path, std::string_view ending) {
  return path.ends_with(ending) ? path.substr(0, path.size() - ending.size()) : path;
}

void AddWitnessedOptions(CLI::App& verb, WitnessedOptions& options) {
  CLI::Option* const witnessed = verb.add_flag("--witnessed", options.witnessed,
                                               "under a checkpoint that has the cosignatures that the node's policy "
                                               "asks for; exit status 3 when there is none yet");
  verb.add_option("--wait", options.wait_seconds, "wait so many seconds for it")
      ->check(CLI::Range(int64_t{0}, int64_t{86400}))
      ->needs(witnessed);
}

StatusOr<v1::Checkpoint> GetCheckpoint(const Common& common, const WitnessedOptions& options) {
  if (options.witnessed) {
    ASSIGN_OR_RETURN(const std::unique_ptr<WitnessStatusClient> witnesses, ConnectWitnesses(common));
    return witnesses->GetCheckpoint(common.consistency.tree_size_min(), options.within());
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(common));
  return client->GetCheckpoint();
}

void PrintWitnessStatus(const v1::WitnessStatus& status) {
  std::cout << Bold(status.origin()) << "\n  durable      " << status.tree_size() << " events\n  signed       "
            << status.published_size() << "\n  witnessed    "
            << (status.has_witnessed_size() ? Text(status.witnessed_size()) : "no policy says what is witnessed")
            << "\n  verified     " << status.verified_size() << " by this node\n  cosigns as   "
            << (status.cosigner_key().empty() ? "nobody" : status.cosigner_key()) << "\n";
  for (const v1::WitnessStatus::Witness& witness : status.witnesses()) {
    std::cout << "  witness      " << witness.name() << " at " << witness.url() << ": cosigned "
              << witness.cosigned_size() << (witness.failing().empty() ? "" : Bad("; " + witness.failing())) << "\n";
  }
  for (const v1::WitnessStatus::Log& log : status.logs()) {
    std::cout << "  cosigns      " << log.origin() << " up to " << log.cosigned_size()
              << (log.refused().empty() ? "" : Bad("; refuses: " + log.refused()))
              << (log.fork_evidence().empty() ? "" : Bad("; FORKED, see " + log.fork_evidence()))
              << (log.rollback_evidence().empty() ? "" : Bad("; asked for less, see " + log.rollback_evidence()))
              << "\n";
  }
}

bool IsWell(const v1::WitnessStatus& status) {
  for (const v1::WitnessStatus::Log& log : status.logs()) {
    if (!log.fork_evidence().empty()) return false;
    if (log.origin() == status.origin() && !log.refused().empty()) return false;
  }
  return true;
}

struct ReceiptOptions {
  std::vector<std::string> leaves;
  bool cose = false;
  std::string out;
  std::vector<std::string> files;
  TrustOptions trust;
  WitnessedOptions witnessed;
  Common common;
};

StatusOr<v1::GetReceiptsResponse> AskFor(const ReceiptOptions& options, bool bodies) {
  ASSIGN_OR_RETURN(v1::GetReceiptsRequest request, RequestReceipts(options.common, options.leaves, options.cose));
  request.set_include_bodies(bodies);
  ASSIGN_OR_RETURN(const std::unique_ptr<ReceiptClient> client, ConnectReceipts(options.common));
  return client->GetReceipts(request);
}

StatusOr<v1::Receipt> AskForOne(const ReceiptOptions& options) {
  if (options.witnessed.witnessed) {
    uint64_t index = 0;
    if (!absl::SimpleAtoi(options.leaves[0], &index)) {
      return absl::InvalidArgumentError(Text("INDEX: \"", options.leaves[0], "\": --witnessed takes a leaf's index"));
    }
    ASSIGN_OR_RETURN(const std::unique_ptr<WitnessStatusClient> witnesses, ConnectWitnesses(options.common));
    return witnesses->GetReceipt(index, options.witnessed.within());
  }
  ASSIGN_OR_RETURN(const v1::GetReceiptsResponse answer, AskFor(options, true));
  if (answer.receipts_size() != 1) return absl::InternalError("the ledger answered without a receipt");
  return answer.receipts(0).receipt();
}

// The proofs that were written.
void PrintPaths(const std::vector<std::string>& paths, bool json) {
  if (json) std::cout << "{\"files\": " << JsonList(paths) << "}\n";
  for (const std::string& path : paths) {
    if (!json) std::cout << path << "\n";
  }
}

StatusOr<ExitStatus> WriteOneTlogProof(const ReceiptOptions& options) {
  ASSIGN_OR_RETURN(const v1::Receipt receipt, AskForOne(options));
  if (!options.out.empty()) {
    ASSIGN_OR_RETURN(const std::string path, WriteReceipt(receipt, options.out));
    PrintPaths({path}, options.common.json);
  } else if (options.common.json) {
    RETURN_IF_ERROR(PrintJson(receipt));
  } else {
    std::cout << receipt.tlog_proof();
  }
  return kDone;
}

// COSE receipts, or several.
StatusOr<ExitStatus> WriteSeveral(const ReceiptOptions& options) {
  ASSIGN_OR_RETURN(const v1::GetReceiptsResponse answer, AskFor(options, !options.out.empty()));
  if (answer.receipts_size() != static_cast<int>(options.leaves.size())) {
    return absl::InternalError("the ledger answered with another number of receipts than was asked for");
  }
  if (options.out.empty()) {
    if (options.common.json) {
      RETURN_IF_ERROR(PrintJson(answer));
    } else {
      std::cout << answer.receipts(0).cose();
    }
    return kDone;
  }
  if (options.leaves.size() == 1) {
    ASSIGN_OR_RETURN(const std::string path, WriteForms(answer.receipts(0), NameWithout(options.out, kCoseEnding)));
    PrintPaths({path}, options.common.json);
    return kDone;
  }
  std::error_code failed;
  std::filesystem::create_directories(options.out, failed);
  if (failed) return absl::InvalidArgumentError(Text("--out: ", options.out, ": ", failed.message()));
  std::vector<std::string> paths;
  for (const v1::ReceiptForms& forms : answer.receipts()) {
    ASSIGN_OR_RETURN(paths.emplace_back(), WriteForms(forms, Text(options.out, "/", forms.receipt().index())));
  }
  PrintPaths(paths, options.common.json);
  return kDone;
}

StatusOr<ExitStatus> Refresh(const ReceiptOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<Refreshed> refreshed,
                   RefreshReceipts(options.common, options.files, options.trust, options.witnessed));
  std::string json;
  for (const Refreshed& one : refreshed) {
    if (options.common.json) {
      json += Text(json.empty() ? "" : ", ", "{\"file\": ", Quoted(one.file), ", \"index\": \"", one.index.value,
                   "\", \"from_size\": \"", one.from.value, "\", \"to_size\": \"", one.to.value, "\"}");
    } else {
      std::cout << one.file << "  leaf " << one.index.value << ", under " << one.to.value << " events instead of "
                << one.from.value << "\n";
    }
  }
  if (options.common.json) std::cout << "{\"refreshed\": [" << json << "]}\n";
  return kDone;
}

}  // namespace

Status WriteLeafAndBody(const v1::Receipt& receipt, const std::string& name) {
  RETURN_IF_ERROR(WriteFile(name + ".leaf", receipt.leaf()));
  if (!receipt.has_body()) return OkStatus();
  return WriteFile(name + ".body", receipt.body().nonce() + receipt.body().content(), ReadableBy::kOwner);
}

StatusOr<std::unique_ptr<WitnessStatusClient>> ConnectWitnesses(const Common& common) {
  if (common.ledger.starts_with("file:")) {
    return absl::InvalidArgumentError("--ledger: give a node's HOST:PORT; a ledger in a directory asks no witnesses");
  }
  return ConnectWitnessStatus(common.ledger, common.tls);
}

StatusOr<std::string> WriteReceipt(LedgerClient& client, uint64_t index, const std::string& proof_path) {
  v1::GetReceiptRequest request;
  request.set_index(index);
  ASSIGN_OR_RETURN(const v1::Receipt receipt, client.GetReceipt(request));
  return WriteReceipt(receipt, proof_path);
}

StatusOr<std::string> WriteReceipt(const v1::Receipt& receipt, const std::string& proof_path) {
  const std::string name = NameWithout(proof_path, kProofEnding);
  RETURN_IF_ERROR(WriteLeafAndBody(receipt, name));
  const std::string path = Text(name, kProofEnding);
  RETURN_IF_ERROR(WriteFile(path, receipt.tlog_proof()));
  return path;
}

void AddReceipt(CLI::App& app) {
  auto options = std::make_shared<ReceiptOptions>();
  CLI::App& verb = *app.add_subcommand("receipt", "the proof that a leaf is in the ledger: C2SP tlog-proof, or COSE");
  verb.footer(
      "Examples: anamnesis receipt 12 --out activation.tlog-proof\n"
      "          anamnesis receipt 12 --cose --out activation.cose          # RFC 9942\n"
      "          anamnesis receipt 12 15 16 --out receipts                  # all under one checkpoint\n"
      "          anamnesis receipt --refresh activation.tlog-proof          # under the newest checkpoint\n"
      "          anamnesis receipt 12 --witnessed --wait 30 --out activation.tlog-proof\n"
      "Writes also activation.leaf and activation.body. Without --out: the proof on stdout.");
  verb.add_option("INDEX", options->leaves, "leaves, each by its index or event id; at most 256");
  verb.add_flag("--cose", options->cose, "as COSE receipts (RFC 9942)");
  verb.add_option("--out", options->out, "where to write the proof; of several leaves, the directory");
  verb.add_option("--refresh", options->files,
                  "receipts to replace by ones of the same leaves under the newest checkpoint, once it is proven that "
                  "it continues theirs; with --key or --policy, else by the keys that the ledger names. One that has "
                  "cosignatures is replaced only by one that has them too");
  AddTrustOptions(verb, options->trust);
  AddWitnessedOptions(verb, options->witnessed);
  AddLedgerOption(verb, options->common);
  AddConsistencyOptions(verb, options->common);
  AddJsonOption(verb, options->common);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    const bool one = options->leaves.size() == 1;
    if (options->leaves.empty() == options->files.empty()) {
      return absl::InvalidArgumentError("give either leaves (INDEX) or receipts to --refresh");
    }
    if (options->witnessed.witnessed && options->files.empty() && (!one || options->cose)) {
      return absl::InvalidArgumentError("--witnessed: takes one leaf, and not with --cose, which has no cosignatures");
    }
    if (!options->files.empty()) return Refresh(*options);
    if (!one && options->out.empty() && !options->common.json) {
      return absl::InvalidArgumentError("--out: of several leaves, the directory for their receipts is needed");
    }
    return one && !options->cose ? WriteOneTlogProof(*options) : WriteSeveral(*options);
  });
}

void AddCheckpoint(CLI::App& app) {
  struct Options {
    bool status = false;
    std::string continues;
    std::string out;
    TrustOptions trust;
    WitnessedOptions witnessed;
    Common common;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("checkpoint", "the ledger's size and root as a C2SP signed note");
  verb.footer(
      "Example: anamnesis checkpoint > checkpoint\n"
      "         anamnesis checkpoint --witnessed --wait 30 > checkpoint   with cosignatures\n"
      "         anamnesis checkpoint --consistency checkpoint --out continued.cose   RFC 9942; see `verify`\n"
      "         anamnesis checkpoint --status             who has cosigned how much; exit status 1 after a fork");
  AddWitnessedOptions(verb, options->witnessed);
  CLI::Option* const out = verb.add_option("--out", options->out, "where to write the receipt of consistency");
  CLI::Option* const continues =
      verb.add_option(
              "--consistency", options->continues,
              "a COSE receipt (RFC 9942) that the newest checkpoint continues the one in this file, by --key or "
              "--policy, else by the key that the ledger names")
          ->needs(out);
  out->needs(continues);
  AddTrustOptions(verb, options->trust);
  verb.add_flag("--status", options->status, "how far the ledger is signed, cosigned and witnessed, and by whom");
  AddLedgerOption(verb, options->common);
  AddConsistencyOptions(verb, options->common);
  AddJsonOption(verb, options->common);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    if (options->status) {
      ASSIGN_OR_RETURN(const std::unique_ptr<WitnessStatusClient> witnesses, ConnectWitnesses(options->common));
      ASSIGN_OR_RETURN(const v1::WitnessStatus status, witnesses->GetStatus());
      if (options->common.json) {
        RETURN_IF_ERROR(PrintJson(status));
      } else {
        PrintWitnessStatus(status);
      }
      return IsWell(status) ? kDone : kAnswerIsNo;
    }
    if (!options->continues.empty()) {
      ASSIGN_OR_RETURN(const Continued continued,
                       WriteConsistencyReceipt(options->common, options->continues, options->out, options->trust));
      const uint64_t from = continued.checkpoints.older.size.value;
      const uint64_t to = continued.checkpoints.newer.size.value;
      if (options->common.json) {
        std::cout << "{\"file\": " << Quoted(continued.file) << ", \"from_size\": \"" << from << "\", \"to_size\": \""
                  << to << "\"}\n";
      } else {
        std::cout << continued.file << "  " << to << " events continue " << from << "\n";
      }
      return kDone;
    }
    ASSIGN_OR_RETURN(const v1::Checkpoint checkpoint, GetCheckpoint(options->common, options->witnessed));
    if (options->common.json) {
      RETURN_IF_ERROR(PrintJson(checkpoint));
    } else {
      std::cout << checkpoint.note();
    }
    return kDone;
  });
}

}  // namespace anamnesis::cli
