#include <algorithm>
#include <iostream>

#include "client/cli/context.h"
#include "client/cli/dataset.h"
#include "client/dataset/compare.h"

namespace anamnesis::cli {
namespace {

constexpr uint64_t kListedDefault = 1000;
// What a content's id begins with among the ids of records and subjects.
constexpr std::string_view kContentId = "sha256:";

v1::DatasetChangeKind KindOf(MemberChange change) {
  switch (change) {
    case MemberChange::kAdded:
      return v1::RECORD_ADDED;
    case MemberChange::kRemoved:
      return v1::RECORD_REMOVED;
    case MemberChange::kChanged:
      break;
  }
  return v1::RECORD_CHANGED;
}

char SignOf(v1::DatasetChangeKind kind) {
  return kind == v1::RECORD_ADDED ? '+' : kind == v1::RECORD_REMOVED ? '-' : '~';
}

void PrintDifference(const v1::DatasetDifference& difference) {
  for (const v1::DatasetChange& change : difference.changes()) {
    std::cout << SignOf(change.kind()) << " " << change.record_id() << "\n";
  }
  if (difference.changes_left_out() > 0) {
    std::cout << "… and " << difference.changes_left_out() << " more (--limit)\n";
  }
  std::cout << difference.added() << " added, " << difference.removed() << " removed, " << difference.changed()
            << " changed; " << difference.common() << " in both\n";
  if (difference.not_comparable() > 0) {
    std::cout << difference.not_comparable() << " in both can't be compared, since one side is erased\n";
  }
  if (difference.unmatched_erased_before() + difference.unmatched_erased_after() > 0) {
    std::cout << "erased members that may be in both or not: " << difference.unmatched_erased_before() << " before, "
              << difference.unmatched_erased_after() << " after\n";
  }
}

StatusOr<ExitStatus> Diff(const std::string& before, const std::string& after, uint64_t limit, bool json) {
  ASSIGN_OR_RETURN(const std::unique_ptr<MemberFile> one, OpenMembers(before));
  ASSIGN_OR_RETURN(const std::unique_ptr<MemberFile> other, OpenMembers(after));
  v1::DatasetDifference answer;
  uint64_t changes = 0;
  const StatusOr<MemberDifference> difference =
      DiffMemberFiles(*one, *other, kDatasetMemoryBytes, [&](MemberChange change, std::string_view record_id) {
        if (++changes > limit) return;
        v1::DatasetChange& listed = *answer.add_changes();
        listed.set_kind(KindOf(change));
        listed.set_record_id(std::string(record_id));
      });
  if (!difference.ok()) return AsBadInput(difference.status());
  answer.set_added(difference->added);
  answer.set_removed(difference->removed);
  answer.set_changed(difference->changed);
  answer.set_common(difference->common);
  answer.set_not_comparable(difference->not_comparable);
  answer.set_unmatched_erased_before(difference->unmatched_erased_before);
  answer.set_unmatched_erased_after(difference->unmatched_erased_after);
  answer.set_changes_left_out(changes - static_cast<uint64_t>(answer.changes_size()));
  if (json) {
    RETURN_IF_ERROR(PrintJson(answer));
  } else {
    PrintDifference(answer);
  }
  return kDone;
}

// `overlap` has the same pairs as `answer`, with what the answer has no place for.
void PrintOverlap(const v1::DatasetOverlap& answer, const MemberOverlap& overlap) {
  for (const v1::SharedIdentifier& shared : answer.shared()) {
    const std::string_view what = shared.subject()                      ? "subject "
                                  : shared.id().starts_with(kContentId) ? "content "
                                                                        : "record  ";
    std::cout << what << shared.id() << "  in";
    for (const std::string& file : shared.files()) std::cout << " " << file;
    std::cout << "\n";
  }
  if (answer.shared_left_out() > 0) std::cout << "… and " << answer.shared_left_out() << " more (--limit)\n";
  for (size_t i = 0; i < overlap.pairs.size(); ++i) {
    const v1::DatasetPairOverlap& pair = answer.pairs(static_cast<int>(i));
    std::cout << pair.first() << " and " << pair.second() << " share " << pair.records() << " records and "
              << pair.subjects() << " subjects";
    if (const uint64_t contents = overlap.pairs[i].contents; contents > 0)
      std::cout << ", and " << contents << " contents, the same bytes under other record ids";
    std::cout << "\n";
  }
  for (const v1::DatasetFileCoverage& file : answer.files()) {
    if (file.without_subject() > 0) {
      std::cout << file.file() << ": " << file.without_subject()
                << " members name no subject, so whether they share one is not known\n";
    }
    if (file.erased() > 0) {
      std::cout << file.file() << ": " << file.erased()
                << " members are erased; they were looked for by the records that other files name only\n";
    }
  }
}

// Whether the files' members, or some of them, may be of anybody.
bool HidesSubjects(const v1::DatasetOverlap& overlap) {
  return std::any_of(overlap.files().begin(), overlap.files().end(),
                     [](const auto& file) { return file.without_subject() > 0 || file.erased() > 0; });
}

StatusOr<ExitStatus> Overlap(const std::vector<std::string>& paths, uint64_t limit, bool json) {
  std::vector<std::unique_ptr<MemberFile>> files;
  std::vector<const MemberFile*> pointers;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(files.emplace_back(), OpenMembers(path));
    pointers.push_back(files.back().get());
  }
  v1::DatasetOverlap answer;
  uint64_t found = 0;
  const StatusOr<MemberOverlap> overlap = OverlapOfMemberFiles(
      pointers, kDatasetMemoryBytes, [&](SharedKind kind, std::string_view id, std::span<const size_t> holders) {
        if (++found > limit) return;
        v1::SharedIdentifier& shared = *answer.add_shared();
        shared.set_subject(kind == SharedKind::kSubject);
        shared.set_id(Text(kind == SharedKind::kContent ? kContentId : "", id));
        for (const size_t holder : holders) shared.add_files(paths[holder]);
      });
  if (!overlap.ok()) return AsBadInput(overlap.status());
  answer.set_shared_left_out(found - static_cast<uint64_t>(answer.shared_size()));
  answer.set_shared_records(overlap->shared_records);
  answer.set_shared_subjects(overlap->shared_subjects);
  for (const MemberOverlap::Pair& pair : overlap->pairs) {
    v1::DatasetPairOverlap& listed = *answer.add_pairs();
    listed.set_first(paths[pair.first]);
    listed.set_second(paths[pair.second]);
    listed.set_records(pair.records);
    listed.set_subjects(pair.subjects);
  }
  for (size_t i = 0; i < files.size(); ++i) {
    v1::DatasetFileCoverage& coverage = *answer.add_files();
    coverage.set_file(paths[i]);
    coverage.set_records(files[i]->header().commitment.records);
    coverage.set_erased(files[i]->header().erased);
    coverage.set_without_subject(overlap->without_subject[i]);
  }
  if (json) {
    RETURN_IF_ERROR(PrintJson(answer));
  } else {
    PrintOverlap(answer, *overlap);
  }
  if (found > 0) return kAnswerIsNo;
  return HidesSubjects(answer) ? kOutcomeUnknown : kDone;
}

}  // namespace

void AddDatasetDiff(CLI::App& dataset) {
  struct Options {
    std::string before;
    std::string after;
    uint64_t limit = kListedDefault;
    Common common;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb = *dataset.add_subcommand("diff", "records added, removed and changed between two member files");
  verb.footer(
      "Example: anamnesis dataset diff v2.1.members v2.2.members --limit 20\n"
      "Exit status 0 also when they differ: that is the answer, not a fault, unlike in `overlap` and `compare`.");
  verb.add_option("BEFORE", options->before, "a member file")->required();
  verb.add_option("AFTER", options->after, "a member file")->required();
  verb.add_option("--limit", options->limit, "how many records to list")->capture_default_str();
  AddJsonOption(verb, options->common);
  SetAction(verb, [options] { return Diff(options->before, options->after, options->limit, options->common.json); });
}

void AddDatasetOverlap(CLI::App& dataset) {
  struct Options {
    std::vector<std::string> files;
    uint64_t limit = kListedDefault;
    Common common;
  };
  auto options = std::make_shared<Options>();
  CLI::App& verb =
      *dataset.add_subcommand("overlap", "records, subjects and contents that are in more than one member file");
  verb.footer(
      "Example: anamnesis dataset overlap train.members validate.members test.members\n"
      "A content, by its SHA-256, counts where the files have it under different record ids.\n"
      "Exit status 0 when the files share neither a record nor a subject nor a content, 1 when they do, 4 when none "
      "is\n"
      "found and members without a subject, or erased ones, may be shared all the same.");
  verb.add_option("FILE", options->files, "two or more member files")->required();
  verb.add_option("--limit", options->limit, "how many ids to list")->capture_default_str();
  AddJsonOption(verb, options->common);
  SetAction(verb, [options] { return Overlap(options->files, options->limit, options->common.json); });
}

}  // namespace anamnesis::cli
