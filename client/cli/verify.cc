#include <iostream>

#include "client/cli/context.h"
#include "client/cli/event_text.h"
#include "ledger/event/header.h"
#include "ledger/event/leaf.h"
#include "ledger/event/seal.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/policy.h"
#include "ledger/note/tlog_proof.h"

namespace anamnesis::cli {
namespace {

constexpr std::string_view kProofEnding = ".tlog-proof";

// Whom the verifier trusts: keys given on the command line, or a policy.
struct Trust {
  std::vector<VerifierKey> keys;
  std::optional<Policy> policy;

  StatusOr<Checkpoint> Open(const std::string& note) const {
    return policy.has_value() ? policy->Open(note) : OpenCheckpoint(note, keys);
  }
  StatusOr<Checkpoint> Check(const TlogProof& proof, const std::string& leaf) const {
    return policy.has_value() ? VerifyTlogProof(proof, leaf, *policy) : VerifyTlogProof(proof, leaf, keys);
  }
};

StatusOr<Trust> ReadTrust(const std::vector<std::string>& keys, const std::string& policy_file) {
  Trust trust;
  for (const std::string& text : keys) {
    ASSIGN_OR_RETURN(VerifierKey key, VerifierKey::Parse(text));
    trust.keys.push_back(std::move(key));
  }
  if (!policy_file.empty()) {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(policy_file));
    ASSIGN_OR_RETURN(trust.policy, Policy::Parse(text));
  }
  if (trust.keys.empty() == !trust.policy.has_value()) {
    return absl::InvalidArgumentError(
        "give either --key (the ledger's verifier key, from a source you trust) or --policy");
  }
  return trust;
}

// The leaf's own insides: header, seal where it has one, body where there is a file.
StatusOr<std::string> CheckLeaf(const std::string& leaf, const std::string& body_path, const std::string& origin) {
  ASSIGN_OR_RETURN(const LeafView view, ParseLeaf(leaf));
  ASSIGN_OR_RETURN(const ParsedHeader header, ParseHeader(view.header));
  std::string text = Text(header.fields.type(), " of ", header.fields.stream(), ", occurred ",
                          OccurredText(header.fields.occurred_earliest_us(), header.fields.occurred_latest_us()),
                          ", recorded ", FormatTime(view.recorded));
  if (view.seal.has_value()) {
    ASSIGN_OR_RETURN(const ParsedSeal seal, VerifySeal(*view.seal));
    if (seal.statement.origin() != origin || seal.statement.stream() != header.fields.stream()) {
      return absl::UnauthenticatedError("the seal is for another ledger or stream");
    }
    if (seal.statement.count() == 1) {
      const std::string_view headers[] = {view.header};
      RETURN_IF_ERROR(CheckSealFitsRun(seal, origin, header.fields.stream(), header.position().value, headers));
      text += Text("\n    sealed by key ", seal.key.hex());
    }
  }
  const StatusOr<std::string> body = ReadFile(body_path);
  if (body.ok()) {
    if (body->size() < 32 ||
        BodyCommitment(body->substr(0, 32), std::string_view(*body).substr(32)) != header.body_commitment) {
      return absl::UnauthenticatedError(Text(body_path, ": is not the body that the leaf commits to"));
    }
    text += "\n    the body is the one that was committed to";
  }
  return text;
}

StatusOr<std::string> VerifyFile(const std::string& path, const Trust& trust) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  if (!path.ends_with(kProofEnding)) {
    ASSIGN_OR_RETURN(const Checkpoint checkpoint, trust.Open(bytes));
    return Text("checkpoint of ", checkpoint.origin, " over ", checkpoint.size.value, " events, root ",
                checkpoint.root.hex());
  }
  const std::string name = path.substr(0, path.size() - kProofEnding.size());
  ASSIGN_OR_RETURN(const std::string leaf, ReadFile(name + ".leaf"));
  ASSIGN_OR_RETURN(const TlogProof proof, ParseTlogProof(bytes));
  ASSIGN_OR_RETURN(const Checkpoint checkpoint, trust.Check(proof, leaf));
  ASSIGN_OR_RETURN(const std::string insides, CheckLeaf(leaf, name + ".body", checkpoint.origin));
  return Text("leaf ", proof.index.value, " of ", checkpoint.origin, " under its checkpoint over ",
              checkpoint.size.value, " events\n    ", insides);
}

}  // namespace

void AddVerify(CLI::App& app) {
  struct Options {
    std::vector<std::string> files;
    std::vector<std::string> keys;
    std::string policy;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *app.add_subcommand("verify", "receipts and checkpoints, offline, without the ledger");
  verb.footer(
      "Example: anamnesis verify activation.tlog-proof --key \"$(cat ledger.vkey)\"\n"
      "A receipt NAME.tlog-proof needs NAME.leaf beside it; NAME.body is checked where it exists.");
  verb.add_option("FILE", options->files, "NAME.tlog-proof, or a checkpoint")->required();
  verb.add_option("--key", options->keys, "a verifier key that you trust: name+hex+base64; repeatable");
  verb.add_option("--policy", options->policy, "a C2SP tlog-policy file instead of keys");
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const Trust trust, ReadTrust(options->keys, options->policy));
    ExitStatus exit_status = kDone;
    for (const std::string& file : options->files) {
      const StatusOr<std::string> verified = VerifyFile(file, trust);
      if (verified.ok()) {
        std::cout << Good("verified ") << " " << file << "\n    " << *verified << "\n";
      } else {
        std::cout << Bad("NOT VERIFIED") << " " << file << "\n    " << MessageOf(verified.status()) << "\n";
        exit_status = kAnswerIsNo;
      }
    }
    return exit_status;
  });
}

}  // namespace anamnesis::cli
