#include "ledger/state/erasures.h"

#include <string>
#include <vector>

#include "anamnesis/v1/vocabulary_erasure.pb.h"
#include "ledger/base/bytes.h"
#include "ledger/state/projection_damage.h"

namespace anamnesis {
namespace {

StatusOr<LeafIndex> IndexIn(std::string_view bytes) {
  ByteReader reader(bytes);
  ASSIGN_OR_RETURN(const uint64_t index, reader.BigEndian64());
  return LeafIndex(index);
}

}  // namespace

StatusOr<std::optional<LeafIndex>> FindErasure(const RowFinder& rows, LeafIndex index) {
  ASSIGN_OR_RETURN(const std::optional<std::string> value, rows.Get(Family::kEntities, Text('z', LeafKey(index))));
  if (!value.has_value()) return std::optional<LeafIndex>();
  ASSIGN_OR_RETURN(const LeafIndex by, IndexIn(*value));
  return std::optional<LeafIndex>(by);
}

Status ScanErasures(const RowReader& rows, const std::function<void(LeafIndex erased, LeafIndex by)>& visit) {
  Status status;
  RETURN_IF_ERROR(rows.Scan(Family::kEntities, "z", "z", [&](std::string_view key, std::string_view value) {
    const StatusOr<LeafIndex> erased = IndexIn(key.substr(1));
    const StatusOr<LeafIndex> by = IndexIn(value);
    if (!erased.ok() || !by.ok()) {
      status = ProjectionDamage("a row of an erasure is damaged");
      return false;
    }
    visit(*erased, *by);
    return true;
  }));
  return status;
}

std::vector<LeafIndex> ErasedBy(const RecordedEvent& event) {
  std::vector<LeafIndex> erased;
  if (const auto* body = BodyAs<v1::SubjectDataErased>(event.body)) {
    for (const uint64_t index : body->erased_indexes()) {
      if (index < event.index.value) erased.emplace_back(index);
    }
  }
  return erased;
}

Status FoldErasures(const RecordedEvent& event, RowOverlay& rows) {
  for (const LeafIndex index : ErasedBy(event)) {
    // What is erased twice was gone from the first time on.
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> before, FindErasure(rows, index));
    if (!before.has_value()) rows.Put(Family::kEntities, Text('z', LeafKey(index)), LeafKey(event.index));
  }
  return OkStatus();
}

}  // namespace anamnesis
