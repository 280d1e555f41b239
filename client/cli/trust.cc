#include "client/cli/trust.h"

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>

#include "client/cli/context.h"
#include "ledger/base/limits.h"
#include "ledger/cose/cose_receipt.h"
#include "ledger/custody/custody.h"
#include "ledger/custody/key_history.h"

namespace anamnesis::cli {
namespace {

// A receipt's path without its ending.
std::string_view NameOf(std::string_view proof_path) { return proof_path.substr(0, proof_path.rfind('.')); }

// nullopt only where there is no such file: one that is there and can't be read is not left unchecked.
StatusOr<std::optional<std::string>> ReadFileIfThere(const std::string& path, size_t bytes_max) {
  std::error_code failed;
  const std::filesystem::file_status status = std::filesystem::symlink_status(path, failed);
  if (status.type() == std::filesystem::file_type::not_found) return std::nullopt;
  ASSIGN_OR_RETURN(std::string bytes, ReadFile(path, bytes_max));
  return std::optional<std::string>(std::move(bytes));
}

}  // namespace

void AddTrustOptions(CLI::App& verb, TrustOptions& options) {
  verb.add_option("--key", options.keys, "a verifier key that you trust: name+hex+base64; repeatable");
  verb.add_option("--policy", options.policy_file, "a C2SP tlog-policy file instead of keys");
  verb.add_option("--key-history", options.history_file,
                  "what `anamnesis key history` wrote: from a key that you trust to those of other times");
}

StatusOr<Trust> ReadTrust(const TrustOptions& options) {
  Trust trust;
  for (const std::string& text : options.keys) {
    StatusOr<VerifierKey> key = VerifierKey::Parse(text);
    if (!key.ok()) {
      std::error_code ignored;
      const bool is_file = std::filesystem::exists(text, ignored);
      return absl::InvalidArgumentError(
          Text("--key: \"", text, "\": ", MessageOf(key.status()),
               is_file ? Text("; it is a file: give what is in it, --key \"$(cat ", text, ")\"") : ""));
    }
    trust.keys.push_back(*std::move(key));
  }
  if (!options.policy_file.empty()) {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(options.policy_file, limits::kPolicyBytesMax));
    ASSIGN_OR_RETURN(trust.policy, Policy::Parse(text));
  }
  if (trust.keys.empty() == !trust.policy.has_value()) {
    return absl::InvalidArgumentError(
        "give either --key (the ledger's verifier key, from a source you trust) or --policy");
  }
  if (options.history_file.empty()) return trust;
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(options.history_file));
  StatusOr<KeyHistory> history = ParseKeyHistory(bytes);
  if (!history.ok()) return WithContext(history.status(), options.history_file);
  StatusOr<KeyCustody> custody = KeyCustody::Judge(*history, trust.LogKeys());
  if (!custody.ok()) return WithContext(custody.status(), options.history_file);
  trust.custody = std::make_shared<const KeyCustody>(*std::move(custody));
  return trust;
}

StatusOr<CheckedReceipt> CheckReceipt(const std::string& proof_path, const Trust& trust) {
  if (!IsReceiptPath(proof_path)) {
    return absl::InvalidArgumentError(
        Text(proof_path, ": is no receipt; give NAME", kProofEnding, " or NAME", kCoseEnding));
  }
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(proof_path, limits::kProofBytesMax));
  ASSIGN_OR_RETURN(const std::string leaf, ReadFile(LeafPathOf(proof_path), limits::kLeafBytesMax));
  ASSIGN_OR_RETURN(const std::optional<std::string> body,
                   ReadFileIfThere(Text(NameOf(proof_path), ".body"), kNonceBytes + limits::kBodyBytesMax));
  return CheckReceipt(FormOf(proof_path), bytes, leaf, body, trust);
}

bool IsConsistencyReceipt(const std::string& proof_path) {
  if (!proof_path.ends_with(kCoseEnding)) return false;
  const StatusOr<std::string> bytes = ReadFile(proof_path, limits::kProofBytesMax);
  const StatusOr<CoseReceipt> receipt = bytes.ok() ? ParseCoseReceipt(*bytes) : bytes.status();
  return receipt.ok() && std::holds_alternative<CoseConsistency>(receipt->proof);
}

StatusOr<CheckedConsistency> CheckConsistencyReceipt(const std::string& proof_path, const Trust& trust) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(proof_path, limits::kProofBytesMax));
  ASSIGN_OR_RETURN(const CoseReceipt receipt, ParseCoseReceipt(bytes));
  ASSIGN_OR_RETURN(const std::string note, ReadFile(OlderPathOf(proof_path), limits::kNoteBytesMax));
  CheckedConsistency checked;
  ASSIGN_OR_RETURN(checked.older, trust.Open(note));
  ASSIGN_OR_RETURN(checked.newer, trust.Check(receipt, checked.older));
  return checked;
}

std::string OlderPathOf(std::string_view proof_path) { return Text(NameOf(proof_path), ".older"); }

bool IsReceiptPath(std::string_view path) { return path.ends_with(kProofEnding) || path.ends_with(kCoseEnding); }

ReceiptForm FormOf(std::string_view proof_path) {
  return proof_path.ends_with(kCoseEnding) ? ReceiptForm::kCose : ReceiptForm::kTlogProof;
}

std::string LeafPathOf(std::string_view proof_path) { return Text(NameOf(proof_path), ".leaf"); }

}  // namespace anamnesis::cli
