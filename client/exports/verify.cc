#include "client/exports/verify.h"

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "anamnesis/v1/vocabulary_erasure.pb.h"
#include "client/exports/archive.h"
#include "client/exports/content.h"
#include "client/exports/directory.h"
#include "client/exports/html.h"
#include "client/exports/json.h"
#include "client/exports/records.h"
#include "client/exports/signer_keys.h"
#include "client/exports/writer.h"
#include "ledger/event/header.h"

namespace anamnesis::exports {
namespace {

Status Wrong(std::string text) { return absl::UnauthenticatedError(std::move(text)); }

class Verifier {
 public:
  Verifier(const std::string& dir, const Trust& trust) : dir_(dir), trust_(trust) {}

  // What is read is what was signed, and under the ledger's checkpoint, before it is looked into; and the page is
  // written only of what a holder of a key has signed.
  StatusOr<VerifiedExport> Verify() {
    ASSIGN_OR_RETURN(const std::string manifest, Read(kManifestFile));
    RETURN_IF_ERROR(WithContext(CheckSignature(manifest), std::string(kSignatureFile)));
    StatusOr<Manifest> read = ReadManifest(manifest);
    RETURN_IF_ERROR(WithContext(read.status(), std::string(kManifestFile)));
    verified_.manifest = *std::move(read);
    RETURN_IF_ERROR(CheckFiles());
    RETURN_IF_ERROR(WithContext(CheckCheckpoint(), "checkpoint"));
    RETURN_IF_ERROR(WithContext(ReadDocument(), "export.json"));
    for (const Record& record : verified_.document.records) {
      RETURN_IF_ERROR(WithContext(CheckRecord(record), Text("record ", record.leaf)));
    }
    RETURN_IF_ERROR(CheckOnlyRecords());
    for (const Sealed& one : sealed_) RETURN_IF_ERROR(WithContext(CheckSealer(one), Text("record ", one.leaf)));
    for (const uint64_t leaf : erased_) verified_.bodies_not_shown_erased.erase(leaf);
    RETURN_IF_ERROR(WithContext(CheckSigner(), std::string(kSignatureFile)));
    RETURN_IF_ERROR(WithContext(CheckHtml(), "index.html"));
    return std::move(verified_);
  }

 private:
  std::string PathOf(std::string_view name) const { return Text(dir_, "/", name); }
  StatusOr<std::string> Read(std::string_view name) const { return ReadWhole(PathOf(name), kFileBytesMax); }

  // What is there is what the manifest lists, byte for byte.
  Status CheckFiles() const {
    ASSIGN_OR_RETURN(auto found, ListFiles(dir_));
    found.erase(std::string(kManifestFile));
    found.erase(std::string(kSignatureFile));
    for (const auto& [name, entry] : verified_.manifest.files) {
      if (found.erase(name) == 0) return absl::InvalidArgumentError(Text(name, ": is missing"));
      ASSIGN_OR_RETURN(const ManifestEntry measured, MeasureFile(PathOf(name)));
      if (measured != entry) return Wrong(Text(name, ": is not the file that the manifest lists"));
    }
    if (!found.empty()) return absl::InvalidArgumentError(Text(found.begin()->first, ": is in no manifest"));
    return OkStatus();
  }

  Status ReadDocument() {
    ASSIGN_OR_RETURN(const std::string json, Read("export.json"));
    ASSIGN_OR_RETURN(verified_.document, ReadJson(json));
    const Document& document = verified_.document;
    const Manifest& manifest = verified_.manifest;
    if (document.kind != manifest.kind || document.subject != manifest.subject || document.origin != manifest.origin ||
        document.tree_size != manifest.tree_size) {
      return Wrong("is of another export than the manifest");
    }
    if (verified_.checkpoint.root.hex() != document.root) return Wrong("has another root than the checkpoint");
    if (ContentDigestOf(document) != manifest.content_sha256)
      return Wrong("has another content than the manifest says");
    return OkStatus();
  }

  // The page for people says what export.json says, and nothing else: also its fixed texts, its marks, its markup.
  Status CheckHtml() const {
    ASSIGN_OR_RETURN(const std::string html, Read("index.html"));
    ASSIGN_OR_RETURN(const Digest content, ContentDigestOfHtml(html));
    if (content != verified_.manifest.content_sha256) return Wrong("has another content than export.json");
    if (html != WriteHtml(verified_.document))
      return Wrong("is another page than the one that export.json is written as");
    return OkStatus();
  }

  Status CheckCheckpoint() {
    ASSIGN_OR_RETURN(checkpoint_note_, Read("checkpoint"));
    StatusOr<Checkpoint> checkpoint = trust_.Open(checkpoint_note_);
    if (absl::IsFailedPrecondition(checkpoint.status()) && trust_.policy.has_value()) {
      return absl::FailedPreconditionError(
          Text(MessageOf(checkpoint.status()),
               "; an export carries no cosignatures: verify it with --key, or with a policy that has \"quorum none\""));
    }
    RETURN_IF_ERROR(checkpoint.status());
    verified_.checkpoint = *std::move(checkpoint);
    const Manifest& manifest = verified_.manifest;
    if (verified_.checkpoint.origin != manifest.origin || verified_.checkpoint.size.value != manifest.tree_size) {
      return Wrong("is not the one that the manifest says it was made at");
    }
    return OkStatus();
  }

  Status CheckRecord(const Record& cited) {
    ASSIGN_OR_RETURN(const std::string proof, Read(RecordPath(cited.leaf, ".tlog-proof")));
    ASSIGN_OR_RETURN(const std::string leaf, Read(RecordPath(cited.leaf, ".leaf")));
    std::string body;
    std::optional<std::string_view> given;
    if (cited.body == BodyPresence::kPresent) {
      ASSIGN_OR_RETURN(body, Read(RecordPath(cited.leaf, ".body")));
      given = body;
    }
    ASSIGN_OR_RETURN(const CheckedReceipt receipt, CheckReceipt(ReceiptForm::kTlogProof, proof, leaf, given, trust_));
    if (receipt.index.value != cited.leaf || receipt.checkpoint_note != checkpoint_note_) {
      return Wrong("its receipt is for another leaf or checkpoint");
    }
    std::optional<std::string_view> content;
    if (receipt.body.has_value()) content = *receipt.body;
    ASSIGN_OR_RETURN(const Record found, RecordOf(cited.leaf, leaf, content));
    const auto bound = [](const Record& record) {
      return std::tie(record.event_id, record.type, record.stream, record.actor, record.occurred, record.recorded,
                      record.leaf_sha256, record.body_commitment);
    };
    if (bound(found) != bound(cited)) return Wrong("is not what export.json cites");
    if (!records_.insert(cited.leaf).second) return Wrong("is cited twice");
    ASSIGN_OR_RETURN(const Record header_only, RecordOf(cited.leaf, leaf, std::nullopt));
    switch (TellingOf(found, header_only.fields.size(), cited)) {
      case Telling::kContradicts:
        return Wrong("its fields are not what its body and header say");
      case Telling::kOtherWords:
        ++verified_.told_otherwise;
        break;
      case Telling::kSame:
        break;
    }
    keys_.Note(receipt.header.fields, cited.leaf, receipt.recorded, content);
    NoteBody(found.type, cited.leaf, content);
    if (found.stream != kLedgerStream)
      sealed_.push_back({cited.leaf, found.actor, receipt.recorded, receipt.sealed_by});
    return OkStatus();
  }

  // A record that is sealed alone, and what it says of who wrote it.
  struct Sealed {
    uint64_t leaf = 0;
    std::string actor;
    Timestamp recorded;
    std::optional<PublicKey> key;
  };

  // What names the key may stand after what it sealed. Exports of older versions don't hold it.
  Status CheckSealer(const Sealed& one) {
    const std::string holder = one.key.has_value() ? keys_.HolderOf(one.key->view()) : "";
    if (!holder.empty() && holder != one.actor) return Wrong(Text("is of ", one.actor, ", and sealed by ", holder));
    if (holder.empty() || !keys_.MaySealAt(one.key->view(), one.recorded)) verified_.seals_not_shown.insert(one.leaf);
    return OkStatus();
  }

  // That a body is erased is the signer's word, until an erasure in the ledger says so.
  void NoteBody(std::string_view type, uint64_t leaf, const std::optional<std::string_view>& content) {
    v1::SubjectDataErased erasure;
    if (!content.has_value()) {
      verified_.bodies_not_shown_erased.insert(leaf);
    } else if (type == "subject_data.erased" && erasure.ParseFromString(std::string(*content))) {
      erased_.insert(erasure.erased_indexes().begin(), erasure.erased_indexes().end());
    }
  }

  // Every citation has its record, and records/ has nothing else.
  Status CheckOnlyRecords() const {
    for (const uint64_t leaf : CitedLeaves(verified_.document)) {
      if (records_.count(leaf) == 0) return Wrong(Text("leaf ", leaf, " is cited and has no record"));
    }
    std::set<std::string> expected;
    for (const Record& record : verified_.document.records) {
      expected.insert(RecordPath(record.leaf, ".leaf"));
      expected.insert(RecordPath(record.leaf, ".tlog-proof"));
      if (record.body == BodyPresence::kPresent) expected.insert(RecordPath(record.leaf, ".body"));
    }
    for (const auto& [name, entry] : verified_.manifest.files) {
      if (name.starts_with("records/") && expected.count(name) == 0) return Wrong(Text(name, ": belongs to no record"));
      if (name.starts_with("objects/") && name != Text("objects/", entry.sha256.hex())) {
        return Wrong(Text(name, ": is not the object that it is named after"));
      }
    }
    return OkStatus();
  }

  // By a key that the verifier trusts by itself, or by the one in signer.vkey, whose holder is looked for later.
  Status CheckSignature(std::string_view manifest) {
    ASSIGN_OR_RETURN(const std::string signature, Read(kSignatureFile));
    ASSIGN_OR_RETURN(note_, ReadManifestSignature(signature, manifest));
    for (const VerifierKey& key : trust_.keys) {
      if (!IsSignedBy(key).ok()) continue;
      verified_.signer = Text("the trusted key ", key.name());
      return OkStatus();
    }
    ASSIGN_OR_RETURN(const std::string text, Read("signer.vkey"));
    if (!text.ends_with('\n')) return absl::InvalidArgumentError("signer.vkey is cut off");
    ASSIGN_OR_RETURN(signer_, VerifierKey::Parse(std::string_view(text).substr(0, text.size() - 1)));
    return IsSignedBy(*signer_);
  }

  // A cosigner's key states what it has seen of a log, and signs no export.
  Status IsSignedBy(const VerifierKey& key) const {
    if (key.type() != KeyType::kEd25519) return Wrong(Text(key.name(), " is a key for cosignatures"));
    return VerifySignature(note_.text, note_.signatures[0], key);
  }

  // The export was made after the last record in it; it need not hold the record that ends a key.
  Status CheckSigner() {
    if (!signer_.has_value()) return OkStatus();
    ASSIGN_OR_RETURN(const std::string holder, keys_.HolderAt(signer_->public_key().view(), keys_.latest()));
    verified_.signer = holder + ", not checked for revocation";
    return OkStatus();
  }

  const std::string dir_;
  const Trust& trust_;
  VerifiedExport verified_;
  SignedNote note_;
  std::string checkpoint_note_;
  std::set<uint64_t> records_;
  std::vector<Sealed> sealed_;
  // What the erasures in the export name.
  std::set<uint64_t> erased_;
  // The key in signer.vkey, where none that the verifier trusts signed.
  std::optional<VerifierKey> signer_;
  SignerKeys keys_;
};

// A directory of its own that is gone when this is.
class TemporaryDirectory {
 public:
  static StatusOr<TemporaryDirectory> Make() {
    std::error_code error;
    std::string path = (std::filesystem::temp_directory_path(error) / "anamnesis-export-XXXXXX").string();
    if (error || mkdtemp(path.data()) == nullptr)
      return absl::InvalidArgumentError("no temporary directory can be made");
    return TemporaryDirectory(std::move(path));
  }
  ~TemporaryDirectory() {
    std::error_code error;
    if (!path_.empty()) std::filesystem::remove_all(path_, error);
  }
  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, "")) {}

  std::string inner() const { return path_ + "/export"; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace

StatusOr<VerifiedExport> VerifyDirectory(const std::string& dir, const Trust& trust) {
  return Verifier(dir, trust).Verify();
}

StatusOr<VerifiedExport> VerifyExport(const std::string& path, const Trust& trust) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return VerifyDirectory(path, trust);
  ASSIGN_OR_RETURN(const TemporaryDirectory directory, TemporaryDirectory::Make());
  RETURN_IF_ERROR(UnpackArchive(path, directory.inner()));
  return VerifyDirectory(directory.inner(), trust);
}

bool LooksLikeExport(const std::string& path) {
  std::error_code error;
  return path.ends_with(".tar") || std::filesystem::is_directory(path, error);
}

}  // namespace anamnesis::exports
