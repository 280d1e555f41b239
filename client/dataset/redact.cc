#include "client/dataset/redact.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <system_error>

#include "client/dataset/member_file.h"
#include "client/dataset/member_file_layout.h"
#include "client/dataset/member_file_writer.h"

namespace anamnesis {
namespace {

constexpr size_t kOverwriteBytes = 1 << 20;
constexpr std::string_view kOldEnding = ".erasing";

// An unset variable of a shell must not stand for all members without a subject.
Status CheckIds(const Redaction& redaction) {
  for (const std::string& id : redaction.record_ids) RETURN_IF_ERROR(CheckMemberId(id, "record_id"));
  for (const std::string& id : redaction.subject_ids) RETURN_IF_ERROR(CheckMemberId(id, "subject_id"));
  return OkStatus();
}

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

// Keeps other processes from redacting the file at the same time.
Status Lock(const File& file) {
  if (::flock(file.descriptor(), LOCK_EX | LOCK_NB) == 0) return OkStatus();
  return absl::FailedPreconditionError(Text(file.path(), ": another process redacts it; try again"));
}

// Whether `path` itself, not what a link there leads to, is the open file.
bool Names(const std::string& path, const File& file) {
  struct stat open_one;
  struct stat named;
  return ::fstat(file.descriptor(), &open_one) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         open_one.st_ino == named.st_ino && open_one.st_dev == named.st_dev;
}

Status CheckOnlyName(const File& file) {
  struct stat info = {};
  if (::fstat(file.descriptor(), &info) == 0 && info.st_nlink == 1) return OkStatus();
  return absl::FailedPreconditionError(
      Text(file.path(), ": has ", static_cast<uint64_t>(info.st_nlink),
           " names (hard links); redacting overwrites the old file, so make the others copies and redact them too"));
}

// All but the header, which the new file has too: it says whose remains these are if this breaks off.
Status Overwrite(File& old) {
  ASSIGN_OR_RETURN(const uint64_t size, old.Size());
  const std::string zeros(kOverwriteBytes, '\0');
  for (uint64_t at = kMemberFileHeaderBytes; at < size; at += zeros.size()) {
    const auto bytes = static_cast<size_t>(std::min<uint64_t>(zeros.size(), size - at));
    RETURN_IF_ERROR(old.WriteAt(at, std::string_view(zeros).substr(0, bytes)));
  }
  return old.Sync();
}

// Gives the file a second name, so that its bytes are found again if the process ends before they are overwritten.
Status KeepName(const std::string& path, const std::string& old_name) {
  if (::link(path.c_str(), old_name.c_str()) == 0) return OkStatus();
  // A file system without second names.
  if (errno == EPERM || errno == EOPNOTSUPP) return OkStatus();
  return absl::InternalError(Text(old_name, ": making it: ", std::generic_category().message(errno)));
}

// Overwrites what a redaction that was broken off has left of the file that it replaced.
Status FinishEarlier(const File& old, const MemberFile& file, const std::string& old_name) {
  struct stat info;
  if (::lstat(old_name.c_str(), &info) != 0) return OkStatus();
  // Broken off before the new file was in place.
  if (Names(old_name, old)) return RemoveName(old_name);
  ASSIGN_OR_RETURN(File left, File::OpenForOverwriting(old_name));
  RETURN_IF_ERROR(Lock(left));
  const StatusOr<std::string> front = left.ReadAt(0, kMemberFileHeaderBytes);
  const auto header = front.ok() ? ParseMemberFileHeader(*front) : StatusOr<MemberFileHeader>(front.status());
  if (!header.ok() || header->commitment != file.commitment()) {
    return absl::FailedPreconditionError(
        Text(old_name, ": is in the way and no older state of this file; redacting needs the name, so move it"));
  }
  RETURN_IF_ERROR(Overwrite(left));
  return RemoveName(old_name);
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
  RETURN_IF_ERROR(CheckIds(redaction));
  const std::string old_name = Text(path, kOldEnding);
  ASSIGN_OR_RETURN(File old, File::OpenForOverwriting(path));
  RETURN_IF_ERROR(Lock(old));
  ASSIGN_OR_RETURN(const std::unique_ptr<MemberFile> file, MemberFile::Open(path));
  if (!Names(path, old)) return absl::FailedPreconditionError(Text(path, ": was replaced meanwhile; try again"));
  RETURN_IF_ERROR(FinishEarlier(old, *file, old_name));
  RETURN_IF_ERROR(CheckOnlyName(old));
  ASSIGN_OR_RETURN(const Redacted redacted, Count(*file, redaction));
  if (redacted.erased == 0) return redacted;
  ASSIGN_OR_RETURN(const std::unique_ptr<MemberFileWriter> writer,
                   MemberFileWriter::Make(path, file->commitment().records, file->commitment().salt));
  RETURN_IF_ERROR(WriteWithout(*file, redaction, *writer));
  RETURN_IF_ERROR(KeepName(path, old_name));
  if (const Status replaced = writer->file().Replace(); !replaced.ok()) {
    if (Names(old_name, old) && Names(path, old)) RETURN_IF_ERROR(RemoveName(old_name));
    return replaced;
  }
  if (const Status overwritten = Overwrite(old); !overwritten.ok()) {
    return absl::InternalError(Text(path, ": is redacted, but the old file, ", old_name,
                                    ", was not overwritten: ", MessageOf(overwritten), "; redact it again"));
  }
  if (Names(old_name, old)) RETURN_IF_ERROR(RemoveName(old_name));
  return redacted;
}

}  // namespace anamnesis
