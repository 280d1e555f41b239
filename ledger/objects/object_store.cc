#include "ledger/objects/object_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "ledger/base/bytes.h"
#include "ledger/crypto/sha256.h"

namespace anamnesis {
namespace {

constexpr size_t kNameDigits = 2 * Digest::kSize;
constexpr unsigned kPartialMode = 0600;
// Nobody writes to an object.
constexpr unsigned kObjectMode = 0400;

bool IsThere(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// Whether `path` still is the file that `fd` is open on.
bool IsFileAt(int fd, const std::string& path) {
  struct stat open {};
  struct stat named {};
  return ::fstat(fd, &open) == 0 && ::stat(path.c_str(), &named) == 0 && open.st_ino == named.st_ino &&
         open.st_dev == named.st_dev;
}

// Whether the upload is gone now. Whoever holds its lock is still at work, if only by reading all of it.
bool RemoveUnlocked(const std::string& path) {
  const StatusOr<Descriptor> file = OpenFile(path, O_RDWR);
  return file.ok() && ::flock(file->get(), LOCK_EX | LOCK_NB) == 0 && IsFileAt(file->get(), path) &&
         ::unlink(path.c_str()) == 0;
}

// The digest of what the disk has, not of what memory still has of it.
StatusOr<Digest> DigestOnDisk(int fd, const std::string& path, const std::function<bool()>& cancelled = nullptr) {
  // Only a hint: without it the digest is of the same bytes.
  (void)::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  (void)::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  Sha256Hasher hasher;
  for (uint64_t offset = 0;;) {
    if (cancelled != nullptr && cancelled()) return absl::CancelledError("nobody waits for the digest any more");
    ASSIGN_OR_RETURN(const std::string bytes, ReadAt(fd, path, offset, kObjectChunkBytesMax));
    if (bytes.empty()) return hasher.Finish();
    hasher.Update(bytes);
    offset += bytes.size();
  }
}

Status NotStored(const Digest& digest) {
  return absl::NotFoundError(Text("object ", digest.hex(), " isn't stored here"));
}

// An unfinished upload as its file's name says.
struct Partial {
  std::filesystem::path path;
  uint64_t size = 0;
  std::filesystem::file_time_type changed;
};

StatusOr<std::vector<Partial>> ListPartials(const std::string& dir) {
  std::vector<Partial> partials;
  std::error_code failed;
  std::filesystem::directory_iterator entry(dir, failed);
  for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
    const std::string name = entry->path().filename().string();
    std::error_code gone;
    Partial partial{entry->path(), 0, entry->last_write_time(gone)};
    if (gone || name.size() <= kNameDigits + 1) continue;
    std::from_chars(name.data() + kNameDigits + 1, name.data() + name.size(), partial.size);
    partials.push_back(std::move(partial));
  }
  if (failed) return absl::InternalError(Text(dir, ": listing: ", failed.message()));
  return partials;
}

}  // namespace

StatusOr<Digest> ParseObjectName(std::string_view text) {
  const bool digits = text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (text.size() != kNameDigits || !digits) {
    return absl::InvalidArgumentError(
        Text("object: \"", text.substr(0, 80), "\" is not a SHA-256 in 64 lower-case hexadecimal digits"));
  }
  ASSIGN_OR_RETURN(const std::string bytes, HexDecode(text));
  return Digest::FromBytes(bytes);
}

StatusOr<std::unique_ptr<ObjectStore>> ObjectStore::Open(const std::string& dir, const ObjectStoreOptions& options) {
  std::unique_ptr<ObjectStore> store(new ObjectStore(dir, options));
  for (const std::string& path : {dir, store->PartialsDirectory(), store->DamagedDirectory()}) {
    RETURN_IF_ERROR(MakeDirectory(path));
  }
  return store;
}

std::string ObjectStore::ShardPath(const Digest& digest) const { return Text(dir_, "/", digest.hex().substr(0, 2)); }
std::string ObjectStore::ObjectPath(const Digest& digest) const { return Text(ShardPath(digest), "/", digest.hex()); }
std::string ObjectStore::PartialPath(const Digest& digest, uint64_t size) const {
  return Text(PartialsDirectory(), "/", digest.hex(), ".", size);
}

// --- Reading ---

StatusOr<ObjectState> ObjectStore::Stat(const Digest& digest, uint64_t size) const {
  ObjectState state;
  // In this order, so that what is finished meanwhile is seen as one or the other.
  for (const bool stored : {false, true}) {
    const std::string path = stored ? ObjectPath(digest) : PartialPath(digest, size);
    struct stat found {};
    if (::stat(path.c_str(), &found) == 0) {
      state = {stored, static_cast<uint64_t>(found.st_size)};
    } else if (errno != ENOENT) {
      return SystemError(path, "looking at");
    }
  }
  return state;
}

StatusOr<std::string> ObjectStore::Read(const Digest& digest, uint64_t offset, size_t count) const {
  const std::string path = ObjectPath(digest);
  const StatusOr<Descriptor> file = OpenFile(path, O_RDONLY);
  if (absl::IsNotFound(file.status())) return NotStored(digest);
  RETURN_IF_ERROR(file.status());
  ASSIGN_OR_RETURN(const uint64_t size, SizeOf(file->get(), path));
  if (offset > size) {
    return absl::OutOfRangeError(Text("offset: ", offset, "; object ", digest.hex(), " has ", size, " bytes"));
  }
  return ReadAt(file->get(), path, offset, std::min(count, kObjectChunkBytesMax));
}

StatusOr<uint64_t> ObjectStore::Verify(const Digest& digest, const std::function<bool()>& cancelled) {
  const std::string path = ObjectPath(digest);
  const StatusOr<Descriptor> file = OpenFile(path, O_RDONLY);
  if (absl::IsNotFound(file.status())) return NotStored(digest);
  RETURN_IF_ERROR(file.status());
  ASSIGN_OR_RETURN(const uint64_t size, SizeOf(file->get(), path));
  ASSIGN_OR_RETURN(const Digest found, DigestOnDisk(file->get(), path, cancelled));
  if (found == digest) return size;
  const std::string aside = Text(DamagedDirectory(), "/", digest.hex());
  // Another thread may have set it aside just now, and a good copy may be in its place.
  if (IsFileAt(file->get(), path) && ::rename(path.c_str(), aside.c_str()) != 0) {
    return SystemError(path, "setting aside");
  }
  RETURN_IF_ERROR(SyncDirectory(DamagedDirectory()));
  RETURN_IF_ERROR(SyncDirectory(ShardPath(digest)));
  return absl::DataLossError(Text("object ", digest.hex(), ": its bytes have the SHA-256 ", found.hex(),
                                  "; they are set aside as ", aside, ": put it again from a good copy"));
}

// --- Adding ---

Status ObjectStore::CheckSpace(uint64_t more) const {
  struct statvfs space {};
  if (::statvfs(dir_.c_str(), &space) != 0) return SystemError(dir_, "looking for space");
  const uint64_t free = uint64_t{space.f_bavail} * space.f_frsize;
  const uint64_t needed = options_.reserve_bytes + more;
  if (free >= needed) return OkStatus();
  return absl::ResourceExhaustedError(Text("disk full: ", free >> 20, " MiB are free where the objects are, ",
                                           (needed >> 20) + 1, " MiB are needed; retry when there is space"));
}

Status ObjectStore::CheckPartials(uint64_t size) const {
  const auto abandoned = std::filesystem::file_time_type::clock::now() - options_.partial_kept;
  // Looked at a second time when it was worth while to remove some.
  for (bool removed = true; removed;) {
    removed = false;
    ASSIGN_OR_RETURN(const std::vector<Partial> partials, ListPartials(PartialsDirectory()));
    uint64_t announced = size;
    for (const Partial& partial : partials) announced += partial.size;
    if (partials.size() < options_.partials_max && announced <= options_.partial_bytes_max) return OkStatus();
    for (const Partial& partial : partials) {
      if (partial.changed < abandoned && RemoveUnlocked(partial.path)) removed = true;
    }
  }
  return absl::ResourceExhaustedError(Text("too many unfinished uploads: at most ", options_.partials_max, " of ",
                                           options_.partial_bytes_max >> 20,
                                           " MiB together; finish some, or retry later"));
}

StatusOr<Descriptor> ObjectStore::LockPartial(const Digest& digest, uint64_t size) {
  const std::string path = PartialPath(digest, size);
  while (!IsThere(ObjectPath(digest))) {
    StatusOr<Descriptor> file = OpenFile(path, O_RDWR | O_APPEND);
    if (absl::IsNotFound(file.status())) {
      const std::lock_guard lock(begin_);
      RETURN_IF_ERROR(CheckSpace(size));
      RETURN_IF_ERROR(CheckPartials(size));
      file = OpenFile(path, O_RDWR | O_APPEND | O_CREAT, kPartialMode);
    }
    RETURN_IF_ERROR(file.status());
    if (::flock(file->get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return SystemError(path, "locking");
      return absl::AbortedError(Text("object ", digest.hex(), ": another upload of it is being written; retry"));
    }
    // Before it was locked it may have been finished, or removed, by another.
    if (!IsFileAt(file->get(), path)) continue;
    if (!IsThere(ObjectPath(digest))) return file;
    // It was begun anew when another had just finished it.
    ::unlink(path.c_str());
  }
  return Descriptor();
}

Status ObjectStore::WriteChunk(const Descriptor& file, const std::string& path, uint64_t offset,
                               std::string_view bytes) const {
  RETURN_IF_ERROR(CheckSpace(bytes.size()));
  const Status written = WriteAll(file.get(), path, bytes);
  // A part of a chunk would be as good as the whole, but whoever sent it is told that nothing was taken.
  if (!written.ok() && ::ftruncate(file.get(), static_cast<off_t>(offset)) != 0) ::unlink(path.c_str());
  return written;
}

StatusOr<ObjectState> ObjectStore::Append(const Digest& digest, uint64_t size, uint64_t offset,
                                          std::string_view bytes) {
  if (size > options_.object_bytes_max) {
    return absl::InvalidArgumentError(
        Text("size_bytes: ", size, "; an object has at most ", options_.object_bytes_max, " bytes here"));
  }
  if (bytes.size() > kObjectChunkBytesMax || offset > size || bytes.size() > size - offset) {
    return absl::InvalidArgumentError(Text("chunk: ", bytes.size(), " bytes at ", offset, " of ", size, "; at most ",
                                           kObjectChunkBytesMax, ", and none beyond the end"));
  }
  const std::string path = PartialPath(digest, size);
  ASSIGN_OR_RETURN(const Descriptor file, LockPartial(digest, size));
  if (file.get() < 0) {
    // Whoever stored it may not have come to this yet.
    RETURN_IF_ERROR(SyncDirectory(ShardPath(digest)));
    return Stat(digest);
  }
  ASSIGN_OR_RETURN(const uint64_t there, SizeOf(file.get(), path));
  if (there == offset && !bytes.empty()) RETURN_IF_ERROR(WriteChunk(file, path, offset, bytes));
  const uint64_t now = there == offset ? offset + bytes.size() : there;
  if (now < size) return ObjectState{false, now};
  RETURN_IF_ERROR(Publish(file, digest, size));
  return ObjectState{true, size};
}

Status ObjectStore::Publish(const Descriptor& file, const Digest& digest, uint64_t size) {
  const std::string path = PartialPath(digest, size);
  const auto give_up = [&](Status why) {
    ::unlink(path.c_str());
    return why;
  };
  // After a failed sync nobody knows what the disk has; what is removed is sent again.
  if (const Status synced = SyncFile(file.get(), path); !synced.ok()) return give_up(synced);
  ASSIGN_OR_RETURN(const Digest found, DigestOnDisk(file.get(), path));
  if (found != digest) {
    return give_up(absl::InvalidArgumentError(Text("object ", digest.hex(), ": its ", size, " bytes have the SHA-256 ",
                                                   found.hex(), "; the upload is removed")));
  }
  RETURN_IF_ERROR(MakeDirectory(ShardPath(digest)));
  // Another who made it may not have come to this.
  RETURN_IF_ERROR(SyncDirectory(dir_));
  if (::rename(path.c_str(), ObjectPath(digest).c_str()) != 0) return SystemError(path, "storing");
  // Not before: an upload that ends here must be open to the next process's writing.
  if (::fchmod(file.get(), kObjectMode) != 0) return SystemError(path, "making read-only");
  RETURN_IF_ERROR(SyncDirectory(ShardPath(digest)));
  return SyncDirectory(PartialsDirectory());
}

}  // namespace anamnesis
