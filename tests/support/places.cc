#include "tests/support/places.h"

#include "ledger/base/status.h"

namespace anamnesis {

std::string SourcePath(std::string_view path) { return Text(kSourceDirectory, "/", path); }
std::string SharedPath(std::string_view path) { return Text(kSharedDirectory, "/", path); }
std::string ProgramPath(std::string_view name) { return Text(kProgramDirectory, "/", name); }

}  // namespace anamnesis
