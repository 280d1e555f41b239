#include "client/cpp/outbox.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "ledger/base/bytes.h"
#include "ledger/base/check.h"
#include "ledger/crypto/sha256.h"

namespace anamnesis {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr size_t kStartBytes = kLengthBytes + Digest::kSize;

std::string Framed(const std::string& runs) {
  std::string bytes;
  AppendBigEndian64(bytes, runs.size());
  return bytes + Sha256(runs).bytes() + runs;
}

// What Framed was given; empty for a file that was cut off, or of which not all came to the disk.
std::string_view Unframed(std::string_view bytes) {
  if (bytes.size() < kStartBytes) return "";
  const std::string_view runs = bytes.substr(kStartBytes);
  const bool whole = ByteReader(bytes).BigEndian64().value() == runs.size();
  return whole && bytes.substr(kLengthBytes, Digest::kSize) == Sha256(runs).view() ? runs : "";
}

}  // namespace

StatusOr<std::unique_ptr<Outbox>> Outbox::Open(const std::string& dir, std::string_view origin,
                                               std::string_view stream) {
  RETURN_IF_ERROR(MakeDirectory(dir));
  // No origin has a line's end in it.
  const std::string name = HexEncode(Sha256(Text(origin, "\n", stream)).view().substr(0, 16));
  std::unique_ptr<Outbox> outbox(new Outbox(Text(dir, "/", name, ".outbox")));
  RETURN_IF_ERROR(outbox->OpenFileLocked());
  RETURN_IF_ERROR(SyncDirectory(dir));
  RETURN_IF_ERROR(outbox->Read());
  return outbox;
}

Status Outbox::OpenFileLocked() {
  ASSIGN_OR_RETURN(file_, OpenFile(path_, O_RDWR | O_CREAT, 0600));
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) == 0) return OkStatus();
  if (errno != EWOULDBLOCK) return SystemError(path_, "locking");
  return absl::FailedPreconditionError(Text(path_, ": another writer of this stream has it open"));
}

Status Outbox::Read() {
  ASSIGN_OR_RETURN(const uint64_t size, SizeOf(file_.get(), path_));
  ASSIGN_OR_RETURN(const std::string bytes, ReadAt(file_.get(), path_, 0, size));
  if (unanswered_.ParseFromString(std::string(Unframed(bytes)))) return OkStatus();
  return absl::DataLossError(Text(path_, ": holds no runs, though all that was written is there"));
}

Status Outbox::Put(v1::AppendRequest runs) {
  CHECK(empty());
  // What is left of others behind these runs would make all of it count as cut off, though it was sent.
  RETURN_IF_ERROR(Truncate());
  const std::string bytes = Framed(runs.SerializeAsString());
  Status written = ::lseek(file_.get(), 0, SEEK_SET) == 0 ? OkStatus() : SystemError(path_, "writing");
  if (written.ok()) written = WriteAll(file_.get(), path_, bytes);
  if (written.ok()) written = SyncFile(file_.get(), path_);
  if (!written.ok()) {
    Clear();
    return written;
  }
  unanswered_ = std::move(runs);
  return OkStatus();
}

void Outbox::Clear() {
  unanswered_.Clear();
  (void)Truncate();
}

Status Outbox::Truncate() { return ::ftruncate(file_.get(), 0) == 0 ? OkStatus() : SystemError(path_, "emptying"); }

StatusOr<std::string> Outbox::SetAside() {
  std::string aside;
  std::error_code unknown;
  for (int number = 1; aside.empty() || std::filesystem::exists(aside, unknown); ++number) {
    aside = Text(path_, ".refused-", number);
  }
  if (::rename(path_.c_str(), aside.c_str()) != 0) return SystemError(path_, "setting aside");
  unanswered_.Clear();
  RETURN_IF_ERROR(OpenFileLocked());
  RETURN_IF_ERROR(SyncDirectory(std::filesystem::path(path_).parent_path().string()));
  return aside;
}

}  // namespace anamnesis
