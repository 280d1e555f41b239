#include "ledger/state/merged_rows.h"

#include <algorithm>
#include <iterator>

namespace anamnesis {

MergedRows::MergedRows(const RowOverlay& pending, const RowReader& stored) : stored_(stored) {
  for (const Row& row : pending.rows()) pending_[static_cast<size_t>(row.family)][row.key] = row.value;
}

StatusOr<std::optional<std::string>> MergedRows::Get(Family family, std::string_view key) const {
  const auto found = of(family).find(key);
  if (found == of(family).end()) return stored_.Get(family, key);
  const bool erased = family == Family::kBodies && found->second.empty();
  return erased ? std::optional<std::string>() : std::optional<std::string>(found->second);
}

StatusOr<std::optional<Row>> MergedRows::LastAtOrBefore(Family family, std::string_view prefix,
                                                        std::string_view key) const {
  std::optional<Row> last;
  RETURN_IF_ERROR(ScanBackwards(family, prefix, key, [&](std::string_view found, std::string_view value) {
    last = Row{family, std::string(found), std::string(value)};
    return false;
  }));
  return last;
}

Status MergedRows::Scan(Family family, std::string_view prefix, std::string_view from, const Visitor& visit) const {
  auto next = of(family).lower_bound(std::max(prefix, from));
  const auto in_prefix = [&] { return next != of(family).end() && next->first.starts_with(prefix); };
  bool stopped = false;
  RETURN_IF_ERROR(stored_.Scan(family, prefix, from, [&](std::string_view key, std::string_view value) {
    for (; in_prefix() && next->first < key && !stopped; ++next) stopped = !visit(next->first, next->second);
    if (stopped) return false;
    if (in_prefix() && next->first == key) {
      stopped = !visit(key, next->second);
      ++next;
    } else {
      stopped = !visit(key, value);
    }
    return !stopped;
  }));
  for (; !stopped && in_prefix(); ++next) stopped = !visit(next->first, next->second);
  return OkStatus();
}

Status MergedRows::ScanBackwards(Family family, std::string_view prefix, std::string_view from,
                                 const Visitor& visit) const {
  // `next` is one past the row that comes next.
  auto next = of(family).upper_bound(from);
  const auto begin = of(family).begin();
  const auto in_prefix = [&] { return next != begin && std::prev(next)->first.starts_with(prefix); };
  bool stopped = false;
  RETURN_IF_ERROR(stored_.ScanBackwards(family, prefix, from, [&](std::string_view key, std::string_view value) {
    for (; in_prefix() && key < std::prev(next)->first && !stopped; --next) {
      stopped = !visit(std::prev(next)->first, std::prev(next)->second);
    }
    if (stopped) return false;
    if (in_prefix() && std::prev(next)->first == key) {
      stopped = !visit(key, std::prev(next)->second);
      --next;
    } else {
      stopped = !visit(key, value);
    }
    return !stopped;
  }));
  for (; !stopped && in_prefix(); --next) stopped = !visit(std::prev(next)->first, std::prev(next)->second);
  return OkStatus();
}

}  // namespace anamnesis
