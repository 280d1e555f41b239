#ifndef ANAMNESIS_CLIENT_CLI_TRUST_H_
#define ANAMNESIS_CLIENT_CLI_TRUST_H_

// What a verifier trusts, and receipts checked by it: offline, from files (receipts.h) alone.

#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/event/header.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/policy.h"
#include "ledger/note/tlog_proof.h"

namespace anamnesis::cli {

inline constexpr std::string_view kProofEnding = ".tlog-proof";

// --key and --policy, as they were given.
struct TrustOptions {
  std::vector<std::string> keys;
  std::string policy_file;
};
void AddTrustOptions(CLI::App& verb, TrustOptions& options);

// Keys given on the command line, or a policy.
struct Trust {
  std::vector<VerifierKey> keys;
  std::optional<Policy> policy;

  StatusOr<Checkpoint> Open(const std::string& note) const;
  StatusOr<Checkpoint> Check(const TlogProof& proof, const std::string& leaf) const;
};

// INVALID_ARGUMENT unless either keys or a policy are given and can be read.
StatusOr<Trust> ReadTrust(const TrustOptions& options);

struct CheckedReceipt {
  LeafIndex index;
  Checkpoint checkpoint;
  ParsedHeader header;
  Timestamp recorded;
  // The key that sealed a run of this one event.
  std::optional<PublicKey> sealed_by;
  // The body's content, where NAME.body is there.
  std::optional<std::string> body;
};

// The receipt NAME.tlog-proof with NAME.leaf beside it: that the leaf is under a trusted checkpoint, that its seal, if
// it has one, holds and is for this ledger and stream, and that NAME.body, if it is there, is what the leaf commits to.
// INVALID_ARGUMENT when a file can't be read or is malformed; UNAUTHENTICATED when something does not hold;
// FAILED_PRECONDITION below the policy's quorum.
StatusOr<CheckedReceipt> CheckReceipt(const std::string& proof_path, const Trust& trust);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_TRUST_H_
