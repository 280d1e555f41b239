#include "client/exports/manifest.h"

#include <nlohmann/json.hpp>

#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"

namespace anamnesis::exports {
namespace {

using Json = nlohmann::json;

std::string TextAt(const Json& json, const char* name) {
  const auto found = json.find(name);
  const std::string* text = found == json.end() ? nullptr : found->get_ptr<const std::string*>();
  return text == nullptr ? "" : *text;
}

uint64_t NumberAt(const Json& json, const char* name) {
  const auto found = json.find(name);
  const auto* number = found == json.end() ? nullptr : found->get_ptr<const Json::number_unsigned_t*>();
  return number == nullptr ? 0 : *number;
}

StatusOr<Digest> DigestAt(const Json& json, const char* name) {
  ASSIGN_OR_RETURN(const std::string bytes, HexDecode(TextAt(json, name)));
  return Digest::FromBytes(bytes, name);
}

std::string NoteText(std::string_view manifest_json) {
  return Text(kManifestFormat, "\n", Sha256(manifest_json).hex(), "\n");
}

}  // namespace

std::string WriteManifest(const Manifest& manifest) {
  Json files = Json::array();
  for (const auto& [path, entry] : manifest.files) {
    files.push_back({{"path", path}, {"sha256", entry.sha256.hex()}, {"size", entry.size}});
  }
  const Json json = {{"format", std::string(kManifestFormat)},
                     {"kind", manifest.kind},
                     {"subject", manifest.subject},
                     {"origin", manifest.origin},
                     {"tree_size", manifest.tree_size},
                     {"content_sha256", manifest.content_sha256.hex()},
                     {"files", std::move(files)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

StatusOr<Manifest> ReadManifest(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return absl::InvalidArgumentError("is no JSON object");
  Manifest manifest;
  manifest.kind = TextAt(json, "kind");
  manifest.subject = TextAt(json, "subject");
  manifest.origin = TextAt(json, "origin");
  manifest.tree_size = NumberAt(json, "tree_size");
  ASSIGN_OR_RETURN(manifest.content_sha256, DigestAt(json, "content_sha256"));
  const auto files = json.find("files");
  if (files == json.end() || !files->is_array()) return absl::InvalidArgumentError("lists no files");
  for (const Json& file : *files) {
    ManifestEntry& entry = manifest.files[TextAt(file, "path")];
    ASSIGN_OR_RETURN(entry.sha256, DigestAt(file, "sha256"));
    entry.size = NumberAt(file, "size");
  }
  if (WriteManifest(manifest) != text) return absl::InvalidArgumentError("is not in the one form that a manifest has");
  return manifest;
}

std::string SignManifest(std::string_view manifest_json, const NamedKey& key) {
  SignedNote note;
  note.text = NoteText(manifest_json);
  note.signatures.push_back(SignNote(note.text, key.name, key.key));
  return FormatSignedNote(note);
}

StatusOr<SignedNote> ReadManifestSignature(std::string_view signature, std::string_view manifest_json) {
  ASSIGN_OR_RETURN(SignedNote note, ParseSignedNote(signature));
  if (note.signatures.size() != 1 || FormatSignedNote(note) != signature) {
    return absl::InvalidArgumentError("is no note with exactly one signature");
  }
  if (note.text != NoteText(manifest_json)) return absl::UnauthenticatedError("signs another manifest");
  return note;
}

}  // namespace anamnesis::exports
