#include "client/cli/evidence.h"

#include <iostream>
#include <optional>

#include "anamnesis/v1/vocabulary_record.pb.h"
#include "client/cli/json_text.h"
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

std::string JsonOf(const Judgement& judgement) {
  return Text("\"kind\": ", Quoted(judgement.kind), ", \"origin\": ", Quoted(judgement.origin),
              ", \"stream\": ", Quoted(judgement.stream), ", \"signedBy\": ", JsonList(judgement.signed_by),
              ", \"cosignedBy\": ", JsonList(judgement.cosigned_by), ", \"proven\": ", JsonList(judgement.proven),
              ", \"notProven\": ", JsonList(judgement.not_proven));
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
                      ", \"proven\": ", JsonBool(judgement.ok()), ", ",
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

std::string AgreementText(const Compared& compared) {
  const LogComparison& found = compared.found;
  const std::string sizes = Text("(", found.one_size.value, " and ", found.other_size.value, ")");
  if (!compared.why_not.empty()) {
    return Text("NOT compared", found.one_size == found.other_size ? "" : " " + sizes, ": ", compared.why_not);
  }
  if (found.one_size.value == 0 && found.other_size.value == 0) return "nothing that contradicts";
  if (found.common.value > 0) return Text("the same up to ", found.common.value, " leaves ", sizes);
  return Text("the receipt's leaf is the same; what is around it was NOT compared ", sizes);
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

// Exit status 1 is for contradictions alone: what can't be believed or isn't there is no answer to what was asked.
Status NoAnswer(const Status& status) {
  if (absl::IsPermissionDenied(status)) return absl::UnavailableError(Text(MessageOf(status)));
  return ExitStatusOf(status) == kAnswerIsNo ? absl::InvalidArgumentError(Text(MessageOf(status))) : status;
}

// A contradiction, judged and written down.
struct Found {
  Judgement judgement;
  // The first leaf that differs, where that is known.
  std::string first_different;
};

StatusOr<std::optional<Found>> WriteFound(const Compared& compared, const CompareOptions& options,
                                          const std::vector<VerifierKey>& keys) {
  const std::optional<Evidence>& evidence = compared.found.evidence;
  if (!evidence.has_value()) return std::nullopt;
  Found found;
  ASSIGN_OR_RETURN(found.judgement, JudgeFound(*evidence, keys));
  RETURN_IF_ERROR(WriteFile(options.out, FormatEvidence(*evidence)));
  const std::optional<LeafIndex>& first = compared.found.first_different;
  if (first.has_value()) found.first_different = Text(first->value);
  return std::optional<Found>(std::move(found));
}

std::string JsonOf(const std::string& one, const std::string& other, const Compared& compared,
                   const std::optional<Found>& found, const std::string& out) {
  const LogComparison& comparison = compared.found;
  std::string json =
      Text("{\"one\": ", Quoted(one), ", \"other\": ", Quoted(other), ", \"oneSize\": \"", comparison.one_size.value,
           "\", \"otherSize\": \"", comparison.other_size.value, "\", \"common\": \"", comparison.common.value,
           "\", \"leavesAsked\": \"", comparison.leaves_asked, "\", \"compared\": ", JsonBool(compared.why_not.empty()),
           ", \"contradiction\": ", JsonBool(found.has_value()));
  if (!compared.why_not.empty()) json += Text(", \"reason\": ", Quoted(compared.why_not));
  if (found.has_value()) {
    json += Text(", \"firstDifferent\": ", Quoted(found->first_different), ", \"evidence\": ", Quoted(out),
                 ", \"judgement\": {", JsonOf(found->judgement), "}");
  }
  return json + "}";
}

void PrintPair(const std::string& pair, const Compared& compared, const std::optional<Found>& found,
               const std::string& out) {
  if (!found.has_value()) {
    std::cout << pair << ": " << AgreementText(compared) << "\n";
    return;
  }
  const std::string& first = found->first_different;
  std::cout << Bad("CONTRADICTION") << " " << pair
            << (first.empty() ? "" : Text(": leaf ", first, " is the first that differs")) << "\n";
  PrintJudgement(found->judgement);
  std::cout << "    the evidence is in " << out << "\n";
}

StatusOr<ExitStatus> CompareAll(const CompareOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<VerifierKey> keys, TrustedKeys(options.trust));
  std::vector<KeptOrServed> things;
  for (const std::string& name : options.names) {
    StatusOr<KeptOrServed> opened = OpenKeptOrServed(name, options.common);
    if (!opened.ok()) return NoAnswer(opened.status());
    things.push_back(*std::move(opened));
  }
  ExitStatus exit_status = kDone;
  std::string json;
  for (size_t i = 1; i < things.size() && exit_status != kAnswerIsNo; ++i) {
    const std::string pair = Text(things[0].name, " and ", things[i].name);
    const StatusOr<Compared> compared = Compare(things[0], things[i], keys);
    if (!compared.ok()) return WithContext(NoAnswer(compared.status()), pair);
    const StatusOr<std::optional<Found>> found = WriteFound(*compared, options, keys);
    if (!found.ok()) return WithContext(NoAnswer(found.status()), pair);
    if (!compared->why_not.empty()) exit_status = kNotReached;
    if (found->has_value()) exit_status = kAnswerIsNo;
    json += Text(json.empty() ? "" : ", ", JsonOf(things[0].name, things[i].name, *compared, *found, options.out));
    if (!options.common.json) PrintPair(pair, *compared, *found, options.out);
  }
  if (options.common.json) std::cout << "{\"comparisons\": [" << json << "]}\n";
  return exit_status;
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
      "The first is compared with each other one. Exit status 0: all were compared and nothing contradicts (who has\n"
      "less is only behind); 1: a contradiction, and --out proves it; 2: what was given is not signed with the --key, "
      "or\n"
      "is not of one log or stream; 3: one could not be compared (it can't be reached, or is newer than all that the\n"
      "other has), and none contradicts.");
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
