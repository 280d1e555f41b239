#ifndef ANAMNESIS_LEDGER_BASE_STATUS_H_
#define ANAMNESIS_LEDGER_BASE_STATUS_H_

// One vocabulary of results for every boundary: absl::Status, whose codes are google.rpc.Code and so cross gRPC
// unchanged. Three kinds of failure are kept apart (see ledger/base/check.h for the second):
//   - an expected failure (bad input, not found, refused) is a Status that names field, value and remedy;
//   - a broken invariant of our own stops the process;
//   - a durable write that failed, or stored bytes that are wrong, is DATA_LOSS or INTERNAL and stops service.
//
// Debian's Abseil is built with its own absl::string_view, which does not convert to or from std::string_view. The
// project uses std::string_view everywhere and builds its messages with Text() below, the only place that cares.

#include <concepts>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace anamnesis {

using absl::Status;
using absl::StatusOr;

inline Status OkStatus() { return absl::OkStatus(); }

namespace internal {
inline void AppendText(std::string& out, std::string_view piece) { out.append(piece); }
inline void AppendText(std::string& out, const char* piece) { out.append(piece); }
inline void AppendText(std::string& out, const std::string& piece) { out.append(piece); }
inline void AppendText(std::string& out, char piece) { out.push_back(piece); }
template <std::integral T>
void AppendText(std::string& out, T piece) {
  out.append(std::to_string(piece));
}
// At most as many bytes as AppendText adds.
inline size_t TextBytesMax(std::string_view piece) { return piece.size(); }
inline size_t TextBytesMax(char) { return 1; }
template <std::integral T>
size_t TextBytesMax(T) {
  return std::numeric_limits<T>::digits10 + 2;
}
}  // namespace internal

// The concatenation of its arguments: strings, characters and integers (in decimal).
template <typename... Pieces>
std::string Text(const Pieces&... pieces) {
  std::string out;
  // Every key of a row is made here: memory for it is taken once.
  out.reserve((internal::TextBytesMax(pieces) + ... + 0));
  (internal::AppendText(out, pieces), ...);
  return out;
}

// The message of a Status as a std::string_view; it lives as long as `status`.
inline std::string_view MessageOf(const Status& status) {
  return std::string_view(status.message().data(), status.message().size());
}

// `status` with `context` and ": " before its message; code and payloads are kept. OK stays OK.
Status WithContext(const Status& status, std::string_view context);

}  // namespace anamnesis

#define ANAMNESIS_CONCAT_INNER(a, b) a##b
#define ANAMNESIS_CONCAT(a, b) ANAMNESIS_CONCAT_INNER(a, b)

#define RETURN_IF_ERROR(expression)                     \
  do {                                                  \
    ::anamnesis::Status return_if_error = (expression); \
    if (!return_if_error.ok()) return return_if_error;  \
  } while (false)

#define ASSIGN_OR_RETURN(declaration, expression) \
  ASSIGN_OR_RETURN_IMPL(ANAMNESIS_CONCAT(assign_or_return_, __LINE__), declaration, expression)
#define ASSIGN_OR_RETURN_IMPL(result, declaration, expression) \
  auto result = (expression);                                  \
  if (!result.ok()) return std::move(result).status();         \
  declaration = *std::move(result)

#endif  // ANAMNESIS_LEDGER_BASE_STATUS_H_
