// A file of evidence: whatever can be parsed is written back byte for byte, and none proves anything without a key.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/base/check.h"
#include "ledger/crypto/ed25519.h"
#include "ledger/evidence/judge.h"

namespace anamnesis {
namespace {

PublicKey KeyFrom(char first) {
  std::string seed;
  for (int i = 0; i < 32; ++i) seed += static_cast<char>(first + i);
  return PrivateKey::FromSeed(seed).value().public_key();
}

// The log's and the device's of the small log (tests/golden/small_log.py), so that proofs and seals are reached.
const std::vector<VerifierKey>& Keys() {
  static const auto* const keys = new std::vector<VerifierKey>{
      VerifierKey::Make("acme-cardio.example/ledger", KeyType::kEd25519, KeyFrom(96)).value(),
      VerifierKey::Make("writer", KeyType::kEd25519, KeyFrom(32)).value()};
  return *keys;
}

void CheckEvidence(std::string_view bytes) {
  const StatusOr<Evidence> evidence = ParseEvidence(bytes);
  if (!evidence.ok()) return;
  CHECK(FormatEvidence(*evidence) == bytes);
  CHECK(!Judge(*evidence, std::span<const VerifierKey>()).ok());
  const StatusOr<Judgement> judgement = Judge(*evidence, Keys());
  if (judgement.ok()) CHECK(!judgement->signed_by.empty() && !judgement->proven.empty());
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  anamnesis::CheckEvidence({reinterpret_cast<const char*>(data), size});
  return 0;
}
