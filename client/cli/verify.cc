#include "client/exports/verify.h"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <set>
#include <utility>

#include "client/cli/context.h"
#include "client/cli/event_text.h"
#include "client/cli/json_text.h"
#include "client/cli/plain_text.h"
#include "client/cli/trust.h"
#include "client/interchange/evidence.h"
#include "ledger/base/limits.h"
#include "ledger/note/signed_note.h"
#include "ledger/query/wording.h"

namespace anamnesis::cli {
namespace {

constexpr std::string_view kStatementEnding = ".json";
constexpr size_t kStatementBytesMax = size_t{64} << 20;

// What a person reads, and the members of an object in JSON, as the verifier in Python names them.
struct Verified {
  std::string text;
  std::string json;
};

std::string CheckpointJson(const Checkpoint& checkpoint) {
  return Text("\"origin\": ", Quoted(checkpoint.origin), ", \"treeSize\": ", checkpoint.size.value, ", \"root\": \"",
              checkpoint.root.hex(), "\"");
}

std::string CheckpointText(const Checkpoint& checkpoint) {
  return Text("checkpoint of ", checkpoint.origin, " over ", checkpoint.size.value, " events, root ",
              checkpoint.root.hex());
}

StatusOr<Verified> VerifyReceipt(const std::string& path, const Trust& trust) {
  ASSIGN_OR_RETURN(const CheckedReceipt receipt, CheckReceipt(path, trust));
  const v1::EventHeader& header = receipt.header.fields;
  const std::string occurred =
      IntervalText(Timestamp(header.occurred_earliest_us()), Timestamp(header.occurred_latest_us()));
  const std::string recorded = FormatTime(receipt.recorded);
  Verified verified;
  verified.text = Text("leaf ", receipt.index.value, " of ", receipt.checkpoint.origin, " under its checkpoint over ",
                       receipt.checkpoint.size.value, " events\n    ", header.type(), " of ", header.stream(),
                       ", occurred ", occurred, ", recorded ", recorded);
  verified.json = Text(CheckpointJson(receipt.checkpoint), ", \"index\": ", receipt.index.value,
                       ", \"type\": ", Quoted(header.type()), ", \"stream\": ", Quoted(header.stream()),
                       ", \"occurred\": \"", occurred, "\", \"recorded\": \"", recorded, "\"");
  if (receipt.sealed_by.has_value()) {
    verified.text += Text("\n    sealed by key ", receipt.sealed_by->hex());
    verified.json += Text(", \"sealedBy\": \"", receipt.sealed_by->hex(), "\"");
  }
  if (receipt.body.has_value()) {
    verified.text += "\n    the body is the one that was committed to";
    verified.json += ", \"bodyVerified\": true";
  }
  return verified;
}

StatusOr<Verified> VerifyConsistency(const std::string& path, const Trust& trust) {
  ASSIGN_OR_RETURN(const CheckedConsistency checked, CheckConsistencyReceipt(path, trust));
  return Verified{Text(CheckpointText(checked.newer), "\n    continues the one over ", checked.older.size.value,
                       " events, root ", checked.older.root.hex()),
                  Text(CheckpointJson(checked.newer), ", \"oldTreeSize\": ", checked.older.size.value)};
}

StatusOr<Verified> VerifyExport(const std::string& path, const Trust& trust) {
  ASSIGN_OR_RETURN(const exports::VerifiedExport verified, exports::VerifyExport(path, trust));
  const std::string content = verified.manifest.content_sha256.hex();
  const size_t files = verified.manifest.files.size() + 2;
  std::string text = Text(OneLine(verified.manifest.kind), " of ", OneLine(verified.manifest.subject), " in ",
                          verified.checkpoint.origin, ", over its first ", verified.checkpoint.size.value,
                          " events\n    ", verified.document.records.size(), " records and ", files,
                          " files, signed by ", verified.signer, "\n    both forms have the content sha256:", content);
  if (verified.told_otherwise != 0) {
    text += Text("\n    ", verified.told_otherwise,
                 " records are told in other words than this version's: their bodies, in records/, are what is proven");
  }
  const std::set<uint64_t>& bare = verified.bodies_not_shown_erased;
  if (!bare.empty()) {
    text += Text("\n    records without a body: ", bare.size(),
                 ", of which the export does not show that they were erased: leaf ", *bare.begin(),
                 bare.size() > 1 ? " and others" : "");
  }
  const std::set<uint64_t>& unsealed = verified.seals_not_shown;
  if (!unsealed.empty()) {
    text += Text("\n    records whose seal is not shown here to be their writer's: ", unsealed.size(), ": leaf ",
                 *unsealed.begin(), unsealed.size() > 1 ? " and others" : "");
  }
  return Verified{
      std::move(text),
      Text(CheckpointJson(verified.checkpoint), ", \"kind\": ", Quoted(verified.manifest.kind),
           ", \"subject\": ", Quoted(verified.manifest.subject), ", \"records\": ", verified.document.records.size(),
           ", \"files\": ", files, ", \"signer\": ", Quoted(verified.signer), ", \"contentSha256\": \"", content,
           "\", \"toldOtherwise\": ", verified.told_otherwise, ", \"bodiesNotShownErased\": ", bare.size(),
           ", \"sealsNotShown\": ", unsealed.size())};
}

bool IsStatement(const std::string& path) {
  return path.ends_with(kStatementEnding) && !exports::LooksLikeExport(path);
}

// Who may have signed a Statement. INVALID_ARGUMENT when what is trusted can sign none.
StatusOr<std::vector<interchange::AttestorKey>> Attestors(const Trust& trust) {
  if (trust.policy.has_value()) {
    return absl::InvalidArgumentError(
        "--policy: an in-toto Statement is signed by a person or a node; give their --key");
  }
  std::vector<interchange::AttestorKey> keys;
  for (const VerifierKey& key : trust.keys) {
    ASSIGN_OR_RETURN(interchange::AttestorKey attestor, interchange::AttestorKey::FromVerifierKey(key.Format()));
    keys.push_back(std::move(attestor));
  }
  return keys;
}

StatusOr<Verified> VerifyStatement(const std::string& path, const Trust& trust) {
  ASSIGN_OR_RETURN(const std::vector<interchange::AttestorKey> keys, Attestors(trust));
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kStatementBytesMax));
  ASSIGN_OR_RETURN(const interchange::Evidence evidence, interchange::ReadOwnEvidence(bytes, keys));
  Verified verified;
  verified.text = Text("in-toto Statement ", OneLine(evidence.predicate_type), "\n    signed by ", evidence.signer,
                       " (", evidence.fingerprint, ")");
  std::vector<std::string> subjects;
  for (const interchange::Evidence::Subject& subject : evidence.subjects) {
    verified.text += Text("\n    about ", OneLine(subject.name));
    subjects.push_back(subject.name);
  }
  verified.json = Text("\"predicateType\": ", Quoted(evidence.predicate_type), ", \"subjects\": ", JsonList(subjects),
                       ", \"signer\": ", Quoted(evidence.signer), ", \"fingerprint\": ", Quoted(evidence.fingerprint));
  return verified;
}

StatusOr<Verified> VerifyFile(const std::string& path, const Trust& trust) {
  if (exports::LooksLikeExport(path)) return VerifyExport(path, trust);
  if (IsConsistencyReceipt(path)) return VerifyConsistency(path, trust);
  if (IsReceiptPath(path)) return VerifyReceipt(path, trust);
  if (IsStatement(path)) return VerifyStatement(path, trust);
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, limits::kNoteBytesMax));
  if (const Status note = ParseSignedNote(bytes).status(); !note.ok()) {
    return absl::InvalidArgumentError(
        Text("is no receipt, statement or export by its name, and no checkpoint: ", MessageOf(note)));
  }
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, trust.Open(bytes));
  return Verified{CheckpointText(checkpoint), CheckpointJson(checkpoint)};
}

// That there is something to verify: a file that isn't there was neither altered nor forged.
Status CheckReadable(const std::string& path) {
  std::vector<std::string> paths = {path};
  if (IsConsistencyReceipt(path)) {
    paths.push_back(OlderPathOf(path));
  } else if (IsReceiptPath(path)) {
    paths.push_back(LeafPathOf(path));
  }
  for (const std::string& one : paths) {
    if (one != "-" && !std::ifstream(one, std::ios::binary)) {
      return absl::InvalidArgumentError(Text(one, ": can't be read"));
    }
  }
  return OkStatus();
}

// Prints what came of one file, or adds it to `results`. The exit status that it would have alone.
ExitStatus VerifyOne(const std::string& file, const Trust& trust, bool json, std::string& results) {
  const Status readable = CheckReadable(file);
  const StatusOr<Verified> verified = readable.ok() ? VerifyFile(file, trust) : readable;
  const std::string text = verified.ok() ? verified->text : std::string(MessageOf(verified.status()));
  if (json) {
    results +=
        Text(results.empty() ? "" : ", ", "{\"what\": ", Quoted(file), ", \"verified\": ", JsonBool(verified.ok()),
             verified.ok() ? ", " + verified->json : "", ", \"text\": ", Quoted(text), "}");
  } else {
    std::cout << (verified.ok() ? Good("verified ") : Bad("NOT VERIFIED")) << " " << file << "\n    " << text << "\n";
  }
  if (verified.ok()) return kDone;
  return readable.ok() ? kAnswerIsNo : kBadUsage;
}

StatusOr<ExitStatus> VerifyAll(const std::vector<std::string>& files, const Trust& trust, bool json) {
  // Before anything is said of any file.
  if (std::any_of(files.begin(), files.end(), IsStatement)) RETURN_IF_ERROR(Attestors(trust).status());
  ExitStatus exit_status = kDone;
  std::string results;
  for (const std::string& file : files) exit_status = std::max(exit_status, VerifyOne(file, trust, json, results));
  if (json) {
    std::cout << "{\"verified\": " << JsonBool(exit_status == kDone) << ", \"results\": [" << results << "]}\n";
  }
  return exit_status;
}

}  // namespace

void AddVerify(CLI::App& app) {
  struct Options {
    std::vector<std::string> files;
    TrustOptions trust;
    Common common;
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
      "file, every record, who signed it and, as far as it shows that, who sealed each record are checked; a policy "
      "with a quorum\nrefuses every export, which carries no cosignatures. A Statement NAME.json (in-toto in DSSE), as "
      "`anamnesis export\n"
      "in-toto` and `anamnesis gate export` write it, needs the --key of who signed it.\n"
      "Exit status 1: something does not verify; 2: a file can't be read, or no key is given that could have signed "
      "it.");
  verb.add_option("FILE", options->files,
                  "NAME.tlog-proof, NAME.cose, NAME.json, a checkpoint, or an export: its directory or .tar")
      ->required();
  AddTrustOptions(verb, options->trust);
  AddJsonOption(verb, options->common);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const Trust trust, ReadTrust(options->trust));
    return VerifyAll(options->files, trust, options->common.json);
  });
}

}  // namespace anamnesis::cli
