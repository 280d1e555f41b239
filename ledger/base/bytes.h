#ifndef ANAMNESIS_LEDGER_BASE_BYTES_H_
#define ANAMNESIS_LEDGER_BASE_BYTES_H_

// Byte strings are std::string (owned) and std::string_view (borrowed). Integers on disk and in leaves are
// big-endian, so that byte order is numeric order. All functions are pure and safe from any thread.

#include <cstdint>
#include <string>
#include <string_view>

#include "ledger/base/status.h"

namespace anamnesis {

void AppendBigEndian32(std::string& out, uint32_t value);
void AppendBigEndian64(std::string& out, uint64_t value);
// A signed 64-bit integer with its sign bit flipped, so that byte order is numeric order for negatives too.
void AppendOrdered64(std::string& out, int64_t value);

// Reads bytes from the front of a borrowed buffer. After a failed read the reader's position is unspecified.
// Every method fails with OUT_OF_RANGE when fewer bytes are left than it needs.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
  StatusOr<uint8_t> Byte();
  StatusOr<uint32_t> BigEndian32();
  StatusOr<uint64_t> BigEndian64();
  StatusOr<int64_t> Ordered64();
  // The next `count` bytes, borrowed from the buffer given to the constructor.
  StatusOr<std::string_view> Take(size_t count);
  // A big-endian 32-bit length and that many bytes.
  StatusOr<std::string_view> LengthPrefixed32();
  std::string_view rest() const { return rest_; }
  bool empty() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

// Lower-case hexadecimal.
std::string HexEncode(std::string_view bytes);
// At most `bytes_max` bytes of `text`, cut between characters of UTF-8.
std::string Utf8Prefix(std::string_view text, size_t bytes_max);
// INVALID_ARGUMENT unless `text` is an even number of hexadecimal digits (either case).
StatusOr<std::string> HexDecode(std::string_view text);
// RFC 4648 section 4 (standard alphabet, padded).
std::string Base64Encode(std::string_view bytes);
// INVALID_ARGUMENT unless `text` is exactly what Base64Encode would write: padded, no blanks, no stray bits.
StatusOr<std::string> Base64Decode(std::string_view text);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_BASE_BYTES_H_
