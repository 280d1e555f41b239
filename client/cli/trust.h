#ifndef ANAMNESIS_CLIENT_CLI_TRUST_H_
#define ANAMNESIS_CLIENT_CLI_TRUST_H_

// What a verifier trusts, and receipts checked by it: offline, from files (receipts.h) alone.

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "client/cpp/receipt_check.h"
#include "ledger/base/status.h"

namespace anamnesis::cli {

inline constexpr std::string_view kProofEnding = ".tlog-proof";
inline constexpr std::string_view kCoseEnding = ".cose";

// --key, --policy and --key-history, as they were given.
struct TrustOptions {
  std::vector<std::string> keys;
  std::string policy_file;
  std::string history_file = "";
};
void AddTrustOptions(CLI::App& verb, TrustOptions& options);

// INVALID_ARGUMENT unless either keys or a policy are given and can be read. Fails as KeyCustody::Judge does for a key
// history.
StatusOr<Trust> ReadTrust(const TrustOptions& options);

// The receipt NAME.tlog-proof or NAME.cose with NAME.leaf beside it: that the leaf is under a trusted checkpoint, that
// its seal, if it has one, holds and is for this ledger and stream, and that NAME.body, if it is there, is what the
// leaf commits to. INVALID_ARGUMENT when a file can't be read or is malformed; UNAUTHENTICATED when something does not
// hold; FAILED_PRECONDITION below the policy's quorum.
StatusOr<CheckedReceipt> CheckReceipt(const std::string& proof_path, const Trust& trust);

// The COSE receipt NAME.cose that the ledger continues the checkpoint in NAME.older, which is verified too.
struct CheckedConsistency {
  Checkpoint older;
  Checkpoint newer;
};
bool IsConsistencyReceipt(const std::string& proof_path);
StatusOr<CheckedConsistency> CheckConsistencyReceipt(const std::string& proof_path, const Trust& trust);
// The older checkpoint's file beside it.
std::string OlderPathOf(std::string_view proof_path);

// Whether a file is a receipt by its name, in which form, and the leaf's file beside it.
bool IsReceiptPath(std::string_view path);
ReceiptForm FormOf(std::string_view proof_path);
std::string LeafPathOf(std::string_view proof_path);

}  // namespace anamnesis::cli

#endif  // ANAMNESIS_CLIENT_CLI_TRUST_H_
