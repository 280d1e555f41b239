#include "ledger/keys/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "ledger/base/bytes.h"
#include "ledger/base/check.h"
#include "ledger/keys/random.h"

namespace anamnesis {
namespace {

constexpr std::string_view kPrefix = "PRIVATE+KEY+";
constexpr char kEd25519Type = '\x01';
// Far beyond any key; keeps a path to something else from being read whole.
constexpr size_t kKeyFileBytesMax = 4096;

// Wipes a string that held secret bytes, whichever way its scope is left.
class WipedString {
 public:
  explicit WipedString(std::string text) : text_(std::move(text)) {}
  WipedString(const WipedString&) = delete;
  WipedString& operator=(const WipedString&) = delete;
  ~WipedString() { WipeMemory(text_.data(), text_.size()); }
  std::string& operator*() { return text_; }
  std::string* operator->() { return &text_; }

 private:
  std::string text_;
};

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

// The status of the system call that just failed.
Status ErrnoStatus(std::string_view what, const std::string& path) {
  const int error = errno;
  const std::string message = Text("key file ", path, ": ", what, ": ", std::generic_category().message(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(message);
    case EEXIST:
      return absl::AlreadyExistsError(message);
    default:
      return absl::InternalError(message);
  }
}

// As ErrnoStatus, for a call after the file was opened, when the cause lies deeper than in the path.
Status InternalErrno(std::string_view what, const std::string& path) {
  return absl::InternalError(ErrnoStatus(what, path).message());
}

Status WriteAll(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return InternalErrno("writing", path);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  if (fsync(fd) != 0) return InternalErrno("syncing", path);
  return OkStatus();
}

// Makes the file's name in its directory durable.
Status SyncDirectoryOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const FileDescriptor directory(open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || fsync(directory.get()) != 0) return InternalErrno("syncing its directory", path);
  return OkStatus();
}

Status Malformed() { return absl::InvalidArgumentError("not a private key (PRIVATE+KEY+<name>+<key id>+<base64>)"); }

}  // namespace

StatusOr<NamedKey> NewKeyFile(const std::string& path, std::string_view name) {
  RETURN_IF_ERROR(CheckKeyName(name));
  std::array<uint8_t, PrivateKey::kSeedSize> seed;
  FillRandom(seed);
  StatusOr<PrivateKey> key =
      PrivateKey::FromSeed(std::string_view(reinterpret_cast<const char*>(seed.data()), seed.size()));
  WipeMemory(seed.data(), seed.size());
  RETURN_IF_ERROR(key.status());
  NamedKey named{std::string(name), *std::move(key)};
  WipedString line(FormatPrivateKey(named));
  line->push_back('\n');

  const FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (file.get() < 0) return ErrnoStatus("creating", path);
  Status written = WriteAll(file.get(), *line, path);
  if (written.ok()) written = SyncDirectoryOf(path);
  if (!written.ok()) {
    // Nobody has seen the key yet; half a key file would only be in the way.
    if (unlink(path.c_str()) != 0) return WithContext(written, "a useless file is left behind");
    return written;
  }
  return named;
}

StatusOr<NamedKey> ReadKeyFile(const std::string& path) {
  // Without O_NONBLOCK a path to a pipe would wait for a writer.
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return ErrnoStatus("opening", path);
  struct stat info;
  if (fstat(file.get(), &info) != 0) return InternalErrno("reading its mode", path);
  if (!S_ISREG(info.st_mode)) return absl::InvalidArgumentError(Text("key file ", path, ": not a regular file"));
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return absl::FailedPreconditionError(
        Text("key file ", path, ": others than its owner have access to it; run: chmod 600 ", path));
  }
  WipedString content(std::string(kKeyFileBytesMax + 1, '\0'));
  size_t size = 0;
  while (size < content->size()) {
    const ssize_t count = read(file.get(), content->data() + size, content->size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return InternalErrno("reading", path);
    if (count == 0) break;
    size += static_cast<size_t>(count);
  }
  std::string_view line = std::string_view(*content).substr(0, size);
  if (line.ends_with('\n')) line.remove_suffix(1);
  StatusOr<NamedKey> key = size > kKeyFileBytesMax ? Malformed() : ParsePrivateKey(line);
  if (!key.ok()) return WithContext(key.status(), Text("key file ", path));
  return key;
}

std::string FormatPrivateKey(const NamedKey& key) {
  std::string id;
  AppendBigEndian32(id, KeyId(key.name, KeyType::kEd25519, key.key.public_key()));
  WipedString secret(Text(kEd25519Type, key.key.seed()));
  WipedString encoded(Base64Encode(*secret));
  return Text(kPrefix, key.name, '+', HexEncode(id), '+', *encoded);
}

StatusOr<NamedKey> ParsePrivateKey(std::string_view text) {
  if (!text.starts_with(kPrefix)) return Malformed();
  const std::string_view rest = text.substr(kPrefix.size());
  const size_t first = rest.find('+');
  const size_t second = first == std::string_view::npos ? first : rest.find('+', first + 1);
  if (second == std::string_view::npos) return Malformed();
  const std::string_view name = rest.substr(0, first);
  if (!CheckKeyName(name).ok()) return Malformed();
  StatusOr<std::string> decoded = Base64Decode(rest.substr(second + 1));
  if (!decoded.ok()) return Malformed();
  WipedString secret(*std::move(decoded));
  if (secret->size() != 1 + PrivateKey::kSeedSize || (*secret)[0] != kEd25519Type) return Malformed();
  ASSIGN_OR_RETURN(PrivateKey key, PrivateKey::FromSeed(std::string_view(*secret).substr(1)));
  NamedKey named{std::string(name), std::move(key)};
  WipedString only_spelling(FormatPrivateKey(named));
  if (*only_spelling != text) {
    return absl::InvalidArgumentError("the private key's id does not belong to its name and key");
  }
  return named;
}

VerifierKey VerifierKeyOf(const NamedKey& key) {
  StatusOr<VerifierKey> made = VerifierKey::Make(key.name, KeyType::kEd25519, key.key.public_key());
  // Both ways to get a NamedKey from outside have checked its name.
  CHECK(made.ok());
  return *std::move(made);
}

VerifierKey CosignerKeyOf(const NamedKey& key) {
  StatusOr<VerifierKey> made = VerifierKey::Make(key.name, KeyType::kCosignature, key.key.public_key());
  CHECK(made.ok());
  return *std::move(made);
}

}  // namespace anamnesis
