// A COSE receipt: whatever can be parsed is written back byte for byte, and none verifies without a key that signed it.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "ledger/base/check.h"
#include "ledger/cose/cose_receipt.h"

namespace anamnesis {
namespace {

void CheckReceipt(std::string_view bytes) {
  const StatusOr<CoseReceipt> receipt = ParseCoseReceipt(bytes);
  if (!receipt.ok()) {
    CHECK(absl::IsInvalidArgument(receipt.status()));
    return;
  }
  CHECK(FormatCoseReceipt(*receipt) == bytes);
  const PrivateKey key = PrivateKey::FromSeed(std::string(PrivateKey::kSeedSize, 'k')).value();
  const StatusOr<VerifierKey> named = VerifierKey::Make(receipt->claims.origin, KeyType::kEd25519, key.public_key());
  if (!named.ok()) return;
  const Checkpoint older{receipt->claims.origin, TreeSize(5), Digest()};
  CHECK(!VerifyCoseInclusion(*receipt, "leaf", receipt->claims.subject, {&*named, 1}).ok());
  CHECK(!VerifyCoseConsistency(*receipt, older, {&*named, 1}).ok());
  // Numbers and hashes as they are, but with this key's id: the proof is gone through, whatever is in it.
  CoseReceipt taken = *receipt;
  taken.claims.key_id = named->key_id();
  CHECK(!VerifyCoseInclusion(taken, "leaf", taken.claims.subject, {&*named, 1}).ok());
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anamnesis::CheckReceipt({reinterpret_cast<const char*>(data), size});
  return 0;
}
