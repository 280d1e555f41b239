#include "ledger/envelope/candidate.h"

#include <algorithm>

#include "ledger/crypto/sha256.h"

namespace anamnesis {
namespace {

std::string Sha256Of(const v1::ContentDigest& digest) {
  return digest.algorithm() == v1::SHA256 ? digest.value() : std::string();
}

}  // namespace

std::string CandidateDigest(std::string_view artifact_digest, std::string_view baseline_digest,
                            std::string_view substrate_digest) {
  constexpr std::string_view kDomain("anamnesis.candidate.v1\0", 23);
  return Sha256({kDomain, artifact_digest, baseline_digest, substrate_digest}).bytes();
}

std::string DigestOfArtifact(const v1::EntityRef& artifact, const v1::ArtifactProduced& produced) {
  if (!artifact.has_digest()) {
    return produced.files_size() == 1 ? Sha256Of(produced.files(0).digest()) : std::string();
  }
  const std::string digest = Sha256Of(artifact.digest());
  const bool is_of_a_file =
      std::any_of(produced.files().begin(), produced.files().end(),
                  [&](const v1::FileRecord& file) { return !digest.empty() && Sha256Of(file.digest()) == digest; });
  return is_of_a_file ? digest : std::string();
}

}  // namespace anamnesis
