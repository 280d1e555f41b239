#ifndef ANAMNESIS_LEDGER_BASE_DIGEST_H_
#define ANAMNESIS_LEDGER_BASE_DIGEST_H_

// A SHA-256 digest as a value: 32 bytes, comparable, hashable, zero by default.

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "ledger/base/bytes.h"
#include "ledger/base/status.h"

namespace anamnesis {

class Digest {
 public:
  static constexpr size_t kSize = 32;

  Digest() = default;

  // INVALID_ARGUMENT, naming `field`, unless `bytes` is 32 bytes long.
  static StatusOr<Digest> FromBytes(std::string_view bytes, std::string_view field = "digest") {
    if (bytes.size() != kSize) {
      return absl::InvalidArgumentError(Text(field, ": ", bytes.size(), " bytes; a SHA-256 digest has 32"));
    }
    Digest digest;
    std::memcpy(digest.bytes_.data(), bytes.data(), kSize);
    return digest;
  }

  std::string_view view() const { return {reinterpret_cast<const char*>(bytes_.data()), kSize}; }
  std::string bytes() const { return std::string(view()); }
  std::string hex() const { return HexEncode(view()); }
  uint8_t* data() { return bytes_.data(); }
  const uint8_t* data() const { return bytes_.data(); }

  friend auto operator<=>(const Digest&, const Digest&) = default;

  template <typename H>
  friend H AbslHashValue(H state, const Digest& digest) {
    return H::combine(std::move(state), digest.bytes_);
  }

 private:
  std::array<uint8_t, kSize> bytes_{};
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_BASE_DIGEST_H_
