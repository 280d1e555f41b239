#include "client/exports/writer.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>

#include "client/exports/content.h"
#include "client/exports/html.h"
#include "client/exports/json.h"
#include "client/exports/readme.h"
#include "client/exports/records.h"
#include "client/exports/sections.h"
#include "client/exports/signer_keys.h"
#include "ledger/crypto/sha256.h"
#include "ledger/event/header.h"
#include "ledger/event/leaf.h"
#include "ledger/event/names.h"
#include "ledger/event/seal.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/signed_note.h"
#include "ledger/note/tlog_proof.h"
#include "ledger/query/events.h"

namespace anamnesis::exports {
namespace {

// A directory of the export that went away is a failure to write, and no object that a store doesn't have.
Status OfWriting(const Status& written) {
  return absl::IsNotFound(written) ? absl::InternalError(std::string(MessageOf(written))) : written;
}

// Hashes on the way to a file what an object store hands over.
class HashingSink : public ObjectSink {
 public:
  explicit HashingSink(ObjectSink& file) : file_(file) {}
  Status Write(std::string_view bytes) override {
    hasher_.Update(bytes);
    size_ += bytes.size();
    return OfWriting(file_.Write(bytes));
  }
  Status Restart() override {
    (void)hasher_.Finish();
    size_ = 0;
    return OfWriting(file_.Restart());
  }
  ManifestEntry Finish() { return {hasher_.Finish(), size_}; }

 private:
  ObjectSink& file_;
  Sha256Hasher hasher_;
  uint64_t size_ = 0;
};

// The proof of a receipt under the view's own note. Which key signed the one that came with it is not asked: keys are
// rotated, and another node may answer, while an export is made.
StatusOr<std::string> ProofUnder(const LedgerView& view, uint64_t leaf, const v1::Receipt& receipt) {
  ASSIGN_OR_RETURN(TlogProof proof, ParseTlogProof(receipt.tlog_proof()));
  ASSIGN_OR_RETURN(const SignedNote note, ParseSignedNote(proof.checkpoint_note));
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, ParseCheckpointText(note.text));
  if (checkpoint != view.checkpoint() || proof.index.value != leaf) {
    return absl::DataLossError(Text("the ledger gave a receipt for leaf ", proof.index.value, " of ", checkpoint.origin,
                                    " under the root ", checkpoint.root.hex(), " at ", checkpoint.size.value,
                                    " events; the export is made of ", view.origin(), " under ",
                                    view.checkpoint().root.hex(), " at ", view.tree_size()));
  }
  RETURN_IF_ERROR(VerifyTlogProofUnder(proof, receipt.leaf(), view.checkpoint()).status());
  proof.checkpoint_note = view.checkpoint_note();
  return FormatTlogProof(proof);
}

// What a verifier will find by `keys`, who has nothing but records: a key that has expired, or isn't valid yet, signs
// nothing.
Status CheckInForce(const SignerKeys& keys, const NamedKey& signer, Timestamp at, std::string_view when) {
  const StatusOr<std::string> holder = keys.HolderAt(signer.key.public_key().bytes(), at);
  if (holder.ok()) return OkStatus();
  return absl::FailedPreconditionError(
      Text("--as: nobody could verify the export, ", when, " ", FormatTime(at), ": ", MessageOf(holder.status())));
}

// The same before anything is written, by the record of the key alone.
Status CheckInForceNow(const LedgerView& view, const v1::Credential& credential, const NamedKey& signer) {
  ASSIGN_OR_RETURN(const v1::Event event, view.Event(credential.issued_index()));
  ASSIGN_OR_RETURN(const Timestamp recorded, FromProtoTime(event.recorded(), "recorded"));
  SignerKeys keys;
  keys.Note(event.header(), event.index(), recorded, event.body().content());
  return CheckInForce(keys, signer, view.as_of(), "which is as of");
}

}  // namespace

std::string RecordPath(uint64_t leaf, std::string_view ending) { return Text("records/", leaf, ending); }

StatusOr<ExportWriter> ExportWriter::Open(const std::string& dir) {
  std::error_code error;
  if (std::filesystem::exists(dir, error) && !std::filesystem::is_empty(dir, error)) {
    return absl::InvalidArgumentError(Text("--out: ", dir, " is there and not empty; give a new directory"));
  }
  ASSIGN_OR_RETURN(FileTree tree, FileTree::Open(dir));
  return ExportWriter(std::move(tree));
}

Status ExportWriter::Add(std::string_view path, std::string_view bytes) {
  ASSIGN_OR_RETURN(const std::unique_ptr<FileInTree> file, tree_.Create(path));
  RETURN_IF_ERROR(file->Write(bytes));
  RETURN_IF_ERROR(file->Commit());
  manifest_.files[std::string(path)] = {Sha256(bytes), bytes.size()};
  return OkStatus();
}

Status ExportWriter::AddObject(ObjectClient& store, const Digest& digest) {
  const std::string path = Text("objects/", digest.hex());
  if (manifest_.files.count(path) > 0) return OkStatus();
  const StatusOr<std::unique_ptr<FileInTree>> file = tree_.Create(path);
  RETURN_IF_ERROR(OfWriting(file.status()));
  HashingSink sink(**file);
  RETURN_IF_ERROR(store.Get(digest, sink));
  RETURN_IF_ERROR(OfWriting((*file)->Commit()));
  manifest_.files[path] = sink.Finish();
  return OkStatus();
}

Status ExportWriter::AddRecord(const LedgerView& view, uint64_t leaf, Document& document) {
  ASSIGN_OR_RETURN(const v1::Receipt receipt, view.Receipt(leaf));
  ASSIGN_OR_RETURN(const std::string proof, ProofUnder(view, leaf, receipt));
  std::optional<std::string_view> body;
  if (receipt.has_body()) body = receipt.body().content();
  ASSIGN_OR_RETURN(Record record, RecordOf(leaf, receipt.leaf(), body));
  ASSIGN_OR_RETURN(const LeafView parts, ParseLeaf(receipt.leaf()));
  ASSIGN_OR_RETURN(const ParsedHeader header, ParseHeader(parts.header));
  keys_.Note(header.fields, leaf, parts.recorded, body);
  if (parts.seal.has_value()) {
    ASSIGN_OR_RETURN(const ParsedSeal seal, ParseSealStatement(parts.seal->statement));
    sealing_keys_.emplace(seal.key.bytes());
  }
  RETURN_IF_ERROR(Add(RecordPath(leaf, ".leaf"), receipt.leaf()));
  RETURN_IF_ERROR(Add(RecordPath(leaf, ".tlog-proof"), proof));
  if (receipt.has_body()) {
    RETURN_IF_ERROR(Add(RecordPath(leaf, ".body"), receipt.body().nonce() + receipt.body().content()));
  }
  document.records.push_back(std::move(record));
  return OkStatus();
}

Status ExportWriter::AddRedactions(const LedgerView& view, Document& document) {
  ASSIGN_OR_RETURN(Section redactions, RedactionSection(view, document.records));
  document.sections.push_back(std::move(redactions));
  std::set<uint64_t> missing = CitedLeaves(document);
  for (const Record& record : document.records) missing.erase(record.leaf);
  for (const uint64_t leaf : missing) RETURN_IF_ERROR(AddRecord(view, leaf, document));
  return OkStatus();
}

Status ExportWriter::AddHoldersOfKeys(const LedgerView& view, Document& document) {
  // What names a key is sealed with a key as well.
  std::set<std::string> done;
  while (done != sealing_keys_) {
    for (const std::string& key : std::set<std::string>(sealing_keys_)) {
      if (!done.insert(key).second || !keys_.HolderOf(key).empty()) continue;
      const StatusOr<v1::Credential> issued = view.IssueOf(key);
      // A verifier counts what was sealed with it.
      if (absl::IsNotFound(issued.status())) continue;
      RETURN_IF_ERROR(issued.status());
      const std::string path = RecordPath(issued->issued_index(), ".leaf");
      if (manifest_.files.count(path) == 0) RETURN_IF_ERROR(AddRecord(view, issued->issued_index(), document));
    }
  }
  return OkStatus();
}

Status ExportWriter::Finish(const LedgerView& view, Document& document, const std::vector<uint64_t>& also,
                            const NamedKey& signer) {
  const StatusOr<v1::Credential> credential = view.CredentialOf(signer.key.public_key().bytes());
  if (absl::IsNotFound(credential.status())) {
    return absl::FailedPreconditionError(
        "--as: no credential in force names this key in the ledger, so that nobody could tell who signed; enrol it");
  }
  RETURN_IF_ERROR(credential.status());
  RETURN_IF_ERROR(CheckInForceNow(view, *credential, signer));
  document.origin = view.origin();
  document.tree_size = view.tree_size();
  document.root = view.checkpoint().root.hex();
  document.facts.emplace_back("As of", Text(FormatTime(view.as_of()), ", when the last of them was recorded"));
  document.facts.emplace_back("Signed by", Text(AgentText(credential->holder()), ", whose key was issued by leaf ",
                                                credential->issued_index()));
  std::set<uint64_t> leaves = CitedLeaves(document);
  leaves.insert(also.begin(), also.end());
  leaves.insert(credential->issued_index());
  if (leaves.size() > kRecordsMax) {
    return absl::ResourceExhaustedError(
        Text(leaves.size(), " records are cited, and an export holds at most ", kRecordsMax));
  }
  for (const uint64_t leaf : leaves) RETURN_IF_ERROR(WithContext(AddRecord(view, leaf, document), Text("leaf ", leaf)));
  RETURN_IF_ERROR(AddHoldersOfKeys(view, document));
  RETURN_IF_ERROR(AddRedactions(view, document));
  RETURN_IF_ERROR(AddHoldersOfKeys(view, document));
  std::sort(document.records.begin(), document.records.end(),
            [](const Record& a, const Record& b) { return a.leaf < b.leaf; });
  // A verifier doesn't know what was recorded after the last of them.
  RETURN_IF_ERROR(CheckInForce(keys_, signer, keys_.latest(), "whose last record is of"));
  CleanTexts(document);
  RETURN_IF_ERROR(Add("export.json", WriteJson(document)));
  RETURN_IF_ERROR(Add("index.html", WriteHtml(document)));
  RETURN_IF_ERROR(Add("checkpoint", view.checkpoint_note()));
  RETURN_IF_ERROR(Add("ledger.vkey", Text(view.verifier_key(), "\n")));
  RETURN_IF_ERROR(Add("signer.vkey", Text(VerifierKeyOf(signer).Format(), "\n")));
  RETURN_IF_ERROR(Add("policy", Text("log ", view.verifier_key(), "\nquorum none\n")));
  RETURN_IF_ERROR(Add("README.txt", ReadmeText(view.origin())));
  manifest_.kind = document.kind;
  manifest_.subject = document.subject;
  manifest_.origin = document.origin;
  manifest_.tree_size = document.tree_size;
  manifest_.content_sha256 = ContentDigestOf(document);
  const std::string manifest = WriteManifest(manifest_);
  for (const auto& [path, bytes] :
       {std::pair(kSignatureFile, SignManifest(manifest, signer)), std::pair(kManifestFile, manifest)}) {
    ASSIGN_OR_RETURN(const std::unique_ptr<FileInTree> file, tree_.Create(path));
    RETURN_IF_ERROR(file->Write(bytes));
    RETURN_IF_ERROR(file->Commit());
  }
  return OkStatus();
}

}  // namespace anamnesis::exports
