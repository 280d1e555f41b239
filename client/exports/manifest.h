#ifndef ANAMNESIS_CLIENT_EXPORTS_MANIFEST_H_
#define ANAMNESIS_CLIENT_EXPORTS_MANIFEST_H_

// What an export consists of, and who answers for it: manifest.json (RFC 8785) names every other file by SHA-256 and
// size, and manifest.sig is a C2SP signed note over the digest of manifest.json. Pure; safe for any input.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "ledger/base/digest.h"
#include "ledger/base/status.h"
#include "ledger/keys/key_file.h"
#include "ledger/note/signed_note.h"

namespace anamnesis::exports {

inline constexpr std::string_view kManifestFormat = "anamnesis-export-manifest-v1";
inline constexpr std::string_view kManifestFile = "manifest.json";
inline constexpr std::string_view kSignatureFile = "manifest.sig";

struct ManifestEntry {
  Digest sha256;
  uint64_t size = 0;

  friend bool operator==(const ManifestEntry&, const ManifestEntry&) = default;
};

struct Manifest {
  std::string kind;
  std::string subject;
  std::string origin;
  uint64_t tree_size = 0;
  // Of content.h: export.json and index.html both have it.
  Digest content_sha256;
  // By path, without manifest.json and manifest.sig themselves.
  std::map<std::string, ManifestEntry> files;
};

std::string WriteManifest(const Manifest& manifest);
// INVALID_ARGUMENT unless it is exactly what WriteManifest writes.
StatusOr<Manifest> ReadManifest(std::string_view json);

// "FORMAT\n<lower-case SHA-256 of manifest.json>\n" as a note signed by `key`.
std::string SignManifest(std::string_view manifest_json, const NamedKey& key);
// The one signature of the note, which must be over this manifest; whether a key made it is for the caller to check
// (VerifySignature). UNAUTHENTICATED: it is about another manifest; INVALID_ARGUMENT: it is no such note.
StatusOr<SignedNote> ReadManifestSignature(std::string_view signature, std::string_view manifest_json);

}  // namespace anamnesis::exports

#endif  // ANAMNESIS_CLIENT_EXPORTS_MANIFEST_H_
