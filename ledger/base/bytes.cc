#include "ledger/base/bytes.h"

#include <array>

#include "absl/strings/escaping.h"

namespace anamnesis {
namespace {

template <typename T>
void AppendBigEndian(std::string& out, T value) {
  std::array<char, sizeof(T)> bytes;
  for (size_t i = 0; i < sizeof(T); ++i) {
    bytes[i] = static_cast<char>(static_cast<uint8_t>(value >> (8 * (sizeof(T) - 1 - i))));
  }
  out.append(bytes.data(), bytes.size());
}

template <typename T>
T ParseBigEndian(std::string_view bytes) {
  T value = 0;
  for (char c : bytes) value = static_cast<T>((value << 8) | static_cast<uint8_t>(c));
  return value;
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr uint64_t kSignBit = uint64_t{1} << 63;

}  // namespace

void AppendBigEndian32(std::string& out, uint32_t value) { AppendBigEndian(out, value); }
void AppendBigEndian64(std::string& out, uint64_t value) { AppendBigEndian(out, value); }
void AppendOrdered64(std::string& out, int64_t value) {
  AppendBigEndian64(out, static_cast<uint64_t>(value) ^ kSignBit);
}

StatusOr<uint8_t> ByteReader::Byte() {
  ASSIGN_OR_RETURN(std::string_view bytes, Take(1));
  return static_cast<uint8_t>(bytes[0]);
}

StatusOr<uint32_t> ByteReader::BigEndian32() {
  ASSIGN_OR_RETURN(std::string_view bytes, Take(4));
  return ParseBigEndian<uint32_t>(bytes);
}

StatusOr<uint64_t> ByteReader::BigEndian64() {
  ASSIGN_OR_RETURN(std::string_view bytes, Take(8));
  return ParseBigEndian<uint64_t>(bytes);
}

StatusOr<int64_t> ByteReader::Ordered64() {
  ASSIGN_OR_RETURN(uint64_t value, BigEndian64());
  return static_cast<int64_t>(value ^ kSignBit);
}

StatusOr<std::string_view> ByteReader::Take(size_t count) {
  if (rest_.size() < count) {
    return absl::OutOfRangeError(Text("truncated: ", count, " bytes needed, ", rest_.size(), " left"));
  }
  std::string_view taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}

StatusOr<std::string_view> ByteReader::LengthPrefixed32() {
  ASSIGN_OR_RETURN(uint32_t length, BigEndian32());
  return Take(length);
}

std::string Utf8Prefix(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end));
}

std::string HexEncode(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (char c : bytes) {
    out.push_back(kDigits[static_cast<uint8_t>(c) >> 4]);
    out.push_back(kDigits[static_cast<uint8_t>(c) & 15]);
  }
  return out;
}

StatusOr<std::string> HexDecode(std::string_view text) {
  if (text.size() % 2 != 0) return absl::InvalidArgumentError("hexadecimal text has an odd number of digits");
  std::string out;
  out.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = HexValue(text[i]);
    const int low = HexValue(text[i + 1]);
    if (high < 0 || low < 0) return absl::InvalidArgumentError(Text("not hexadecimal at character ", i));
    out.push_back(static_cast<char>(high * 16 + low));
  }
  return out;
}

std::string Base64Encode(std::string_view bytes) {
  return absl::Base64Escape(absl::string_view(bytes.data(), bytes.size()));
}

StatusOr<std::string> Base64Decode(std::string_view text) {
  std::string out;
  // Abseil skips blanks and accepts missing padding; re-encoding admits exactly one spelling of each byte string.
  if (!absl::Base64Unescape(absl::string_view(text.data(), text.size()), &out) || Base64Encode(out) != text) {
    return absl::InvalidArgumentError("not base64 (RFC 4648 section 4, padded)");
  }
  return out;
}

}  // namespace anamnesis
