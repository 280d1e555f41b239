#ifndef ANAMNESIS_TESTS_LEDGER_NOTE_NOTE_FIXTURE_H_
#define ANAMNESIS_TESTS_LEDGER_NOTE_NOTE_FIXTURE_H_

#include <string>
#include <string_view>

#include "ledger/crypto/ed25519.h"
#include "ledger/note/verifier_key.h"

namespace anamnesis {

// A key whose seed is 32 times `fill`.
inline PrivateKey TestKey(char fill) { return PrivateKey::FromSeed(std::string(32, fill)).value(); }

inline VerifierKey LogKey(std::string_view name, const PrivateKey& key) {
  return VerifierKey::Make(name, KeyType::kEd25519, key.public_key()).value();
}
inline VerifierKey WitnessKey(std::string_view name, const PrivateKey& key) {
  return VerifierKey::Make(name, KeyType::kCosignature, key.public_key()).value();
}

// Written by an independent program (Python with PyNaCl): the seed bytes 0..31 sign as the log, 32..63 as the witness.
inline constexpr std::string_view kGoldenLogKey =
    "example.com/golden+ec459b04+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
inline constexpr std::string_view kGoldenWitnessKey =
    "witness.example.com/w1+969980cf+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";
inline constexpr uint64_t kGoldenTime = 1679315147;
inline constexpr std::string_view kGoldenText = "example.com/golden\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
inline constexpr std::string_view kGoldenLogLine =
    "— example.com/golden "
    "7EWbBFsKJBY9G4tYkTTGoq/IeZ0zTmZWza+9/7hRFHrT78ZMysBwPHKwy9pmryPCGoYGtDJSoXltJyFVineJglHw8wM=\n";
inline constexpr std::string_view kGoldenWitnessLine =
    "— witness.example.com/w1 "
    "lpmAzwAAAABkGFDLlp5GZzBt0s7fMmG8eyYznJbeHTJqJ22hSPWGta/UZ9vM1BbzVhYqnsIs1NYs+DEqk7q8zdRC9RUd0T6apcjnCA==\n";

inline std::string GoldenNote() {
  return std::string(kGoldenText) + "\n" + std::string(kGoldenLogLine) + std::string(kGoldenWitnessLine);
}

inline PrivateKey GoldenKey(char first) {
  std::string seed;
  for (int i = 0; i < 32; ++i) seed.push_back(static_cast<char>(first + i));
  return PrivateKey::FromSeed(seed).value();
}

}  // namespace anamnesis

#endif  // ANAMNESIS_TESTS_LEDGER_NOTE_NOTE_FIXTURE_H_
