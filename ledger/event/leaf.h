#ifndef ANAMNESIS_LEDGER_EVENT_LEAF_H_
#define ANAMNESIS_LEDGER_EVENT_LEAF_H_

// A leaf is what the ledger commits to for one event (format.md section 4):
//
//     leaf = 0x01 || be64 recorded-at || be32 length || header bytes || be32 length || seal
//     seal = empty, except in the run's last leaf: be32 length || statement bytes || 64-byte signature
//
// Plain framing, so that every replica computes the same bytes and any language reads them. Pure; any thread.

#include <optional>
#include <string>
#include <string_view>

#include "ledger/base/status.h"
#include "ledger/base/time.h"

namespace anamnesis {

inline constexpr char kLeafVersion = 0x01;
inline constexpr size_t kSignatureBytes = 64;

// A seal's bytes, borrowed.
struct SealView {
  std::string_view statement;
  std::string_view signature;
};

// A leaf taken apart, borrowing from its bytes.
struct LeafView {
  Timestamp recorded;
  std::string_view header;
  // Present only in the last leaf of a sealed run.
  std::optional<SealView> seal;
};

std::string EncodeLeaf(Timestamp recorded, std::string_view header, const std::optional<SealView>& seal);

// INVALID_ARGUMENT when the bytes are not exactly one leaf of a known version.
StatusOr<LeafView> ParseLeaf(std::string_view leaf);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_EVENT_LEAF_H_
