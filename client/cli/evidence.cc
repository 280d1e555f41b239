#include "client/cli/evidence.h"

#include <iostream>

#include "anamnesis/v1/vocabulary_record.pb.h"
#include "client/cli/log_sources.h"
#include "client/cli/trust.h"
#include "client/cli/write.h"
#include "ledger/crypto/sha256.h"
#include "ledger/event/leaf.h"
#include "ledger/evidence/judge.h"
#include "ledger/note/checkpoint.h"
#include "ledger/note/signed_note.h"

namespace anamnesis::cli {
namespace {

constexpr size_t kRecordedBytesMax = 16384;

// Those that are given, or those of a policy. Its quorum plays no part: what its log signed is signed.
StatusOr<std::vector<VerifierKey>> TrustedKeys(const TrustOptions& options) {
  ASSIGN_OR_RETURN(const Trust trust, ReadTrust(options));
  std::vector<VerifierKey> keys = trust.keys;
  if (!trust.policy.has_value()) return keys;
  for (const Policy::Log& log : trust.policy->logs()) keys.push_back(log.key);
  for (const Policy::Witness& witness : trust.policy->witnesses()) keys.push_back(witness.key);
  return keys;
}

std::string JsonList(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += Text(list.empty() ? "" : ", ", Quoted(text));
  return Text("[", list, "]");
}

std::string JsonOf(const Judgement& judgement) {
  return Text("\"kind\": ", Quoted(judgement.kind), ", \"origin\": ", Quoted(judgement.origin),
              ", \"stream\": ", Quoted(judgement.stream), ", \"signed_by\": ", JsonList(judgement.signed_by),
              ", \"cosigned_by\": ", JsonList(judgement.cosigned_by), ", \"proven\": ", JsonList(judgement.proven),
              ", \"not_proven\": ", JsonList(judgement.not_proven));
}

void PrintJudgement(const Judgement& judgement) {
  std::cout << "    " << judgement.kind << " of " << judgement.origin << "\n";
  for (const std::string& sentence : judgement.proven) std::cout << "    proven: " << sentence << "\n";
  for (const std::string& sentence : judgement.not_proven) std::cout << "    not proven: " << sentence << "\n";
}

// --- verify ---

StatusOr<ExitStatus> Verify(const std::vector<std::string>& files, const TrustOptions& trust, bool json) {
  ASSIGN_OR_RETURN(const std::vector<VerifierKey> keys, TrustedKeys(trust));
  ExitStatus exit_status = kDone;
  std::string results;
  for (const std::string& file : files) {
    ASSIGN_OR_RETURN(const std::string bytes, ReadFile(file));
    const StatusOr<Judgement> judgement = JudgeFile(bytes, keys);
    if (!judgement.ok()) exit_status = kAnswerIsNo;
    if (json) {
      results += Text(results.empty() ? "" : ", ", "{\"file\": ", Quoted(file),
                      ", \"proven\": ", judgement.ok() ? "true" : "false", ", ",
                      judgement.ok() ? Text("\"judgement\": {", JsonOf(*judgement), "}")
                                     : Text("\"reason\": ", Quoted(MessageOf(judgement.status()))),
                      "}");
    } else if (judgement.ok()) {
      std::cout << Bad("PROVEN ") << " " << file << "\n";
      PrintJudgement(*judgement);
    } else {
      std::cout << "NOT PROVEN " << file << "\n    " << MessageOf(judgement.status()) << "\n";
    }
  }
  if (json) std::cout << "{\"results\": [" << results << "]}\n";
  return exit_status;
}

// --- compare ---

struct CompareOptions {
  std::vector<std::string> names;
  std::string out = "anamnesis.evidence";
  TrustOptions trust;
  Common common;
};

std::string AgreementText(const LogComparison& comparison) {
  if (comparison.one_size.value == 0 && comparison.other_size.value == 0) return "nothing that contradicts";
  const std::string sizes = Text("(", comparison.one_size.value, " and ", comparison.other_size.value, ")");
  if (comparison.common.value > 0) return Text("the same up to ", comparison.common.value, " leaves ", sizes);
  const std::string later = Text("NOT compared ", sizes, ": the shorter one has to catch up first");
  return comparison.leaves_asked > 0 ? Text("the receipt's leaf is the same; what is around it was ", later) : later;
}

// Of a forked stream it is for others to say whose key it is.
StatusOr<Judgement> JudgeFound(const Evidence& evidence, std::vector<VerifierKey> keys) {
  if (const auto* fork = std::get_if<ForkedStream>(&evidence)) {
    ASSIGN_OR_RETURN(const std::string bytes, HexDecode(fork->key));
    ASSIGN_OR_RETURN(const PublicKey key, PublicKey::FromBytes(bytes));
    ASSIGN_OR_RETURN(VerifierKey writer, VerifierKey::Make("writer", KeyType::kEd25519, key));
    keys.push_back(std::move(writer));
  }
  return Judge(evidence, keys);
}

StatusOr<ExitStatus> CompareAll(const CompareOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<VerifierKey> keys, TrustedKeys(options.trust));
  std::vector<KeptOrServed> things;
  for (const std::string& name : options.names) {
    ASSIGN_OR_RETURN(KeptOrServed opened, OpenKeptOrServed(name, options.common));
    things.push_back(std::move(opened));
  }
  std::string json;
  for (size_t i = 1; i < things.size(); ++i) {
    const std::string pair = Text(things[0].name, " and ", things[i].name);
    StatusOr<LogComparison> comparison = Compare(things[0], things[i], keys);
    if (!comparison.ok()) return WithContext(comparison.status(), pair);
    json += Text(json.empty() ? "" : ", ", "{\"one\": ", Quoted(things[0].name),
                 ", \"other\": ", Quoted(things[i].name), ", \"one_size\": \"", comparison->one_size.value,
                 "\", \"other_size\": \"", comparison->other_size.value, "\", \"common\": \"", comparison->common.value,
                 "\", \"leaves_asked\": \"", comparison->leaves_asked, "\"");
    if (!comparison->evidence.has_value()) {
      json += ", \"contradiction\": false}";
      if (!options.common.json) std::cout << pair << ": " << AgreementText(*comparison) << "\n";
      continue;
    }
    ASSIGN_OR_RETURN(const Judgement judgement, JudgeFound(*comparison->evidence, keys));
    RETURN_IF_ERROR(WriteFile(options.out, FormatEvidence(*comparison->evidence)));
    const std::string first =
        comparison->first_different.has_value() ? Text(comparison->first_different->value) : std::string();
    json += Text(", \"contradiction\": true, \"first_different\": ", Quoted(first),
                 ", \"evidence\": ", Quoted(options.out), ", \"judgement\": {", JsonOf(judgement), "}}");
    if (options.common.json) {
      std::cout << "{\"comparisons\": [" << json << "]}\n";
    } else {
      std::cout << Bad("CONTRADICTION") << " " << pair
                << (first.empty() ? std::string() : Text(": leaf ", first, " is the first that differs")) << "\n";
      PrintJudgement(judgement);
      std::cout << "    the evidence is in " << options.out << "\n";
    }
    return kAnswerIsNo;
  }
  if (options.common.json) std::cout << "{\"comparisons\": [" << json << "]}\n";
  return kDone;
}

// --- record ---

// The two digests that fork.detected has: of the headers, or else of what stands for the trees.
StatusOr<std::pair<std::string, std::string>> Digests(const Evidence& evidence) {
  if (const auto* fork = std::get_if<ForkedStream>(&evidence)) {
    return std::pair(Sha256(fork->one.header).bytes(), Sha256(fork->other.header).bytes());
  }
  if (const auto* replaced = std::get_if<ReplacedLeaf>(&evidence)) {
    return std::pair(replaced->one.leaf_hash.bytes(), replaced->other.leaf_hash.bytes());
  }
  const auto root = [](const SignedTree& tree) -> StatusOr<std::string> {
    ASSIGN_OR_RETURN(const SignedNote note, ParseSignedNote(tree.note));
    ASSIGN_OR_RETURN(const Checkpoint checkpoint, ParseCheckpointText(note.text));
    return checkpoint.root.bytes();
  };
  const auto* view = std::get_if<SplitView>(&evidence);
  const auto* history = std::get_if<RewrittenHistory>(&evidence);
  ASSIGN_OR_RETURN(std::string one, root(view != nullptr ? view->one : history->older));
  ASSIGN_OR_RETURN(std::string other, root(view != nullptr ? view->other : history->newer));
  return std::pair(std::move(one), std::move(other));
}

StatusOr<ExitStatus> Record(const std::string& file, const TrustOptions& trust, const WriteOptions& write) {
  ASSIGN_OR_RETURN(const std::vector<VerifierKey> keys, TrustedKeys(trust));
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(file));
  ASSIGN_OR_RETURN(const Evidence evidence, ParseEvidence(bytes));
  const StatusOr<Judgement> judgement = Judge(evidence, keys);
  if (!judgement.ok()) return WithContext(judgement.status(), file);
  if (bytes.size() > kRecordedBytesMax) {
    return absl::InvalidArgumentError(Text(file, ": ", bytes.size(), " bytes; an event takes ", kRecordedBytesMax,
                                           "; keep the file, and record a document that refers to it"));
  }
  v1::ForkDetected body;
  ASSIGN_OR_RETURN(const auto digests, Digests(evidence));
  body.set_header_digest_here(digests.first);
  body.set_header_digest_there(digests.second);
  if (const auto* fork = std::get_if<ForkedStream>(&evidence)) {
    body.set_stream(fork->stream);
    body.set_position(fork->position.value);
  } else if (const auto* replaced = std::get_if<ReplacedLeaf>(&evidence)) {
    body.set_position(replaced->index.value);
  }
  body.set_evidence(bytes);
  return AppendAndPrint(write, {DraftOf(std::move(body))});
}

void AddVerifyVerb(CLI::App& parent) {
  struct Options {
    std::vector<std::string> files;
    TrustOptions trust;
    Common common;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *parent.add_subcommand("verify", "what files of evidence prove, offline; exit status 1: nothing");
  verb.footer(
      "Example: anamnesis evidence verify fork.evidence --key \"$(cat ledger.vkey)\"\n"
      "Give the log's key, a writer's key for a forked stream, and cosigners to learn whether they cosigned both.");
  verb.add_option("FILE", options->files, "what a node, a witness or `evidence compare` wrote")->required();
  AddTrustOptions(verb, options->trust);
  AddJsonOption(verb, options->common);
  SetAction(verb, [options] { return Verify(options->files, options->trust, options->common.json); });
}

void AddCompareVerb(CLI::App& parent) {
  auto options = std::make_shared<CompareOptions>();
  CLI::App& verb = *parent.add_subcommand(
      "compare", "whether nodes, and what was kept of a log, show the same; writes the evidence where they don't");
  verb.footer(
      "Example: anamnesis evidence compare 10.0.0.1:7420 10.0.0.2:7420 --key \"$(cat ledger.vkey)\"\n"
      "         anamnesis evidence compare last-week.checkpoint 10.0.0.1:7420 --key \"$(cat ledger.vkey)\"\n"
      "         anamnesis evidence compare activation.tlog-proof 10.0.0.1:7420 --key \"$(cat ledger.vkey)\"\n"
      "         anamnesis evidence compare 12.leaf elsewhere/12.leaf --key \"$(cat ada.vkey)\"   one writer's stream\n"
      "The first is compared with each other one. Exit status 0: nothing contradicts (who has less is only behind, "
      "and\n"
      "what is newer than all that the other has is said not to be compared); 1: a contradiction, and --out proves "
      "it.");
  verb.add_option("WHAT", options->names,
                  "HOST:PORT, file:DIR, tiles:DIR, a checkpoint, NAME.tlog-proof, or NAME.leaf with NAME.leaf")
      ->required()
      ->expected(2, 64);
  verb.add_option("--out", options->out, "where the evidence goes; default: anamnesis.evidence");
  AddTrustOptions(verb, options->trust);
  // How nodes are reached; which ones stands in WHAT.
  AddLedgerOption(verb, options->common);
  verb.remove_option(verb.get_option("--ledger"));
  AddJsonOption(verb, options->common);
  SetAction(verb, [options] { return CompareAll(*options); });
}

void AddRecordVerb(CLI::App& parent) {
  struct Options {
    std::string file;
    TrustOptions trust;
    WriteOptions write;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *parent.add_subcommand("record", "records fork.detected with the evidence, once it is judged");
  verb.footer(
      "Example: anamnesis evidence record fork.evidence --key \"$(cat ledger.vkey)\" --as ada.key\n"
      "What proves nothing is not recorded.");
  verb.add_option("FILE", options->file, "the evidence")->required();
  AddTrustOptions(verb, options->trust);
  AddWriteOptions(verb, options->write);
  SetAction(verb, [options] { return Record(options->file, options->trust, options->write); });
}

}  // namespace

void AddEvidence(CLI::App& app) {
  CLI::App& verb = *app.add_subcommand("evidence", "proof that somebody signed two things that can't both be true");
  verb.require_subcommand(1);
  verb.footer("Example: anamnesis evidence compare 10.0.0.1:7420 10.0.0.2:7420 --key \"$(cat ledger.vkey)\"");
  AddVerifyVerb(verb);
  AddCompareVerb(verb);
  AddRecordVerb(verb);
}

}  // namespace anamnesis::cli
