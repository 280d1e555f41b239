#ifndef ANAMNESIS_CLIENT_SANDBOX_STAGING_H_
#define ANAMNESIS_CLIENT_SANDBOX_STAGING_H_

// A directory of copies that a sandbox is given, so that the bytes which were checked are the bytes which run. Only
// this process's user and the sandbox's identity can look into it. Removed with the object. One thread at a time.

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "ledger/base/status.h"

namespace anamnesis {

// The user and group that a sandbox started by root runs as, one to each process that starts some; empty for a plain
// user, who stays who he is.
std::optional<uid_t> SandboxIdentity();

class StagingDirectory {
 public:
  // INTERNAL: the temporary directory (TMPDIR) can't be written.
  static StatusOr<StagingDirectory> Make();
  StagingDirectory(StagingDirectory&& other) noexcept { path_.swap(other.path_); }
  ~StagingDirectory();

  const std::string& path() const { return path_; }
  // `relative` is a path below path(), without "." and ".."; directories are made. Each file can be written once.
  Status AddFile(const std::string& relative, std::string_view bytes, bool executable = false) const;
  Status AddDirectory(const std::string& relative) const;

 private:
  StagingDirectory() = default;

  std::string path_;
};

// A relative path that stays below where it starts: no empty part, no "." and no "..".
bool StaysBelow(std::string_view relative);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_SANDBOX_STAGING_H_
