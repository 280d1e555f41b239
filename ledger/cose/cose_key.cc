#include "ledger/cose/cose_key.h"

#include "ledger/base/bytes.h"
#include "ledger/cose/cbor.h"

namespace anamnesis {
namespace {

using enum CborKind;

constexpr uint64_t kTypeLabel = 1;
constexpr uint64_t kKeyIdLabel = 2;
constexpr uint64_t kAlgorithmLabel = 3;
constexpr uint64_t kOctetKeyPair = 1;
constexpr uint64_t kEd25519 = 6;
// Negative labels and values, as CBOR counts them: n is -1 - n.
constexpr uint64_t kCurveLabel = 0;
constexpr uint64_t kPublicKeyLabel = 1;
constexpr uint64_t kEdDsa = 7;

}  // namespace

std::string CoseKeyId(const VerifierKey& key) {
  std::string bytes;
  AppendBigEndian32(bytes, key.key_id());
  return bytes;
}

std::string FormatCoseKey(const VerifierKey& key) {
  return CborHead(kMap, 5) + CborHead(kUnsigned, kTypeLabel) + CborHead(kUnsigned, kOctetKeyPair) +
         CborHead(kUnsigned, kKeyIdLabel) + CborBytes(CoseKeyId(key)) + CborHead(kUnsigned, kAlgorithmLabel) +
         CborHead(kNegative, kEdDsa) + CborHead(kNegative, kCurveLabel) + CborHead(kUnsigned, kEd25519) +
         CborHead(kNegative, kPublicKeyLabel) + CborBytes(key.public_key().view());
}

std::string FormatCoseKeySet(std::span<const VerifierKey> keys) {
  std::string set = CborHead(kArray, keys.size());
  for (const VerifierKey& key : keys) set += FormatCoseKey(key);
  return set;
}

}  // namespace anamnesis
