#include "ledger/state/event_list.h"

#include <algorithm>
#include <vector>

#include "ledger/base/bytes.h"
#include "ledger/base/check.h"
#include "ledger/state/projection_damage.h"

namespace anamnesis {
namespace {

std::string ListPrefix(std::string_view name) { return Text(name, '\0'); }

std::string ListKey(std::string prefix, LeafIndex index) {
  AppendBigEndian64(prefix, index.value / kListRowIndexes);
  return prefix;
}

// The events of one row, ascending. Empty when the row is damaged: no row is written without an event.
std::vector<uint64_t> EventsOfRow(std::string_view prefix, std::string_view key, std::string_view value) {
  std::vector<uint64_t> events;
  if (key.size() != prefix.size() + 8) return events;
  const uint64_t first = FirstOfListRow(key).value;
  for (const char c : value) {
    const uint64_t index = first + static_cast<uint8_t>(c);
    if (!events.empty() && index <= events.back()) return {};
    events.push_back(index);
  }
  return events;
}

}  // namespace

LeafIndex FirstOfListRow(std::string_view key) {
  CHECK(key.size() >= 8);
  ByteReader reader(key.substr(key.size() - 8));
  return LeafIndex(*reader.BigEndian64() * kListRowIndexes);
}

Status AddToList(RowOverlay& rows, Family family, std::string_view name, LeafIndex index) {
  ASSIGN_OR_RETURN(std::string* const events, rows.Edit(family, ListKey(ListPrefix(name), index)));
  events->push_back(static_cast<char>(index.value % kListRowIndexes));
  return OkStatus();
}

Status VisitList(const RowReader& rows, Family family, std::string_view name, LeafIndex from, bool backwards,
                 TreeSize size, const std::function<bool(LeafIndex)>& visit) {
  // Nothing has such a name; asked about one, the rows of a shorter name would be taken for its own.
  if (name.find('\0') != std::string_view::npos) return OkStatus();
  const std::string prefix = ListPrefix(name);
  Status status;
  const auto visit_row = [&](std::string_view key, std::string_view value) {
    std::vector<uint64_t> events = EventsOfRow(prefix, key, value);
    if (events.empty()) {
      status = ProjectionDamage("a list of events is damaged");
      return false;
    }
    if (backwards) std::reverse(events.begin(), events.end());
    for (const uint64_t index : events) {
      if (index >= size.value || (backwards ? index > from.value : index < from.value)) continue;
      if (!visit(LeafIndex(index))) return false;
    }
    // Rows beyond the size may be there already.
    return backwards || FirstOfListRow(key).value < size.value;
  };
  const std::string start = ListKey(prefix, from);
  RETURN_IF_ERROR(backwards ? rows.ScanBackwards(family, prefix, start, visit_row)
                            : rows.Scan(family, prefix, start, visit_row));
  return status;
}

}  // namespace anamnesis
