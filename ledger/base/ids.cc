#include "ledger/base/ids.h"

#include "ledger/base/check.h"

namespace anamnesis {
namespace {

void SetVersion(std::array<uint8_t, EventId::kSize>& bytes, int version) {
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0F) | (version << 4));
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3F) | 0x80);
}

}  // namespace

StatusOr<EventId> EventId::FromBytes(std::string_view bytes, std::string_view field) {
  if (bytes.size() != kSize) {
    return absl::InvalidArgumentError(Text(field, ": ", bytes.size(), " bytes; a UUID has 16"));
  }
  EventId id;
  std::memcpy(id.bytes_.data(), bytes.data(), kSize);
  return id;
}

StatusOr<EventId> EventId::FromText(std::string_view text) {
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) {
      return absl::InvalidArgumentError(Text("\"", text, "\" is not a UUID (8-4-4-4-12 hexadecimal digits)"));
    }
    if (!dash) digits.push_back(text[i]);
  }
  StatusOr<std::string> bytes = HexDecode(digits);
  if (!bytes.ok() || bytes->size() != kSize) {
    return absl::InvalidArgumentError(Text("\"", text, "\" is not a UUID (8-4-4-4-12 hexadecimal digits)"));
  }
  return FromBytes(*bytes);
}

EventId EventId::MakeVersion7(uint64_t unix_ms, const std::array<uint8_t, 10>& random) {
  EventId id;
  for (size_t i = 0; i < 6; ++i) id.bytes_[i] = static_cast<uint8_t>(unix_ms >> (8 * (5 - i)));
  std::memcpy(id.bytes_.data() + 6, random.data(), random.size());
  SetVersion(id.bytes_, 7);
  return id;
}

EventId EventId::MakeVersion8(std::string_view digest) {
  CHECK(digest.size() >= kSize);
  EventId id;
  std::memcpy(id.bytes_.data(), digest.data(), kSize);
  SetVersion(id.bytes_, 8);
  return id;
}

std::string EventId::text() const {
  std::string hex = HexEncode(view());
  for (size_t dash : {8, 13, 18, 23}) hex.insert(dash, 1, '-');
  return hex;
}

}  // namespace anamnesis
