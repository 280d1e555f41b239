#ifndef ANAMNESIS_LEDGER_KEYS_RANDOM_H_
#define ANAMNESIS_LEDGER_KEYS_RANDOM_H_

#include <cstdint>
#include <span>

namespace anamnesis {

// Fills `out` from the kernel's random generator (getrandom(2)), waiting at boot until it is seeded. A kernel that
// cannot give randomness stops the process: there is nothing safe to go on with. Safe from any thread.
void FillRandom(std::span<uint8_t> out);

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_KEYS_RANDOM_H_
