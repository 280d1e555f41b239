#ifndef ANAMNESIS_LEDGER_BASE_VERSION_H_
#define ANAMNESIS_LEDGER_BASE_VERSION_H_

#include <string_view>

namespace anamnesis {

// The version of this project that a program was built from, as CMakeLists.txt states it.
std::string_view ProgramVersion();

}  // namespace anamnesis

#endif  // ANAMNESIS_LEDGER_BASE_VERSION_H_
