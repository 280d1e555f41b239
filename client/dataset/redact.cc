#include "client/dataset/redact.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "client/dataset/member_file.h"
#include "client/dataset/member_file_writer.h"

namespace anamnesis {
namespace {

constexpr size_t kOverwriteBytes = 1 << 20;

bool Selects(const Redaction& redaction, const Member& member) {
  return redaction.record_ids.contains(member.record_id) || redaction.subject_ids.contains(member.subject_id);
}

// What would be erased. NOT_FOUND when something named is not there.
StatusOr<Redacted> Count(const MemberFile& file, const Redaction& redaction) {
  Redacted counted;
  std::set<std::string, std::less<>> records = redaction.record_ids;
  std::set<std::string, std::less<>> subjects = redaction.subject_ids;
  RETURN_IF_ERROR(file.Scan([&](uint64_t, const MemberLeaf&, const std::optional<MemberOpening>& opening) {
    if (!opening.has_value() || !Selects(redaction, opening->member)) return OkStatus();
    ++counted.erased;
    records.erase(opening->member.record_id);
    subjects.erase(opening->member.subject_id);
    return OkStatus();
  }));
  for (const std::string& record : records) {
    ASSIGN_OR_RETURN(const MemberPlace place, FindMember(file, MemberSortKey(file.commitment().salt, record)));
    if (!place.found) return absl::NotFoundError(Text(file.path(), ": record \"", record, "\" is no member"));
    ++counted.erased_before;
  }
  if (!subjects.empty()) {
    return absl::NotFoundError(Text(file.path(), ": subject \"", *subjects.begin(),
                                    "\" is named by no member: it never was, or all of its members are erased"));
  }
  return counted;
}

// Keeps other processes from redacting the file at the same time, and knows that the path still leads to it.
Status Lock(const File& file, const std::string& path) {
  if (::flock(file.descriptor(), LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(Text(path, ": another process redacts it; try again"));
  }
  struct stat open_one;
  struct stat named;
  if (::fstat(file.descriptor(), &open_one) != 0 || ::stat(path.c_str(), &named) != 0 ||
      open_one.st_ino != named.st_ino || open_one.st_dev != named.st_dev) {
    return absl::FailedPreconditionError(Text(path, ": was replaced meanwhile; try again"));
  }
  if (open_one.st_nlink != 1) {
    return absl::FailedPreconditionError(
        Text(path, ": has ", static_cast<uint64_t>(open_one.st_nlink),
             " names (hard links); redacting overwrites the old file, so make the others copies and redact them too"));
  }
  return OkStatus();
}

Status Overwrite(File& old, uint64_t size) {
  const std::string zeros(kOverwriteBytes, '\0');
  for (uint64_t at = 0; at < size; at += zeros.size()) {
    const auto bytes = static_cast<size_t>(std::min<uint64_t>(zeros.size(), size - at));
    RETURN_IF_ERROR(old.WriteAt(at, std::string_view(zeros).substr(0, bytes)));
  }
  return old.Sync();
}

Status WriteWithout(const MemberFile& file, const Redaction& redaction, MemberFileWriter& writer) {
  RETURN_IF_ERROR(
      file.Scan([&](uint64_t, const MemberLeaf& leaf, const std::optional<MemberOpening>& opening) -> Status {
        if (!opening.has_value() || Selects(redaction, opening->member)) return writer.AppendErased(leaf);
        return writer.Append(leaf, opening->nonce, EncodeMember(opening->member));
      }));
  ASSIGN_OR_RETURN(const MemberFileHeader header, writer.Finish(file.header().subjects));
  // Erasing changes no leaf.
  return header.commitment == file.commitment() ? OkStatus() : absl::InternalError("redacting changed the root");
}

}  // namespace

StatusOr<Redacted> RedactMemberFile(const std::string& path, const Redaction& redaction) {
  ASSIGN_OR_RETURN(File old, File::OpenForOverwriting(path));
  RETURN_IF_ERROR(Lock(old, path));
  ASSIGN_OR_RETURN(const std::unique_ptr<MemberFile> file, MemberFile::Open(path));
  ASSIGN_OR_RETURN(const Redacted redacted, Count(*file, redaction));
  if (redacted.erased == 0) return redacted;
  ASSIGN_OR_RETURN(const uint64_t old_size, old.Size());
  ASSIGN_OR_RETURN(const std::unique_ptr<MemberFileWriter> writer,
                   MemberFileWriter::Make(path, file->commitment().records, file->commitment().salt));
  RETURN_IF_ERROR(WriteWithout(*file, redaction, *writer));
  RETURN_IF_ERROR(writer->file().Replace());
  const Status overwritten = Overwrite(old, old_size);
  if (!overwritten.ok()) {
    return absl::InternalError(
        Text(path, ": is redacted, but the old file, which is deleted, was not overwritten: ", MessageOf(overwritten)));
  }
  return redacted;
}

}  // namespace anamnesis
