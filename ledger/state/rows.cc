#include "ledger/state/rows.h"

#include <utility>

#include "ledger/base/check.h"

namespace anamnesis {

std::string_view FamilyName(Family family) {
  constexpr std::array<std::string_view, kFamilies> kNames = {
      "meta",  "leaves",    "bodies",      "tiles",     "event_ids", "streams",  "stream_events", "type_events",
      "edges", "authority", "corrections", "timelines", "staged",    "entities", "findings"};
  const auto number = static_cast<size_t>(family);
  CHECK(number < kNames.size());
  return kNames[number];
}

void RowOverlay::Put(Family family, std::string key, std::string value) {
  auto& pending = pending_[static_cast<size_t>(family)];
  if (const auto found = pending.find(key); found != pending.end()) {
    found->second->value = std::move(value);
    return;
  }
  (void)Add(family, std::move(key), std::move(value));
}

Row& RowOverlay::Add(Family family, std::string key, std::string value) {
  Row& row = rows_.emplace_back(Row{family, std::move(key), std::move(value)});
  pending_[static_cast<size_t>(family)].emplace(row.key, &row);
  if (family == Family::kTimelines) pending_timelines_.emplace(row.key, &row);
  return row;
}

StatusOr<std::string*> RowOverlay::Edit(Family family, std::string key) {
  const auto& pending = pending_[static_cast<size_t>(family)];
  if (const auto found = pending.find(key); found != pending.end()) return &found->second->value;
  ASSIGN_OR_RETURN(std::optional<std::string> stored, base_->Get(family, key));
  return &Add(family, std::move(key), stored.has_value() ? *std::move(stored) : std::string()).value;
}

void RowOverlay::PutUnread(Family family, std::string key, std::string value) {
  rows_.push_back({family, std::move(key), std::move(value)});
}

Rows RowOverlay::Take() {
  for (auto& pending : pending_) pending.clear();
  pending_timelines_.clear();
  return std::exchange(rows_, {});
}

StatusOr<std::optional<std::string>> RowOverlay::Get(Family family, std::string_view key) const {
  const auto& pending = pending_[static_cast<size_t>(family)];
  if (const auto found = pending.find(key); found != pending.end()) {
    return std::optional<std::string>(found->second->value);
  }
  return base_->Get(family, key);
}

StatusOr<std::optional<Row>> RowOverlay::LastAtOrBefore(Family family, std::string_view prefix,
                                                        std::string_view key) const {
  if (family == Family::kTimelines) {
    const auto after = pending_timelines_.upper_bound(key);
    if (after != pending_timelines_.begin()) {
      const Row& row = *std::prev(after)->second;
      if (std::string_view(row.key).starts_with(prefix)) return std::optional<Row>(row);
    }
  }
  return base_->LastAtOrBefore(family, prefix, key);
}

}  // namespace anamnesis
