#include "client/exports/verify.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "anamnesis/v1/vocabulary_authority.pb.h"
#include "anamnesis/v1/vocabulary_delegation.pb.h"
#include "client/exports/archive.h"
#include "client/exports/content.h"
#include "client/exports/directory.h"
#include "client/exports/json.h"
#include "client/exports/records.h"
#include "client/exports/writer.h"
#include "ledger/event/names.h"
#include "ledger/event/vocabulary.h"

namespace anamnesis::exports {
namespace {

Status Wrong(std::string text) { return absl::UnauthenticatedError(std::move(text)); }

class Verifier {
 public:
  Verifier(const std::string& dir, const Trust& trust) : dir_(dir), trust_(trust) {}

  StatusOr<VerifiedExport> Verify() {
    RETURN_IF_ERROR(WithContext(ReadSignedManifest(), std::string(kManifestFile)));
    RETURN_IF_ERROR(CheckFiles());
    RETURN_IF_ERROR(WithContext(ReadDocument(), "export.json"));
    RETURN_IF_ERROR(WithContext(CheckHtml(), "index.html"));
    RETURN_IF_ERROR(WithContext(CheckCheckpoint(), "checkpoint"));
    for (const Record& record : verified_.document.records) {
      RETURN_IF_ERROR(WithContext(CheckRecord(record), Text("record ", record.leaf)));
    }
    RETURN_IF_ERROR(CheckOnlyRecords());
    RETURN_IF_ERROR(WithContext(CheckSigner(), std::string(kSignatureFile)));
    return std::move(verified_);
  }

 private:
  std::string PathOf(std::string_view name) const { return Text(dir_, "/", name); }
  StatusOr<std::string> Read(std::string_view name) const { return ReadWhole(PathOf(name), kFileBytesMax); }

  Status ReadSignedManifest() {
    ASSIGN_OR_RETURN(const std::string json, Read(kManifestFile));
    ASSIGN_OR_RETURN(const std::string signature, Read(kSignatureFile));
    ASSIGN_OR_RETURN(note_, ReadManifestSignature(signature, json));
    ASSIGN_OR_RETURN(verified_.manifest, ReadManifest(json));
    return OkStatus();
  }

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
    if (ContentDigestOf(document) != manifest.content_sha256)
      return Wrong("has another content than the manifest says");
    return OkStatus();
  }

  Status CheckHtml() const {
    ASSIGN_OR_RETURN(const std::string html, Read("index.html"));
    ASSIGN_OR_RETURN(const Digest content, ContentDigestOfHtml(html));
    if (content != verified_.manifest.content_sha256) return Wrong("has another content than export.json");
    return OkStatus();
  }

  Status CheckCheckpoint() {
    ASSIGN_OR_RETURN(checkpoint_note_, Read("checkpoint"));
    ASSIGN_OR_RETURN(verified_.checkpoint, trust_.Open(checkpoint_note_));
    const Document& document = verified_.document;
    if (verified_.checkpoint.origin != document.origin || verified_.checkpoint.size.value != document.tree_size ||
        verified_.checkpoint.root.hex() != document.root) {
      return Wrong("is not the one that export.json says it was made at");
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
    // The fields are told in words that may change from release to release, so that others are counted and not
    // refused; the body's bytes are bound by its commitment.
    const auto bound = [](const Record& record) {
      return std::tie(record.event_id, record.type, record.stream, record.actor, record.occurred, record.recorded,
                      record.leaf_sha256, record.body_commitment);
    };
    if (bound(found) != bound(cited)) return Wrong("is not what export.json cites");
    if (!records_.insert(cited.leaf).second) return Wrong("is cited twice");
    Document told;
    told.records.push_back(found);
    CleanTexts(told);
    if (told.records.front().fields != cited.fields) ++verified_.told_otherwise;
    NoteCredential(receipt);
    return OkStatus();
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

  void NoteCredential(const CheckedReceipt& receipt) {
    const v1::EventHeader& header = receipt.header.fields;
    latest_ = std::max(latest_, receipt.recorded);
    const v1::EntityRef* holder = FindReference(header, "holder");
    if (holder == nullptr || !receipt.body.has_value()) return;
    v1::CredentialIssued issued;
    v1::CredentialRotated rotated;
    v1::CredentialRevoked revoked;
    v1::CredentialReportedLost lost;
    const auto end = [&](const std::string& key, int64_t from_us) {
      ended_[key].emplace_back(from_us, Text(header.type(), " of leaf ", receipt.index.value));
    };
    if (header.type() == "credential.issued" && issued.ParseFromString(*receipt.body)) {
      holders_[issued.public_key()] = EntityKeyText(EntityOf(holder->kind(), holder->id()));
    } else if (header.type() == "credential.rotated" && rotated.ParseFromString(*receipt.body)) {
      holders_[rotated.new_public_key()] = EntityKeyText(EntityOf(holder->kind(), holder->id()));
      end(rotated.old_public_key(), rotated.old_key_until_us());
    } else if (header.type() == "credential.revoked" && revoked.ParseFromString(*receipt.body)) {
      end(revoked.public_key(), revoked.effective_from_us());
    } else if (header.type() == "credential.reported_lost" && lost.ParseFromString(*receipt.body)) {
      end(lost.public_key(), lost.lost_since_us());
    }
  }

  // By a key that the verifier trusts by itself, or one whose holder a verified record names.
  Status CheckSigner() {
    for (const VerifierKey& key : trust_.keys) {
      if (!VerifySignature(note_.text, note_.signatures[0], key).ok()) continue;
      verified_.signer = Text("the trusted key ", key.name());
      return OkStatus();
    }
    ASSIGN_OR_RETURN(const std::string text, Read("signer.vkey"));
    if (!text.ends_with('\n')) return absl::InvalidArgumentError("signer.vkey is cut off");
    ASSIGN_OR_RETURN(const VerifierKey key, VerifierKey::Parse(std::string_view(text).substr(0, text.size() - 1)));
    RETURN_IF_ERROR(VerifySignature(note_.text, note_.signatures[0], key));
    const auto holder = holders_.find(key.public_key().bytes());
    if (holder == holders_.end()) return Wrong("no record in this export says who holds the key that signed it");
    for (const auto& [from_us, why] : ended_[key.public_key().bytes()]) {
      // The export was made after the last record in it.
      if (from_us <= latest_.us) return Wrong(Text("the key that signed it was ended by ", why));
    }
    // An export need not hold the record that ends a key.
    verified_.signer = holder->second + ", not checked for revocation";
    return OkStatus();
  }

  const std::string dir_;
  const Trust& trust_;
  VerifiedExport verified_;
  SignedNote note_;
  std::string checkpoint_note_;
  std::set<uint64_t> records_;
  // By public key.
  std::map<std::string, std::string> holders_;
  // By public key: from when on its seals are refused, and the record that says so.
  std::map<std::string, std::vector<std::pair<int64_t, std::string>>> ended_;
  // When the last of the records was recorded.
  Timestamp latest_;
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
