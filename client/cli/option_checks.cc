#include "client/cli/option_checks.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "ledger/base/status.h"

namespace anamnesis::cli {
namespace {

enum class Wanted { kFile, kDirectory, kEither };

// Empty when the path is what is wanted.
std::string WhyNotReadable(const std::string& path, Wanted wanted) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0 || ::access(path.c_str(), R_OK) != 0) {
    return Text("\"", path, "\": can't be read: ", std::generic_category().message(errno));
  }
  const bool is_directory = S_ISDIR(info.st_mode);
  if (is_directory && wanted == Wanted::kFile) return Text("\"", path, "\": is a directory; a file is needed");
  if (!is_directory && wanted == Wanted::kDirectory) return Text("\"", path, "\": is no directory");
  return "";
}

CLI::Validator Readable(Wanted wanted) {
  return CLI::Validator([wanted](std::string& path) { return WhyNotReadable(path, wanted); }, "");
}

}  // namespace

CLI::Validator IsFileToRead() { return Readable(Wanted::kFile); }
CLI::Validator IsDirectoryToRead() { return Readable(Wanted::kDirectory); }
CLI::Validator IsPathToRead() { return Readable(Wanted::kEither); }

CLI::Validator IsFileToMake() {
  return CLI::Validator(
      [](std::string& path) {
        const std::string directory = std::filesystem::path(path).parent_path().string();
        return directory.empty() ? std::string() : WhyNotReadable(directory, Wanted::kDirectory);
      },
      "");
}

CLI::Validator IsCountryCode() {
  return CLI::Validator(
      [](std::string& code) {
        const auto is_capital = [](char c) { return c >= 'A' && c <= 'Z'; };
        const bool fits = code.size() == 2 && is_capital(code[0]) && is_capital(code[1]);
        return fits ? std::string()
                    : Text("\"", code, "\" is no country code of two capitals (ISO 3166-1), such as DE");
      },
      "");
}

CLI::Validator UnitId() {
  return CLI::Validator(
      [](std::string& unit) {
        constexpr std::string_view kKind = "device_unit:";
        if (unit.starts_with(kKind)) unit.erase(0, kKind.size());
        return unit.empty() ? Text("names no unit; give its id, for example ICU-7") : std::string();
      },
      "");
}

}  // namespace anamnesis::cli
