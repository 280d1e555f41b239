// anamnesisd: a node. Exit status: 0 stopped when asked to, 2 wrong usage, 3 the ledger can't be opened or served.

#include "node/app/log.h"
#include "node/app/options.h"
#include "node/app/signals.h"
#include "node/app/wiring.h"

int main(int argc, char** argv) {
  int exit_status = anamnesis::kExitOk;
  const auto options = anamnesis::ParseOptions(argc, argv, exit_status);
  if (!options.has_value()) return exit_status;
  anamnesis::HoldBackStopSignals();
  {
    const auto node = anamnesis::Node::Start(*options);
    if (!node.ok()) {
      anamnesis::LogLine(anamnesis::LogLevel::kError, node.status().ToString());
      return anamnesis::kExitUnavailable;
    }
    anamnesis::WaitForStopSignal();
    anamnesis::LogLine(anamnesis::LogLevel::kInfo, "stopping");
  }
  anamnesis::LogLine(anamnesis::LogLevel::kInfo, "stopped; the ledger is closed");
  return anamnesis::kExitOk;
}
