#ifndef ANAMNESIS_NODE_APP_LOG_H_
#define ANAMNESIS_NODE_APP_LOG_H_

// The node's log: one line a message on stderr, "2026-11-21T14:03:07.123456Z WARNING text". Control characters in a
// message become spaces, so that what a caller sent can't forge a line. Safe from any thread.

#include <string_view>

namespace anamnesis {

enum class LogLevel { kInfo, kWarning, kError };

void LogLine(LogLevel level, std::string_view text);

}  // namespace anamnesis

#endif  // ANAMNESIS_NODE_APP_LOG_H_
