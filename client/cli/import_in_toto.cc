#include <iostream>
#include <set>

#include "client/cli/interchange.h"
#include "client/cli/write.h"
#include "client/interchange/evidence.h"

namespace anamnesis::cli {
namespace {

using interchange::AttestorKey;
using interchange::Evidence;
using interchange::LedgerView;

struct Options : WriteOptions {
  std::vector<std::string> files;
  std::vector<std::string> keys;
  std::vector<std::string> pem_files;
  std::vector<std::string> about;
};

StatusOr<std::vector<AttestorKey>> ReadKeys(const Options& options) {
  std::vector<AttestorKey> keys;
  for (const std::string& text : options.keys) {
    StatusOr<AttestorKey> key = AttestorKey::FromVerifierKey(text);
    if (!key.ok()) return WithContext(key.status(), "--key");
    keys.push_back(*std::move(key));
  }
  for (const std::string& path : options.pem_files) {
    ASSIGN_OR_RETURN(const std::string pem, ReadFile(path));
    StatusOr<AttestorKey> key = AttestorKey::FromPem(pem, path);
    if (!key.ok()) return WithContext(key.status(), "--cosign-key");
    keys.push_back(*std::move(key));
  }
  if (!keys.empty()) return keys;
  return absl::InvalidArgumentError("give --key or --cosign-key: whose signature makes an attestation evidence");
}

// What is not recorded yet, of files that are all in order.
StatusOr<std::vector<EventDraft>> Drafts(const Options& options, const std::vector<AttestorKey>& keys) {
  std::vector<v1::EntityRef> about;
  for (const std::string& text : options.about) {
    ASSIGN_OR_RETURN(const v1::EntityRef entity, ParseEntity("--about", text, "model"));
    about.push_back(entity);
  }
  Common common = options.common;
  // Another node may have what was recorded a moment ago.
  common.consistency.set_linearizable(true);
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(common));
  LedgerView view(*client, 0);
  RETURN_IF_ERROR(view.Open());
  std::vector<EventDraft> drafts;
  std::set<Digest> seen;
  for (const std::string& path : options.files) {
    ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
    const StatusOr<Evidence> evidence = interchange::ReadEvidence(bytes, keys);
    if (!evidence.ok()) return WithContext(evidence.status(), path);
    if (!options.common.json) {
      std::cout << path << ": " << evidence->predicate_type << ", signed by " << evidence->signer << " ("
                << evidence->fingerprint << ")\n";
    }
    if (!seen.insert(evidence->payload_digest).second) continue;
    StatusOr<EventDraft> draft = interchange::EvidenceDraft(view, *evidence, path, about);
    if (!draft.ok()) return WithContext(draft.status(), path);
    ASSIGN_OR_RETURN(const bool recorded, interchange::IsRecorded(view, *draft));
    if (recorded) continue;
    if (!options.rationale.empty()) {
      draft->header.set_rationale(Text(options.rationale, ". ", draft->header.rationale()));
    }
    drafts.push_back(*std::move(draft));
  }
  return drafts;
}

StatusOr<ExitStatus> Import(const Options& options) {
  ASSIGN_OR_RETURN(const std::vector<AttestorKey> keys, ReadKeys(options));
  ASSIGN_OR_RETURN(std::vector<EventDraft> drafts, Drafts(options, keys));
  if (!drafts.empty()) {
    // The drafts have the rationale, each with who signed.
    WriteOptions write = options;
    write.rationale.clear();
    return AppendAndPrint(write, std::move(drafts));
  }
  std::cout << (options.common.json ? "{}" : "recorded already: nothing is appended") << "\n";
  return kDone;
}

}  // namespace

void AddImportInToto(CLI::App& import) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *import.add_subcommand(
      "in-toto", "others' attestations (in-toto in DSSE) as evidence, their signatures checked by the keys given");
  verb.footer(
      "Example: anamnesis import in-toto build.dsse.json --cosign-key cosign.pub --about model:spleen@0.2.0 \\\n"
      "           --as ada.key\n"
      "Each becomes a document.referenced event; one that is recorded already, and as about the same, "
      "adds nothing. When one is not signed by "
      "a "
      "key given, or is about other bytes than --about's, nothing is recorded (exit status 1 or 2). Keep the file: "
      "`anamnesis object put` stores it.");
  verb.add_option("FILE", options->files, "DSSE envelopes as JSON")->required();
  verb.add_option("--key", options->keys,
                  "an Ed25519 key, NAME+ID+BASE64 as `anamnesis key show` prints it; repeatable");
  verb.add_option("--cosign-key", options->pem_files,
                  "a PEM file with a public key: ECDSA on P-256, or Ed25519; repeatable");
  verb.add_option("--about", options->about, "KIND:ID[@VERSION] whose recorded digest a subject must have; repeatable");
  AddWriteOptions(verb, *options);
  SetAction(verb, [options] { return Import(*options); });
}

}  // namespace anamnesis::cli
