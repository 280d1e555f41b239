#ifndef ANAMNESIS_CLIENT_CLI_ARTIFACT_TEXT_H_
#define ANAMNESIS_CLIENT_CLI_ARTIFACT_TEXT_H_

// What an artifact is and how it stands, for a person.

#include "anamnesis/v1/question_gate.pb.h"

namespace anamnesis::cli {

// On stdout.
void PrintArtifact(const v1::ArtifactAnswer& artifact);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_ARTIFACT_TEXT_H_
