#include "client/cli/dataset.h"

#include <unistd.h>

#include <iostream>
#include <optional>

#include "client/cli/context.h"
#include "client/dataset/redact.h"
#include "ledger/dataset/verify.h"

namespace anamnesis::cli {
namespace {

StatusOr<ExitStatus> Build(const std::string& manifest, const std::string& members, const Common& common) {
  ASSIGN_OR_RETURN(const MemberFileHeader header, BuildMembers(manifest, members));
  if (common.json) {
    RETURN_IF_ERROR(PrintJson(SummaryOf(header)));
  } else {
    std::cout << members << ": " << SummaryText(header) << "\n";
  }
  return kDone;
}

// One document, though there may be millions: each member is printed as it is read.
StatusOr<ExitStatus> PrintMembers(const MemberFile& file, bool json) {
  std::string_view separator;
  if (json) std::cout << "{\"members\":[";
  const Status scanned =
      file.Scan([&](uint64_t, const MemberLeaf&, const std::optional<MemberOpening>& opening) -> Status {
        if (!opening.has_value()) return OkStatus();
        if (!json) {
          std::cout << opening->member.record_id << "\n";
          return OkStatus();
        }
        ASSIGN_OR_RETURN(const std::string text, ToJson(MemberMessage(opening->member), false));
        std::cout << separator << "\n" << text;
        separator = ",";
        return OkStatus();
      });
  if (!scanned.ok()) return AsBadInput(scanned);
  if (json) std::cout << "\n],\"erased\":\"" << file.header().erased << "\"}\n";
  if (!json && file.header().erased > 0) {
    std::cerr << file.header().erased << " more members are erased; they count among the " << file.commitment().records
              << " that the root stands for\n";
  }
  return kDone;
}

StatusOr<ExitStatus> Prove(const std::string& record, const std::string& members, const std::string& out, bool json) {
  ASSIGN_OR_RETURN(const std::unique_ptr<MemberFile> file, OpenMembers(members));
  const StatusOr<v1::DatasetProof> proof = ProveRecord(*file, record);
  if (!proof.ok()) return AsBadInput(proof.status());
  RETURN_IF_ERROR(WriteFile(out, FormatDatasetProof(*proof)));
  if (json) {
    RETURN_IF_ERROR(PrintJson(*proof));
  } else if (proof->has_membership()) {
    std::cout << record << " is a member; the proof is " << out << "\n";
  } else {
    std::cout << record << " is no member; the proof is " << out << "\n";
  }
  return kDone;
}

StatusOr<ExitStatus> Redact(const std::string& path, const Redaction& redaction, bool json) {
  if (redaction.record_ids.empty() && redaction.subject_ids.empty()) {
    return absl::InvalidArgumentError("give --record or --subject: whose members are to be erased");
  }
  const StatusOr<Redacted> redacted = RedactMemberFile(path, redaction);
  if (!redacted.ok()) return AsBadInput(redacted.status());
  if (json) {
    ASSIGN_OR_RETURN(const std::unique_ptr<MemberFile> file, OpenMembers(path));
    RETURN_IF_ERROR(PrintJson(SummaryOf(file->header())));
    return kDone;
  }
  std::cout << "erased " << redacted->erased << " members";
  if (redacted->erased_before > 0) std::cout << " (" << redacted->erased_before << " had been erased before)";
  std::cout << "; the root is the same\n";
  std::cerr << "Copies, backups and snapshots of " << path << " still hold them.\n";
  return kDone;
}

}  // namespace

Status AsBadInput(const Status& status) {
  return absl::IsDataLoss(status) ? absl::InvalidArgumentError(status.message()) : status;
}

StatusOr<std::unique_ptr<MemberFile>> OpenMembers(const std::string& path) {
  StatusOr<std::unique_ptr<MemberFile>> file = MemberFile::Open(path);
  if (!file.ok()) return AsBadInput(file.status());
  return file;
}

StatusOr<MemberFileHeader> BuildMembers(const std::string& manifest, const std::string& out) {
  BuildOptions options;
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  if (terminal) {
    options.on_progress = [](uint64_t read) { std::cerr << "\rread " << read << " members" << std::flush; };
  }
  const StatusOr<MemberFileHeader> header = BuildMemberFile(manifest, out, options);
  if (terminal) std::cerr << "\r\x1b[K" << std::flush;
  if (!header.ok() || header->commitment.records > 0) return header;
  const std::string empty = Text(manifest == "-" ? "standard input" : manifest, ": the manifest has no records");
  if (::unlink(out.c_str()) != 0) return absl::InvalidArgumentError(Text(empty, "; ", out, " is left behind"));
  return absl::InvalidArgumentError(empty);
}

v1::MemberFileSummary SummaryOf(const MemberFileHeader& header) {
  v1::MemberFileSummary summary;
  summary.set_records(header.commitment.records);
  summary.set_subjects(header.subjects);
  summary.set_erased(header.erased);
  summary.set_root(header.commitment.root.bytes());
  summary.set_salt(header.commitment.salt.bytes());
  return summary;
}

std::string SummaryText(const MemberFileHeader& header) {
  return Text(header.commitment.records, " records of ", header.subjects, " subjects",
              header.erased > 0 ? Text(", ", header.erased, " erased") : "", "\n    root ",
              header.commitment.root.hex(), "\n    salt ", header.commitment.salt.hex());
}

void AddDatasetBuild(CLI::App& dataset) {
  struct Options {
    std::string manifest;
    std::string members;
    Common common;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *dataset.add_subcommand("build", "makes a member file of a manifest, without sealing it");
  verb.footer(
      "Example: anamnesis dataset build --manifest train.csv --members train.members\n"
      "A manifest is CSV with the header record_id,subject_id,sha256 or JSON Lines with these names.");
  verb.add_option("--manifest", options->manifest, "CSV or JSON Lines; \"-\" for stdin")->required();
  verb.add_option("--members", options->members, "the file to make; never overwritten")->required();
  AddJsonOption(verb, options->common);
  SetAction(verb, [options] { return Build(options->manifest, options->members, options->common); });
}

void AddDatasetMembers(CLI::App& dataset) {
  struct Options {
    std::string members;
    Common common;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *dataset.add_subcommand("members", "the record ids of a member file, one a line; verifies it");
  verb.footer("Example: anamnesis dataset members dataset_v2.2.members | wc -l");
  verb.add_option("FILE", options->members, "a member file")->required();
  AddJsonOption(verb, options->common);
  SetAction(verb, [options]() -> StatusOr<ExitStatus> {
    ASSIGN_OR_RETURN(const std::unique_ptr<MemberFile> file, OpenMembers(options->members));
    return PrintMembers(*file, options->common.json);
  });
}

void AddDatasetProve(CLI::App& dataset) {
  struct Options {
    std::string record;
    std::string members;
    std::string out;
    Common common;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *dataset.add_subcommand("prove", "proves that a record is a member, or that it is none");
  verb.footer(
      "Example: anamnesis dataset prove img-0012 --members dataset_v2.2.members --out img-0012.proof\n"
      "The proof shows what the dataset holds of this record and nothing of others.\n"
      "Exit status 1 when the record's member was erased: then neither can be proven.");
  verb.add_option("RECORD", options->record, "the record's id")->required();
  verb.add_option("--members", options->members, "the dataset's member file")->required();
  verb.add_option("--out", options->out, "where to write the proof")->required();
  AddJsonOption(verb, options->common);
  SetAction(verb, [options] { return Prove(options->record, options->members, options->out, options->common.json); });
}

void AddDatasetRedact(CLI::App& dataset) {
  struct Options {
    std::string members;
    std::vector<std::string> records;
    std::vector<std::string> subjects;
    Common common;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *dataset.add_subcommand("redact", "erases members from a member file; its root still verifies");
  verb.footer(
      "Example: anamnesis dataset redact dataset_v2.2.members --subject s-0042\n"
      "Ids and nonces are destroyed; what the root stands for stays. Exit status 1, and nothing erased, when one is\n"
      "not in the file. The old file is overwritten; copies and backups are yours to redact.");
  verb.add_option("FILE", options->members, "a member file")->required();
  verb.add_option("--subject", options->subjects, "erase all members of this subject; repeatable");
  verb.add_option("--record", options->records, "erase the member of this record; repeatable");
  AddJsonOption(verb, options->common);
  SetAction(verb, [options] {
    return Redact(
        options->members,
        {{options->records.begin(), options->records.end()}, {options->subjects.begin(), options->subjects.end()}},
        options->common.json);
  });
}

void AddDataset(CLI::App& app) {
  CLI::App& dataset = *app.add_subcommand("dataset", "datasets with members: sealed, proven, compared, redacted");
  dataset.require_subcommand(1);
  for (const auto add : {AddDatasetSeal, AddDatasetBuild, AddDatasetMembers, AddDatasetProve, AddDatasetVerify,
                         AddDatasetDiff, AddDatasetOverlap, AddDatasetRedact}) {
    add(dataset);
  }
}

}  // namespace anamnesis::cli
