#include "ledger/note/text.h"

#include <cstddef>
#include <optional>

namespace anamnesis {
namespace {

// Takes one character off the front of `rest`, which is not empty. Nothing when it is not UTF-8.
std::optional<uint32_t> TakeCharacter(std::string_view& rest) {
  const auto lead = static_cast<uint8_t>(rest[0]);
  if (lead < 0x80) {
    rest.remove_prefix(1);
    return lead;
  }
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC0 || lead > 0xF7 || rest.size() < length) return std::nullopt;
  uint32_t character = lead & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    const auto next = static_cast<uint8_t>(rest[i]);
    if ((next & 0xC0) != 0x80) return std::nullopt;
    character = (character << 6) | (next & 0x3Fu);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = character >= 0xD800 && character <= 0xDFFF;
  if (character < kSmallest[length] || character > 0x10FFFF || surrogate) return std::nullopt;
  rest.remove_prefix(length);
  return character;
}

bool IsUnicodeSpace(uint32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

}  // namespace

bool IsNoteText(std::string_view text) {
  while (!text.empty()) {
    const std::optional<uint32_t> character = TakeCharacter(text);
    if (!character.has_value() || (*character < 0x20 && *character != '\n')) return false;
  }
  return true;
}

bool HasUnicodeSpace(std::string_view text) {
  while (!text.empty()) {
    const std::optional<uint32_t> character = TakeCharacter(text);
    if (!character.has_value() || IsUnicodeSpace(*character)) return true;
  }
  return false;
}

StatusOr<uint64_t> ParseDecimal(std::string_view text, std::string_view field) {
  bool ok = !text.empty() && (text.size() == 1 || text[0] != '0');
  uint64_t value = 0;
  for (size_t i = 0; ok && i < text.size(); ++i) {
    const auto digit = static_cast<uint64_t>(text[i] - '0');
    ok = text[i] >= '0' && text[i] <= '9' && value <= (UINT64_MAX - digit) / 10;
    value = value * 10 + digit;
  }
  if (!ok) return absl::InvalidArgumentError(Text(field, ": not a decimal number of 64 bits without leading zeroes"));
  return value;
}

StatusOr<std::string_view> TakeLine(std::string_view& rest, std::string_view field) {
  const size_t end = rest.find('\n');
  if (end == std::string_view::npos) return absl::InvalidArgumentError(Text(field, ": the line is missing or cut off"));
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

}  // namespace anamnesis
