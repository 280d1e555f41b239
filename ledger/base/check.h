#ifndef ANAMNESIS_LEDGER_BASE_CHECK_H_
#define ANAMNESIS_LEDGER_BASE_CHECK_H_

// CHECK stays on in release builds: it is for invariants of our own code whose breach makes going on worse than
// stopping. Nothing that an outsider sends may ever reach a CHECK: such input gets a Status.

namespace anamnesis::internal {
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);
}  // namespace anamnesis::internal

#define CHECK(condition)                                                  \
  do {                                                                    \
    if (!(condition)) [[unlikely]]                                        \
      ::anamnesis::internal::CheckFailed(__FILE__, __LINE__, #condition); \
  } while (false)

#endif  // ANAMNESIS_LEDGER_BASE_CHECK_H_
