#include "client/cli/context.h"

namespace anamnesis::cli {

void AddFsck(CLI::App&) {}

}  // namespace anamnesis::cli
