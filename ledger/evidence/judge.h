#ifndef ANAMNESIS_LEDGER_EVIDENCE_JUDGE_H_
#define ANAMNESIS_LEDGER_EVIDENCE_JUDGE_H_

// What a piece of evidence proves, to somebody who has nothing but it and keys that they trust. Pure; safe from any
// thread and for any input.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/status.h"
#include "ledger/evidence/evidence.h"
#include "ledger/note/verifier_key.h"

namespace anamnesis {

struct Judgement {
  // As EvidenceKind.
  std::string kind;
  // The ledger that it is about.
  std::string origin;
  // Of a forked stream.
  std::string stream;
  // Who is proven to have signed what can't both be true: verifier keys of a log, the public key of a writer in
  // hexadecimal. Several when a log signed with several keys.
  std::vector<std::string> signed_by;
  // Those among the trusted cosigners that cosigned both trees, by their verifier keys.
  std::vector<std::string> cosigned_by;
  // Sentences for a person.
  std::vector<std::string> proven;
  std::vector<std::string> not_proven;
};

// `trusted`: a log's keys, named as its origin; a writer's key under any name; cosigners, where it is asked whether
// they cosigned both. INVALID_ARGUMENT: what is in the file is malformed. UNAUTHENTICATED: a signature is wrong, or not
// by a trusted key, or a proof leads elsewhere. FAILED_PRECONDITION: all of it holds, and both can be true.
StatusOr<Judgement> Judge(const Evidence& evidence, std::span<const VerifierKey> trusted);
// The same of a file's bytes.
StatusOr<Judgement> JudgeFile(std::string_view bytes, std::span<const VerifierKey> trusted);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_EVIDENCE_JUDGE_H_
