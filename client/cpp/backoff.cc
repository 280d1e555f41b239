#include "client/cpp/backoff.h"

#include <algorithm>
#include <array>

#include "ledger/keys/random.h"

namespace anamnesis {

std::chrono::milliseconds Backoff::WaitBeforeTry(int next_try) const {
  std::chrono::milliseconds wait = first_wait;
  for (int i = 2; i < next_try && wait < longest_wait; ++i) wait *= 2;
  wait = std::min(wait, longest_wait);
  std::array<uint8_t, 1> chance;
  FillRandom(chance);
  // Between half of it and all of it.
  return wait - wait * chance[0] / (2 * 256);
}

}  // namespace anamnesis
