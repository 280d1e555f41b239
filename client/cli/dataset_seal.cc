#include <unistd.h>

#include <iostream>

#include "client/cli/context.h"
#include "client/cli/dataset.h"
#include "client/cli/event_spec.h"
#include "client/cpp/corrections.h"
#include "client/cpp/writer.h"
#include "client/dataset/compare.h"
#include "ledger/dataset/commitment.h"
#include "ledger/event/vocabulary.h"

namespace anamnesis::cli {
namespace {

struct Options {
  std::string version;
  std::string manifest;
  std::string members;
  std::string parent;
  std::string parent_members;
  EventSpec spec;
  Common common;
};

// INVALID_ARGUMENT unless `text` is NAME@VERSION.
Status CheckVersioned(std::string_view text, std::string_view option) {
  const size_t at = text.rfind('@');
  if (at != std::string_view::npos && at > 0 && at + 1 < text.size() && text.find('#') == std::string_view::npos) {
    return OkStatus();
  }
  return absl::InvalidArgumentError(Text(option, ": \"", text, "\" is not NAME@VERSION, e.g. dataset_v2@2.2"));
}

Status CheckOptions(const Options& options) {
  RETURN_IF_ERROR(CheckVersioned(options.version, "NAME@VERSION"));
  if (options.parent.empty() != options.parent_members.empty()) {
    return absl::InvalidArgumentError(
        "--parent and --parent-members: give both, so that what was added and removed is counted, or neither");
  }
  return options.parent.empty() ? OkStatus() : CheckVersioned(options.parent, "--parent");
}

// A new file of the manifest, or the one that is there, verified.
StatusOr<std::unique_ptr<MemberFile>> MakeOrOpenMembers(const Options& options) {
  if (!options.manifest.empty()) RETURN_IF_ERROR(BuildMembers(options.manifest, options.members).status());
  ASSIGN_OR_RETURN(std::unique_ptr<MemberFile> file, OpenMembers(options.members));
  if (options.manifest.empty()) {
    RETURN_IF_ERROR(AsBadInput(VerifyMemberFile(*file, file->commitment(), kDatasetMemoryBytes)));
    if (file->header().erased > 0) {
      return absl::InvalidArgumentError(
          Text(options.members, ": has erased members; a version is sealed while all of its members are there"));
    }
  }
  return file;
}

// FAILED_PRECONDITION unless the ledger has it sealed that these are the parent's members.
Status CheckParent(LedgerClient& client, const std::string& parent, const MemberFile& file) {
  ASSIGN_OR_RETURN(const v1::LedgerStatus status, client.GetStatus());
  Corrections corrections(client, status.tree_size());
  bool sealed = false;
  bool same = false;
  RETURN_IF_ERROR(VisitOfType(client, "dataset.sealed", status.tree_size(), [&](const v1::Event& event) -> Status {
    const v1::EntityRef* dataset = FindReference(event.header(), "dataset");
    if (dataset == nullptr || Text(dataset->id(), "@", dataset->version()) != parent) return OkStatus();
    ASSIGN_OR_RETURN(const bool counts, corrections.Counts(event));
    v1::DatasetSealed body;
    if (!counts || !event.content().UnpackTo(&body)) return OkStatus();
    const StatusOr<DatasetCommitment> commitment = CommitmentOf(body);
    sealed = true;
    same = same || (commitment.ok() && *commitment == file.commitment());
    return OkStatus();
  }));
  if (same) return OkStatus();
  if (!sealed) return absl::FailedPreconditionError(Text("--parent: no dataset.sealed of ", parent, "; seal it first"));
  return absl::FailedPreconditionError(Text("--parent-members: ", file.path(), " is not what ", parent,
                                            " was sealed with; give the member file that was kept then"));
}

// The parent's members, before any work is done for the new version; null without a parent.
StatusOr<std::unique_ptr<MemberFile>> OpenParent(const Options& options, LedgerClient& client) {
  if (options.parent.empty()) return std::unique_ptr<MemberFile>();
  ASSIGN_OR_RETURN(std::unique_ptr<MemberFile> parent, OpenMembers(options.parent_members));
  RETURN_IF_ERROR(CheckParent(client, options.parent, *parent));
  return parent;
}

StatusOr<v1::DatasetSealed> Describe(const MemberFile& file, const MemberFile* parent) {
  v1::DatasetSealed sealed;
  const MemberFileHeader& header = file.header();
  sealed.set_records(header.commitment.records);
  sealed.set_subjects(header.subjects);
  sealed.set_manifest_root(header.commitment.root.bytes());
  sealed.set_member_salt(header.commitment.salt.bytes());
  if (parent == nullptr) return sealed;
  const StatusOr<MemberDifference> difference =
      DiffMemberFiles(*parent, file, kDatasetMemoryBytes, [](MemberChange, std::string_view) {});
  if (!difference.ok()) return AsBadInput(difference.status());
  sealed.set_records_added(difference->added);
  // Nothing is erased in the new version, so an erased member that matches none of its records was removed.
  sealed.set_records_removed(difference->removed + difference->unmatched_erased_before);
  return sealed;
}

StatusOr<v1::SealedDatasetVersion> Append(const Options& options, const v1::DatasetSealed& sealed,
                                          StreamWriter& writer) {
  EventSpec spec = options.spec;
  spec.type = "dataset.sealed";
  ASSIGN_OR_RETURN(spec.body_json, ToJson(sealed, false));
  spec.refs = {Text("dataset=dataset:", options.version)};
  if (!options.parent.empty()) spec.refs.push_back(Text("parent=dataset:", options.parent));
  IdentifiedDraft draft;
  ASSIGN_OR_RETURN(draft.draft, ToDraft(spec));
  draft.id = NewEventId();
  const StatusOr<std::vector<Appended>> appended = writer.Append({draft});
  if (absl::IsUnknown(appended.status())) {
    return absl::UnknownError(Text(MessageOf(appended.status()), ". ", options.members,
                                   " is kept. Look whether it is sealed: anamnesis show --linearizable ",
                                   draft.id.text(), "; if not, seal it again without --manifest"));
  }
  RETURN_IF_ERROR(appended.status());
  v1::SealedDatasetVersion answer;
  answer.set_event_id(appended->front().id.bytes());
  answer.set_index(appended->front().index.value);
  answer.set_recorded_us(appended->front().recorded.us);
  *answer.mutable_sealed() = sealed;
  return answer;
}

StatusOr<v1::SealedDatasetVersion> SealMembers(const Options& options, const MemberFile& file, const MemberFile* parent,
                                               StreamWriter& writer) {
  ASSIGN_OR_RETURN(const v1::DatasetSealed sealed, Describe(file, parent));
  return Append(options, sealed, writer);
}

StatusOr<ExitStatus> Seal(const Options& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  ASSIGN_OR_RETURN(const NamedKey key, ReadKeyFile(options.common.key_file));
  ASSIGN_OR_RETURN(const std::unique_ptr<LedgerClient> client, Connect(options.common));
  ASSIGN_OR_RETURN(const std::unique_ptr<StreamWriter> writer, StreamWriter::Open(*client, key, options.spec.stream));
  ASSIGN_OR_RETURN(const std::unique_ptr<MemberFile> parent, OpenParent(options, *client));
  ASSIGN_OR_RETURN(const std::unique_ptr<MemberFile> file, MakeOrOpenMembers(options));
  const StatusOr<v1::SealedDatasetVersion> sealed = SealMembers(options, *file, parent.get(), *writer);
  if (!sealed.ok()) {
    // What was made here is of no use unless it is sealed.
    const bool is_of_use = options.manifest.empty() || absl::IsUnknown(sealed.status());
    if (!is_of_use && ::unlink(options.members.c_str()) != 0) {
      return WithContext(sealed.status(), Text(options.members, " is left behind"));
    }
    return sealed.status();
  }
  if (options.common.json) {
    RETURN_IF_ERROR(PrintJson(*sealed));
    return kDone;
  }
  std::cout << "sealed " << options.version << " as leaf " << sealed->index() << ": " << SummaryText(file->header())
            << "\n";
  if (!options.parent.empty()) {
    std::cout << "    " << sealed->sealed().records_added() << " added and " << sealed->sealed().records_removed()
              << " removed since " << options.parent << "\n";
  }
  std::cout << "    keep " << options.members << ": without it nothing can be proven about a member\n";
  return kDone;
}

}  // namespace

void AddDatasetSeal(CLI::App& dataset) {
  auto options = std::make_shared<Options>();
  CLI::App& verb = *dataset.add_subcommand("seal", "commits to a version's members in the ledger");
  verb.footer(
      "Example: anamnesis dataset seal hospital-a@2.2 --manifest v2.2.csv --members v2.2.members \\\n"
      "           --parent hospital-a@2.1 --parent-members v2.1.members --as ada.key\n"
      "A manifest is CSV with the header record_id,subject_id,sha256 or JSON Lines with these names. The member file\n"
      "stays with you: the ledger gets its root. Without --manifest the member file that is there is sealed.");
  verb.add_option("NAME@VERSION", options->version, "the version to seal")->required();
  verb.add_option("--manifest", options->manifest, "CSV or JSON Lines; \"-\" for stdin");
  verb.add_option("--members", options->members, "the member file to make, or to seal as it is")->required();
  verb.add_option("--parent", options->parent, "NAME@VERSION that this version was made from");
  verb.add_option("--parent-members", options->parent_members, "the parent's member file");
  verb.add_option("--stream", options->spec.stream, "the writer's stream; default: KIND/ID of the key's holder");
  verb.add_option("--occurred-at", options->spec.occurred_at, "TIME or EARLIEST/LATEST (RFC 3339); default: now");
  verb.add_option("--rationale", options->spec.rationale, "why");
  verb.add_option("--late-reason", options->spec.late_reason, "why it is recorded late");
  verb.add_flag("--retrospective", options->spec.retrospective, "made from other records after the fact");
  AddKeyOption(verb, options->common);
  AddLedgerOption(verb, options->common);
  AddWithinOption(verb, options->common);
  AddJsonOption(verb, options->common);
  SetAction(verb, [options] { return Seal(*options); });
}

}  // namespace anamnesis::cli
