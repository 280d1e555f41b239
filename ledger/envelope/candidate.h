#ifndef ANAMNESIS_LEDGER_ENVELOPE_CANDIDATE_H_
#define ANAMNESIS_LEDGER_ENVELOPE_CANDIDATE_H_

// What certifications and verifications of an artifact are about. Pure; any thread.

#include <string>
#include <string_view>

#include "anamnesis/v1/vocabulary_model.pb.h"

namespace anamnesis {

// The candidate configuration, whatever the unit: SHA-256 over "anamnesis.candidate.v1", a zero byte, and the three
// digests of 32 bytes.
std::string CandidateDigest(std::string_view artifact_digest, std::string_view baseline_digest,
                            std::string_view substrate_digest);

// The SHA-256 of an artifact's bytes as recorded: that of its reference, which has to be that of one of its files, or
// without one there that of its only file. Empty when none says it: nothing else may be taken for the artifact, since
// what is tested, stored and presented are files.
std::string DigestOfArtifact(const v1::EntityRef& artifact, const v1::ArtifactProduced& produced);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_ENVELOPE_CANDIDATE_H_
