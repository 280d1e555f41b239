#include <algorithm>
#include <iostream>
#include <optional>

#include "client/cli/context.h"
#include "client/cli/dataset.h"
#include "client/cli/option_checks.h"
#include "client/cli/trust.h"
#include "client/dataset/file.h"
#include "google/protobuf/util/json_util.h"
#include "ledger/dataset/verify.h"
#include "ledger/event/vocabulary.h"

namespace anamnesis::cli {
namespace {

struct Options {
  std::string file;
  std::string record;
  std::string root;
  std::string salt;
  std::optional<uint64_t> records;
  std::string sealed_file;
  std::string receipt;
  TrustOptions trust;
  Common common;
};

// What is verified against, and where it comes from.
struct Statement {
  DatasetCommitment commitment;
  std::string source;
};

StatusOr<Digest> FromHex(const std::string& hex, std::string_view option) {
  const StatusOr<std::string> bytes = HexDecode(hex);
  if (!bytes.ok()) return absl::InvalidArgumentError(Text(option, ": is not hexadecimal"));
  return Digest::FromBytes(*bytes, option);
}

StatusOr<Statement> FromNumbers(const Options& options) {
  if (options.root.empty() || options.salt.empty() || !options.records.has_value()) {
    return absl::InvalidArgumentError(
        "--root, --records and --salt: give all three; with another salt a member could be made to seem absent");
  }
  Statement statement{{}, "the root given"};
  statement.commitment.records = *options.records;
  ASSIGN_OR_RETURN(statement.commitment.root, FromHex(options.root, "--root"));
  ASSIGN_OR_RETURN(statement.commitment.salt, FromHex(options.salt, "--salt"));
  return statement;
}

// The body of a dataset.sealed in protobuf's JSON mapping, or what `dataset seal --json` printed.
StatusOr<Statement> FromSealedFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string json, ReadFile(path));
  v1::DatasetSealed sealed;
  if (!google::protobuf::util::JsonStringToMessage(json, &sealed).ok()) {
    v1::SealedDatasetVersion version;
    if (!google::protobuf::util::JsonStringToMessage(json, &version).ok() || !version.has_sealed()) {
      return absl::InvalidArgumentError(Text(path, ": is neither the JSON of a dataset.sealed nor what seal prints"));
    }
    sealed = version.sealed();
  }
  const StatusOr<DatasetCommitment> commitment = CommitmentOf(sealed);
  if (!commitment.ok()) return WithContext(commitment.status(), path);
  return Statement{*commitment, path};
}

// `no` is set when the answer is no rather than the question wrong.
StatusOr<Statement> FromReceipt(const Options& options, Status& no) {
  ASSIGN_OR_RETURN(const Trust trust, ReadTrust(options.trust));
  const StatusOr<CheckedReceipt> receipt = CheckReceipt(options.receipt, trust);
  if (!receipt.ok()) {
    no = WithContext(receipt.status(), options.receipt);
    return no;
  }
  const v1::EventHeader& header = receipt->header.fields;
  const EventType* type = Vocabulary::Get().Find(header.type(), header.schema_version());
  if (type == nullptr || type->body != v1::DatasetSealed::descriptor()) {
    return absl::InvalidArgumentError(Text(options.receipt, ": is of ", header.type(), "; give one of dataset.sealed"));
  }
  if (!receipt->body.has_value()) {
    return absl::InvalidArgumentError(
        Text(options.receipt, ": the file with the ending .body must be beside it: it holds the root and the salt"));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<google::protobuf::Message> body, ParseBody(*type, *receipt->body));
  const v1::EntityRef* dataset = FindReference(header, "dataset");
  ASSIGN_OR_RETURN(const DatasetCommitment commitment, CommitmentOf(*BodyAs<v1::DatasetSealed>(body.get())));
  return Statement{commitment, Text(dataset == nullptr ? "a dataset" : Text(dataset->id(), "@", dataset->version()),
                                    " as sealed in leaf ", receipt->index.value, " of ", receipt->checkpoint.origin,
                                    ", recorded ", FormatTime(receipt->recorded), ", under its checkpoint over ",
                                    receipt->checkpoint.size.value, " events")};
}

StatusOr<Statement> ReadStatement(const Options& options, Status& no) {
  const bool numbers = !options.root.empty() || !options.salt.empty() || options.records.has_value();
  if (int{numbers} + int{!options.sealed_file.empty()} + int{!options.receipt.empty()} != 1) {
    return absl::InvalidArgumentError(
        "give one of: --receipt with --key or --policy; --sealed; or --root with --records and --salt");
  }
  if (numbers) return FromNumbers(options);
  return options.sealed_file.empty() ? FromReceipt(options, no) : FromSealedFile(options.sealed_file);
}

Status VerifyProof(const Options& options, std::string_view bytes, const DatasetCommitment& commitment,
                   v1::DatasetVerification& answer) {
  ASSIGN_OR_RETURN(const v1::DatasetProof proof, ParseDatasetProof(bytes));
  ASSIGN_OR_RETURN(const ProvenRecord proven, VerifyDatasetProof(proof, commitment));
  if (!options.record.empty() && proven.record_id != options.record) {
    return absl::UnauthenticatedError(Text("the proof is about record \"", proven.record_id, "\""));
  }
  answer.set_record_id(proven.record_id);
  answer.set_is_member(proven.member.has_value());
  if (proven.member.has_value()) *answer.mutable_member() = MemberMessage(*proven.member);
  return OkStatus();
}

Status VerifyMembers(const Options& options, const DatasetCommitment& commitment, v1::DatasetVerification& answer) {
  ASSIGN_OR_RETURN(const std::unique_ptr<MemberFile> file, MemberFile::Open(options.file));
  RETURN_IF_ERROR(VerifyMemberFile(*file, commitment, kDatasetMemoryBytes));
  *answer.mutable_file() = SummaryOf(file->header());
  return OkStatus();
}

std::string AnswerText(const v1::DatasetVerification& answer) {
  if (answer.has_file()) {
    return Text("the member file holds ", answer.file().records() - answer.file().erased(), " of ",
                answer.file().records(), " members", answer.file().erased() > 0 ? "; the others are erased" : "");
  }
  std::string text = Text("record ", answer.record_id(), answer.is_member() ? " is a member" : " is no member");
  if (!answer.member().subject_id().empty()) text += Text(", of subject ", answer.member().subject_id());
  if (!answer.member().content_sha256().empty()) {
    text += Text("\n    sha256 ", HexEncode(answer.member().content_sha256()));
  }
  return text;
}

StatusOr<ExitStatus> Verify(const Options& options) {
  v1::DatasetVerification answer;
  Status verified;
  const StatusOr<Statement> statement = ReadStatement(options, verified);
  if (!statement.ok() && verified.ok()) return statement.status();
  if (statement.ok()) {
    answer.set_root(statement->commitment.root.bytes());
    answer.set_records(statement->commitment.records);
    // Enough of the file to know what it is, and a whole proof.
    ASSIGN_OR_RETURN(File file, File::Open(options.file));
    ASSIGN_OR_RETURN(const uint64_t size, file.Size());
    ASSIGN_OR_RETURN(const std::string front, file.ReadAt(0, std::min<uint64_t>(size, kDatasetProofBytesMax + 1)));
    verified = IsMemberFile(front) ? VerifyMembers(options, statement->commitment, answer)
                                   : VerifyProof(options, front, statement->commitment, answer);
  }
  answer.set_verified(verified.ok());
  if (!verified.ok()) answer.set_problem(std::string(MessageOf(verified)));
  if (options.common.json) {
    RETURN_IF_ERROR(PrintJson(answer));
  } else if (verified.ok()) {
    std::cout << Good("verified ") << " " << options.file << "\n    " << AnswerText(answer) << "\n    by "
              << statement->source << "\n";
  } else {
    std::cout << Bad("NOT VERIFIED") << " " << options.file << "\n    " << answer.problem() << "\n";
  }
  return verified.ok() ? kDone : kAnswerIsNo;
}

}  // namespace

void AddDatasetVerify(CLI::App& dataset) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *dataset.add_subcommand("verify", "a proof, or a whole member file, offline, without the ledger");
  verb.footer(
      "Example: anamnesis dataset verify img-0012.proof --receipt sealed.tlog-proof --key \"$(cat ledger.vkey)\"\n"
      "         (anamnesis receipt INDEX --out sealed.tlog-proof writes it, with .leaf and .body)\n"
      "         anamnesis dataset verify v2.2.members --sealed sealed.json\n"
      "Exit status 1 when it does not verify.");
  verb.add_option("FILE", options->file, "a proof or a member file")->required()->check(IsFileToRead());
  verb.add_option("--record", options->record, "the record that the proof must be about");
  verb.add_option("--receipt", options->receipt, "NAME.tlog-proof of the version's dataset.sealed")
      ->check(IsFileToRead());
  AddTrustOptions(verb, options->trust);
  verb.add_option("--sealed", options->sealed_file, "the JSON of the dataset.sealed, from a source you trust")
      ->check(IsFileToRead());
  verb.add_option("--root", options->root, "its manifest_root in hexadecimal, from a source you trust");
  verb.add_option("--records", options->records, "its number of records");
  verb.add_option("--salt", options->salt, "its member_salt in hexadecimal");
  AddJsonOption(verb, options->common);
  SetAction(verb, [options] { return Verify(*options); });
}

}  // namespace anamnesis::cli
