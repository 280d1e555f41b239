#include "ledger/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace anamnesis::internal {

void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: broken invariant, stopping: %s\n", file, line, condition);
  std::abort();
}

}  // namespace anamnesis::internal
