#include "ledger/state/last_counting.h"

#include <utility>
#include <vector>

#include "ledger/base/bytes.h"
#include "ledger/state/corrections.h"

namespace anamnesis {
namespace {

constexpr size_t kIndexBytes = 8;

// The greatest key below `key`, of keys that are at most 16 bytes longer.
std::string JustBelow(std::string key) {
  const auto last = static_cast<unsigned char>(key.back());
  key.pop_back();
  return last == 0 ? key : key + static_cast<char>(last - 1) + std::string(2 * kIndexBytes, '\xff');
}

StatusOr<bool> Counts(const RowFinder& rows, LeafIndex index, TreeSize size,
                      const std::function<bool(const LoadedEvent&)>& accept) {
  if (accept == nullptr) {
    ASSIGN_OR_RETURN(const std::vector<LeafIndex> correctors, CorrectorsOf(rows, index));
    if (correctors.empty()) return true;
  }
  ASSIGN_OR_RETURN(const LoadedEvent event, LoadEvent(rows, index));
  if (accept != nullptr && !accept(event)) return false;
  ASSIGN_OR_RETURN(const Standing standing, StandingOf(rows, event.view(), size));
  return !standing.void_effect;
}

}  // namespace

StatusOr<std::optional<LeafIndex>> LastCounting(const RowFinder& rows, std::string_view prefix, std::string from,
                                                TreeSize size, const std::function<bool(const LoadedEvent&)>& accept) {
  while (true) {
    ASSIGN_OR_RETURN(std::optional<Row> row, rows.LastAtOrBefore(Family::kEdges, prefix, from));
    if (!row.has_value()) return std::optional<LeafIndex>();
    if (row->key.size() < prefix.size() + kIndexBytes) return absl::DataLossError("an edge's key is damaged");
    ByteReader reader(std::string_view(row->key).substr(row->key.size() - kIndexBytes));
    ASSIGN_OR_RETURN(const uint64_t index, reader.BigEndian64());
    if (index < size.value) {
      ASSIGN_OR_RETURN(const bool counts, Counts(rows, LeafIndex(index), size, accept));
      if (counts) return std::optional<LeafIndex>(LeafIndex(index));
    }
    from = JustBelow(std::move(row->key));
  }
}

}  // namespace anamnesis
