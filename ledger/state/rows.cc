#include "ledger/state/rows.h"

#include "ledger/base/check.h"

namespace anamnesis {

std::string_view FamilyName(Family family) {
  constexpr std::array<std::string_view, kFamilies> kNames = {"meta",      "leaves",    "bodies",        "tiles",
                                                              "event_ids", "streams",   "stream_events", "type_events",
                                                              "edges",     "authority", "corrections",   "timelines"};
  const auto number = static_cast<size_t>(family);
  CHECK(number < kNames.size());
  return kNames[number];
}

void RowOverlay::Put(Family family, std::string key, std::string value) {
  pending_[static_cast<size_t>(family)].insert_or_assign(std::move(key), std::move(value));
}

void RowOverlay::PutUnread(Family family, std::string key, std::string value) {
  unread_.push_back({family, std::move(key), std::move(value)});
}

std::vector<Row> RowOverlay::Take() {
  std::vector<Row> rows = std::move(unread_);
  unread_.clear();
  for (size_t family = 0; family < kFamilies; ++family) {
    auto& pending = pending_[family];
    while (!pending.empty()) {
      auto node = pending.extract(pending.begin());
      rows.push_back({static_cast<Family>(family), std::move(node.key()), std::move(node.mapped())});
    }
  }
  return rows;
}

StatusOr<std::optional<std::string>> RowOverlay::Get(Family family, std::string_view key) const {
  const auto& pending = pending_[static_cast<size_t>(family)];
  if (const auto found = pending.find(key); found != pending.end()) return std::optional<std::string>(found->second);
  return base_.Get(family, key);
}

StatusOr<std::optional<Row>> RowOverlay::LastAtOrBefore(Family family, std::string_view prefix,
                                                        std::string_view key) const {
  ASSIGN_OR_RETURN(std::optional<Row> stored, base_.LastAtOrBefore(family, prefix, key));
  const auto& pending = pending_[static_cast<size_t>(family)];
  auto after = pending.upper_bound(key);
  if (after == pending.begin()) return stored;
  const auto& [pending_key, pending_value] = *std::prev(after);
  if (!std::string_view(pending_key).starts_with(prefix)) return stored;
  if (stored.has_value() && stored->key > pending_key) return stored;
  return std::optional<Row>(Row{family, pending_key, pending_value});
}

}  // namespace anamnesis
