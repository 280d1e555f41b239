#ifndef ANAMNESIS_LEDGER_BASE_IDS_H_
#define ANAMNESIS_LEDGER_BASE_IDS_H_

// Numbers that must not be mixed up, as types of their own: a leaf's index (from 0), a tree's size (a count), a
// stream's position (from 1), the place of a batch in the total order; and the 16-byte event id.

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "ledger/base/bytes.h"
#include "ledger/base/status.h"

namespace anamnesis {

template <typename Tag>
struct Number {
  uint64_t value = 0;

  constexpr Number() = default;
  constexpr explicit Number(uint64_t v) : value(v) {}
  friend constexpr auto operator<=>(Number, Number) = default;

  template <typename H>
  friend H AbslHashValue(H state, Number number) {
    return H::combine(std::move(state), number.value);
  }
};

// The permanent position of an event in the ledger, from 0.
using LeafIndex = Number<struct LeafIndexTag>;
// A count of leaves; also the token that names a repeatable snapshot: a tree of size n holds the leaves [0, n).
using TreeSize = Number<struct TreeSizeTag>;
// The position of an event in its stream, from 1; 0 means an empty stream.
using StreamPosition = Number<struct StreamPositionTag>;
// The place of a batch in the total order given by the sequencer, from 1.
using Revision = Number<struct RevisionTag>;

// A UUID (RFC 9562) as 16 bytes: version 7 for events that a writer submits, version 8 (derived by hashing) for
// events that the ledger itself decides.
class EventId {
 public:
  static constexpr size_t kSize = 16;

  EventId() = default;

  // INVALID_ARGUMENT, naming `field`, unless `bytes` is 16 bytes long.
  static StatusOr<EventId> FromBytes(std::string_view bytes, std::string_view field = "event_id");
  // Parses the 8-4-4-4-12 form in either case. INVALID_ARGUMENT otherwise.
  static StatusOr<EventId> FromText(std::string_view text);
  // A UUIDv7 of a Unix time in milliseconds [0, 2^48) and 10 bytes of randomness, of which 74 bits are used.
  static EventId MakeVersion7(uint64_t unix_ms, const std::array<uint8_t, 10>& random);
  // A UUIDv8 from the first 16 bytes of a digest.
  static EventId MakeVersion8(std::string_view digest);

  std::string_view view() const { return {reinterpret_cast<const char*>(bytes_.data()), kSize}; }
  std::string bytes() const { return std::string(view()); }
  // The 8-4-4-4-12 form in lower case.
  std::string text() const;
  int version() const { return bytes_[6] >> 4; }
  // True when the two variant bits are RFC 9562's.
  bool standard_variant() const { return (bytes_[8] & 0xC0) == 0x80; }

  friend auto operator<=>(const EventId&, const EventId&) = default;

  template <typename H>
  friend H AbslHashValue(H state, const EventId& id) {
    return H::combine(std::move(state), id.bytes_);
  }

 private:
  std::array<uint8_t, kSize> bytes_{};
};

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_BASE_IDS_H_
