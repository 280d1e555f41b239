#include "ledger/engine/mended_rows.h"

#include <optional>
#include <string>
#include <utility>

#include "ledger/base/bytes.h"
#include "ledger/state/erasures.h"

namespace anamnesis {

StatusOr<Rows> StillToBeWritten(const RowFinder& rows, const Rows& mended) {
  Rows left;
  for (const Row& row : mended) {
    Row next = row;
    if (row.family == Family::kBodies && !Erases(row)) {
      ByteReader reader(row.key);
      ASSIGN_OR_RETURN(const uint64_t index, reader.BigEndian64());
      ASSIGN_OR_RETURN(const std::optional<LeafIndex> erased, FindErasure(rows, LeafIndex(index)));
      if (erased.has_value()) continue;
    }
    if (row.family == Family::kTiles) {
      const StatusOr<std::optional<std::string>> stored = rows.Get(row.family, row.key);
      if (stored.ok() && stored->has_value() && (*stored)->size() > row.value.size()) {
        next.value += (*stored)->substr(row.value.size());
      }
    }
    left.push_back(std::move(next));
  }
  return left;
}

}  // namespace anamnesis
