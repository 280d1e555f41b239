// What a witness is sent and answers, and what a path over HTTP asks for: whatever can be read is written the same
// again.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ledger/base/check.h"
#include "ledger/merkle/tiles.h"
#include "node/checkpoint/add_checkpoint.h"

namespace anamnesis {
namespace {

void CheckRequest(std::string_view bytes) {
  const StatusOr<AddCheckpointRequest> request = ParseAddCheckpoint(bytes);
  if (!request.ok()) return;
  CHECK(request->proof.size() <= kAddCheckpointHashesMax);
  CHECK(FormatAddCheckpoint(*request) == bytes);
  CHECK(ParseSignedNote(request->note).ok());
}

void CheckAnswer(std::string_view bytes) {
  if (const StatusOr<TreeSize> size = ParseConflictSize(bytes); size.ok()) CHECK(Text(size->value, '\n') == bytes);
  const StatusOr<std::vector<NoteSignature>> lines = ParseCosignatureLines(bytes);
  if (!lines.ok()) return;
  std::string again;
  for (const NoteSignature& line : *lines) again += FormatSignatureLine(line);
  CHECK(again == bytes);
}

void CheckPath(std::string_view bytes) {
  const StatusOr<TilePathParts> tile = ParseTilePath(bytes);
  if (!tile.ok()) return;
  CHECK(tile->width >= 1 && tile->width <= kTileWidth);
  CHECK((tile->entries ? EntriesPath(tile->id.index, tile->width)
                       : TilePath(tile->id.level, tile->id.index, tile->width)) == bytes);
}

}  // namespace
}  // namespace anamnesis

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  anamnesis::CheckRequest(bytes);
  anamnesis::CheckAnswer(bytes);
  anamnesis::CheckPath(bytes);
  return 0;
}
