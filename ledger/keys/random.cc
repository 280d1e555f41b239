#include "ledger/keys/random.h"

#include <sys/random.h>

#include <cerrno>

#include "ledger/base/check.h"

namespace anamnesis {

void FillRandom(std::span<uint8_t> out) {
  while (!out.empty()) {
    const ssize_t count = getrandom(out.data(), out.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    CHECK(count > 0);
    out = out.subspan(static_cast<size_t>(count));
  }
}

}  // namespace anamnesis
