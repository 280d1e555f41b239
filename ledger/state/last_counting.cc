#include "ledger/state/last_counting.h"

#include <algorithm>
#include <utility>

#include "ledger/base/bytes.h"
#include "ledger/state/corrections.h"
#include "ledger/state/projection_damage.h"

namespace anamnesis {
namespace {

constexpr size_t kIndexBytes = 8;

// The greatest key below `key`, of edges' keys that are at most 16 bytes longer. One is never the beginning of another:
// so where the index ends in zero bytes, what is below it has a smaller byte before them.
std::string JustBelow(std::string key) {
  const size_t length = key.size() + 2 * kIndexBytes;
  while (key.back() == '\0') key.pop_back();
  key.back() = static_cast<char>(static_cast<unsigned char>(key.back()) - 1);
  key.resize(length, '\xff');
  return key;
}

// The event of the last row at or before `from`, which is moved below it; nullopt when there is none.
StatusOr<std::optional<LeafIndex>> StepDown(const RowFinder& rows, std::string_view prefix, std::string& from) {
  ASSIGN_OR_RETURN(std::optional<Row> row, rows.LastAtOrBefore(Family::kEdges, prefix, from));
  if (!row.has_value()) return std::optional<LeafIndex>();
  if (row->key.size() < prefix.size() + kIndexBytes) return ProjectionDamage("an edge's key is damaged");
  ByteReader reader(std::string_view(row->key).substr(row->key.size() - kIndexBytes));
  ASSIGN_OR_RETURN(const uint64_t index, reader.BigEndian64());
  from = JustBelow(std::move(row->key));
  return std::optional<LeafIndex>(LeafIndex(index));
}

StatusOr<bool> Counts(const RowFinder& rows, LeafIndex index, TreeSize size,
                      const std::function<bool(const LoadedEvent&)>& accept) {
  if (accept != nullptr) {
    ASSIGN_OR_RETURN(const LoadedEvent event, LoadEvent(rows, index));
    if (!accept(event)) return false;
  }
  return StillCounts(rows, index, size);
}

}  // namespace

std::string LastEdge(std::string_view prefix) { return Text(prefix, std::string(2 * kIndexBytes, '\xff')); }

StatusOr<std::optional<LeafIndex>> LastCounting(const RowFinder& rows, std::string_view prefix, std::string from,
                                                TreeSize size, const std::function<bool(const LoadedEvent&)>& accept,
                                                size_t looked_at_max) {
  for (size_t looked_at = 0; looked_at < looked_at_max; ++looked_at) {
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, StepDown(rows, prefix, from));
    if (!index.has_value()) break;
    if (index->value >= size.value) continue;
    ASSIGN_OR_RETURN(const bool counts, Counts(rows, *index, size, accept));
    if (counts) return index;
  }
  return std::optional<LeafIndex>();
}

EventBefore EventsOfTypes(const RowFinder& rows, std::string prefix, std::vector<std::string_view> types) {
  std::string last = LastEdge(prefix);
  return [&rows, prefix = std::move(prefix), types = std::move(types),
          from = std::move(last)]() mutable -> StatusOr<std::optional<LeafIndex>> {
    while (true) {
      ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, StepDown(rows, prefix, from));
      if (!index.has_value()) return index;
      ASSIGN_OR_RETURN(const LoadedEvent event, LoadWithoutBody(rows, *index));
      if (std::find(types.begin(), types.end(), event.type->name()) != types.end()) return index;
    }
  };
}

StatusOr<std::vector<LeafIndex>> AllCounting(const RowFinder& rows, std::string_view prefix, TreeSize size,
                                             size_t most) {
  std::vector<LeafIndex> counting;
  std::string from = LastEdge(prefix);
  while (counting.size() < most) {
    ASSIGN_OR_RETURN(const std::optional<LeafIndex> index, StepDown(rows, prefix, from));
    if (!index.has_value()) break;
    if (index->value >= size.value) continue;
    ASSIGN_OR_RETURN(const bool counts, StillCounts(rows, *index, size));
    if (counts) counting.push_back(*index);
  }
  std::reverse(counting.begin(), counting.end());
  return counting;
}

}  // namespace anamnesis
