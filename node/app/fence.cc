#include "node/app/fence.h"

#include <filesystem>

#include "ledger/engine/files.h"

namespace anamnesis {
namespace {

std::string FencePath(const std::string& dir) { return dir + "/fenced"; }

}  // namespace

bool IsFenced(const std::string& dir) {
  std::error_code error;
  // One that can't be looked at may be there.
  return std::filesystem::exists(FencePath(dir), error) || error;
}

Status Fence(const std::string& dir) {
  return WriteSmallFile(FencePath(dir), "This node takes part in nothing until `anamnesis cluster recover` is done.\n");
}

Status RemoveFence(const std::string& dir) { return RemoveSmallFile(FencePath(dir)); }

}  // namespace anamnesis
