#include "node/app/log.h"

#include <unistd.h>

#include <string>

#include "ledger/base/status.h"
#include "ledger/base/time.h"
#include "ledger/engine/clock.h"

namespace anamnesis {
namespace {

constexpr size_t kLineBytesMax = 4000;

std::string_view NameOf(LogLevel level) {
  switch (level) {
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kWarning:
      return "WARNING";
    case LogLevel::kError:
      return "ERROR";
  }
  return "ERROR";
}

}  // namespace

void LogLine(LogLevel level, std::string_view text) {
  std::string line = Text(FormatTime(SystemClock().Now()), " ", NameOf(level), " ", text.substr(0, kLineBytesMax));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  line.push_back('\n');
  // One write a line, so that lines of several threads don't mix. There is nowhere to report that it failed.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace anamnesis
