#ifndef ANAMNESIS_CLIENT_CLI_EVIDENCE_TEXT_H_
#define ANAMNESIS_CLIENT_CLI_EVIDENCE_TEXT_H_

// What shows a clause, for a person.

#include "anamnesis/v1/question.pb.h"

namespace anamnesis::cli {

// One line on stdout.
void PrintEvidence(const v1::ClauseEvidence& evidence);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_EVIDENCE_TEXT_H_
