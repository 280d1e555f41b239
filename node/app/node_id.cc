#include "node/app/node_id.h"

#include <array>
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "ledger/base/bytes.h"
#include "ledger/engine/files.h"
#include "ledger/keys/random.h"
#include "node/replication/members.h"

namespace anamnesis {

StatusOr<std::string> ReadOrMakeNodeId(const std::string& dir) {
  const std::string path = dir + "/node-id";
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) {
    std::array<uint8_t, 8> random{};
    FillRandom(random);
    const std::string_view bytes(reinterpret_cast<const char*>(random.data()), random.size());
    RETURN_IF_ERROR(WriteSmallFile(path, HexEncode(bytes) + "\n"));
  }
  ASSIGN_OR_RETURN(std::string id, ReadSmallFile(path));
  if (id.ends_with('\n')) id.pop_back();
  if (!IsNodeId(id))
    return absl::FailedPreconditionError(Text(path, ": \"", id, "\" is no node id: 1 to 64 of a-z, 0-9 and -"));
  return id;
}

}  // namespace anamnesis
