#ifndef ANAMNESIS_CLIENT_IMPORTERS_DOCUMENT_H_
#define ANAMNESIS_CLIENT_IMPORTERS_DOCUMENT_H_

// JSON and YAML from a stranger as one plain tree. Numbers stay the text that the source wrote, since what goes into a
// ledger must be the reported "0.90" and not the nearest binary fraction. Depth, size and number of values are bounded,
// so that a hostile file costs an error and not a crash. Pure; safe from any thread.

#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/status.h"

namespace anamnesis {

inline constexpr size_t kDocumentBytesMax = 4 * 1024 * 1024;
inline constexpr size_t kDocumentDepthMax = 64;
inline constexpr size_t kDocumentValuesMax = 200000;

struct Document {
  struct Member;
  enum class Kind { kNull, kBool, kNumber, kString, kList, kMap };

  Kind kind = Kind::kNull;
  // A string's value, a number as written (an integer in its shortest form), "true" or "false".
  std::string text;
  std::vector<Document> items;
  // In the source's order.
  std::vector<Member> members;

  // The member of this name, the last one when it occurs twice (as Python reads it); nullptr when there is none or this
  // is no map.
  const Document* Find(std::string_view name) const;
};

struct Document::Member {
  std::string name;
  Document value;
};

struct DocumentBounds {
  size_t bytes_max = kDocumentBytesMax;
  size_t values_max = kDocumentValuesMax;
};

// Parses one JSON value. INVALID_ARGUMENT, saying where, when it is not JSON (RFC 8259, UTF-8) or outside a bound.
StatusOr<Document> ParseJson(std::string_view text, const DocumentBounds& bounds = {});
// The JSON of a tree, on one line.
std::string FormatJson(const Document& value);

// Parses the first YAML document; an empty text is null. Scalars are strings, but an unquoted "", "~" or "null" is
// null. Aliases are refused: they let a small file stand for a huge one, and nobody needs them here. INVALID_ARGUMENT,
// saying where, when it is not YAML (UTF-8) or outside a bound.
StatusOr<Document> ParseYaml(std::string_view text);

// True when `text` is well-formed UTF-8 without NUL, as protobuf strings must be.
bool IsUtf8(std::string_view text);

}  // namespace anamnesis

#endif  // ANAMNESIS_CLIENT_IMPORTERS_DOCUMENT_H_
